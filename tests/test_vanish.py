"""A client that vanishes, at any point: nothing lost, locked or left (I8)."""

import pytest

from maildir import message
from pop3 import plain

LARGE = b"Subject: large\n\n" + 500000 * b"a line of a large message\n"


def logged_in(account):
    pop = account.login()
    pop.ok("DELE 1")
    return pop


def tcp(account):
    return account.server.connect_raw()


def half_a_handshake(account):
    raw = account.server.connect_raw()
    raw.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    return raw


def greeted(account):
    return account.server.connect()


def half_a_command(account):
    pop = account.server.connect()
    pop.send("USER " + account.address)
    return pop


def password_on_its_way(account):
    pop = account.server.connect()
    pop.ok("USER " + account.address)
    pop.send("PASS secret\r\n")
    return pop


def refusal_on_its_way(account):
    pop = account.server.connect()
    pop.send(b"AUTH PLAIN " + plain(account.address, "wrong") + b"\r\n")
    return pop


def after_sasl_challenge(account):
    pop = account.server.connect()
    assert pop.command("AUTH PLAIN") == b"+ "
    return pop


def marked(account):
    return logged_in(account)


def half_a_quit(account):
    pop = logged_in(account)
    pop.send("QUI")
    return pop


def in_a_message(account):
    pop = logged_in(account)
    pop.ok("RETR 2")
    return pop


def with_messages_on_their_way(account):
    pop = logged_in(account)
    pop.send("RETR 2\r\nTOP 2 100000\r\nLIST\r\nUIDL\r\n" * 20)
    return pop


def after_rset(account):
    pop = logged_in(account)
    pop.ok("RSET")
    return pop


POINTS = [tcp, half_a_handshake, greeted, half_a_command,
          password_on_its_way, refusal_on_its_way, after_sasl_challenge,
          marked, half_a_quit, in_a_message, with_messages_on_their_way,
          after_rset]


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("point", POINTS, ids=lambda p: p.__name__)
def test_vanish(server, account, point, end):
    account.maildir.deliver(message())
    account.maildir.deliver(LARGE)
    before = account.maildir.snapshot()
    client = point(account)
    getattr(client, end if hasattr(client, end) else "close")()
    server.wait_empty()
    assert account.maildir.snapshot() == before
    pop = account.login()
    assert pop.stat()[0] == 2
    pop.quit()
    assert account.maildir.snapshot() == before


@pytest.mark.parametrize("end", ["close", "reset", "shutdown"])
def test_vanish_after_quit(server, account, end):
    """All marked messages are gone, or none (I2); the rest is untouched."""
    for n in range(20):
        account.maildir.deliver(message(str(n)))
    pop = account.login()
    for n in range(1, 11):
        pop.ok("DELE %d" % n)
    pop.send("QUIT\r\n")
    getattr(pop, end)()
    server.wait_empty()
    left = account.login().stat()[0]
    assert left in (10, 20)
    assert len(account.maildir.files()) == left
