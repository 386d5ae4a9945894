"""Application passwords that are good for less: until a day, from somewhere,
for reading alone, for POP or for sending.  tests/test_equal.py sees to it
that a refusal for one of these reasons is one like any other."""

import datetime
import json
import re
import struct

import pytest

from channel import Hostile
from daemon import ROOT, wait_until
from mailbox import Mailbox
from maildir import message

DAY = datetime.timedelta(days=1)


def add(account, label, *options):
    """Adds an application password and returns it."""
    done = account.server.ctl("app-password", "add", account.address, label,
                              *options)
    return done.stdout.splitlines()[-1]


def login(account, password):
    return account.server.connect().login(account.address, password)


def refused(account, password):
    with account.server.connect() as pop:
        pop.ok("USER " + account.address)
        pop.err("PASS " + password, "AUTH")


def failed(account, *words):
    """Nothing was added; returns what was told."""
    server = account.server
    before = server.ctl("show", account.address).stdout
    done = server.ctl("app-password", "add", account.address, *words,
                      check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert server.ctl("show", account.address).stdout == before
    return done.stderr


def shown(account, label):
    """(words of list behind the time, object of show -j)."""
    text = account.server.ctl("app-password", "list", account.address).stdout
    words = [line.split("\t")[2:] for line in text.splitlines()
             if line.split("\t")[0] == label]
    found = json.loads(account.server.ctl("show", "-j",
                                          account.address).stdout)
    objects = [app for app in found["app-passwords"]
               if app["label"] == label]
    assert len(words) == len(objects) == 1
    line, = [line for line in account.server.ctl(
        "show", account.address).stdout.splitlines()
        if line.startswith("app-password %s created" % label)]
    assert line.split(" created ")[1].split(" ")[1:] == words[0]
    return words[0], objects[0]


def change(account, pattern, text):
    """Has the account as export writes it, and changed so, imported."""
    exported = account.server.ctl("export").stdout
    line, = [line for line in exported.splitlines()
             if line.split()[0] == account.address]
    changed = re.sub(pattern, text, line)
    assert changed != line
    account.server.ctl("import", "-", stdin=changed + "\n")


def today():
    return datetime.datetime.now(datetime.timezone.utc).date()


# Until a day.

def test_not_narrowed(server, account):
    add(account, "phone")
    words, found = shown(account, "phone")
    assert words == []
    del found["created"]
    assert found == {"label": "phone", "expires": None, "from": [],
                     "read-only": False, "for": "both"}


def test_expires(account):
    """The day itself counts, to its end in UTC."""
    day = today()
    code = add(account, "tomorrow", "-e", str(day + DAY))
    login(account, code).quit()
    end = "%sT00:00:00Z" % (day + 2 * DAY)
    assert shown(account, "tomorrow")[0] == ["expires=" + end]
    assert shown(account, "tomorrow")[1]["expires"] == end
    change(account, "expires=[^,;]*", "expires=2001-02-03T04:05:06Z")
    assert shown(account, "tomorrow")[0] == ["expires=2001-02-03T04:05:06Z"]
    refused(account, code)
    login(account, "secret").quit()


def test_expires_in_days(account):
    for n in 1, 400:
        add(account, "in%d" % n, "-e", "+%dd" % n)
        when = shown(account, "in%d" % n)[1]
        ends, made = [datetime.datetime.strptime(
            when[key], "%Y-%m-%dT%H:%M:%SZ") for key in
            ("expires", "created")]
        assert n * DAY <= ends - made <= n * DAY + datetime.timedelta(
            minutes=1)


def test_it_expires_while_it_is_used(account):
    """What is asked is the time of the login, not of the connection."""
    code = add(account, "short", "-e", "+1d")
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    soon = now + datetime.timedelta(seconds=8)
    change(account, "expires=[^,;]*", soon.strftime(
        "expires=%Y-%m-%dT%H:%M:%SZ"))
    session = login(account, code)
    waiting = account.server.connect()
    wait_until(lambda: datetime.datetime.now(
        datetime.timezone.utc) >= soon, "it does not become so late")
    waiting.ok("USER " + account.address)
    waiting.err("PASS " + code, "AUTH")
    session.ok("NOOP")  # who is in stays in
    session.quit()


@pytest.mark.parametrize("date", [
    "", "tomorrow", "2030", "2030-13-01", "2030-02-30", "2030-1-1",
    "30-01-01", "2030-01-01 ", " 2030-01-01", "2030/01/01", "2030-01-01x",
    "+d", "+1", "+-1d", "+1 d", "1d", "+0d", "+36501d", "+99999999999999d",
    "2030-01-01T00:00", "2030-01-01T25:00:00Z"])
def test_no_date(account, date):
    assert "YYYY-MM-DD" in failed(account, "phone", "-e", date)


def test_a_day_that_has_passed(account):
    assert "has passed" in failed(account, "phone", "-e",
                                  str(today() - DAY))
    add(account, "phone", "-e", str(today()))  # to its end


# From somewhere.

def test_from(account):
    here = add(account, "here", "-n", "127.0.0.0/8")
    there = add(account, "there", "-n", "192.0.2.0/24", "-n", "2001:db8::/32")
    either = add(account, "either", "-n", "192.0.2.0/24", "-n", "127.0.0.1",
                 "-n", "::1", "-n", "fe80::/10")
    login(account, here).quit()
    login(account, either).quit()
    refused(account, there)
    assert shown(account, "there")[0] == ["from=192.0.2.0/24",
                                          "from=2001:db8::/32"]
    assert shown(account, "either")[1]["from"] == [
        "192.0.2.0/24", "127.0.0.1", "::1", "fe80::/10"]


def test_from_ipv4_within_ipv6(account):
    login(account, add(account, "x", "-n", "::ffff:127.0.0.0/104")).quit()
    assert shown(account, "x")[0] == ["from=127.0.0.0/8"]
    refused(account, add(account, "y", "-n", "::/0"))


@pytest.mark.parametrize("network", [
    "", "localhost", "192.0.2", "192.0.2.0/33", "2001:db8::/129",
    "192.0.2.0/24,127.0.0.1", "192.0.2.0 - 192.0.2.9"])
def test_no_network(account, network):
    assert "192.0.2.0/24" in failed(account, "phone", "-n", network)


def test_too_many_networks(account):
    words = [word for i in range(5) for word in ("-n", "10.0.0.%d" % i)]
    assert "4 networks at most" in failed(account, "phone", *words)


# For reading alone.

def test_read_only(account):
    """All is as usual but DELE."""
    code = add(account, "archive", "-r")
    assert shown(account, "archive")[0] == ["read-only"]
    assert shown(account, "archive")[1]["read-only"] is True
    for i in range(3):
        account.maildir.deliver(message(body="mail %d\n" % i))
    with login(account, code) as pop:
        pop.ok("CAPA")
        capabilities = pop.lines_exact()
        answer = pop.err("DELE 1")
        assert answer == b"this password may read mail, and not delete it"
        pop.err("DELE 4")
        pop.ok("RSET")
        assert pop.stat()[0] == 3
        assert b"mail 2" in pop.retr(3)
        pop.quit()
    with account.login() as pop:
        pop.ok("CAPA")
        assert pop.lines_exact() == capabilities
        assert pop.stat()[0] == 3
        pop.ok("DELE 1")
        pop.quit()
    with login(account, code) as pop:
        assert pop.stat()[0] == 2
        pop.quit()


@pytest.mark.skipif(not ROOT, reason="only root may take a session over")
@pytest.mark.parametrize("narrowed", [True, False])
def test_read_only_for_a_session_that_lies(server, narrowed):
    """The store refuses its marks, and ends without UPDATE."""
    mailbox = Mailbox(server.add_account(), 3)
    code = add(mailbox.account, "phone", *["-r"] * narrowed)
    attacker = Hostile(server, login(mailbox.account, code))
    marks = struct.pack("=QQ", 1, 0) + b"\x07" + 8191 * b"\0"
    try:
        attacker.send("MSG_MARKS", marks)
        attacker.send("MSG_UPDATE")
        if narrowed:
            server.wait_log("reason=bad-marks")
        else:
            wait_until(lambda: mailbox.present() == [], "nothing is deleted")
    finally:
        attacker.close()
    server.close_clients()
    server.wait_empty()
    assert len(mailbox.present()) == (3 if narrowed else 0)


# For POP or for sending.

def test_use(account):
    for use in "pop", "both":
        login(account, add(account, use, "-u", use)).quit()
    refused(account, add(account, "send", "-u", "send"))
    assert shown(account, "pop")[0] == ["for=pop"]
    assert shown(account, "send")[0] == ["for=send"]
    assert shown(account, "both")[0] == []
    assert shown(account, "send")[1]["for"] == "send"


@pytest.mark.parametrize("use", ["", "imap", "POP", "pop,send"])
def test_no_use(account, use):
    assert "pop, send or both" in failed(account, "phone", "-u", use)


# All of it.

def test_options_anywhere(account):
    server = account.server
    server.ctl("app-password", "add", "-r", account.address, "-u", "pop",
               "all", "-n", "127.0.0.1", "-e", "2099-12-31")
    assert shown(account, "all")[0] == [
        "expires=2100-01-01T00:00:00Z", "from=127.0.0.1", "read-only",
        "for=pop"]
    server.ctl("app-password", "add", account.address, "--", "-r")
    assert shown(account, "-r")[0] == []
    failed(account, "x", *["-n", "::1"] * 5)
    done = server.ctl("app-password", "add", account.address, "x",
                      *["-r"] * 17, check=False)
    assert done.returncode == 2


def test_round_trip(account, make_server):
    """What export writes of them, import reads, and it is the same."""
    code = add(account, "a,b;c %", "-e", "2099-12-31", "-n", "127.0.0.1",
               "-n", "2001:db8::/32", "-r", "-u", "pop")
    line, = [line for line in account.server.ctl("export").stdout.splitlines()
             if line.startswith(account.address + " ")]
    other = make_server()
    other.ctl("import", "-", stdin=line + "\n")
    assert other.ctl("export").stdout == line + "\n"
    for command in (["show"], ["show", "-j"], ["app-password", "list"]):
        assert other.ctl(*command, account.address).stdout == \
            account.server.ctl(*command, account.address).stdout
    with other.connect().login(account.address, code) as pop:
        pop.err("DELE 1")


@pytest.mark.parametrize("terms", [
    "1;", "1;;read-only", "1;read-only=yes", "1;expires=", "1;expires=never",
    "1;from=everywhere", "1;for=imap", "1;nonsense", ";read-only", "x;for=pop",
    "1" + 5 * ";from=::1"])
def test_words_of_import(account, terms):
    """What cannot be read makes no password that is good for more."""
    server = account.server
    before = server.ctl("export").stdout
    done = server.ctl("import", "-", check=False, stdin="%s app-password="
                      "%s,%s,label\n" % (account.address, 32 * "00", terms))
    assert done.returncode == 1 and "app-password" in done.stderr
    assert server.ctl("export").stdout == before
