"""pop3ctl import of Dovecot's passwd-files, with hashes that Dovecot made."""

import os
import pwd
import re
import shutil
import subprocess
import sys

import pytest

from daemon import ROOT, owner
from maildir import message
from pop3 import plain
from test_transfer import Host

pytestmark = pytest.mark.skipif(
    not ROOT, reason="only root gives mailboxes to others")

# Schemes of `doveadm pw': those that crypt(3) knows, and some that it does
# not.
CHECKED = ["CRYPT", "SHA512-CRYPT", "SHA256-CRYPT", "BLF-CRYPT", "MD5-CRYPT",
           "DES-CRYPT", "PLAIN", "CLEARTEXT", "CLEAR"]
UNCHECKED = ["SSHA256", "SSHA512", "SSHA", "SHA512", "SHA256", "PBKDF2",
             "PLAIN-MD5", "LDAP-MD5", "SMD5", "CRAM-MD5", "ARGON2ID",
             "SCRAM-SHA-256", "SHA512.HEX", "PLAIN.b64"]


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path)
    with open(host.conf, "a") as f:
        f.write("default-domain example.com\n")
    yield host
    host.remove()


def doveadm(scheme):
    if not shutil.which("doveadm"):
        pytest.skip("there is no doveadm here to make hashes")
    done = subprocess.run(["doveadm", "pw", "-s", scheme, "-p", "secret"],
                          text=True, capture_output=True)
    if done.returncode != 0:
        pytest.skip("this doveadm lacks " + scheme)
    return done.stdout.strip()


def show(host, address):
    lines = host.ctl("show", address).stdout.decode().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def imported(host, text, *options, status=0):
    """(what is told of each line by -n, standard error)."""
    done = host.ctl("import", host.text(text), *options, status=status)
    told = re.findall(r"^\S+:(\d+): (.*)$", done.stdout.decode(), re.M)
    return {int(n): what for n, what in told}, done.stderr.decode()


# Passwords.

@pytest.mark.parametrize("case", [str.upper, str.lower],
                         ids=["upper", "lower"])
@pytest.mark.parametrize("scheme", CHECKED)
def test_schemes_that_let_in(server, scheme, case):
    hashed = doveadm(scheme)
    assert hashed.startswith("{%s}" % scheme)
    hashed = case("{%s}" % scheme) + hashed.split("}", 1)[1]
    server.ctl("import", "-", stdin="dove@pw.example:%s:::::\n" % hashed)
    text = server.ctl("export").stdout
    assert "secret" not in text
    with server.connect() as pop:
        pop.login("dove@pw.example", "secret")
    with server.connect() as pop:
        pop.err(b"AUTH PLAIN " + plain("dove@pw.example", "secre"), "AUTH")
    server.ctl("delete", "dove@pw.example")


@pytest.mark.parametrize("scheme", UNCHECKED)
def test_schemes_that_let_nobody_in(host, scheme):
    """A new account, told of; one that is there stays as it was."""
    hashed = doveadm(scheme)
    line = "dove@pw.example:%s:::::\n" % hashed
    wanted = "it has no password: crypt(3) cannot check its hash, {%s}" % \
        scheme.upper()
    told, _ = imported(host, line, "-n")
    assert told[1] == "dove@pw.example: added; " + wanted
    _, error = imported(host, line)
    assert error == "pop3ctl: warning: %s/text:1: dove@pw.example: %s\n" % (
        host.directory, wanted)
    assert show(host, "dove@pw.example")["password"] == "none"
    host.ctl("passwd", "dove@pw.example", stdin=b"secret\n")
    before = host.export()
    _, error = imported(host, line, status=1)
    assert "the account stays as it was" in error
    assert host.export() == before


@pytest.mark.parametrize("hashed", [
    "{BLF-CRYPT}$2y$17$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
    "{CRYPT}$6$rounds=30000000$saltsalt$LAV5VE5Y7w1d73x1mFNspYWUpazfmwv2Soep"
    "NXNKJ/otop/Zok96Hr8Q13LEv0DRY/x8v0/crpIjl8NJSAqXV/",
    "$5$rounds=999999999$saltsalt$"
    "eKLZU9t9OoPWrqOQsoTIKG0aYkZ5rGOoOQhiIvoSWX2"])
def test_a_hash_that_takes_too_long(host, hashed):
    """Told from others by the time of an answer: it is not taken."""
    _, error = imported(host, "slow:%s\nfast:%s\n" % (
        hashed, "$1$saltsalt$9xy1btjgzLYfb7hivXtC//"))
    assert ":1: slow@example.com: it has no password: its hash takes so " \
        "long" in error
    assert error.count("\n") == 1
    assert "password=none" in host.ctl("show", "slow@example.com"
                                       ).stdout.decode()
    assert show(host, "fast@example.com")["password"] == "yes"


@pytest.mark.skipif(sys.platform != "linux", reason="bcrypt needs none")
@pytest.mark.parametrize("hashed", [
    "$7$Q6....6....abcdefghijklmn$" + 43 * "a",
    "$y$jZ9$abcdefghijklmnop$" + 43 * "a"])
def test_a_hash_that_no_memory_is_enough_for(host, hashed):
    """crypt(3) fails, at once: the account would have let nobody in."""
    _, error = imported(host, "big:%s\n" % hashed)
    assert ":1: big@example.com: it has no password: its hash asks for " \
        "more than crypt(3) has here" in error
    assert show(host, "big@example.com")["password"] == "none"
    _, error = imported(host, "b@example.com hash=%s\n" % hashed, status=1)
    assert "the hash asks for more than" in error


def test_passwords_in_the_clear_are_hashed(host):
    """What Dovecot has behind {PLAIN} is all of it, whatever it is."""
    text = "".join("p%d:{PLAIN}%s\n" % (i, word) for i, word in enumerate(
        ["secret", "!locked?", "*", "{CRYPT}x", "with blanks in it",
         "$6$salt$hash", "ö€"]))
    _, error = imported(host, text)
    assert error == ""
    exported = host.export().decode()
    assert exported.count(" hash=$") == 7
    assert len(set(re.findall(r"hash=\S+", exported))) == 7


# Fields.

def test_whole_lines(host):
    vmail = owner()
    base = host.mail
    imported(host, """# comment of Dovecot's wiki
user1:{PLAIN}pass:%d:%d::%s/user1::userdb_mail=maildir:~/Maildir
user2@other.example:*:vmail:vmail:Real Name:%s/user2:/bin/false:\
userdb_quota_rule=*:storage=1G userdb_mail=maildir:%s/%%d/%%n:LAYOUT=fs
user3::%d:%d::%s/user3::userdb_mail=maildir:%%h/mail:INBOX=%s/%%u/in nologin
user4:!::::%s/user4::
user5:*:4711:4712::/x::userdb_uid=%d userdb_gid=%d userdb_home=%s/u5 \
userdb_mail=~/Maildir nologin=y
user6:*:%d:::%s/user6::userdb_mail_driver=maildir userdb_mail_path=%%{home}/%%{user|domain}
""" % (vmail.pw_uid, vmail.pw_gid, base, base, base, vmail.pw_uid,
       vmail.pw_gid, base, base, base, vmail.pw_uid, vmail.pw_gid, base,
       vmail.pw_uid, base))
    found = {address: show(host, address) for address in re.findall(
        r"^\S+", host.export().decode(), re.M)}
    assert {address: (one["maildir"], one["access"]) for address, one in
            found.items()} == {
        "user1@example.com": (base + "/user1/Maildir", "all"),
        "user2@other.example": (base + "/other.example/user2", "all"),
        "user3@example.com": (base + "/user3@example.com/in", "off"),
        "user4@example.com": (base + "/example.com/user4", "all"),
        "user5@example.com": (base + "/u5/Maildir", "off"),
        "user6@example.com": (base + "/user6/example.com", "all")}
    assert {one["owner"] for one in found.values()} == {"vmail"}
    for one in found.values():
        assert os.stat(one["maildir"] + "/new").st_uid == vmail.pw_uid


@pytest.mark.parametrize("home, mail, why", [
    ("", "maildir:~/Maildir", "needs a home"),
    ("", "~", "needs a home"),
    ("", "maildir:%h/mail", "needs a home"),
    ("", "maildir:/mail/%{home}", "needs a home"),
    ("/", "maildir:~/Maildir", "needs a home"),
    ("//", "maildir:/x:INBOX=%h", "needs a home"),
    ("/u/a", "maildir:~bob/Maildir", "the home of somebody else"),
    ("/u/a", "/", "no absolute path"),
    ("/u/a", "maildir:", "no absolute path"),
    ("/u/%n", "maildir:~/Maildir", "home /u/%n: write it without variables"),
    ("/u/%d/a", "", "home /u/%d/a: write it without variables")])
def test_paths_that_would_be_another_s(host, home, mail, why):
    """Without a home each would have /Maildir, and the others' mail in it;
    Dovecot may have homes from elsewhere."""
    text = "".join("%s:{PLAIN}x:vmail:vmail::%s::userdb_mail=%s\n" % (
        name, home, mail) for name in "ab")
    _, error = imported(host, text, status=1)
    assert error.count(why) == 2, error
    assert not os.path.exists(host.directory + "/accounts.db")


def test_master_passwd(host):
    """OpenBSD's has class and times before the gecos."""
    line = "a@example.com:*:vmail:vmail:staff:0:0:A. Name:%s/home/a:/bin/ksh"
    open(host.conf, "a").write("maildir ~/Maildir\n")
    imported(host, line % host.mail + "\n")
    found = show(host, "a@example.com")
    assert found["maildir"] == host.mail + "/home/a/Maildir"
    assert found["owner"] == "vmail"


def test_a_name_without_a_domain(host):
    path = host.conf
    text = open(path).read().replace("default-domain example.com\n", "")
    open(path, "w").write(text)
    _, error = imported(host, "joe:{PLAIN}x\n", status=1)
    assert "joe is not a valid address; write LOCAL@DOMAIN, or the domain " \
        "as default-domain into " + path in error


def test_home_in_the_template(host):
    """maildir ~/Maildir is each user's own, as Dovecot's mail_location."""
    with open(host.conf, "a") as f:
        f.write("maildir ~/Maildir\n")
    imported(host, "a:*:::: %s/a::\n" % host.mail, status=1)
    imported(host, "a:*::::%s/a::\n" % host.mail)
    assert show(host, "a@example.com")["maildir"] == host.mail + "/a/Maildir"


def test_networks_are_told_of(host):
    told, _ = imported(host, "a:*::::::allow_nets=192.0.2.0/24\n", "-n")
    assert told[1] == "a@example.com: added; allow_nets does not count here"
    _, error = imported(host, "a:{SSHA}x::::::allow_nets=192.0.2.0/24\n")
    assert error.endswith("{SSHA}; allow_nets does not count here\n")


def test_of_an_old_account_only_the_password_changes(host):
    imported(host, "a:{PLAIN}first::::::\n")
    host.ctl("set", "a@example.com", "spam=only", "keep=3")
    before = host.export().decode()
    told, _ = imported(host, "a:{PLAIN}other:daemon:::/x::nologin\n", "-n")
    assert told[1] == "a@example.com: its password changed"
    assert host.export().decode() == before
    imported(host, "a:{PLAIN}other:daemon:::/x::nologin\n")
    after = host.export().decode()
    assert after != before
    assert re.sub("hash=.*", "", after) == re.sub("hash=.*", "", before)


@pytest.mark.parametrize("word", ["", "*", "!", "!$6$abc$def", "{CRYPT}",
                                  "{PLAIN}", "*LK*"])
def test_no_line_takes_a_password_away(host, word):
    """Dovecot's file of the userdb has none, and those of a file whose
    hashes went to SQL are no news."""
    imported(host, "a:{PLAIN}first\n")
    before = host.export()
    line = "a:%s:vmail:vmail::/x::\n" % word
    for option in ["-n"], ["-s"], []:
        _, error = imported(host, line, *option, status=1)
        assert ":1: a@example.com: the password here is locked or empty; " \
            "the account keeps the one that it has" in error
        assert host.export() == before
    host.ctl("set", "a@example.com", "password=none")
    before = host.export()
    told, error = imported(host, line, "-n")
    assert told[1] == "a@example.com: has no password, as before"
    assert imported(host, line)[1] == "" and host.export() == before


# All that is wrong at once.

MIXED = """good1:{PLAIN}x
bad1@:x
good2:*
bad2:secret-in-the-clear
good3:{SSHA}x
bad3:*:root
good4 spam=only
good4@example.com spam=only
bad5@example.com spam=some
x@example.com alias-of=nobody@example.com
y@example.com alias-of=good1@example.com
"""
BAD = [2, 4, 6, 7, 9, 10]
GOOD = ["good1", "good2", "good3", "good4"]


def bad_lines(error):
    return [int(n) for n in re.findall(r"^pop3ctl: \S+:(\d+): ", error, re.M)]


def test_all_is_told_at_once(host):
    told, error = imported(host, MIXED, "-n", status=1)
    assert sorted(bad_lines(error)) == BAD
    assert sorted([*told, *bad_lines(error)]) == list(range(1, 12))
    assert "secret" not in error
    assert not os.path.exists(host.directory + "/accounts.db")
    _, error = imported(host, MIXED, "-s", status=1)
    assert sorted(bad_lines(error)) == BAD
    assert not os.path.exists(host.directory + "/accounts.db")
    assert error.endswith("nothing was imported\n")
    _, error = imported(host, MIXED, status=1)
    assert sorted(bad_lines(error)) == BAD
    assert error.endswith("bad lines, which were not imported: 6\n")
    assert re.findall(r"^(\w+)@example.com", host.export().decode(),
                      re.M) == GOOD + ["y"]
    assert os.path.isdir(host.mail + "/example.com/good3/cur")


def test_nothing_good(host):
    imported(host, "bad1@:x\nbad2:secret\n", status=1)
    assert not os.path.exists(host.directory + "/accounts.db")


def test_import_reads_before_it_locks(host):
    """Another writer need not wait for who types."""
    process = subprocess.Popen(
        [os.path.join(os.path.dirname(__file__), "..", "pop3ctl"), "-f",
         host.conf, "import", "-"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE)
    try:
        process.stdin.write(b"a@example.com\n")
        process.stdin.flush()
        host.ctl("add", "-P", "b@example.com")
        out, _ = process.communicate(b"c@example.com\n", timeout=60)
    finally:
        process.kill()
        process.wait()
    assert out == b"2 accounts, 2 of them new\n"
    assert re.findall(r"^\S+", host.export().decode(), re.M) == [
        letter + "@example.com" for letter in "abc"]


def test_of_users_who_come_over(server):
    """A file as an administrator has it; with IMAP's home, and then POP."""
    home = server.mail + "/dove"
    vmail = pwd.getpwnam(server.owner.pw_name)
    text = "mary@dove.example:%s:%d:%d::%s/mary::userdb_mail=" \
        "maildir:~/Maildir\n" % (doveadm("SHA512-CRYPT"), vmail.pw_uid,
                                 vmail.pw_gid, home)
    server.ctl("import", "-", stdin=text)
    path = home + "/mary/Maildir/new/1764000000.M1.mx"
    with open(path, "wb") as f:
        f.write(message(body="from before\n"))
    os.chown(path, vmail.pw_uid, vmail.pw_gid)
    with server.connect() as pop:
        pop.login("mary@dove.example", "secret")
        assert b"from before" in pop.retr(1)
        pop.quit()
    server.ctl("delete", "mary@dove.example")
