"""Abuse: bounded memory and processes, and the honest client is served."""

import os
import re
import socket
import ssl
import threading
import time

import pytest

from daemon import wait_until
from maildir import message
import processes

pytestmark = pytest.mark.long

MANY = 200
MEMORY_KB = 4096  # that a session's processes may use of their own, each
HASHING_KB = 24 * 1024  # auth, while yescrypt fills its 16 MB


def own_memory(pid):
    """kB that belong to this process alone."""
    try:
        with open("/proc/%d/smaps_rollup" % pid) as f:
            return sum(int(kb) for kb in re.findall(
                r"Private_\w+:\s+(\d+)", f.read()))
    except processes.GONE:
        return 0


def check_bounds(server, connections, memory=MEMORY_KB):
    pids = server.pids()
    assert len(pids) <= 3 * connections
    for pid in pids:
        assert own_memory(pid) < memory


@pytest.fixture
def honest(server):
    """Whatever goes on, this one fetches its mail."""
    account = server.add_account()
    account.maildir.deliver(message("honest"))

    def fetch():
        with account.login() as client:
            assert client.stat()[0] == 1
            assert client.retr(1)
            client.quit()

    fetch()
    return fetch


def test_two_hundred_sessions_at_once(server, honest):
    account = [server.add_account() for _ in range(MANY)]
    clients = [a.login() for a in account]
    check_bounds(server, MANY)
    for client in clients:
        assert client.stat() == (0, 0)
    honest()
    for client in clients:
        client.quit()


def test_handshakes_never_finished(server, honest):
    raw = [server.connect_raw() for _ in range(MANY)]
    for n, connection in enumerate(raw):
        # Nothing; half a record's header; a ClientHello's beginning.
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"[:n % 10])
    honest()
    check_bounds(server, MANY)
    for connection in raw:
        connection.close()


def test_half_open_connections_end(make_server):
    """The client is gone and nothing tells: the time to log in does."""
    server = make_server(timeout_login=3)
    raw = [server.connect_raw() for _ in range(MANY)]
    wait_until(lambda: len(server.pids()) >= MANY, "not all are served", 60)
    wait_until(lambda: not server.pids(), "they stay", 60)
    for connection in raw:
        assert connection.recv(1) == b""


def test_slow_writers(server, honest):
    """One octet at a time, of lines that are long."""
    clients = [server.connect() for _ in range(50)]
    for _ in range(100):
        for client in clients:
            client.send(b"x")
    honest()
    check_bounds(server, 50)
    for client in clients:
        client.send(b"\r\n")
        assert client.line().startswith(b"-ERR")


def test_slow_readers(server, honest):
    """They ask for all and read none of it."""
    clients = []
    for _ in range(20):
        account = server.add_account()
        account.maildir.deliver(message("x" * 70 + "\n") * 50000)
        clients.append(account.login())
        clients[-1].send(b"RETR 1\r\n" * 100)
    time.sleep(1)
    honest()
    check_bounds(server, 20)


def test_floods_of_long_lines(server, honest):
    def flood():
        client = server.connect()
        try:
            for _ in range(64):
                client.send(b"y" * 1024)
            client.rest()
        except (ConnectionError, ssl.SSLError, BrokenPipeError):
            pass
    threads = [threading.Thread(target=flood) for _ in range(50)]
    for thread in threads:
        thread.start()
    honest()
    for thread in threads:
        thread.join()
    server.wait_log("^no login: .*line-too-long")


def test_thousands_of_bad_logins(make_server):
    """Each costs a second and a hash; three end the connection."""
    server = make_server()
    account = server.add_account()

    def guess():
        for _ in range(10):
            with server.connect() as client:
                for _ in range(3):
                    client.ok(b"USER " + account.address.encode())
                    client.err(b"PASS guess", "AUTH")
                client.ended()
    threads = [threading.Thread(target=guess) for _ in range(40)]
    for thread in threads:
        thread.start()
    with account.login() as client:
        client.quit()
    check_bounds(server, 41, HASHING_KB)
    for thread in threads:
        thread.join()
    refused = [line for line in server.log_lines()
               if line.startswith("login refused: ")]
    assert len(refused) == 40 * 10 * 3


def test_connections_that_come_and_go(server, honest):
    for _ in range(1000):
        with socket.create_connection(("127.0.0.1", server.port)):
            pass
    honest()
    server.wait_empty(60)
    assert processes.listening(server.port)
    assert not [p for p in server.pids() if os.path.exists("/proc/%d" % p)]
