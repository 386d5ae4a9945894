"""Sessions that are stopped, as by systemd or an administrator: SIGTERM."""

import os
import re
import signal
import time

import pytest

from daemon import wait_until
from maildir import message
from pop3 import plain, wire
from processes import descriptors
import processes

LARGE = b"Subject: large\n\n" + 2000000 * b"a line of a large message\n"


def handshake(account):
    return account.server.connect_raw()


def greeted(account):
    return account.server.connect()


def auth_is_there(account):
    pop = account.server.connect()
    pop.err(b"AUTH PLAIN " + plain(account.address, "wrong"), "AUTH")
    return pop


def refusal_on_its_way(account):
    pop = auth_is_there(account)
    pop.send(b"AUTH PLAIN " + plain(account.address, "wrong") + b"\r\n")
    return pop


def marked(account):
    pop = account.login()
    pop.ok("DELE 1")
    return pop


def in_a_message(account):
    pop = marked(account)
    pop.ok("RETR 2")
    return pop


NO_TLS = r"^no TLS: peer=127\.0\.0\.1 reason=stopped "
NO_LOGIN = r"^no login: peer=127\.0\.0\.1 reason=stopped$"
END = (r"^end: user=\S+ peer=127\.0\.0\.1 reason=stopped .*"
       r"deleted=0 left=2$")
POINTS = [(greeted, NO_LOGIN), (auth_is_there, NO_LOGIN),
          (refusal_on_its_way, NO_LOGIN), (marked, END), (in_a_message, END)]


@pytest.fixture
def mail(account):
    """An account with a small message and a large one."""
    account.maildir.deliver(message())
    account.maildir.deliver(LARGE)
    return account


def check_words(server):
    """None of those for accidents."""
    assert [line for line in server.log_lines()
            if re.search("failure|signal|died|gone|trouble", line)] == []


def check_stopped(account, log):
    """All are gone, the log says why, once, and nothing is deleted."""
    server = account.server
    server.wait_empty()
    server.wait_log(log)
    lines = server.log_lines()
    assert len([line for line in lines if "reason=" in line and
                not line.startswith("login refused: ")]) == 1, lines
    check_words(server)
    assert len(account.maildir.files()) == 2
    pop = account.login()
    assert pop.stat()[0] == 2
    pop.quit()


@pytest.mark.parametrize("who", ["all", "reversed", "parent", "session"])
@pytest.mark.parametrize("point,log", POINTS,
                         ids=[point.__name__ for point, _ in POINTS])
def test_stop(server, mail, point, log, who):
    pop = point(mail)
    found = server.processes(pop)
    pids = {"all": found.all, "reversed": found.all[::-1],
            "parent": [found.parent], "session": [found.session]}[who]
    begin = time.monotonic()
    processes.stop(pids)
    if point is in_a_message:
        # Stopped while it waits for the client to read.
        assert not pop.rest().endswith(b"\r\n.\r\n")
    elif point is refusal_on_its_way:
        pop.err(code="SYS/TEMP")
        assert pop.rest() == b""
    else:
        assert pop.rest() == b""
    assert time.monotonic() - begin < 10
    check_stopped(mail, log)


@pytest.mark.parametrize("who", ["all", "parent"])
def test_stop_before_the_handshake(server, mail, who):
    raw = handshake(mail)
    pids = wait_until(lambda: len(server.pids()) == 2 and server.pids(),
                      "no session")
    processes.stop(sorted(pids)[:1 if who == "parent" else 2])
    raw.settimeout(20)
    assert raw.recv(1) == b""
    check_stopped(mail, NO_TLS)


def test_stop_tells_how_far_it_came(server, mail):
    pop = mail.login()
    assert pop.retr(1) == wire(message())
    processes.stop([server.processes(pop).store])
    octets = len(wire(message()))
    server.wait_log("^end: .* reason=stopped retrieved=1 octets=%d " % octets)


def test_stop_while_the_store_works(server, mail):
    """A command that waits for an answer gets one."""
    pop = mail.login()
    found = server.processes(pop)
    os.kill(found.store, signal.SIGSTOP)
    pop.send("UIDL\r\n")
    time.sleep(0.2)
    processes.stop([found.session])
    pop.ok()
    pop.err(code="SYS/TEMP")
    assert pop.rest() == b""
    os.kill(found.store, signal.SIGCONT)
    check_stopped(mail, END)


def test_stop_before_quit_is_heard(server, mail):
    pop = mail.login()
    pop.ok("DELE 1")
    found = server.processes(pop)
    os.kill(found.session, signal.SIGSTOP)
    processes.stop([found.store])
    pop.send("QUIT\r\n")
    wait_until(lambda: found.store not in server.pids(), "the store stays")
    os.kill(found.session, signal.SIGCONT)
    assert re.fullmatch(rb"(-ERR \[SYS/TEMP\] .*\r\n)?", pop.rest())
    check_stopped(mail, END)


def test_stop_after_quit_was_asked(server, mail):
    """Whichever comes first: what the client hears is what was done."""
    pop = mail.login()
    pop.ok("DELE 1")
    found = server.processes(pop)
    os.kill(found.store, signal.SIGSTOP)
    pop.send("QUIT\r\n")
    time.sleep(0.2)
    processes.stop(found.all)
    os.kill(found.store, signal.SIGCONT)
    answer = pop.line()
    assert pop.rest() == b""
    if answer.startswith(b"-ERR [SYS/TEMP] "):
        check_stopped(mail, END)
    else:
        assert answer.startswith(b"+OK ")
        server.wait_log("^end: .* reason=quit .*deleted=1 left=1$")
        assert len(mail.maildir.files()) == 1


def test_stop_while_the_lock_is_waited_for(server, mail):
    first = mail.login()
    server.mark_log()
    second = server.connect()
    found = server.processes(second)
    second.ok("USER " + mail.address)
    second.send("PASS secret\r\n")
    # The lock is open for moments only: each try opens it anew.
    cur = os.path.join(mail.maildir.path, "cur")
    wait_until(lambda: cur in descriptors(found.store).values(),
               "the mailbox is not opened")
    time.sleep(0.2)
    processes.stop(found.all)
    rest = second.rest()
    assert rest.startswith(b"-ERR [SYS/TEMP] ") and rest.count(b"\n") == 1
    wait_until(lambda: found.store not in server.pids(), "the store stays")
    check_words(server)
    assert first.stat()[0] == 2
    first.quit()
