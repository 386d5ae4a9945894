"""The tables of commands, settings and keywords, the manual pages and the
completion of bash: each says what the others say."""

import os
import re
import subprocess

import pytest

from daemon import NEW_ACCOUNT, POP3CTL, POP3D

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def read(*path):
    with open(os.path.join(TOP, *path)) as f:
        return f.read()


# What the programs say.

def ctl_help(*words):
    done = subprocess.run([POP3CTL, "help", *words], text=True,
                          capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def commands():
    """{name, of one word or two: how it is used}."""
    found = {}
    for line in ctl_help().splitlines():
        if line.startswith("usage:"):
            name, usage = re.fullmatch(
                r"usage: pop3ctl \[-f FILE\] ([a-z-]+(?: [a-z]+)?)( .*)?",
                line).groups()
            assert name not in found
            found[name] = (usage or "").strip()
    return found


COMMANDS = commands()


def options(command):
    """{letter and value: what it means} of the command's help."""
    return dict(re.findall(r"^  -(\S(?: [A-Z]+)?)\n      (.+)$",
                           ctl_help(*command.split()), re.M))


def settings():
    """{key: the values that it can be given}."""
    return dict(re.findall(r"^  ([a-z-]+)=(\S+)\n      \S.+$",
                           ctl_help("set"), re.M))


def keywords():
    """[(name, second word, default, largest number)] of the keywords."""
    table = re.search(r"keywords\[\] = \{\n(.*?)\n\};", read(
        "common", "conf.c"), re.S).group(1)
    rows = re.findall(r"\{ (.*?) \}", table.replace("\n", " "))
    found = []
    for row in rows:
        name, second, rest = re.match(
            r'"(.*?)", (?:"(.*?)"|NULL), ".*?", \d, \d+, (.*)', row).groups()
        preset, largest = re.search(
            r'(?:"(.*)"|NULL),\s+(\w+)$', rest).groups()
        found.append((name, second, preset, number(largest)))
    return found


def number(word):
    """What the table says in digits, or by a name of conf.h."""
    if not word.isdigit():
        word = re.search(r"^#define %s\s+(\d+)" % word, read(
            "common", "conf.h"), re.M).group(1)
    return int(word)


def keyword_usage(tmp_path, name):
    """How pop3d says that a line with this keyword is written."""
    conf = tmp_path / "conf"
    conf.write_text(name + "\n")
    done = subprocess.run([POP3D, "-n", "-f", str(conf)], text=True,
                          capture_output=True)
    return re.match(r"\S+:1: write: (.*)\n", done.stderr).group(1)


# What the manual pages say.

def plain(line):
    """A line of mdoc(7) as usage: Cm add Ar address Op Fl P."""
    out, rest = [], line.split()
    optional = False
    while rest:
        word = rest.pop(0)
        if word == "Ar":
            out.append(rest.pop(0).upper())
        elif word == "Fl":
            out.append("-" + rest.pop(0))
        elif word == "Op":
            out.append("[")
            optional = True
        elif word in ("Oo", "Oc"):
            out.append("[" if word == "Oo" else "]")
        elif word not in ("Cm", "Ic"):
            out.append(word)
    if optional:
        out.append("]")
    text = re.sub(r" Ns ", "", " ".join(out))
    return re.sub(r"\[ ", "[", re.sub(r" \]", "]", text))


def arguments_after(line):
    """The same, where several words may stand behind one Ar."""
    words, out, argument = line.split(), [], False
    for word in words:
        if word in ("Ar", "Fl", "Cm", "Ic", "Op", "Oo", "Oc", "Ns"):
            argument = word == "Ar"
        elif argument and re.fullmatch(r"[.a-z]+", word):
            out += ["Ar"] if out[-1] != "Ar" else []
        out.append(word)
    return plain(" ".join(out))


def items(page, macro):
    """The tags of a manual page that begin with this macro, as usage."""
    return [arguments_after(tag) for tag in re.findall(
        r"^\.It (%s .*)$" % macro, read("man", page), re.M)]


def entry(page, tag):
    """What stands below a tag."""
    text = read("man", page)
    start = text.index(".It " + tag + "\n")
    return text[start:].split("\n.It ", 1)[0]


def compact(text):
    return re.sub(r"\s*\|\s*", "|", text)


# Commands.

def test_manual_has_every_command():
    found = {compact(tag) for tag in items("pop3ctl.8", "Cm")
             if not re.match(r"[a-z-]+=", tag)}
    assert found == {compact((name + " " + usage).strip())
                     for name, usage in COMMANDS.items()}


def test_every_command_has_a_sentence():
    for name in COMMANDS:
        text = ctl_help(*name.split())
        usage, empty, what = text.splitlines()[:3]
        assert usage == ("usage: pop3ctl [-f FILE] %s %s" % (
            name, COMMANDS[name])).strip()
        assert empty == "" and re.fullmatch(r"[A-Z].*\.", what)
        assert what in ctl_help()


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_in_the_usage_and_the_manual(name):
    usage = COMMANDS[name]
    assert set(re.findall(r"-(\S(?: [A-Z]+)?)(?=[]|]|$)", usage)) == \
        set(options(name))
    tag = next(tag for tag in re.findall(
        r"^\.It (Cm .*)$", read("man", "pop3ctl.8"), re.M)
        if arguments_after(tag).split()[:len(name.split())] == name.split())
    text = entry("pop3ctl.8", tag) + read("man", "pop3ctl.8").split(
        ".It " + tag + "\n", 1)[1].split("\n.It Cm ", 1)[0]
    for option in options(name):
        assert re.search(r"\bFl %s\b" % option[0], text), option
    assert set(re.findall(r"\bFl (\w)", text)) <= {
        option[0] for option in options(name)}


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_taken(server, name):
    """The letters are known to the command, and no others are."""
    words = name.split()
    known = {option[0] for option in options(name)}
    if not known:
        return
    for letter in "abcdefghijklmnopqrstuvwxyz" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        done = server.ctl(*words, "-" + letter, "value", "no@such.example",
                          "more", "and more", check=False)
        if letter not in known:
            assert done.returncode == 2, letter
        assert done.returncode != 0


def test_one_word_for_several_commands():
    """help app-password tells of all of them; with a second word, of one."""
    several = [name for name in COMMANDS if name.startswith("app-password ")]
    text = ctl_help("app-password")
    assert len(several) == 3 and text == "\n".join(
        ctl_help(*name.split()) for name in several)


@pytest.mark.parametrize("words", [
    ["nonsense"], ["ad"], ["app-password", "nonsense"],
    ["app-password", "add", "x"], ["-x"]], ids=" ".join)
def test_no_help(words):
    done = subprocess.run([POP3CTL, "help", *words], text=True,
                          capture_output=True)
    assert done.returncode == 2 and done.stdout == ""
    assert "pop3ctl help COMMAND" in done.stderr or "usage:" in done.stderr


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_by_an_option(option):
    for words in [option], ["-f", "/nonexistent", option]:
        done = subprocess.run([POP3CTL, *words], text=True,
                              capture_output=True)
        assert (done.returncode, done.stdout, done.stderr) == (
            0, ctl_help(), "")


@pytest.mark.parametrize("words", [
    ["add"], ["list", "x"], ["show", "-x", "a@b.example"], ["index"],
    ["check", "-a", "a@b.example"], ["requeue", "a@b.example"],
    ["app-password", "add", "a@b.example"]], ids=" ".join)
def test_usage_needs_no_configuration(words):
    done = subprocess.run([POP3CTL, "-f", "/nonexistent", *words], text=True,
                          capture_output=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: pop3ctl [-f FILE] " + words[0] in done.stderr


def test_help_needs_no_configuration():
    done = subprocess.run([POP3CTL, "-f", "/nonexistent", "help", "add"],
                          text=True, capture_output=True)
    assert done.returncode == 0 and done.stdout == ctl_help("add")


# Settings.

def test_settings_in_the_manual():
    found = {compact(tag) for tag in items("pop3ctl.8", "Cm")
             if re.match(r"[a-z-]+=", tag)}
    assert found == {"%s=%s" % pair for pair in settings().items()}


def presets():
    """{key: its value in a new account}, of those that have one."""
    return dict(re.findall(
        r"^  ([a-z-]+)=\S+\n      \S.+\n      Default: (\S+)$",
        ctl_help("set"), re.M))


def test_defaults_of_settings(server):
    """What help says, a new account has, and the manual says, too."""
    server.ctl("add", "-P", "new@tables.example")
    shown = dict(line.split("=", 1) for line in server.ctl(
        "show", "new@tables.example").stdout.splitlines())
    found = presets()
    assert found == NEW_ACCOUNT
    assert set(found) == set(settings()) - {"password", "owner", "maildir"}
    for key, value in found.items():
        assert shown[key] == value
        text = re.search(r"^\.It Cm %s Ns = .*?(?=^\.It |^\.El)" % key, read(
            "man", "pop3ctl.8"), re.M | re.S).group()
        assert "\nDefault:\n.Cm %s .\n" % value in text


def test_the_bound_of_keep(server, account):
    """What the manual says can be set, and no more."""
    text = re.search(r"^\.It Cm keep Ns = .*?(?=^\.It )",
                     read("man", "pop3ctl.8"), re.M | re.S).group()
    largest = int(re.search(r"at most\s([\d,]+)", text).group(1).replace(
        ",", ""))
    server.ctl("set", account.address, "keep=%d" % largest)
    done = server.ctl("set", account.address, "keep=%d" % (largest + 1),
                      check=False)
    assert done.returncode == 1


def test_settings_in_messages(server):
    server.ctl("add", "-P", "tables@example.com")
    done = server.ctl("set", "tables@example.com", "nonsense=x", check=False)
    listed = done.stderr.split("there are ", 1)[1].strip()
    assert re.split(r", | and ", listed) == list(settings())
    shown = server.ctl("show", "tables@example.com").stdout.splitlines()
    assert [line.split("=")[0] for line in shown[1:]] == list(settings())
    for key, values in settings().items():
        done = server.ctl("set", "tables@example.com", key + "=?",
                          check=False)
        if "|" in values:
            assert re.split(r", | or ", done.stderr.split(
                "it can be ", 1)[1].strip()) == values.split("|")


# The completion of bash.

def completed(*words):
    """What it offers where the next of these words of a command stands."""
    script = read("etc", "pop3ctl.bash-completion").replace(
        "complete -F", "true -F")
    done = subprocess.run(
        ["bash", "-c", script + '\n_pop3ctl_addresses() { :; }\n'
         '_pop3ctl_ask() { :; }\nn=$#\n_pop3ctl_words "$@"\n', "bash",
         *words], text=True, capture_output=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_completion_of_commands():
    first = {name.split()[0] for name in COMMANDS}
    assert set(completed()) == set(completed("help")) == first
    for name in COMMANDS:
        if " " in name:
            word = name.split()[0]
            assert {word + " " + second for second in completed(word)} == \
                {other for other in COMMANDS if other.startswith(word + " ")}
            assert set(completed("help", word)) == set(completed(word))


@pytest.mark.parametrize("name", COMMANDS)
def test_completion_of_options(name):
    offered = {word for n in range(3) for word in completed(
        *name.split(), *n * ["word"]) if word.startswith("-")}
    assert offered == {"-" + option[0] for option in options(name)}


def test_completion_of_settings():
    wanted = set()
    for key, values in settings().items():
        wanted |= {"%s=%s" % (key, "" if value.isupper() else value)
                   for value in values.split("|")}
    assert set(completed("set", "word")) == wanted


# What POP3 has.

def in_tables(pattern):
    return {word for name in ("capa", "transaction", "authorization")
            for word in re.findall(pattern, read("session", name + ".c"))}


def test_commands_of_pop3_in_dictionaries():
    """The fuzz targets that speak as clients do know all of them."""
    found = in_tables(r'\{ "([A-Z]+)", TAKES_')
    assert {"RETR", "AUTH", "QUIT"} <= found
    for dictionary in "session.dict", "line.dict":
        text = read("tests", "fuzz", dictionary)
        for word in found:
            assert re.search(r'"%s[ "\\]' % word, text), (dictionary, word)


def test_capabilities_in_the_manual():
    found = in_tables(r'TAKES_\w+, \w+, "([^"]+)"')
    table = re.search(r"of_the_server\[\] = \{(.*?)NULL", read(
        "session", "capa.c"), re.S).group(1)
    found |= set(re.findall(r'"([^"]+)"', table))
    assert {"TOP", "UIDL", "PIPELINING", "EXPIRE NEVER"} <= found
    standards = read("man", "pop3d.8").split(".Sh STANDARDS\n")[1].split(
        "\n.Sh ")[0]
    for capability in found - {"USER"}:
        assert re.search(r"\b%s\b" % capability.split()[0], standards), \
            capability


# Keywords.

def expanded(usage):
    """{each line of a usage, where a choice is made in the second word}."""
    name, second, *rest = usage.split()
    if not re.fullmatch(r"[a-z|]+", second):
        return {usage}
    return {" ".join([name, word, *rest]) for word in second.split("|")}


def test_keywords_in_tests():
    """Of the parser, and the words that its fuzz target plays with."""
    unit = read("tests", "unit", "test_conf.c")
    every = unit[unit.index("every_keyword[] ="):]
    every = every[:every.index(";\n")]
    dictionary = read("tests", "fuzz", "conf.dict")
    for name, second, _, _ in keywords():
        words = name + " " + (second or "")
        assert '"' + words in every, words
        assert '"' + name + " " in dictionary, name
        assert second is None or second in dictionary, second


def test_keywords_in_the_manual(tmp_path):
    found = set()
    for tag in items("pop3d.conf.5", "Ic"):
        found |= expanded(compact(tag))
    wanted = set()
    for name, second, _, _ in keywords():
        usages = expanded(keyword_usage(tmp_path, name))
        assert second is None or any(
            usage.split()[1] == second for usage in usages)
        wanted |= usages
    assert found == wanted
    assert len(keywords()) >= len(found)


@pytest.mark.parametrize("row", keywords(),
                         ids=lambda row: "-".join(filter(None, row[:2])))
def test_defaults_and_bounds_in_the_manual(row):
    name, second, preset, largest = row
    text = "".join(re.findall(
        r"^\.It Ic %s%s[ \n].*?(?=^\.It |^\.El)" % (
            name, " Cm (?:\\w+ \\| )*" + second if second else ""),
        read("man", "pop3d.conf.5"), re.M | re.S))
    assert text
    if preset is not None:
        assert re.search(r"(Default:|the default)", text)
        assert re.search(r"(?<![\w/])%s(?!\w)" % re.escape(preset), text)
    if largest and name != "outgoing":
        assert re.search(r"\b%d\b" % largest, text)


def test_the_sample_has_the_defaults():
    """Its last part is what counts if nothing is said."""
    rest = read("etc", "pop3d.conf").split("The rest has good defaults")[1]
    for name, second, preset, _ in keywords():
        if preset is not None and name != "maildir":
            line = " ".join(filter(None, ["#" + name, second, preset]))
            assert "\n%s\n" % line in rest
    sample = read("etc", "pop3d.conf")
    for line in re.findall(r"^#?([a-z-]+)(?= [^ ])", sample, re.M):
        assert line in {row[0] for row in keywords()}


# pop3d itself.

def test_options_of_pop3d():
    done = subprocess.run([POP3D, "-?"], text=True, capture_output=True)
    usage = re.fullmatch(r"usage: pop3d (.*)\n", done.stderr).group(1)
    letters = set(re.findall(r"-(\w+)", usage)[0])
    letters |= {word[0] for word in re.findall(r"-(\w) ", usage)}
    page = read("man", "pop3d.8")
    assert letters == set(re.findall(r"^\.It Fl (\w)", page, re.M))
    assert letters == set(re.findall(r"^\.?(?:\.Op )?.*?Fl (\w)", re.search(
        r"\.Sh SYNOPSIS\n(.*?)\.Sh", page, re.S).group(1), re.M))
