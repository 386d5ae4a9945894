"""POP3 (RFC 1939, RFC 2449): its states and commands."""

import pytest

from maildir import message
from pop3 import wire

CAPABILITIES = sorted([
    b"TOP", b"UIDL", b"USER", b"SASL PLAIN", b"PIPELINING", b"RESP-CODES",
    b"AUTH-RESP-CODE", b"EXPIRE NEVER", b"IMPLEMENTATION pop3d"])


@pytest.fixture
def three(account):
    """A session on three messages, each larger than the one before."""
    for n in (1, 2, 3):
        account.maildir.deliver(message("number %d" % n, "body\n" * n))
    return account.login()


def test_greeting(server):
    greeting = server.connect().greeting
    assert greeting.startswith(b"+OK ")
    assert b"mail.example.com" in greeting
    assert b"<" not in greeting  # that would offer APOP


@pytest.mark.parametrize("parent", ["systemd", "listen-fds", "inetd"])
def test_every_parent(make_server, parent):
    server = make_server(parent=parent)
    account = server.add_account()
    account.maildir.deliver(message())
    pop = account.login()
    assert pop.retr(1) == wire(message())
    pop.ok("DELE 1")
    pop.quit()
    assert account.maildir.files() == []
    server.wait_log("^end: user=%s .*reason=quit" % account.address)


def test_capa(server, account):
    pop = server.connect()
    for state in ("before the login", "after it"):
        pop.ok("CAPA")
        assert sorted(pop.lines_exact()) == CAPABILITIES, state
        if state == "before the login":
            pop.login(account.address)


def test_quit_before_login(server):
    server.connect().quit()


@pytest.mark.parametrize("line", [
    "STAT", "LIST", "LIST 1", "UIDL", "RETR 1", "TOP 1 0", "DELE 1", "RSET",
    "NOOP", "APOP user 0123456789abcdef0123456789abcdef", "STLS", "XYZZY", "",
    " USER x", "CAPA x", "QUIT now"])
def test_not_before_login(server, line):
    pop = server.connect()
    pop.err(line)
    pop.ok("CAPA")
    pop.lines_exact()


@pytest.mark.parametrize("line", [
    "USER a", "PASS b", "AUTH", "AUTH PLAIN", "STLS", "APOP a b", "XYZZY",
    "", " STAT", "STAT 1", "NOOP x", "RSET 1", "CAPA x", "QUIT 1"])
def test_not_after_login(three, line):
    three.err(line)
    assert three.stat()[0] == 3


# The maildrop.

def test_empty_maildrop(account):
    pop = account.login()
    assert pop.stat() == (0, 0)
    assert pop.list() == {}
    assert pop.uidl() == {}
    for line in ("LIST 1", "UIDL 1", "RETR 1", "TOP 1 0", "DELE 1"):
        pop.err(line)
    pop.quit()


def test_stat_list_uidl(three):
    sizes = [len(wire(message("number %d" % n, "body\n" * n)))
             for n in (1, 2, 3)]
    assert three.stat() == (3, sum(sizes))
    assert three.list() == dict(zip((1, 2, 3), sizes))
    uidl = three.uidl()
    assert sorted(uidl) == [1, 2, 3]
    for n in (1, 2, 3):
        assert three.ok("LIST %d" % n) == b"%d %d" % (n, sizes[n - 1])
        assert three.ok("UIDL %d" % n).decode() == "%d %s" % (n, uidl[n])
    assert three.ok("STAT ") == b"3 %d" % sum(sizes)
    three.ok("NOOP")


def test_order_is_that_of_delivery(account):
    names = ["1700000300.M1P1.host", "999.x", "1700000200.M2P1.host",
             "1700000200.M1P1.host"]
    for name in names:
        account.maildir.deliver(name.encode(), name)
    pop = account.login()
    assert [pop.retr(n) for n in (1, 2, 3, 4)] == [
        names[i].encode() + b"\r\n" for i in (1, 3, 2, 0)]


def test_uidl_lasts(account):
    account.maildir.deliver(b"a\n")
    account.maildir.put(b"b\n")
    pop = account.login()
    first = pop.uidl()
    pop.quit()
    assert account.login().uidl() == first


def test_dele_hides_and_rset_restores(three):
    sizes, uidl, stat = three.list(), three.uidl(), three.stat()
    three.ok("DELE 2")
    del sizes[2], uidl[2]
    assert three.stat() == (2, sum(sizes.values()))
    assert three.list() == sizes
    assert three.uidl() == uidl
    for line in ("LIST 2", "UIDL 2", "RETR 2", "TOP 2 0", "DELE 2"):
        three.err(line)
    assert three.retr(3) == wire(message("number 3", "body\n" * 3))
    three.ok("RSET")
    assert sorted(three.list()) == sorted(three.uidl()) == [1, 2, 3]
    assert three.stat() == stat
    three.ok("RETR 2")
    three.multiline()


def test_dele_all(three):
    for n in (3, 1, 2):
        three.ok("DELE %d" % n)
    assert three.stat() == (0, 0)
    assert three.list() == {}
    assert three.uidl() == {}


def test_update_removes_what_is_marked(account):
    names = [account.maildir.deliver(message(str(n))) for n in range(4)]
    pop = account.login()
    uidl = pop.uidl()
    pop.ok("DELE 2")
    pop.ok("DELE 4")
    assert len(account.maildir.files()) == 4
    pop.quit()
    assert sorted(account.maildir.contents()) == [names[0], names[2]]
    pop = account.login()
    assert pop.uidl() == {1: uidl[1], 2: uidl[3]}
    assert pop.retr(2) == wire(message("2"))


def test_quit_after_rset_removes_nothing(account):
    account.maildir.deliver(message())
    pop = account.login()
    pop.ok("DELE 1")
    pop.ok("RSET")
    pop.quit()
    assert account.maildir.snapshot()[0][1] == message()


@pytest.mark.parametrize("end", ["close", "shutdown", "reset"])
def test_end_without_quit_removes_nothing(server, account, end):
    account.maildir.deliver(message())
    pop = account.login()
    pop.ok("DELE 1")
    if end == "shutdown":
        pop.shutdown()
        pop.rest()
    else:
        getattr(pop, end)()
    server.wait_empty()
    assert account.login().stat()[0] == 1
    assert [data for _, data in account.maildir.snapshot()] == [message()]


def test_half_a_quit_is_none(server, account):
    account.maildir.deliver(message())
    pop = account.login()
    pop.ok("DELE 1")
    pop.send(b"QUIT")
    pop.shutdown()
    pop.rest()
    server.wait_empty()
    assert account.login().stat()[0] == 1
