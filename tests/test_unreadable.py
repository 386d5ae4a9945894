"""Messages that cannot be read for a while, or are no mail any more.

One bad file is that file's trouble: the others are listed, read and
deleted, and it is back when it can be read (I13).
"""

import os
import time

import pytest

from daemon import ROOT
from mailbox import Mailbox

pytestmark = pytest.mark.skipif(
    not ROOT, reason="only root may trace the store, and change owners")

COUNT = 4


@pytest.fixture
def mailbox(account):
    return Mailbox(account, COUNT)


def aside(path):
    os.chmod(path, 0)
    os.chown(path, 0, 0)


def back(mailbox, path):
    os.chmod(path, 0o600)
    os.chown(path, mailbox.maildir.uid, mailbox.maildir.gid)


def test_a_young_one_becomes_unreadable(mailbox):
    """It is to be looked at again, and cannot be."""
    name, = mailbox.deliver(1)
    with mailbox.login() as pop:
        assert pop.stat()[0] == COUNT + 1
        pop.quit()
    path = mailbox.path(name)
    aside(path)
    for _ in range(3):
        with mailbox.login() as pop:
            assert pop.stat()[0] >= COUNT
            pop.retr(1)
            pop.quit()
    mailbox.delete(1)
    back(mailbox, path)
    del mailbox.data[next(iter(mailbox.data))]
    assert mailbox.visit() == list(mailbox.data)


def test_a_bad_block_in_new_mail(mailbox):
    """Opened it can be, but not read."""
    name, = mailbox.deliver(1)
    path = mailbox.new + "/" + name
    moved = mailbox.cur + "/" + name + ":2,"
    for _ in range(3):
        pop, strace = mailbox.begin(
            "-P", path, "-P", moved, "-e", "trace=read", "-e",
            "inject=read:error=EIO:syscall=getpid")
        pop.ok()
        assert pop.stat()[0] == COUNT
        pop.quit()
        strace.finish()
    assert mailbox.visit() == list(mailbox.data)


@pytest.mark.parametrize("thing", ["symlink", "fifo", "directory"])
def test_no_mail_any_more(mailbox, thing):
    """No ghost is listed that RETR cannot send."""
    mailbox.settle()
    names = list(mailbox.data)
    path = mailbox.path(names[1])
    os.unlink(path)
    if thing == "symlink":
        os.symlink("/etc/passwd", path)
    elif thing == "fifo":
        os.mkfifo(path)
    else:
        os.mkdir(path)
    del mailbox.data[names[1]]
    seen = []
    for _ in range(3):
        with mailbox.login() as pop:
            uidls = list(pop.uidl().values())
            seen.append(uidls)
            pop.quit()
    assert seen[-1] == list(mailbox.data), seen


def test_check_with_an_unreadable_one(mailbox):
    """The rest is checked all the same."""
    time.sleep(2.2)
    mailbox.settle()
    path = mailbox.path(list(mailbox.data)[1])
    aside(path)
    done = mailbox.ctl("check", check=False)
    back(mailbox, path)
    assert done.returncode == 0, done.stderr + done.stdout
    assert mailbox.visit() == list(mailbox.data)


def test_a_time_to_come_costs_nothing(mailbox):
    """No login opens a message because its time is far in the future."""
    name, = mailbox.deliver(1)
    os.utime(mailbox.new + "/" + name, (1 << 32, 1 << 32))
    assert mailbox.visit() == list(mailbox.data)
    time.sleep(2.5)
    mailbox.visit()
    pop, strace = mailbox.login("-e", "trace=openat,open")
    pop.stat()
    pop.quit()
    strace.finish()
    assert not [line for line in strace.calls("openat") if name in line]


@pytest.mark.parametrize("part,mode,words", [
    ("..", 0o700, "cannot pass"), (".", 0o000, "cannot read and write"),
    ("cur", 0o500, "cannot read and write"),
    ("pop3d", 0o000, "cannot read and write")])
def test_the_way_is_told(account, part, mode, words):
    """Who cannot pass which directory, and of what mode it is."""
    if os.geteuid() != 0:
        pytest.skip("only root makes what the owner may not enter")
    account.login().quit()
    path = os.path.normpath(os.path.join(account.maildir.path, part))
    before = os.stat(path)
    os.chown(path, 0, 0)
    os.chmod(path, mode)
    try:
        done = account.server.ctl("check", account.address, check=False)
    finally:
        os.chown(path, before.st_uid, before.st_gid)
        os.chmod(path, before.st_mode & 0o7777)
    wanted = "uid %d %s %s, which is mode %04o of uid 0 and gid 0" % (
        account.maildir.uid, words, path, mode)
    assert done.returncode == 1 and wanted in done.stderr, done.stderr
