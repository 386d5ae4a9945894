"""What the administrator finds in the log (syslog, LOG_MAIL): exactly."""

import base64
import os
import re
import signal
import socket
import ssl
import struct
import subprocess

import pytest

from daemon import POP3D, ROOT, wait_until
from maildir import message
from pop3 import plain, wire
from syslogd import Syslogd

MAIL = 2 << 3  # as in <syslog.h>
WARNING, INFO = 4, 6

DOTS = b"Subject: dots\n\n.\n..\n...\n"
LARGE = b"Subject: large\n\n" + 500000 * b"a line of a large message\n"


def lines_of(server, count):
    """The log of sessions that have ended, which are so many lines."""
    server.close_clients()
    wait_until(lambda: len(server.log_lines()) >= count,
               "less than %d lines: %r" % (count, server.log_lines()))
    server.wait_empty()
    lines = server.log_lines()
    assert len(lines) == count, lines
    return lines


def the_line(server, line):
    """The log is this line alone."""
    assert lines_of(server, 1) == [line]


def end(account, reason, retrieved=0, octets=0, deleted=0, left=0):
    return ("end: user=%s peer=127.0.0.1 reason=%s retrieved=%d octets=%d "
            "deleted=%d left=%d" % (account.address, reason, retrieved,
                                    octets, deleted, left))


def no_login(reason):
    return "no login: peer=127.0.0.1 reason=" + reason


# A session has two lines, and one for what it deleted.

def test_quit(server, account):
    """The octets are LIST's; TOP does not count."""
    for data in (message(), DOTS, message("third")):
        account.maildir.deliver(data)
    pop = account.login()
    pop.retr(1)
    pop.retr(2)
    pop.top(3, 1)
    pop.ok("DELE 1")
    pop.quit()
    assert lines_of(server, 3)[2] == end(
        account, "quit", 2, len(wire(message()) + wire(DOTS)), 1, 2)


@pytest.mark.parametrize("word", ["deleted", "retained"])
def test_what_was_deleted(server, account, word):
    """UIDL and octets of each; what was not committed is not told."""
    if word == "retained":
        server.ctl("set", account.address, "auto-delete=no")
    names = [account.maildir.deliver(data) for data in (message(), DOTS)]
    pop = account.login()
    pop.ok("DELE 1")
    pop.close()
    server.wait_empty()
    pop = account.login()
    pop.ok("DELE 1")
    pop.ok("DELE 2")
    pop.quit()
    lines = lines_of(server, 5)
    assert lines[3] == "%s: user=%s peer=127.0.0.1 %s:%d %s:%d" % (
        word, account.address, names[0], len(wire(message())), names[1],
        len(wire(DOTS)))
    assert [line for line in lines if line.startswith(word)] == [lines[3]]


def test_many_deletions(server, account):
    """As many as fit into 900 octets a line; each once, in their order."""
    names = [account.maildir.deliver(message()) for _ in range(100)]
    pop = account.login()
    for n in range(1, 101):
        pop.ok("DELE %d" % n)
    pop.quit()
    server.wait_log("^end: ")
    lines = ["%s id=%s" % pair for pair in server.log_lines_with_ids()
             if pair[0].startswith("deleted: ")]
    assert 4 <= len(lines) <= 10
    assert all(700 < len(line) <= 900 for line in lines[:-1])
    assert [found.split(":")[0] for line in lines
            for found in line.split(" ")[3:-1]] == names


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("mechanism", ["USER", "PLAIN"])
def test_login(server, account, version, mechanism):
    version = getattr(ssl.TLSVersion, version)
    pop = server.connect(minimum=version, maximum=version)
    tls = pop.socket.version() + "/" + pop.socket.cipher()[0]
    if mechanism == "USER":
        pop.login(account.address.upper())
    else:
        pop.ok(b"AUTH PLAIN " + plain(account.address, "secret"))
    pop.quit()
    assert lines_of(server, 2) == [
        "login: user=%s peer=127.0.0.1 tls=%s mechanism=%s"
        % (account.address, tls, mechanism), end(account, "quit")]


def test_login_with_application_password(server, account):
    """The log tells which: it may have to be revoked."""
    password = server.ctl("app-password", "add", account.address,
                          "the new phone").stdout.split("\n")[-2]
    pop = server.connect()
    pop.ok(b"AUTH PLAIN " + plain(account.address, password))
    pop.quit()
    begin, over = lines_of(server, 2)
    label = r" app-password=the\040new\040phone"
    assert begin.endswith(" mechanism=PLAIN" + label)
    assert over == end(account, "quit") + label


def test_disconnected(server, account):
    account.maildir.deliver(message())
    pop = account.login()
    pop.retr(1)
    pop.ok("DELE 1")
    pop.close()
    assert lines_of(server, 2)[1] == end(
        account, "disconnected", 1, len(wire(message())), 0, 1)


def test_disconnected_in_a_message(server, account):
    """Half a message is none."""
    account.maildir.deliver(LARGE)
    pop = account.login()
    pop.ok("RETR 1")
    pop.close()
    found = re.fullmatch(re.escape(end(account, "disconnected", 0, 1, 0, 1))
                         .replace("octets=1", r"octets=(\d+)"),
                         lines_of(server, 2)[1])
    assert found and int(found.group(1)) < len(wire(LARGE))


def test_idle_timeout(make_server):
    server = make_server(timeout_idle=1)
    account = server.add_account()
    pop = account.login()
    assert pop.rest() == b""
    assert lines_of(server, 2)[1] == end(account, "timeout")


def test_flood(server, account):
    pop = account.login()
    pop.send(b"x" * 65536)
    pop.rest()
    assert lines_of(server, 2)[1] == end(account, "line-too-long")


def test_bad_commands(server, account):
    pop = account.login()
    pop.send(b"BAD\r\n" * 20)
    pop.rest()
    assert lines_of(server, 2)[1] == end(account, "too-many-bad-commands")


def test_session_killed(server, account):
    account.maildir.deliver(message())
    pop = account.login()
    pop.ok("DELE 1")
    os.kill(server.processes(pop).session, signal.SIGKILL)
    assert lines_of(server, 2)[1] == end(account, "session-died", left=1)


def test_in_use(server, account):
    first = account.login()
    second = server.connect()
    second.ok("USER " + account.address)
    second.err("PASS secret", "IN-USE")
    second.ended()
    first.quit()
    assert sorted(lines_of(server, 4)[1:3]) == [
        "maildrop refused: user=%s peer=127.0.0.1 reason=in-use"
        % account.address, no_login("maildrop-not-available")]


# No session.

def test_quit_before_the_login(server):
    server.connect().quit()
    the_line(server, no_login("quit"))


def test_disconnected_before_the_login(server):
    server.connect().close()
    the_line(server, no_login("disconnected"))


def test_flood_before_the_login(server):
    pop = server.connect()
    pop.send(b"x" * 65536)
    pop.rest()
    the_line(server, no_login("line-too-long"))


def test_bad_commands_before_the_login(server):
    pop = server.connect()
    pop.send(b"BAD\r\n" * 20)
    pop.rest()
    the_line(server, no_login("too-many-bad-commands"))


def test_login_timeout(make_server):
    server = make_server(timeout_login=1)
    server.connect().rest()
    the_line(server, no_login("timeout"))


def test_no_tls(server):
    server.connect_raw().close()
    line, = lines_of(server, 1)
    assert re.fullmatch(r'no TLS: peer=127\.0\.0\.1 reason=handshake-failed '
                        r'error="[^"]+"', line)


def test_refused(make_server):
    """An unknown user's line is like that of a wrong password."""
    server = make_server(max_failures=2)
    account = server.add_account()
    pop = server.connect()
    pop.ok("USER " + account.address)
    pop.err("PASS wrong", "AUTH")
    pop.err(b"AUTH PLAIN " + plain("nobody@example.com", "wrong"), "AUTH")
    pop.ended()
    assert lines_of(server, 3) == [
        "login refused: peer=127.0.0.1 user=%s mechanism=USER reason=password"
        % account.address,
        "login refused: peer=127.0.0.1 user=nobody@example.com "
        "mechanism=PLAIN reason=unknown", no_login("too-many-failures")]


def refused_accounts(server):
    """{(address, password): why it is refused}."""
    found = {("nobody@example.com", "secret"): "unknown"}
    for name, settings in (("plain", []), ("off", ["access=off"]),
                           ("two", ["two-factor=on"]),
                           ("none", ["password=none"])):
        account = server.add_account(name + "@reason.example")
        if settings:
            server.ctl("set", account.address, *settings)
        found[account.address, "wrong"] = "password"
    found["off@reason.example", "secret"] = "off"
    found["off@reason.example", "wrong"] = "off"
    found["two@reason.example", "secret"] = "app-password-required"
    found["none@reason.example", "secret"] = "password"
    return found


def test_reasons(make_server):
    """Why, for the administrator alone: the client hears one answer."""
    server = make_server(max_failures=1)
    logins = refused_accounts(server)
    clients = []
    for address, password in logins:
        pop = server.connect()
        pop.send(b"AUTH PLAIN " + plain(address, password) + b"\r\n")
        clients.append(pop)
    assert len({pop.rest() for pop in clients}) == 1
    lines = lines_of(server, 2 * len(logins))
    for (address, _), reason in logins.items():
        lines.remove("login refused: peer=127.0.0.1 user=%s mechanism=PLAIN "
                     "reason=%s" % (address, reason))
    assert set(lines) == {no_login("too-many-failures")}


# Whose line it is.

def test_one_id_a_connection(make_server):
    """From the parent on, in each process; no two connections have the same."""
    server = make_server(max_failures=2)
    account = server.add_account()
    for _ in range(3):
        pop = server.connect()
        pop.err(b"AUTH PLAIN " + plain(account.address, "wrong"), "AUTH")
        pop.login(account.address)
        pop.quit()
    lines_of(server, 9)
    ids = [i for _, i in server.log_lines_with_ids()]
    assert len(set(ids)) == 3
    assert all(ids.count(i) == 3 for i in ids)
    assert "id=" not in "".join(server.log_lines())


def test_id_of_a_mistake_in_the_configuration(make_server):
    """The parent's own line has one, too."""
    server = make_server()
    with open(server.conf, "a") as f:
        f.write("nonsense\n")
    server.connect_raw().close()
    line, = lines_of(server, 1)
    assert "nonsense is not a keyword" in line


# Whose address it is, when the client has gone already.

def log_after_a_reset(server, **environment):
    """Of a pop3d that is started when its client has reset the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        accepted = listening.accept()[0]
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                      struct.pack("ii", 1, 0))
    client.close()
    with pytest.raises(OSError):
        accepted.getpeername()
    done = subprocess.run(
        [POP3D, "-d", "-f", server.conf], stdin=accepted, stdout=accepted,
        stderr=subprocess.PIPE, env={**os.environ, **environment}, timeout=60)
    accepted.close()
    return done.stderr.decode()


@pytest.mark.parametrize("name", ["REMOTE_ADDR", "TCPREMOTEIP"])
@pytest.mark.parametrize("value, peer", [
    ("192.0.2.7", "192.0.2.7"), ("2001:db8::7", "2001:db8::7"),
    ("::ffff:192.0.2.7", "192.0.2.7"), ("", "unknown"),
    ("192.0.2.7 user=me", "unknown"), ("localhost", "unknown")])
def test_peer_of_a_client_that_has_gone(server, name, value, peer):
    """systemd and tcpserver say it; inetd does not."""
    log = log_after_a_reset(server, **{name: value})
    assert re.search(r"^pop3d\[\d+\]: no TLS: peer=%s reason=" %
                     re.escape(peer), log, re.M), log


def test_peer_that_nobody_tells(server):
    assert " peer=unknown " in log_after_a_reset(server)


# What clients send cannot forge a line, or a field of one.

NAMES = [b"you peer=10.0.0.1 user=me", b"you\x1b[2J\x07", b"a\\040b",
         "\u00fc\u2028\u0085".encode(), b"\xff\xfe", b"%s%n%d",
         b'a"b=c', b"\ttab\r\rCR", b"x" * 252, b"x" * 9000,
         b"x\r\nlogin: user=me\r\npop3d[1]: login: user=me"]


def escaped(name):
    """As vis(3) would: what could break a line or a field is octal."""
    return "".join(chr(c) if 0x20 < c < 0x7f and c != 0x5c else
                   "\\%03o" % c for c in name)


def refused(name, mechanism):
    """A name that is longer than an account's can be is left out."""
    return ("login refused: peer=127.0.0.1 user=%s mechanism=%s "
            "reason=unknown" % (
                escaped(name) if len(name) <= 254 else "", mechanism))


def test_names(make_server):
    """All at once, for each refusal takes its time."""
    server = make_server(max_failures=1)
    server.add_account()
    logins = [(b"AUTH PLAIN " + base64.b64encode(b"\0%s\0wrong" % name),
               refused(name, "PLAIN")) for name in NAMES]
    logins += [(b"USER " + name + b"\r\nPASS wrong", refused(name, "USER"))
               for name in NAMES if len(name) < 245 and b"\n" not in name]
    clients = [server.connect() for _ in logins]
    for pop, (commands, _) in zip(clients, logins):
        pop.send(commands + b"\r\n")
    for pop in clients:
        assert b"-ERR [AUTH] " in pop.rest()
    lines = lines_of(server, 2 * len(logins))
    for _, line in logins:
        lines.remove(line)
    assert set(lines) == {no_login("too-many-failures")}


def test_commands_are_not_logged(server, account):
    pop = account.login()
    for line in (b"end: user=me", b"STAT\x1b", b"\nlogin: user=me", b"\0",
                 b"RETR login:", b"NOOP " + 200 * b"\xff"):
        pop.send(line + b"\r\n")
    pop.send("QUIT\r\n")
    pop.rest()
    assert len(lines_of(server, 2)) == 2


def test_no_password_is_logged(server):
    """Right or wrong, where it belongs or not."""
    secret = "Zwiebelkuchen"
    account = server.add_account(password=secret)
    pop = server.connect()
    pop.err("PASS " + secret)
    pop.err(secret)
    pop.err("AUTH " + secret)
    pop.err("APOP %s %s" % (account.address, secret))
    pop.ok("USER " + account.address)
    pop.err("PASS %s%s" % (secret, secret), "AUTH")
    pop.err(b"AUTH PLAIN " + plain(account.address, secret + "x"), "AUTH")
    pop.err(b"AUTH PLAIN " + plain(account.address, secret)[:-4] + b"!")
    pop.ok(b"AUTH PLAIN " + plain(account.address, secret))
    pop.err("PASS " + secret)
    pop.quit()
    log = "\n".join(lines_of(server, 4))
    assert secret not in log
    assert plain(account.address, secret).decode()[20:28] not in log


# syslog.

@pytest.fixture
def syslogd(tmp_path):
    syslogd = Syslogd(tmp_path)
    yield syslogd
    syslogd.close()


@pytest.mark.skipif(not ROOT, reason="only root can have a /dev of its own")
def test_syslog(make_server, syslogd):
    """Started by inetd as by default: descriptor 2 is the client."""
    server = make_server(parent="inetd", debug=False, prefix=syslogd.prefix)
    account = server.add_account()
    account.login().quit()
    for begin in ("login: user=", "end: user="):
        line = syslogd.line()
        assert re.fullmatch(
            r"<%d>.{15} pop3d\[\d+\]: %s%s .* id=[0-9a-f]{8}"
            % (MAIL | INFO, begin, account.address), line), line
    with open(server.conf, "a") as f:
        f.write("nonsense\n")
    assert server.connect_raw().recv(1) == b""
    line = syslogd.line()
    assert re.fullmatch(
        r"<%d>.{15} pop3d\[\d+\]: %s:\d+: nonsense is not a keyword; .*"
        % (MAIL | WARNING, re.escape(server.conf)), line), line


def test_nothing_but_tls_reaches_the_client(make_server):
    """Under inetd descriptor 2 is the client's socket."""
    server = make_server(parent="inetd", debug=False, timeout_login=1)
    raw = server.connect_raw()
    raw.send(b"USER you@example.com\r\n")
    answer = b""
    try:
        while data := raw.recv(4096):
            answer += data
    except ConnectionResetError:
        pass
    # At the most an alert record of TLS.
    assert answer == b"" or (len(answer) == 7 and answer[0] == 0x15)
