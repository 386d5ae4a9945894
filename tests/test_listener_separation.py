"""What the listener's processes are, what each has, and what they know of each
other: all from /proc."""

import os
import pwd
import re
import signal
import socket
import ssl

import pytest

from daemon import ROOT, SANITIZED, wait_until
from maildir import message
from pop3 import plain
from test_secrets import knows, private_key
from test_separation import (NULL, account,  # noqa: F401
                             as_installed, capabilities, describe,
                             is_locked_in, is_sandboxed, is_user, others,
                             standard)
import processes

pytestmark = pytest.mark.skipif(not ROOT, reason="only root changes uids")

POP3D_USER = "_pop3d"


@pytest.fixture
def server(make_server, tmp_path):
    yield from as_installed(make_server, tmp_path, "inetd-wait")


class Other:
    """A client with an address of its own."""

    def __init__(self, server, address):
        context = ssl.create_default_context(cafile=server.keypair[0])
        raw = socket.create_connection(("127.0.0.1", server.port), 60,
                                       source_address=(address, 0))
        self.local_port = raw.getsockname()[1]
        self.tls = context.wrap_socket(raw,
                                       server_hostname="mail.example.com")
        self.line()

    def line(self):
        return self.tls.recv(1000)

    def login(self, account):
        self.tls.sendall(b"USER %s\r\n" % account.address.encode())
        self.line()
        self.tls.sendall(b"PASS secret\r\n")
        assert self.line().startswith(b"+OK")
        return self

    def close(self):
        self.tls.close()


def kinds(pid):
    """What is on the descriptors from 3 on; sockets that listen are told."""
    return sorted(
        "listening" if path.startswith("socket:[") and
        processes.is_listening(path[8:-1]) else describe(path)
        for n, path in processes.descriptors(pid).items() if n > 2)


def ask_auth(server):
    """A client whom auth has refused once."""
    pop = server.connect()
    pop.err(b"AUTH PLAIN " + plain("nobody@example.com", "x"), "AUTH")
    return pop


def test_what_each_has(server, account):  # noqa: F811
    """One that says nothing, one that auth has refused, one logged in: each
    process has what is its own, and nothing of the others'."""
    other = server.add_account()
    other.maildir.deliver(message())
    silent = server.connect_raw()
    refused = ask_auth(server)
    first, second = account.login(), other.login()
    found = [server.processes(pop) for pop in (refused, first, second)]
    listener, keys = found[0].listener, found[0].keys
    assert {(f.listener, f.keys) for f in found} == {(listener, keys)}
    assert processes.uids(listener) == [0] * 4
    assert standard(listener) == [NULL] * 3
    # Of the sessions it has the channel of the silent one alone.
    wait_until(lambda: kinds(listener) == [
        "channel", "channel", "listening", "syslog"],
        "the listener keeps more than it needs")
    assert is_user(keys, pwd.getpwnam(POP3D_USER))
    assert is_sandboxed(keys) or SANITIZED
    assert is_locked_in(keys)
    assert standard(keys) == [NULL] * 3
    assert others(keys) == ["channel", "syslog"]
    for f in found:
        assert is_user(f.session, pwd.getpwnam(POP3D_USER))
        assert is_sandboxed(f.session) or SANITIZED
        assert is_locked_in(f.session)
        assert standard(f.session) == ["client", "client", NULL]
        assert others(f.session) == ["channel", "syslog"]
        assert processes.other_ends(f.session).count(f.parent) == 1
    assert standard(found[0].parent) == [NULL] * 3
    assert kinds(found[0].parent) == ["channel", "channel", "syslog"]
    assert is_user(found[0].auth, pwd.getpwnam(POP3D_USER))
    assert others(found[0].auth) == [
        os.path.join(server.directory, "db/accounts.db"),
        "channel", "channel", "syslog"]
    for f, mine in zip(found[1:], (account, other)):
        assert is_user(f.store, server.owner)
        assert is_sandboxed(f.store) or SANITIZED
        assert standard(f.store) == [NULL] * 3
        rest = [path for path in kinds(f.store)
                if not path.startswith(mine.maildir.path + "/")]
        assert rest == ["channel", "syslog"]
    assert sorted(server.pids()) == sorted(
        sum((f.all for f in found), []) +
        [pid for pid in processes.children(keys)
         if pid not in [f.session for f in found]])
    silent.close()


def test_a_session_has_limits(server):
    found = server.processes(server.connect())
    with open("/proc/%d/limits" % found.session) as f:
        limits = f.read()
    for name, value in (("processes", "0"), ("open files", "32"),
                        ("file size", "0"), ("core file size", "0")):
        assert re.search(r"^Max %s +%s +%s " % (name, value, value), limits,
                         re.M), name
    if not SANITIZED:
        assert re.search(r"^Max data size +67108864 ", limits, re.M)
        # The session's own filter is on top of that of keys.
        assert processes.status(found.session, "Seccomp_filters") == ["2"]
        assert processes.status(found.keys, "Seccomp_filters") == ["1"]
    # keys has none for processes: it forks.
    with open("/proc/%d/limits" % found.keys) as f:
        assert not re.search(r"^Max processes +0 ", f.read(), re.M)


@pytest.mark.skipif(SANITIZED, reason="sanitizers take terabytes")
def test_the_key_is_in_keys_and_its_sessions(
        server, account, keypair):  # noqa: F811
    """In no process that is root, or an owner, or reads accounts."""
    asked = server.processes(ask_auth(server))
    logged_in = server.processes(account.login())
    scalar = private_key(keypair)

    def has_key(pid):
        return any(knows(pid, s) for s in scalar)
    for pid in (asked.keys, asked.session, logged_in.session):
        assert has_key(pid)
    for pid in (asked.listener, asked.parent, asked.auth, logged_in.store):
        assert not has_key(pid)


@pytest.mark.skipif(SANITIZED, reason="sanitizers take terabytes")
def test_nobody_learns_who_else_is_there(server, account):  # noqa: F811
    """Peers, names and passwords of others are in no session, and in no
    store: what listener and keys know of them stays with these."""
    held = [Other(server, "127.%d.77.99" % n) for n in range(1, 9)]
    last = server.add_account(address="somebody.else@example.com")
    held[3].login(last)
    # Others come and go before and after the one that is looked at.
    for _ in range(3):
        server.connect().quit()
    pop = account.login()
    found = server.processes(pop)
    assert sum(knows(found.listener, b"127.%d.77.99\0" % n)
               for n in range(1, 9)) == 8
    for pid in (found.session, found.store):
        assert knows(pid, b"127.0.0.1")
        for n in range(1, 9):
            assert not knows(pid, b"127.%d.77.99" % n)
        assert not knows(pid, b"somebody.else")
    for client in held:
        client.close()


@pytest.mark.skipif(SANITIZED, reason="sanitizers take terabytes")
def test_tables_are_in_no_child(server, account):  # noqa: F811
    """Ids of other connections are nowhere but in listener and keys."""
    others_there = [server.connect() for _ in range(4)]
    pop = account.login()
    found = server.processes(pop)
    # The tables are mapped, and marked as not to be copied (dc).
    for pid in (found.listener, found.keys):
        assert dont_copy(pid)
    for pid in (found.session, found.store):
        assert not dont_copy(pid)
    for client in others_there:
        client.close()


def dont_copy(pid):
    with open("/proc/%d/smaps" % pid) as f:
        return [line for line in f
                if line.startswith("VmFlags:") and " dc" in line]


def test_sessions_are_not_dumpable(server, account):  # noqa: F811
    """So nobody traces them, or looks at their memory, but root."""
    found = server.processes(account.login())
    for pid in (found.keys, found.session, found.store):
        assert os.stat("/proc/%d/environ" % pid).st_uid == 0
    assert capabilities(found.keys) == {0}


def test_signals_do_not_reach_the_listener(server, account):  # noqa: F811
    """Whoever is _pop3d or an owner may not signal root; keys ignores what
    it may be sent."""
    found = server.processes(account.login())
    for user in (POP3D_USER, server.owner.pw_name):
        pid = os.fork()
        if pid == 0:
            entry = pwd.getpwnam(user)
            os.setgroups([])
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
            try:
                os.kill(found.listener, signal.SIGTERM)
            except PermissionError:
                os._exit(0)
            os._exit(1)
        assert os.waitpid(pid, 0)[1] == 0
    os.kill(found.keys, signal.SIGTERM)
    os.kill(found.keys, signal.SIGUSR1)
    server.connect().quit()
    assert server.keys() == [found.keys]
