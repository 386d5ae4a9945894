"""pop3settings: what users can do to their accounts, asked as pop3web asks,
and seen to work by a POP3 session."""

import base64
import concurrent.futures
import ctypes
import fcntl
import functools
import hmac
import os
import pwd
import re
import signal
import socket
import struct
import subprocess
import time

import pytest

from daemon import HASH_OF_SECRET, HERE, POP3D, wait_until
from maildir import message
from sasl import POP3SASL
from settings import (RESULT, VERSION, WANT, Answer, Request, Settings,
                      account, count, header, refused, running, settings)
from test_separation import (NULL, capabilities, is_locked_in, is_sandboxed,
                             is_user, others, root_only, standard)
import processes


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


def test_who_hangs_up_guesses_no_faster(settings, account):
    """The place is taken until the refusal would have come."""
    start = time.monotonic()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect(settings.path)
        s.send(bytes(Request(
            version=VERSION, want=WANT["SIGN_IN"], password=b"wrong",
            address=account.address.encode())))
        settings.wait_log("login refused: .* reason=password")
    settings.wait_empty()
    assert time.monotonic() - start >= 1


def test_a_hundred_guesses(settings, account):
    """Each is refused and told of, and nothing has changed."""
    before = settings.server.ctl("show", account.address).stdout
    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        names = list(pool.map(lambda n: settings.ask(
            "SIGN_IN", address=account.address,
            password="guess %d" % n).name, range(100)))
    assert names == 100 * ["REFUSED"]
    assert settings.log_lines() == 100 * [
        "login refused: peer=192.0.2.7 user=%s mechanism=PAGE "
        "reason=password" % account.address]
    assert settings.server.ctl("show", account.address).stdout == before
    settings.wait_empty()
    settings.sign_in(account.address)


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


@pytest.mark.parametrize("make", [
    os.mkdir, os.mkfifo, functools.partial(os.symlink, "/etc/passwd")])
def test_a_key_that_is_no_file(settings, account, make):
    """The log says so, and what to do."""
    key = settings.server.directory + "/db/cookie.key"
    settings.sign_in(account.address)
    os.rename(key, key + ".away")
    make(key)
    settings.mark_log()
    assert settings.ask("SIGN_IN", address=account.address,
                        password="secret").name == "TROUBLE"
    (os.rmdir if os.path.isdir(key) else os.unlink)(key)
    os.rename(key + ".away", key)
    assert settings.log_lines() == [
        key + ": the key of cookies is no file; remove what is there: a new "
        "one is made"]


@pytest.mark.parametrize("command", [
    ["passwd", None], ["set", None, "two-factor=on"],
    ["set", None, "password=none"], ["app-password", "add", None, "new"],
    ["rename", None, "renamed@example.com"], ["delete", None]])
def test_changed_credentials_sign_out(settings, account, command):
    user = settings.sign_in(account.address)
    settings.server.ctl(*[word or account.address for word in command],
                        stdin="another secret\n")
    user.ask("SECURITY", "SIGNED_OUT")


def test_off_and_on_again_signs_out(settings, account):
    """A cookie that somebody has stolen does not come back either."""
    user = settings.sign_in(account.address)
    for value in "no", "yes":
        settings.server.ctl("set", account.address, "self-service=" + value)
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

def sealed(settings, user, kind=1, invited=0, generation=None, address=None,
           since=0, until=0):
    """A cookie as auth would seal it, of these moments: seconds from now."""
    text = user.cookie.decode()
    octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    now = time.time()
    data = struct.pack(
        ">BBBqqq", 1, kind, invited,
        generation or struct.unpack(">q", octets[3:11])[0],
        int((now + since) * 1000), int((now + until) * 1000))
    data += address.encode() if address else octets[27:-32]
    with open(settings.server.directory + "/db/cookie.key", "rb") as f:
        mac = hmac.new(f.read(), b"pop3settings cookie\0" + data, "sha256")
    return base64.urlsafe_b64encode(data + mac.digest()).rstrip(b"=")


def test_cookies_end(settings, account):
    user = settings.sign_in(account.address)
    other = settings.server.add_account()
    ask = functools.partial(sealed, settings, user)
    assert user.ask("SECURITY", cookie=ask(since=-60, until=60)).seconds == \
        1800
    # However it is used.
    left = user.ask("SECURITY", cookie=ask(since=60 - 8 * 3600,
                                           until=600)).seconds
    assert 50 <= left <= 60
    for cookie in (ask(since=-60, until=-1), ask(since=60, until=600),
                   ask(since=-60, until=60, kind=2),
                   ask(since=-60, until=60, kind=3),
                   ask(since=-60, until=60, kind=0),
                   ask(since=-60, until=60, generation=7),
                   ask(since=-60, until=60, address=other.address),
                   ask(since=-60, until=60, address="nobody@example.com")):
        user.ask("SECURITY", "SIGNED_OUT", cookie=cookie)


def test_an_invitation_gets_old(settings, account):
    """Then the present password is asked for, or there is none."""
    user = settings.sign_in(account.address)
    ask = functools.partial(sealed, settings, user, invited=1, until=60)
    assert user.ask("SECURITY",
                    cookie=ask(since=-890)).account.prove == 1
    old = ask(since=-901)
    assert user.ask("SECURITY", cookie=old).account.prove == 0
    user.make("phone", "", result="WRONG_PASSWORD", cookie=old)
    settings.server.ctl("set", account.address, "password=none")
    settings.ask("INVITED", address=account.address, token="x")
    generation = struct.unpack(">q", base64.urlsafe_b64decode(
        user.cookie + b"==")[3:11])[0] + 1
    old = ask(since=-901, generation=generation)
    assert user.ask("SECURITY", cookie=old).account.prove == 2
    for want in "PASSWORD", "TOTP_START", "APP_MAKE":
        user.ask(want, "INVITATION_NEEDED", cookie=old, label="a",
                 services=3, new_password="long enough for all")
    user.ask("SET", cookie=old, settings=1 << 5)


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
    # One of several, and none is set.
    user.save("BAD_VALUE", ACCESS=0, SPAM=1, KEEP=-1)
    for settings_ in 0, 1, 1 << 6, 1 << 31, 2 ** 32 - 1:
        user.ask("SET", "BAD_VALUE", settings=settings_)
    assert settings.server.ctl("show", account.address).stdout == before


def test_several_at_once(settings, account):
    """In one change, and each is told."""
    user = settings.sign_in(account.address)
    settings.mark_log()
    shown = user.save(ACCESS=0, SPAM=2, AUTO_DELETE=0, KEEP=90,
                      MARK_READ=1).account
    assert (shown.access, shown.spam, shown.auto_delete, shown.keep,
            shown.mark_read) == (0, 2, 0, 90, 1)
    assert settings.log_lines() == [
        "changed: user=%s peer=192.0.2.7 access=off spam=only auto-delete=no "
        "keep=90 mark-read=yes" % account.address]
    events = user.ask("ACTIVITY").page.activity
    assert [(event.reason, event.label)
            for event in events.event[:events.n - 1]] == [
        (b"mark-read", b"yes"), (b"keep", b"90"), (b"auto-delete", b"no"),
        (b"spam", b"only"), (b"access", b"off")]


# What the web server may try.

def test_other_versions(settings, account):
    request = Request(version=VERSION + 1, want=1)
    octets = settings.raw(bytes(request))
    answer = Answer.from_buffer_copy(octets)
    assert answer.name == "OTHER_VERSION"
    settings.wait_log("pop3web asks in version %d, and this is version %d"
                      % (VERSION + 1, VERSION))


def test_hostile_messages(settings, account):
    good = bytes(Request(version=VERSION, want=WANT["SECURITY"]))
    for octets in (b"x", good[:-1], good + b"x", good * 20, b"\0" * len(good),
                   bytes(Request(version=VERSION, want=0)),
                   bytes(Request(version=VERSION, want=WANT["WANTS"])),
                   bytes(Request(version=VERSION, want=2 ** 32 - 1))):
        answer = settings.raw(octets)
        assert answer == b"" or Answer.from_buffer_copy(
            answer).name == "OTHER_VERSION", octets[:20]
    assert settings.raw(b"") == b""
    # Strings that do not end within their arrays.
    full = bytearray(b"A" * ctypes.sizeof(Request))
    full[:8] = bytes(Request(version=VERSION, want=WANT["SIGN_IN"]))[:8]
    assert Answer.from_buffer_copy(settings.raw(bytes(full))).name == \
        "REFUSED"
    settings.sign_in(account.address)


def test_header_and_client_agree():
    for name in ("SELF_VERSION %d\n" % VERSION, "SELF_APPS\t32 ",
                 "SELF_KEPT\t16 "):
        assert "#define " + name in header()
    assert RESULT["GOOD"] == 0 and WANT["SIGN_IN"] == 1


# Application passwords.

def test_application_passwords(settings, account):
    """Made, seen, used, and revoked with the session that it began."""
    account.maildir.deliver(message())
    user = settings.sign_in(account.address)
    expires = int(time.time()) + 86400
    made = user.make("phone", expires=expires, read_only=1,
                     services=1).page.made
    password = made.password.decode()
    assert re.fullmatch(r"([a-z2-9]{4}-){4}[a-z2-9]{4}", password)
    assert made.app.label == b"phone"
    assert made.client.user.decode() == account.address
    assert made.client.incoming.host == b"mail.example.com"
    assert made.client.incoming.port == 995
    assert count(account, password) == 1
    pop = account.server.connect().login(account.address, password)
    apps = user.ask("APPS_LIST").page.apps
    assert (apps.total, apps.from_, apps.n) == (1, 0, 1)
    app = apps.app[0]
    assert (app.label, app.expires, app.read_only, app.services,
            app.networks, app.peer) == (
                b"phone", expires, 1, 1, 0, b"127.0.0.1")
    assert abs(app.created - time.time()) < 60
    assert 0 <= app.used - app.created < 60
    assert user.ask("SECURITY").account.apps == 1
    user.ask("APP_REVOKE", label="phone")
    pop.ended()
    refused(account, password)
    assert user.ask("APPS_LIST").page.apps.total == 0
    assert user.ask("APP_REVOKE", "NO_SUCH", label="phone").cookie
    assert [line for line in settings.log_lines()
            if line.startswith("changed")] == [
        "changed: user=%s peer=192.0.2.7 %s=phone" % (account.address, what)
        for what in ("app-password", "revoked")]


def test_application_passwords_that_are_not_made(settings, account):
    user = settings.sign_in(account.address)
    user.make("phone")
    before = settings.server.ctl("show", account.address).stdout
    now = int(time.time())
    for result, members in (
            ("LABEL_TAKEN", {"label": "phone"}),
            ("BAD_LABEL", {"label": ""}),
            ("BAD_LABEL", {"label": "a\nb"}),
            ("BAD_LABEL", {"label": "  "}),
            ("BAD_VALUE", {"label": "new", "services": 0}),
            ("BAD_VALUE", {"label": "new", "services": 4}),
            ("BAD_VALUE", {"label": "new", "read_only": 2}),
            ("BAD_DATE", {"label": "new", "expires": now - 1}),
            ("BAD_DATE", {"label": "new", "expires": -1}),
            ("BAD_DATE", {"label": "new", "expires": now + 2 ** 40}),
            ("WRONG_PASSWORD", {"label": "new", "password": "wrong"}),
            ("WRONG_PASSWORD", {"label": "new", "password": ""})):
        answer = user.make(result=result, **members)
        assert bytes(answer.page) == bytes(ctypes.sizeof(answer.page))
    assert settings.server.ctl("show", account.address).stdout == before


def test_lists_come_in_pages(settings, account):
    server = settings.server
    line = account.address + " hash=" + HASH_OF_SECRET + " maildir=" + \
        account.maildir.path + " " + " ".join(
            "app-password=%064x,%d,label%d" % (n, 1764000000 + n, n)
            for n in range(64))
    server.ctl("import", "-", stdin=line + "\n")
    user = settings.sign_in(account.address)
    labels = []
    for start, n in (0, 32), (32, 32), (64, 0), (2 ** 32 - 1, 0):
        apps = user.ask("APPS_LIST", from_=start).page.apps
        assert (apps.total, apps.from_, apps.n) == (64, start, n)
        labels += [app.label.decode() for app in apps.app[:n]]
    assert labels == ["label%d" % n for n in reversed(range(64))]
    user.make("one more", result="TOO_MANY")


# Processes.

@root_only
def test_processes(settings, account):
    """While a refusal waits until it is due, all of them are there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect(settings.path)
        desk, = wait_until(lambda: [
            pid for pid in settings.pids() if is_sandboxed(pid)], "no desk")
        user = pwd.getpwnam("_pop3d")
        assert is_user(desk, user) and is_locked_in(desk)
        parent = processes.parent_of(desk)
        assert processes.uids(parent) == [0] * 4
        assert standard(parent)[:2] == [NULL, NULL]
        s.send(bytes(Request(version=VERSION, want=WANT["SIGN_IN"],
                             address=account.address.encode())))
        pids = wait_until(lambda: len(settings.pids()) == 4 and
                          settings.pids(), "not four processes")
        judge, clerk = wait_until(lambda: [
            pid for pid in sorted(pids) if pid not in (desk, parent) and
            is_sandboxed(pid)][:2] * (len([
                pid for pid in pids if is_sandboxed(pid)]) == 3),
            "no sandboxes")
        if processes.uids(judge)[0] == 0:
            judge, clerk = clerk, judge
        assert is_user(judge, user) and is_locked_in(judge)
        assert others(judge).count("channel") == 3
        assert processes.uids(clerk) == [0] * 4
        assert capabilities(clerk) == {0} and is_sandboxed(clerk)
        assert others(clerk).count("channel") == 2
        assert others(clerk).count("stream") == 1
        assert Answer.from_buffer_copy(s.recv(65536)).name == "REFUSED"
    settings.wait_empty()


@pytest.mark.parametrize("victim", range(4))
def test_who_dies_takes_the_others_along(settings, account, victim):
    """Nothing hangs, and the next request is answered."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect(settings.path)
        s.send(bytes(Request(version=VERSION, want=WANT["SIGN_IN"],
                             address=account.address.encode())))
        pids = wait_until(lambda: len(settings.pids()) == 4 and
                          sorted(settings.pids()), "not four processes")
        os.kill(pids[victim], signal.SIGKILL)
        s.settimeout(20)
        try:
            octets = s.recv(65536)
        except ConnectionResetError:
            octets = b""
        assert not octets or Answer.from_buffer_copy(octets).name in (
            "TROUBLE", "REFUSED")
    settings.wait_empty()
    settings.sign_in(account.address)


def test_a_place_is_not_taken_for_ever():
    """The unit ends what its owner has stopped, and nothing that works: a
    request may be waited for, and then a ruling."""
    with open(HERE + "/../etc/pop3settings@.service") as f:
        most = re.search(r"^RuntimeMaxSec=(\d+)$", f.read(), re.M)
    with open(HERE + "/../settings/desk.c") as f:
        ruling = re.search(r"^#define RULING_MS \((\d+) \* MS\)", f.read(),
                           re.M)
    assert 60 + int(ruling.group(1)) < int(most.group(1)) < 600


def waits_for_a_lock(pid):
    with open("/proc/locks") as f:
        return re.search(r"-> .* %d " % pid, f.read()) is not None


def test_a_web_server_that_does_not_wait(settings, account):
    """For the lock of the accounts: its user was told to try again."""
    user = settings.sign_in(account.address)
    with open(settings.server.directory + "/db/accounts.db.lock",
              "ab") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.connect(settings.path)
            s.send(bytes(Request(
                version=VERSION, want=WANT["SET"], cookie=user.cookie,
                settings=1 << 1)))
            pids = wait_until(lambda: len(settings.pids()) == 4 and
                              settings.pids(), "not four processes")
            wait_until(lambda: any(waits_for_a_lock(pid) for pid in pids),
                       "nobody waits")
        wait_until(lambda: len(settings.pids()) == 3, "the desk stays")
    settings.wait_empty()
    settings.wait_log("not changed: user=%s" % account.address)
    assert "access=all" in settings.server.ctl(
        "show", account.address).stdout
    user.ask("SECURITY")


def test_nothing_of_it_is_in_pop3d():
    """Nor in what answers SMTP servers."""
    for program in POP3D, POP3SASL:
        names = subprocess.run(["nm", program], check=True, text=True,
                               capture_output=True).stdout
        assert not re.search(r"\b(desk_run|judge_run|clerk_run|cookie_open|"
                             r"factors_\w+|totp_\w+)\b", names)
        assert "liboath" not in subprocess.run(
            ["ldd", program], check=True, text=True,
            capture_output=True).stdout
