"""The index: work in proportion to what changed, and pop3ctl that mends."""

import os
import re
import select
import signal
import subprocess

import pytest

import processes
import seal
from daemon import POP3CTL, ROOT, wait_until
from inject import Strace, application_password
from maildir import message, unique
from pop3 import wire

ONLY_ROOT = pytest.mark.skipif(
    not ROOT, reason="only root may trace the store, which is not dumpable")


class Mailbox:
    def __init__(self, account, count=0):
        self.account = application_password(account)
        self.maildir = account.maildir
        self.server = account.server
        self.data = {}
        self.deliver(count)
        self.ctl("index")

    def deliver(self, count, put=None):
        names = [unique() for _ in range(count)]
        for name in names:
            self.data[name] = message(name)
            (put or self.maildir.deliver)(self.data[name], name)
        return names

    def ctl(self, command, **keywords):
        return self.server.ctl(command, self.account.address, **keywords)

    def see(self):
        pop = self.account.login()
        sizes, uidls = pop.list(), pop.uidl()
        assert pop.stat() == (len(sizes), sum(sizes.values()))
        for n, octets in sizes.items():
            assert octets == len(wire(self.data[uidls[n]]))
        for n in range(1, len(sizes) + 1, len(sizes) // 10 + 1):
            assert pop.retr(n) == wire(self.data[uidls[n]])
        pop.quit()
        return list(uidls.values())

    def settle(self):
        """Until the directories' times are old enough to be recorded."""
        def is_settled():
            self.account.login().quit()
            self.server.wait_empty()
            return seal.is_settled(self.maildir)
        wait_until(is_settled, "the seal has not all times")

    def watch(self, *options):
        """A login and STAT: the answer, and the store's system calls."""
        pop = self.server.connect()
        pop.ok("USER " + self.account.address)
        strace = Strace(self.server.processes(pop).parent, *options)
        pop.ok("PASS " + self.account.password)
        stat = pop.stat()
        pop.quit()
        strace.finish()
        return stat, strace.calls()


def opened(calls):
    """Base names of the messages that were opened."""
    found = [re.match(r'(?:open|openat)\(.*?"(?:\S*/)?(\d+\.M\w+\.host)[:"]',
                      line) for line in calls]
    return [m.group(1) for m in found if m]


def readings(calls):
    """How often a directory was listed."""
    return sum('"."' in line and "O_DIRECTORY" in line for line in calls)


@ONLY_ROOT
def test_work(server):
    """10,000 messages: each change costs what changed, and no more."""
    mailbox = Mailbox(server.add_account(), 10000)
    old = list(mailbox.data)
    mailbox.settle()

    # New mail: new/ is read, the new files are opened, once each.
    new = mailbox.deliver(3)
    stat, calls = mailbox.watch()
    assert stat[0] == 10003
    assert sorted(opened(calls)) == new
    assert readings(calls) == 1
    assert len(calls) < 400
    mailbox.settle()

    # Others rename, and delete: cur/ is read, no message is opened.
    for name in old[::100]:
        path = mailbox.maildir.find(name) if name == old[0] else \
            mailbox.maildir.path + "/cur/" + name + ":2,"
        os.rename(path, path + "RS")
    for name in old[1::1000]:
        os.unlink(mailbox.maildir.path + "/cur/" + name + ":2,")
        del mailbox.data[name]
    stat, calls = mailbox.watch()
    assert stat[0] == 10003 - 10
    assert opened(calls) == []
    mailbox.settle()

    # Nothing has changed: nothing is read.
    stat, calls = mailbox.watch()
    assert stat[0] == 10003 - 10
    assert opened(calls) == [] and readings(calls) == 0
    assert mailbox.see() == list(mailbox.data)


@ONLY_ROOT
def test_deletion_opens_no_message(account):
    mailbox = Mailbox(account, 1000)
    names = list(mailbox.data)
    mailbox.settle()
    pop = account.login()
    for n in range(1, 51):
        pop.ok("DELE %d" % n)
    strace = Strace(mailbox.server.processes(pop).store)
    pop.quit()
    strace.finish()
    assert opened(strace.calls()) == []
    assert len(strace.calls("unlink|unlinkat")) < 60
    assert readings(strace.calls()) == 0
    assert mailbox.see() == names[50:]


@ONLY_ROOT
def test_files_are_unlinked_after_the_commit(account):
    """What a power cut leaves behind: the order of syncs and unlinks (I2).

    First the log is on disk, then the files go, then cur/ is on disk, and
    only then are the names forgotten.
    """
    mailbox = Mailbox(account, 20)
    mailbox.settle()
    pop = account.login()
    for n in range(1, 6):
        pop.ok("DELE %d" % n)
    strace = Strace(mailbox.server.processes(pop).store, "-y")
    pop.quit()
    strace.finish()
    steps = ""
    for line in strace.calls():
        if re.match(r"(fsync|fdatasync)\(.*/log\.", line):
            steps += "L"
        elif re.match(r"(fsync|fdatasync)\(.*/cur>", line):
            steps += "C"
        elif re.match(r"unlink(at)?\(.*\.host", line):
            steps += "u"
        elif re.match(r"p?write(64)?\(.*/(log\.|index\.db)", line):
            steps += "w"
    assert re.fullmatch(r"[wL]*wLu{5}C[wL]*", steps), steps


# pop3ctl index.

def start_index(mailbox, terminal):
    return subprocess.Popen(
        [POP3CTL, "-f", mailbox.server.conf, "index",
         mailbox.account.address], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=terminal, start_new_session=True)


def read_until(fd, wanted):
    text = b""
    while wanted not in text:
        assert select.select([fd], [], [], 60)[0], text
        text += os.read(fd, 4096)
    return text


def press(process):
    """Ctrl-C: what is in the foreground of the terminal gets it."""
    os.killpg(process.pid, signal.SIGINT)


def kill_both(process):
    """The owner's process, which works, has a session of its own."""
    for pid in [process.pid] + processes.children(process.pid):
        os.kill(pid, signal.SIGKILL)


def interrupt(mailbox, how):
    """Ends it after the first progress; what the terminal shows."""
    terminal, other = os.openpty()
    process = start_index(mailbox, other)
    shown = read_until(terminal, b" of ")
    how(process)
    out, _ = process.communicate(timeout=60)
    os.close(other)
    try:
        shown += read_until(terminal, b"\n")
    except OSError:
        pass  # all is read
    os.close(terminal)
    assert out == b""
    return process.returncode, shown.decode()


def test_index_is_interrupted(account):
    """By Ctrl-C: it says so, keeps what is done, and goes on from there."""
    mailbox = Mailbox(account)
    names = mailbox.deliver(6000)
    status, shown = interrupt(mailbox, press)
    assert status == 1
    assert re.search(re.escape(account.address) + r": 1000 of 6000", shown)
    assert "interrupted; what was done is kept" in shown
    done = len(os.listdir(mailbox.maildir.path + "/cur"))
    assert 1000 <= done < 6000
    done = mailbox.ctl("index")
    assert done.stdout == "%s: 6000 messages, %d octets\n" % (
        account.address, sum(len(wire(d)) for d in mailbox.data.values()))
    assert done.stderr == ""
    assert mailbox.see() == names


def test_index_is_killed(account):
    mailbox = Mailbox(account)
    names = mailbox.deliver(6000)
    status, _ = interrupt(mailbox, kill_both)
    assert status == -signal.SIGKILL
    wait_until(lambda: not is_locked(mailbox), "the lock is not free")
    mailbox.ctl("index")
    assert mailbox.see() == names


def is_locked(mailbox):
    """pop3ctl's child has its own end, when its parent is killed."""
    done = mailbox.ctl("queue", check=False)
    return "a session has the mailbox" in done.stderr


def test_index_of_a_busy_mailbox(account):
    mailbox = Mailbox(account, 3)
    pop = account.login()
    done = mailbox.ctl("index", check=False)
    assert done.returncode == 1
    assert "a session has the mailbox" in done.stderr
    pop.quit()
    assert mailbox.ctl("index").returncode == 0


# pop3ctl check.

def grow(mailbox, names):
    """A program writes into a message: its size is another."""
    with open(mailbox.maildir.find(names[2]), "ab") as f:
        f.write(b"more\n")
    mailbox.data[names[2]] += b"more\n"
    return r"%s: has \d+ octets, not \d+" % re.escape(names[2])


def remove(mailbox, names):
    os.unlink(mailbox.maildir.find(names[4]))
    del mailbox.data[names[4]]
    return r"%s: its file is gone" % re.escape(names[4])


def put(mailbox, _):
    name, = mailbox.deliver(1, mailbox.maildir.put)
    return r"%s: was not in the index" % re.escape(name)


def behind_its_back(change):
    """So that cur/ seems to be what it was."""
    def hidden(mailbox, names):
        said = change(mailbox, names)
        seal.overlook(mailbox.maildir)
        return said
    hidden.__name__ = change.__name__ + "_hidden"
    return hidden


def garble(mailbox, _):
    with open(mailbox.maildir.path + "/pop3d/index.db", "r+b") as f:
        f.seek(4096 + 100)
        f.write(b"garbage" * 100)
    return r"the index was damaged and is made anew"


def lose(mailbox, _):
    os.unlink(mailbox.maildir.path + "/pop3d/index.db")
    return r""


@pytest.mark.parametrize("change", [
    grow, behind_its_back(remove), behind_its_back(put), garble],
                         ids=lambda change: change.__name__)
def test_check_mends(account, change):
    """It says what it mended; then all is right, and nothing is left."""
    mailbox = Mailbox(account, 10)
    mailbox.settle()
    said = change(mailbox, list(mailbox.data))
    done = mailbox.ctl("check")
    lines = done.stdout.splitlines()
    assert lines[-1] == "%s: %d messages, %d octets, %d mended" % (
        account.address, len(mailbox.data),
        sum(len(wire(d)) for d in mailbox.data.values()), len(lines) - 1)
    assert re.search(r"mended: " + said, done.stdout), done.stdout
    assert mailbox.see() == list(mailbox.data)
    assert mailbox.ctl("check").stdout.endswith(", 0 mended\n")


def test_check_finds_nothing(account):
    """What a login brings up to date itself is no damage."""
    mailbox = Mailbox(account, 10)
    assert mailbox.ctl("check").stdout.endswith(", 0 mended\n")
    assert mailbox.see() == list(mailbox.data)


def test_check_of_a_lost_index(account):
    mailbox = Mailbox(account, 10)
    lose(mailbox, None)
    mailbox.ctl("check")
    assert mailbox.see() == list(mailbox.data)
    assert mailbox.ctl("check").stdout.endswith(", 0 mended\n")


def test_check_does_not_claim_what_is_no_mail(account):
    """A link in new/ is not mended, and not said to be."""
    account.maildir.deliver(message("mail"))
    account.server.ctl("index", account.address)
    os.symlink("/etc/passwd", account.maildir.path + "/new/1700000000.link")
    for _ in range(2):
        told = account.server.ctl("check", account.address).stdout
        assert told.endswith(" 0 mended\n"), told
