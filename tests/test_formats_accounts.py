"""Files as older programs left them: tests/formats, made once by the program
that wrote the version, and never again."""

import fcntl
import os
import re
import shutil

import pytest

from daemon import HERE, ROOT
from maildir import Maildir, message
from pop3 import plain

FORMATS = HERE + "/formats/"
MAIL = "/tmp/pop3d-formats"  # where the accounts of these files have it
OWNER = 54321
PASSWORD = "secret"


@pytest.fixture
def mail():
    """The one place, for one test at a time; makes Maildirs in it."""
    with open("/tmp/pop3d-formats.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(MAIL, ignore_errors=True)
        os.mkdir(MAIL, 0o755)

        def make(address, gid=OWNER):
            local, domain = address.split("@")
            uid, gid = (OWNER, gid) if ROOT else (os.getuid(), os.getgid())
            return Maildir("%s/%s/%s/Maildir" % (MAIL, domain, local), uid,
                           gid)

        yield make
        shutil.rmtree(MAIL)


@pytest.fixture
def with_accounts(make_server):
    """A server with the accounts of such a file."""
    def make(name):
        server = make_server()
        path = server.directory + "/db/accounts.db"
        shutil.copy(FORMATS + name, path)
        os.chmod(path, 0o600)
        return server
    return make


def text(name):
    with open(FORMATS + name) as f:
        return f.read()


def app_passwords():
    for line in text("account-v1.app-passwords").splitlines():
        yield line.split("\t")


def addresses():
    return [line.split()[0]
            for line in text("account-v1.export").splitlines()]


def logins(server, mail):
    """Who gets in with what; the others must not."""
    for address in "plain@example.com", "from-now@example.com":
        mail(address).deliver(message())
        with server.connect() as pop:
            pop.login(address, PASSWORD)
            assert pop.stat()[0] == (address == "plain@example.com")
            yield address, None
    mail("two-factor@example.com", OWNER + 1)
    mail("many@example.com")
    for address, label, password in app_passwords():
        with server.connect() as pop:
            pop.login(address, password)
        server.wait_log("user=%s .*app-password=%s" % (
            address, re.escape(label.replace(" ", "\\040"))))
        yield address, label
    for address in ("off@example.com", "two-factor@example.com",
                    "none@example.org", "many@example.com"):
        with server.connect() as pop:
            pop.err(b"AUTH PLAIN " + plain(address, PASSWORD), "AUTH")


def words_of(server):
    return [line.split() for line in
            server.ctl("export").stdout.splitlines()]


def same_words(server):
    """Each line of the export then is in that of now."""
    was = [line.split() for line in text("account-v1.export").splitlines()]
    now = words_of(server)
    assert [line[0] for line in now] == [line[0] for line in was]
    for old, new in zip(was, now):
        assert set(old) <= set(new)


def test_accounts_of_version_1_let_in_whom_they_did(with_accounts, mail):
    server = with_accounts("account-v1.db")
    assert len(list(logins(server, mail))) == 5


def test_accounts_of_version_1_are_shown_as_they_were(with_accounts):
    server = with_accounts("account-v1.db")
    same_words(server)
    shown = ""
    for address in addresses():
        shown += server.ctl("show", address).stdout
    for line in text("account-v1.show").splitlines():
        if not line.startswith("{"):
            assert line + "\n" in shown


def test_accounts_of_version_1_lose_nothing_when_they_are_written(
        with_accounts, mail):
    server = with_accounts("account-v1.db")
    for address in addresses():
        before = server.ctl("show", address).stdout
        server.ctl("set", address, "spam=include")
        assert server.ctl("show", address).stdout == \
            re.sub("^spam=.*$", "spam=include", before, flags=re.M)
    for line in text("account-v1.export").splitlines():
        address, spam = line.split()[0], re.search(" (spam=.*?) ", line)[1]
        server.ctl("set", address, spam)
    same_words(server)
    assert len(list(logins(server, mail))) == 5


def test_accounts_of_version_2(with_accounts, mail):
    server = with_accounts("account-v2.db")
    mail("some@example.com")
    with server.connect() as pop:
        pop.login("some@example.com", PASSWORD)
    assert [words[0] for words in words_of(server)] == \
        ["some@example.com", "zz@example.com", "alias@example.com"]
    with server.connect() as pop:
        pop.login("alias@example.com", PASSWORD)
    shown = server.ctl("show", "some@example.com").stdout
    assert "spam=include" in shown
    assert "app-password old desk created 2023-11-14T22:13:20Z" in shown
