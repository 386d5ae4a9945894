"""Old beside new: restored Maildirs, and files that are not what they were.

Recorded times tell of one Maildir at one time: after a restoration, which
brings old times back, they tell nothing.  And a file that is measured once
is not measured for ever.
"""

import os
import re
import shutil
import subprocess
import time

import pytest

from daemon import ROOT
from disks import Disk, why_not
from inject import Strace
from mailbox import Mailbox
from maildir import message, unique
from pop3 import unstuff, wire

pytestmark = pytest.mark.skipif(
    not ROOT, reason="only root may trace the store, and change owners")

COUNT = 5


@pytest.fixture
def mailbox(account):
    return Mailbox(account, COUNT)


# Backups.

class Backup:
    def __init__(self, mailbox):
        mailbox.settle()
        self.live = mailbox.maildir.path
        self.copy = self.live + ".backup"
        subprocess.run(["cp", "-a", self.live, self.copy], check=True)

    def over(self):
        """cp -a over what is there: newer files stay, times come back."""
        subprocess.run(["cp", "-a", self.copy + "/.", self.live], check=True)

    def synchronised(self):
        """As rsync does: files are replaced, directories stamped at last."""
        for directory, _, names in os.walk(self.copy):
            target = self.live + directory[len(self.copy):]
            for name in names:
                old, new = directory + "/" + name, target + "/" + name
                subprocess.run(["cp", "-a", old, target + "/.tmp"],
                               check=True)
                os.rename(target + "/.tmp", new)
        for directory, _, _ in os.walk(self.copy, topdown=False):
            shutil.copystat(directory, self.live + directory[len(self.copy):])


@pytest.fixture(params=["over", "synchronised"])
def restore(request):
    return request.param


@pytest.mark.parametrize("setting", ["auto-delete=no", "access=from-now"])
def test_cur_is_away_for_a_while(mailbox, setting):
    """Another disk that is not mounted, or a restoration that has begun:
    what was out of the maildrop stays out when the files are back."""
    mailbox.grow_old()
    mailbox.set(setting)
    if setting == "auto-delete=no":
        mailbox.delete(2, 3)
    left = mailbox.visit()
    assert len(left) < COUNT
    mailbox.settle()
    away = mailbox.maildir.path + "/away"
    os.rename(mailbox.cur, away)
    shutil.copytree(away, mailbox.cur,
                    ignore=lambda _, names: names)
    os.chown(mailbox.cur, mailbox.maildir.uid, mailbox.maildir.gid)
    assert mailbox.visit() == []
    assert ", 0 mended" in mailbox.ctl("check").stdout
    assert mailbox.visit() == []
    os.rmdir(mailbox.cur)
    os.rename(away, mailbox.cur)
    assert mailbox.visit() == left
    assert ", 0 mended" in mailbox.ctl("check").stdout


def test_what_others_remove_is_forgotten_once_cur_has_mail(mailbox):
    """An index does not grow with what was retained and is gone."""
    mailbox.grow_old()
    mailbox.set("auto-delete=no")
    mailbox.delete(*range(1, COUNT + 1))
    for name in list(mailbox.data):
        os.unlink(mailbox.path(name))
    assert mailbox.visit() == []
    mailbox.deliver(1)
    assert len(mailbox.visit()) == 1
    mailbox.settle()
    assert mailbox.ctl("queue", "-a").stdout.count("\n") == 1


@pytest.mark.parametrize("newer", ["delivered", "saved"])
@pytest.mark.parametrize("seen", [
    pytest.param(False, id="unseen", marks=pytest.mark.long),
    pytest.param(True, id="seen")])
def test_restored_over_the_live_one(mailbox, restore, newer, seen):
    """What is newer than the backup is listed by the next login."""
    backup = Backup(mailbox)
    (mailbox.deliver if newer == "delivered" else mailbox.put)(3)
    if seen:
        assert mailbox.visit() == list(mailbox.data)
        mailbox.settle()
    elif newer == "delivered":  # another program has moved it
        for name in os.listdir(mailbox.new):
            os.rename(mailbox.new + "/" + name,
                      mailbox.cur + "/" + name + ":2,S")
    getattr(backup, restore)()
    assert sorted(mailbox.visit()) == mailbox.present()
    assert sorted(mailbox.visit()) == sorted(mailbox.data)
    assert " 0 mended" in mailbox.ctl("check").stdout


def test_what_was_deleted_comes_back(mailbox, restore):
    """It is in the backup, and so is the index that lists it."""
    backup = Backup(mailbox)
    mailbox.delete(2, 3)
    mailbox.settle()
    new = mailbox.deliver(1)
    mailbox.visit()
    mailbox.settle()
    getattr(backup, restore)()
    assert sorted(mailbox.visit()) == sorted(mailbox.data)
    assert new[0] in mailbox.visit()


def test_removed_since(mailbox, restore):
    """The backup of the index alone: no ghosts."""
    backup = Backup(mailbox)
    for name in list(mailbox.data)[1:3]:
        os.unlink(mailbox.path(name))
        del mailbox.data[name]
    mailbox.visit()
    mailbox.settle()
    for sub in ("cur", "new"):
        shutil.rmtree(backup.copy + "/" + sub)
        os.mkdir(backup.copy + "/" + sub)
        shutil.copystat(backup.live + "/" + sub, backup.copy + "/" + sub)
        os.chown(backup.copy + "/" + sub, mailbox.maildir.uid,
                 mailbox.maildir.gid)
    getattr(backup, restore)()
    assert mailbox.visit() == list(mailbox.data)


# Files that change.

def grown(mailbox, name):
    with open(mailbox.path(name), "ab") as f:
        f.write(b"And a last line, which came later.\n" * 300)


def shrunk(mailbox, name):
    os.truncate(mailbox.path(name), 30)


def edited(mailbox, name):
    """sed -i: a new file of that name."""
    subprocess.run(["sed", "-i", "s/Hello/Good evening/;$a The end.",
                    mailbox.path(name)], check=True)


def swapped(mailbox, name):
    """Another file of exactly the same size, with other lines."""
    path = mailbox.path(name)
    size = os.path.getsize(path)
    with open(path + ".tmp", "wb") as f:
        f.write((b"\n" * size)[:size])
    os.chown(path + ".tmp", mailbox.maildir.uid, mailbox.maildir.gid)
    os.rename(path + ".tmp", path)


def on_disk(mailbox, name):
    with open(mailbox.path(name), "rb") as f:
        return f.read()


def retrieved(pop, number):
    """(octets of the status line, content)."""
    found = re.match(rb"(\d+) octets", pop.ok("RETR %d" % number))
    return int(found.group(1)), unstuff(pop.multiline())


def mended(mailbox, name):
    """The next login lists what RETR sends, and STAT is the sum (I3)."""
    mailbox.data[name] = on_disk(mailbox, name)
    with mailbox.login() as pop:
        assert name in mailbox.see(pop)
        pop.quit()


CHANGES = [grown, shrunk, edited]
changes = pytest.mark.parametrize("change", CHANGES,
                                  ids=lambda change: change.__name__)


def noticed(mailbox, name):
    mailbox.server.wait_log(re.escape(mailbox.maildir.path) + ".*" +
                            re.escape(name))


@changes
def test_a_file_that_changes(mailbox, change):
    """Between two sessions.  The first that opens it may be the one to
    notice; RETR's status line tells what is sent, the log that it was
    another size, and the next login has it right."""
    name = list(mailbox.data)[2]
    change(mailbox, name)
    with mailbox.login() as pop:
        listed = pop.list()
        octets, data = retrieved(pop, 3)
        assert data == wire(on_disk(mailbox, name))
        assert octets == len(data)
        assert pop.list() == listed
        pop.quit()
    mended(mailbox, name)
    noticed(mailbox, name)
    mended(mailbox, name)


@changes
def test_a_file_that_changes_in_a_session(mailbox, change):
    """LIST stays what it was."""
    name = list(mailbox.data)[2]
    pop = mailbox.login()
    listed, stat = pop.list(), pop.stat()
    change(mailbox, name)
    octets, data = retrieved(pop, 3)
    assert data == wire(on_disk(mailbox, name)) and octets == len(data)
    assert pop.list() == listed and pop.stat() == stat
    pop.quit()
    mended(mailbox, name)
    noticed(mailbox, name)


@changes
def test_by_who_vanishes(mailbox, change):
    """A session that does not end by QUIT has noticed it as well."""
    name = list(mailbox.data)[2]
    change(mailbox, name)
    pop = mailbox.login()
    retrieved(pop, 3)
    pop.close()
    mailbox.server.wait_empty()
    mended(mailbox, name)


@pytest.mark.parametrize("later", [0.0, 0.5], ids=["at-once", "later"])
def test_half_written_in_new(mailbox, later):
    """By a script that knows no tmp/, and is slow."""
    name = unique()
    path = mailbox.new + "/" + name
    data = message("slow", "A line of many.\n" * 800)
    mailbox.data[name] = data
    with open(path, "wb", buffering=0) as f:
        os.chown(path, mailbox.maildir.uid, mailbox.maildir.gid)
        f.write(data[:29])
        with mailbox.login() as pop:
            pop.stat()
            pop.quit()
        f.write(data[29:])
    time.sleep(later)
    mended(mailbox, name)
    assert len(mailbox.visit()) == COUNT + 1


def test_the_same_size_with_other_lines(mailbox):
    """Young when it was measured: it is looked at again."""
    name, = mailbox.deliver(1)
    assert name in mailbox.visit()
    swapped(mailbox, name)
    mended(mailbox, name)


def test_deleted_after_it_has_changed(mailbox):
    """The totals stay right when it goes."""
    name = list(mailbox.data)[2]
    grown(mailbox, name)
    with mailbox.login() as pop:
        retrieved(pop, 3)
        pop.ok("DELE 3")
        pop.quit()
    del mailbox.data[name]
    assert mailbox.visit() == list(mailbox.data)
    assert " 0 mended" in mailbox.ctl("check").stdout


# What was restored after an interrupted UPDATE.

def interrupted(mailbox, *marked):
    """A session whose store dies behind the commit, before it unlinks."""
    pop = mailbox.login()
    for n in marked:
        pop.ok("DELE %d" % n)
    strace = Strace(mailbox.store(pop), "-e",
                    "inject=?unlink,unlinkat:signal=KILL:when=1")
    pop.send("QUIT\r\n")
    pop.rest()
    pop.close()
    strace.finish()
    mailbox.server.wait_empty()


def test_not_unlinked_when_it_is_not_to_be_by_now(mailbox):
    """auto-delete is off by now: the files stay, and count as retained."""
    names = list(mailbox.data)
    interrupted(mailbox, 1, 2)
    assert mailbox.present() == names
    mailbox.set("auto-delete=no")
    assert mailbox.visit() == names[2:]
    assert mailbox.present() == names
    assert "2 in the queue again" in mailbox.ctl("requeue", "-a").stdout
    assert mailbox.visit() == names


@pytest.mark.parametrize("deletes", [True, False], ids=["on", "off"])
def test_restored_after_an_interrupted_update(mailbox, deletes):
    """It was unlinked, and comes back from a backup of the mail."""
    names = list(mailbox.data)
    kept = {name: (mailbox.path(name), on_disk(mailbox, name))
            for name in names[:2]}
    interrupted(mailbox, 1, 2)
    for path, _ in kept.values():
        os.unlink(path)
    for name, (path, data) in kept.items():
        mailbox.maildir.put(data, name, os.path.basename(path)[len(name):])
    if not deletes:
        mailbox.set("auto-delete=no")
    seen = mailbox.visit()
    if deletes:
        # It may be taken for what was to be unlinked, or for new mail.
        assert mailbox.present() == sorted(seen)
    else:
        assert mailbox.present() == names
    assert mailbox.visit() == seen


@pytest.fixture
def ext4(server):
    if why_not("ext4"):
        pytest.skip(why_not("ext4"))
    disk = Disk(server.directory, "ext4")
    os.chown(disk.path, server.owner.pw_uid, server.owner.pw_gid)
    yield disk
    server.close_clients()
    server.wait_empty()
    disk.remove()


def test_restored_with_the_inode_of_the_deleted(server, ext4):
    """ext4 gives the next file the inode that has just become free."""
    mailbox = Mailbox(
        server.add_account(maildir=ext4.path + "/Maildir"), COUNT)
    name = list(mailbox.data)[0]
    path = mailbox.path(name)
    interrupted(mailbox, 1)
    inode = os.stat(path).st_ino
    os.unlink(path)
    mailbox.maildir.put(mailbox.data[name], name, ":2,")
    assert os.stat(path).st_ino == inode
    assert name in mailbox.visit()
    assert mailbox.present() == sorted(mailbox.data)
