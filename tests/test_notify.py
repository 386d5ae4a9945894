"""notify new-login: the message that tells a user of a login."""

import email
import email.policy
import email.utils
import os
import re
import shutil
import subprocess
import time

import pytest

from daemon import (ROOT, Server, make_certificate, temporary_directory,
                    wait_until)
from inject import Strace, Tracer, application_password
from maildir import message
from pop3 import plain
from test_clients import Fetchmail, Getmail, Mpop
from test_journal import FIRST, login_line, write as write_journal

HOME = "192.0.2.7"
OUT = "198.51.100.7"


@pytest.fixture
def notified(make_server):
    """A server that tells; whoever connects says where from."""
    return make_server(extra="notify new-login\nproxy 127.0.0.1\n")


@pytest.fixture
def user(notified):
    return notified.add_account()


def connect(account, peer=HOME):
    header = "PROXY %s %s %s 40000 995\r\n" % (
        ("TCP6", peer, "::1") if ":" in peer else ("TCP4", peer, "192.0.2.1"))
    return account.server.connect(before=header.encode())


def session(account, peer=HOME, password=None, delete=False):
    """The messages that it saw."""
    pop = connect(account, peer).login(
        account.address, password or account.password)
    found = [pop.retr(n) for n in range(1, pop.stat()[0] + 1)]
    for n in range(1, len(found) + 1 if delete else 1):
        pop.ok("DELE %d" % n)
    pop.quit()
    account.server.wait_empty()
    return found


def add_label(account, label, *options):
    return account.server.ctl("app-password", "add", *options, account.address,
                              label).stdout.split("\n")[-2]


def told(server):
    """What the log says of messages, without the users' names."""
    return [re.sub(r"^notified: user=\S+ ", "", line) for line in
            server.log_lines() if line.startswith("notified: ")]


def notices(account):
    """All messages in the mailbox that are such ones."""
    return [data for data in account.maildir.contents().values()
            if b"\nAuto-Submitted: auto-generated\n" in data]


def strict(data):
    """Read by the rules of RFC 5322, which has nothing to complain of."""
    found = email.message_from_bytes(data.replace(b"\r\n", b"\n"),
                                     policy=email.policy.strict)
    assert not found.defects
    for name in found:
        assert not found[name].defects, name
    return found


# What it says, and when.

def test_the_message(user):
    """The session that it tells of does not have it; the next one has."""
    assert session(user) == []
    data, = session(user)
    found = strict(data)
    ids = {i for line, i in user.server.log_lines_with_ids()
           if line.startswith("notified: ")}
    assert told(user.server) == [
        "peer=%s new=network via=127.0.0.1" % HOME]
    assert len(ids) == 1
    assert found["To"].addresses[0].addr_spec == user.address
    assert found["From"].addresses[0].addr_spec == "postmaster@example.com"
    assert found["From"].addresses[0].display_name == "mail.example.com"
    assert found["Subject"] == "New login to " + user.address
    assert found["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<\d+\.%s@mail\.example\.com>" % ids.pop(),
                        found["Message-ID"])
    when = found["Date"].datetime
    assert when.utcoffset().total_seconds() == 0
    assert abs(when.timestamp() - time.time()) < 600
    text = found.get_content()
    for line in ("mailbox     " + user.address,
                 "time        %s (UTC)" % found["Date"],
                 "address     " + HOME + ", from whose network nobody came "
                 "before",
                 "password    the account's own",
                 "server      mail.example.com",
                 "postmaster@example.com"):
        assert "\n    " + line + "\n" in text
    assert "can read and delete\nyour mail" in text
    assert "the account gets another\npassword" in text
    assert max(len(line) for line in data.split(b"\r\n")) <= 78


def test_the_connection_is_that_of_the_log(user):
    """Who shows it to the administrator is understood."""
    session(user)
    data, = session(user)
    i = re.search(r"^    connection  (\S+)\r?$", data.decode(), re.M).group(1)
    lines = [line for line, of in user.server.log_lines_with_ids() if of == i]
    assert [line.split(":")[0] for line in lines] == [
        "login", "notified", "end"]


def test_told_once(user):
    """Neither a neighbour's address nor a known one is new."""
    session(user)
    for peer in (HOME, "192.0.2.200", "::ffff:192.0.2.9", HOME):
        session(user, peer)
    assert len(notices(user)) == len(told(user.server)) == 1
    session(user, "192.0.3.7")
    session(user, "192.0.3.8")
    assert told(user.server)[1:] == [
        "peer=192.0.3.7 new=network via=127.0.0.1"]
    assert len(notices(user)) == 2


def test_networks_of_ipv6(user):
    for peer in ("2001:db8:1::7", "2001:db8:1:ffff::1", "2001:db8:2::7"):
        session(user, peer)
    assert told(user.server) == ["peer=%s new=network via=127.0.0.1" % peer
                                 for peer in ("2001:db8:1::7",
                                              "2001:db8:2::7")]


def test_application_passwords(user):
    """Each once; and one message tells of both."""
    session(user)
    phone = add_label(user, "the \u2013 phone")
    session(user, password=phone)
    session(user, password=phone)
    desk = add_label(user, "desk")
    session(user, OUT, desk)
    label = r"app-password=the\040\342\200\223\040phone via=127.0.0.1"
    assert told(user.server)[1:] == [
        "peer=%s new=app-password %s" % (HOME, label),
        "peer=%s new=network,app-password app-password=desk via=127.0.0.1"
        % OUT]
    texts = [strict(data).get_content() for data in notices(user)]
    of_phone, = [text for text in texts if "phone" in text]
    assert ("    password    the application password \"the \u2013 phone\","
            "\n                which was not used before\n") in of_phone
    assert "    address     %s\n" % HOME in of_phone
    assert "\"the \u2013 phone\" is revoked" in of_phone
    of_desk, = [text for text in texts if "desk" in text]
    assert "\"desk\",\n" in of_desk
    assert OUT + ", from whose network nobody came before" in of_desk


def test_a_new_password_with_an_old_label(user):
    session(user)
    for _ in range(2):
        session(user, password=add_label(user, "phone"))
        user.server.ctl("app-password", "revoke", user.address, "phone")
    assert len(told(user.server)) == 3


def test_the_own_password_is_not_new(user):
    """Only networks and application passwords are."""
    session(user, password=add_label(user, "phone"))
    session(user)
    assert len(notices(user)) == 1


def test_what_may_only_read(user):
    """It cannot delete; the user is told all the same."""
    session(user, password=add_label(user, "archive", "-r"))
    data, = notices(user)
    assert b"can read all\nyour mail" in data


def test_whoever_came_cannot_delete_it(user):
    """Not in that session; and one that leaves at once is told of."""
    user.maildir.deliver(message())
    assert len(session(user, delete=True)) == 1
    assert len(notices(user)) == 1
    pop = connect(user, OUT)
    pop.send("USER %s\r\nPASS %s\r\n" % (user.address, user.password))
    user.server.wait_log("^login: .* peer=" + OUT)
    pop.reset()
    user.server.wait_empty()
    assert len(notices(user)) == 2


def test_refused_logins_are_not_told_of(user):
    pop = connect(user)
    pop.ok("USER " + user.address)
    pop.err("PASS wrong", "AUTH")
    pop.close()
    user.server.wait_empty()
    assert notices(user) == [] and told(user.server) == []


def test_known_by_the_journal(user):
    """Of before, of before it was turned over, and of another program."""
    write_journal(user, FIRST + login_line(peer=HOME), "journal.old")
    write_journal(user, FIRST + login_line(peer=OUT, label="phone") +
                  "time=2026-01-01T00:00:00Z event=known-network "
                  "network=203.0.113.0/24\n")
    phone = add_label(user, "phone")
    for peer in (HOME, OUT, "203.0.113.9"):
        session(user, peer, phone)
    assert notices(user) == []


def test_a_host_without_domains(make_server):
    """A name that is none in a header cannot break one."""
    server = make_server(extra="notify new-login\n"
                         "hostname evil\"<x@y>,(z\\\n")
    account = server.add_account()
    account.login().quit()
    server.wait_empty()
    found = strict(notices(account)[0])
    assert found["From"].addresses[0].addr_spec == "postmaster@example.com"


# What it costs.

def test_off_by_default(account):
    """No message, no line, and the journal is only appended to."""
    account.login().quit()
    account.server.wait_empty()
    pop = account.server.connect()
    pop.ok("USER " + account.address)
    strace = Strace(account.server.processes(pop).parent, "-e", "trace=openat")
    pop.ok("PASS " + account.password)
    pop.quit()
    strace.finish()
    calls = [call for call in strace.calls("openat") if "journal" in call]
    assert len(calls) == 2 and all("O_APPEND" in call for call in calls)
    assert account.maildir.files() == []
    assert len(account.server.log_lines()) == 4


def test_quota(user):
    """It counts, as any mail."""
    path = user.maildir.path + "/maildirsize"
    with open(path, "w") as f:
        f.write("1000000S\n0 0\n")
    if ROOT:
        os.chown(path, user.server.owner.pw_uid, user.server.owner.pw_gid)
    session(user)
    with open(path) as f:
        assert f.read() == "1000000S\n0 0\n%d 1\n" % len(notices(user)[0])


@pytest.mark.skipif(not ROOT, reason="root mounts")
def test_full_disk(user):
    """A line in the log, and a login; it is not told later."""
    session(user)
    path = user.maildir.path
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700,uid=%d,gid=%d" % (
            user.server.owner.pw_uid, user.server.owner.pw_gid), "none", path],
        check=True)
    try:
        user.maildir.make()
        session(user)
        session(user, delete=True)
        with open(path + "/filler", "wb", buffering=0) as f:
            with pytest.raises(OSError):
                while f.write(b"x" * 4096):
                    pass
        user.server.mark_log()
        session(user, OUT)
        assert notices(user) == [] and os.listdir(path + "/tmp") == []
        user.server.wait_log(": the user is not told of new logins: .*; make "
                             "room on that file system")
        os.unlink(path + "/filler")
        session(user, OUT)
        assert notices(user) == [] and told(user.server) == []
    finally:
        user.server.close_clients()
        user.server.wait_empty()
        subprocess.run(["umount", path], check=True)


def test_no_tmp_to_write_to(user):
    """The same; what is said is said once a login, and no more."""
    os.rmdir(user.maildir.path + "/tmp")
    with open(user.maildir.path + "/tmp", "w"):
        pass
    session(user)
    lines = [line for line in user.server.log_lines()
             if "the user is not told of new logins" in line]
    assert len(lines) == 1 and notices(user) == []


def test_no_journal_no_message(user):
    """Else each login would be new, and the mailbox would fill with them."""
    write_journal(user, "pop3d journal 2\nall is otherwise\n")
    session(user)
    session(user)
    assert notices(user) == []
    assert len([line for line in user.server.log_lines()
                if "journal" in line]) == 2
    os.unlink(user.maildir.path + "/pop3d/journal")
    os.mkfifo(user.maildir.path + "/pop3d/journal")
    user.server.mark_log()
    session(user)
    assert notices(user) == [] and len([
        line for line in user.server.log_lines() if "Maildir: " in line]) == 1


# Killed at each call.

def traced_login(user, **what):
    pop = connect(user)
    pop.ok("USER " + user.address)
    tracer = Tracer(user.server.processes(pop).parent, **what)
    pop.send("PASS %s\r\n" % user.password)
    pop.close()  # it ends by that, if not before
    tracer.finish()
    user.server.wait_empty()


@pytest.mark.long
def test_killed_at_each_call(user):
    """From the journal's line on: there is a whole message, or none, and
    never two."""
    application_password(user)
    session(user)
    path = user.maildir.path
    journal = path + "/pop3d/journal"
    with open(journal) as f:
        known = f.read().replace("192.0.2.", "10.0.0.")

    def reset():
        write_journal(user, known)
        for name in user.maildir.files():
            os.unlink(path + "/" + name)

    reset()
    seen = []  # at each call: has the journal the line, the user the message?
    traced_login(user, at_call=lambda n, number: seen.append(
        (os.path.getsize(journal) > len(known), notices(user) != [])))
    first, last = seen.index((True, False)), seen.index((True, True))
    assert last - first > 5  # calls that make it
    whole = 0
    for n in range(first - 3, last + 8):
        reset()
        traced_login(user, kill_at=n)
        before = notices(user)
        assert len(session(user)) == len(before)
        after = notices(user)
        assert len(after) <= 1 and all(
            data.endswith(b"open, too.\n") for data in after)
        assert os.listdir(path + "/tmp") in ([], ["pop3d.0"])
        whole += len(before)
    assert 0 < whole < last + 11 - first


# Clients.

@pytest.fixture(scope="module")
def localhost_notified():
    """A server with the name by which all clients find it."""
    directory = temporary_directory()
    server = Server(make_certificate(directory, "localhost"),
                    extra="notify new-login\n")
    yield server
    server.stop()
    shutil.rmtree(directory)


@pytest.mark.parametrize("client", [Fetchmail, Mpop, Getmail])
def test_clients_fetch_it(localhost_notified, client, tmp_path):
    account = localhost_notified.add_account()
    poller = client(account, str(tmp_path))
    poller.poll(False)
    assert poller.fetched() == []
    poller.poll(True)
    data, = poller.fetched()
    found = strict(data)
    assert "127.0.0.1, from whose network" in found.get_content()
    assert email.utils.parseaddr(str(found["To"]))[1] == account.address
    wait_until(lambda: notices(account) == [], "it is not deleted")
