"""The power is cut (I2): the disk is as it was written to until then.

A copy of the file behind a loop device is what a machine would find after
the power came back.  It is taken while the store stands still, at each call
with which a QUIT changes something.  The copy is mounted, and somebody logs
in: all that was marked is gone, or nothing is; and all of it once the
client was told so.
"""

import os
import platform

import pytest

from daemon import ROOT
from disks import MKFS, Disk, why_not
from inject import Tracer, application_password
from mailbox import Mailbox
from maildir import Maildir
from pop3 import wire

pytestmark = [pytest.mark.long, pytest.mark.skipif(
    not ROOT, reason="only root may trace the store, and mount")]

COUNT = 60

# x86_64: write, pwrite64, fsync, fdatasync, ftruncate, rename, unlink,
# unlinkat, renameat, renameat2.
CHANGING = {1, 18, 74, 75, 77, 82, 87, 263, 264, 316}


class Cuts:
    """Copies of the disk at moments of a QUIT, each different one once."""

    def __init__(self, disk, directory):
        self.disk = disk
        self.directory = directory
        self.version = None
        self.images = []
        self.moments = []

    def take(self, moment):
        path = os.path.join(self.directory, "cut%d" % len(self.images))
        version = os.stat(self.disk.image).st_mtime_ns
        if version == self.version:
            return  # the disk has not been written to since the last one
        self.version = self.disk.cut_power(path)
        self.images.append(path)
        self.moments.append(moment)


@pytest.fixture(params=sorted(MKFS))
def disk(request, server):
    why = why_not(request.param)
    if why is None and platform.machine() != "x86_64":
        why = "the numbers of the system calls are x86_64's"
    if why is not None:
        print("SKIPPED: " + why)
        pytest.skip(why)
    disk = Disk(server.directory, request.param)
    os.chown(disk.path, server.owner.pw_uid, server.owner.pw_gid)
    yield disk
    server.close_clients()
    server.wait_empty()
    disk.remove()


def boot_again(path):
    """A machine that was without power has booted: no seal is of this boot."""
    with open(path, "r+b") as f:
        words = f.read().split(b" ")
        if words[0] == b"seal":
            f.seek(len(b" ".join(words[:3])) - 1)
            f.write(b"-")


def seen_after(server, cut, kind, account, data):
    """What a session on the mounted copy lists; its octets are right."""
    disk = Disk(server.directory, kind, image=cut)
    try:
        boot_again(disk.path + "/Maildir/pop3d/lock")
        server.ctl("set", account.address,
                   "maildir=" + disk.path + "/Maildir")
        with account.login() as pop:
            sizes, uidls = pop.list(), pop.uidl()
            assert pop.stat() == (len(sizes), sum(sizes.values()))
            for n, uidl in uidls.items():
                assert pop.retr(n) == wire(data[uidl])
                assert sizes[n] == len(wire(data[uidl]))
            pop.quit()
        server.wait_empty()
        assert " 0 mended" in server.ctl("check", account.address).stdout
        maildir = Maildir(disk.path + "/Maildir", account.maildir.uid,
                          account.maildir.gid)
        return list(uidls.values()), sorted(maildir.contents())
    finally:
        server.close_clients()
        server.wait_empty()
        disk.remove()


def prepared(server, disk):
    mailbox = Mailbox(server.add_account(maildir=disk.path + "/Maildir"),
                      COUNT)
    mailbox.settle()
    disk.sync()
    return mailbox


def quit_with_cuts(server, disk, mailbox, marked):
    cuts = Cuts(disk, server.directory)
    pop = mailbox.login()
    for n in marked:
        pop.ok("DELE %d" % n)
    tracer = Tracer(mailbox.store(pop), at_call=lambda n, number:
                    number in CHANGING and cuts.take("call %d" % n))
    pop.send("QUIT\r\n")
    answer = pop.line()
    before = len(cuts.images)
    pop.close()
    tracer.finish()
    cuts.take("after +OK")
    assert answer.startswith(b"+OK"), answer
    return cuts, before


@pytest.mark.parametrize("auto_delete", ["yes", "no"])
def test_quit(server, disk, auto_delete, capsys):
    mailbox = prepared(server, disk)
    mailbox.set("auto-delete=" + auto_delete)
    names = list(mailbox.data)
    marked = range(2, COUNT, 3)
    after = [name for n, name in enumerate(names, 1) if n not in marked]
    cuts, _ = quit_with_cuts(server, disk, mailbox, marked)
    account = application_password(server.add_account())
    server.ctl("set", account.address, "auto-delete=" + auto_delete)
    outcomes = []
    for image, moment in zip(cuts.images, cuts.moments):
        seen, files = seen_after(server, image, disk.kind, account,
                                 mailbox.data)
        assert seen in (names, after), moment
        assert files == sorted(seen if auto_delete == "yes" else names), \
            moment
        outcomes.append(seen == after)
    # Once they are gone they stay so; and they are when it was said.
    assert outcomes == sorted(outcomes)
    assert outcomes[-1]
    with capsys.disabled():
        print("\n%s: %d cuts, %d before the commit" % (
            disk.kind, len(outcomes), outcomes.count(False)), end=" ")


def test_after_the_answer(server, disk):
    """The client has heard +OK, and the power is cut at once, while the
    kernel has not written anything by itself."""
    mailbox = prepared(server, disk)
    names = list(mailbox.data)
    pop = mailbox.login()
    for n in range(1, 11):
        pop.ok("DELE %d" % n)
    pop.ok("QUIT")
    image = server.directory + "/cut"
    disk.cut_power(image)
    pop.close()
    server.wait_empty()
    account = application_password(server.add_account())
    seen, files = seen_after(server, image, disk.kind, account, mailbox.data)
    assert seen == names[10:]
    assert files == sorted(seen)


def test_login_with_new_mail(server, disk, capsys):
    """What was delivered and synced is there, wherever the power fails."""
    mailbox = prepared(server, disk)
    new = mailbox.deliver(10)
    disk.sync()
    names = list(mailbox.data)
    cuts = Cuts(disk, server.directory)
    pop = server.connect()
    pop.ok("USER " + mailbox.account.address)
    tracer = Tracer(mailbox.store(pop), at_call=lambda n, number:
                    number in CHANGING and cuts.take("call %d" % n))
    pop.send("PASS " + mailbox.account.password + "\r\nQUIT\r\n")
    pop.ok()
    pop.ok()
    pop.close()
    tracer.finish()
    cuts.take("after the end")
    account = application_password(server.add_account())
    for image, moment in zip(cuts.images, cuts.moments):
        seen, files = seen_after(server, image, disk.kind, account,
                                 mailbox.data)
        assert seen[:COUNT] == names[:COUNT], moment
        assert sorted(seen[COUNT:]) == sorted(new), moment
        assert files == sorted(names), moment
    with capsys.disabled():
        print("\n%s: %d cuts" % (disk.kind, len(cuts.images)), end=" ")
