"""pop3ctl export and import: accounts as text, from here and elsewhere."""

import os
import re
import shutil
import stat
import subprocess

import pytest

from daemon import NEW_ACCOUNT, POP3CTL, ROOT, owner, temporary_directory
from maildir import Maildir, message
from pop3 import plain

# "secret", as crypt(3) of this and other systems hashes it.
HASHES = {
    "yescrypt": "$y$j75$LE/hMHWH8SHnS8E3kRjGX1$"
                "nTNiDzNdd1SHC8f1Y9PTkFJnDhdKFzZ35Y7/oE1nT53",
    "sha512": "$6$rounds=1000$saltsalt$LAV5VE5Y7w1d73x1mFNspYWUpazfmwv2Soep"
              "NXNKJ/otop/Zok96Hr8Q13LEv0DRY/x8v0/crpIjl8NJSAqXV/",
    "sha256": "$5$rounds=1000$saltsalt$"
              "eKLZU9t9OoPWrqOQsoTIKG0aYkZ5rGOoOQhiIvoSWX2",
    "bcrypt b": "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8"
                "WIrW",
    "bcrypt y": "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8"
                "WIrW",
    "md5": "$1$saltsalt$9xy1btjgzLYfb7hivXtC//",
    "des": "abNANd1rDfiNc",
    "bsdi": "_J9..rasmz0.F/jqjWck",
}


class Host:
    """A configuration and a database, without a server."""

    def __init__(self, directory):
        self.directory = str(directory)
        self.mail = os.path.join(temporary_directory(), "mail")
        os.mkdir(self.mail, 0o755)
        os.chown(self.mail, owner().pw_uid, owner().pw_gid)
        self.conf = os.path.join(self.directory, "pop3d.conf")
        with open(self.conf, "w") as f:
            f.write("hostname mail.example.com\nkeypair /none /none\n"
                    "accounts %s/accounts.db\nmaildir %s/%%d/%%u\n"
                    "owner %s\n" % (self.directory, self.mail,
                                    owner().pw_name))

    def remove(self):
        shutil.rmtree(os.path.dirname(self.mail))

    def ctl(self, *arguments, stdin=b"", status=0):
        done = subprocess.run([POP3CTL, "-f", self.conf] + list(arguments),
                              input=stdin, capture_output=True, timeout=120)
        assert done.returncode == status, done.stderr
        return done

    def export(self):
        return self.ctl("export").stdout

    def text(self, data):
        """A file to import."""
        path = os.path.join(self.directory, "text")
        with open(path, "wb") as f:
            f.write(data.encode() if isinstance(data, str) else data)
        return path

    def imported(self, data, unmade=0):
        """Imports; returns (accounts, new accounts).

        So many warnings tell of Maildirs that could not be made.
        """
        done = self.ctl("import", self.text(data))
        assert re.fullmatch(rb"(pop3ctl: warning: \S+: \S+ could not make "
                            rb"the Maildir .*\n){%d}" % unmade, done.stderr)
        found = re.fullmatch(rb"(\d+) accounts, (\d+) of them new\n",
                             done.stdout)
        return int(found.group(1)), int(found.group(2))

    def refused(self, data, line):
        """With -s nothing of it was imported; returns what is wrong."""
        before = self.export()
        path = self.text(data)
        done = self.ctl("import", "-s", path, status=1)
        assert done.stdout == b""
        error = done.stderr.decode()
        found = re.fullmatch(r"pop3ctl: %s:%d: (.*)\npop3ctl: %s: nothing "
                             r"was imported\n" % (re.escape(path), line,
                                                  re.escape(path)), error)
        assert found, error
        assert self.export() == before
        return found.group(1)


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path)
    host.ctl("add", "-P", "first@example.com")
    yield host
    host.remove()


@pytest.fixture
def empty(tmp_path):
    (tmp_path / "other").mkdir()
    host = Host(tmp_path / "other")
    yield host
    host.remove()


# Round trips.

def fill(host):
    """Accounts with everything that accounts can have."""
    host.ctl("add", "plain@example.com", stdin=b"secret\n")
    host.ctl("add", "-P", "none@example.com")
    host.ctl("add", "-m", "/var/vmail/with blanks/%41/#=,:\t\\ö",
             "-o", "4711:4712", "-P", "!#$%&'*+-=?^_`{|}~@xn--a.example")
    for name in "#hash", "#alias", "%23x", "%", "%25":
        host.ctl("add", "-P", name + "@example.com")
    for i, value in enumerate(["access=off", "access=from-now", "send=no",
                               "spam=include", "spam=only", "auto-delete=no",
                               "two-factor=on"]):
        address = "set%d@example.com" % i
        host.ctl("add", "-P", address)
        host.ctl("set", address, value)
    labels = ["phone", "my phone", "100%", "%41", "a,b,c", "a=b", " x", "#",
              "\"'\\", "ö€", 63 * "x"]
    host.ctl("add", "labels@example.com", stdin=b"secret\n")
    for label in labels:
        host.ctl("app-password", "add", "labels@example.com", label)
    host.ctl("set", "plain@example.com", "keep=36500", "self-service=no")
    return labels


def test_round_trip(host, empty):
    labels = fill(host)
    for alias in "zz@aaa.example", "a'b@zzz.example", "#c@aaa.example":
        host.ctl("alias", "add", "set3@example.com", alias)
    text = host.export()
    told = empty.ctl("import", "-n", empty.text(text)).stdout.decode()
    assert told.endswith("would be 17 accounts, 17 of them new; 3 aliases\n")
    assert told.count(": added\n") == 17 and told.count(": an alias\n") == 3
    assert empty.ctl("import", empty.text(text)).stdout == \
        b"17 accounts, 17 of them new; 3 aliases\n"
    assert empty.export() == text
    # Before their accounts, and again.
    text = b"".join(reversed(text.splitlines(True)))
    empty.ctl("import", "-", stdin=text)
    assert sorted(empty.export().splitlines()) == sorted(text.splitlines())
    for alias in "zz@aaa.example", "a'b@zzz.example", "#c@aaa.example":
        for each in host, empty:
            each.ctl("alias", "remove", "set3@example.com", alias)
    text = host.export()
    assert empty.imported(text, unmade=1) == (17, 0)
    assert empty.export() == text
    for command in (["list"], ["list", "-j"],
                    ["app-password", "list", "labels@example.com"]):
        assert empty.ctl(*command).stdout == host.ctl(*command).stdout
    listed = empty.ctl("app-password", "list", "labels@example.com").stdout
    assert [line.split("\t")[0] for line in listed.decode().splitlines()] == \
        labels


def test_a_label_of_blanks(host, empty):
    """None is made any more; of those that were, none is lost."""
    labels = fill(host)
    text = host.export().replace(b",phone", b",%20")
    empty.ctl("import", "-", stdin=text)
    listed = empty.ctl("app-password", "list", "labels@example.com").stdout
    assert [line.split("\t")[0] for line in listed.decode().splitlines()] == \
        [" "] + labels[1:]


def test_round_trip_through_a_pipe(host, empty):
    fill(host)
    text = host.export()
    empty.ctl("import", "-", stdin=text)
    assert empty.export() == text


def test_round_trip_onto_itself(host):
    fill(host)
    text = host.export()
    assert host.imported(text, unmade=1) == (17, 0)
    assert host.export() == text


def test_round_trip_of_the_largest_account(host, empty):
    """All application passwords, the longest labels, every octet escaped."""
    host.ctl("set", "first@example.com", "maildir=/" + 1022 * " ")
    for i in range(64):
        host.ctl("app-password", "add", "first@example.com",
                 "%02d" % i + 61 * " ")
    text = host.export()
    assert empty.imported(text, unmade=1) == (1, 1)
    assert empty.export() == text


def test_round_trip_lets_the_same_people_in(server, tmp_path):
    account = server.add_account("moved@example.com")
    code = server.ctl("app-password", "add", account.address,
                      "my phone").stdout.splitlines()[-1]
    text = server.ctl("export").stdout
    server.ctl("delete", account.address)
    for password in ("secret", code):
        with server.connect() as pop:
            pop.ok("USER " + account.address)
            pop.err("PASS " + password, "AUTH")
    path = tmp_path / "text"
    path.write_text(text)
    server.ctl("import", str(path))
    for password in ("secret", code):
        server.connect().login(account.address, password).quit()


def test_export_of_nothing(host):
    host.ctl("delete", "first@example.com")
    assert host.export() == b""
    assert host.imported("") == (0, 0)


def test_export_is_sorted_and_one_line_each(host):
    fill(host)
    lines = host.export().decode().splitlines()
    addresses = [line.split()[0] for line in lines]
    assert len(addresses) == 17 and addresses == sorted(addresses)


# Lines.

def show(host, address):
    """{key: value} of the settings."""
    lines = host.ctl("show", address).stdout.decode().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_a_bare_address_gets_the_defaults(host):
    assert host.imported("New@Example.COM\n") == (1, 1)
    assert show(host, "new@example.com") == {
        **NEW_ACCOUNT, "address": "new@example.com", "password": "none",
        "owner": owner().pw_name, "maildir": host.mail + "/example.com/new"}


@pytest.mark.parametrize("text", [
    "new@example.com access=off", "new@example.com access=off\r\n",
    "  new@example.com\t access=off \t\n", "# comment\n\n  \n# another\n"
    "new@example.com access=off\n\n"])
def test_how_lines_may_look(host, text):
    assert host.imported(text) == (1, 1)
    assert show(host, "new@example.com")["access"] == "off"


def test_the_last_line_of_an_address_counts(host):
    assert host.imported("a@example.com access=off\n"
                         "A@example.com spam=only\n") == (2, 1)
    found = show(host, "a@example.com")
    assert (found["access"], found["spam"]) == ("all", "only")


def test_settings_replace_the_account(host):
    host.ctl("add", "old@example.com", stdin=b"secret\n")
    host.ctl("set", "old@example.com", "access=off")
    assert host.imported("old@example.com spam=only\n") == (1, 0)
    found = show(host, "old@example.com")
    assert (found["access"], found["password"]) == ("all", "none")


def test_others_are_left_alone(host):
    fill(host)
    before = host.export()
    host.imported("new@example.com\n")
    host.ctl("delete", "new@example.com")
    assert host.export() == before


BAD_LINES = {
    "no address": "nobody",
    "empty local part": "@example.com access=off",
    "slash": "a/b@example.com",
    "up": "..@example.com",
    "two @": "a@b@example.com",
    "8-bit": "\u00f6@example.com",
    "no setting": "a@example.com nonsense",
    "unknown setting": "a@example.com colour=red",
    "value": "a@example.com access=perhaps",
    "root": "a@example.com owner=root",
    "no such owner": "a@example.com owner=no-such-user",
    "root in numbers": "a@example.com owner=0:0",
    "relative": "a@example.com maildir=Maildir",
    "long maildir": "a@example.com maildir=/" + 1023 * "x",
    "password": "a@example.com password=secret",
    "clear": "a@example.com hash=secret",
    "clear in passwd-file": "a@example.com:secret",
    "clear of 13 octets": "a@example.com:thirteen long",
    "clear, 13 octets, passwd-file": "a@example.com:correct-horse",
    "of 13 letters, perhaps DES": "a@example.com:correcthorse1",
    "perhaps BSDi": "a@example.com:_J9..rasmBYk8r9AiWNc",
    "carriage return in between": "a@example.com\rb@example.com",
    "no domain": "secret-user:{PLAIN}secret",
    "plain scheme, too long": "a@example.com:{PLAIN}" + 512 * "x",
    "too slow": "a@example.com hash=$2b$17$abcdefghijklmnopqrstuu2r9OfJnfCsdn"
                "eAXAGHnS4UpFFP8WIrW",
    "newline": "a@example.com maildir=/a%0Ab",
    "carriage return": "a@example.com maildir=/a%0Db",
    "keep": "a@example.com keep=0",
    "keep, text": "a@example.com keep=never",
    "alias of nobody": "a@example.com alias-of=nobody@example.com",
    "alias of nothing": "a@example.com alias-of=",
    "alias and more": "a@example.com alias-of=first@example.com spam=only",
    "alias of itself": "a@example.com alias-of=a@example.com",
    "alias in an account's place": "first@example.com "
                                   "alias-of=first@example.com",
    "root in a passwd-file": "a@example.com:*:0:0::/root:",
    "no such user in a passwd-file": "a@example.com:*:no-such-user:::/home:",
    "no such uid in a passwd-file": "a@example.com:*:54399:::/home:",
    "relative home": "a@example.com:*:5000:5000::home/a:",
    "mdbox": "a@example.com:*:5000:5000::/home/a::"
             "userdb_mail=mdbox:~/mdbox",
    "driver": "a@example.com:*:5000:5000::/home/a::"
              "userdb_mail_path=~/mail userdb_mail_driver=sdbox",
    "variable": "a@example.com:*:5000:5000::/home/a::"
                "userdb_mail=maildir:/mail/%w",
    "other method": "a@example.com:$apr1$saltsalt$5ysGF8JUNXKHcJ7tnsRmk0",
    "long hash": "a@example.com hash=$6$" + 400 * "x",
    "percent": "a@example.com maildir=/100%",
    "percent, no hex": "a@example.com maildir=/%zz",
    "percent NUL": "a@example.com maildir=/a%00b",
    "NUL": "a@example.com access=off\0 spam=only",
    "from-now": "a@example.com access=from-now from-now=yesterday",
    "digest short": "a@example.com app-password=00,1,label",
    "digest alone": "a@example.com app-password=" + 32 * "00",
    "no label": "a@example.com app-password=%s,1," % (32 * "00"),
    "no time": "a@example.com app-password=%s,,label" % (32 * "00"),
    "time": "a@example.com app-password=%s,-1,label" % (32 * "00"),
    "digest long": "a@example.com app-password=%s,1,label" % (33 * "00"),
    "label long": "a@example.com app-password=%s,1,%s" % (
        32 * "00", 64 * "x"),
    "label control": "a@example.com app-password=%s,1,a%%0Ab" % (32 * "00"),
    "label twice": "a@example.com" + 2 * (
        " app-password=%s,1,label" % (32 * "00")),
    "too many": "a@example.com" + "".join(
        " app-password=%s,1,label%d" % (32 * "00", i) for i in range(65)),
}


@pytest.mark.parametrize("bad", BAD_LINES.values(), ids=BAD_LINES.keys())
def test_bad_lines(host, bad):
    """Told by file and line; nothing of the file is imported."""
    text = "new1@example.com\n\n# comment\n%s\nnew2@example.com\n" % bad
    error = host.refused(text, 4)
    assert "secret" not in error.replace("secret-user", "")
    before = host.export()
    path = host.text(text)
    for option in ["-n"], []:
        done = host.ctl("import", path, *option, status=1)
        told = done.stderr.decode().splitlines()
        assert len(told) == 2 and error in told[0]
        assert (b"new1@example.com" in host.export()) == (option == [])
    host.ctl("delete", "new1@example.com")
    host.ctl("delete", "new2@example.com")
    assert host.export() == before


def test_long_line(host):
    path = host.text("new@example.com\na@example.com maildir=/%s\n"
                     % (70000 * "x"))
    done = host.ctl("import", path, status=1)
    assert b":2: the line is too long" in done.stderr
    assert b"new@" in host.export()
    assert b"a@example.com" not in host.export()


@pytest.mark.parametrize("data", [
    b"x\0" + b"y" * (65535 - 2) + b"evil@example.com:{PLAIN}pw\n",
    b"x" * 65535 + b"evil@example.com:{PLAIN}pw\n",
    b"x" * 65535 + b"\0evil@example.com:{PLAIN}pw",
    b"evil@example.com:{PLAIN}half\0a password",
    b"evil@example.com:{PLAIN}x\rb@example.com:{PLAIN}y\r"],
    ids=["NUL", "long", "long, NUL", "NUL at the end", "CR alone"])
def test_nothing_of_a_bad_line_is_taken(host, data):
    """Nor what is left of it when a buffer was full, or behind a NUL."""
    before = host.export()
    done = host.ctl("import", host.text(data), status=1)
    assert done.stderr.count(b":1: the line is too long, or has a NUL or a "
                             b"carriage return") == 1
    assert done.stderr.count(b"\n") == 2
    assert host.export() == before


@pytest.mark.parametrize("data", [
    b"new@example.com", b"new@example.com\r\n", b"\t new@example.com\n",
    b"\xef\xbb\xbfnew@example.com\r\n"])
def test_how_files_may_end_and_begin(host, data):
    assert host.imported(data) == (1, 1)
    assert b"new@example.com" in host.export()


def test_whose_mailbox(host):
    with open(host.conf) as f:
        lines = [line for line in f if not line.startswith("owner")]
    with open(host.conf, "w") as f:
        f.writelines(lines)
    assert "owner=USER" in host.refused("a@example.com\n", 1)
    assert host.imported("a@example.com owner=4711:4712\n",
                         unmade=1) == (1, 1)
    assert show(host, "a@example.com")["owner"] == "4711:4712"


def made(path, uid):
    """The Maildir is there, the owner's and nobody else's."""
    for name in ("", "/tmp", "/new", "/cur"):
        status = os.stat(path + name)
        assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (uid, 0o700)
    return True


def test_maildirs_are_made(host):
    """As their owners, with what leads to them; what is there stays."""
    there = host.mail + "/example.com/there"
    Maildir(there, owner().pw_uid, owner().pw_gid).deliver(message())
    before = os.stat(there).st_mtime_ns
    assert host.imported("new@example.org\nthere@example.com\n"
                         "elsewhere@example.com maildir=%s/a/b/c\n"
                         % host.mail) == (3, 3)
    assert made(host.mail + "/example.org/new", owner().pw_uid)
    assert made(host.mail + "/a/b/c", owner().pw_uid)
    assert os.stat(there).st_mtime_ns == before


@pytest.mark.skipif(not ROOT, reason="only root makes them for others")
def test_maildirs_that_cannot_be_made(host):
    """One warning for each owner; the accounts are there."""
    os.mkdir(host.mail + "/shut", 0o755)
    text = "".join("%s@example.com maildir=%s/shut/%s owner=%s\n" % (
        name, host.mail, name, who) for name, who in (
            ("a", "4711:4712"), ("b", "4711:4712"), ("c", "daemon"),
            ("d", owner().pw_name)))
    done = host.ctl("import", host.text(text))
    assert done.stdout == b"4 accounts, 4 of them new\n"
    assert done.stderr.decode().splitlines() == [
        "pop3ctl: warning: %s@example.com: %s could not make the Maildir "
        "%s/shut/%s: Permission denied%s; the account is there: mount its "
        "file system, or make its Maildir by another `pop3ctl add "
        "%s@example.com', before the first login"
        % (name, who, host.mail, name, more, name) for name, who, more in (
            ("a", "4711:4712", " (and 1 more)"), ("c", "daemon", ""),
            ("d", owner().pw_name, ""))]
    assert os.listdir(host.mail + "/shut") == []
    assert show(host, "d@example.com")["access"] == "all"


@pytest.mark.parametrize("name", ["missing", "", "directory"])
def test_no_file(host, name):
    path = os.path.join(host.directory, name)
    if name == "directory":
        os.mkdir(path)
    done = host.ctl("import", path, status=1)
    assert re.fullmatch(rb"pop3ctl: \S+: .*\n", done.stderr), done.stderr
    assert host.export().count(b"\n") == 1


# From elsewhere.

def enter(server, address, password="secret"):
    """Logs in; the Maildir is made first."""
    path = server.ctl("show", address).stdout.split("maildir=")[1].split()[0]
    Maildir(path, server.owner.pw_uid, server.owner.pw_gid).deliver(message())
    with server.connect() as pop:
        pop.login(address, password)
        assert pop.stat()[0] >= 1
        pop.quit()


def keep_out(server, address, *passwords):
    for password in passwords:
        with server.connect() as pop:
            pop.err(b"AUTH PLAIN " + plain(address, password), "AUTH")


def import_into(server, tmp_path, text):
    path = tmp_path / "text"
    path.write_text(text)
    return server.ctl("import", str(path)).stdout


@pytest.mark.parametrize("kind", HASHES)
def test_hashes(server, tmp_path, kind):
    """address:hash, and a login with it."""
    address = kind.replace(" ", "-") + "@hash.example"
    scheme = "" if HASHES[kind][0] == "$" else "{CRYPT}"
    import_into(server, tmp_path, "%s:%s%s\n" % (address, scheme,
                                                 HASHES[kind]))
    enter(server, address)
    keep_out(server, address, "wrong")


@pytest.mark.parametrize("kind", HASHES)
def test_hashes_cut_short(server, tmp_path, kind):
    """Copied without its end: nobody could ever log in with it."""
    path = tmp_path / "text"
    path.write_text("cut@hash.example:%s\n" % HASHES[kind][:-1])
    done = server.ctl("import", str(path), check=False)
    assert done.returncode == 1
    assert "%s:1: that is not a hash" % path in done.stderr


@pytest.mark.parametrize("line", [
    "%s:{SHA512-CRYPT}" + HASHES["sha512"],
    "%s:{SHA256-CRYPT}" + HASHES["sha256"],
    "%s:{BLF-CRYPT}" + HASHES["bcrypt y"],
    "%s:{MD5-CRYPT}" + HASHES["md5"],
    "%s:{DES-CRYPT}" + HASHES["des"],
    "%s:{CRYPT}" + HASHES["yescrypt"],
    "%s:{CRYPT}" + HASHES["bcrypt b"] + ":::::",
    "%s:{blf-crypt}" + HASHES["bcrypt b"],
    "%s:{plain}secret", "%s:{PLAIN}secret:::::",
    "%s:" + HASHES["sha512"] + ":19000:0:99999:7:::",
    "%s:{CRYPT}" + HASHES["des"] + ":::Real Name,,,:/home/a:/bin/sh"],
    ids=lambda line: line.split(":", 1)[1][:16])
def test_passwd_file_and_shadow(server, tmp_path, line):
    address = "somebody@passwd.example"
    import_into(server, tmp_path, line % address + "\n")
    enter(server, address)
    server.ctl("delete", address)


@pytest.mark.parametrize("locked", [
    "!", "*", "!!", "", "*LK*", "!" + HASHES["sha512"],
    "*" + HASHES["sha512"], "!:19000:0:99999:7:::", ":::"])
def test_locked_lets_nobody_in(server, tmp_path, locked):
    import_into(server, tmp_path, "locked@hash.example:%s\n" % locked)
    assert "password=none\n" in \
        server.ctl("show", "locked@hash.example").stdout
    keep_out(server, "locked@hash.example", "secret", "!", "*")


def test_a_hash_for_an_old_account_is_its_password_only(server, tmp_path):
    account = server.add_account("old@hash.example", "before")
    server.ctl("set", account.address, "spam=only", "auto-delete=no")
    server.ctl("app-password", "add", account.address, "phone")
    before = server.ctl("export").stdout
    import_into(server, tmp_path, "OLD@hash.example:" + HASHES["sha512"])
    keep_out(server, account.address, "before")
    server.connect().login(account.address, "secret").quit()

    def without_hash(text):
        return re.sub(r" hash=\S+", "", text)
    after = server.ctl("export").stdout
    assert without_hash(after) == without_hash(before) and after != before


def test_both_forms_in_one_file(host):
    text = "a@example.com:%s\nb@example.com hash=%s access=off\n# c\n" % (
        HASHES["bcrypt b"], HASHES["sha512"])
    assert host.imported(text) == (2, 2)
    exported = host.export().decode()
    for kind in ("bcrypt b", "sha512"):
        assert " hash=" + HASHES[kind] in exported
