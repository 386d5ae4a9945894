"""Each allocation of the store, and of pop3ctl check, fails once.

Whatever has no memory, the client gets an answer, nothing is lost or shown
again, and QUIT has deleted all or nothing.  By default some of them are
tried; with -m long all.
"""

import os
import re
import struct
import subprocess

import pytest

from daemon import POP3CTL, ROOT, SANITIZED, preloaded
from inject import Saved
from mailbox import Mailbox
from pop3 import wire

pytestmark = [
    pytest.mark.skipif(not ROOT, reason="only root changes uids"),
    pytest.mark.skipif(SANITIZED, reason="sanitizers allocate themselves")]

COUNT = 40
RETAINED = 3
FAST_POINTS = 4


class Allocations:
    """The numbers that fail_allocation.c shares with us."""

    def __init__(self, directory, uid):
        self.library = preloaded(directory, "fail_allocation")
        self.path = os.path.join(directory, "allocations")
        self.uid = uid
        self.fail_at(0)
        self.environment = {"LD_PRELOAD": self.library,
                            "POP3D_ALLOCATIONS": self.path}

    def fail_at(self, n):
        data = struct.pack("=4I", n, self.uid, 0, 0)
        mode = "r+b" if os.path.exists(self.path) else "wb"
        with open(self.path, mode) as f:
            f.write(data)

    def counted(self):
        """(how many there were, how many failed)."""
        with open(self.path, "rb") as f:
            return struct.unpack("=4I", f.read())[2:]


@pytest.fixture(scope="module")
def allocations(tmp_path_factory, shared_server):
    directory = tmp_path_factory.mktemp("allocations")
    return Allocations(str(directory), shared_server.owner.pw_uid)


@pytest.fixture
def mailbox(make_server, allocations):
    """Some messages are retained; others are new and not yet indexed."""
    server = make_server(environment=allocations.environment)
    mailbox = Mailbox(server.add_account(), COUNT)
    mailbox.set("auto-delete=no")
    mailbox.delete(*range(1, RETAINED + 1))
    mailbox.set("auto-delete=yes")
    return mailbox


@pytest.fixture(params=["fast", pytest.param("all", marks=pytest.mark.long)])
def everything(request):
    return request.param == "all"


def see(mailbox, names, *others):
    """What a session lists when there is memory; it is one of these."""
    seen = mailbox.visit()
    assert seen in (names, *others)
    assert " 0 mended" in mailbox.ctl("check").stdout
    assert mailbox.visit() == seen
    return seen


def everywhere(mailbox, allocations, act, check, everything, capsys):
    """act() with the n-th allocation failing, and check(), for each n."""
    saved = Saved(mailbox.maildir)
    allocations.fail_at(0)
    act()
    check()
    saved.restore()
    allocations.fail_at(0)
    act()
    calls = allocations.counted()[0]
    assert calls > 10
    step = 1 if everything else calls // FAST_POINTS + 1
    failed = crashes = 0
    for n in range(1, calls + 1, step):
        mailbox.server.mark_log()
        saved.restore()
        allocations.fail_at(n)
        try:
            act()
            failed += allocations.counted()[1]
            allocations.fail_at(0)
            check()
        except BaseException as error:
            allocations.fail_at(0)
            error.add_note("allocation %d of %d" % (n, calls))
            raise
        crashes += "died with code 11" in mailbox.server.log()
    mailbox.server.mark_log()
    with capsys.disabled():
        print("\n%d of %d allocations failed, %d crashes"
              % (failed, calls, crashes), end=" ")
    assert failed
    # Berkeley DB itself uses, in a place or two, what it did not get.  It
    # ends the process, which is as good a refusal as any; ours must not.
    assert crashes <= 1 + calls // 100


def begin(mailbox):
    """A connection, and the answer to its login; None: it is refused."""
    pop = mailbox.server.connect()
    pop.ok("USER " + mailbox.account.address)
    answer = pop.command("PASS " + mailbox.account.password)
    if answer.startswith(b"+OK"):
        return pop
    assert re.match(rb"-ERR \[SYS/(TEMP|PERM)\]", answer), answer
    pop.close()
    mailbox.server.wait_empty()
    return None


def answered(pop, command):
    """The answer's first line, which there must be."""
    answer = pop.command(command)
    assert answer.startswith(b"+OK") or \
        re.match(rb"-ERR \[SYS/(TEMP|PERM)\]", answer), answer
    return answer.startswith(b"+OK")


@pytest.mark.parametrize("news", [0, 5], ids=["old", "new"])
def test_login(mailbox, allocations, everything, news, capsys):
    """And LIST, UIDL, RETR."""
    new = mailbox.deliver(news)
    names = list(mailbox.data)[RETAINED:]
    assert new == names[len(names) - news:]

    def act():
        pop = begin(mailbox)
        if pop is None:
            return
        try:
            for command in ("LIST", "UIDL", "RETR 1"):
                if not answered(pop, command):
                    break
                pop.multiline()
            else:
                answered(pop, "QUIT")
        except EOFError:
            # An answer that had begun: a part must not look like the whole.
            mailbox.server.wait_log("memory|allocate")
        pop.close()
        mailbox.server.wait_empty()

    everywhere(mailbox, allocations, act,
               lambda: see(mailbox, names), everything, capsys)


def test_first_login(mailbox, allocations, everything, capsys):
    """Without an index, so nothing is retained."""
    names = list(mailbox.data)
    subprocess.run(["rm", "-r", mailbox.pop3d], check=True)

    def act():
        pop = begin(mailbox)
        if pop is not None:
            assert pop.stat()[0] == COUNT
            answered(pop, "QUIT")
            pop.close()
        mailbox.server.wait_empty()

    everywhere(mailbox, allocations, act,
               lambda: see(mailbox, names), everything, capsys)


def test_quit(mailbox, allocations, everything, capsys):
    """All or none, and all if it was said."""
    names = list(mailbox.data)[RETAINED:]
    said = []

    def act():
        said.clear()
        pop = begin(mailbox)
        if pop is None:
            return
        if all(answered(pop, "DELE %d" % n) for n in (1, 2, 3, 20)):
            said.append(answered(pop, "QUIT"))
        pop.close()
        mailbox.server.wait_empty()

    def check():
        after = names[3:19] + names[20:]
        seen = see(mailbox, names, after)
        assert seen == after or said != [True]

    everywhere(mailbox, allocations, act, check, everything, capsys)


def test_pop3ctl_check(mailbox, allocations, everything, capsys):
    """It says what it could not do; what is right stays so."""
    new = mailbox.deliver(2)
    names = list(mailbox.data)[RETAINED:]
    assert set(new) < set(names)

    def act():
        done = subprocess.run(
            [POP3CTL, "-f", mailbox.server.conf, "check",
             mailbox.account.address], capture_output=True, text=True,
            env={**os.environ, **allocations.environment}, timeout=60)
        assert done.returncode in (0, 1), done
        assert done.returncode == 0 or done.stderr, done

    everywhere(mailbox, allocations, act,
               lambda: see(mailbox, names), everything, capsys)


def test_octets_are_right_after_all(mailbox):
    """The library itself disturbs nothing."""
    names = list(mailbox.data)[RETAINED:]
    with mailbox.login() as pop:
        sizes, uidls = pop.list(), pop.uidl()
        assert list(uidls.values()) == names
        assert all(sizes[n] == len(wire(mailbox.data[uidls[n]]))
                   for n in sizes)
        pop.quit()
