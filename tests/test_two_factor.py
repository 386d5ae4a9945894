"""Who uses pop3settings: codes, recovery codes, invitations, passwords."""

import concurrent.futures
import hashlib
import os
import re
import shutil
import struct
import time

import pytest

from daemon import HERE, SANITIZED
from settings import (Settings, User, account, code_of, count, refused, running,
                      settings)


# Two-factor, recovery codes, invitations.

def enrol(user, password="secret"):
    """(secret, recovery codes)"""
    secret = user.ask("TOTP_START", password=password).page.secret
    assert secret.issuer == b"mail.example.com"
    text = secret.secret.decode()
    assert re.fullmatch(r"[A-Z2-7]{32}", text)
    answer = user.ask("TOTP_CONFIRM", code=code_of(text))
    codes = [code.value.decode() for code in answer.page.recovery.code]
    assert answer.page.recovery.n == 10 and len(set(codes)) == 10
    return text, codes


def second(settings, account, code, result="GOOD", password="secret"):
    user = settings.sign_in(account.address, password, "SECOND_FACTOR")
    user.ask("CODE", result, code=code)
    return user


def test_two_factor(settings, account):
    user = settings.sign_in(account.address)
    pop = account.login()
    old = user.cookie
    secret, codes = enrol(user)
    pop.ended()
    refused(account, "secret")
    assert count(account, user.make("phone").page.made.password.decode()) == 0
    shown = user.ask("SECURITY").account
    assert (shown.two_factor, shown.totp, shown.recovery_left) == (1, 1, 10)
    user.ask("SECURITY", "SIGNED_OUT", cookie=old)
    # The code that confirmed it was used up by that.
    half = settings.sign_in(account.address, result="SECOND_FACTOR")
    assert half.answer.account.address == b""
    assert half.answer.seconds == 300
    now = time.time()
    codes = [code_of(secret, now - 30), "000000", "", "12345", "1234567",
             "abcdef", "x" * 31]
    with concurrent.futures.ThreadPoolExecutor(7) as pool:
        assert set(pool.map(lambda code: settings.ask(
            "CODE", cookie=half.cookie, code=code).name,
            codes)) == {"CODE_WRONG"}
    # Half of it is good for nothing else.
    for want in "SECURITY", "OVERVIEW", "SIGN_OUT", "APPS_LIST", "NOT_ME":
        assert settings.ask(want, cookie=half.cookie).name == "SIGNED_OUT"
    code = code_of(secret, now + 30)
    half.ask("CODE", code=code[:3] + " " + code[3:])
    assert half.answer.account.totp == 1
    # Each code once.
    second(settings, account, code, "CODE_WRONG")
    lines = settings.log_lines()
    assert "signed in: user=%s peer=192.0.2.7 by=code" % \
        account.address in lines
    assert "login refused: peer=192.0.2.7 user=%s mechanism=PAGE " \
        "reason=code" % account.address in lines


def test_recovery_codes(settings, account):
    user = settings.sign_in(account.address)
    secret, codes = enrol(user)
    other = second(settings, account, codes[3].upper().replace("-", " "))
    assert other.answer.account.recovery_left == 9
    second(settings, account, codes[3], "CODE_WRONG")
    second(settings, account, codes[0][:-1] + "?", "CODE_WRONG")
    new = other.ask("RECOVERY", password="secret").page.recovery
    fresh = [code.value.decode() for code in new.code]
    assert not set(fresh) & set(codes)
    second(settings, account, codes[0], "CODE_WRONG")
    user = second(settings, account, fresh[9])
    # Off: the password is all again, here and for POP.
    user.ask("TOTP_OFF", "WRONG_PASSWORD", password="wrong")
    user.ask("TOTP_OFF", password="secret")
    assert count(account) == 0
    user = settings.sign_in(account.address)
    assert user.answer.account.two_factor == 0
    user.ask("RECOVERY", "NO_SUCH", password="secret")
    user.ask("TOTP_OFF", "NO_SUCH", password="secret")
    user.ask("TOTP_CONFIRM", "NO_SUCH", code=code_of(secret))


def test_codes_are_limited(settings, account):
    """However many are tried at once; and not for ever."""
    user = settings.sign_in(account.address)
    secret, codes = enrol(user)
    half = settings.sign_in(account.address, result="SECOND_FACTOR")

    def guess(n):
        return settings.ask("CODE", cookie=half.cookie,
                            code="%06d" % n).name

    with concurrent.futures.ThreadPoolExecutor(14) as pool:
        results = list(pool.map(guess, range(14)))
    assert sorted(results) == 10 * ["CODE_WRONG"] + 4 * ["GUESSES"]
    half.ask("CODE", "GUESSES", code=code_of(secret, time.time() + 30))
    half.ask("CODE", "GUESSES", code=codes[0])
    assert settings.log_lines()[-1].endswith("reason=too-many-guesses")
    # The administrator's way out, and in again.
    settings.server.ctl("set", account.address, "two-factor=off")
    settings.sign_in(account.address)
    settings.server.ctl("set", account.address, "two-factor=on")


def test_one_code_at_the_same_time(settings, account):
    """Lets in once, whoever is quicker."""
    user = settings.sign_in(account.address)
    secret, _ = enrol(user)
    half = settings.sign_in(account.address, result="SECOND_FACTOR")
    code = code_of(secret, time.time() + 30)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: settings.ask(
            "CODE", cookie=half.cookie, code=code).name, range(8)))
    assert sorted(results) == 7 * ["CODE_WRONG"] + ["GOOD"]


def test_two_factor_of_the_administrator(settings, account):
    """The page asks for a code from when its user has set it up."""
    settings.server.ctl("set", account.address, "two-factor=on")
    user = settings.sign_in(account.address)
    assert (user.answer.account.two_factor,
            user.answer.account.totp) == (1, 0)
    enrol(user)
    assert settings.sign_in(account.address, result="SECOND_FACTOR")


def test_confirming(settings, account):
    """A wrong code leaves all as it was; another start, another secret."""
    user = settings.sign_in(account.address)
    user.ask("TOTP_START", "WRONG_PASSWORD", password="wrong")
    user.ask("TOTP_CONFIRM", "NO_SUCH", code="123456")
    first = user.ask("TOTP_START", password="secret").page.secret
    assert user.ask("SECURITY").account.two_factor == 0
    first = first.secret.decode()
    again = user.ask("TOTP_START",
                     password="secret").page.secret.secret.decode()
    assert first != again
    user.ask("TOTP_CONFIRM", "CODE_WRONG", code=code_of(first))
    assert count(account) == 0
    user.ask("TOTP_CONFIRM", code=code_of(again))
    refused(account, "secret")


def link(server, account, *options):
    line = server.ctl("invite", account.address, *options).stdout
    found = re.fullmatch(
        r"https://mail\.example\.com/settings\?invitation=([a-z2-9-]{29})"
        r"&address=(\S+)\n", line)
    assert found.group(2) == account.address.replace("@", "%40")
    return found.group(1)


def test_invitation(settings, account):
    """For who has no password: in once, and a new password."""
    server = settings.server
    server.ctl("set", account.address, "password=none")
    token = link(server, account)
    answer = settings.ask("INVITED", address=account.address, token=token)
    user = User(settings, answer)
    assert answer.name == "GOOD" and answer.account.prove == 1
    assert settings.ask("INVITED", address=account.address,
                        token=token).name == "REFUSED"
    password = user.make("phone", password="").page.made.password.decode()
    assert count(account, password) == 0
    user.ask("PASSWORD", new_password="a fine new password")
    assert user.answer.account.prove == 0
    assert user.answer.account.has_password == 1
    assert count(account, "a fine new password") == 0
    user.make("tablet", password="", result="WRONG_PASSWORD")
    user.make("tablet", password="a fine new password")
    settings.sign_in(account.address, "a fine new password")
    assert any(line.endswith("by=invitation")
               for line in settings.log_lines())


def test_invitations_that_are_none(settings, account):
    server = settings.server
    other = server.add_account()
    token, theirs = link(server, account), link(server, other, "-e", "+1h")
    off = server.add_account()
    closed = link(server, off)
    server.ctl("set", off.address, "self-service=no")
    tried = [(account.address, theirs), (account.address, ""),
             (account.address, token[:-1]), (off.address, closed),
             ("nobody@example.com", token)]
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        names = list(pool.map(lambda pair: settings.ask(
            "INVITED", address=pair[0], token=pair[1]).name, tried))
    assert names == 5 * ["REFUSED"]
    # A second one takes the place of the first.
    newer = link(server, account)
    assert settings.ask("INVITED", address=account.address,
                        token=token).name == "REFUSED"
    assert settings.ask("INVITED", address=account.address,
                        token=newer.upper().replace("-", "")).name == "GOOD"
    for words in (["-e", "+0h"], ["-e", "1h"], ["-e", "+1d"],
                  ["-e", "+9999h"]):
        assert server.ctl("invite", account.address, *words,
                          check=False).returncode == 1
    assert server.ctl("invite", off.address, check=False).returncode == 1
    assert server.ctl("invite", "nobody@example.com",
                      check=False).returncode == 1


def test_a_name_is_not_told_where_nothing_is_written(settings, account):
    """As on a file system that is read-only: what nobody has been given is
    refused, whoever it is for."""
    token = link(settings.server, account)
    lock = settings.server.directory + "/db/factors/lock"
    os.rename(lock, lock + ".away")
    os.mkdir(lock)
    other = token[:-4] + ("aaaa" if token[-4:] != "aaaa" else "bbbb")
    answers = [settings.ask("INVITED", address=address, token=other)
               for address in (account.address, "nobody@example.com")]
    assert answers[0].name == "REFUSED"
    assert bytes(answers[0]) == bytes(answers[1])
    assert settings.ask("INVITED", address=account.address,
                        token=token).name == "TROUBLE"
    os.rmdir(lock)
    os.rename(lock + ".away", lock)
    assert settings.ask("INVITED", address=account.address,
                        token=token).name == "GOOD"


def test_an_invitation_is_no_second_factor(settings, account):
    user = settings.sign_in(account.address)
    secret, codes = enrol(user)
    answer = settings.ask("INVITED", address=account.address,
                          token=link(settings.server, account))
    assert answer.name == "SECOND_FACTOR"
    user = User(settings, answer)
    user.ask("CODE", code=codes[0])
    assert user.answer.account.prove == 1
    user.ask("PASSWORD", new_password="another fine one")


# Where these stand in a file of factors (auth/factors.c).
PENDING, INVITED, TRIES_SINCE = 300, 656, 696


def move_back(settings, account, place, seconds):
    """As if it had been so many seconds ago."""
    path = "%s/db/factors/%s" % (
        settings.server.directory,
        hashlib.sha256(account.address.encode()).hexdigest())
    with open(path, "r+b") as f:
        f.seek(place)
        moment = struct.unpack(">q", f.read(8))[0]
        assert abs(moment - time.time()) < 200000
        f.seek(place)
        f.write(struct.pack(">q", moment - seconds))


def test_what_expires(settings, account):
    user = settings.sign_in(account.address)
    token = link(settings.server, account, "-e", "+2h")
    move_back(settings, account, INVITED, 7201)
    assert settings.ask("INVITED", address=account.address,
                        token=token).name == "REFUSED"
    secret = user.ask("TOTP_START",
                      password="secret").page.secret.secret.decode()
    move_back(settings, account, PENDING, 1801)
    user.ask("TOTP_CONFIRM", "NO_SUCH", code=code_of(secret))
    secret, _ = enrol(user)
    half = settings.sign_in(account.address, result="SECOND_FACTOR")
    with concurrent.futures.ThreadPoolExecutor(11) as pool:
        list(pool.map(lambda n: settings.ask(
            "CODE", cookie=half.cookie, code="no"), range(11)))
    code = code_of(secret, time.time() + 30)
    half.ask("CODE", "GUESSES", code=code)
    move_back(settings, account, TRIES_SINCE, 601)
    half.ask("CODE", code=code_of(secret, time.time() + 30))


def test_factors_of_others(settings, account):
    """Damaged, newer, or another account's: refused in words, untouched."""
    enrol(settings.sign_in(account.address))
    path = "%s/db/factors/%s" % (
        settings.server.directory,
        hashlib.sha256(account.address.encode()).hexdigest())
    with open(path, "rb") as f:
        good = f.read()
    for bad, told in ((good[:-1], "damaged"), (b"\2" + good[1:], "newer"),
                      (good.replace(b"user", b"used", 1), "damaged")):
        with open(path, "wb") as f:
            f.write(bad)
        assert settings.ask("SIGN_IN", address=account.address,
                            password="secret").name == "TROUBLE"
        settings.wait_log("factors of %s: .*%s" % (account.address, told))
        assert settings.server.ctl("invite", account.address,
                                   check=False).returncode == 1
        with open(path, "rb") as f:
            assert f.read() == bad
    with open(path, "wb") as f:
        f.write(good)


def test_factors_follow_the_account(settings, account):
    server = settings.server
    secret, codes = enrol(settings.sign_in(account.address))
    server.ctl("rename", account.address, "second-name@example.com")
    half = settings.sign_in("second-name@example.com",
                            result="SECOND_FACTOR")
    half.ask("CODE", code=code_of(secret, time.time() + 30))
    half = settings.sign_in("second-name@example.com",
                            result="SECOND_FACTOR")
    half.ask("CODE", code=codes[0])
    factors = os.listdir(server.directory + "/db/factors")
    server.ctl("delete", "second-name@example.com")
    assert len(os.listdir(server.directory + "/db/factors")) == \
        len(factors) - 1
    token = link(server, server.add_account(account.address))
    assert settings.ask("INVITED", address=account.address,
                        token=token).name == "GOOD"


def test_a_cookie_is_not_an_aliass(settings, account):
    """Its account has gone, whoever has its name now."""
    user = settings.sign_in(account.address)
    settings.server.ctl("rename", account.address, "third-name@example.com")
    settings.server.ctl("alias", "add", "third-name@example.com",
                        account.address)
    assert settings.ask("OVERVIEW", cookie=user.cookie).name == "SIGNED_OUT"
    settings.sign_in(account.address)


def test_a_file_of_version_1(settings):
    """As tests/formats has it."""
    server = settings.server
    account = server.add_account("factors@example.com")
    server.ctl("set", account.address, "two-factor=on")
    server.ctl("invite", account.address)  # makes the directory
    shutil.copy(HERE + "/formats/factors-v1", "%s/db/factors/%s" % (
        server.directory,
        hashlib.sha256(account.address.encode()).hexdigest()))
    user = second(settings, account,
                  code_of("KLWM4GB2IDMDCPXUJ6JSBLR6ANBU45C4"))
    assert user.answer.account.recovery_left == 10
    user = second(settings, account, "sgth-c8x2-dw9h")
    assert user.answer.account.recovery_left == 9
    second(settings, account, "sgth-c8x2-dw9h", "CODE_WRONG")
    second(settings, account, "ksby-rh63-k3tx")


def test_guesses_at_once(settings, account):
    """So many at once are no way around the limit: of codes that confirm, and
    of passwords that open doors."""
    user = settings.sign_in(account.address)
    secret = user.ask("TOTP_START", password="secret").page.secret
    with concurrent.futures.ThreadPoolExecutor(14) as pool:
        names = list(pool.map(lambda n: settings.ask(
            "TOTP_CONFIRM", cookie=user.cookie, code="%06d" % n).name,
            range(14)))
    assert names.count("CODE_WRONG") == 10 and names.count("GUESSES") == 4
    assert settings.ask("TOTP_CONFIRM", cookie=user.cookie, code=code_of(
        secret.secret.decode())).name == "GUESSES"
    assert settings.ask("APP_MAKE", cookie=user.cookie, label="x",
                        password="secret").name == "GUESSES"
    other = settings.server.add_account()
    user = settings.sign_in(other.address)
    with concurrent.futures.ThreadPoolExecutor(14) as pool:
        names = list(pool.map(lambda n: settings.ask(
            "APP_MAKE", cookie=user.cookie, label="x", password="no").name,
            range(14)))
    assert names.count("WRONG_PASSWORD") == 10


def test_what_voids_an_invitation(settings, account):
    server = settings.server
    user = settings.sign_in(account.address)
    token = link(server, account)
    user.ask("NOT_ME")
    assert settings.ask("INVITED", address=account.address,
                        token=token).name == "REFUSED"
    user = settings.sign_in(account.address)
    token = link(server, account)
    user.ask("PASSWORD", password="secret", new_password="long enough for it")
    assert settings.ask("INVITED", address=account.address,
                        token=token).name == "REFUSED"


def test_right_passwords_are_no_guesses(settings, account):
    user = settings.sign_in(account.address)
    for n in range(12):
        user.make("label-%d" % n)


# Passwords.

def test_passwords(settings, account):
    user = settings.sign_in(account.address)
    pop = account.login()
    for result, new in (("SHORT", ""), ("SHORT", "123456789"),
                        ("SHORT", "\u00e9\u20ac\u00fc1234"),
                        ("EASY", "aaaaaaaaaaaa"),
                        ("EASY", account.address),
                        ("EASY", account.address.split("@")[0].upper() +
                         "@exam")):
        user.ask("PASSWORD", result, password="secret", new_password=new)
    user.ask("PASSWORD", "WRONG_PASSWORD", password="no",
             new_password="long enough for all")
    assert pop.stat() == (0, 0)
    user.ask("PASSWORD", password="secret",
             new_password="long enough for all")
    pop.ended()
    refused(account, "secret")
    assert count(account, "long enough for all") == 0
    user.ask("PASSWORD", "EASY", password="long enough for all",
             new_password="long enough for all")
    settings.sign_in(account.address, result="REFUSED")


def test_present_passwords_are_limited(settings, account):
    """Whoever has got at an open browser cannot guess on and on."""
    user = settings.sign_in(account.address)

    def guess(n):
        return settings.ask("APP_MAKE", cookie=user.cookie, label="x",
                            services=3, password="guess %d" % n).name

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        assert set(pool.map(guess, range(10))) == {"WRONG_PASSWORD"}
    user.make("phone", result="GUESSES")
    user.set("SPAM", 1)
    settings.sign_in(account.address)
    assert settings.log_lines()[-3].endswith("reason=too-many-guesses")
    move_back(settings, account, TRIES_SINCE, 601)
    user.make("phone")


def test_without_a_password(settings, account):
    """What opens doors takes another invitation, after a while."""
    server = settings.server
    server.ctl("set", account.address, "password=none")
    token = link(server, account)
    user = User(settings, settings.ask(
        "INVITED", address=account.address, token=token))
    assert user.answer.account.has_password == 0
    user.set("SPAM", 1)
    assert user.answer.account.prove == 1


def test_that_was_not_me(settings, account):
    user, thief = (settings.sign_in(account.address) for _ in range(2))
    password = user.make("phone").page.made.password.decode()
    thief = settings.sign_in(account.address)
    pop = account.server.connect().login(account.address, password)
    assert user.ask("NOT_ME").page.count == 1
    pop.ended()
    refused(account, password)
    thief.ask("OVERVIEW", "SIGNED_OUT")
    assert user.ask("SECURITY").account.apps == 0


# Killed between two files.

@pytest.fixture
def killed_at(settings):
    """Another pop3settings for the same accounts, whose processes are killed
    at their rename of that number, or to which that fails."""
    made = []

    def make(number, how="signal=SIGKILL"):
        made.append(Settings(settings.server, prefix=(
            "strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=rename",
            "-e", "inject=rename:%s:when=%d" % (how, number))))
        return made[-1]

    yield make
    for found in made:
        found.stop()


@pytest.mark.skipif(SANITIZED, reason="strace and sanitizers do not agree")
def test_accounts_that_cannot_be_written(settings, account, killed_at):
    """Nothing has changed, says the page: what was replaced before them is
    what it was."""
    user = settings.sign_in(account.address)
    secret, codes = enrol(user)
    answer = killed_at(4, "error=EIO:syscall=getpid").ask(
        "RECOVERY", cookie=user.cookie, password="secret")
    assert answer.name == "TROUBLE"
    second(settings, account, codes[0])
    second(settings, account, code_of(secret, time.time() + 30))


@pytest.mark.skipif(SANITIZED, reason="strace and sanitizers do not agree")
@pytest.mark.parametrize("number", [1, 2, 3])
def test_killed_while_two_factor_begins(settings, account, killed_at, number):
    """The password lets in as before, and it can be begun anew."""
    user = settings.sign_in(account.address)
    secret = user.ask("TOTP_START",
                      password="secret").page.secret.secret.decode()
    answer = killed_at(number).ask("TOTP_CONFIRM", cookie=user.cookie,
                                   code=code_of(secret))
    assert answer.name == "TROUBLE"
    user = settings.sign_in(account.address)
    assert user.answer.account.two_factor == 0
    assert count(account) == 0
    enrol(user)
    refused(account, "secret")


@pytest.mark.skipif(SANITIZED, reason="strace and sanitizers do not agree")
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_killed_while_two_factor_ends(settings, account, killed_at, number):
    """It is still on with all that belongs to it, or it is off.  The first
    two renames count the password as a guess, and forget it again."""
    user = settings.sign_in(account.address)
    secret, codes = enrol(user)
    answer = killed_at(number).ask("TOTP_OFF", cookie=user.cookie,
                                   password="secret")
    assert answer.name == "TROUBLE"
    if number < 4:
        second(settings, account, codes[0])
        refused(account, "secret")
    else:
        settings.sign_in(account.address)
        assert count(account) == 0
