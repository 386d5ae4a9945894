"""The store, and pop3ctl, killed at each system call: I1, I2, I4.

Every scenario is run once to count its system calls from the request to the
end, and then once for each of them, which does not happen any more.  The
next sessions must see one of the outcomes that are allowed, with nothing
lost, renamed or out of order.  By default some dozen points of each are
tried, the first calls of a kind before the rest; with -m long all of them.
"""

import os
import re

import pytest

from daemon import POP3CTL, ROOT
from inject import Saved, Tracer, Waiting, application_password
from maildir import message, unique
from pop3 import wire
from test_formats_index import NAMES, Golden, states

pytestmark = pytest.mark.skipif(
    not ROOT, reason="only root may trace the store, which is not dumpable")

FAST_POINTS = 7
FEW_POINTS = 4


class Mailbox:
    """An account, the messages it was given, and what a session must see."""

    def __init__(self, account):
        self.account = application_password(account)
        self.maildir = account.maildir
        self.server = account.server
        self.data = {}

    def fill(self, count, put=None):
        """New messages; returns their base names, in order."""
        names = []
        for n in range(count):
            name = unique()
            self.data[name] = message(str(n), "x" * (n % 300) + "\n.\n")
            (put or self.maildir.deliver)(self.data[name], name)
            names.append(name)
        # None is young: the same is to be done in all of the rounds.
        for file in self.maildir.files():
            os.utime(os.path.join(self.maildir.path, file), (1, 1))
        return names

    def settle(self):
        """Indexes the mailbox; it is sealed then."""
        self.server.ctl("index", self.account.address)

    def see(self):
        """What a session sees: UIDLs; what it says must agree (I3)."""
        pop = self.account.login()
        count, octets = pop.stat()
        sizes, uidls = pop.list(), pop.uidl()
        assert list(sizes) == list(uidls) == list(range(1, count + 1))
        assert sum(sizes.values()) == octets
        for n, uidl in uidls.items():
            assert sizes[n] == len(wire(self.data[uidl]))
        for n in range(1, count + 1, count // 3 + 1):
            assert pop.retr(n) == wire(self.data[uidls[n]])
        pop.quit()
        return list(uidls.values())

    def check(self, outcomes, kept=()):
        """The next session's outcome, and the files.

        kept are messages that are not in the maildrop, but must not be lost.
        """
        seen = self.see()
        assert seen in outcomes
        files = self.maildir.files()
        bases = [os.path.basename(f).split(":")[0] for f in files]
        assert sorted(bases) == sorted(set(seen) | set(kept))
        assert self.see() == seen, "the sessions after it do not agree"
        return seen


def points_of(numbers, everything, fast):
    """At which of these system calls to kill."""
    if everything:
        return range(1, len(numbers) + 1)
    first = [n + 1 for n, number in enumerate(numbers)
             if n == 0 or number != numbers[n - 1]]
    step = max(1, len(first) // fast)
    return first[step // 2::step]


def crash_everywhere(saved, act, check, everything, capsys,
                     fast=FAST_POINTS):
    """Runs act(kill_at) and check(), from the saved state, at each point."""
    saved.restore()
    tracer = act(None)
    assert not tracer.finish()
    check()
    points = points_of(tracer.numbers, everything, fast)
    killed = 0
    for point in points:
        saved.restore()
        killed += act(point).finish()
        try:
            check()
        except BaseException as error:
            error.add_note("killed at system call %d of %d"
                           % (point, len(tracer.numbers)))
            raise
    with capsys.disabled():
        print("\n%d points of %d system calls tried, killed at %d"
              % (len(points), len(tracer.numbers), killed), end=" ")
    # The number of calls differs a little from run to run.
    assert killed >= 0.9 * len(points) > 0


@pytest.fixture(params=["fast", pytest.param("all", marks=pytest.mark.long)])
def everything(request):
    return request.param == "all"


@pytest.fixture
def mailbox(account):
    return Mailbox(account)


def login(mailbox, kill_at):
    """From the login on: what is before the store's start is harmless."""
    pop = mailbox.server.connect()
    pop.ok("USER " + mailbox.account.address)
    tracer = Tracer(mailbox.server.processes(pop).parent, kill_at)
    pop.send("PASS %s\r\nQUIT\r\n" % mailbox.account.password)
    pop.rest()
    pop.close()
    return tracer


def log_in_and_mark(mailbox, marked):
    pop = mailbox.account.login()
    pop.send("".join("DELE %d\r\n" % n for n in marked))
    for _ in marked:
        pop.ok()
    return pop


def quit_session(mailbox, marked, kill_at, answers):
    """From QUIT on; answers gets what the client was told."""
    pop = log_in_and_mark(mailbox, marked)
    tracer = Tracer(mailbox.server.processes(pop).store, kill_at)
    pop.send("QUIT\r\n")
    answers.append(pop.rest())
    pop.close()
    return tracer


def ctl(mailbox, kill_at, *command):
    """pop3ctl's second child, which is the owner, is killed."""
    waiting = Waiting([POP3CTL, "-f", mailbox.server.conf, *command])
    tracer = Tracer(waiting.pid, kill_at, follow=2)
    status, _, err = waiting.go()
    assert (status, err == "") in ((0, True), (1, False))
    assert status == 1 or not tracer.finish()
    return tracer


def test_quit_with_deletions(mailbox, everything, capsys):
    """100 marked of 1,000: all of them gone, or none, and all if told so."""
    before = mailbox.fill(1000)
    mailbox.settle()
    marked = range(5, 1000, 10)
    after = [name for n, name in enumerate(before, 1) if n not in marked]
    answers = []

    def check():
        seen = mailbox.check([before, after])
        assert seen == after or not answers[-1].startswith(b"+OK")

    crash_everywhere(
        Saved(mailbox.maildir),
        lambda kill_at: quit_session(mailbox, marked, kill_at, answers),
        check, everything, capsys)


def test_quit_with_the_seal(mailbox, everything, capsys):
    """The same from a mailbox whose seal is believed."""
    before = mailbox.fill(40)
    mailbox.settle()
    marked = [1, 2, 7, 40]
    after = [name for n, name in enumerate(before, 1) if n not in marked]
    answers = []

    def act(kill_at):
        mailbox.see()
        return quit_session(mailbox, marked, kill_at, answers)

    def check():
        seen = mailbox.check([before, after])
        assert seen == after or not answers[-1].startswith(b"+OK")

    crash_everywhere(Saved(mailbox.maildir), act, check, everything, capsys)


def test_quit_that_retains(mailbox, everything, capsys):
    """auto-delete=no: they leave the maildrop all or none, no file goes."""
    mailbox.server.ctl("set", mailbox.account.address, "auto-delete=no")
    before = mailbox.fill(300)
    mailbox.settle()
    marked = range(1, 300, 3)
    after = [name for n, name in enumerate(before, 1) if n not in marked]
    answers = []

    def check():
        seen = mailbox.check([before, after], kept=before)
        assert seen == after or not answers[-1].startswith(b"+OK")

    crash_everywhere(
        Saved(mailbox.maildir),
        lambda kill_at: quit_session(mailbox, marked, kill_at, answers),
        check, everything, capsys)


def test_interrupted_unlinking(mailbox, everything, capsys):
    """A login that finishes a QUIT that was killed, is killed as well."""
    before = mailbox.fill(60)
    mailbox.settle()
    marked = range(1, 60, 2)
    after = [name for n, name in enumerate(before, 1) if n not in marked]
    clean = Saved(mailbox.maildir)
    clean.restore()
    tracer = quit_session(mailbox, marked, None, [])
    assert not tracer.finish()
    # Half way through the last long run of one call: the unlinking.
    numbers = tracer.numbers
    runs = [n for n in range(len(numbers) - 20)
            if len(set(numbers[n:n + 20])) == 1]
    clean.restore()
    assert quit_session(mailbox, marked, runs[-1] + 10, []).finish()
    left = len(mailbox.maildir.files())
    assert len(after) < left < len(before)
    crash_everywhere(
        Saved(mailbox.maildir), lambda kill_at: login(mailbox, kill_at),
        lambda: mailbox.check([after]), everything, capsys)


def test_login_with_new_mail(mailbox, everything, capsys):
    old = mailbox.fill(1000)
    mailbox.settle()
    new = mailbox.fill(50)
    crash_everywhere(
        Saved(mailbox.maildir), lambda kill_at: login(mailbox, kill_at),
        lambda: mailbox.check([old + new]), everything, capsys)


def test_login_with_new_mail_and_the_seal(mailbox, everything, capsys):
    """The client is answered before what is new is recorded."""
    old = mailbox.fill(20)
    mailbox.settle()
    saved = Saved(mailbox.maildir)
    new = [unique() for _ in range(10)]
    mailbox.data.update((name, message(name)) for name in new)

    def act(kill_at):
        mailbox.see()
        for name in new:
            mailbox.maildir.deliver(mailbox.data[name], name)
        return login(mailbox, kill_at)

    crash_everywhere(saved, act, lambda: mailbox.check([old + new]),
                     everything, capsys)


def test_login_after_changes_by_others(mailbox, everything, capsys):
    """Flags set, messages removed and mail delivered since the last one."""
    before = mailbox.fill(60)
    mailbox.settle()
    for name in before[::3]:
        path = mailbox.maildir.find(name)
        os.rename(path, path + "S")
    removed = before[1::6]
    for name in removed:
        os.unlink(mailbox.maildir.find(name))
    new = mailbox.fill(5)
    after = [name for name in before if name not in removed] + new
    crash_everywhere(
        Saved(mailbox.maildir), lambda kill_at: login(mailbox, kill_at),
        lambda: mailbox.check([after]), everything, capsys)


def test_login_with_ids_from_elsewhere(mailbox, everything, capsys):
    """Who comes after it sees all of them, old messages and new ones."""
    old = mailbox.fill(60)
    mailbox.settle()
    new = mailbox.fill(5)
    ids = {name: "id-%d" % n for n, name in enumerate(old + new)
           if n % 3 == 0}
    path = mailbox.maildir.path + "/pop3d/uidls"
    with open(path, "w") as f:
        f.write("uidls 1\n" + "".join("%s %s\n" % (uidl, name)
                                      for name, uidl in ids.items()))
    os.chown(path, mailbox.maildir.uid, mailbox.maildir.gid)
    after = [ids.get(name, name) for name in old + new]
    for name, uidl in ids.items():
        mailbox.data[uidl] = mailbox.data[name]

    def check():
        assert mailbox.see() == after
        assert len(mailbox.maildir.files()) == len(after)
        assert mailbox.see() == after

    crash_everywhere(Saved(mailbox.maildir),
                     lambda kill_at: login(mailbox, kill_at), check,
                     everything, capsys)


def test_login_that_turns_the_journal_over(mailbox, everything, capsys):
    """It costs no login, and what the journal knew is never forgotten."""
    mailbox.fill(2)
    mailbox.settle()
    mailbox.see()
    mailbox.server.wait_empty()
    journal = mailbox.account.maildir.path + "/pop3d/journal"
    with open(journal, "a") as f:
        f.write("time=2026-01-01T00:00:00Z event=login peer=192.0.2.1 "
                "label=phone\n" + 70 * (1023 * "#" + "\n"))

    def check():
        mailbox.server.wait_empty()
        mailbox.see()
        mailbox.server.wait_empty()
        told = mailbox.server.ctl("last", "-l", mailbox.account.address)
        assert re.search("time=2026-01-01T00:00:00Z .*label=phone$",
                         told.stdout, re.M), told.stdout

    crash_everywhere(Saved(mailbox.maildir),
                     lambda kill_at: login(mailbox, kill_at), check,
                     everything, capsys)


def unindexed(mailbox):
    """Mail in cur/ and new/ that no index knows."""
    return (mailbox.fill(60, mailbox.maildir.put) + mailbox.fill(20))


def test_first_login(mailbox, everything, capsys):
    names = unindexed(mailbox)
    crash_everywhere(
        Saved(mailbox.maildir), lambda kill_at: login(mailbox, kill_at),
        lambda: mailbox.check([names]), everything, capsys)


def test_index(mailbox, everything, capsys):
    """pop3ctl index of a mailbox without one."""
    names = unindexed(mailbox)
    crash_everywhere(
        Saved(mailbox.maildir),
        lambda kill_at: ctl(mailbox, kill_at, "index",
                            mailbox.account.address),
        lambda: mailbox.check([names]), everything, capsys)


@pytest.mark.long
def test_index_of_many(mailbox, capsys):
    """More messages than go into one transaction, killed now and then."""
    names = mailbox.fill(2500)
    saved = Saved(mailbox.maildir)
    tracer = ctl(mailbox, None, "index", mailbox.account.address)
    assert not tracer.finish()
    calls = len(tracer.numbers)
    for point in range(1, calls, calls // 100):
        saved.restore()
        assert ctl(mailbox, point, "index", mailbox.account.address).finish()
        mailbox.check([names])
    with capsys.disabled():
        print("\n100 points of %d system calls tried" % calls, end=" ")


def test_check(mailbox, everything, capsys):
    """pop3ctl check that mends: a wrong size among other things."""
    names = mailbox.fill(20)
    mailbox.settle()
    path = mailbox.maildir.find(names[3])
    mailbox.data[names[3]] += b"One line more.\n"
    with open(path, "ab") as f:
        f.write(b"One line more.\n")
    new = mailbox.fill(5)
    saved = Saved(mailbox.maildir)

    def check():
        mailbox.server.ctl("check", mailbox.account.address)
        mailbox.check([names + new])

    crash_everywhere(
        saved, lambda kill_at: ctl(mailbox, kill_at, "check",
                                   mailbox.account.address),
        check, everything, capsys)


def test_requeue(mailbox, everything, capsys):
    """All that was retained comes back to its place, or nothing does."""
    mailbox.server.ctl("set", mailbox.account.address, "auto-delete=no")
    before = mailbox.fill(200)
    mailbox.settle()
    marked = range(1, 200, 2)
    log_in_and_mark(mailbox, marked).quit()
    after = [name for n, name in enumerate(before, 1) if n not in marked]
    crash_everywhere(
        Saved(mailbox.maildir),
        lambda kill_at: ctl(mailbox, kill_at, "requeue",
                            mailbox.account.address, "-a"),
        lambda: mailbox.check([before, after], kept=before),
        everything, capsys)


@pytest.mark.parametrize("name", NAMES)
def test_bringing_forward(account, everything, name, capsys):
    """A login that finds what an earlier version left."""
    golden = Golden(account, name)

    def act(kill_at):
        pop = account.server.connect()
        pop.ok("USER " + account.address)
        tracer = Tracer(account.server.processes(pop).parent, kill_at)
        pop.send("PASS %s\r\nQUIT\r\n" % account.password)
        pop.rest()
        pop.close()
        return tracer

    def check():
        assert golden.listed() == golden.expected["list"]
        assert states(golden.messages()) == states(
            golden.expected["messages"])
        assert golden.listed() == golden.expected["list"]

    crash_everywhere(Saved(account.maildir), act, check, everything, capsys,
                     FEW_POINTS)


def test_mending_a_damaged_index(mailbox, everything, capsys):
    """A login that finds damage, and saves what can be read."""
    names = mailbox.fill(150)
    mailbox.server.ctl("set", mailbox.account.address, "auto-delete=no")
    mailbox.settle()
    log_in_and_mark(mailbox, range(1, 150, 3)).quit()
    retained = names[::3]
    mailbox.server.wait_empty()
    path = mailbox.maildir.path + "/pop3d/index.db"
    os.truncate(mailbox.maildir.path + "/pop3d/lock", 0)
    with open(path, "r+b") as f:
        f.seek(os.path.getsize(path) - 2000)
        f.write(b"\xaa" * 100)

    def check():
        seen = mailbox.see()
        assert set(names) - set(retained) <= set(seen)
        files = mailbox.maildir.contents()
        assert sorted(files) == sorted(names)
        assert mailbox.see() == seen
        assert " 0 mended" in mailbox.server.ctl(
            "check", mailbox.account.address).stdout

    crash_everywhere(Saved(mailbox.maildir),
                     lambda kill_at: login(mailbox, kill_at), check,
                     everything, capsys, FEW_POINTS)
