"""An actor works in cur/ at random moments of our own working time (I12).

A login with new mail, or a QUIT that deletes, stands still at system calls
that are drawn from a seed; there another program moves mail to cur/, saves,
flags, removes, puts back into new/.  When all is over, the next login must
list exactly what is there: nothing hidden, nothing doubled, nothing that is
gone, each with its octets; and nothing was lost.
"""

import os
import random

import pytest

from daemon import ROOT
from inject import Tracer
from mailbox import Mailbox
from pop3 import wire

pytestmark = pytest.mark.skipif(
    not ROOT, reason="only root may trace the store, which is not dumpable")

SMALL, LARGE = 8, 1050  # a folder is watched from 1,000 names on
ACTS = ["move", "move", "save", "save", "flag", "remove", "put_back"]


class Actor:
    """Another program; alive is what it and the sessions have left."""

    def __init__(self, mailbox, generator):
        self.mailbox = mailbox
        self.random = generator
        self.alive = set(mailbox.data)
        self.told = []

    def tell(self, *what):
        self.told.append(" ".join(map(str, what)))

    def act(self):
        act = self.random.choice(ACTS)
        self.tell(act, getattr(self, act)())

    def move(self):
        name, = self.mailbox.deliver(1)
        self.alive.add(name)
        os.rename(self.mailbox.new + "/" + name, "%s/%s:2,%s" % (
            self.mailbox.cur, name, self.random.choice(["", "S"])))
        return name

    def save(self):
        name, = self.mailbox.put(1)
        self.alive.add(name)
        return name

    def _some(self):
        """A file that is in cur/ now."""
        names = os.listdir(self.mailbox.cur)
        return self.random.choice(sorted(names)) if names else None

    def flag(self):
        name = self._some()
        if name:
            os.rename(self.mailbox.cur + "/" + name, "%s/%s:2,%s" % (
                self.mailbox.cur, name.split(":")[0],
                "".join(sorted(self.random.sample("DFRST", 2)))))
        return name

    def remove(self):
        name = self._some()
        if name and len(self.alive) > 3:
            os.unlink(self.mailbox.cur + "/" + name)
            self.alive.discard(name.split(":")[0])
        return name

    def put_back(self):
        """As unread: a mail program does that."""
        name = self._some()
        if name:
            os.rename(self.mailbox.cur + "/" + name,
                      self.mailbox.new + "/" + name.split(":")[0])
        return name


class Round:
    """One login or QUIT, with the actor at some of its system calls.

    Where the round before had so many calls, this one will have about as
    many: the moments are drawn from these.
    """

    lengths = {}

    def __init__(self, actor, what):
        self.actor = actor
        calls = self.lengths.get(what, 60)
        count = actor.random.choice([1, 1, 1, 2, 3])
        self.moments = {actor.random.randrange(1, calls + 1)
                        for _ in range(count)}
        self.what = what

    def at_call(self, n, number):
        if n in self.moments:
            self.actor.tell("at call %d (%d):" % (n, number))
            self.actor.act()

    def trace(self, pid):
        return Tracer(pid, at_call=self.at_call)

    def finish(self, tracer):
        tracer.finish()
        self.lengths[self.what] = len(tracer.numbers)


def login_round(mailbox, actor):
    """New mail, and a session that only looks."""
    new = mailbox.deliver(actor.random.choice([0, 1, 1, 2, 5]))
    actor.alive |= set(new)
    this = Round(actor, "login of %d" % bool(new))
    pop = mailbox.server.connect()
    pop.ok("USER " + mailbox.account.address)
    tracer = this.trace(mailbox.store(pop))
    pop.send("PASS " + mailbox.account.password + "\r\nQUIT\r\n")
    pop.ok()
    pop.ok()
    pop.close()
    this.finish(tracer)


def quit_round(mailbox, actor):
    pop = mailbox.login()
    uidls = pop.uidl()
    marked = actor.random.sample(
        sorted(uidls), min(actor.random.choice([1, 1, 2, 4]), len(uidls)))
    for n in marked:
        pop.ok("DELE %d" % n)
    this = Round(actor, "quit")
    tracer = this.trace(mailbox.store(pop))
    pop.send("QUIT\r\n")
    pop.ok()
    pop.close()
    this.finish(tracer)
    actor.tell("deleted", *[uidls[n] for n in marked])
    actor.alive -= {uidls[n] for n in marked}


def exactly(mailbox, actor):
    """The next login, and the files."""
    mailbox.server.wait_empty()
    with mailbox.login() as pop:
        sizes, uidls = pop.list(), pop.uidl()
        assert pop.stat() == (len(sizes), sum(sizes.values()))
        seen = {uidls[n]: sizes[n] for n in sizes}
        hidden = actor.alive - set(seen)
        gone = set(seen) - actor.alive
        assert not hidden and not gone, "hidden %s, gone %s" % (hidden, gone)
        for name, octets in seen.items():
            assert octets == len(wire(mailbox.data[name]))
        pop.quit()
    assert set(mailbox.present()) == actor.alive
    assert len(mailbox.maildir.files()) == len(actor.alive)


def rounds(server, seed, count, size, capsys):
    generator = random.Random(seed)
    mailbox = Mailbox(server.add_account(), size)
    mailbox.settle()
    actor = Actor(mailbox, generator)
    acts = 0
    try:
        for _ in range(count):
            if len(actor.alive) < size - size // 50:
                actor.alive |= set(mailbox.deliver(size - len(actor.alive)))
            if generator.random() < 0.5:
                mailbox.login().quit()  # what was young is known by now
            generator.choice([login_round, quit_round])(mailbox, actor)
            acts += len([line for line in actor.told if line[:2] != "at"])
            exactly(mailbox, actor)
            actor.told.clear()
    except BaseException as error:
        error.add_note("seed %d: %s" % (seed, "; ".join(actor.told)))
        raise
    with capsys.disabled():
        print("\nseed %d: %d rounds, %d acts" % (seed, count, acts), end=" ")


sizes = pytest.mark.parametrize("size", [SMALL, LARGE],
                                ids=["small", "large"])


@sizes
def test_some_moments(server, size, capsys):
    rounds(server, 1, 20 if size == SMALL else 8, size, capsys)


@pytest.mark.long
@sizes
def test_thousands_of_moments(server, size, capsys):
    """Others each time; POP3D_ROUNDS=n asks for more, or fewer."""
    count = int(os.environ.get("POP3D_ROUNDS", 3000))
    seed = random.SystemRandom().randrange(10**6)
    rounds(server, seed, count, size, capsys)
