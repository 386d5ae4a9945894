"""pop3ctl: each command, its options, what it says and how it exits.

What the settings do to sessions is in test_policy.py, import and export are
in test_transfer.py.
"""

import json
import os
import plistlib
import pty
import pwd
import re
import select
import shutil
import signal
import stat
import subprocess
import time
import uuid
import xml.etree.ElementTree as xml

import pytest

import processes
import seal
from daemon import NEW_ACCOUNT, POP3CTL, ROOT, SANITIZED, wait_until
from maildir import Maildir, message
from pop3 import plain, wire
from test_tables import commands


def failed(server, *arguments, stdin=""):
    """Exit status 1 and one line on standard error, which is returned."""
    done = server.ctl(*arguments, stdin=stdin, check=False)
    assert done.returncode == 1, done
    found = re.fullmatch(r"pop3ctl: ([^\n]*)\n", done.stderr)
    assert found, done.stderr
    return found.group(1)


def show(server, address):
    """{key: value} as show prints them."""
    lines = server.ctl("show", address).stdout.splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def no_account(server, address):
    done = server.ctl("show", address, check=False)
    return done.returncode == 1 and "no account" in done.stderr


# Usage.

@pytest.mark.parametrize("arguments", [
    [], ["-x"], ["nonsense"], ["ad"], ["add"], ["add", "a@b.example", "c"],
    ["add", "-x", "a@b.example"], ["add", "a@b.example", "-m"],
    ["add", "-p", "secret", "a@b.example"],
    ["delete"], ["delete", "a@b.example", "c@d.example"],
    ["list", "x"], ["list", "-x"], ["show"], ["show", "-j"],
    ["show", "a@b.example", "c@d.example"], ["passwd"],
    ["passwd", "a@b.example", "secret"], ["set"], ["set", "a@b.example"],
    ["app-password"], ["app-password", "add"],
    ["app-password", "add", "a@b.example"],
    ["app-password", "add", "a@b.example", "label", "secret"],
    ["app-password", "list"], ["app-password", "list", "a@b.example", "x"],
    ["app-password", "revoke", "a@b.example"],
    ["app-password", "nonsense", "a@b.example", "x"],
    ["queue"], ["queue", "-x", "a@b.example"], ["queue", "a", "b"],
    ["requeue"], ["requeue", "a@b.example"], ["requeue", "-a"],
    ["requeue", "-a", "a@b.example", "uidl"], ["index"], ["check"],
    ["index", "-a", "a@b.example"], ["check", "-a", "a@b.example"],
    ["index", "-x"], ["client-settings"], ["client-settings", "-x"],
    ["client-settings", "a", "b"], ["import"], ["import", "a", "b"],
    ["export", "x"], ["help", "a", "b", "c"]], ids=" ".join)
def test_usage(server, arguments):
    done = server.ctl(*arguments, stdin="secret\n", check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    names = {name.split()[0] for name in commands()}
    assert {"add", "who"} <= names
    if arguments and arguments[0] in names:
        assert lines[-1].startswith("usage: pop3ctl [-f FILE] " + arguments[0])
    else:
        for command in names:
            assert re.search(r"pop3ctl \[-f FILE\] %s\b" % command,
                             done.stderr)


def test_configuration_missing(server, tmp_path):
    for path in ("/nonexistent/pop3d.conf", str(tmp_path)):
        done = subprocess.run([POP3CTL, "-f", path, "list"], text=True,
                              capture_output=True)
        assert done.returncode == 1
        assert re.fullmatch("pop3ctl: %s.*\n" % path, done.stderr)


def test_output_that_can_not_be_written(server, account):
    for command in (["list"], ["show", account.address], ["export"],
                    ["queue", account.address], ["client-settings",
                                                 account.address]):
        account.maildir.deliver(message())
        with open("/dev/full", "wb") as full:
            done = subprocess.run([POP3CTL, "-f", server.conf] + command,
                                  stdout=full, stderr=subprocess.PIPE)
        assert done.returncode == 1, command
        assert b"standard output" in done.stderr


# Addresses.

BAD_ADDRESSES = [
    "", "@", "local", "local@", "@domain.example", "a@b@domain.example",
    "a@@domain.example", "a/b@domain.example", "/@domain.example",
    "..@domain.example", ".@domain.example", ".a@domain.example",
    "a.@domain.example", "a..b@domain.example", "../../x@domain.example",
    "a@..", "a@.", "a@.example", "a@domain..example", "a@domain.example.",
    "a@../domain", "a@domain/x", "a@-domain.example", "a b@domain.example",
    "a\tb@domain.example", "a\nb@domain.example", "a:b@domain.example",
    "a@domain example", "a,b@domain.example", "<a@domain.example>",
    "\"a\"@domain.example", "a\\b@domain.example", "\u00f6@domain.example",
    "a@d\u00f6main.example", "a;b@domain.example", "a@[127.0.0.1]",
    "a@domain_x.example", 65 * "a" + "@domain.example",
    "a@" + 253 * "d", 64 * "a" + "@" + 190 * "d", 10000 * "a" + "@d.example"]


@pytest.mark.parametrize("address", BAD_ADDRESSES,
                         ids=lambda a: ascii(a)[:40])
def test_bad_addresses(server, account, address):
    before = server.ctl("list").stdout
    failed(server, "add", "-P", "--", address)
    assert server.ctl("list").stdout == before


@pytest.mark.parametrize("address", [
    "a@b", "a.b.c@domain.example", "a+tag@domain.example", "0@0.example",
    "!#$%&'*+=?^_`{|}~x@domain.example", "a@xn--dmain-jua.example",
    64 * "a" + "@" + 189 * "d"], ids=lambda a: ascii(a)[:40])
def test_good_addresses(server, address):
    server.ctl("add", "-P", address)
    assert show(server, address)["address"] == address
    server.ctl("delete", address)


@pytest.mark.parametrize("command", [
    ["show"], ["passwd"], ["delete"], ["set", "access=off"],
    ["queue"], ["requeue", "uidl"], ["index"], ["check"],
    ["client-settings"], ["app-password", "add", "x"],
    ["app-password", "list"], ["app-password", "revoke", "x"]],
    ids=" ".join)
@pytest.mark.parametrize("address", ["you@exmaple.com", "a\nb@c.example"],
                         ids=ascii)
def test_no_such_account(server, account, command, address):
    """It is said, with the mend; before a password is asked for."""
    words = 2 if command[0] == "app-password" else 1
    error = failed(server, *command[:words], address, *command[words:])
    assert error.startswith("no account ")
    assert "`pop3ctl list' shows them" in error


# add, passwd, delete.

def test_add(server):
    server.ctl("add", "added@example.com", stdin="secret\n")
    assert show(server, "added@example.com") == {
        **NEW_ACCOUNT, "address": "added@example.com", "password": "yes",
        "owner": server.owner.pw_name,
        "maildir": server.mail + "/example.com/added/Maildir"}


def test_add_is_silent(server):
    done = server.ctl("add", "silent@example.com", stdin="secret\n")
    assert done.stdout == done.stderr == ""


def test_add_makes_the_maildir(server):
    """As its owner, and nobody else may look into it."""
    server.ctl("add", "-P", "made@made.example")
    path = server.mail + "/made.example/made/Maildir"
    for sub in ("", "/tmp", "/new", "/cur", "/..", "/../.."):
        status = os.stat(path + sub)
        assert status.st_uid == server.owner.pw_uid
        assert stat.S_IMODE(status.st_mode) == 0o700
    with open(path + "/new/1.host", "w") as f:
        f.write("mail\n")
    server.ctl("delete", "made@made.example")
    server.ctl("add", "-P", "made@made.example")
    assert os.listdir(path + "/new") == ["1.host"]


def test_add_where_no_maildir_can_be_made(server):
    """A warning says why; the account is there."""
    path = server.directory + "/db/file"
    with open(path, "w"):
        pass
    for maildir, why in ((path + "/Maildir", "Not a directory|Permission"),
                         ("/proc/nonexistent/x", "No such file")):
        done = server.ctl("add", "-P", "unmade@example.com", "-m", maildir)
        assert done.stdout == ""
        assert re.fullmatch(
            "pop3ctl: warning: unmade@example.com: %s could not make the "
            "Maildir %s: (%s).*; the account is there: mount its file "
            "system, or make its Maildir by another `pop3ctl add "
            "unmade@example.com', before the first login\n"
            % (server.owner.pw_name, maildir, why), done.stderr)
        assert show(server, "unmade@example.com")["maildir"] == maildir
        for command in ("queue", "index", "check"):
            assert "there is no Maildir %s: " % maildir in failed(
                server, command, "unmade@example.com") or ROOT
        again = server.ctl("add", "unmade@example.com", check=False)
        assert again.returncode == 1 and again.stdout == ""
        assert again.stderr == done.stderr
        server.ctl("delete", "unmade@example.com")


def test_add_twice(server):
    server.ctl("add", "twice@example.com", stdin="secret\n")
    error = failed(server, "add", "TWICE@example.com", stdin="other\n")
    assert "already" in error and "pop3ctl set" in error
    path = server.mail + "/example.com/twice/Maildir"
    Maildir(path, server.owner.pw_uid, server.owner.pw_gid)
    server.connect().login("twice@example.com")


def test_add_options_in_any_order(server):
    server.ctl("add", "-P", "order1@example.com", "-m", "/a b")
    server.ctl("add", "-m/a b", "order2@example.com", "-P")
    for address in ("order1@example.com", "order2@example.com"):
        found = show(server, address)
        assert found["maildir"] == "/a b" and found["password"] == "none"


@pytest.mark.parametrize("maildir", ["Maildir", "", "./x", "~/Maildir",
                                     "/" + 1023 * "x"], ids=lambda m: m[:9])
def test_add_bad_maildir(server, maildir):
    error = failed(server, "add", "-P", "-m", maildir, "bad@example.com")
    assert "absolute path" in error
    assert no_account(server, "bad@example.com")


@pytest.mark.parametrize("owner", [
    "root", "0", "0:0", "0:100", "100:0", "00:00", "-1:-1", "4294967295:1",
    "1:4294967295", "4294967296:1", "no-such-user", "", ":", "1:", ":1",
    "1:1:1", "1 :1"])
def test_bad_owners(server, account, owner):
    """Root owns no mailbox, nor does nobody at all."""
    for arguments in (["add", "-P", "-o", owner, "bad@example.com"],
                      ["set", account.address, "owner=" + owner]):
        error = failed(server, *arguments)
        assert "owner" in error or "user" in error
    assert no_account(server, "bad@example.com")
    assert show(server, account.address)["owner"] == server.owner.pw_name


def test_owners(server):
    server.ctl("add", "-P", "-o", "12345:23456", "numbers@example.com")
    assert show(server, "numbers@example.com")["owner"] == "12345:23456"
    server.ctl("set", "numbers@example.com",
               "owner=" + pwd.getpwnam("daemon").pw_name)
    assert show(server, "numbers@example.com")["owner"] == "daemon"


@pytest.mark.skipif(not ROOT, reason="everybody else owns what they add")
def test_no_owner(make_server):
    """Nothing is root's because nobody said whose it is."""
    server = make_server()
    with open(server.conf) as f:
        lines = [line for line in f if not line.startswith("owner")]
    with open(server.conf, "w") as f:
        f.writelines(lines)
    error = failed(server, "add", "-P", "a@example.com")
    assert "-o OWNER" in error and server.conf in error
    server.ctl("add", "-P", "-o", "daemon", "a@example.com")


@pytest.mark.parametrize("template, maildir", [
    ("/m/%d/%u", "/m/x.example/a.b"), ("/m/%a/", "/m/a.b@x.example/"),
    ("/m/100%%", "/m/100%"), ("/m", "/m"), ("~/Maildir", None)])
def test_maildir_template(make_server, template, maildir):
    server = make_server()
    with open(server.conf) as f:
        text = re.sub("(?m)^maildir .*$", "maildir " + template, f.read())
    with open(server.conf, "w") as f:
        f.write(text)
    server.ctl("add", "-P", "A.B@X.example", "-o", "daemon")
    home = pwd.getpwnam("daemon").pw_dir
    assert show(server, "a.b@x.example")["maildir"] == \
        (maildir or home + "/Maildir")


def test_delete(server, account):
    account.maildir.deliver(message())
    server.ctl("delete", account.address.upper())
    assert no_account(server, account.address)
    assert account.address not in server.ctl("list").stdout
    assert len(account.maildir.files()) == 1


def test_passwd(server, account):
    server.ctl("passwd", account.address, stdin="changed\n")
    account.password = "changed"
    account.login().quit()
    with server.connect() as pop:
        pop.ok("USER " + account.address)
        pop.err("PASS secret", "AUTH")


def test_database_is_roots_alone(server, account):
    path = server.directory + "/db/accounts.db"
    mode = os.stat(path)
    assert stat.S_IMODE(mode.st_mode) == 0o600
    assert mode.st_uid == os.geteuid()


def test_first_account_makes_the_directory(make_server):
    server = make_server()
    shutil.rmtree(server.directory + "/db")
    error = failed(server, "list")
    assert "pop3ctl add" in error
    server.ctl("add", "-P", "first@example.com")
    assert stat.S_IMODE(os.stat(server.directory + "/db").st_mode) == 0o700


# Passwords.

@pytest.mark.parametrize("stdin, password", [
    ("secret\n", "secret"), ("secret", "secret"), ("a\nb\n", "a"),
    (" blanks \n", " blanks "), ("pässwörd\n", "pässwörd"),
    (200 * "x" + "\n", 200 * "x")],
    ids=lambda s: ascii(s)[:20])
def test_password_is_the_first_line(server, account, stdin, password):
    server.ctl("passwd", account.address, stdin=stdin)
    account.password = password
    account.login().quit()


@pytest.mark.parametrize("stdin, error", [
    ("", "no password on standard input"), ("\n", "empty"),
    ("\nsecret\n", "empty"), (512 * "x" + "\n", "longer than 511"),
    (100000 * "x" + "\n", "longer than 511"), ("a\0b\n", "NUL")],
    ids=lambda s: ascii(s)[:20])
def test_bad_passwords(server, account, stdin, error):
    for arguments in (["passwd", account.address],
                      ["add", "bad@example.com"]):
        assert error in failed(server, *arguments, stdin=stdin)
    assert no_account(server, "bad@example.com")
    account.login().quit()


def test_longest_password(server, account):
    server.ctl("passwd", account.address, stdin=511 * "x" + "\n")
    with server.connect() as pop:
        pop.ok(b"AUTH PLAIN " + plain(account.address, 511 * "x"))
        pop.quit()


def test_the_second_line_is_left_for_others(server, account):
    done = subprocess.run(
        ["sh", "-c", "'%s' -f '%s' passwd %s && cat" % (
            POP3CTL, server.conf, account.address)],
        input=b"changed\nthe rest\n", capture_output=True)
    assert done.stdout == b"the rest\n", done.stderr


def test_no_password_on_the_command_line(server, account):
    error = failed(server, "set", account.address, "password=hunter2")
    assert "hunter2" not in error
    assert "pop3ctl passwd" in error
    account.login().quit()


def test_no_password_in_the_environment(server, account):
    """It is read from standard input whatever the environment says."""
    environment = dict(os.environ, PASSWORD="e", POP3CTL_PASSWORD="e",
                       PASS="e")
    done = subprocess.run(
        [POP3CTL, "-f", server.conf, "passwd", account.address],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode == 1
    assert b"no password on standard input" in done.stderr
    account.login().quit()


class Terminal:
    """pop3ctl on a terminal of its own."""

    def __init__(self, server, *arguments):
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(POP3CTL, [POP3CTL, "-f", server.conf] + list(arguments))

    def read(self):
        """False: that was all."""
        assert select.select([self.fd], [], [], 60)[0], self.seen
        try:
            data = os.read(self.fd, 4096)
        except OSError:
            data = b""
        self.seen += data
        return data != b""

    def expect(self, prompt):
        while prompt not in self.seen:
            assert self.read(), self.seen
        self.seen = self.seen.split(prompt, 1)[1]

    def type(self, text):
        os.write(self.fd, text)

    def interrupt(self, text):
        """Until it acts: readpassphrase(3) looks for a signal and then
        reads, and one that comes in between is seen at the next."""
        os.write(self.fd, text)
        while not select.select([self.fd], [], [], 1)[0]:
            os.write(self.fd, b"\x03")

    def end(self):
        """Returns (exit status, what was shown last)."""
        while self.read():
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]), \
            self.seen


def type_passwords(server, account, first, second):
    terminal = Terminal(server, "passwd", account.address)
    terminal.expect(b"assword: ")
    terminal.type(first + b"\n")
    terminal.expect(b"again: ")
    terminal.type(second + b"\n")
    return terminal.end()


def test_typed_twice_without_echo(server, account):
    status, shown = type_passwords(server, account, b"changed", b"changed")
    assert status == 0
    assert b"changed" not in shown
    account.password = "changed"
    account.login().quit()


def test_typed_differently(server, account):
    status, shown = type_passwords(server, account, b"changed", b"chagned")
    assert status == 1
    assert b"not the same" in shown
    assert b"ch" not in shown.replace(b"pop3ctl", b"")
    account.login().quit()


def test_nothing_typed(server, account):
    status, shown = type_passwords(server, account, b"", b"")
    assert status == 1 and b"empty" in shown
    account.login().quit()


def test_interrupted_at_the_prompt(server, account):
    terminal = Terminal(server, "passwd", account.address)
    terminal.expect(b"assword: ")
    terminal.interrupt(b"chang\x03")
    status, _ = terminal.end()
    assert status != 0
    account.login().quit()


def test_account_that_is_there_before_the_prompt(server, account):
    terminal = Terminal(server, "add", account.address)
    status, shown = terminal.end()
    assert status == 1
    assert b"already" in shown and b"assword:" not in shown


def test_unknown_account_before_the_prompt(server):
    terminal = Terminal(server, "passwd", "nobody@example.com")
    status, shown = terminal.end()
    assert status == 1
    assert b"no account nobody@example.com" in shown
    assert b"assword:" not in shown


# set, show, list.

SETTINGS = [("access", ["off", "all", "from-now"]),
            ("spam", ["exclude", "include", "only"]),
            ("auto-delete", ["yes", "no"]), ("keep", ["1", "36500", "forever"]),
            ("two-factor", ["on", "off"]),
            ("password", ["none"]), ("maildir", ["/x", "/c d"]),
            ("owner", ["daemon", "12345:23456"])]


@pytest.mark.parametrize("key, values", SETTINGS)
def test_set(server, account, key, values):
    before = show(server, account.address)
    for value in values:
        done = server.ctl("set", account.address, key + "=" + value)
        assert done.stdout == done.stderr == ""
        assert show(server, account.address) == dict(before, **{key: value})


@pytest.mark.parametrize("text, mend", [
    ("access=on", "off, all or from-now"), ("access=", "off, all"),
    ("access=ALL", "off, all"), ("spam=yes", "exclude, include or only"),
    ("auto-delete=true", "yes or no"), ("two-factor=yes", "on or off"),
    ("password=", "none"), ("maildir=x", "an absolute path"),
    ("maildir=", "an absolute path"), ("maildir=//", "an absolute path below /"),
    ("maildir=/" + 1023 * "x", "absolute"),
    ("owner=root", "not root"), ("colour=red", "there are access"),
    ("acces=all", "there are access"), ("=all", "there are access"),
    ("address=b@example.com", "there are access"), ("hash=x", "there are"),
    ("access", "KEY=VALUE"), ("", "KEY=VALUE"),
    ("access=\nx", "newline")], ids=lambda s: ascii(s)[:20])
def test_set_refuses(server, account, text, mend):
    before = server.ctl("export").stdout
    assert mend in failed(server, "set", account.address, text)
    assert server.ctl("export").stdout == before


@pytest.mark.parametrize("settings", [
    ["access=off", "spam=nonsense"], ["spam=nonsense", "access=off"],
    ["access=off", "two-factor=on", "owner=root"],
    ["password=none", "nonsense"]], ids=" ".join)
def test_set_all_or_nothing(server, account, settings):
    before = server.ctl("export").stdout
    failed(server, "set", account.address, *settings)
    assert server.ctl("export").stdout == before


def test_set_several(server, account):
    server.ctl("set", account.address, "access=off", "access=all",
               "spam=only", "two-factor=on")
    found = show(server, account.address)
    assert (found["access"], found["spam"], found["two-factor"]) == \
        ("all", "only", "on")


def test_what_show_prints_can_be_set(server, account):
    server.ctl("set", account.address, "spam=only", "auto-delete=no",
               "maildir=/with blanks/%", "password=none")
    found = show(server, account.address)
    del found["address"]
    server.ctl("set", account.address, "spam=include", "maildir=/x")
    server.ctl("set", account.address,
               *("%s=%s" % pair for pair in found.items()))
    del found["password"]
    assert {k: show(server, account.address)[k] for k in found} == found


def test_show_json(server, account):
    server.ctl("app-password", "add", account.address, "a \"label\"\\ ö")
    server.ctl("set", account.address, "maildir=/a\tb\"\\\x7f",
               "spam=only")
    text = server.ctl("show", "-j", account.address).stdout
    found = json.loads(text)
    assert json.loads(server.ctl("show", account.address, "-j").stdout) == \
        found
    (app,) = found.pop("app-passwords")
    assert app["label"] == "a \"label\"\\ ö"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", app["created"])
    assert found == {
        **NEW_ACCOUNT, "address": account.address, "spam": "only",
        "password": "yes", "aliases": [],
        "owner": server.owner.pw_name, "maildir": "/a\tb\"\\\x7f"}


@pytest.mark.parametrize("maildir", ["", "relative", "/", "/" + 4096 * "a",
                                     "/a\nb", "/a\r", "/a b\nowner=x"],
                         ids=len)
def test_bad_maildirs(server, account, maildir):
    before = show(server, account.address)
    failed(server, "set", account.address, "maildir=" + maildir)
    failed(server, "add", "new@example.com", "-P", "-m", maildir)
    assert show(server, account.address) == before


def test_json_is_utf_8_whatever_is_in_it(make_server):
    """It may be refused, but what is accepted can be read."""
    server = make_server()
    account = server.add_account()
    for arguments in (["app-password", "add", account.address, "\udcff"],
                      ["set", account.address, "maildir=/\udcff"]):
        subprocess.run([POP3CTL, "-f", server.conf] + arguments,
                       capture_output=True)
    done = subprocess.run([POP3CTL, "-f", server.conf, "list", "-j"],
                          capture_output=True, check=True)
    assert json.loads(done.stdout.decode())


def test_list(make_server):
    server = make_server()
    for address in ("b@x.example", "a@y.example", "a@x.example"):
        server.ctl("add", "-P", address)
    server.ctl("set", "a@y.example", "access=off")
    lines = server.ctl("list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == \
        ["a@x.example", "a@y.example", "b@x.example"]
    assert "access=off" in lines[1].split()
    found = json.loads(server.ctl("list", "-j").stdout)
    assert [a["address"] for a in found] == \
        ["a@x.example", "a@y.example", "b@x.example"]
    assert found[1]["access"] == "off"
    for account in found:
        assert account == json.loads(
            server.ctl("show", "-j", account["address"]).stdout)
        server.ctl("delete", account["address"])
    assert server.ctl("list").stdout == ""
    assert json.loads(server.ctl("list", "-j").stdout) == []


# app-password.

def test_app_password_is_the_last_line(server, account):
    done = server.ctl("app-password", "add", account.address, "phone")
    assert done.stderr == ""
    assert re.fullmatch(r"(.*\n)*(\w{4}-){4}\w{4}\n", done.stdout)


@pytest.mark.parametrize("label", ["", 64 * "x", "a\nb", "a\x7f", "\x1b[1m",
                                   " ", "  \u3000", "\u200b"], ids=ascii)
def test_bad_labels(server, account, label):
    assert "label" in failed(server, "app-password", "add", account.address,
                             label)
    assert server.ctl("app-password", "list", account.address).stdout == ""


def test_label_taken(server, account):
    server.ctl("app-password", "add", account.address, "phone")
    error = failed(server, "app-password", "add", account.address, "phone")
    assert "revoke" in error


@pytest.mark.parametrize("label", ["Phone", "phon", "phone ", "", "a\nb"],
                         ids=ascii)
def test_revoke_no_such_label(server, account, label):
    server.ctl("app-password", "add", account.address, "phone")
    error = failed(server, "app-password", "revoke", account.address, label)
    assert "pop3ctl app-password list" in error
    assert "phone" in server.ctl("app-password", "list",
                                 account.address).stdout


def test_app_password_that_can_not_be_shown(server, account):
    """Nobody has it then; the status says so."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [POP3CTL, "-f", server.conf, "app-password", "add",
             account.address, "phone"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert b"standard output" in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert server.ctl("app-password", "list", account.address).stdout == ""


# client-settings.

@pytest.fixture
def outgoing(make_server):
    server = make_server(extra="outgoing smtp.example.com 465 tls\n"
                               "outgoing smtp.example.net 587 starttls\n")
    server.ctl("add", "you@example.com", stdin="secret\n")
    return server


def blocks(text):
    """The tables: [(title, {row: value})]."""
    found = []
    for block in text.strip().split("\n\n"):
        title, *rows = block.splitlines()
        found.append((title, dict(
            re.fullmatch(r"  (.{15}) (.*)", row).groups() for row in rows)))
    return [(title, {k.strip(): v for k, v in rows.items()})
            for title, rows in found]


def test_client_settings(outgoing):
    done = outgoing.ctl("client-settings", "YOU@example.com")
    assert done.stderr == ""
    who = {"user name": "you@example.com",
           "password": "the account's password"}
    tables = blocks(done.stdout)
    assert [table for _, table in tables] == [
        dict(who, server="mail.example.com", port="995",
             security="SSL/TLS (required)"),
        dict(who, server="smtp.example.com", port="465",
             security="SSL/TLS (required)", authentication="required"),
        dict(who, server="smtp.example.net", port="587",
             security="TLS by STARTTLS (required)",
             authentication="required")]
    assert tables[0][0].startswith("Incoming")
    assert all(title.startswith("Outgoing") for title, _ in tables[1:])


@pytest.mark.parametrize("setting", ["two-factor=on", "password=none"])
def test_client_settings_tell_which_password(outgoing, setting):
    outgoing.ctl("set", "you@example.com", setting)
    text = outgoing.ctl("client-settings", "you@example.com").stdout
    for _, table in blocks(text):
        assert table["password"] == "an application password"


def test_client_settings_of_who_may_not_send(outgoing):
    """No server for that is shown."""
    outgoing.ctl("set", "you@example.com", "send=no")
    shown = outgoing.ctl("client-settings", "you@example.com")
    assert (shown.stdout.count("server"), shown.stderr) == (1, "")
    assert "outgoingServer" not in outgoing.ctl(
        "client-settings", "-x", "you@example.com").stdout
    assert "smtp.example.com" in outgoing.ctl(
        "client-settings", "@example.com").stdout


def server_of(element):
    return {child.tag: child.text for child in element}


def test_autoconfig(outgoing):
    text = outgoing.ctl("client-settings", "-x", "you@example.com").stdout
    root = xml.fromstring(text)
    assert (root.tag, root.get("version")) == ("clientConfig", "1.1")
    (provider,) = root
    assert provider.get("id") == "example.com"
    assert provider.findtext("domain") == "example.com"
    (incoming,) = provider.findall("incomingServer")
    assert incoming.get("type") == "pop3"
    who = {"authentication": "password-cleartext",
           "username": "you@example.com"}
    assert server_of(incoming) == dict(
        who, hostname="mail.example.com", port="995", socketType="SSL")
    servers = provider.findall("outgoingServer")
    assert [s.get("type") for s in servers] == ["smtp", "smtp"]
    assert [server_of(s) for s in servers] == [
        dict(who, hostname="smtp.example.com", port="465",
             socketType="SSL"),
        dict(who, hostname="smtp.example.net", port="587",
             socketType="STARTTLS")]


def test_autoconfig_of_a_strange_address(outgoing):
    address = "a&b'{|}`#@example.com"
    outgoing.ctl("add", "-P", address)
    text = outgoing.ctl("client-settings", address, "-x").stdout
    assert {e.text for e in xml.fromstring(text).iter("username")} == \
        {address}


def test_client_settings_of_a_domain(outgoing):
    """It need not have accounts yet; the name is everybody's own."""
    text = outgoing.ctl("client-settings", "@Example.ORG", "-x").stdout
    root = xml.fromstring(text)
    assert root.find("emailProvider").get("id") == "example.org"
    assert {e.text for e in root.iter("username")} == {"%EMAILADDRESS%"}
    tables = blocks(outgoing.ctl("client-settings", "@example.org").stdout)
    assert {table["user name"] for _, table in tables} == {
        "the whole address"}


def profile(server, who):
    return plistlib.loads(server.ctl(
        "client-settings", who, "-m").stdout.encode())


@pytest.mark.parametrize("who", ["a&b'@example.com", "@example.com"])
def test_profile(outgoing, who):
    if who[0] != "@":
        outgoing.ctl("add", "-P", who)
    found = profile(outgoing, who)
    assert found == profile(outgoing, who.upper())
    assert found["PayloadType"] == "Configuration"
    [mail] = found["PayloadContent"]
    assert mail["PayloadType"] == "com.apple.mail.managed"
    assert uuid.UUID(mail["PayloadUUID"]) != uuid.UUID(found["PayloadUUID"])
    assert mail["PayloadIdentifier"] != found["PayloadIdentifier"]
    assert mail["EmailAccountType"] == "EmailTypePOP"
    assert mail["IncomingMailServerHostName"] == "mail.example.com"
    assert mail["IncomingMailServerPortNumber"] == 995
    assert mail["IncomingMailServerUseSSL"] is True
    assert mail["OutgoingMailServerHostName"] == "smtp.example.com"
    assert mail["OutgoingMailServerPortNumber"] == 465
    names = {mail.get(key) for key in (
        "EmailAddress", "IncomingMailServerUsername",
        "OutgoingMailServerUsername")}
    assert names == {None if who[0] == "@" else who}


def test_profiles_are_told_apart(outgoing):
    outgoing.ctl("add", "-P", "me@example.com")
    seen = {profile(outgoing, who)["PayloadUUID"] for who in (
        "you@example.com", "me@example.com", "@example.com", "@example.org")}
    assert len(seen) == 4


@pytest.mark.parametrize("who", ["you@example.com", "@example.com"])
def test_zone_file(outgoing, who):
    assert outgoing.ctl("client-settings", who, "-s").stdout == (
        "_pop3s._tcp.example.com. IN SRV 0 1 995 mail.example.com.\n"
        "_pop3._tcp.example.com. IN SRV 0 0 0 .\n"
        "_submissions._tcp.example.com. IN SRV 0 1 465 smtp.example.com.\n"
        "_submission._tcp.example.com. IN SRV 1 1 587 smtp.example.net.\n")


@pytest.mark.parametrize("who", ["@", "@.", "@a b", "@exa/mple", "@" +
                                 300 * "x"])
def test_client_settings_of_no_domain(outgoing, who):
    done = outgoing.ctl("client-settings", who, "-x", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1


def test_profile_without_outgoing_server(server):
    done = server.ctl("client-settings", "@example.com", "-m", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "outgoing HOST 465 tls" in done.stderr


def test_profile_of_who_may_not_send(outgoing):
    address = outgoing.add_account().address
    outgoing.ctl("set", address, "send=no")
    done = outgoing.ctl("client-settings", address, "-m", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ("pop3ctl: %s: a profile needs an outgoing server, "
                           "and this account may not send\n" % address)


def test_two_hyphens_before_words(server, account):
    """Scripts write them everywhere."""
    address = account.address
    server.ctl("app-password", "add", "--", address, "-label")
    server.ctl("app-password", "list", "--", address)
    server.ctl("app-password", "revoke", "--", address, "-label")
    server.ctl("delete", "--", address)


def test_client_settings_in_one_way(outgoing):
    done = outgoing.ctl("client-settings", "@example.com", "-x", "-s",
                        check=False)
    assert (done.returncode, done.stdout) == (2, "")


def test_client_settings_without_outgoing_server(server, account):
    """Incoming is shown all the same, and how to have the rest."""
    for options in ([], ["-x"]):
        done = server.ctl("client-settings", account.address, *options)
        assert "mail.example.com" in done.stdout
        assert "outgoing HOST 465 tls" in done.stderr
        assert done.stderr.count("\n") == 1


# queue.

def test_queue(server, account):
    bodies = [message(body=n * "x\n") for n in (1, 2, 3)]
    names = [account.maildir.deliver(body) for body in bodies]
    lines = server.ctl("queue", account.address).stdout.splitlines()
    assert lines == [
        "%d %d %s inbox" % (n + 1, len(wire(bodies[n])), names[n])
        for n in range(3)]
    found = json.loads(server.ctl("queue", "-j", account.address).stdout)
    assert found == [{"number": n + 1, "octets": len(wire(bodies[n])),
                      "uidl": names[n], "folder": "inbox",
                      "state": "queued"} for n in range(3)]
    with account.login() as pop:
        assert list(pop.uidl().values()) == names
        pop.quit()


@pytest.mark.parametrize("options", [[], ["-a"]], ids=str)
def test_queue_of_nothing(server, account, options):
    assert server.ctl("queue", *options, account.address).stdout == ""
    text = server.ctl("queue", "-j", *options, account.address).stdout
    assert json.loads(text) == []


def test_queue_in_use(server, account):
    """A session has the mailbox: it is said, and nothing is done."""
    with account.login() as pop:
        for command in (["queue"], ["requeue", "-a"], ["index"], ["check"]):
            error = failed(server, command[0], account.address, *command[1:])
            assert "try again when it is over" in error
        pop.quit()
    server.wait_empty()
    server.ctl("check", account.address)


# The process that reads a mailbox.

def session_of(pid):
    with open("/proc/%d/stat" % pid) as f:
        return int(f.read().rsplit(")", 1)[1].split()[3])


def memory(pid):
    """All that the process can read."""
    found = b""
    with open("/proc/%d/maps" % pid) as maps, \
            open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            start, end, rights = re.match(
                r"(\w+)-(\w+) (\S+)", line).groups()
            if "r" not in rights or "[v" in line:
                continue
            mem.seek(int(start, 16))
            try:
                found += mem.read(int(end, 16) - int(start, 16))
            except OSError:
                pass  # of a file, behind its end
    return found


class Waiting:
    """pop3ctl, whose owner's process waits for a mailbox in use."""

    def __init__(self, account, *arguments):
        self.null = os.open("/dev/null", os.O_RDONLY)
        self.process = subprocess.Popen(
            [POP3CTL, "-f", account.server.conf, *arguments],
            stdin=self.null, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            pass_fds=[self.null])
        self.directory = account.maildir.path + "/new"
        self.owner = wait_until(self.find, "no process waits")

    def find(self):
        """It has the directories open while it waits, and is locked in."""
        for pid in processes.children(self.process.pid):
            if self.directory in processes.descriptors(pid).values() and \
                    (processes.status(pid, "Seccomp") == ["2"] or SANITIZED):
                return pid
        return None

    def end(self):
        out, err = self.process.communicate(timeout=60)
        os.close(self.null)
        return self.process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("all", [True, False])
def test_what_reads_a_mailbox_has_nothing_else(make_server, all):
    """It is the owner, in a session and a sandbox of its own; no account
    was ever in its memory."""
    server = make_server()
    account = server.add_account()
    others = [server.add_account() for _ in range(3)]
    hashes = re.findall(r" hash=(\S+)", server.ctl("export").stdout)
    assert len(hashes) == 1 + len(others)
    account.maildir.deliver(message())
    with account.login() as pop:
        waiting = Waiting(account, "check", *(["-a"] if all else
                                              [account.address]))
        pid, parent = waiting.owner, waiting.process.pid
        os.kill(pid, signal.SIGSTOP)  # it waits for two seconds only
        assert session_of(pid) != session_of(parent)
        assert set(processes.uids(pid)) == {server.owner.pw_uid}
        assert set(processes.gids(pid)) == {server.owner.pw_gid}
        assert processes.groups(pid) == [server.owner.pw_gid] or not ROOT
        assert processes.status(pid, "NoNewPrivs") == ["1"]
        assert processes.status(pid, "Seccomp") == ["2"] or SANITIZED
        found = processes.descriptors(pid)
        assert found.pop(0) == "/dev/null"
        assert {found.pop(1), found.pop(2)} == {
            path for n, path in processes.descriptors(parent).items()
            if n in (1, 2)}
        assert not [path for path in found.values() if not re.match(
            r"socket:|%s(/|$)" % re.escape(account.maildir.path), path)]
        if ROOT:
            text = memory(pid)
            assert account.address.encode() in text
            for hash in hashes:
                assert hash.encode() not in text
                assert hash.encode()[-20:] not in text
        os.kill(pid, signal.SIGCONT)
        waiting.end()
        pop.quit()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM,
                                    signal.SIGHUP])
def test_a_signal_is_passed_on(server, account, number):
    """To pop3ctl alone; the process that reads the mailbox ends as well."""
    with account.login() as pop:
        waiting = Waiting(account, "index", account.address)
        waiting.process.send_signal(number)
        status, out, err = waiting.end()
        assert (status, out) == (1, "")
        assert err == "pop3ctl: %s: interrupted; what was done is kept, " \
            "run it again to go on\n" % account.address
        assert not os.path.exists("/proc/%d" % waiting.owner)
        pop.quit()


def test_a_reader_of_the_queue_that_goes_away(server, account):
    """As `head' does: that is no failure to tell of."""
    for _ in range(3000):
        account.maildir.deliver(b"x\n")
    done = subprocess.run(
        ["sh", "-c", "'%s' -f '%s' queue %s | head -n 1" % (
            POP3CTL, server.conf, account.address)], capture_output=True)
    assert done.stdout.startswith(b"1 3 ") and done.stderr == b""


# index and check.

def count(server, command, *addresses):
    """{address: messages} of the lines of index and check."""
    text = server.ctl(command, *addresses).stdout
    return {m.group(1): int(m.group(2)) for m in re.finditer(
        r"^(\S+): (\d+) messages, ", text, re.M)}


def test_index(server, account):
    assert server.ctl("index", account.address).stdout == \
        account.address + ": 0 messages, 0 octets\n"
    account.maildir.deliver(b"12345\n")
    account.maildir.put(b"12345\n")
    assert server.ctl("index", account.address).stdout == \
        account.address + ": 2 messages, 14 octets\n"


@pytest.mark.parametrize("command", ["index", "check", "queue", "purge"])
def test_progress_gives_its_line_to_what_came_of_it(server, account, command):
    """1,000 names is where a mailbox is large enough to be watched."""
    for n in range(1100):
        account.maildir.deliver(message())
    server.ctl("set", account.address, "keep=9")
    status, seen = Terminal(server, command, account.address).end()
    assert status == 0
    assert b"1100 of 1100" in seen
    shown = [line.split("\r")[-1].replace("\x1b[K", "")
             for line in seen.decode().split("\r\n")]
    assert "\n".join(shown) == \
        server.ctl(command, account.address).stdout


def test_index_makes_it_the_owners(server, account):
    account.maildir.deliver(message())
    server.ctl("index", account.address)
    directory = account.maildir.path + "/pop3d"
    for path in [directory] + [directory + "/" + name
                               for name in os.listdir(directory)]:
        status = os.stat(path)
        assert (status.st_uid, status.st_gid) == \
            (account.maildir.uid, account.maildir.gid)
        assert status.st_mode & 0o077 == 0


@pytest.fixture
def three(make_server):
    """Three accounts, the second with a mailbox that cannot be used."""
    server = make_server()
    server.three = [server.add_account(name + "@example.com")
                    for name in ("a", "b", "c")]
    for account in server.three:
        account.maildir.deliver(message())
    cur = server.three[1].maildir.path + "/cur"
    os.rmdir(cur)
    with open(cur, "w"):
        pass
    return server


@pytest.mark.parametrize("command", ["index", "check"])
@pytest.mark.parametrize("arguments", [
    ["-a"], ["a@example.com", "b@example.com", "c@example.com"]],
    ids=["all", "named"])
def test_a_broken_one_among_good_ones(three, command, arguments):
    done = three.ctl(command, *arguments, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("pop3ctl: b@example.com: ")
    assert done.stderr.count("\n") == 1
    assert re.findall(r"^(\S+): 1 messages", done.stdout, re.M) == \
        ["a@example.com", "c@example.com"]


@pytest.mark.parametrize("command", ["index", "check"])
def test_an_unknown_one_among_good_ones(three, command):
    done = three.ctl(command, "a@example.com", "nobody@example.com",
                     "c@example.com", check=False)
    assert done.returncode == 1
    assert "no account nobody@example.com" in done.stderr
    assert len(done.stdout.splitlines()) == 2


@pytest.mark.parametrize("command", ["index", "check"])
def test_all_of_no_accounts(make_server, command):
    server = make_server()
    server.ctl("add", "-P", "a@example.com")
    server.ctl("delete", "a@example.com")
    assert server.ctl(command, "-a").stdout == ""


class Indexed:
    """A mailbox of five messages whose index is trusted."""

    def __init__(self, account):
        self.account = account
        self.server = account.server
        self.names = [account.maildir.deliver(message(body=n * "x\n"))
                      for n in range(1, 6)]
        for name in self.names:  # none is so young that it may still grow
            os.utime(account.maildir.find(name), (1700000000, 1700000000))
        self.server.ctl("index", account.address)
        self.settle()
        self.index = account.maildir.path + "/pop3d/index.db"
        self.before = self.uidls()

    def settle(self):
        """The directories' times are old, and known to the index."""
        then = time.time() - 1000
        for sub in ("new", "cur"):
            os.utime(os.path.join(self.account.maildir.path, sub),
                     (then, then))
        self.server.ctl("index", self.account.address)

    def hidden(self, change):
        """Changes files; the directories' times do not tell."""
        change()
        seal.overlook(self.account.maildir)

    def path(self, n):
        return self.account.maildir.find(self.names[n])

    def uidls(self):
        with self.account.login() as pop:
            found = list(pop.uidl().values())
            assert pop.stat() == (len(found), sum(pop.list().values()))
            pop.quit()
        return found

    def check(self):
        """Returns (messages, number of mends, [what was mended])."""
        done = self.server.ctl("check", self.account.address)
        found = re.search(r"^\S+: (\d+) messages, \d+ octets, (\d+) mended\n"
                          r"\Z", done.stdout, re.M)
        mended = re.findall(r"^\S+: mended: (.*)$", done.stdout, re.M)
        assert int(found.group(2)) == len(mended)
        return int(found.group(1)), mended

    def mended(self, messages, *patterns):
        """check mends, one for each pattern; a second one finds nothing."""
        found, said = self.check()
        assert found == messages, said
        assert len(said) == len(patterns), said
        left = list(said)
        for pattern in patterns:
            fits = [s for s in left if re.search(pattern, s)]
            assert fits, (pattern, left)
            left.remove(fits[0])
        assert self.check() == (messages, [])


@pytest.mark.long
def test_check_of_a_large_index(server, account):
    """Larger than Berkeley DB's memory, in the sandbox: it takes files."""
    for _ in range(60000):
        account.maildir.deliver(b"x\n")
    for _ in range(2):
        assert server.ctl("check", account.address).stdout == \
            "%s: 60000 messages, 180000 octets, 0 mended\n" % account.address
    assert not [name for name in os.listdir(account.maildir.path + "/pop3d")
                if name.startswith("BDB")]


@pytest.fixture
def indexed(account):
    return Indexed(account)


def test_check_finds_nothing(indexed):
    assert indexed.check() == (5, [])
    assert indexed.uidls() == indexed.before == indexed.names


def test_check_finds_a_file_that_is_gone(indexed):
    indexed.hidden(lambda: os.unlink(indexed.path(2)))
    indexed.mended(4, indexed.names[2] + ": its file is gone")
    assert indexed.uidls() == indexed.names[:2] + indexed.names[3:]


@pytest.mark.parametrize("sub", ["new", "cur"])
def test_check_finds_a_file_that_is_not_in_the_index(indexed, sub):
    def add():
        if sub == "new":
            return indexed.account.maildir.deliver(message())
        return indexed.account.maildir.put(message())
    indexed.hidden(add)
    indexed.mended(6, "was not in the index")
    assert indexed.uidls()[:5] == indexed.names


def test_check_finds_a_file_of_another_size(indexed):
    """Somebody edited a message in place."""
    def change():
        with open(indexed.path(1), "wb") as f:
            f.write(b"12345\n")
    indexed.hidden(change)
    indexed.mended(5, indexed.names[1] + r": has 7 octets, not \d+")
    with indexed.account.login() as pop:
        assert pop.list()[2] == 7
        assert pop.retr(2) == b"12345\r\n"
        pop.quit()


def test_check_follows_a_renamed_file(indexed):
    """That is no disagreement."""
    def change():
        path = indexed.path(1)
        os.rename(path, path + "FRS")
    indexed.hidden(change)
    indexed.mended(5)
    assert indexed.uidls() == indexed.names


def test_check_finds_several(indexed):
    def change():
        os.unlink(indexed.path(0))
        os.unlink(indexed.path(4))
        indexed.account.maildir.put(message())
        with open(indexed.path(2), "ab") as f:
            f.write(b"more\n")
    indexed.hidden(change)
    indexed.mended(4, "gone", "gone", "not in the index", r"octets, not")


def test_check_of_kept_messages(indexed):
    """They are in the index, and out of the queue, and stay so."""
    indexed.server.ctl("set", indexed.account.address, "auto-delete=no")
    with indexed.account.login() as pop:
        pop.ok("DELE 2")
        pop.quit()
    indexed.mended(4)
    indexed.settle()
    indexed.hidden(lambda: os.unlink(indexed.path(1)))
    indexed.mended(4, "its file is gone")


def damage(path, offset, length=64):
    with open(path, "r+b") as f:
        f.seek(offset)
        f.write(os.urandom(length))


@pytest.mark.parametrize("command", ["check", None])
@pytest.mark.parametrize("page", [3, 5, 7], ids=["inbox", "junk", "names"])
@pytest.mark.parametrize("kind", [9, 14])
def test_a_root_without_a_checksum(indexed, kind, page, command):
    """Berkeley DB looks for the root in another place, for ever."""
    with open(indexed.index, "r+b") as f:
        f.seek(page * 4096 + 24)
        f.write(bytes([2, kind, 0]))
    if command is not None:
        assert indexed.check()[0] == 5
    assert indexed.uidls() == indexed.names


@pytest.mark.parametrize("where", range(8))
def test_check_of_a_damaged_index(indexed, where):
    """Each eighth of it in turn: mail and identifiers are not harmed."""
    size = os.path.getsize(indexed.index)
    damage(indexed.index, where * size // 8, size // 8)
    messages, _ = indexed.check()
    assert messages == 5
    assert indexed.check() == (5, [])
    assert indexed.uidls() == indexed.names


@pytest.mark.parametrize("content", [b"", b"x", 100000 * b"\0", 4096 * b"?"],
                         ids=["empty", "an octet", "zeroes", "text"])
def test_check_of_something_else(indexed, content):
    with open(indexed.index, "wb") as f:
        f.write(content)
    assert indexed.check()[0] == 5
    assert indexed.check() == (5, [])
    assert indexed.uidls() == indexed.names


@pytest.mark.parametrize("command", ["index", "queue"])
def test_a_damaged_index_is_told_of(indexed, command):
    damage(indexed.index, 0)
    done = indexed.server.ctl(command, indexed.account.address)
    assert re.fullmatch(
        r"pop3ctl: %s: %s: the index is damaged and is made anew: \d+ "
        r"messages of it could be read and are as they were; what was "
        r"retained beside them is in the queue again\n" % (
            re.escape(indexed.account.address),
            re.escape(indexed.account.maildir.path)), done.stderr)
    done = indexed.server.ctl(command, indexed.account.address)
    assert done.stderr == ""


def test_a_mailbox_that_can_not_be_used(server, account):
    """The log's reason is on the terminal, too."""
    maildir = account.maildir.path
    shutil.rmtree(maildir)
    with open(maildir, "w"):
        pass
    error = failed(server, "index", account.address)
    assert error.startswith(
        "%s: the mailbox cannot be used: " % account.address)
    assert maildir in error and "Not a directory" in error


def test_check_of_a_truncated_index(indexed):
    os.truncate(indexed.index, os.path.getsize(indexed.index) // 2)
    assert indexed.check()[0] == 5
    assert indexed.check() == (5, [])
    assert indexed.uidls() == indexed.names


def test_check_of_a_removed_index(indexed):
    os.unlink(indexed.index)
    assert indexed.check()[0] == 5
    assert indexed.uidls() == indexed.names


def test_check_of_a_removed_directory(indexed):
    shutil.rmtree(os.path.dirname(indexed.index))
    assert indexed.check()[0] == 5
    assert indexed.uidls() == indexed.names


def test_check_of_an_old_copy(indexed, tmp_path):
    """Restored from a backup: what came since is found again."""
    directory = os.path.dirname(indexed.index)
    subprocess.run(["cp", "-a", directory, str(tmp_path / "copy")],
                   check=True)
    new = [indexed.account.maildir.deliver(message()) for _ in range(3)]
    with indexed.account.login() as pop:
        assert len(pop.uidl()) == 8
        pop.ok("DELE 1")
        pop.quit()
    indexed.settle()
    shutil.rmtree(directory)
    subprocess.run(["cp", "-a", str(tmp_path / "copy"), directory],
                   check=True)
    assert indexed.check()[0] == 7
    assert indexed.check() == (7, [])
    assert indexed.uidls() == indexed.names[1:] + new
