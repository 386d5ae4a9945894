"""pop3sasl: who may send, asked as an SMTP server asks."""

import contextlib
import os
import pwd
import re
import signal
import socket
import subprocess
import threading

import pytest

from daemon import ROOT, SANITIZED, wait_until
from pop3 import plain
from sasl import POP3SASL, SaslServer, b64
from test_narrowed import change
from test_separation import (NULL, is_locked_in, is_sandboxed, is_user,
                             others, standard)
from syslogd import Syslogd
import processes

REFUSED = "login refused: wrong name or password, or sending is off"


@pytest.fixture
def sasl(server):
    found = SaslServer(server)
    yield found
    found.stop()


@pytest.fixture
def make_sasl(make_server):
    made = []

    def make(**settings):
        server = make_server(**settings)
        server.ctl("add", "-P", "first@example.com")
        made.append(SaslServer(server))
        return made[-1]

    yield make
    for found in made:
        found.stop()


def app_password(server, address, label="phone"):
    return server.ctl("app-password", "add", address,
                      label).stdout.splitlines()[-1]


def test_handshake(sasl):
    lines = [line.split("\t") for line in sasl.connect().handshake]
    assert [line[0] for line in lines] == [
        "VERSION", "MECH", "MECH", "SPID", "CUID", "COOKIE", "DONE"]
    assert lines[0] == ["VERSION", "1", "1"]
    assert [line[1:] for line in lines[1:3]] == [["PLAIN", "plaintext"],
                                                 ["LOGIN", "plaintext"]]
    assert re.fullmatch(r"[0-9a-f]{32}", lines[5][1])


def test_handshake_comes_unasked(sasl):
    """There are SMTP servers that wait for it before they speak."""
    client = sasl.connect(greet=None)
    while client.line() != "DONE":
        continue
    client.send("VERSION\t1\t0\nCPID\t1")


@pytest.mark.parametrize("version", ["1\t0", "1\t1", "1\t3", "1"])
def test_minor_versions(sasl, account, version):
    client = sasl.connect(greet="VERSION\t" + version)
    assert client.login(account.address, "secret") == account.address


@pytest.mark.parametrize("version", ["2\t0", "0\t9"])
def test_other_versions(sasl, version):
    client = sasl.connect(greet=None)
    while client.line() != "DONE":
        continue
    client.send("VERSION\t" + version)
    client.ended()
    sasl.wait_log("the SMTP server speaks version %s of Dovecot's .*, and "
                  "pop3sasl version 1" % version[0])
    sasl.wait_log("the SMTP server was left: reason=another-version")


# Who may send.

def test_passwords(server, sasl, account):
    phone = app_password(server, account.address)
    tablet = app_password(server, account.address, "tablet")
    client = sasl.connect()
    assert client.login(account.address, "secret") == account.address
    assert client.login(account.address.upper(), "secret") == account.address
    assert client.login(account.address, phone) == account.address
    assert client.login(account.address, "wrong") is None
    assert client.login("nobody@example.com", "secret") is None
    server.ctl("app-password", "revoke", account.address, "phone")
    client = sasl.connect()
    assert client.login(account.address, phone) is None
    assert client.login(account.address, tablet) == account.address
    assert [line for line in sasl.log_lines() if "may send" in line] == [
        "may send: user=%s peer=192.0.2.1 mechanism=PLAIN service=smtp "
        "lip=192.0.2.9%s" % (account.address, end) for end in (
            "", "", " app-password=phone", " app-password=tablet")]
    assert len([line for line in sasl.log_lines()
                if line.startswith("login refused: ")]) == 3


def test_two_factor(server, sasl, account):
    phone = app_password(server, account.address)
    server.ctl("set", account.address, "two-factor=on")
    client = sasl.connect()
    assert client.login(account.address, "secret") is None
    assert client.login(account.address, phone) == account.address


def test_access_is_for_pop(server, sasl, account):
    """POP that is switched off keeps nobody from sending."""
    server.ctl("set", account.address, "access=off")
    assert sasl.connect().login(account.address, "secret") == account.address
    server.connect().ok("USER " + account.address)


def test_send_is_off(server, sasl, account):
    """And fetching goes on."""
    phone = app_password(server, account.address)
    server.ctl("set", account.address, "send=no")
    client = sasl.connect()
    for password in "secret", phone:
        assert client.login(account.address, password) is None
        with server.connect() as pop:
            pop.login(account.address, password)
    assert {line.split()[-1] for line in sasl.log_lines()} == {"reason=off"}
    server.ctl("set", account.address, "send=yes", "access=off")
    client = sasl.connect()
    for password in "secret", phone:
        assert client.login(account.address, password) == account.address


def test_what_application_passwords_are_for(server, sasl, account):
    code = {use: server.ctl("app-password", "add", "-u", use, account.address,
                            use).stdout.strip()
            for use in ("pop", "send", "both")}
    client = sasl.connect()
    assert {use: client.login(account.address, code[use]) is not None
            for use in code} == {"pop": False, "send": True, "both": True}
    assert sasl.log_lines()[0].endswith(
        " reason=service")
    with server.connect() as pop:
        pop.err(b"AUTH PLAIN " + plain(account.address, code["send"]), "AUTH")


def test_from_where_application_passwords_are_good(server, sasl, account):
    """By the address that the SMTP server tells; without one, from
    nowhere."""
    code = server.ctl("app-password", "add", "-n", "192.0.2.0/24", "-n",
                      "2001:db8::/32", account.address,
                      "office").stdout.strip()
    client = sasl.connect()
    assert [client.login(account.address, code, rip=rip) is not None
            for rip in ("192.0.2.7", "2001:db8::7", "::ffff:192.0.2.8",
                        "198.51.100.7", "192.0.2.0/24", "")] == [
                            True, True, True, False, False, False]


def test_application_passwords_expire(server, sasl, account):
    code = server.ctl("app-password", "add", "-e", "+1d", account.address,
                      "old").stdout.strip()
    assert sasl.connect().login(account.address, code) == account.address
    change(account, "expires=[^,;]*", "expires=2001-02-03T04:05:06Z")
    assert sasl.connect().login(account.address, code) is None
    assert sasl.log_lines()[-1].endswith(" reason=expired")


def test_other_names(make_sasl):
    """The SMTP server learns the account's own."""
    sasl = make_sasl(extra="default-domain example.com\n")
    sasl.server.add_account("you@example.com")
    sasl.server.ctl("alias", "add", "you@example.com", "info@example.com")
    client = sasl.connect()
    for name in ("info@example.com", "INFO@Example.com", "info", "you",
                 "YOU"):
        assert client.login(name, "secret") == "you@example.com"
    assert client.refused(("info", "wrong"), ("you@example.org", "secret"),
                          ("info@example.org", "secret"), ("@", "secret"),
                          ("nobody", "secret"))
    assert sasl.log_lines()[:5] == 5 * [
        "may send: user=you@example.com peer=192.0.2.1 mechanism=PLAIN "
        "service=smtp lip=192.0.2.9"]
    # Whoever may not send may not under another name.
    sasl.server.ctl("set", "you@example.com", "send=no")
    assert sasl.connect().refused(("info", "secret"), ("you", "secret"))


def test_login(sasl, account):
    """By LOGIN, with and without the name in the first line; by PLAIN
    without a first response."""
    client = sasl.connect()
    for first in "", "\tresp=" + b64(account.address):
        number = client.ask("", "", mechanism="LOGIN", more=first)
        if not first:
            assert client.line() == "CONT\t%d\t%s" % (number, b64("Username:"))
            client.send("CONT\t%d\t%s" % (number, b64(account.address)))
        assert client.line() == "CONT\t%d\t%s" % (number, b64("Password:"))
        client.send("CONT\t%d\t%s" % (number, b64("secret")))
        assert client.answer() == ("OK", number, {"user": account.address})
    for empty in "\tresp=", "":
        client.send("AUTH\t9\tplain\tservice=smtp" + empty)
        assert client.line() == "CONT\t9\t"
        if empty:
            client.send("CANCEL\t9")
    client.send("CONT\t9\t" + plain(account.address, "secret").decode())
    assert client.answer()[0] == "OK"


def test_refusals_are_the_same(server, sasl, account):
    server.ctl("add", "-P", "none@example.com")
    app_password(server, account.address)
    server.ctl("set", account.address, "two-factor=on")
    client = sasl.connect()
    for user, password in [
            (account.address, "wrong"), (account.address, "secret"),
            ("nobody@example.com", "x"), ("none@example.com", "x"),
            ("x" * 300, "secret"), (account.address, "x" * 600)]:
        client.ask(user, password)
        verdict, _, parameters = client.answer()
        assert verdict == "FAIL" and parameters["reason"] == REFUSED
        assert set(parameters) == {"user", "reason"}
    # To act for somebody else.
    client.send("AUTH\t99\tPLAIN\tservice=smtp\tresp=" + plain(
        account.address, "secret", b"other@example.com").decode())
    assert client.answer()[2]["reason"] == REFUSED


def test_a_refusal_holds_up_nobody_else(sasl, account):
    """Two who are refused, and one who is behind them and is not: if he
    waited for them, their answers would always come first.  (On a busy
    machine they may, now and then.)"""
    phone = app_password(sasl.server, account.address)
    for attempt in range(20):
        client = sasl.connect()
        numbers = [client.ask("nobody%d@example.com" % n, "x")
                   for n in range(2)]
        last = client.ask(account.address, phone)
        found = [client.answer()[:2] for _ in range(3)]
        assert sorted(found) == sorted(
            [("FAIL", number) for number in numbers] + [("OK", last)])
        if found[0] == ("OK", last):
            return
    assert False, "he always waited"


def test_more_than_there_are_places(sasl, account):
    client = sasl.connect()
    numbers = [client.ask("nobody@example.com", "x",
                          rip="2001:db8:%x::1" % n) for n in range(40)]
    last = client.ask(account.address, "secret")
    found = [client.answer()[:2] for _ in range(41)]
    assert sorted(found) == sorted([("FAIL", number) for number in numbers]
                                   + [("OK", last)])


def test_guesses(server, sasl, account):
    """After ten refusals of one address passwords are not looked at, but
    for those that nobody can guess; others go on."""
    phone = app_password(server, account.address)
    client = sasl.connect()
    for n in range(10):
        client.ask(account.address, "wrong%d" % n, rip="2001:db8::%d" % n)
    assert {client.answer()[0] for n in range(10)} == {"FAIL"}
    sasl.wait_log(r"too many refusals: peer=2001:db8::9, ")
    assert client.login(account.address, "secret", rip="2001:db8::77") is None
    assert client.login(account.address, phone,
                        rip="2001:db8::77") == account.address
    assert client.login(account.address, "secret",
                        rip="2001:db8:0:1::77") == account.address
    # They are counted in this process.
    assert sasl.connect().login(account.address, "secret",
                                rip="2001:db8::77") == account.address


def test_one_password_by_two_ways(sasl):
    client = sasl.connect()
    assert client.login("nobody@example.com", "x") is None
    number = client.ask("", "", mechanism="LOGIN",
                        more="\tresp=" + b64("nobody@example.com"))
    client.line()
    client.send("CONT\t%d\t%s" % (number, b64("x")))
    assert client.answer()[0] == "FAIL"
    assert [line.split(":")[0] for line in sasl.log_lines()] == [
        "login refused", "login refused again"]


def test_log_has_what_the_smtp_server_tells(sasl, account):
    client = sasl.connect()
    client.login(account.address, "secret", service="sub mission",
                 more="\tlocal_name=mail.example.com\tsession=x\tunknown")
    client.login("a\tb\nc d", "x", rip="not an address")
    assert sasl.log_lines() == [
        "may send: user=%s peer=192.0.2.1 mechanism=PLAIN "
        "service=sub\\040mission lip=192.0.2.9 local-name=mail.example.com"
        % account.address,
        "login refused: peer=unknown user=a\\011b\\012c\\040d "
        "mechanism=PLAIN service=smtp lip=192.0.2.9 reason=unknown"]


# Changes of accounts.

def test_accounts_that_change(server, sasl, account):
    """Nobody is judged by what was so before, nor told that his password is
    wrong: the SMTP server tells him to come again when we hang up."""
    client = sasl.connect()
    assert client.login(account.address, "secret") == account.address
    server.ctl("passwd", account.address, stdin="another\n")
    try:
        client.ask(account.address, "another")
        client.ended()
    except OSError:
        pass  # it was hung up on before it could ask
    client = sasl.connect()
    assert client.login(account.address, "secret") is None
    assert client.login(account.address, "another") == account.address


def test_a_change_ends_idle_connections(server, sasl, account):
    """So that the SMTP server connects anew before somebody asks."""
    client = sasl.connect()
    assert client.login(account.address, "secret") == account.address
    server.ctl("add", "-P", "one-more@example.com")
    client.ended()
    sasl.wait_empty()
    assert len(sasl.log_lines()) == 1  # nothing to tell of


def test_no_accounts(make_sasl):
    """Nobody is told that his password is wrong."""
    sasl = make_sasl()
    os.unlink(sasl.server.directory + "/db/accounts.db")
    client = sasl.connect()
    try:
        client.ask("one@example.com", "secret")
    except OSError:
        pass
    client.ended()
    sasl.wait_log(r"accounts\.db: No such file or directory")
    sasl.wait_log("reason=accounts-not-available")


def test_enough_of_one_process(sasl, account):
    """It ends between two questions: each has its answer."""
    phone = app_password(sasl.server, account.address)
    client = sasl.connect()
    for _ in range(100):
        client.ask(account.address, phone)
        assert client.line().startswith("OK\t")
    client.ask(account.address, "wrong")
    assert client.line().startswith("FAIL\t")
    assert client.line() is None
    sasl.wait_empty()


def test_one_that_never_rests(sasl, account):
    phone = app_password(sasl.server, account.address)
    client = sasl.connect()
    answers = 0
    with contextlib.suppress(OSError):
        while True:
            client.ask(account.address, phone)
            line = client.line()
            if line is None:
                break
            assert line.startswith("OK\t")
            answers += 1
    assert answers == 200
    sasl.wait_empty()


def test_stopped_by_its_main_process(sasl):
    """Which has SIGTERM first, from systemd."""
    client = sasl.connect()
    wait_until(lambda: len(sasl.pids()) == 2, "there are not two processes")
    os.kill(min(sasl.pids()), signal.SIGTERM)
    assert client.line() is None
    sasl.wait_empty()
    sasl.wait_log("reason=stopped")
    assert "internal-failure" not in sasl.log()


# A hostile SMTP server.

@pytest.mark.parametrize("line", [
    "", "WHAT", "AUTH", "AUTH\t1", "AUTH\tx\tPLAIN\tservice=smtp",
    "AUTH\t0\tPLAIN\tservice=smtp", "AUTH\t4294967296\tPLAIN\tservice=smtp",
    "AUTH\t-1\tPLAIN\tservice=smtp", "AUTH\t1\tPLAIN", "AUTH 1 PLAIN",
    "CONT\t1", "CONT", "CANCEL", "VERSION\t1\t1", "AUTH\t1\tPLAIN\tservice=",
    "AUTH\t1\tPLAIN\tservice=s\0p", "\0"], ids=repr)
def test_not_a_request(sasl, line):
    client = sasl.connect()
    client.send(line)
    client.ended()
    sasl.wait_log("the SMTP server was left: reason=not-a-request$")


@pytest.mark.parametrize("line", [
    "CPID\t1", "AUTH\t1\tPLAIN\tservice=smtp", "VERSION", "VERSION\tx"])
def test_version_comes_first(sasl, line):
    client = sasl.connect(greet=None)
    while client.line() != "DONE":
        continue
    client.send(line)
    client.ended()


@pytest.mark.parametrize("response", [
    "=", "!", "YQ", "AGE=", b64("\0a\0b\0c"), b64("\0a\0"),
    b64("abc"), "YW Jj"], ids=repr)
def test_bad_responses(sasl, account, response):
    """The fault of one user; the next is served."""
    client = sasl.connect()
    client.send("AUTH\t7\tPLAIN\tservice=smtp\tresp=" + response)
    assert client.answer() == (
        "FAIL", 7, {"reason": "this is not a response in base64"})
    assert client.login(account.address, "secret") == account.address


def test_other_mechanisms(sasl):
    client = sasl.connect()
    client.send("AUTH\t1\tCRAM-MD5\tservice=smtp")
    assert client.answer() == ("FAIL", 1,
                               {"reason": "there are PLAIN and LOGIN"})


def test_behind_the_response(sasl, account):
    """Nothing can be slipped in there."""
    client = sasl.connect()
    client.login(account.address, "secret")
    client.send("AUTH\t2\tPLAIN\tservice=smtp\trip=192.0.2.5\tresp=%s\t"
                "rip=192.0.2.66\tservice=x" % plain(account.address,
                                                    "secret").decode())
    assert client.answer()[0] == "OK"
    assert "peer=192.0.2.5 mechanism=PLAIN service=smtp" in \
        sasl.log_lines()[-1]


def test_ids(sasl, account):
    """One that is in use ends it; one that was used can be used again."""
    client = sasl.connect()
    for _ in range(2):
        assert client.login(account.address, "secret",
                            number=4294967295) == account.address
    client.send("AUTH\t1\tPLAIN\tservice=smtp")
    assert client.line() == "CONT\t1\t"
    client.send("AUTH\t1\tPLAIN\tservice=smtp")
    client.ended()
    sasl.wait_log("reason=id-in-use$")


def test_cancel(sasl, account):
    client = sasl.connect()
    client.send("AUTH\t1\tPLAIN\tservice=smtp")
    assert client.line() == "CONT\t1\t"
    client.send("CANCEL\t1\nCANCEL\t1")
    client.send("CONT\t1\t" + plain(account.address, "secret").decode())
    assert client.answer() == ("FAIL", 1, {"reason": "this took too long"})
    # One that auth has: its answer does not become another one's.
    client.ask("nobody@example.com", "x", number=2)
    client.send("CANCEL\t2")
    assert client.login(account.address, "secret",
                        number=2) == account.address


def test_users_who_hung_up(sasl, account):
    """Postfix does not tell of them: the oldest gives way."""
    client = sasl.connect()
    for number in range(1, 17):
        client.send("AUTH\t%d\tPLAIN\tservice=smtp" % number)
        assert client.line() == "CONT\t%d\t" % number
    assert client.ask(account.address, "secret", number=17) == 17
    assert client.answer() == ("FAIL", 1, {"reason": "this took too long"})
    assert client.answer() == ("OK", 17, {"user": account.address})
    client.send("CONT\t2\t" + plain(account.address, "secret").decode())
    assert client.answer() == ("OK", 2, {"user": account.address})


def test_twice_at_once(sasl, account):
    """An id that auth has is not answered twice."""
    client = sasl.connect()
    response = plain(account.address, "secret").decode()
    client.send("AUTH\t1\tPLAIN\tservice=smtp\tresp=%s\nCONT\t1\t%s"
                % (response, response))
    client.ended()
    sasl.wait_log("reason=not-a-request$")


@pytest.mark.parametrize("octets", [b"A" * (1 << 20), b"\0" * 70000,
                                    b"\t" * 70000, b"\xff\n" * 10],
                         ids=["long line", "NULs", "tabs", "octets"])
def test_floods(sasl, octets):
    client = sasl.connect()
    try:
        client.socket.sendall(octets)
    except OSError:
        pass
    client.ended()
    sasl.wait_log("reason=(line-too-long|not-a-request)$")
    sasl.wait_empty()


def test_a_line_in_pieces(sasl, account):
    client = sasl.connect()
    line = "AUTH\t1\tPLAIN\tservice=smtp\tresp=%s\n" % plain(
        account.address, "secret").decode()
    for octet in line:
        client.socket.sendall(octet.encode())
    assert client.answer()[0] == "OK"


@pytest.mark.parametrize("when", ["nothing", "asked", "prompted", "half"])
def test_hang_up(sasl, account, when):
    client = sasl.connect()
    if when == "asked":
        client.ask("nobody@example.com", "x")
    elif when == "prompted":
        client.send("AUTH\t1\tLOGIN\tservice=smtp")
        client.line()
    elif when == "half":
        client.socket.sendall(b"AUTH\t1\tPL")
    client.close()
    sasl.wait_empty()
    assert ["disconnected" in line for line in sasl.log_lines() if
            "left" in line] == (when in ("asked", "prompted")) * [True]


def test_does_not_read(make_sasl):
    """An SMTP server that takes no answers is given up, and takes nothing
    along."""
    sasl = make_sasl(timeout_login=1)
    client = sasl.connect()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    try:
        while True:
            client.socket.sendall(b"CONT\t1\tx\n" * 1000)
    except OSError:
        pass
    sasl.wait_log("the SMTP server was left: reason=timeout$")
    sasl.wait_empty()


def test_does_not_speak(make_sasl):
    sasl = make_sasl(timeout_login=1, timeout_idle=1)
    sasl.connect(greet=None)
    sasl.wait_log("the SMTP server was left: reason=timeout$")
    client = sasl.connect()
    client.ended()
    assert len(sasl.log_lines()) == 1  # to be idle is nothing to tell of


# Processes.

def of_connection(sasl):
    """(sasl, auth): the child and the parent."""
    def look():
        pids = sasl.pids()
        return pids if len(pids) == 2 else None
    first, second = wait_until(look, "not two processes")
    return (second, first) if processes.parent_of(second) == first else \
        (first, second)


@pytest.mark.skipif(not ROOT, reason="only root changes uids")
def test_separation(make_server, tmp_path):
    syslogd = Syslogd(tmp_path)
    server = make_server()
    account = server.add_account()
    sasl = SaslServer(server, syslogd.prefix)
    try:
        client = sasl.connect()
        assert client.login(account.address, "secret") == account.address
        child, auth = of_connection(sasl)
        user = pwd.getpwnam("_pop3d")
        for pid in child, auth:
            assert is_user(pid, user)
            assert is_sandboxed(pid) or SANITIZED
            assert is_locked_in(pid)
        assert others(auth) == [server.directory + "/db/accounts.db",
                                "channel", "syslog"]
        assert standard(auth)[:2] == [NULL, NULL]
        assert others(child) == ["channel", "syslog"]
        found = processes.descriptors(child)
        assert found[0] == found[1] and found[0].startswith("socket:[")
    finally:
        sasl.stop()
        syslogd.close()


@pytest.mark.parametrize("which", ["sasl", "auth"])
def test_a_process_that_is_killed(sasl, account, which):
    """The other ends with it; nobody is told that his password is wrong."""
    client = sasl.connect()
    assert client.login(account.address, "secret") == account.address
    child, auth = of_connection(sasl)
    client.ask("nobody@example.com", "x")
    sasl.wait_log("login refused: ")
    os.kill(child if which == "sasl" else auth, signal.SIGKILL)
    if which == "auth":
            sasl.wait_log("the SMTP server was left: reason=internal-failure$")
    else:
        sasl.wait_log("sasl died: the kernel's log should tell why$")
    client.ended()
    sasl.wait_empty()


def test_stop(sasl, account):
    """SIGTERM, which systemd sends to all processes, is told from failure."""
    client = sasl.connect()
    client.ask("nobody@example.com", "x")
    sasl.wait_log("login refused: ")
    processes.stop(of_connection(sasl))
    client.ended()
    sasl.wait_log("the SMTP server was left: reason=stopped$")


def test_fifty_at_once(sasl, account):
    """Each on a connection of its own, as Postfix's processes are."""
    phone = app_password(sasl.server, account.address)
    found = []

    def one():
        client = sasl.connect()
        found.append(client.login(account.address, phone))
        client.close()

    threads = [threading.Thread(target=one) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert found == 50 * [account.address]


# How it is started.

def run(*words):
    return subprocess.run([POP3SASL, *words], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL)


def test_options():
    done = run("-?")
    assert (done.returncode, done.stderr) == (
        2, "usage: pop3sasl [-dV] [-f file]\n")
    assert run("-x").returncode == 2 and run("word").returncode == 2
    assert re.fullmatch(r"pop3sasl \d\S*\n", run("-V").stdout)


def test_started_by_hand():
    done = run()
    assert done.returncode == 2
    assert done.stderr == ("pop3sasl: descriptors 0 and 1 are not a socket: "
                           "inetd or systemd starts pop3sasl, see "
                           "pop3sasl(8)\n")


def test_configuration_that_is_wrong(sasl):
    with open(sasl.server.conf) as f:
        text = f.read()
    try:
        sasl.server.configure("nonsense x\n")
        client = sasl.connect(greet=None)
        client.ended()
        sasl.wait_log("nonsense is not a keyword")
    finally:
        with open(sasl.server.conf, "w") as f:
            f.write(text)


def test_by_inetd_on_loopback(server, account):
    """A TCP port in place of a UNIX socket."""
    from daemon import free_port
    port = free_port()
    table = os.path.join(server.directory, "sasl-inetd.conf")
    with open(table, "w") as f:
        f.write("127.0.0.1:%d stream tcp4 nowait %s %s pop3sasl -f %s\n" % (
            port, pwd.getpwuid(os.geteuid()).pw_name, POP3SASL, server.conf))
    inetd = subprocess.Popen(["/usr/sbin/inetd", "-i", "-E", table])
    try:
        wait_until(lambda: processes.listening(port), "inetd does not listen")
        with socket.create_connection(("127.0.0.1", port), 60) as s:
            s.sendall(("VERSION\t1\t1\nCPID\t1\nAUTH\t1\tPLAIN\tservice=smtp"
                       "\tresp=%s\n" % plain(account.address,
                                             "secret").decode()).encode())
            answer = b""
            while b"OK\t1\tuser=" not in answer:
                data = s.recv(4096)
                assert data, answer
                answer += data
    finally:
        inetd.terminate()
        inetd.wait(20)
    wait_until(lambda: not processes.running(POP3SASL, server.conf),
               "processes stay")
