"""What is written of this program, beside what is so.

DESIGN, HACKING, README and the manuals name files, rooms, invariants and lines
of the log.  Whoever adds, renames or removes one of these is told here.
"""

import glob
import os
import re

import pytest

from daemon import HERE

TOP = os.path.dirname(HERE)
DOCUMENTS = ["DESIGN", "HACKING", "README"]
PAGES = ["man/pop3d.8", "man/pop3ctl.8", "man/pop3d.conf.5",
         "man/pop3d-hosts.7", "man/pop3d-moving.7", "man/pop3sasl.8",
         "man/pop3settings.8",
         "man/pop3web.8"]
ROOMS = ["common", "session", "auth", "store", "ctl", "configtest", "sasl",
         "keys", "listener", "settings", "web"]

# What stands for many files.
PATTERN = re.compile(r".*(NAME|\*|_openbsd\.c).*")


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8",
              errors="surrogateescape") as f:
        return f.read()


def sources(*directories):
    return sorted(os.path.relpath(path, TOP) for directory in directories
                  for path in glob.glob(os.path.join(TOP, directory,
                                                     "*.[ch]")))


PRODUCT = sources(".", *ROOMS)


def section(title):
    """What DESIGN says under a title."""
    found = re.search(r"^%s\n-+\n(.*?)(?=^[^\n]+\n--+\n|\Z)" % title,
                      read("DESIGN"), re.M | re.S)
    assert found, title
    return found.group(1)


# Invariants.

def invariants():
    return re.findall(r"^(I\d+) ", section("Invariants"), re.M)


def citations():
    """{number: a place where it is cited}."""
    found = {}
    for pattern in ("*", "man/*", "etc/*", "tests/**/*", "bench/**/*",
                    *(room + "/*" for room in ROOMS)):
        for path in glob.glob(os.path.join(TOP, pattern), recursive=True):
            path = os.path.relpath(path, TOP)
            if not os.path.isfile(os.path.join(TOP, path)) or re.match(
                    r"DESIGN$|pop3(d|ctl|sasl|settings|web)$|tests/formats/|"
                    r"tests/fuzz/(corpus|regress)/|.*\.pyc$", path):
                continue
            for number in re.findall(r"(?<![\w/.-])(I\d+)\b", read(path)):
                found.setdefault(number, path)
    return found


def test_invariants_are_numbered_from_one_on():
    found = invariants()
    assert found == ["I%d" % n for n in range(1, len(found) + 1)]
    assert len(found) >= 14


def test_cited_invariants_exist():
    found = citations()
    assert len(found) > 10  # else they are not found where they are
    missing = {number: path for number, path in found.items()
               if number not in invariants()}
    assert not missing


# Files and rooms.

def named_files(document):
    """The words that look like files of this tree."""
    text = re.sub(r"<[\w.]+>", "", read(document))  # <db.h>
    words = re.findall(r"(?<![\w./~*-])[/\w-]*\w\.(?:c|h|py)\b(?!\w)", text)
    words += re.findall(r"(?<![\w./])(?:%s|tests|bench|man|etc|\.ci)/[\w./-]*"
                        % "|".join(ROOMS), text)
    words += re.findall(r"\b(?:README|DESIGN|HACKING|NEWS|LICENSE)\b", text)
    return sorted({word.rstrip(".") for word in words})


def exists(name):
    """By its path; or by its name alone, in whichever room it is."""
    if PATTERN.fullmatch(name) or os.path.exists(os.path.join(TOP, name)):
        return True
    return "/" not in name and any(
        os.path.basename(path) == name
        for path in PRODUCT + sources("tests/unit"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_named_files_exist(document):
    found = named_files(document)
    assert len(found) > 5
    assert [name for name in found if not exists(name)] == []


def test_rooms_are_described():
    """Every directory that is kept here, but for those of data."""
    text = section("Processes")
    for path in glob.glob(os.path.join(TOP, "*/")) + \
            glob.glob(os.path.join(TOP, ".ci/")) + \
            glob.glob(os.path.join(TOP, "tests/*/")) + \
            glob.glob(os.path.join(TOP, "bench/*/")):
        name = os.path.relpath(path, TOP)
        if os.path.basename(name) in ("build", "__pycache__"):
            continue
        pattern = r"(?<![\w/])%s(?!\w)" % re.escape(name)
        assert re.search(pattern, text), name


def test_rooms_of_the_readme():
    text = read("README")
    for name in [*ROOMS, "etc", "man", "tests", "bench"]:
        assert re.search(r"^ +.*\b%s/" % name, text, re.M), name


# The store, as it is drawn.

def drawn_store():
    """{file: its line in the drawing}, the lowest one greatest."""
    lines = re.findall(r"^    ((?:\w+\.c +)+)", section("The store"), re.M)
    return {name: n for n, line in enumerate(lines) for name in line.split()}


def header_of(name):
    """watch_linux.c has watch.h."""
    own = name[:-2] + ".h"
    if os.path.exists(os.path.join(TOP, "store", own)):
        return own
    return name.rpartition("_")[0] + ".h"


def test_drawing_has_every_file_of_the_store():
    assert sorted(drawn_store()) == sorted(
        os.path.basename(path) for path in sources("store")
        if path.endswith(".c"))


def test_store_uses_what_is_below():
    drawn = drawn_store()
    level = {header_of(name): line for name, line in drawn.items()}
    faults = []
    for name, line in drawn.items():
        own = header_of(name)
        text = read("store/" + name) + read("store/" + own)
        for used in re.findall(r'^#include "store/(\w+\.h)"', text, re.M):
            if used != own and used in level and level[used] <= line:
                faults.append("%s uses %s" % (name, used))
    assert not faults


def test_versions_are_told():
    """DESIGN's and NEWS's formats are those of the code."""
    def version(path):
        return re.search(r"^#define VERSION\s+(\d+)$", read(path),
                         re.M).group(1)
    found = dict(re.findall(r"^    (index\.db|seal|accounts\.db|journal|factors/)"
                            r".*? (\d) ",
                            section("Formats"), re.M))
    assert found == {"index.db": version("store/entry.c"),
                     "seal": version("store/seal.c"),
                     "accounts.db": version("auth/record.c"),
                     "factors/": version("auth/factors.c"),
                     "journal": version("store/journal.c")}
    news = read("NEWS")
    present = re.search(r'POP3D_VERSION "(.*)"',
                        read("common/version.h")).group(1)
    newest, formats = re.search(
        r"^(\d\S*)\n-+\nformats: (.*?)\.", news, re.M | re.S).groups()
    assert newest == present
    assert dict(word.split() for word in formats.split(", ")) == {
        "index": found["index.db"], "seal": found["seal"],
        "accounts": found["accounts.db"], "journal": found["journal"],
        "factors": found["factors/"]}


def test_files_of_the_index_are_in_the_manual():
    names = re.findall(r'^#define INDEX_\w+\s+"([\w.]+)"',
                       read("store/index.h"), re.M)
    assert "index.db" in names
    names += re.findall(r'^#define JOURNAL_\w+\s+"([\w.]+)"',
                        read("store/journal.h"), re.M)
    assert "journal.old" in names
    for name in [*names, "lock", "reserve"]:
        assert re.search(r'"%%s/%s"|"%s"' % (name, name), "".join(
            read(path) for path in sources("store"))), name
        assert "\n.It Pa Maildir/pop3d/%s\n" % name in read("man/pop3d.8")


# The log, in DIAGNOSTICS.

LOGGING = ("man/pop3d.8", "man/pop3sasl.8", "man/pop3settings.8",
           "man/pop3web.8")


def diagnostics_source():
    return "".join(re.search(
        r"^\.Sh DIAGNOSTICS\n(.*?)^\.Sh ", read(page),
        re.M | re.S).group(1) for page in LOGGING)


def diagnostics():
    text = diagnostics_source()
    text = re.sub(r"^\.\S+", " ", text, flags=re.M)
    text = re.sub(r"\b(Li|Ar|Ns|Cm|Ic|Pa|Pq|Xr)\b", " ", text)
    return re.sub(r'[\s"]+', " ", text)


def literals(text):
    """The strings of an argument, joined as C does it."""
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text))


def calls(path, name):
    """The first string in each call of a function."""
    return calls_in(read(path), name)


def calls_in(text, name):
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    for found in re.finditer(r"\b%s\(" % name, text):
        argument = re.match(
            r'[^";{}]*?((?:"(?:[^"\\]|\\.)*"\s*)+)', text[found.end():], re.S)
        if argument:
            yield literals(argument.group(1))


def words(text):
    return re.findall(r"[a-z0-9/'-]+", text.lower())


def fixed_parts(form):
    """What is the same in each line of a format, as lists of words: those of
    several words, if there are some."""
    parts = [words(part) for part in re.split(
        r"%[-+0-9.*]*(?:ll|l|z)?[a-zA-Z]|[;:?,`]|\\n", form)]
    parts = [part for part in parts if any(len(word) > 2 for word in part)]
    return [part for part in parts if len(part) > 1] or parts


LOGGED = [path for path in PRODUCT if path.endswith(".c") and
          not path.startswith("configtest")]


def log_lines():
    """{format: the file that logs it}."""
    found = {}
    for path in LOGGED:
        for name in ("log_warn", "log_info", "ledger_complain",
                     "mailbox_trouble"):
            for form in calls(path, name):
                found.setdefault(form, path)
    # What auth logs of accounts, in sentences that pop3ctl prints as well.
    # Those of changes come behind, and are pop3ctl's alone.
    reading = re.split(r"\n\w+\(struct accounts_edit \*",
                       read("auth/accounts.c"))[0]
    for form in calls_in(reading, "error_set"):
        found.setdefault(form, "auth/accounts.c")
    # What a session took, whose lines are put together piece by piece.
    for word in re.findall(r'"(\w+)"', re.search(
            r"^taken_word\(.*?^\}", read("store/report.c"),
            re.M | re.S).group(0)):
        found[word + ": user=%s peer=%s"] = "store/report.c"
    # What the administrator can do, in sentences of their own.
    mend = re.search(r"^mend\(int error\)\n\{(.*?)^\}", read(
        "store/ledger.c"), re.M | re.S).group(1)
    for sentence in re.findall(r"return ((?:\"[^\"]*\"\s*)+);", mend):
        found.setdefault(literals(sentence), "store/ledger.c")
    return found


def test_every_line_of_the_log_is_explained():
    """By some part of it, in its own words."""
    text = " %s " % " ".join(words(diagnostics()))
    found = log_lines()
    assert len(found) > 40  # else they are not found where they are
    assert {"ctl", "sasl", "auth", "session", "store", "common"} <= {
        os.path.dirname(path) for path in found.values()}
    assert {"deleted: user=%s peer=%s", "retained: user=%s peer=%s"} <= set(
        found)
    assert {line: path for line, path in found.items()
            if fixed_parts(line) and not any(
                " %s " % " ".join(part) in text
                for part in fixed_parts(line))} == {}


def fields(form):
    """{the words before the first field: the fields' names in order}."""
    found = re.match(r"([\w ]+: )?(?=[\w-]+=)", re.sub("%s", "", form))
    if not found or not found.group(1):
        return None
    return found.group(1), re.findall(r"(?<![\w-])([a-z-]+)=", form)


def test_every_field_of_the_log_is_explained():
    """The tags in DIAGNOSTICS have all fields of a line, in their order."""
    tags = [fields(tag) for tag in re.findall(
        r"^\.It Li (.*=.*)$", diagnostics_source(), re.M)]
    lines = [fields(line) for line in log_lines() if fields(line)]
    assert len(lines) >= 6  # else they are not found where they are
    for begin, names in lines:
        assert any(begin == tag and names == of_tag[:len(names)] and
                   set(of_tag[len(names):]) <= {
                       "service", "lip", "local-name", "app-password"}
                   for tag, of_tag in filter(None, tags)), (begin, names)


def test_every_denial_is_explained():
    found = re.findall(r'^\t\[DENIAL_\w+\] = "(.*)",$',
                       read("auth/denial.c"), re.M)
    assert {"unknown", "password", "off"} <= set(found)
    text = re.search(r"^\.It Li login refused: .*?^\.El\n", read(
        "man/pop3d.8"), re.M | re.S).group(0)
    assert {word for tag in re.findall(r"^\.It Li (\S+(?: , \S+)*)$", text,
                                       re.M) for word in tag.split(" , ")} == \
        set(found) - {"none"}


def reasons():
    """Why a session ended: words for the log, set in the code."""
    found = {}
    for path in LOGGED:
        text = read(path)
        for pattern in (r'reason = "([a-z-]+)"',
                        r'stream_ended\([^;]*?"([a-z-]+)"',
                        r'stream_ended\([^;]*? : "([a-z-]+)"',
                        r'(?:store_end|end_together)\([^;]*?"([a-z-]+)"',
                        r'(?:store_end|end_together)\([^;]*?:\s*"([a-z-]+)"',
                        r'return "([a-z-]+)";'):
            for reason in re.findall(pattern, text, re.S):
                if path.startswith(("session/", "sasl/", "settings/")) or \
                        path == "store/store.c":
                    found.setdefault(reason, path)
    for reason in re.findall(r'#define STOP_\w+\s+"(\w+)"',
                             read("common/stop.h")):
        found[reason] = "common/stop.h"
    return found


def test_every_reason_is_explained():
    text = diagnostics()
    found = reasons()
    assert {"quit", "disconnected", "timeout", "stopped", "session-gone",
            "no-handshake", "bad-marks"} <= set(found)
    assert {reason: path for reason, path in found.items()
            if not re.search(r"(?<![\w-])%s(?![\w-])" % reason, text)} == {}


# How it is written.

@pytest.mark.parametrize("document", [*DOCUMENTS, "NEWS"])
def test_lines_fit_a_terminal(document):
    assert [line for line in read(document).split("\n")
            if len(line) > 78 or line != line.rstrip()] == []


def test_design_is_short():
    """Short enough to be read, and so to stay true."""
    assert read("DESIGN").count("\n") <= 460
    assert read("HACKING").count("\n") <= 150


def test_one_way_to_write_it():
    """cannot, not in two words."""
    two_words = re.compile(r"\bcan" + r"\s+(?:\*\s+)?not\b")
    assert [path for path in [*PRODUCT, *PAGES, *DOCUMENTS, "NEWS"]
            if two_words.search(read(path))] == []
