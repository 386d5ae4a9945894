"""Proxies: the PROXY protocol says who the client is, where it may; by hand,
and (long) with HAProxy itself."""

import os
import re
import shutil
import socket
import ssl
import struct
import subprocess

import pytest

from daemon import HERE, free_port, wait_until
from pop3 import plain
import processes

CLIENT = "198.51.100.7"
CLIENT6 = "2001:db8::7"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL = SIGNATURE + b"\x20\0\0\0"


def v1(client=CLIENT, server="192.0.2.1"):
    return b"PROXY TCP%d %s %s 40000 995\r\n" % (
        6 if ":" in client else 4, client.encode(), server.encode())


def v2(client=CLIENT, server="192.0.2.1", tlvs=b""):
    kind, code = ((socket.AF_INET6, 0x21) if ":" in client else
                  (socket.AF_INET, 0x11))
    rest = (socket.inet_pton(kind, client) + socket.inet_pton(kind, server) +
            struct.pack("!HH", 40000, 995) + tlvs)
    return SIGNATURE + struct.pack("!BBH", 0x21, code, len(rest)) + rest


HEADERS = {"v1": (v1(), CLIENT), "v1-IPv6": (v1(CLIENT6, "::1"), CLIENT6),
           "v2": (v2(), CLIENT), "v2-IPv6": (v2(CLIENT6, "::1"), CLIENT6),
           "v2-TLV": (v2(tlvs=b"\x04\0\x03abc\x01\0\x04pop3"), CLIENT)}
headers = pytest.mark.parametrize("header,client", HEADERS.values(),
                                  ids=HEADERS)


@pytest.fixture
def proxied(make_server):
    return make_server(extra="proxy 10.0.0.0/8 127.0.0.0/8\n")


@headers
def test_a_session(proxied, header, client):
    """Every line has whom the proxy speaks for, and the proxy."""
    account = proxied.add_account()
    pop = proxied.connect(before=header).login(account.address)
    pop.quit()
    proxied.wait_empty()
    lines = proxied.log_lines()
    assert len(lines) == 2
    for line, word in zip(lines, ("login", "end")):
        assert re.match("%s: user=%s peer=%s .* via=127.0.0.1( id=|$)" % (
            word, account.address, client), line), line


def test_a_header_in_pieces(proxied):
    """Octet by octet, and not one of TLS is lost."""
    account = proxied.add_account()
    for header in (v1(), v2()):
        raw = proxied.connect_raw()
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in header:
            raw.sendall(bytes([octet]))
        context = ssl.create_default_context(cafile=proxied.keypair[0])
        with context.wrap_socket(raw,
                                 server_hostname="mail.example.com") as tls:
            tls.sendall(b"USER %s\r\nPASS secret\r\nQUIT\r\n"
                        % account.address.encode())
            data = b""
            while data.count(b"\n") < 4:
                data += tls.recv(4096)
            assert data.count(b"+OK") == 4
    proxied.wait_empty()
    assert len([line for line in proxied.log_lines() if re.match(
        "login: user=%s peer=%s " % (account.address, CLIENT), line)]) == 2


@headers
def test_a_refusal(proxied, header, client):
    account = proxied.add_account()
    pop = proxied.connect(before=header)
    pop.err(b"AUTH PLAIN " + plain(account.address, "wrong"), "AUTH")
    proxied.wait_log("^login refused: peer=%s user=%s mechanism=PLAIN.* "
                     "via=127.0.0.1" % (client, account.address))
    pop.ok("QUIT")
    proxied.wait_log("^no login: peer=%s reason=quit via=127.0.0.1" % client)


def answer(raw):
    """What comes back; a reset is what we sent and nobody read."""
    try:
        return raw.recv(100)
    except ConnectionResetError:
        return b""


def test_no_tls(proxied):
    with proxied.connect_raw() as raw:
        raw.sendall(v1() + b"CAPA\r\n")
        answer(raw)
    proxied.wait_log("^no TLS: peer=%s reason=handshake-failed error=\".*\" "
                     "via=127.0.0.1" % CLIENT)


def test_somebody_unnamed(proxied):
    """LOCAL and UNKNOWN: the proxy itself, and it may well log in."""
    account = proxied.add_account()
    for header in (LOCAL, b"PROXY UNKNOWN\r\n"):
        proxied.connect(before=header).login(account.address).quit()
        proxied.wait_empty()
        assert "via=" not in proxied.log()
        proxied.wait_log("^login: user=%s peer=127.0.0.1 " % account.address)
        proxied.mark_log()


@pytest.mark.parametrize("octets", [b"", LOCAL, b"PROXY UNKNOWN\r\n"],
                         ids=["nothing", "LOCAL", "UNKNOWN"])
@pytest.mark.parametrize("how", ["close", "reset"])
def test_health_checks_are_silent(proxied, octets, how):
    for _ in range(3):
        raw = proxied.connect_raw()
        raw.sendall(octets)
        wait_until(lambda: len(proxied.pids()) > 1, "nobody serves it")
        if how == "reset":
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                           struct.pack("ii", 1, 0))
        raw.close()
        proxied.wait_empty()
    assert proxied.log_lines() == []


@pytest.mark.parametrize("header", [LOCAL, v1("127.0.0.1")],
                         ids=["LOCAL", "itself"])
def test_health_checks_with_tls_are_silent(proxied, header):
    proxied.connect(before=header).close()
    proxied.wait_empty()
    proxied.connect(before=header).quit()
    proxied.wait_empty()
    assert proxied.log_lines() == []


WRONG = {
    "TLS": (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", "not a PROXY header"),
    "POP3": (b"CAPA\r\n", "not a PROXY header"),
    "address": (b"PROXY TCP4 x 192.0.2.1 1 2\r\n", "not an address"),
    "family": (b"PROXY TCP4 2001:db8::1 192.0.2.1 1 2\r\n", "not an address"),
    "forged": (b"PROXY TCP4 198.51.100.7\x0bpeer=192.0.2.9 192.0.2.1 1 2\r\n",
               "not an address"),
    "endless": (b"PROXY UNKNOWN " + b"x" * 200, "the line is too long"),
    "version": (SIGNATURE + b"\x31\x11\0\x0c" + b"x" * 12,
                "not a version or command that is known"),
    "short": (SIGNATURE + b"\x21\x11\0\x04" + b"x" * 4,
              "it has no room for its addresses"),
    "long": (SIGNATURE + b"\x21\x11\xff\xff" + b"x" * 600, "it is too long"),
}


@pytest.mark.parametrize("octets,error", WRONG.values(), ids=WRONG)
def test_what_is_no_header_ends_the_connection(proxied, octets, error):
    with proxied.connect_raw() as raw:
        raw.sendall(octets)
        assert answer(raw) == b""
    proxied.wait_empty()
    [line] = proxied.log_lines()
    assert re.match("no PROXY header: peer=127.0.0.1 reason=malformed "
                    "error=\"%s\"( id=|$)" % error, line), line


@pytest.mark.parametrize("octets", [b"", b"PROXY TCP4 ", SIGNATURE],
                         ids=["nothing", "v1", "v2"])
def test_a_header_that_is_late(make_server, octets):
    server = make_server(extra="proxy 127.0.0.1\n", timeout_login=1)
    with server.connect_raw() as raw:
        raw.sendall(octets)
        assert raw.recv(100) == b""
    server.wait_log("^no PROXY header: peer=127.0.0.1 reason=timeout "
                    "error=\"none\"")


def test_the_header_does_not_extend_the_handshake(make_server):
    server = make_server(extra="proxy 127.0.0.1\n", timeout_login=1)
    with server.connect_raw() as raw:
        raw.sendall(v1())
        assert raw.recv(100) == b""
    server.wait_log("^no TLS: peer=%s reason=timeout " % CLIENT)


def test_a_header_that_is_cut_off(proxied):
    with proxied.connect_raw() as raw:
        raw.sendall(b"PROXY TCP4 198.51")
    proxied.wait_log("^no PROXY header: peer=127.0.0.1 reason=disconnected ")


@pytest.mark.parametrize("header", [v1(), v2()], ids=["v1", "v2"])
def test_others_may_claim_nothing(make_server, header):
    """Whoever is not in `proxy' speaks TLS at once, and is who he is."""
    server = make_server(extra="proxy 10.0.0.0/8 2001:db8::/32\n")
    account = server.add_account()
    account.login().quit()
    server.wait_log("^login: user=%s peer=127.0.0.1 " % account.address)
    with server.connect_raw() as raw:
        raw.sendall(header)
        answer(raw)
    server.wait_log("^no TLS: peer=127.0.0.1 reason=handshake-failed ")
    assert "via=" not in server.log()


# HAProxy itself.

class Haproxy:
    def __init__(self, server, options, directory):
        self.port = free_port()
        conf = directory / "haproxy.cfg"
        conf.write_text(
            "defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n"
            " timeout server 60s\n timeout check 30s\nlisten pop3s\n bind 127.0.0.1:%d\n"
            " server pop3d 127.0.0.1:%d %s\n"
            % (self.port, server.port, options))
        self.process = subprocess.Popen(
            ["haproxy", "-db", "-f", str(conf)], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: processes.listening(self.port), "no HAProxy")

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture
def haproxy(make_server, tmp_path):
    """haproxy(options): a server, and HAProxy before it."""
    if shutil.which("haproxy") is None:
        pytest.skip("SKIPPED: haproxy is not installed")
    running = []

    def make(options):
        server = make_server(extra="proxy 127.0.0.1\n")
        running.append(Haproxy(server, options, tmp_path))
        return server, running[-1].port

    yield make
    for proxy in running:
        proxy.stop()


# Another address of the loopback interface, to be told from the proxy's.
FROM = "127.0.0.7"


def through(server, port, address, password):
    """A session from FROM by way of the proxy; the answers."""
    context = ssl.create_default_context(cafile=server.keypair[0])
    with socket.create_connection(("127.0.0.1", port), 60,
                                  source_address=(FROM, 0)) as raw, \
            context.wrap_socket(raw,
                                server_hostname="mail.example.com") as tls:
        tls.sendall(b"USER %s\r\nPASS %s\r\nQUIT\r\n"
                    % (address.encode(), password.encode()))
        data = b""
        while data.count(b"\n") < 4:
            data += tls.recv(4096)
        return data


@pytest.mark.long
@pytest.mark.parametrize("options", ["send-proxy", "send-proxy-v2"])
def test_haproxy(haproxy, options, tmp_path):
    server, port = haproxy(options)
    account = server.add_account()
    assert through(server, port, account.address, "secret").count(b"+OK") == 4
    assert b"-ERR [AUTH]" in through(server, port, account.address, "wrong")
    for line in ("login: user=%s peer=%s tls=", "end: user=%s peer=%s reason="
                 "quit "):
        server.wait_log("^" + line % (account.address, FROM) +
                        ".* via=127.0.0.1")
    server.wait_log("^login refused: peer=%s .* via=127.0.0.1" % FROM)
    # fail2ban would ban the client, and not the proxy.
    log = tmp_path / "mail.log"
    log.write_text("".join(
        "Nov 28 12:00:00 host pop3d[1]: %s id=%s\n" % pair
        for pair in server.log_lines_with_ids()))
    shutil.copy(HERE + "/../etc/pop3d.fail2ban", tmp_path / "pop3d.conf")
    shutil.copy("/etc/fail2ban/filter.d/common.conf", tmp_path)
    told = subprocess.run(
        ["fail2ban-regex", "-o", "<ip>", str(log),
         str(tmp_path / "pop3d.conf")], check=True, text=True,
        capture_output=True).stdout
    assert told.split() == [FROM]


@pytest.mark.long
@pytest.mark.parametrize("options", [
    "check inter 1s send-proxy", "check inter 1s send-proxy-v2",
    "check inter 1s check-send-proxy send-proxy-v2",
    "check inter 2s check-ssl verify none check-send-proxy send-proxy-v2",
    "check inter 2s check-ssl verify none check-send-proxy send-proxy"])
def test_health_checks_of_haproxy(haproxy, options):
    """They find the server well, which serves on, and say nothing."""
    server, port = haproxy(options)
    account = server.add_account()
    served = set()

    def five():
        served.update(server.pids())
        return len(served) >= 6

    wait_until(five, "there are no checks")
    assert through(server, port, account.address, "secret").count(b"+OK") == 4
    server.wait_log("^end: user=%s " % account.address)
    lines = server.log_lines()
    assert len([line for line in lines if re.match(
        "(login|end): user=%s peer=%s " % (account.address, FROM), line)]) \
        == len(lines) == 2
    os.kill(server.process.pid, 0)
