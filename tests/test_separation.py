"""Which processes a session has, and what each can reach: all from /proc."""

import os
import pwd
import shutil

import pytest

from daemon import (ROOT, SANITIZED, Server, make_certificate, owner,
                    temporary_directory, wait_until)
from maildir import message
from pop3 import plain
from syslogd import Syslogd
import processes

EMPTY = "/var/empty"

root_only = pytest.mark.skipif(not ROOT, reason="only root changes uids")


def sockets(kind):
    """{inode: type} of /proc/net/unix, or the inodes of /proc/net/tcp."""
    with open("/proc/net/" + kind) as f:
        lines = [line.split() for line in f.readlines()[1:]]
    if kind == "unix":
        return {words[6]: int(words[4], 16) for words in lines}
    return {words[9] for words in lines}


def describe(path):
    """What a descriptor is open on, in one word for each kind of socket."""
    if not path.startswith("socket:["):
        return path
    inode = path[len("socket:["):-1]
    if inode in sockets("tcp"):
        return "client"
    return {5: "channel", 2: "syslog", 1: "stream"}[sockets("unix")[inode]]


def is_null(pid, n):
    """By its numbers: the server may have mounts of its own."""
    return (os.stat("/proc/%d/fd/%d" % (pid, n)).st_rdev ==
            os.stat("/dev/null").st_rdev)


def standard(pid):
    """What is on descriptors 0, 1 and 2."""
    found = processes.descriptors(pid)
    return [NULL if is_null(pid, n) else describe(found[n])
            for n in (0, 1, 2)]


def others(pid):
    """What is on all the others."""
    return sorted(describe(path)
                  for n, path in processes.descriptors(pid).items() if n > 2)


def capabilities(pid):
    return {int(processes.status(pid, name)[0], 16)
            for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}


def is_user(pid, user):
    """All its ids are the user's, and nothing of root is left."""
    return (processes.uids(pid) == [user.pw_uid] * 4 and
            processes.gids(pid) == [user.pw_gid] * 4 and
            processes.groups(pid) == [user.pw_gid] and
            capabilities(pid) == {0})


def is_sandboxed(pid):
    """Filtered, without a way to more privileges (DESIGN, Sandbox)."""
    return (processes.status(pid, "Seccomp") == ["2"] and
            processes.status(pid, "NoNewPrivs") == ["1"])


def is_locked_in(pid):
    """Its root, and where it stands, are a directory with nothing in it."""
    return (os.path.samefile("/proc/%d/root" % pid, EMPTY) and
            os.path.samefile("/proc/%d/cwd" % pid, EMPTY) and
            os.listdir(EMPTY) == [])


NULL = "null"


def as_installed(make_server, tmp_path, parent):
    """As an administrator starts it: no -d, syslogd listens."""
    syslogd = Syslogd(tmp_path)
    yield make_server(parent=parent, debug=False, prefix=syslogd.prefix)
    syslogd.close()


@pytest.fixture
def server(make_server, tmp_path):
    yield from as_installed(make_server, tmp_path, "inetd")


@pytest.fixture
def account(server):
    account = server.add_account()
    account.maildir.deliver(message())
    return account


@root_only
def test_before_the_login(server):
    pop = server.connect()
    found = server.processes(pop)
    assert sorted(server.pids()) == sorted([found.parent, found.session])
    assert is_user(found.session, pwd.getpwnam("_pop3d"))
    assert is_sandboxed(found.session) or SANITIZED
    assert is_locked_in(found.session)
    assert standard(found.session) == ["client", "client", NULL]
    assert others(found.session) == ["channel", "syslog"]
    assert standard(found.parent) == [NULL, NULL, NULL]
    wait_until(lambda: others(found.parent) == ["channel", "syslog"],
               "the parent keeps more than it needs")


@root_only
def test_while_auth_is_asked(server, account):
    """It stays until somebody has logged in."""
    pop = server.connect()
    pop.err(b"AUTH PLAIN " + plain(account.address, "wrong"), "AUTH")
    found = server.processes(pop)
    assert sorted(server.pids()) == sorted(found.all)
    assert len(found.all) == 3
    assert is_user(found.auth, pwd.getpwnam("_pop3d"))
    assert is_sandboxed(found.auth) or SANITIZED
    assert is_locked_in(found.auth)
    assert standard(found.auth) == [NULL, NULL, NULL]
    assert others(found.auth) == [
        os.path.join(server.directory, "db/accounts.db"),
        "channel", "channel", "syslog"]
    # The channel of auth's verdict: the session has no way to it.
    assert others(found.session) == ["channel", "syslog"]
    assert others(found.parent) == ["channel", "channel", "syslog"]


@root_only
def test_after_the_login(server, account):
    pop = account.login()
    assert len(pop.retr(1)) > 0
    found = server.processes(pop)
    assert sorted(server.pids()) == sorted([found.store, found.session])
    assert is_user(found.session, pwd.getpwnam("_pop3d"))
    assert is_sandboxed(found.session) or SANITIZED
    assert is_locked_in(found.session)
    assert standard(found.session) == ["client", "client", NULL]
    assert others(found.session) == ["channel", "syslog"]
    assert is_user(found.store, server.owner)
    assert is_sandboxed(found.store) or SANITIZED
    assert standard(found.store) == [NULL, NULL, NULL]
    mail = [path for path in others(found.store)
            if path not in ("channel", "syslog")]
    assert len(others(found.store)) == len(mail) + 2
    assert mail and all(path.startswith(account.maildir.path + "/")
                        for path in mail)


@root_only
def test_mailbox_of_another_owner(server):
    """The store is whoever the account says."""
    account = server.add_account(
        maildir=os.path.join(server.directory, "games"), owner="games")
    store = server.processes(account.login()).store
    assert is_user(store, pwd.getpwnam("games"))
    assert is_sandboxed(store) or SANITIZED


def test_session_keeps_no_message_open(server, account):
    """What it was handed for RETR it closes."""
    account.maildir.deliver(message())
    pop = account.login()
    for number in (1, 2, 1, 2):
        pop.retr(number)
    session = server.processes(pop).session
    assert others(session) == ["channel", "syslog"]


@pytest.fixture
def user_server():
    """Of somebody who is not root, and started by him."""
    directory = temporary_directory()
    keypair = make_certificate(directory)
    prefix = []
    if ROOT:
        user = owner()
        os.chown(keypair[1], user.pw_uid, user.pw_gid)
        prefix = ["setpriv", "--reuid=%d" % user.pw_uid,
                  "--regid=%d" % user.pw_gid, "--clear-groups"]
    server = Server(keypair, prefix=prefix, copied=True)
    yield server
    server.stop()
    shutil.rmtree(directory)


def give_away(path, user):
    for directory, _, names in os.walk(path):
        for name in [""] + names:
            os.chown(os.path.join(directory, name), user.pw_uid, user.pw_gid)


def test_started_by_somebody_else(user_server):
    """No uid changes, but the processes and what each has open do."""
    server = user_server
    account = server.add_account()
    account.maildir.deliver(message())
    if ROOT:
        give_away(os.path.join(server.directory, "db"), server.owner)
    pop = account.login()
    assert len(pop.retr(1)) > 0
    found = server.processes(pop)
    assert sorted(server.pids()) == sorted([found.store, found.session])
    for pid in found.all:
        assert processes.uids(pid) == [server.owner.pw_uid] * 4
        assert capabilities(pid) == {0}
    assert standard(found.session)[:2] == ["client", "client"]
    assert set(others(found.session)) <= {"channel", "syslog"}
    assert standard(found.store)[:2] == [NULL, NULL]
    assert "client" not in others(found.store)
    pop.ok("DELE 1")
    pop.quit()
    server.wait_empty()
    assert account.maildir.files() == []
    assert len([line for line in server.log_lines() if line.startswith(
        "not started by root: ")]) == 1
