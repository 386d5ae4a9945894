"""What pop3settings shows of a mailbox, and does in it."""

import json
import os
import re
import socket
import time

import pytest

from daemon import wait_until
from maildir import message
from settings import (VERSION, WANT, Request, Settings, account, code_of,
                      count, refused, running, settings)
from test_separation import root_only
import processes
import web


# What was, and what is kept.

def test_overview(settings, account):
    user = settings.sign_in(account.address)
    assert user.ask("OVERVIEW").page.overview.n == 0
    password = user.make("phone").page.made.password.decode()
    for _ in range(5):
        count(account)
    count(account, password)
    overview = user.ask("OVERVIEW").page.overview
    assert overview.n == 5
    assert [login.label for login in overview.login] == [
        b"phone", b"", b"", b"", b""]
    for login in overview.login:
        assert login.peer == b"127.0.0.1" and login.service == b"pop"
        assert abs(login.time - time.time()) < 60


def test_activity(settings, account):
    for _ in range(3):
        account.maildir.deliver(message())
    with account.login() as pop:
        pop.retr(1)
        pop.ok("DELE 1")
        pop.ok("DELE 2")
        pop.quit()
    user = settings.sign_in(account.address)
    activity = user.ask("ACTIVITY").page.activity
    assert (activity.total, activity.n) == (5, 5)
    in_, end, second_, first, login = activity.event[:5]
    assert [event.kind for event in activity.event[:5]] == [4, 3, 1, 1, 0]
    assert (in_.reason, in_.peer) == (b"password", b"192.0.2.7")
    assert (end.reason, end.count, end.deleted) == (b"quit", 1, 2)
    assert first.octets == len(message()) + message().count(b"\n")
    assert first.uidl != second_.uidl
    assert len({event.id for event in activity.event[1:5]}) == 1
    assert in_.id not in (b"", end.id)
    assert login.peer == b"127.0.0.1"
    for _ in range(20):
        count(account)
    seen = []
    for start in 0, 32, 64:
        activity = user.ask("ACTIVITY", from_=start).page.activity
        assert activity.total == 45
        seen += activity.event[:activity.n]
    assert len(seen) == 45
    assert [event.time for event in seen] == sorted(
        (event.time for event in seen), reverse=True)
    assert seen[-1].kind == 0 and seen[0].kind == 3


def test_what_was_done_on_the_page(settings, account):
    """Is in the journal, of a mailbox that no mail program has seen yet."""
    server = settings.server
    user = settings.sign_in(account.address)
    user.set("ACCESS", 2)
    user.set("KEEP", 30)
    user.make("my phone")
    user.ask("APP_REVOKE", label="my phone")
    secret = user.ask("TOTP_START",
                      password="secret").page.secret.secret.decode()
    codes = user.ask("TOTP_CONFIRM", code=code_of(secret)).page.recovery
    half = settings.sign_in(account.address, result="SECOND_FACTOR")
    half.ask("CODE", code=codes.code[0].value)
    user = half
    user.ask("RECOVERY", password="secret")
    user.ask("TOTP_OFF", password="secret")
    user.ask("PASSWORD", password="secret", new_password="another secret")
    user.ask("NOT_ME")
    done = [json.loads(line) for line in server.ctl(
        "journal", "-j", account.address).stdout.splitlines()]
    assert {(line["user"], line["peer"], line["service"]) for line in done
            if line["event"] != "revoked"} == {
        (account.address, "192.0.2.7", "page")}
    assert [(line["event"], line.get("by") or line.get("what") or
             line["label"], line.get("value", "")) for line in done] == [
        ("signed-in", "password", ""), ("changed", "access", "from-now"),
        ("changed", "keep", "30"), ("changed", "app-password", "my phone"),
        ("revoked", "my phone", ""), ("changed", "revoked", "my phone"),
        ("changed", "two-factor", "on"), ("signed-in", "recovery-code", ""),
        ("changed", "recovery-codes", ""), ("changed", "two-factor", "off"),
        ("changed", "password", ""), ("changed", "not-me", "")]
    seen = user.ask("ACTIVITY").page.activity
    assert [(event.kind, event.reason, event.label, event.peer)
            for event in reversed(seen.event[:seen.n])] == [
        (4 + (line["event"] == "changed"),
         (line.get("by") or line.get("what")).encode(),
         line.get("value", "").encode(), b"192.0.2.7")
        for line in done if line["event"] != "revoked"]
    # No mail program has: only with -l it is told.
    assert server.ctl("last", account.address).stdout == \
        account.address + " never\n"
    assert re.fullmatch(
        r"%s time=\S+ peer=192\.0\.2\.7 service=page label=\n" %
        account.address, server.ctl("last", "-l", account.address).stdout)
    assert not [line for line in settings.log_lines() if "journal" in line]


def test_what_the_administrator_did(settings, account):
    account.maildir.deliver(message())
    account.server.ctl("set", account.address, "auto-delete=no")
    with account.login() as pop:
        pop.ok("DELE 1")
        pop.quit()
    account.server.wait_empty()
    account.server.ctl("purge", "-o", "0", account.address)
    seen = settings.sign_in(account.address).ask("ACTIVITY").page.activity
    event = seen.event[1]  # before the signing in
    assert (event.kind, event.count, event.peer, event.service) == (
        7, 1, b"", b"pop3ctl")


def test_the_page_alone_fills_no_journal_for_ever(settings, account):
    """It turns over as it does at logins, and what is known is carried on."""
    settings.sign_in(account.address)
    path = account.maildir.path + "/pop3d/journal"
    with open(path, "a") as f:
        f.write("x" * 65536 + "\n")
    with account.login():
        settings.sign_in(account.address, "wrong", "REFUSED")
    settings.server.wait_empty()
    first = os.stat(path).st_ino
    with open(path, "a") as f:
        f.write("x" * 65536 + "\n")
    settings.sign_in(account.address)
    assert os.stat(path).st_ino != first
    with open(path) as f:
        assert [re.search("event=(.*?) ", line).group(1)
                for line in f.readlines()[1:]] == [
            "known-label", "known-label", "known-network", "signed-in"]
    # While a session has the mailbox that is left to the next one.
    with account.login():
        with open(path, "a") as f:
            f.write("x" * 65536 + "\n")
        first = os.stat(path).st_ino
        user = settings.sign_in(account.address)
        assert os.stat(path).st_ino == first
        assert user.ask("ACTIVITY").page.activity.event[0].kind == 4
    settings.server.wait_empty()


def test_without_a_journal_the_page_works(settings, account):
    """There is no mailbox yet; or no journal can be there."""
    maildir = account.maildir.path
    os.rename(maildir, maildir + ".away")
    settings.sign_in(account.address).set("KEEP", 30)
    assert not os.path.exists(maildir)
    assert [line.split(":")[0] for line in settings.log_lines()] == [
        "signed in", "changed"]
    os.rename(maildir + ".away", maildir)
    settings.mark_log()
    with open(maildir + "/pop3d", "w") as f:
        f.write("in the way")
    settings.sign_in(account.address).set("KEEP", 0)
    told = "%s: the journal is not written: Not a directory" % account.address
    assert settings.log_lines()[1::2] == [told, told]


def test_a_forged_journal(settings, account):
    """Its owner may write what he likes: it is shown as it can be."""
    count(account)
    with open(account.maildir.path + "/pop3d/journal", "ab") as f:
        f.write(b"time=never event=login id=zzzzzzzzzzzzzzzz peer=" +
                b"\\033" * 100 + b" label=\\377\\001 service=x\n")
        f.write(b"garbage\n" * 10 + b"\0" * 100)
    user = settings.sign_in(account.address)
    overview = user.ask("OVERVIEW").page.overview
    assert overview.n == 2
    assert overview.login[0].time == 0
    assert overview.login[0].label == b"??"
    assert overview.login[0].peer == b"?" * 63


def test_without_a_journal_that_can_be_read(settings, account):
    """The switches are there, and an application password is revoked."""
    user = settings.sign_in(account.address)
    user.make("phone")
    count(account)
    journal = account.maildir.path + "/pop3d/journal"
    os.rename(journal, journal + ".away")
    os.mkfifo(journal)
    settings.mark_log()
    page = user.ask("OVERVIEW").page.overview
    assert (page.unread, page.n) == (1, 0)
    page = user.ask("ACTIVITY").page.activity
    assert (page.unread, page.total, page.n) == (1, 0, 0)
    page = user.ask("APPS_LIST").page.apps
    assert (page.unread, page.total, page.app[0].used) == (1, 1, 0)
    assert settings.log_lines() == 3 * [
        "%s: the journal cannot be read: Invalid argument" % account.address]
    shown = [web.run(path, socket=settings.path, HTTP_COOKIE="__Host-pop3=" +
                     user.cookie.decode()).body
             for path in ("/", "/activity", "/passwords")]
    for body in shown[:2]:
        assert "cannot be read at the moment" in body
        assert "yet." not in body
    assert "unknown" in shown[2] and "never" not in shown[2]
    user.ask("APP_REVOKE", label="phone")
    os.rename(journal + ".away", journal)
    page = user.ask("OVERVIEW").page.overview
    assert (page.unread, page.n) == (0, 1)


def test_deleted_mail_comes_back(settings, account):
    user = settings.sign_in(account.address)
    user.set("AUTO_DELETE", 0)
    for n in range(20):
        account.maildir.deliver(
            b"From: =?utf-8?Q?J=C3=B6rg?= <j@example.com>\n"
            b"Subject: number %d\n\nHello.\n" % n)
    with account.login() as pop:
        uidls = pop.uidl()
        for n in range(20):
            pop.ok("DELE %d" % (n + 1))
        pop.quit()
    assert count(account) == 0
    messages = []
    for start, n in (0, 16), (16, 4), (32, 0):
        kept = user.ask("KEPT_LIST", from_=start).page.kept
        assert (kept.total, kept.from_, kept.n) == (20, start, n)
        messages += kept.message[:n]
    assert {message.subject.decode() for message in messages} == {
        "number %d" % n for n in range(20)}
    one = messages[5]
    assert one.from_.decode() == "J\u00f6rg <j@example.com>"
    assert one.state == 0 and one.junk == 0
    assert abs(one.since - time.time()) < 60
    assert user.ask("REQUEUE", uidl=one.uidl).page.count == 1
    with account.login() as pop:
        assert one.subject in b"\n".join(pop.top(1, 0).splitlines())
        assert pop.stat()[0] == 1
        assert user.ask("KEPT_LIST", "IN_USE").cookie
        assert user.ask("REQUEUE", "IN_USE", uidl="").cookie
        pop.quit()
    user.ask("REQUEUE", "NO_SUCH", uidl=one.uidl)
    user.ask("REQUEUE", "NO_SUCH", uidl="../../etc/passwd")
    assert user.ask("REQUEUE", uidl="").page.count == 19
    assert count(account) == 20
    assert user.ask("KEPT_LIST").page.kept.total == 0
    seen = user.ask("ACTIVITY").page.activity
    assert [event.count for event in seen.event[:seen.n]
            if event.kind == 6] == [19, 1]
    # And deleted for good.
    user.set("AUTO_DELETE", 1)
    with account.login() as pop:
        pop.ok("DELE 1")
        pop.quit()
    assert user.ask("KEPT_LIST").page.kept.total == 0


def test_long_work_ends_with_who_asked(settings, account):
    """A message without end is being measured, and nobody waits any more."""
    user = settings.sign_in(account.address)
    name = account.maildir.deliver(message())
    path = account.maildir.path + "/new/" + name
    os.truncate(path, 1 << 42)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect(settings.path)
        s.send(bytes(Request(version=VERSION, want=WANT["KEPT_LIST"],
                             cookie=user.cookie)))
        wait_until(lambda: any(
            path in processes.descriptors(pid).values()
            for pid in settings.pids()), "nobody measures it")
    settings.wait_empty()
    os.truncate(path, 100)
    with account.login() as pop:
        assert pop.stat()[0] == 1


def test_spam_and_mark_read(settings, account):
    account.maildir.make(".Junk")
    account.maildir.deliver(message(), folder=".Junk")
    user = settings.sign_in(account.address)
    for value, n in (0, 0), (1, 1), (2, 1), (0, 0):
        user.set("SPAM", value)
        assert count(account) == n
    account.maildir.deliver(message())
    user.set("MARK_READ", 1)
    with account.login() as pop:
        pop.retr(1)
        pop.quit()
    cur, = os.listdir(account.maildir.path + "/cur")
    assert cur.endswith(":2,S")
    user.set("KEEP", 30)
    assert "keep=30" in settings.server.ctl("show", account.address).stdout
    user.set("KEEP", 0)
    assert "keep=forever" in settings.server.ctl(
        "show", account.address).stdout


def test_client_settings(make_server):
    settings = Settings(make_server(
        extra="outgoing smtp.example.com 465 tls\n"
              "outgoing mx.example.com 587 starttls\n"))
    try:
        account = settings.server.add_account()
        user = settings.sign_in(account.address)
        client = user.ask("CLIENT").page.client
        assert client.user.decode() == account.address
        assert (client.incoming.host, client.incoming.port,
                client.incoming.starttls) == (b"mail.example.com", 995, 0)
        assert [(server.host, server.port, server.starttls)
                for server in client.outgoing[:client.noutgoing]] == [
            (b"smtp.example.com", 465, 0), (b"mx.example.com", 587, 1)]
        settings.server.ctl("set", account.address, "send=no")
        assert user.ask("CLIENT").page.client.noutgoing == 0
    finally:
        settings.stop()


def unit_capabilities():
    """What the unit leaves root, as setpriv(1) calls it."""
    with open(os.path.dirname(__file__) + "/../etc/pop3settings@.service") as f:
        names = re.search(r"^CapabilityBoundingSet=(.*)", f.read(), re.M)
    return ",".join(["-all", *("+" + name[4:].lower()
                               for name in names.group(1).split())])


def test_no_profile_without_outgoing(settings, account):
    """Apple's systems would not take it.  Whoever asks for one all the same
    is shown the password that he has now."""
    user = settings.sign_in(account.address)
    cookie = {"socket": settings.path,
              "HTTP_COOKIE": "__Host-pop3=" + user.cookie.decode()}
    answer = web.run("/clients/profile", **cookie)
    assert answer.status == 404 and "<form method=\"post\" action=" \
        "\"/pop/clients/profile" not in answer.body
    answer = web.run("/clients/profile", body=b"label=phone&password=secret",
                     **cookie)
    password = re.search(r'class="secret">([a-z0-9-]+)<', answer.body)
    assert count(account, password.group(1)) == 0


@root_only
def test_with_the_rights_of_the_unit(make_server):
    """All that it does, it does without root's other capabilities."""
    settings = Settings(make_server(), prefix=(
        "setpriv", "--bounding-set", unit_capabilities()))
    try:
        server = settings.server
        account = server.add_account()
        account.maildir.deliver(message())
        user = settings.sign_in(account.address)
        user.set("AUTO_DELETE", 0)
        password = user.make("phone").page.made.password.decode()
        with server.connect() as pop:
            pop.login(account.address, password)
            pop.ok("DELE 1")
            pop.quit()
        assert user.ask("KEPT_LIST").page.kept.total == 1
        assert user.ask("REQUEUE", uidl="").page.count == 1
        assert user.ask("OVERVIEW").page.overview.n == 1
        user.ask("TOTP_START", password="secret")
        pop = account.login()
        user.ask("NOT_ME")
        pop.ended()
        refused(account, password)
        assert count(account) == 1
        user.ask("SIGN_OUT")
    finally:
        settings.stop()
