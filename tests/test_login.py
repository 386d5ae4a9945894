"""USER, PASS and AUTH PLAIN (RFC 1939, 3206, 5034)."""

import base64

import pytest

from pop3 import plain


def test_keywords_in_any_case(account):
    pop = account.server.connect()
    pop.ok("uSeR " + account.address)
    pop.ok("pass secret")
    pop.ok("sTaT")
    pop.ok("quit")
    pop.ended()


def test_addresses_in_any_case(account):
    account.server.connect().login(account.address.upper())


def test_login_tells_the_maildrop(account):
    account.maildir.deliver(b"a\n")
    pop = account.server.connect()
    pop.ok("USER " + account.address)
    assert b"1 message" in pop.ok("PASS secret")


@pytest.mark.parametrize("password", [
    "with blanks in it", " a blank first", "a blank last ",
    "p\u00e4ssw\u00f6rd"])
def test_passwords(server, password):
    account = server.add_account(password=password)
    account.login().quit()
    pop = server.connect()
    pop.ok(b"AUTH PLAIN " + plain(account.address, password))
    pop.quit()


def test_pass_needs_user(server, account):
    pop = server.connect()
    pop.err("PASS secret")
    pop.login(account.address)


def test_pass_uses_user_up(server, account):
    """After a refusal PASS alone cannot go on guessing."""
    pop = server.connect()
    pop.ok("USER " + account.address)
    pop.err("PASS wrong", "AUTH")
    pop.err("PASS secret")
    pop.login(account.address)


def test_last_user_counts(server, account):
    pop = server.connect()
    pop.ok("USER nobody@example.com")
    pop.login(account.address)


def test_unknown_user_is_answered_like_a_wrong_password(server, account):
    """I9: up to PASS and after it both look the same."""
    pop = server.connect()
    answers = []
    for user in (account.address, "nobody@example.com"):
        answers.append((pop.command("USER " + user),
                        pop.err("PASS wrong", "AUTH")))
    assert answers[0] == answers[1]
    pop = server.connect()
    assert pop.err(b"AUTH PLAIN " + plain(account.address, "wrong"),
                   "AUTH") == answers[0][1]


@pytest.mark.parametrize("argument", ["USER", "USER ", "PASS", "PASS "])
def test_credentials_need_an_argument(server, argument):
    server.connect().err(argument)


def test_refusal_is_short(server, account):
    """Clients show it, and have room for 55 characters after the code."""
    pop = server.connect()
    pop.ok("USER " + account.address)
    answer = pop.err("PASS wrong", "AUTH")
    assert len(answer) - len("[AUTH] ") <= 55


# AUTH.

@pytest.mark.parametrize("line", ["AUTH", "auth", "AUTH "])
def test_auth_alone_lists_the_mechanisms(server, account, line):
    pop = server.connect()
    pop.ok(line)
    mechanisms = pop.lines_exact()
    assert mechanisms == [b"PLAIN"]
    pop.ok("CAPA")
    assert b"SASL " + b" ".join(mechanisms) in pop.lines_exact()
    pop.login(account.address)



def test_auth_plain_with_initial_response(server, account):
    pop = server.connect()
    pop.ok(b"AUTH PLAIN " + plain(account.address, "secret"))
    assert pop.stat() == (0, 0)


def test_auth_plain_with_continuation(server, account):
    pop = server.connect()
    assert pop.command("auth plain") == b"+ "
    pop.ok(plain(account.address, "secret"))
    assert pop.stat() == (0, 0)


def test_auth_plain_with_authorization_identity(server, account):
    address = account.address.encode()
    server.connect().ok(
        b"AUTH PLAIN " + plain(address, "secret", address))


def test_nobody_acts_for_another(make_server):
    """It is refused as all others are: delayed, counted and logged."""
    server = make_server(max_failures=1)
    address = server.add_account().address.encode()
    pop = server.connect()
    pop.err(b"AUTH PLAIN " + plain(address, "secret", b"other@example.com"),
            "AUTH")
    pop.ended()
    server.wait_log("^login refused: ")


def test_auth_plain_cancelled(server, account):
    pop = server.connect()
    assert pop.command("AUTH PLAIN") == b"+ "
    pop.err("*")
    pop.login(account.address)


BAD_RESPONSES = [
    b"", b"=", b"*", b"!", b"====", b"AGE", b"AGEAYg", b"AGEAYg==AGEAYg==",
    b"AGEA Yg==", b" AGEAYg==", b"AGEAYg== ", b"\xff\xfe",
    base64.b64encode(b"no separators"), base64.b64encode(b"one\0separator"),
    base64.b64encode(b"\0\0password"), base64.b64encode(b"\0user\0"),
    base64.b64encode(b"\0user\0password\0more"), base64.b64encode(b"\0\0"),
    base64.b64encode(b"\0"), b"AGEAYg=" + b"\0", b"\0"]


@pytest.mark.parametrize("response", BAD_RESPONSES, ids=ascii)
def test_auth_plain_bad_response(server, account, response):
    pop = server.connect()
    assert pop.command("AUTH PLAIN") == b"+ "
    pop.err(response)
    if response:  # "AUTH PLAIN " alone asks for a continuation
        pop.err(b"AUTH PLAIN " + response)
    pop.login(account.address)


def test_auth_plain_refused(server, account):
    pop = server.connect()
    pop.err(b"AUTH PLAIN " + plain(account.address, "wrong"), "AUTH")
    pop.ok(b"AUTH PLAIN " + plain(account.address, "secret"))


def test_auth_plain_long_password_is_not_cut(server, account):
    """Neither a password nor a name is right because it begins right."""
    pop = server.connect()
    pop.err(b"AUTH PLAIN " + plain(account.address, "secret" + 2000 * "x"),
            "AUTH")
    pop.err(b"AUTH PLAIN " + plain(account.address + 2000 * "x", "secret"),
            "AUTH")


@pytest.mark.parametrize("mechanism", [
    "LOGIN", "CRAM-MD5", "PLAINX", "PLAI", "PLAIN\t", "LOGIN AGEAYg=="])
def test_auth_other_mechanisms(server, account, mechanism):
    pop = server.connect()
    pop.err("AUTH " + mechanism)
    pop.login(account.address)
