"""mark-read: what was retrieved to its end gets Maildir's flag S at QUIT."""

import os

import pytest

from daemon import ROOT
from mailbox import Mailbox, read_only


@pytest.fixture
def mailbox(account):
    box = Mailbox(account, 5)
    box.set("mark-read=yes")
    return box


def flags(mailbox):
    """Of the messages, in their order: what is behind ":2,"."""
    return [os.path.basename(mailbox.path(name)).partition(":2,")[2]
            for name in mailbox.data]


def test_only_what_was_retrieved_whole(mailbox):
    pop = mailbox.login()
    pop.retr(2)
    pop.retr(4)
    pop.ok("TOP 1 5")
    pop.multiline()
    pop.ok("DELE 4")
    pop.ok("RSET")
    assert flags(mailbox) == [""] * 5
    pop.quit()
    assert flags(mailbox) == ["", "S", "", "S", ""]
    # All is as it was for POP: nothing is read or renamed again.
    assert mailbox.visit() == list(mailbox.data)
    assert flags(mailbox) == ["S"] * 5


def test_no_quit_no_flag(mailbox):
    pop = mailbox.login()
    pop.retr(1)
    pop.close()
    mailbox.server.wait_empty()
    assert flags(mailbox) == [""] * 5


def test_off_by_default(account):
    box = Mailbox(account, 2)
    box.visit()
    assert flags(box) == ["", ""]


def test_other_flags_stay(mailbox):
    """Those that others have set, in our session's time as well."""
    names = list(mailbox.data)
    suffixes = [":2,RT", ":2,Fab", ":2,S", ":1,x", ":2,"]
    for name, suffix in zip(names, suffixes):
        path = mailbox.path(name)
        os.rename(path, path.partition(":")[0] + suffix)
    pop = mailbox.login()
    for n in range(1, 6):
        pop.retr(n)
    path = mailbox.path(names[4])
    os.rename(path, path + "D")
    pop.quit()
    files = {os.path.basename(mailbox.path(n)).partition(":")[2]
             for n in names}
    # The last one was renamed meanwhile and is as it was left.
    assert files == {"2,RST", "2,FSab", "2,S", "1,x", "2,D"}
    assert mailbox.visit() == names
    assert flags(mailbox)[4] == "DS"


def test_deleted_and_retained(mailbox):
    pop = mailbox.login()
    pop.retr(1)
    pop.retr(2)
    pop.ok("DELE 1")
    pop.quit()
    names = list(mailbox.data)
    assert mailbox.present() == sorted(names[1:])
    mailbox.data.pop(names[0])
    assert flags(mailbox) == ["S", "", "", ""]
    mailbox.set("auto-delete=no")
    pop = mailbox.login()
    pop.retr(2)
    pop.ok("DELE 2")
    pop.quit()
    assert flags(mailbox) == ["S", "S", "", ""]
    assert mailbox.visit() == [names[1], names[3], names[4]]


def test_the_next_login_reads_nothing_for_it(mailbox):
    mailbox.settle()
    pop = mailbox.login()
    pop.retr(1)
    pop.quit()
    mailbox.settle()
    assert flags(mailbox)[0] == "S"


@pytest.mark.skipif(not ROOT, reason="only root can mount")
def test_read_only_file_system(mailbox):
    mailbox.visit()
    name = mailbox.deliver(1)[0]
    mailbox.index()
    with read_only(mailbox.account):
        pop = mailbox.login()
        pop.retr(6)
        pop.quit()
        mailbox.server.wait_empty()
    assert os.path.basename(mailbox.path(name)).endswith(":2,")


def test_a_read_only_password_leaves_no_trace(mailbox):
    mailbox.account.password = mailbox.server.ctl(
        "app-password", "add", mailbox.account.address, "archive",
        "-r").stdout.splitlines()[-1]
    mailbox.visit()
    assert flags(mailbox) == [""] * 5


@pytest.mark.skipif(not ROOT, reason="only root may trace the store")
def test_off_it_costs_no_call(account):
    box = Mailbox(account, 3)
    box.visit()  # what is new has been moved to cur/
    pop, strace = box.login("-e", "trace=rename,renameat,renameat2")
    for n in range(1, 4):
        pop.retr(n)
    pop.quit()
    strace.finish()
    assert not [call for call in strace.calls("rename.*")
                if "journal" not in call]
