"""pop3settings: what users can do to their accounts, asked as pop3web asks,
and seen to work by a POP3 session."""

import concurrent.futures
import ctypes
import os
import re
import subprocess
import time

import pytest

from daemon import ROOT, Server, wait_until
from maildir import message
from settings import (Answer, Request, Settings, WANT, RESULT, User, code_of,
                      header)

HELD = "secret-of-the-user"


@pytest.fixture(scope="module")
def running(keypair):
    server = Server(keypair)
    found = Settings(server)
    yield found
    found.stop()
    server.stop()


@pytest.fixture
def settings(running):
    """The log begins with the test."""
    running.mark_log()
    yield running
    running.server.close_clients()


@pytest.fixture
def account(settings):
    return settings.server.add_account()


def count(account, password=None):
    """How many messages a POP3 session has."""
    pop = account.server.connect().login(
        account.address, password or account.password)
    n = pop.stat()[0]
    pop.quit()
    return n


def refused(account, password):
    with account.server.connect() as pop:
        pop.ok("USER " + account.address)
        pop.err("PASS " + password, "AUTH")


# Signing in.

def test_sign_in(settings, account):
    user = settings.sign_in(account.address)
    shown = user.answer.account
    assert shown.address.decode() == account.address
    assert (shown.access, shown.spam, shown.auto_delete, shown.keep,
            shown.mark_read, shown.send, shown.has_password,
            shown.two_factor, shown.totp, shown.apps, shown.prove) == (
                1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0)
    assert user.answer.seconds == 1800
    assert re.fullmatch(rb"[A-Za-z0-9_-]{100,511}", user.cookie)
    assert settings.log_lines() == [
        "signed in: user=%s peer=192.0.2.7 by=password" % account.address]
    assert user.ask("SECURITY").account.address.decode() == account.address


def test_refusals_are_one(settings, account):
    """Whatever the reason is, and after the same time."""
    server = settings.server
    app = server.ctl("app-password", "add", account.address,
                     "phone").stdout.splitlines()[-1]
    off = server.add_account()
    server.ctl("set", off.address, "self-service=no")
    bare = server.add_account()
    server.ctl("set", bare.address, "password=none")
    tried = (
            (account.address, "wrong", "password"),
            (account.address, "", "password"),
            (account.address, app, "password"),
            ("nobody@example.com", "secret", "unknown"),
            ("", "", "unknown"),
            (off.address, "secret", "off"),
            (bare.address, "", "password"),
            (bare.address, "secret", "password"))

    def ask(one):
        start = time.monotonic()
        answer = settings.ask("SIGN_IN", address=one[0], password=one[1])
        assert time.monotonic() - start >= 1
        return answer

    with concurrent.futures.ThreadPoolExecutor(len(tried)) as pool:
        answers = list(pool.map(ask, tried))
    for answer in answers:
        assert answer.name == "REFUSED"
        assert bytes(answer) == bytes(answers[0])
        assert answer.cookie == b"" and answer.account.address == b""
        assert bytes(answer.page) == bytes(ctypes.sizeof(answer.page))
    assert sorted(settings.log_lines()) == sorted(
        "login refused: peer=192.0.2.7 user=%s mechanism=PAGE reason=%s"
        % (address, reason) for address, _, reason in tried)


def test_aliases_and_default_domain(make_server):
    settings = Settings(make_server(extra="default-domain example.com\n"))
    try:
        server = settings.server
        account = server.add_account("first@example.com")
        server.ctl("alias", "add", account.address, "other@example.com")
        for name in "first", "FIRST@example.com", "other", "Other@Example.com":
            user = settings.sign_in(name)
            assert user.answer.account.address == b"first@example.com"
    finally:
        settings.stop()


def test_off_closes_at_once(settings, account):
    user = settings.sign_in(account.address)
    settings.server.ctl("set", account.address, "self-service=no")
    answer = user.ask("OVERVIEW", "SIGNED_OUT")
    assert answer.cookie == b"" and answer.account.address == b""
    settings.server.ctl("set", account.address, "self-service=yes")


def test_access_off_is_for_pop(settings, account):
    settings.server.ctl("set", account.address, "access=off")
    user = settings.sign_in(account.address)
    assert user.answer.account.access == 0
    user.set("ACCESS", 1)
    assert count(account) == 0


# Cookies.

def test_cookies_that_are_none(settings, account):
    user = settings.sign_in(account.address)
    good = user.cookie.decode()
    for n in range(0, len(good), 7):
        forged = good[:n] + ("A" if good[n] != "A" else "B") + good[n + 1:]
        user.ask("SECURITY", "SIGNED_OUT", cookie=forged.encode())
    for forged in "", "A", good[:-4], good + "AAAA", good + "=", "A" * 511:
        answer = user.ask("SECURITY", "SIGNED_OUT", cookie=forged.encode())
        assert answer.cookie == b"" and answer.account.address == b""
    user.ask("SECURITY", cookie=good.encode())


def test_a_cookie_of_another_key(settings, account):
    user = settings.sign_in(account.address)
    os.unlink(settings.server.directory + "/db/cookie.key")
    user.ask("SECURITY", "SIGNED_OUT")
    settings.sign_in(account.address).ask("SECURITY")


def test_the_key_is_made_and_kept(settings, account):
    key = settings.server.directory + "/db/cookie.key"
    settings.sign_in(account.address)
    assert os.stat(key).st_mode & 0o7777 == 0o600
    assert os.path.getsize(key) == 32
    os.chmod(key, 0o640)
    assert settings.ask("SIGN_IN", address=account.address,
                        password="secret").name == "TROUBLE"
    settings.wait_log("others can read the key of cookies")
    os.chmod(key, 0o600)
    settings.sign_in(account.address)


@pytest.mark.parametrize("command", [
    ["passwd", None], ["set", None, "two-factor=on"],
    ["set", None, "password=none"], ["app-password", "add", None, "new"],
    ["rename", None, "renamed@example.com"], ["delete", None]])
def test_changed_credentials_sign_out(settings, account, command):
    user = settings.sign_in(account.address)
    settings.server.ctl(*[word or account.address for word in command],
                        stdin="another secret\n")
    user.ask("SECURITY", "SIGNED_OUT")


def test_who_has_the_address_later(settings, account):
    """Deleted and added again, it is another account."""
    user = settings.sign_in(account.address)
    settings.server.ctl("delete", account.address)
    settings.server.ctl("add", "-P", account.address)
    user.ask("SECURITY", "SIGNED_OUT")


def test_sign_out(settings, account):
    """Everywhere; a copy of the cookie is good for nothing."""
    user, other = (settings.sign_in(account.address) for _ in range(2))
    copy = user.cookie
    assert user.ask("SIGN_OUT").cookie == b""
    user.ask("SECURITY", "SIGNED_OUT", cookie=copy)
    other.ask("SECURITY", "SIGNED_OUT")
    settings.sign_in(account.address).ask("SECURITY")


# Switches, and what a session sees of them.

def test_access(settings, account):
    account.maildir.deliver(message())
    user = settings.sign_in(account.address)
    assert user.set("ACCESS", 0).account.access == 0
    refused(account, "secret")
    assert user.set("ACCESS", 1).account.access == 1
    assert count(account) == 1
    assert user.set("ACCESS", 2).account.access == 2
    assert count(account) == 0
    assert [line for line in settings.log_lines()
            if line.startswith("changed")] == [
        "changed: user=%s peer=192.0.2.7 access=%s" % (account.address, what)
        for what in ("off", "all", "from-now")]


def test_access_off_ends_sessions(settings, account):
    user = settings.sign_in(account.address)
    pop = account.login()
    user.set("ACCESS", 0)
    pop.ended()


def test_values_that_are_none(settings, account):
    user = settings.sign_in(account.address)
    before = settings.server.ctl("show", account.address).stdout
    for setting, value in (("ACCESS", 3), ("ACCESS", -1), ("SPAM", 3),
                           ("AUTO_DELETE", 2), ("MARK_READ", 2),
                           ("KEEP", -1), ("KEEP", 36501),
                           ("KEEP", 2 ** 62)):
        user.set(setting, value, "BAD_VALUE")
    for setting in 0, 6, 2 ** 32 - 1:
        user.ask("SET", "BAD_VALUE", setting=setting, value=1)
    assert settings.server.ctl("show", account.address).stdout == before


# What the web server may try.

def test_other_versions(settings, account):
    request = Request(version=2, want=1)
    octets = settings.raw(bytes(request))
    answer = Answer.from_buffer_copy(octets)
    assert answer.name == "OTHER_VERSION"
    settings.wait_log("pop3web asks in version 2, and this is version 1")


def test_hostile_messages(settings, account):
    good = bytes(Request(version=1, want=WANT["SECURITY"]))
    for octets in (b"x", good[:-1], good + b"x", good * 20, b"\0" * 2128,
                   bytes(Request(version=1, want=0)),
                   bytes(Request(version=1, want=WANT["WANTS"])),
                   bytes(Request(version=1, want=2 ** 32 - 1))):
        answer = settings.raw(octets)
        assert answer == b"" or Answer.from_buffer_copy(
            answer).name == "OTHER_VERSION", octets[:20]
    assert settings.raw(b"") == b""
    # Strings that do not end within their arrays.
    full = bytearray(b"A" * ctypes.sizeof(Request))
    full[:8] = bytes(Request(version=1, want=WANT["SIGN_IN"]))[:8]
    assert Answer.from_buffer_copy(settings.raw(bytes(full))).name == \
        "REFUSED"
    settings.sign_in(account.address)


def test_header_and_client_agree():
    for name in "SELF_VERSION 1\n", "SELF_APPS\t32 ", "SELF_KEPT\t16 ":
        assert "#define " + name in header()
    assert RESULT["GOOD"] == 0 and WANT["SIGN_IN"] == 1
