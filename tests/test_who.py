"""pop3ctl who and kick, and revocation that means now."""

import calendar
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from daemon import POP3CTL, ROOT, wait_until
from mailbox import read_only
from maildir import message
from processes import descriptors

COUNT = 3
LARGE = b"Subject: large\n\n" + 2000000 * b"a line of a large message\n"
NOBODY = ": nobody has the mailbox\n"


@pytest.fixture
def mail(account):
    for _ in range(COUNT):
        account.maildir.deliver(message())
    account.login().quit()
    return account


def marked(account, password=None):
    """A session with a mark that only its QUIT would make count."""
    pop = account.server.connect().login(
        account.address, password or account.password)
    pop.ok("DELE 1")
    return pop


def app_password(account, label):
    return account.server.ctl("app-password", "add", account.address,
                              label).stdout.splitlines()[-1]


def check_ended(account, pop, pids=None):
    """Without an UPDATE, and the log says by what."""
    assert re.fullmatch(rb"(-ERR \[SYS/TEMP\] the administrator has ended "
                        rb"this session, try again later\r\n)?", pop.rest())
    account.server.wait_log("^end: user=%s .*reason=kicked .*deleted=0 " %
                            re.escape(account.address))
    assert len(account.maildir.files()) == COUNT


def who(server):
    return json.loads(server.ctl("who", "-j").stdout)


def test_who(make_server):
    server = make_server()
    accounts = [server.add_account() for _ in range(3)]
    assert server.ctl("who").stdout == "" and who(server) == []
    sessions = [accounts[n].login() for n in (0, 2)]
    lines = server.ctl("who").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        accounts[n].address for n in (0, 2)]
    for line, pop, found in zip(lines, sessions, who(server)):
        store = server.processes(pop).store
        assert " pid=%d" % store in line
        assert found["pid"] == store
    sessions[0].quit()
    server.wait_log("^end: ")
    assert [found["address"] for found in who(server)] == [
        accounts[2].address]


def test_kick(mail):
    pop = marked(mail)
    store = mail.server.processes(pop).store
    done = mail.server.ctl("kick", mail.address)
    assert done.stdout == "%s: session ended pid=%d\n" % (mail.address, store)
    assert store not in mail.server.pids()
    check_ended(mail, pop)
    mail.server.wait_empty()
    # Whoever is kicked may come back: nothing was revoked.
    mail.login().quit()
    assert mail.server.ctl("kick", mail.address).stdout == \
        mail.address + NOBODY


def test_kick_leaves_others_alone(mail):
    other = mail.server.add_account()
    pop, theirs = marked(mail), other.login()
    mail.server.ctl("kick", mail.address)
    check_ended(mail, pop)
    theirs.quit()


def test_kick_of_nobody(server):
    done = server.ctl("kick", "nobody@example.com", check=False)
    assert done.returncode == 1 and "no account" in done.stderr


def test_kick_in_the_middle_of_a_message(account):
    """Whose client takes its time to read it."""
    account.maildir.deliver(LARGE)
    pop = account.login()
    pop.ok("DELE 1")
    pop.ok("RSET")
    pop.ok("RETR 1")
    account.server.ctl("kick", account.address)
    account.server.wait_empty()
    assert not pop.rest().endswith(b"\r\n.\r\n")
    account.server.wait_log("^end: .*reason=kicked .*deleted=0 ")
    assert len(account.maildir.files()) == 1


@pytest.mark.skipif(not ROOT, reason="only root may trace the store")
def test_kick_after_the_commit(mail):
    """The messages are out of the mailbox, and the next one unlinks what is
    left."""
    from inject import Strace
    pop = mail.login()
    for n in range(COUNT):
        pop.ok("DELE %d" % (n + 1))
    store = mail.server.processes(pop).store
    strace = Strace(store, "-P", mail.maildir.path + "/cur", "-e",
                    "trace=unlinkat", "-e",
                    "inject=unlinkat:signal=STOP:when=1")
    pop.send("QUIT\r\n")
    wait_until(lambda: len(mail.maildir.files()) == COUNT - 1,
               "nothing is unlinked")
    done = mail.server.ctl("kick", mail.address)
    assert "pid=%d" % store in done.stdout
    assert store not in mail.server.pids()
    strace.finish()
    pop = mail.login()
    assert pop.stat()[0] == 0
    pop.quit()
    assert mail.maildir.files() == []


def test_kick_of_one_that_does_not_listen(mail):
    """A stopped process is killed, which loses nothing either."""
    import signal
    pop = marked(mail)
    store = mail.server.processes(pop).store
    os.kill(store, signal.SIGSTOP)
    done = mail.server.ctl("kick", mail.address)
    assert "pid=%d" % store in done.stdout
    assert store not in mail.server.pids()
    assert len(mail.maildir.files()) == COUNT
    pop.rest()
    mail.login().quit()


HOLDER = """
import fcntl, sys, time
f = open(sys.argv[1], "r+")
fcntl.lockf(f, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not ROOT, reason="only root makes namespaces")
def test_held_elsewhere(mail):
    """By a process that has no number here: as on another host, or in a
    container."""
    lock = mail.maildir.path + "/pop3d/lock"
    holder = subprocess.Popen(
        ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c",
         HOLDER, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        # Our own view is of a namespace that does not have it.
        assert holder.stdout.readline() == b"held\n"
        inside = ["unshare", "--pid", "--fork", POP3CTL, "-f",
                  mail.server.conf]
        told = subprocess.run([*inside, "who"], text=True,
                              capture_output=True)
        line = [line for line in told.stdout.splitlines()
                if line.startswith(mail.address + " ")]
        assert re.fullmatch(r"\S+ host=\S+", line[0].split(" since=")[0])
        done = subprocess.run([*inside, "kick", mail.address], text=True,
                              capture_output=True)
        assert (done.returncode, done.stdout) == (1, "")
        assert re.fullmatch(r"pop3ctl: %s: held on .+, cannot be ended from "
                            r"here\n" % re.escape(mail.address), done.stderr)
        assert holder.poll() is None
    finally:
        holder.stdin.close()
        holder.wait(20)


REVOKED = [["delete"], ["set", "access=off"], ["passwd"],
           ["set", "password=none"], ["set", "two-factor=on"]]


def revoke(account, words, check=True):
    return account.server.ctl(words[0], account.address, *words[1:],
                              stdin="another\n", check=check)


@pytest.mark.parametrize("words", REVOKED, ids=" ".join)
def test_revocation_ends_the_session(mail, words):
    pop = marked(mail)
    done = revoke(mail, words)
    assert done.stderr == "" and "session ended" in done.stdout
    check_ended(mail, pop)
    with mail.server.connect() as pop:
        pop.ok("USER " + mail.address)
        pop.err("PASS " + mail.password, "AUTH")


@pytest.mark.skipif(not ROOT, reason="only root mounts")
def test_kick_of_several_in_a_mailbox_that_is_read_alone(mail):
    with read_only(mail):
        sessions = [mail.login() for _ in range(3)]
        done = mail.server.ctl("kick", mail.address)
        assert done.stdout.count("session ended") == 3
        for pop in sessions:
            pop.rest()


def test_interrupted_after_the_change(server):
    """What was changed is followed by what belongs to it."""
    changed = 0
    for n in range(30):
        account = server.add_account()
        account.maildir.deliver(message())
        pop = account.login()
        pop3ctl = subprocess.Popen(
            [POP3CTL, "-f", server.conf, "set", account.address,
             "access=off"], start_new_session=True, stdout=subprocess.DEVNULL)
        time.sleep(n / 200)
        os.killpg(pop3ctl.pid, signal.SIGINT)
        pop3ctl.wait()
        if "access=off" in server.ctl("show", account.address).stdout:
            changed += 1
            pop.rest()
        else:
            pop.quit()
        if changed == 3:
            break
    assert changed == 3


def with_a_failure(account):
    """A connection that has an auth, which knows the accounts as they are."""
    pop = account.server.connect()
    pop.ok("USER " + account.address)
    pop.err("PASS wrong", "AUTH")
    pop.ok("USER " + account.address)
    return pop


@pytest.mark.parametrize("words", REVOKED, ids=" ".join)
def test_revocation_counts_on_a_connection_that_failed(mail, words):
    pop = with_a_failure(mail)
    revoke(mail, words)
    pop.err("PASS " + mail.password, "AUTH")
    mail.server.wait_log("^login refused: .*user=%s "
                         % re.escape(mail.address), 2)


def test_revoked_label_counts_on_a_connection_that_failed(mail):
    password = app_password(mail, "phone")
    pop = with_a_failure(mail)
    mail.server.ctl("app-password", "revoke", mail.address, "phone")
    pop.err("PASS " + password, "AUTH")


def test_changed_accounts_on_a_connection_that_failed(mail):
    """What is new is let in; and each failure counts, whoever judged it."""
    pop = with_a_failure(mail)
    pop.ok("PASS " + app_password(mail, "phone"))
    assert pop.stat()[0] == COUNT
    pop.quit()
    pop = mail.server.connect()
    for n in range(3):
        app_password(mail, "label-%d" % n)
        pop.ok("USER " + mail.address)
        pop.err("PASS wrong-%d" % n, "AUTH")
    assert pop.rest() == b""


@pytest.mark.parametrize("word", ["maildir=%s/elsewhere", "owner=daemon"])
def test_a_mailbox_that_moves_ends_its_sessions(mail, word):
    """From where it was: there nobody would find them later."""
    pop = marked(mail)
    done = mail.server.ctl("set", mail.address, word.replace(
        "%s", mail.server.mail))
    assert "session ended" in done.stdout
    check_ended(mail, pop)


@pytest.mark.parametrize("words", [
    ["set", "spam=include"], ["set", "access=from-now"],
    ["set", "auto-delete=no"], ["set", "two-factor=off"]], ids=" ".join)
def test_other_changes_end_none(mail, words):
    pop = marked(mail)
    assert revoke(mail, words).stdout == ""
    pop.quit()


@pytest.mark.parametrize("words", REVOKED, ids=" ".join)
def test_whoever_was_judged_before_is_not_let_in(mail, words):
    """A login that waits for the lock when its password is revoked.

    Once in a while it is quicker than pop3ctl to get the lock, which no
    queue can help; then it is judged and ended like the first.
    """
    first = marked(mail)
    late = mail.server.connect()
    store = mail.server.processes(late).store
    late.ok("USER " + mail.address)
    late.send("PASS %s\r\n" % mail.password)
    cur = os.path.join(mail.maildir.path, "cur")
    wait_until(lambda: cur in descriptors(store).values(),
               "the second session's store does not open the mailbox")
    revoke(mail, words)
    answer = late.line()
    if answer.startswith(b"+OK "):
        check_ended(mail, late)
    else:
        assert answer.startswith(b"-ERR [IN-USE] ")
    check_ended(mail, first)


def test_accounts_that_share_a_mailbox(server, mail):
    """Each is hunted for once, and not by those that hunt for another."""
    addresses = ["n%d@shared.example" % n for n in range(20)]
    for address in addresses:
        server.add_account(address, maildir=mail.maildir.path)
    pop = server.connect().login(addresses[7], "secret")
    pop.ok("DELE 1")
    done = server.ctl("set", "*@shared.example", "access=off")
    assert done.stderr == ""
    assert len(re.findall("session ended pid=", done.stdout)) == 1
    pop.rest()
    assert len(mail.maildir.files()) == COUNT


def test_two_that_revoke_do_not_take_each_other_for_sessions(server, mail):
    """The first keeps the mailbox for two seconds; the second comes then."""
    command = [POP3CTL, "-f", server.conf, "set", mail.address, "access=off"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as first:
        wait_until(lambda: "access=off" in server.ctl(
            "show", mail.address).stdout.replace(": ", "="), "it is not off")
        assert who(server) == []
        assert revoke(mail, ["passwd"]).stderr == ""
        assert (first.wait(60), first.stderr.read()) == (0, b"")


def test_a_failed_change_ends_nothing(mail):
    pop = marked(mail)
    assert revoke(mail, ["set", "access=off", "spam=x"],
                  check=False).returncode == 1
    assert revoke(mail, ["app-password", "revoke"],
                  check=False).returncode != 0
    pop.quit()


def test_who_tells_of_the_login(mail):
    """Since when, from where, with what."""
    phone = app_password(mail, "my phone")
    for password, label in ((mail.password, ""), (phone, "my phone")):
        before = int(time.time())
        with mail.server.connect() as pop:
            pop.login(mail.address, password)
            line, = [line for line in mail.server.ctl("who").stdout.split(
                "\n") if line.startswith(mail.address + " ")]
            pid = mail.server.processes(pop).store
            found = re.fullmatch(
                r"\S+ pid=%d since=(\S+Z) peer=127\.0\.0\.1( label=%s)?" % (
                    pid, re.escape("my\\040phone")), line)
            assert found, line
            assert bool(found.group(2)) == bool(label)
            since = calendar.timegm(time.strptime(
                found.group(1), "%Y-%m-%dT%H:%M:%SZ"))
            assert before <= since <= time.time()
            of_json, = [found for found in who(mail.server)
                        if found["address"] == mail.address]
            assert of_json == {
                "address": mail.address, "pid": pid, "peer": "127.0.0.1",
                "since": found.group(1), "label": label}
            pop.quit()


@pytest.mark.parametrize("label,words,ends", [
    ("phone", ["app-password", "revoke", "phone"], True),
    ("phone", ["app-password", "revoke", "laptop"], False),
    ("phone", ["passwd"], False), ("", ["passwd"], True),
    ("", ["app-password", "revoke", "phone"], False),
    ("phone", ["set", "access=off"], True)], ids=str)
def test_only_those_that_are_concerned(mail, label, words, ends):
    passwords = {name: app_password(mail, name)
                 for name in ("phone", "laptop")}
    passwords[""] = mail.password
    pop = marked(mail, passwords[label])
    if words[0] == "app-password":
        done = mail.server.ctl(*words[:2], mail.address, words[2])
    else:
        done = revoke(mail, words)
    assert ("session ended" in done.stdout) == ends
    if ends:
        check_ended(mail, pop)
    else:
        pop.quit()
        assert len(mail.maildir.files()) == COUNT - 1


def test_a_journal_that_tells_nothing(mail):
    """What cannot be told is ended."""
    pop = marked(mail, app_password(mail, "phone"))
    os.unlink(mail.maildir.path + "/pop3d/journal")
    line, = [line for line in mail.server.ctl("who").stdout.splitlines()
             if line.startswith(mail.address + " ")]
    assert re.fullmatch(r"\S+ pid=\d+", line)
    assert "session ended" in revoke(mail, ["passwd"]).stdout
    pop.rest()
    mail.server.wait_log("^end: .*reason=stopped ")
    assert len(mail.maildir.files()) == COUNT


def test_a_forged_journal(mail):
    """It decides nothing but what is shown, and forges no line."""
    pop = marked(mail)
    pid = mail.server.processes(pop).store
    path = mail.maildir.path + "/pop3d/journal"
    with open(path) as f:
        login = [line for line in f if " event=login " in line][-1]
    forged = re.sub(r" peer=\S*", r" peer=\\033[2J\\012root", login)
    with open(path, "a") as f:
        f.write(forged + "garbage\n" + 3000 * "x" + "\n")
    out = mail.server.ctl("who").stdout
    line, = [line for line in out.splitlines()
             if line.startswith(mail.address + " ")]
    assert "peer=\\033[2J\\012root" in line and "pid=%d" % pid in line
    assert "\033" not in out
    assert "session ended" in mail.server.ctl("kick", mail.address).stdout
    pop.rest()
