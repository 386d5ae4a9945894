"""Deliveries, other programs and sessions at once, against a model.

Each schedule is drawn from a seed.  Threads do what delivery agents and
IMAP servers do, without a pause, while sessions list, delete, and quit or
vanish.  The model: a message that was delivered is listed exactly once, by
its UIDL and with its octets, in every session from its delivery until it is
deleted; and no two sessions disagree about the order of what both list.
"""

import os
import random
import threading

import pytest

from inject import application_password
from maildir import message, unique
from pop3 import wire

# Messages of a schedule: a slow machine would deliver without an end.
MOST = 2000


class Model:
    """What was delivered and removed, and when that was under way."""

    def __init__(self, account):
        self.maildir = account.maildir
        self.lock = threading.Lock()
        self.data = {}
        self.delivered = set()  # and there before the next session begins
        self.touched = set()    # may have been removed, or is being
        self.gone = set()       # deleted by a QUIT, which was answered
        self.order = []         # as sessions have listed them
        self.renamed = set()    # by others since the session began

    def deliver(self, generator):
        if len(self.data) >= MOST:
            return
        with self.lock:
            name = unique()
        self.data[name] = message(name, "x\n" * generator.randrange(50))
        self.maildir.deliver(self.data[name], name)
        self.delivered.add(name)

    def _some_file(self, generator, sub):
        names = os.listdir(os.path.join(self.maildir.path, sub))
        return os.path.join(self.maildir.path, sub,
                            generator.choice(names)) if names else None

    def flag(self, generator):
        """What reading a message in a mail program does."""
        path = self._some_file(generator, "cur")
        if path is None:
            return
        flags = "".join(sorted(generator.sample("DFRST", 2)))
        self._rename(path, path.split(":")[0] + ":2," + flags)

    def _rename(self, old, new):
        """A session that reads the directory now may or may not see it."""
        name = os.path.basename(old).split(":")[0]
        self.renamed.add(name)
        try:
            os.rename(old, new)
        except FileNotFoundError:
            pass  # the server, or a QUIT, was first
        self.renamed.add(name)

    def move(self, generator):
        """A program other than the server takes it from new/ to cur/."""
        path = self._some_file(generator, "new")
        if path is None:
            return
        self._rename(path, os.path.join(
            self.maildir.path, "cur", os.path.basename(path) + ":2,"))

    def remove(self, generator):
        """Another program deletes a message.

        It may stay listed while there is no quiet moment to be sure of it.
        """
        path = self._some_file(generator, "cur")
        if path is None:
            return
        name = os.path.basename(path).split(":")[0]
        self.touched.add(name)
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass  # renamed: it is there, or gone, in the end

    def expect(self, listed, sure, gone):
        """listed: {UIDL: octets}; sure and gone: when the session began."""
        names = list(listed)
        assert set(names) <= set(self.data)
        missing = sure - self.touched - set(names)
        assert not missing & set(self.order), "listed before, and not now"
        # readdir(3) may miss what is renamed: it comes with the next session.
        assert missing <= self.renamed, "not listed"
        assert not gone & set(names), "listed after it was deleted"
        for name, octets in listed.items():
            assert octets == len(wire(self.data[name]))
        place = {name: n for n, name in enumerate(self.order)}
        known = [place[name] for name in names if name in place]
        assert known == sorted(known), "the order has changed"
        self.order += [name for name in names if name not in place]

    def present(self):
        """What the files say, when all is over."""
        return {os.path.basename(path).split(":")[0]
                for path in self.maildir.files()}


def disturb(model, actions, seed, stop, errors):
    generator = random.Random(seed)
    try:
        while not stop.wait(generator.random() * 0.004):
            getattr(model, generator.choice(actions))(generator)
    except BaseException as error:
        errors.append(error)


def listing(pop):
    sizes, uidls = pop.list(), pop.uidl()
    assert list(sizes) == list(uidls)
    assert pop.stat() == (len(sizes), sum(sizes.values()))
    return {uidls[n]: octets for n, octets in sizes.items()}


def session(account, model, generator):
    sure, gone = set(model.delivered), set(model.gone)
    model.renamed.clear()
    pop = account.login()
    listed = listing(pop)
    model.expect(listed, sure, gone)
    names = list(listed)
    for n in generator.sample(range(1, len(names) + 1),
                              min(3, len(names))):
        answer = pop.command("RETR %d" % n)
        if answer.startswith(b"+OK"):
            assert len(pop.multiline()) >= listed[names[n - 1]]
        else:
            assert names[n - 1] in model.touched, answer
    marked = generator.sample(range(1, len(names) + 1),
                              generator.randrange(len(names) // 2 + 1))
    for n in marked:
        pop.ok("DELE %d" % n)
    end(pop, model, {names[n - 1] for n in marked}, generator)


def end(pop, model, marked, generator):
    if generator.random() < 0.6:
        model.touched |= marked
        pop.quit()
        model.gone |= marked
    else:
        getattr(pop, generator.choice(["close", "reset"]))()
        pop.address = None


def run(account, seed):
    generator = random.Random(seed)
    model = Model(account)
    stop, errors = threading.Event(), []
    kinds = [["deliver"], ["deliver", "flag"], ["flag", "flag", "move"],
             ["flag", "move", "remove"]]
    kinds = kinds[:1] + generator.sample(kinds, generator.randrange(1, 4))
    threads = [threading.Thread(target=disturb, args=(
        model, actions, (seed + 1) * 1000 + n, stop, errors))
        for n, actions in enumerate(kinds)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(generator.randrange(4, 8)):
            session(account, model, generator)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not errors, errors
    model.renamed.clear()
    for _ in range(2):  # all is quiet now
        account.server.wait_empty()
        pop = account.login()
        listed = listing(pop)
        model.expect(listed, set(model.delivered) & model.present(),
                     model.gone)
        assert set(listed) == model.present()
        for n, name in enumerate(listed, 1):
            assert pop.retr(n) == wire(model.data[name])
        assert not set(model.data) - model.present() - model.touched, "lost"
        pop.quit()
    return len(model.data)


def schedules(server, seeds, capsys):
    delivered = 0
    for seed in seeds:
        account = application_password(server.add_account())
        try:
            delivered += run(account, seed)
        except BaseException as error:
            error.add_note("seed %d" % seed)
            raise
    with capsys.disabled():
        print("\nseeds %d to %d, %d messages delivered"
              % (seeds[0], seeds[-1], delivered), end=" ")


def test_some_schedules(server, capsys):
    schedules(server, range(5), capsys)


@pytest.mark.long
def test_hundred_schedules(server, capsys):
    """Others than by default, and others each time: the seed is printed."""
    first = random.SystemRandom().randrange(10**6)
    schedules(server, range(first, first + 100), capsys)
