"""Maildir++ quota: what UPDATE unlinks is taken off maildirsize.

The file's first line is the quota; each further line adds octets and a
number of messages, or takes them off.  Delivery agents believe the sum.
"""

import os
import re

import pytest

from daemon import ROOT
from inject import Strace
from mailbox import Mailbox

pytestmark = pytest.mark.skipif(
    not ROOT, reason="only root may trace the store, and change owners")

QUOTA = "1000000S,1000C\n"
COUNT = 6


@pytest.fixture
def mailbox(account):
    mailbox = Mailbox(account, COUNT)
    write(mailbox, QUOTA + "%d %d\n" % (octets(mailbox), COUNT))
    return mailbox


def path(mailbox):
    return mailbox.maildir.path + "/maildirsize"


def write(mailbox, text):
    with open(path(mailbox), "w") as f:
        f.write(text)
    os.chown(path(mailbox), mailbox.maildir.uid, mailbox.maildir.gid)


def read(mailbox):
    with open(path(mailbox)) as f:
        return f.read()


def octets(mailbox, folder=None):
    return sum(len(data)
               for data in mailbox.maildir.contents(folder).values())


def appended(mailbox, before):
    """The lines that are new, as numbers; what was there is untouched."""
    text = read(mailbox)
    assert text.startswith(before) and text.endswith("\n")
    lines = [re.fullmatch(r"\s*(-?\d+)\s+(-?\d+)\s*", line)
             for line in text[len(before):].splitlines()]
    assert all(lines), text
    return [(int(m.group(1)), int(m.group(2))) for m in lines]


def test_what_is_unlinked_is_taken_off(mailbox):
    """In one line, in octets of the disk, not of the wire."""
    before, size = read(mailbox), octets(mailbox)
    mailbox.delete(2, 3, 5)
    assert appended(mailbox, before) == [(octets(mailbox) - size, -3)]
    before, size = read(mailbox), octets(mailbox)
    mailbox.delete(1)
    assert appended(mailbox, before) == [(octets(mailbox) - size, -1)]


def test_of_both_folders(mailbox):
    """The file is that of the whole Maildir++; a line for each folder."""
    mailbox.set("spam=include")
    for n in range(3):
        mailbox.maildir.deliver(b"Subject: spam\n\n" + n * b"more\n",
                                folder=".Junk")
    before = read(mailbox)
    size = octets(mailbox) + octets(mailbox, ".Junk")
    mailbox.delete(1, COUNT + 1, COUNT + 2)
    lines = appended(mailbox, before)
    assert len(lines) <= 2
    assert sum(line[1] for line in lines) == -3
    assert size + sum(line[0] for line in lines) == \
        octets(mailbox) + octets(mailbox, ".Junk")
    assert not os.path.exists(mailbox.maildir.path + "/.Junk/maildirsize")


def test_nothing_for_what_is_retained(mailbox):
    before = read(mailbox)
    mailbox.set("auto-delete=no")
    mailbox.delete(1, 2)
    assert read(mailbox) == before


def test_nothing_without_quit(mailbox):
    before = read(mailbox)
    pop = mailbox.login()
    pop.ok("DELE 1")
    pop.close()
    mailbox.server.wait_empty()
    assert read(mailbox) == before


def test_none_is_made(mailbox):
    os.unlink(path(mailbox))
    mailbox.delete(1, 2)
    assert not os.path.exists(path(mailbox))


def test_not_what_others_have_removed(mailbox):
    """They have taken it off themselves."""
    names = list(mailbox.data)
    before = read(mailbox)
    pop = mailbox.login()
    pop.ok("DELE 1")
    pop.ok("DELE 2")
    os.unlink(mailbox.path(names[0]))
    size = octets(mailbox)
    pop.quit()
    assert appended(mailbox, before) == [(octets(mailbox) - size, -1)]


def test_an_interrupted_unlinking_is_taken_off_once(mailbox):
    """By the session that does unlink them."""
    before, size = read(mailbox), octets(mailbox)
    pop = mailbox.login()
    pop.ok("DELE 1")
    pop.ok("DELE 2")
    strace = Strace(mailbox.store(pop), "-e",
                    "inject=?unlink,unlinkat:signal=KILL:when=1")
    pop.send("QUIT\r\n")
    pop.rest()
    pop.close()
    strace.finish()
    mailbox.server.wait_empty()
    assert len(mailbox.visit()) == COUNT - 2
    lines = appended(mailbox, before)
    assert sum(line[0] for line in lines) == octets(mailbox) - size
    assert sum(line[1] for line in lines) == -2


@pytest.mark.parametrize("how", ["mode", "link", "directory", "fifo"])
def test_one_that_cannot_be_written(mailbox, how):
    """Deleting goes on, and nothing else is written to."""
    target = mailbox.server.directory + "/target"
    with open(target, "w") as f:
        f.write(QUOTA)
    os.chown(target, mailbox.maildir.uid, mailbox.maildir.gid)
    if how == "mode":
        os.chmod(path(mailbox), 0o400)
    else:
        os.unlink(path(mailbox))
    if how == "link":
        os.symlink(target, path(mailbox))
    elif how == "directory":
        os.mkdir(path(mailbox))
    elif how == "fifo":
        os.mkfifo(path(mailbox))
    mailbox.delete(1, 2)
    with open(target) as f:
        assert f.read() == QUOTA
    assert len(mailbox.visit()) == COUNT - 2
