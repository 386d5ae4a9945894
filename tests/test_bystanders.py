"""Others at work in cur/ and new/ while we are (I12).

An IMAP server that waits for changes acts the moment we make one: within
our own renames and unlinks.  Whatever it does then, the next login lists
exactly what is there: nothing hidden, nothing that is gone.  Large folders
are watched, small ones read: both are tried.
"""

import ctypes
import os
import re
import shutil
import time

import pytest

import seal
from daemon import ROOT, SANITIZED, preloaded, wait_until
from inject import Strace
from mailbox import TICK_SECONDS, Mailbox
from maildir import message

pytestmark = pytest.mark.skipif(
    not ROOT, reason="only root may trace the store, and change owners")

SMALL, LARGE = 6, 1100  # a folder is watched from 1,000 names on
DELAY = 300000  # microseconds, and longer than a busy machine looks away
UNLINKING = "inject=unlinkat:delay_exit=%d" % DELAY
RENAMING = ("inject=?rename,renameat,renameat2,?link,linkat:delay_exit=%d"
            % DELAY)


class Bystander:
    """What another program does, and who is there afterwards."""

    def __init__(self, mailbox):
        self.mailbox = mailbox
        self.names = list(mailbox.data)

    def gone(self, name):
        self.names.remove(name)

    def move(self):
        """It takes what was delivered just now from new/ to cur/."""
        name, = self.mailbox.deliver(1)
        self.names.append(name)
        os.rename(self.mailbox.new + "/" + name,
                  self.mailbox.cur + "/" + name + ":2,")

    def save(self):
        self.names += self.mailbox.put(1)

    def remove(self):
        name = self.names[3]
        os.unlink(self.mailbox.path(name))
        self.gone(name)

    def replace(self):
        """As many are there as before."""
        self.remove()
        self.save()

    def swap(self):
        """One is flagged, one is removed, one has come."""
        path = self.mailbox.path(self.names[0])
        os.rename(path, path.split(":")[0] + ":2,FS")
        self.replace()


def patient(*values):
    return [pytest.param(value, marks=pytest.mark.long) for value in values]


ACTS = ["move", "swap"] + patient("save", "remove", "replace")
sizes = pytest.mark.parametrize("count", [SMALL, LARGE],
                                ids=["small", "large"])
acts = pytest.mark.parametrize("act", ACTS)


@pytest.fixture(scope="module")
def kept():
    """Large mailboxes, which are made once: they are slow to remove."""
    return []


def again(mailbox):
    """Whatever a test has left of it: as if it were indexed now."""
    shutil.rmtree(mailbox.pop3d)
    os.utime(mailbox.cur)
    contents = mailbox.maildir.contents()
    mailbox.data = {name: contents[name] for name in sorted(
        contents, key=lambda name: int(name.split(".")[0]))}
    mailbox.deliver(LARGE - len(contents))
    mailbox.index()
    return mailbox


@pytest.fixture
def mailbox(server, count, kept):
    if count == SMALL:
        return Mailbox(server.add_account(), count)
    if not kept:
        kept.append(Mailbox(server.add_account(), count))
        return kept[0]
    return again(kept[0])


def exactly(bystander):
    """The next logins list what is there, in whatever order it was seen."""
    mailbox = bystander.mailbox
    mailbox.server.wait_empty()
    for _ in range(2):
        with mailbox.login() as pop:
            listed = list(pop.uidl().values())
            assert pop.stat()[0] == len(listed)
            assert sorted(listed) == sorted(bystander.names)
            pop.quit()
    assert mailbox.present() == sorted(bystander.names)


def act_when_gone(pop, bystander, act, marked, when,
                  delay=UNLINKING):
    """Says QUIT; the bystander acts after the unlinking of one of them."""
    paths = {bystander.mailbox.path(bystander.names[n - 1]) for n in marked}
    strace = Strace(bystander.mailbox.store(pop), "-e", delay)
    pop.send("QUIT\r\n")
    wait_until(lambda: sum(not os.path.exists(p) for p in paths) >= when,
               "nothing is unlinked")
    for name in [bystander.names[n - 1] for n in marked]:
        bystander.gone(name)
    getattr(bystander, act)()
    pop.ok()
    pop.close()
    strace.finish()


@sizes
@acts
@pytest.mark.parametrize("when", [1, 2], ids=["between", "behind"])
def test_within_a_quit(mailbox, count, act, when):
    """Between two unlinks, and behind the last one."""
    mailbox.settle()
    bystander = Bystander(mailbox)
    pop = mailbox.login()
    pop.ok("DELE 2")
    pop.ok("DELE 3")
    act_when_gone(pop, bystander, act, (2, 3), when)
    exactly(bystander)


def test_renamed_while_it_is_looked_for(account):
    """What is not where it was is looked for in new/ and then in cur/: one
    that goes the other way meanwhile is deleted all the same."""
    mailbox = Mailbox(account, SMALL)
    mailbox.settle()
    bystander = Bystander(mailbox)
    pop = mailbox.login()
    pop.ok("DELE 2")
    pop.ok("DELE 3")
    first, second = (mailbox.path(name) for name in bystander.names[1:3])
    seen = second.split(":")[0] + ":2,S"
    os.rename(second, seen)
    strace = Strace(mailbox.store(pop), "-e",
                    "inject=getdents64:delay_exit=%d" % DELAY)
    pop.send("QUIT\r\n")
    wait_until(lambda: not os.path.exists(first), "nothing is unlinked")
    time.sleep(1.5 * DELAY / 1e6)  # new/ has been read, to its end
    os.rename(seen, mailbox.new + "/" + bystander.names[2])
    pop.ok()
    pop.close()
    strace.finish()
    assert len(strace.calls("getdents64")) > 4
    for name in bystander.names[1:3]:
        bystander.gone(name)
    exactly(bystander)


@sizes
@acts
@pytest.mark.parametrize("when", [1, 2], ids=["between", "behind"])
def test_within_a_login(mailbox, count, act, when):
    """Between two of our moves to cur/, and behind the last one."""
    mailbox.settle()
    new = mailbox.deliver(2)
    bystander = Bystander(mailbox)
    pop, strace = mailbox.begin("-e", RENAMING)
    wait_until(lambda: sum(not os.path.exists(mailbox.new + "/" + name)
                           for name in new) >= when, "nothing is moved")
    getattr(bystander, act)()
    pop.ok()
    pop.quit()
    strace.finish()
    exactly(bystander)


@sizes
def test_index_prints_the_right_total(mailbox, count):
    """pop3ctl index reads cur/ whatever its time says."""
    mailbox.settle()
    count = len(mailbox.data)
    mailbox.put(2)
    seal.overlook(mailbox.maildir)
    found = re.search(r"(\d+) messages", mailbox.index())
    assert found and int(found.group(1)) == count + 2
    exactly(Bystander(mailbox))


@sizes
def test_found_gone(mailbox, count):
    """What RETR did not find is not listed again, though cur/ looks as it
    did: nothing makes a client stumble over it twice."""
    mailbox.settle()
    bystander = Bystander(mailbox)
    bystander.remove()
    seal.overlook(mailbox.maildir)
    with mailbox.login() as pop:
        assert pop.stat()[0] == len(mailbox.data)
        pop.err("RETR 4")
        pop.quit()
    exactly(bystander)


def test_found_gone_by_who_vanishes(account):
    """The same when the session does not end by QUIT."""
    mailbox = Mailbox(account, SMALL)
    mailbox.settle()
    bystander = Bystander(mailbox)
    bystander.remove()
    seal.overlook(mailbox.maildir)
    pop = mailbox.login()
    pop.err("RETR 4")
    pop.close()
    exactly(bystander)


@sizes
def test_a_ghost_in_new(mailbox, count):
    """A name that has no room for ":2," stays in new/; others remove it."""
    name = ("1700009999.M1P1." + 250 * "h")[:254]
    mailbox.settle()
    bystander = Bystander(mailbox)
    mailbox.maildir.deliver(message("long"), name)
    for _ in range(2):
        with mailbox.login() as pop:
            assert pop.stat()[0] == len(mailbox.data) + 1
            pop.quit()
        time.sleep(TICK_SECONDS)
    assert os.path.exists(mailbox.new + "/" + name)
    os.unlink(mailbox.new + "/" + name)
    exactly(bystander)
    bystander.names += mailbox.deliver(1)
    exactly(bystander)


@sizes
@pytest.mark.parametrize("seconds", [3600, 0.5])
def test_a_future_date(mailbox, count, seconds):
    """cur/ was stamped by a clock that is ahead of ours."""
    mailbox.settle()
    bystander = Bystander(mailbox)
    ahead = int((os.stat(mailbox.cur).st_atime + seconds) * 10**9)
    bystander.save()
    os.utime(mailbox.cur, ns=(ahead, ahead))
    exactly(bystander)
    mailbox.delete(1)
    bystander.gone(bystander.names[0])
    bystander.save()
    os.utime(mailbox.cur, ns=(ahead, ahead))
    exactly(bystander)


@pytest.mark.skipif(SANITIZED, reason="sanitizers want to be loaded first")
def test_a_file_server_with_a_clock_of_its_own(make_server, tmp_path):
    """It is three seconds behind and counts whole seconds: what it stamps
    alike are several changes, though the stamp looks old."""
    server = make_server(environment={
        "LD_PRELOAD": preloaded(str(tmp_path), "file_server")})
    mailbox = Mailbox(server.add_account())
    mailbox.deliver(SMALL)
    bystander = Bystander(mailbox)
    exactly(bystander)
    for act in ["save", "move"] * 3:
        bystander.names += mailbox.deliver(1)
        mailbox.login().quit()
        getattr(bystander, act)()
        exactly(bystander)
        getattr(bystander, act)()
        with mailbox.login() as pop:
            first = pop.uidl()[1]
            pop.ok("DELE 1")
            pop.quit()
        bystander.gone(first)
        getattr(bystander, act)()
        exactly(bystander)
    # That one is missing can be told when its seconds are over.
    bystander.replace()
    time.sleep(3.2)
    exactly(bystander)


@pytest.fixture
def no_instances(owner_uid):
    """Nobody with the mailboxes' uid can have another inotify instance."""
    libc = ctypes.CDLL(None, use_errno=True)
    ready_read, ready_write = os.pipe()
    end_read, end_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.setuid(owner_uid)
        while libc.inotify_init() != -1:
            pass
        os.write(ready_write, b"x")
        os.close(end_write)
        os.read(end_read, 1)
        os._exit(0)
    os.close(end_read)
    assert os.read(ready_read, 1)
    yield
    os.close(end_write)
    os.waitpid(child, 0)
    os.close(ready_read)
    os.close(ready_write)


@pytest.fixture
def owner_uid(server):
    return server.owner.pw_uid


@pytest.mark.parametrize("count", [LARGE])
@acts
def test_without_a_watch(mailbox, count, no_instances, act):
    """Then the next login reads the names, and nobody hears of it."""
    bystander = Bystander(mailbox)
    mailbox.login().quit()
    pop = mailbox.login()
    pop.ok("DELE 2")
    act_when_gone(pop, bystander, act, (2,), 1)
    exactly(bystander)
    assert not re.search("inotify|watch|Too many", mailbox.server.log())


@pytest.mark.long
@pytest.mark.parametrize("count", [LARGE])
def test_more_than_a_watch_can_hold(mailbox, count):
    """20,000 changes by others within one QUIT: its queue overflows."""
    mailbox.settle()
    bystander = Bystander(mailbox)

    def many():
        path = mailbox.path(bystander.names[0])
        for n in range(10000):
            new = path.split(":")[0] + (":2,F" if n % 2 else ":2,S")
            os.rename(path, new)
            path = new
        bystander.replace()
    bystander.many = many
    pop = mailbox.login()
    pop.ok("DELE 2")
    act_when_gone(pop, bystander, "many", (2,), 1,
                  "inject=unlinkat:delay_exit=2000000")
    exactly(bystander)
