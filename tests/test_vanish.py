"""A client that vanishes, at any point: nothing lost, locked or left (I8)."""

import os
import signal
import time

import pytest

from daemon import wait_until
from maildir import message
from pop3 import plain, wire
from processes import descriptors

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


def after_user(account):
    pop = account.server.connect()
    pop.ok("USER " + account.address)
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


NO_TLS = r"^no TLS: peer=127\.0\.0\.1 reason=handshake-failed "
NO_LOGIN = r"^no login: peer=127\.0\.0\.1 reason=disconnected$"
END = r"^end: user=\S+ peer=127\.0\.0\.1 reason=disconnected "
UNTOUCHED = r"deleted=0 left=2$"

# The point, and what the log then says.
POINTS = [(tcp, NO_TLS), (half_a_handshake, NO_TLS), (greeted, NO_LOGIN),
          (half_a_command, NO_LOGIN), (after_user, NO_LOGIN),
          (password_on_its_way, NO_LOGIN + "|" + END + ".*" + UNTOUCHED),
          (refusal_on_its_way, NO_LOGIN), (after_sasl_challenge, NO_LOGIN),
          (marked, END + "retrieved=0 octets=0 " + UNTOUCHED),
          (half_a_quit, END + "retrieved=0 octets=0 " + UNTOUCHED),
          (in_a_message, END + ".*" + UNTOUCHED),
          (with_messages_on_their_way, END + ".*" + UNTOUCHED),
          (after_rset, END + ".*" + UNTOUCHED)]


@pytest.fixture
def mail(account):
    """An account with a small message and a large one."""
    account.maildir.deliver(message())
    account.maildir.deliver(LARGE)
    account.before = account.maildir.snapshot()
    return account


def check_untouched(account):
    """Nothing is behind, and all is as it was."""
    account.server.wait_empty()
    assert account.maildir.snapshot() == account.before
    pop = account.login()
    assert pop.stat()[0] == 2
    pop.quit()
    assert account.maildir.snapshot() == account.before


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("point,log", POINTS,
                         ids=[point.__name__ for point, _ in POINTS])
def test_vanish(server, mail, point, log, end):
    client = point(mail)
    getattr(client, end if hasattr(client, end) else "close")()
    server.wait_log(log)
    check_untouched(mail)


@pytest.mark.parametrize("point", [half_a_handshake, greeted,
                                   refusal_on_its_way, marked, in_a_message],
                         ids=lambda p: p.__name__)
def test_all_is_over_within_a_second(server, mail, point):
    """I8.  A busy machine may be late, but not each time."""
    times = []
    while len(times) < 5 and min(times, default=2) > 1:
        client = point(mail)
        begin = time.monotonic()
        client.close()
        server.wait_empty()
        times.append(time.monotonic() - begin)
    assert min(times) <= 1, times


# Clients that say all they want at once, and close their half.

@pytest.fixture
def in_use(mail):
    """Another session has the mailbox: a login waits two seconds for it."""
    return mail.login()


def test_half_closed_client_is_served_to_the_end(server, mail, in_use):
    """However long an answer takes (the wait for the lock, here)."""
    pop = server.connect()
    pop.send("USER %s\r\nPASS secret\r\nSTAT\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n"
             % mail.address)
    pop.shutdown()
    time.sleep(1.2)
    in_use.quit()
    for _ in range(4):
        pop.ok()
    assert pop.multiline() == wire(message())
    pop.ok()
    pop.ok()
    pop.ended()
    assert len(mail.maildir.files()) == 1


def test_half_closed_client_sent_commands_one_by_one(server, mail, in_use):
    """Each in a TLS record of its own; the last ones wait unread."""
    pop = server.connect()
    pop.ok("USER " + mail.address)
    for line in ("PASS secret", "STAT", "QUIT"):
        pop.send(line + "\r\n")
    pop.shutdown()
    time.sleep(1.2)
    in_use.quit()
    for _ in range(3):
        pop.ok()
    pop.ended()


def test_half_closed_client_hears_refusals(server, mail):
    pop = server.connect()
    pop.send(b"AUTH PLAIN " + plain(mail.address, "wrong") + b"\r\nAUTH PLAIN "
             + plain(mail.address, "secret") + b"\r\nSTAT\r\nQUIT\r\n")
    pop.shutdown()
    pop.err(code="AUTH")
    for _ in range(3):
        pop.ok()
    pop.ended()


def test_half_closed_client_at_a_first_login(server, account):
    for n in range(20000):
        account.maildir.deliver(message(str(n)))
    pop = server.connect()
    pop.send("USER %s\r\nPASS secret\r\nSTAT\r\nQUIT\r\n" % account.address)
    pop.shutdown()
    pop.ok()
    pop.ok()
    assert pop.ok().startswith(b"20000 ")
    pop.ok()
    pop.ended()


@pytest.mark.parametrize("said", ["PASS secret\r\n",
                                  "USER %s\r\nPASS secret\r\nSTAT\r\nQUIT\r\n"],
                         ids=["the login alone", "all at once"])
def test_vanish_while_a_login_takes_long(server, mail, in_use, said):
    """Not taken for half closed: all is over within a second (I8)."""
    times = []
    while len(times) < 5 and min(times, default=2) > 1:
        pop = server.connect()
        if "%s" in said:
            said = said % mail.address
        else:
            pop.ok("USER " + mail.address)
        store = server.processes(pop).store
        pop.send(said)
        # The lock is open for moments only: each try opens it anew.
        cur = os.path.join(mail.maildir.path, "cur")
        wait_until(lambda: cur in descriptors(store).values(),
                   "the mailbox is not opened")
        time.sleep(0.2)
        begin = time.monotonic()
        pop.close()
        wait_until(lambda: store not in server.pids(), "the store stays")
        times.append(time.monotonic() - begin)
        time.sleep(2)
    assert min(times) <= 1, times
    in_use.quit()


# Processes that vanish.

def kill(*pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("who,log", [
    ("session", r"^end: user=\S+ peer=127\.0\.0\.1 reason=session-died "
     ".*" + UNTOUCHED),
    ("store", r"^end: peer=127\.0\.0\.1 reason=internal-failure$")],
                         ids=["session", "store"])
def test_killed_after_the_login(server, mail, who, log):
    pop = marked(mail)
    kill(getattr(server.processes(pop), who))
    assert pop.rest() == b""
    server.wait_log(log)
    check_untouched(mail)


@pytest.mark.parametrize("who", ["session", "store"])
def test_killed_in_a_message(server, mail, who):
    """A part must not look like the whole."""
    pop = in_a_message(mail)
    kill(getattr(server.processes(pop), who))
    rest = pop.rest()
    assert not rest.endswith(b"\r\n.\r\n") or len(rest) > len(LARGE)
    check_untouched(mail)


def test_all_are_killed(server, mail):
    pop = marked(mail)
    kill(*server.processes(pop).all)
    assert pop.rest() == b""
    check_untouched(mail)


@pytest.mark.parametrize("who", ["session", "parent"])
def test_killed_before_the_login(server, mail, who):
    pop = server.connect()
    kill(getattr(server.processes(pop), who))
    assert pop.rest() == b""
    if who == "session":
        server.wait_log("^session was ended by signal 9 ")
    check_untouched(mail)


@pytest.mark.parametrize("who", ["session", "auth", "parent"])
def test_killed_while_auth_is_there(server, mail, who):
    """The client cannot log in; whether it is told why, may differ."""
    pop = server.connect()
    pop.err(b"AUTH PLAIN " + plain(mail.address, "wrong"), "AUTH")
    kill(getattr(server.processes(pop), who))
    try:
        pop.send(b"AUTH PLAIN " + plain(mail.address, "secret") + b"\r\n")
    except ConnectionError:
        pass
    assert pop.rest() in (b"", b"-ERR [SYS/TEMP] internal failure, try "
                          b"again later\r\n")
    if who == "auth":
        server.wait_log("^auth was ended by signal 9 ")
    check_untouched(mail)


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
