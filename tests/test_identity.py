"""A number, a path or a time is no identity (I11).

A session numbers messages in one index under one lock.  When another index
or another lock is in their place by the time it ends, its marks mean
nothing there: QUIT says so, and nothing is unlinked, kept or counted.
"""

import os
import shutil
import time

import pytest

from daemon import ROOT, wait_until
from mailbox import Mailbox

pytestmark = pytest.mark.skipif(
    not ROOT, reason="only root may trace the store, and change owners")

COUNT = 6


@pytest.fixture
def mailbox(account):
    return Mailbox(account, COUNT)


def own(mailbox, path):
    """The path, and what is in it, the owner's."""
    for directory, _, names in os.walk(path):
        for name in [directory] + [directory + "/" + name for name in names]:
            os.chown(name, mailbox.maildir.uid, mailbox.maildir.gid)


# What becomes of pop3d/ behind a session's back.

def lock_removed(mailbox):
    os.unlink(mailbox.pop3d + "/lock")


def lock_made_anew(mailbox):
    os.rename(mailbox.pop3d + "/lock", mailbox.pop3d + "/lock.old")
    open(mailbox.pop3d + "/lock", "w").close()
    os.chmod(mailbox.pop3d + "/lock", 0o600)
    own(mailbox, mailbox.pop3d)


def all_removed(mailbox):
    shutil.rmtree(mailbox.pop3d)


def restored(mailbox):
    """From a copy, as a backup does: the same octets, other files."""
    shutil.copytree(mailbox.pop3d, mailbox.pop3d + ".copy")
    shutil.rmtree(mailbox.pop3d)
    os.rename(mailbox.pop3d + ".copy", mailbox.pop3d)
    own(mailbox, mailbox.pop3d)


def renamed_aside(mailbox):
    """Another directory in its place; the session's is still there."""
    os.rename(mailbox.pop3d, mailbox.pop3d + ".aside")
    os.mkdir(mailbox.pop3d, 0o700)
    own(mailbox, mailbox.pop3d)


BEHIND = [lock_removed, lock_made_anew, all_removed, restored, renamed_aside]
behind = pytest.mark.parametrize("act", BEHIND, ids=lambda act: act.__name__)


def refuses(pop, mailbox):
    """QUIT is -ERR, and the log says why."""
    mailbox.server.mark_log()
    answer = pop.command("QUIT")
    assert answer.startswith(b"-ERR"), answer
    pop.close()
    mailbox.server.wait_log("^(?!login: |end: )")
    mailbox.server.wait_log("^end: ")


@behind
def test_marks_of_another_index(mailbox, act):
    """A marks; B logs in meanwhile and deletes; then A says QUIT."""
    names = list(mailbox.data)
    a = mailbox.login()
    assert a.retr(3)
    a.ok("DELE 3")
    act(mailbox)
    b = mailbox.login()
    assert b.stat()[0] == COUNT
    b.ok("DELE 1")
    b.ok("DELE 2")
    b.quit()
    refuses(a, mailbox)
    assert mailbox.present() == names[2:]
    assert mailbox.visit() == names[2:]
    assert " 0 mended" in mailbox.ctl("check").stdout
    assert mailbox.visit() == names[2:]


@behind
def test_while_the_other_session_is_there(mailbox, act):
    """B, who has the lock that the path leads to, is not disturbed."""
    names = list(mailbox.data)
    a = mailbox.login()
    a.ok("DELE 3")
    act(mailbox)
    b = mailbox.login()
    b.ok("DELE 1")
    refuses(a, mailbox)
    b.quit()
    assert mailbox.present() == names[1:]
    assert mailbox.visit() == names[1:]
    assert " 0 mended" in mailbox.ctl("check").stdout


@behind
def test_nobody_was_there(mailbox, act):
    """A alone: all or none, and what was done is what was said."""
    names = list(mailbox.data)
    a = mailbox.login()
    a.ok("DELE 3")
    act(mailbox)
    answer = a.command("QUIT")
    a.close()
    mailbox.server.wait_empty()
    left = names
    if answer.startswith(b"+OK"):
        left = names[:2] + names[3:]
    assert mailbox.present() == left
    assert mailbox.visit() == left


@behind
def test_what_was_retained(mailbox, act):
    """Whether it is known of as retained or not, it is not unlinked."""
    names = list(mailbox.data)
    mailbox.set("auto-delete=no")
    mailbox.delete(2)
    mailbox.set("auto-delete=yes")
    a = mailbox.login()
    a.ok("DELE 2")
    act(mailbox)
    mailbox.visit()
    refuses(a, mailbox)
    assert mailbox.present() == names
    assert set(mailbox.visit()) | {names[1]} == set(names)
    assert " 0 mended" in mailbox.ctl("check").stdout


@behind
def test_new_mail_while_it_is_away(mailbox, act):
    """A has new mail to record when the index is not its own any more."""
    names = list(mailbox.data)
    mailbox.settle()
    new = mailbox.deliver(2)
    a = mailbox.login()
    assert len(a.uidl()) == COUNT + 2  # it has recorded them by now
    act(mailbox)
    b = mailbox.login()
    b.ok("DELE 1")
    b.quit()
    a.quit()
    mailbox.server.wait_empty()
    assert mailbox.visit() == names[1:] + new
    assert mailbox.present() == names[1:] + new
    assert " 0 mended" in mailbox.ctl("check").stdout


# The lock that is waited for is not the one at its path any more.

def test_the_lock_is_made_anew_while_it_is_waited_for(mailbox):
    """H holds it, A waits for it, and B comes to the new one: whoever gets
    it, not both go on."""
    names = list(mailbox.data)
    holder = mailbox.login()
    waiting = [asking(mailbox)]
    time.sleep(0.5)  # of the two seconds that it waits
    os.unlink(mailbox.pop3d + "/lock")
    waiting.append(asking(mailbox))
    time.sleep(0.3)
    holder.close()  # which grants the lock that nobody can find any more
    inside = []
    for pop in waiting:
        answer = pop.line()
        if answer.startswith(b"+OK"):
            inside.append(pop)
        else:
            assert answer.startswith(b"-ERR [IN-USE]"), answer
    assert len(inside) == 1
    inside[0].ok("DELE 1")
    inside[0].quit()
    mailbox.server.close_clients()
    mailbox.server.wait_empty()
    assert mailbox.present() == names[1:]
    assert mailbox.visit() == names[1:]


def asking(mailbox):
    pop = mailbox.server.connect()
    pop.ok("USER " + mailbox.account.address)
    pop.send("PASS " + mailbox.account.password + "\r\n")
    return pop


# Names.

def test_a_name_that_is_taken_within_the_rename(mailbox):
    """Between our look at the name and our rename another message gets it:
    it is not replaced."""
    mailbox.settle()
    name, = mailbox.deliver(1)
    target = mailbox.cur + "/" + name + ":2,"
    pop, strace = mailbox.begin(
        "-e", "inject=?rename,renameat,renameat2,?link,linkat:"
        "delay_enter=400000:when=1")
    time.sleep(0.2)
    other = b"Subject: another\n\nIts name is the same.\n"
    with open(target, "xb") as f:
        f.write(other)
    os.chown(target, mailbox.maildir.uid, mailbox.maildir.gid)
    pop.rest() if pop.line().startswith(b"-ERR") else pop.command("QUIT")
    pop.close()
    strace.finish()
    mailbox.server.wait_empty()

    def both():
        files = [open(mailbox.maildir.path + "/" + path, "rb").read()
                 for path in mailbox.maildir.files()]
        assert other in files and mailbox.data[name] in files
        with mailbox.login() as pop:
            found = [pop.retr(n) for n in pop.list()]
            pop.quit()
        return len(found) == COUNT + 2
    wait_until(both, "one of them is not shown")
