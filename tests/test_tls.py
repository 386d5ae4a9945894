"""TLS: versions, ciphers, certificates, nothing in the clear (RFC 8314)."""

import os
import re
import shutil
import socket
import ssl
import subprocess

import pytest

from daemon import HOSTNAME, make_certificate, temporary_directory

GOOD_CIPHERS = ["ECDHE-ECDSA-AES128-GCM-SHA256",
                "ECDHE-ECDSA-AES256-GCM-SHA384",
                "ECDHE-ECDSA-CHACHA20-POLY1305"]
GOOD_RSA_CIPHERS = [name.replace("ECDSA", "RSA") for name in GOOD_CIPHERS]
GOOD_SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
               "TLS_CHACHA20_POLY1305_SHA256"]


def openssl(*arguments, stdin="", check=True):
    done = subprocess.run(["openssl", *arguments], input=stdin, text=True,
                          capture_output=True, timeout=60, check=check)
    return done.stdout + done.stderr


def s_client(server, *arguments):
    """What openssl s_client tells of a handshake with the server."""
    return openssl("s_client", "-connect", "127.0.0.1:%d" % server.port,
                   "-crlf", *arguments, stdin="QUIT\n", check=False)


def chosen(server, *arguments):
    """(version, cipher) or None: the server refused."""
    told = s_client(server, "-brief", *arguments)
    found = re.search(r"Protocol version: (\S+)\nCiphersuite: (\S+)", told)
    if found is None:
        assert "alert" in told or "unexpected eof" in told, told
        return None
    return found.group(1), found.group(2)


# Ask for anything, however old: what is refused, the server refuses.
ANY = ["-cipher", "ALL:@SECLEVEL=0"]


def test_newest_version_is_chosen(server):
    assert chosen(server, *ANY)[0] == "TLSv1.3"
    assert chosen(server, "-tls1_2", *ANY)[0] == "TLSv1.2"


def test_no_tickets(server):
    """No session knows another, so there is nothing to come back to."""
    context = ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        client = context.wrap_socket(raw, server_hostname=HOSTNAME)
        assert client.recv(100).startswith(b"+OK")
        assert not client.session.has_ticket


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_versions_are_refused(server, version):
    assert chosen(server, version, *ANY) is None
    server.wait_log(r"^no TLS: peer=127\.0\.0\.1 reason=handshake-failed "
                    r"error=\".*\"$")


@pytest.mark.parametrize("suite", GOOD_SUITES)
def test_suites_of_tls13(server, suite):
    assert chosen(server, "-ciphersuites", suite) == ("TLSv1.3", suite)


@pytest.mark.parametrize("cipher", GOOD_CIPHERS)
def test_ciphers_of_tls12(server, cipher):
    assert chosen(server, "-tls1_2", "-cipher", cipher) == ("TLSv1.2", cipher)


# SNI.

OTHERS = ["pop.example.org", "mail.example.net"]


@pytest.fixture(scope="module")
def names():
    """{name: keypair}, one of them RSA."""
    directory = temporary_directory()
    made = {name: make_certificate(directory, name) for name in OTHERS}
    cert, key = made[OTHERS[0]]
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
            "-subj", "/CN=" + OTHERS[0], "-addext",
            "subjectAltName=DNS:" + OTHERS[0], "-keyout", key, "-out", cert)
    os.chmod(key, 0o600)
    yield made
    shutil.rmtree(directory)


@pytest.fixture
def sni_server(make_server, names):
    return make_server(extra="".join(
        "keypair %s %s\n" % keypair for keypair in names.values()))


def shown(server, *arguments):
    """The name in the certificate that the server shows."""
    return re.search(r"^subject=CN = (\S+)$",
                     s_client(server, *arguments), re.M).group(1)


def test_sni(sni_server):
    for name in [HOSTNAME] + OTHERS:
        assert shown(sni_server, "-servername", name) == name
        assert shown(sni_server, "-tls1_2", "-servername", name) == name
    assert shown(sni_server, "-servername", "unknown.example") == HOSTNAME
    assert shown(sni_server, "-noservername") == HOSTNAME


def test_sni_session(sni_server, names):
    """The whole way with a certificate that is not the first."""
    account = sni_server.add_account()
    for name, (cert, _) in names.items():
        sni_server.keypair = cert, None
        account.login(name=name).quit()


def test_ciphers_that_are_refused(sni_server):
    """Static RSA, CBC, CCM, finite fields: with whichever certificate."""
    every = openssl("ciphers", "-s", "-tls1_2", "ALL:@SECLEVEL=0")
    every = every.strip().split(":")
    refused = [c for c in every if c not in GOOD_CIPHERS + GOOD_RSA_CIPHERS]
    assert len(refused) > 20
    for name in (HOSTNAME, OTHERS[0]):
        assert chosen(sni_server, "-tls1_2", "-servername", name, "-cipher",
                      ":".join(refused) + ":@SECLEVEL=0") is None
    for cipher in GOOD_RSA_CIPHERS:
        assert chosen(sni_server, "-tls1_2", "-servername", OTHERS[0],
                      "-cipher", cipher) == ("TLSv1.2", cipher)


# OCSP.

@pytest.fixture
def staple(tmp_path, keypair):
    """An OCSP response: the certificate, its own issuer, is good."""
    cert, key = keypair
    serial = openssl("x509", "-in", cert, "-noout", "-serial")
    serial = serial.strip().split("=")[1]
    index = tmp_path / "index.txt"
    index.write_text("V\t491231235959Z\t\t%s\tunknown\t/CN=%s\n"
                     % (serial, HOSTNAME))
    (tmp_path / "index.txt.attr").write_text("")
    response = str(tmp_path / "staple.der")
    openssl("ocsp", "-index", str(index), "-CA", cert, "-rsigner", cert,
            "-rkey", key, "-issuer", cert, "-serial", "0x" + serial,
            "-ndays", "7", "-respout", response)
    return response


def test_staple(make_server, keypair, staple):
    server = make_server()
    assert "OCSP response: no response sent" in s_client(server, "-status")
    with open(server.conf) as f:
        conf = f.read()
    line = "keypair %s %s" % keypair
    assert line in conf
    with open(server.conf, "w") as f:
        f.write(conf.replace(line, line + " " + staple))
    told = s_client(server, "-status", "-CAfile", keypair[0])
    assert "OCSP Response Status: successful" in told
    assert "Cert Status: good" in told
    assert "Verify return code: 0" in told


# Octets that are not TLS.

def everything(raw):
    answer = b""
    try:
        while data := raw.recv(4096):
            answer += data
    except ConnectionResetError:
        pass
    return answer


def answer_to(server, octets):
    raw = server.connect_raw()
    raw.sendall(octets)
    return everything(raw)


@pytest.mark.parametrize("octets", [
    b"CAPA\r\n", b"USER you@example.com\r\nPASS secret\r\n", b"STLS\r\n",
    b"\r\n" * 1000, b"GET / HTTP/1.0\r\n\r\n", b"\0" * 500,
    b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + 100 * b"\1",
    b"\x16\x03\x01\xff\xff" + 70000 * b"\1"],
    ids=["CAPA", "USER", "STLS", "newlines", "HTTP", "NUL", "SSLv2", "large"])
def test_octets_in_the_clear(server, octets):
    """There is no answer but TLS's own: an alert, in one record."""
    answer = answer_to(server, octets)
    assert answer == b"" or (len(answer) == 7 and
                             answer[0] == 0x15 and answer[1] == 3), answer
    server.wait_log(r"^no TLS: peer=127\.0\.0\.1 reason=handshake-failed "
                    r"error=\".+\"$")


def test_server_does_not_speak_first(make_server):
    """A POP3 client without TLS waits for the greeting in vain."""
    server = make_server(timeout_login=1)
    assert answer_to(server, b"") == b""
    server.wait_log(r"^no TLS: peer=127\.0\.0\.1 reason=timeout ")


def test_stls_is_not_offered(server):
    """It is TLS already."""
    pop = server.connect()
    pop.ok("CAPA")
    assert b"STLS" not in pop.lines_exact()
    pop.err("STLS")


def test_octets_in_the_clear_after_the_handshake(server):
    """They end the session; nothing is taken for a command."""
    pop = server.connect()
    with socket.socket(fileno=pop.socket.detach()) as raw:
        raw.settimeout(60)
        raw.sendall(b"QUIT\r\n" * 20)
        answer = everything(raw)
    assert b"+OK" not in answer
    server.wait_log(r"^no login: peer=127\.0\.0\.1 reason=disconnected$")


# The end.

@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_close_notify(server, account, version):
    """With QUIT, in both states: quit() looks for it."""
    version = getattr(ssl.TLSVersion, version)
    for login in (False, True):
        pop = server.connect(minimum=version, maximum=version)
        if login:
            pop.login(account.address)
        pop.quit()


def test_goodbye_of_the_client_alone_is_no_quit(server, account):
    """close_notify of TLS without QUIT: nothing is deleted."""
    account.maildir.deliver(b"Subject: stays\n\n")
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        pop = account.login(minimum=version, maximum=version)
        pop.ok("DELE 1")
        try:
            pop.socket.unwrap()
        except (ssl.SSLError, OSError):
            pass
        server.wait_empty()
        assert len(account.maildir.files()) == 1
    assert server.log().count("reason=disconnected") == 2
