"""The listener: one start for all sessions, their limits, what it reads anew,
and how it ends."""

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest

from daemon import POP3D, ROOT, make_certificate, wait_until
from maildir import message
from pop3 import plain
from test_start import a_whole_session
from test_stop import auth_is_there, greeted, marked
import processes

PARENTS = ["systemd-wait", "inetd-wait"]


@pytest.fixture
def make(make_server):
    """A server with a listener; made by make(per_address=2)."""
    def make_listener(parent="inetd-wait", **keywords):
        return make_server(parent=parent, **keywords)
    return make_listener


@pytest.fixture
def server(make):
    return make()


@pytest.fixture
def mail(server):
    """An account with two messages."""
    account = server.add_account()
    for _ in range(2):
        account.maildir.deliver(message())
    return account


def one_keys(server):
    """The process that has them, when there is one alone."""
    found, = wait_until(lambda: len(server.keys()) == 1 and server.keys(),
                        "no keys, or several")
    return found


def hung_up(raw):
    raw.settimeout(20)
    try:
        return raw.recv(100) == b""
    except ConnectionResetError:
        return True


def hold_one(server, held):
    """Its place may be free only a moment after the last session's end."""
    try:
        held.append(server.connect())
    except OSError:
        return False
    return True


def serves(server):
    """A new client is greeted."""
    try:
        server.connect().close()
        return True
    except (OSError, EOFError):
        return False


# Sessions.

@pytest.mark.parametrize("parent", PARENTS)
def test_a_session(make, parent):
    server = make(parent)
    a_whole_session(server)
    ids = {id for _, id in server.log_lines_with_ids()}
    assert len(ids) == 1  # the connection's, and the listener said nothing


def test_several_sockets(make):
    """IPv4 and IPv6, of one listener, which counts them together."""
    server = make("systemd-wait", addresses=("127.0.0.1", "[::1]"),
                  max_sessions=2)
    first = server.connect()
    context = ssl.create_default_context(cafile=server.keypair[0])
    raw = socket.create_connection(("::1", server.port), 60)
    with context.wrap_socket(raw, server_hostname="mail.example.com") as tls:
        assert tls.recv(100).startswith(b"+OK ")
        server.wait_log("^all 2 places are taken, others wait; ")
        tls.sendall(b"QUIT\r\n")
        assert tls.recv(100).startswith(b"+OK")
    server.wait_log("^no login: peer=::1 reason=quit$")
    first.quit()


def test_ipv4_on_an_ipv6_socket(make):
    """As systemd's ListenStream=995 is: one name for one peer."""
    server = make("systemd-wait", addresses=["[::]"])
    server.connect().quit()
    server.wait_log("^no login: peer=127.0.0.1 reason=quit$")


def test_sockets_of_both_kinds():
    """Of several sockets each must listen; the other kind is inetd's."""
    with socket.socket() as listening, socket.socket() as other:
        listening.listen()
        done = subprocess.run(
            ["bash", "-c", "exec env LISTEN_FDS=2 LISTEN_PID=$$ %s "
             "3<&%d 4<&%d" % (POP3D, listening.fileno(), other.fileno())],
            pass_fds=(listening.fileno(), other.fileno()), timeout=60,
            stdin=subprocess.DEVNULL, text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (
        2, "pop3d: LISTEN_FDS=2: not all of these sockets listen\n")


def test_many_at_once(server, mail):
    account = server.add_account()
    clients = [server.connect() for _ in range(15)]
    for client in clients:
        client.ok("USER " + account.address)
    clients[7].ok("PASS secret")
    clients[7].quit()
    for client in clients[:7] + clients[8:]:
        client.quit()
    pop = mail.login()
    assert len(pop.list()) == 2
    pop.quit()
    server.wait_empty()


def test_a_refusal_and_then_a_login(server, mail):
    pop = server.connect()
    pop.err(b"AUTH PLAIN " + plain(mail.address, "wrong"), "AUTH")
    pop.login(mail.address)
    pop.quit()
    server.wait_log("^login refused: peer=127.0.0.1 user=%s " % mail.address)
    lines = server.log_lines_with_ids()
    assert len({id for _, id in lines}) == 1


def test_sessions_have_ids_of_their_own(server, mail):
    mail.login().quit()
    mail.login().quit()
    server.wait_empty()
    lines = server.log_lines_with_ids()
    assert [line.split(":")[0] for line, _ in lines] == [
        "login", "end"] * 2
    assert len({id for _, id in lines}) == 2


def test_who_says_nothing(make):
    """It costs one process, and ends when its time is over."""
    server = make(timeout_login=1)
    raw = server.connect_raw()
    session, = wait_until(server.pids, "no session")
    assert processes.parent_of(session) == one_keys(server)
    assert hung_up(raw)
    server.wait_log("^no TLS: peer=127.0.0.1 reason=timeout ")
    server.wait_empty()


def test_who_goes_at_once(server):
    for _ in range(5):
        server.connect_raw().close()
    server.wait_empty()
    wait_until(lambda: len(server.log_lines()) == 5, "five lines")
    for line in server.log_lines():
        assert line.startswith("no TLS: peer=127.0.0.1 reason=")


def test_a_proxy(make):
    server = make(extra="proxy 127.0.0.0/8\n", per_address=1)
    header = b"PROXY TCP4 198.51.100.7 192.0.2.1 40000 995\r\n"
    account = server.add_account()
    # Of a proxy's connections there are as many as it likes.
    held = [server.connect(before=header) for _ in range(3)]
    server.connect(before=header).login(account.address).quit()
    server.wait_log("^end: user=%s peer=198.51.100.7 reason=quit .* "
                    "via=127.0.0.1$" % account.address)
    for client in held:
        client.quit()


# Limits.

def test_places_in_all(make):
    """One more waits, for as long as it takes, and is served then."""
    server = make(max_sessions=2)
    first, second = server.connect(), server.connect()
    server.wait_log("^all 2 places are taken, others wait; ")
    third = server.connect_raw()
    assert len(server.pids()) == 2
    first.quit()
    second.quit()
    wait_until(lambda: len(server.pids()) == 1, "the third is not served")
    third.close()
    server.wait_empty()


def test_places_for_one_address(make):
    """One more is hung up on; somebody else is let in."""
    server = make(per_address=2)
    held = [server.connect() for _ in range(2)]
    assert hung_up(server.connect_raw())
    server.wait_log("^refused: peer=127.0.0.1 connections=1 "
                    "reason=max-sessions-per-address$")
    with socket.create_connection(("127.0.0.1", server.port), 20,
                                  source_address=("127.0.0.2", 0)) as raw:
        wait_until(lambda: len(server.pids()) == 3, "the other address waits")
        raw.close()
    held[0].quit()
    wait_until(lambda: serves(server), "the place is not free")
    wait_until(lambda: len(server.pids()) == 1, "a session stays")
    # Many more make no more lines for now.
    wait_until(lambda: hold_one(server, held), "the place is not free")
    for _ in range(20):
        assert hung_up(server.connect_raw())
    assert len([line for line in server.log_lines()
                if line.startswith("refused: ")]) == 1


@pytest.mark.skipif(not ROOT, reason="only root stops a session")
def test_a_place_is_taken_until_the_session_has_ended(make):
    """One that was taken over, and stays behind, keeps its own place."""
    server = make(max_sessions=1)
    pop = server.connect()
    session = server.processes(pop).session
    os.kill(session, signal.SIGSTOP)
    pop.close()
    raw = server.connect_raw()
    raw.settimeout(1)
    with pytest.raises(TimeoutError):
        raw.recv(1)
    assert server.pids() == [session]
    os.kill(session, signal.SIGKILL)
    server.wait_log(r"^session was ended by signal 9 \(Killed\)$")
    wait_until(lambda: server.pids() and session not in server.pids(),
               "the next is not served")


# What changes.

def look_again(server, condition, what):
    """The listener looks at its files once a second, at most."""
    return wait_until(lambda: condition(server), what)


def certificate_of(server):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", server.port), 20) as raw, \
            context.wrap_socket(raw) as tls:
        return ssl.DER_cert_to_PEM_cert(tls.getpeercert(True)).strip()


def text(path):
    with open(path) as f:
        return f.read().strip()


@pytest.fixture
def renewable(make, tmp_path):
    """A server with a certificate of its own, and a new one for it."""
    os.chmod(tmp_path, 0o755)
    server = make()
    old = make_certificate(str(tmp_path))
    with open(server.conf) as f:
        conf = f.read()
    server.conf_text = conf.replace("%s %s" % server.keypair, "%s %s" % old)
    with open(server.conf, "w") as f:
        f.write(server.conf_text)
    server.keypair = old
    (tmp_path / "new").mkdir()
    return server, old, make_certificate(str(tmp_path / "new"))


def test_a_renewed_certificate(renewable):
    """The next client gets it; who is there goes on; nobody is refused."""
    server, old, new = renewable
    account = server.add_account()
    account.maildir.deliver(message())
    assert certificate_of(server) == text(old[0])
    pop = account.login()
    keys = one_keys(server)
    for source, target in zip(new, old):
        shutil.copy(source, target + ".new")
    for target in reversed(old):
        os.rename(target + ".new", target)
    look_again(server, lambda s: certificate_of(s) == text(new[0]),
               "the old certificate stays")
    assert keys in server.keys() and len(server.keys()) == 2
    assert len(pop.retr(1)) > 0
    pop.ok("DELE 1")
    pop.quit()
    assert account.maildir.files() == []
    # The old keys end with their last session.
    wait_until(lambda: len(server.keys()) == 1, "the old keys stay")
    assert keys not in server.keys()
    assert [line for line in server.log_lines() if "keypair" in line] == []


def test_a_certificate_that_is_no_good(renewable):
    """The old one is served on, and the log says so once."""
    server, old, new = renewable
    assert certificate_of(server) == text(old[0])
    before = text(old[0])
    shutil.copy(new[0], old[0])
    look_again(server, lambda s: certificate_of(s) and "keypair" in s.log(),
               "no line in the log")
    for _ in range(3):
        assert certificate_of(server) == before
    assert server.log().count(": keypair") == 1
    shutil.copy(new[1], old[1])
    look_again(server, lambda s: certificate_of(s) == text(new[0]),
               "the old certificate stays")


def rewrite(server, old, new):
    with open(server.conf) as f:
        conf = f.read()
    assert old in conf
    with open(server.conf + ".new", "w") as f:
        f.write(conf.replace(old, new))
    os.rename(server.conf + ".new", server.conf)


def greeting(server):
    with server.connect() as pop:
        return pop.greeting.decode()


def test_a_changed_configuration(server, mail):
    pop = mail.login()
    assert "mail.example.com" in greeting(server)
    rewrite(server, "hostname mail.example.com",
            "hostname pop.example.com\nmax-failures 1")
    look_again(server, lambda s: "pop.example.com" in greeting(s),
               "the old name is greeted with")
    other = server.connect()
    other.err(b"AUTH PLAIN " + plain(mail.address, "wrong"), "AUTH")
    other.ended()
    assert pop.stat()[0] == 2
    pop.quit()


def test_a_mistake_in_the_configuration(server):
    """What it said before counts, until it is mended."""
    assert "mail.example.com" in greeting(server)
    rewrite(server, "hostname mail.example.com", "hostnaem pop.example.com")
    look_again(server, lambda s: greeting(s) and "hostnaem" in s.log(),
               "no line in the log")
    end = time.monotonic() + 2.2  # two more looks
    while time.monotonic() < end:
        assert "mail.example.com" in greeting(server)
    assert server.log().count("hostnaem is not a keyword") == 1
    rewrite(server, "hostnaem", "hostname")
    look_again(server, lambda s: "pop.example.com" in greeting(s),
               "the mend is not seen")


@pytest.mark.parametrize("parent", PARENTS)
def test_a_mistake_at_the_start(make, parent):
    """Clients are let go, and whoever starts it is not made to start it
    again and again."""
    server = make(parent, extra="hostnaem pop.example.com\n")
    for _ in range(5):
        assert hung_up(server.connect_raw())
    server.wait_log("hostnaem is not a keyword")
    listener = server.listener()
    assert listener is not None and server.keys() == []
    rewrite(server, "hostnaem", "hostname")
    look_again(server, serves, "the mend is not seen")
    assert server.listener() == listener


def test_limits_change(make):
    server = make(per_address=1)
    held = [server.connect()]
    rewrite(server, "max-sessions-per-address 1", "max-sessions-per-address 2")
    look_again(server, lambda s: hold_one(s, held), "the old limit counts")
    assert not hold_one(server, held)


# How it ends.

@pytest.mark.parametrize("parent", PARENTS)
def test_it_ends_when_nobody_comes(make, parent):
    server = make(parent, timeout_listener=1)
    pop = server.connect()
    listener, keys = server.listener(), one_keys(server)
    time.sleep(1.5)
    assert server.listener() == listener  # somebody is there
    pop.quit()
    wait_until(lambda: not os.path.exists("/proc/%d" % keys),
               "keys stays")
    if parent == "systemd-wait":
        assert server.process.wait(20) == 0
        return
    wait_until(lambda: server.listener() is None, "the listener stays")
    server.connect().quit()
    assert server.listener() not in (None, listener)


NO_TLS = r"^no TLS: peer=127\.0\.0\.1 reason=stopped "
NO_LOGIN = r"^no login: peer=127\.0\.0\.1 reason=stopped$"
END = r"^end: user=\S+ peer=127\.0\.0\.1 reason=stopped .*deleted=0 left=2$"


def in_the_handshake(account):
    raw = account.server.connect_raw()
    wait_until(account.server.pids, "no session")
    return raw


@pytest.mark.parametrize("point,log", [
    (in_the_handshake, NO_TLS), (greeted, NO_LOGIN),
    (auth_is_there, NO_LOGIN), (marked, END)],
    ids=["handshake", "greeted", "auth", "marked"])
def test_stop(server, mail, point, log):
    """The listener alone is told; all end, and nothing is deleted."""
    point(mail)
    listener, keys = server.listener(), one_keys(server)
    os.kill(listener, signal.SIGTERM)
    for pid in (listener, keys):
        wait_until(lambda: processes.has_ended(pid), "a process stays")
    server.wait_empty()
    server.wait_log(log)
    assert [line for line in server.log_lines()
            if re.search("failure|signal|died|gone|trouble", line)] == []
    assert len(mail.maildir.files()) == 2
    # inetd starts it again.
    pop = mail.login()
    assert pop.stat()[0] == 2
    pop.quit()


def test_stop_of_all(server, mail):
    """As systemd does it: every process is told."""
    marked(mail)
    greeted(mail)
    listener, keys = server.listener(), one_keys(server)
    processes.stop([listener, keys, *server.pids()])
    server.wait_log(END)
    server.wait_log(NO_LOGIN)
    server.wait_empty()
    wait_until(lambda: not os.path.exists("/proc/%d" % keys), "keys stays")
    assert [line for line in server.log_lines()
            if re.search("failure|signal|died|gone|trouble", line)] == []
    assert len(mail.maildir.files()) == 2


def test_a_hangup_is_nothing(server, mail):
    pop = mail.login()
    listener = server.listener()
    os.kill(listener, signal.SIGHUP)
    mail.server.add_account().login().quit()
    assert server.listener() == listener and pop.stat()[0] == 2
    pop.quit()


# Each process is killed.

def test_keys_is_killed(server, mail):
    """Sessions go on, and the next client is served, by new keys."""
    waiting = server.connect()
    pop = mail.login()
    keys = one_keys(server)
    os.kill(keys, signal.SIGKILL)
    server.wait_log(r"^keys was ended by signal 9 \(Killed\)$")
    account = server.add_account()
    account.login().quit()
    assert one_keys(server) != keys
    waiting.login(account.address).quit()
    pop.ok("DELE 1")
    pop.quit()
    assert len(mail.maildir.files()) == 1
    server.wait_empty()


def test_the_listener_is_killed(server, mail):
    """Who has logged in goes on; who has not is told; inetd starts anew."""
    waiting = server.connect()
    pop = mail.login()
    keys = one_keys(server)
    os.kill(server.listener(), signal.SIGKILL)
    assert waiting.rest() == b""
    server.wait_log("^no login: peer=127.0.0.1 reason=internal-failure$")
    server.add_account().login().quit()
    pop.ok("DELE 1")
    pop.quit()
    wait_until(lambda: not os.path.exists("/proc/%d" % keys), "keys stays")
    assert len(mail.maildir.files()) == 1


def test_a_session_is_killed(server, mail):
    """The log tells, with its id, and the store ends with it."""
    other = server.connect()
    pop = mail.login()
    pop.ok("DELE 1")
    os.kill(server.processes(pop).session, signal.SIGKILL)
    server.wait_log(r"^session was ended by signal 9 \(Killed\)$")
    wait_until(lambda: len(server.pids()) == 1, "the store stays")
    lines = server.log_lines_with_ids()
    assert len({id for _, id in lines}) == 1
    assert len(mail.maildir.files()) == 2
    other.login(mail.address).quit()


@pytest.mark.skipif(not ROOT, reason="processes are told apart by their uids")
@pytest.mark.parametrize("point", [auth_is_there, marked],
                         ids=["parent", "store"])
def test_a_parent_is_killed(server, mail, point):
    pop = point(mail)
    os.kill(server.processes(pop).parent, signal.SIGKILL)
    server.wait_log(r"^parent or store was ended by signal 9 \(Killed\)$")
    pop.rest()
    server.wait_empty()
    assert len(mail.maildir.files()) == 2
    mail.login().quit()
