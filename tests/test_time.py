"""Time-outs, delays, and sessions at the same time."""

import os
import signal
import ssl
import threading
import time

import pytest

from daemon import wait_until
from maildir import message
from pop3 import plain, wire
from processes import descriptors


@pytest.fixture
def pop(account):
    """A session on two messages."""
    account.maildir.deliver(message("1"))
    account.maildir.deliver(message("2"))
    return account.login()


# One session at a time.

def test_second_session_is_refused(account, pop):
    second = account.server.connect()
    second.ok("USER " + account.address)
    second.err("PASS secret", "IN-USE")
    second.ended()
    second = account.server.connect()
    second.err(b"AUTH PLAIN " + plain(account.address, "secret"), "IN-USE")
    assert pop.stat()[0] == 2
    pop.quit()
    account.login().quit()


def test_second_session_waits_for_the_end_of_the_first(server, account, pop):
    second = server.connect()
    store = server.processes(second).store
    second.ok("USER " + account.address)
    second.send("PASS secret\r\n")
    # It has the lock open for moments only: each try opens it anew.
    cur = os.path.join(account.maildir.path, "cur")
    wait_until(lambda: cur in descriptors(store).values(),
               "the second session's store does not open the mailbox")
    time.sleep(0.2)
    pop.quit()
    second.ok()
    assert second.stat()[0] == 2


def test_other_accounts_are_not_in_use(server, pop):
    server.add_account().login().quit()
    pop.quit()


def test_login_timeout(make_server):
    """Neither silence nor dribbling holds a connection that has no user."""
    server = make_server(timeout_login=1)
    account = server.add_account()
    no_tls = server.connect_raw()
    half_tls = server.connect_raw()
    half_tls.send(b"\x16\x03\x01\x02\x00\x01")
    silent = server.connect()
    named = server.connect()
    named.ok("USER " + account.address)
    assert no_tls.recv(1) == b""
    assert half_tls.recv(100) in (b"", b"\x15\x03\x03\x00\x02\x02\x32")
    assert silent.rest() + named.rest() == b""
    dribbling = server.connect()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        while True:
            dribbling.send(b"x")
            time.sleep(0.1)
    server.wait_empty()
    server.wait_log("^no login: .*timeout")
    server.wait_log("^no TLS: .*timeout")


def test_idle_timeout(make_server):
    server = make_server(timeout_login=1, timeout_idle=2)
    account = server.add_account()
    account.maildir.deliver(message())
    pop = account.login()
    pop.ok("DELE 1")
    assert pop.rest() == b""
    server.wait_empty()
    server.wait_log("^end: .*timeout.*deleted=0 left=1")
    assert len(account.maildir.files()) == 1
    account.login().quit()


def test_commands_put_the_idle_timeout_off(make_server):
    server = make_server(timeout_login=3, timeout_idle=4)
    pop = server.add_account().login()
    for _ in range(6):
        time.sleep(1)
        pop.ok("NOOP")


def test_octets_do_not(make_server):
    """But a command in time, however slowly it comes, is carried out."""
    server = make_server(timeout_login=3, timeout_idle=2)
    pop = server.add_account().login()
    for octet in b"NOOP\r\n":
        pop.send(bytes([octet]))
        time.sleep(0.1)
    pop.ok()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        while True:
            pop.send(b"x")
            time.sleep(0.1)
    server.wait_log("^end: .*timeout")
    server.wait_empty()


def test_login_that_is_not_answered(make_server):
    """auth hangs: its deadline is the login's."""
    server = make_server(timeout_login=4)
    account = server.add_account()
    pop = server.connect()
    pop.ok("USER a")
    pop.err("PASS wrong", "AUTH")
    auth = server.processes(pop).auth
    os.kill(auth, signal.SIGSTOP)
    pop.ok("USER " + account.address)
    pop.err("PASS secret", "SYS/TEMP")
    pop.ended()
    server.wait_log("^no login: .*timeout")
    server.wait_empty()


def read_slowly(pop, seconds):
    """A little at a time, until the server ends it; returns how much."""
    octets, end = 0, time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            octets += len(pop.socket.recv(1024))
            time.sleep(0.02)
    except (ssl.SSLError, ConnectionError):
        pass
    return octets


def test_login_deadline_holds_for_writing(make_server):
    """However much there is to answer, and however slowly it is taken."""
    server = make_server(timeout_login=3)
    pop = server.connect()
    begin = time.monotonic()

    def send():
        try:
            pop.send(b"CAPA\r\n" * 400000)
        except (ssl.SSLError, OSError):
            pass

    sender = threading.Thread(target=send)
    sender.start()
    read_slowly(pop, 2)
    server.wait_log("^no login: .*reason=timeout", 12)
    assert time.monotonic() - begin > 2.5
    pop.reset()
    sender.join()
    server.wait_empty()


def test_login_deadline_is_lifted_by_the_login(make_server):
    server = make_server(timeout_login=2, timeout_idle=30)
    account = server.add_account()
    account.maildir.deliver(b"x" * 60000000)
    pop = account.login()
    pop.send("RETR 1\r\n")
    time.sleep(4)
    pop.ok()
    assert len(pop.multiline()) == 60000002


def test_client_that_takes_nothing_is_idle(make_server):
    """Neither a minute nor for ever."""
    server = make_server(timeout_idle=3)
    account = server.add_account()
    account.maildir.deliver(b"x" * 60000000)
    pop = account.login()
    begin = time.monotonic()
    pop.send("RETR 1\r\n")
    server.wait_log("^end: .*reason=timeout", 15)
    assert time.monotonic() - begin > 2.5
    server.wait_empty()


def test_client_that_takes_a_little_is_not_idle(make_server):
    server = make_server(timeout_idle=3)
    account = server.add_account()
    account.maildir.deliver(b"x" * 60000000)
    pop = account.login()
    pop.send("RETR 1\r\n")
    pop.ok()
    for _ in range(6):
        time.sleep(1)
        pop.socket.recv(2000000)
        for _ in range(100):
            pop.socket.recv(20000)
    assert server.pids()


def keepalive(server_port, client_port):
    """Seconds until the server's TCP asks for a sign of life, from /proc."""
    with open("/proc/net/tcp") as f:
        lines = [line.split() for line in f][1:]
    for words in lines:
        ports = [int(words[i].split(":")[1], 16) for i in (1, 2)]
        timer, when = words[5].split(":")
        if ports == [server_port, client_port] and timer == "02":
            return int(when, 16) / os.sysconf("SC_CLK_TCK")
    return None


def test_vanished_hosts_are_asked_for_a_sign_of_life(server, account):
    """Before the login and after it, a minute after the last one."""
    for pop in (server.connect(), account.login()):
        left = wait_until(
            lambda pop=pop: keepalive(server.port, pop.local_port), "no timer")
        assert 40 <= left <= 60


def test_failures_are_delayed_and_counted(make_server):
    server = make_server(max_failures=2)
    account = server.add_account()
    pop = server.connect()
    pop.ok("USER " + account.address)
    begin = time.monotonic()
    pop.err("PASS wrong", "AUTH")
    assert time.monotonic() - begin > 0.5  # never flaky: a lower bound
    assert pop.command("AUTH PLAIN") == b"+ "
    pop.err("*")  # no failure, nor is this:
    pop.err("AUTH PLAIN !")
    pop.err(b"AUTH PLAIN " + plain("nobody", "wrong"), "AUTH")
    pop.ended()
    server.wait_log("^no login: .*too-many-failures")


def test_repeated_refusal_has_failed_once(make_server):
    """One password by every mechanism, as clients try: delayed each time."""
    server = make_server(max_failures=2)
    account = server.add_account()
    pop = server.connect()
    begin = time.monotonic()
    pop.err(b"AUTH PLAIN " + plain(account.address, "wrong"), "AUTH")
    pop.ok("USER " + account.address)
    pop.err("PASS wrong", "AUTH")
    assert time.monotonic() - begin > 1.8  # never flaky: a lower bound
    pop.ok("USER " + account.address)
    pop.err("PASS another", "AUTH")
    pop.ended()
    server.wait_log("^no login: .*too-many-failures")
    refused = [line.split(":")[0] for line in server.log_lines()
               if line.startswith("login refused")]
    assert refused == ["login refused", "login refused again", "login refused"]


def test_the_same_way_twice_has_failed_twice(make_server):
    server = make_server(max_failures=2)
    account = server.add_account()
    pop = server.connect()
    for _ in range(2):
        pop.ok("USER " + account.address)
        pop.err("PASS wrong", "AUTH")
    pop.ended()


def test_many_sessions_at_once(server):
    accounts = [server.add_account() for _ in range(8)]
    failures = []

    def use(account):
        try:
            for n in range(3):
                account.maildir.deliver(message(str(n)))
                pop = account.login()
                assert pop.retr(1) == wire(message(str(n)))
                pop.ok("DELE 1")
                pop.quit()
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=use, args=(a,)) for a in accounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
