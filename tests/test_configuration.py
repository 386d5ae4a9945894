"""pop3d -n: each thing that can be wrong is named, with its mend."""

import os
import re
import shutil
import subprocess

import pytest

from daemon import (POP3CTL, POP3D, ROOT, make_certificate, owner,
                    temporary_directory)


class Configuration:
    """Files that are right, until a test spoils one of them."""

    def __init__(self):
        self.directory = temporary_directory()
        self.file = self.path("pop3d.conf")
        self.accounts = self.path("accounts.db")
        self.cert, self.key = make_certificate(self.directory)
        self.lines = ["hostname mail.example.com",
                      "keypair %s %s" % (self.cert, self.key),
                      "accounts " + self.accounts,
                      "maildir %s/%%d/%%u" % self.directory,
                      "owner " + owner().pw_name]
        self.write()
        subprocess.run([POP3CTL, "-f", self.file, "add", "you@example.com"],
                       input="secret\n", text=True, check=True,
                       capture_output=True)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, *more):
        with open(self.file, "w") as f:
            f.write("\n".join([*self.lines, *more]) + "\n")

    def replace(self, keyword, line):
        self.lines = [line if old.startswith(keyword + " ") else old
                      for old in self.lines]
        self.write()

    def check(self, **keywords):
        """(exit status, standard output, standard error)."""
        done = subprocess.run([POP3D, "-n", "-f", self.file], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=60, **keywords)
        return done.returncode, done.stdout, done.stderr

    def wrong(self, message, line=None, **keywords):
        """The check fails with this one line, which names file and line."""
        status, out, err = self.check(**keywords)
        assert (status, out) == (1, "")
        where = self.file if line is None else "%s:%d" % (self.file, line)
        assert err == "%s: %s\n" % (where, message)

    def good(self):
        assert self.check() == (0, "configuration OK\n", "")


@pytest.fixture
def conf():
    conf = Configuration()
    yield conf
    shutil.rmtree(conf.directory)


def test_good(conf):
    conf.good()


def test_all_keywords(conf):
    """With comments, blanks, quotes, and CRLF of another system."""
    shutil.copy(conf.cert, conf.path("with blank.crt"))
    conf.write(
        "", "# a comment", "\t  # another", 'keypair "%s" %s # the third'
        % (conf.path("with blank.crt"), conf.key),
        "junk .Spam", "user " + ("_pop3d" if ROOT else owner().pw_name),
        "outgoing smtp.example.com 465 tls",
        "outgoing smtp.example.com 587 starttls", "timeout login 60",
        "timeout idle\t600\r", "max-failures 3", "auth accounts",
        '"hostname" mail.example.com', "maildir ~/Maildir")
    conf.good()


def test_longest_name_of_a_host(conf):
    conf.replace("hostname", "hostname " + 255 * "x")
    conf.good()


def test_no_file(conf):
    conf.file = conf.path("none.conf")
    conf.wrong("No such file or directory; pop3d.conf(5) tells what goes "
               "into it")


def test_directory(conf):
    conf.file = conf.directory
    status, out, err = conf.check()
    assert (status, out) == (1, "")
    assert "Is a directory" in err


def test_mended_step_by_step(conf):
    """One line at a time; when all is mended, it is good."""
    conf.write("nonsense")
    conf.wrong("nonsense is not a keyword; pop3d.conf(5) lists them", 6)
    conf.write()
    conf.good()


# Lines that are wrong in themselves.

LINES = [
    ("hostnaem x", "hostnaem is not a keyword; pop3d.conf(5) lists them"),
    ("HOSTNAME x", "HOSTNAME is not a keyword; pop3d.conf(5) lists them"),
    ("hostname", "write: hostname NAME"),
    ("hostname a b", "write: hostname NAME"),
    ('hostname ""', "hostname: the value is empty"),
    ('hostname "x', "the quote is not closed"),
    ("x" + 17 * " y", "more than 17 words; put a word with blanks in quotes"),
    ("proxy", "write: proxy NETWORK ..."),
    ("proxy 10.0.0.0/8 10.0.0.0/33", "proxy: 10.0.0.0/33 is not a network; "
     "give it like 10.0.0.0/8 or 2001:db8::/32"),
    ("\n".join(["proxy 10.0.0.1 10.0.0.2"] * 32 + ["proxy ::1"]),
     "proxy: more than 64 networks; put some together"),
    ("x" * 5000, "the line is longer than 4094 octets"),
    ("accounts db", "accounts: db is not an absolute path; begin it with a "
     "slash"),
    ("hostname " + 256 * "x", "hostname: the name of a host has at most 255 "
     "octets"),
    ('hostname "mail example"', 'hostname: "mail example" is not the name of '
     "a host; give it like mail.example.com"),
    ("maildir /m/%d/%n", "maildir: /m/%d/%n: only %d, %u, %a and %% are "
     "known"),
    ("maildir /m/%", "maildir: /m/%: only %d, %u, %a and %% are known"),
    ("maildir ~you/Maildir", "maildir: ~you/Maildir: the home of the owner "
     "is written ~/"),
    ("maildir Maildir", "maildir: Maildir is not an absolute path; begin it "
     "with a slash"),
    ("keypair /x", "write: keypair CERTIFICATE KEY [STAPLE]"),
    ("keypair /x y", "keypair: y is not an absolute path; begin it with a "
     "slash"),
    ("keypair /x /y z", "keypair: z is not an absolute path; begin it with "
     "a slash"),
    ("\n".join(["keypair /x /y"] * 32), "keypair: more than 32; remove some"),
    ("junk Junk", "junk: Junk is not a Maildir++ folder; name it like .Junk"),
    ("junk ..", "junk: .. is not a Maildir++ folder; name it like .Junk"),
    ("junk ./a", "junk: ./a is not a Maildir++ folder; name it like .Junk"),
    ("outgoing smtp.example.com", "write: outgoing HOST PORT tls|starttls"),
    ("outgoing x 0 tls", "outgoing: 0 is too small; give a number from 1 to "
     "65535"),
    ("outgoing x 65536 tls", "outgoing: 65536 is too large; give a number "
     "from 1 to 65535"),
    ("outgoing x 25 plain", "outgoing: plain is neither tls (port 465) nor "
     "starttls (port 587)"),
    ("\n".join(["outgoing x 465 tls"] * 5),
     "outgoing: more than 4; remove some"),
    ("timeout login never", "timeout: never is invalid; give a number from 1 "
     "to 3600"),
    ("timeout login 0", "timeout: 0 is too small; give a number from 1 to "
     "3600"),
    ("timeout login 60s", "timeout: 60s is invalid; give a number from 1 to "
     "3600"),
    ("timeout idle 86401", "timeout: 86401 is too large; give a number from "
     "1 to 86400"),
    ("timeout write 60", "timeout: write is neither login nor idle"),
    ("timeout idle", "write: timeout login|idle SECONDS"),
    ("max-failures 101", "max-failures: 101 is too large; give a number "
     "from 1 to 100"),
    ("auth pam", "auth: pam is neither accounts nor system"),
    ("sandbox on", "sandbox: on is not known; say required, or remove the "
     "line"),
]


@pytest.mark.parametrize("line,message", LINES,
                         ids=[line[:25] for line, _ in LINES])
def test_line(conf, line, message):
    conf.write(line)
    conf.wrong(message, 6 + line.count("\n"))


# Files.

def test_no_keypair(conf):
    conf.replace("keypair", "#")
    conf.wrong("there is no keypair; add: keypair CERTIFICATE KEY")


@pytest.mark.parametrize("what", ["certificate", "key", "OCSP staple"])
def test_missing_file(conf, what):
    none = conf.path("none")
    words = {"certificate": [none, conf.key], "key": [conf.cert, none],
             "OCSP staple": [conf.cert, conf.key, none]}
    conf.replace("keypair", "keypair " + " ".join(words[what]))
    conf.wrong("%s %s: No such file or directory" % (what, none), 2)


def test_second_keypair(conf):
    """The line is its own."""
    conf.write("keypair %s %s" % (conf.path("none"), conf.key))
    conf.wrong("certificate %s: No such file or directory"
               % conf.path("none"), 6)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o620, 0o666])
def test_key_open_to_others(conf, mode):
    os.chmod(conf.key, mode)
    conf.wrong("key %s can be read or changed by others; chmod 0600 %s"
               % (conf.key, conf.key), 2)
    os.chmod(conf.key, 0o600)
    conf.good()


def test_key_of_a_group(conf):
    """As Debian's ssl-cert has it."""
    os.chmod(conf.key, 0o640)
    conf.good()


@pytest.mark.skipif(not ROOT, reason="only root gives files away")
def test_key_that_is_not_roots(conf):
    """A warning: the unit has no right to read it."""
    os.chown(conf.key, owner().pw_uid, 0)
    status, out, err = conf.check()
    assert (status, out) == (0, "configuration OK\n")
    assert err.startswith("%s:2: warning: key %s is not root's; "
                          % (conf.file, conf.key)) and err.count("\n") == 1


def test_key_of_another_certificate(conf):
    other = make_certificate(conf.directory, "mail.example.org")
    conf.replace("keypair", "keypair %s %s" % (conf.cert, other[1]))
    status, out, err = conf.check()
    assert (status, out) == (1, "")
    assert re.fullmatch(re.escape(conf.file) + ":2: .*; does the key belong "
                        "to the certificate\\?\n", err), err


@pytest.mark.parametrize("which", ["cert", "key"])
def test_not_pem(conf, which):
    path = getattr(conf, which)
    with open(path, "w") as f:
        f.write("nonsense\n")
    status, out, err = conf.check()
    assert (status, out) == (1, "")
    assert err.startswith(conf.file + ":2: ") and err.count("\n") == 1


def test_expired_certificate(conf):
    subprocess.run(
        ["openssl", "x509", "-in", conf.cert, "-signkey", conf.key, "-days",
         "-1", "-out", conf.path("expired.crt")], check=True,
        capture_output=True)
    conf.replace("keypair", "keypair %s %s"
                 % (conf.path("expired.crt"), conf.key))
    conf.wrong("the certificate %s has expired; renew it"
               % conf.path("expired.crt"), 2)


def test_certificate_soon_to_expire(conf):
    """A warning, and yet all is good."""
    cert, key = make_certificate(conf.directory, "soon.example.com", days=5)
    conf.replace("keypair", "keypair %s %s" % (cert, key))
    status, out, err = conf.check()
    assert (status, out) == (0, "configuration OK\n")
    assert re.fullmatch(
        r"%s:2: warning: the certificate %s expires in 5 days; renew it\n"
        % (re.escape(conf.file), re.escape(cert)), err), err


# Users.

users = pytest.mark.parametrize("keyword", ["owner", pytest.param(
    "user", marks=pytest.mark.skipif(not ROOT, reason="root alone uses it"))])


@users
def test_unknown_user(conf, keyword):
    conf.lines = [line for line in conf.lines
                  if not line.startswith(keyword + " ")]
    conf.write(keyword + " nobody-of-this-name")
    conf.wrong("%s: there is no user nobody-of-this-name; create it, or "
               "name another" % keyword, len(conf.lines) + 1)


@users
def test_root_as_user(conf, keyword):
    conf.lines = [line for line in conf.lines
                  if not line.startswith(keyword + " ")]
    conf.write(keyword + " root")
    conf.wrong("%s: root is root; name another user" % keyword,
               len(conf.lines) + 1)


# Accounts.

def test_no_accounts(conf):
    os.unlink(conf.accounts)
    conf.wrong("accounts %s: No such file or directory; `pop3ctl add' makes "
               "the first" % conf.accounts, 3)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_accounts_open_to_others(conf, mode):
    os.chmod(conf.accounts, mode)
    conf.wrong("accounts %s: others than its owner have access; chmod 0600 "
               "%s" % (conf.accounts, conf.accounts), 3)


@pytest.mark.parametrize("content", [b"", b"nonsense\n" * 1000,
                                     b"\0" * 8192], ids=len)
def test_accounts_that_are_none(conf, content):
    with open(conf.accounts, "wb") as f:
        f.write(content)
    status, out, err = conf.check()
    assert (status, out) == (1, "")
    assert err.startswith(conf.file + ":3: accounts: " + conf.accounts), err


def test_accounts_with_a_damaged_page(conf):
    """In the middle, where the database can still be opened."""
    text = "".join("user%d@example.com maildir=/m/%d\n" % (n, n)
                   for n in range(300))
    subprocess.run([POP3CTL, "-f", conf.file, "import", "-"], text=True,
                   input=text, check=True, capture_output=True)
    conf.good()
    with open(conf.accounts, "r+b") as f:
        f.seek(os.path.getsize(conf.accounts) // 4096 // 2 * 4096 + 1000)
        f.write(100 * b"x")
    status, out, err = conf.check()
    assert (status, out) == (1, "") and err.count("\n") == 1
    assert err.startswith("%s:3: accounts: %s: damaged (" % (
        conf.file, conf.accounts))


def test_system_alone(conf):
    """Where nobody looks at the accounts, none have to be."""
    os.unlink(conf.accounts)
    conf.write("auth system")
    status, out, err = conf.check()
    assert (status, out) == (0, "configuration OK\n")
    assert err == ("" if os.path.exists("/etc/pam.d/pop3d") else
                   "%s: warning: auth system: there is no /etc/pam.d/pop3d, "
                   "so that PAM's service other decides; `make install' puts "
                   "one there\n" % conf.file)
    conf.write("auth system", "auth accounts")
    status, out, err = conf.check()
    assert (status, out) == (1, "")
    assert err.endswith("%s:3: accounts %s: No such file or directory; "
                        "`pop3ctl add' makes the first\n"
                        % (conf.file, conf.accounts))


def test_the_check_changes_nothing(conf):
    before = sorted((name, os.stat(conf.path(name)).st_mtime_ns)
                    for name in os.listdir(conf.directory))
    conf.good()
    assert before == sorted((name, os.stat(conf.path(name)).st_mtime_ns)
                            for name in os.listdir(conf.directory))
