"""What happens to a mailbox in its life, one thing after the other, against
a model.

Each history is drawn from a seed.  Mail is delivered to both folders, and
flagged, moved and removed by other programs; settings are changed; sessions
delete, and quit or die; pop3ctl puts back what was kept; the index is lost.
The model knows of each message whether it is queued, retained or earlier,
and in which order messages were first seen: every session and every listing
must agree.
"""

import json
import os
import random
import shutil
import signal
import time

import pytest

from inject import application_password
from maildir import message
from pop3 import wire

FOLDERS = {"inbox": None, "junk": ".Junk"}
SHOWN = {"exclude": ["inbox"], "include": ["inbox", "junk"], "only": ["junk"]}
BACK = ("retained", "earlier")

# Younger changes of a directory the server may, by right, not notice.
SETTLED_SECONDS = 0.13
TICK_SECONDS = 0.02  # of the clock that stamps files


class Known:
    """What the index knows of a message."""

    def __init__(self, state, place):
        self.state = state
        self.place = place


class History:
    def __init__(self, account, seed):
        self.account = account
        self.server = account.server
        self.maildir = account.maildir
        self.random = random.Random(seed)
        self.maildir.make(FOLDERS["junk"])
        self.data = {folder: {} for folder in FOLDERS}  # what is on disk
        self.known = {folder: {} for folder in FOLDERS}
        self.applied = dict.fromkeys(FOLDERS, 0)  # "from now on", as seen
        self.uidls = {}
        self.delivered = self.places = 0
        self.spam, self.auto_delete, self.from_now = "exclude", True, 0
        self.told = []

    def tell(self, *what):
        self.told.append(" ".join(map(str, what)))

    # Other programs.

    def path(self, folder, base):
        return self.maildir.find(base, FOLDERS[folder])

    def stamp(self, folder, base):
        return os.stat(self.path(folder, base)).st_mtime_ns

    def deliver(self):
        folder = self.random.choice(["inbox", "inbox", "junk"])
        for _ in range(self.random.choice([1, 1, 2, 5, 20])):
            self.delivered += 1
            n = self.delivered
            base = self.random.choice([
                "%d.M%dP1.host" % (1700000000 + n, n),
                "%d.M%dP1.host,S=9" % (
                    1700000000 + self.random.randrange(n), n),
                "%d.%d_a.host=1,W=5" % (1700000000 + n, n)])
            data = message(str(n), "." * self.random.randrange(3) +
                           "\n" * self.random.randrange(3) +
                           "x" * self.random.randrange(50) +
                           self.random.choice(["", "\n"]))
            if self.random.random() < 0.8:
                self.maildir.deliver(data, base, folder=FOLDERS[folder])
            else:
                self.maildir.put(data, base, folder=FOLDERS[folder],
                                 suffix=self.random.choice([":2,S", ""]))
            self.data[folder][base] = data
        self.tell("delivered to", folder)

    def some_message(self):
        every = [(f, b) for f in FOLDERS for b in self.data[f]]
        return self.random.choice(every) if every else None

    def flag(self):
        """Into new/, too: it is then marked as unread."""
        some = self.some_message()
        if some:
            folder, base = some
            name = (self.random.choice(["cur/", "cur/", "new/"]) + base +
                    self.random.choice(["", ":2,", ":2,S", ":2,FS"]))
            os.rename(self.path(folder, base), os.path.join(
                self.maildir.folder(FOLDERS[folder]), name))
            self.tell("renamed in", folder, name)

    def remove(self):
        some = self.some_message()
        if some:
            os.unlink(self.path(*some))
            del self.data[some[0]][some[1]]
            self.tell("removed", *some)

    def refile(self):
        """This is spam; this is not."""
        some = self.some_message()
        if some:
            folder, base = some
            other = "junk" if folder == "inbox" else "inbox"
            os.rename(self.path(folder, base), os.path.join(
                self.maildir.folder(FOLDERS[other]), "cur", base + ":2,S"))
            self.data[other][base] = self.data[folder].pop(base)
            self.tell("from", folder, "to", other, base)

    def lose_index(self):
        if self.random.random() < 0.3:
            shutil.rmtree(self.maildir.path + "/pop3d", ignore_errors=True)
            self.known = {folder: {} for folder in FOLDERS}
            self.applied = dict.fromkeys(FOLDERS, 0)
            self.tell("the index is lost")

    # The model.

    def state(self, folder, base):
        return ("earlier" if self.stamp(folder, base) < self.from_now
                else "queued")

    def look(self):
        """What a look into the folders that are shown makes of it."""
        for folder in SHOWN[self.spam]:
            known, data = self.known[folder], self.data[folder]
            for base in set(known) - set(data):
                del known[base]
            new = sorted(set(data) - set(known),
                         key=lambda base: (int(base.split(".")[0]), base))
            for base in new:
                known[base] = Known(self.state(folder, base), self.places)
                self.places += 1
            if self.applied[folder] == self.from_now:
                continue
            self.applied[folder] = self.from_now
            for base, k in known.items():
                if k.state != "retained":
                    k.state = self.state(folder, base)

    def queue(self):
        return [(folder, base) for folder in SHOWN[self.spam]
                for base, k in sorted(self.known[folder].items(),
                                      key=lambda item: item[1].place)
                if k.state == "queued"]

    def kept_back(self):
        return [(folder, base) for folder in SHOWN[self.spam]
                for base, k in self.known[folder].items() if k.state in BACK]

    def check_uidl(self, which, uidl):
        """The same for ever, and nobody else's (I4)."""
        if which not in self.uidls:
            assert uidl not in self.uidls.values()
            self.uidls[which] = uidl
        assert uidl == self.uidls[which]

    # The user.

    def session(self):
        time.sleep(SETTLED_SECONDS)
        self.look()
        queue = self.queue()
        pop = self.account.login()
        sizes, uidls = pop.list(), pop.uidl()
        data = [wire(self.data[folder][base]) for folder, base in queue]
        assert list(sizes.values()) == [len(octets) for octets in data]
        assert pop.stat() == (len(data), sum(sizes.values()))
        for n, which in enumerate(queue, 1):
            self.check_uidl(which, uidls[n])
        numbers = range(1, len(queue) + 1)
        for n in self.random.sample(numbers, min(3, len(queue))):
            assert pop.retr(n) == data[n - 1]
        share = self.random.choice([0, 0.2, 0.2, 0.9])
        marked = [n for n in numbers if self.random.random() < share]
        for n in marked:
            pop.ok("DELE %d" % n)
        if self.random.random() < 0.15:
            pop.ok("RSET")
            marked = []
        how = self.random.choice(["quit"] * 6 + ["close", "kill", "die"])
        self.tell("session:", len(queue), "messages,", len(marked),
                  "marked,", how)
        self.end(pop, how, [queue[n - 1] for n in marked])

    def end(self, pop, how, marked):
        if how == "quit":
            pop.quit()
            for folder, base in marked:
                if self.auto_delete:
                    del self.known[folder][base], self.data[folder][base]
                else:
                    self.known[folder][base].state = "retained"
        elif how == "kill":
            for pid in self.server.processes(pop).all:
                os.kill(pid, signal.SIGKILL)
        elif how == "die":
            os.kill(self.server.processes(pop).store, signal.SIGKILL)
        pop.close()
        self.server.wait_empty()
        for folder in FOLDERS:
            assert self.maildir.contents(FOLDERS[folder]) == self.data[folder]

    # The administrator.

    def ctl(self, *arguments):
        return self.server.ctl(*arguments).stdout

    def set_spam(self):
        self.spam = self.random.choice(list(SHOWN))
        self.ctl("set", self.account.address, "spam=" + self.spam)
        self.tell("spam", self.spam)

    def set_auto_delete(self):
        self.auto_delete = not self.auto_delete
        self.ctl("set", self.account.address,
                 "auto-delete=" + ("yes" if self.auto_delete else "no"))
        self.tell("auto-delete", self.auto_delete)

    def set_access(self):
        access = self.random.choice(["all", "all", "from-now"])
        time.sleep(TICK_SECONDS)
        self.ctl("set", self.account.address, "access=" + access)
        self.from_now = time.time_ns() if access == "from-now" else 0
        time.sleep(TICK_SECONDS)
        self.tell("access", access)

    def list_queue(self):
        time.sleep(SETTLED_SECONDS)
        self.look()
        listed = json.loads(
            self.ctl("queue", "-a", "-j", self.account.address))
        numbered = [m for m in listed if m["state"] == "queued"]
        queue = self.queue()
        assert [m["folder"] for m in numbered] == [f for f, _ in queue]
        for which, m in zip(queue, numbered):
            self.check_uidl(which, m["uidl"])
        assert sorted((m["folder"], m["state"]) for m in listed) == sorted(
            (folder, k.state) for folder in SHOWN[self.spam]
            for k in self.known[folder].values())
        self.tell("queue:", len(listed))

    def requeue(self):
        self.list_queue()
        back = self.kept_back()
        if self.random.random() < 0.7:
            back = [which for which in back if which in self.uidls]
            if not back:
                return
            back = [self.random.choice(back)]
            self.ctl("requeue", self.account.address,
                     self.uidls[back[0]])
        else:
            self.ctl("requeue", self.account.address, "-a")
            back = [(folder, base) for folder in FOLDERS
                    for base, k in self.known[folder].items()
                    if k.state in BACK]
        for folder, base in back:
            self.known[folder][base].state = "queued"
        self.tell("requeue:", len(back))

    def check(self):
        time.sleep(SETTLED_SECONDS)
        self.look()
        assert " 0 mended" in self.ctl("check", self.account.address)
        self.tell("check")


STEPS = (["session"] * 6 + ["deliver"] * 4 + ["flag"] * 3 +
         ["remove", "refile", "lose_index", "set_spam", "set_auto_delete",
          "set_access", "list_queue", "requeue", "check"])


def histories(server, seeds, steps):
    for seed in seeds:
        account = application_password(server.add_account())
        history = History(account, seed)
        try:
            for _ in range(steps):
                getattr(history, history.random.choice(STEPS))()
        except BaseException as error:
            error.add_note("seed %d: %s" % (
                seed, "; ".join(history.told[-20:])))
            raise


def test_histories(server):
    histories(server, range(2), 100)


@pytest.mark.long
def test_long_histories(server):
    """Others each time."""
    first = random.SystemRandom().randrange(10**6)
    histories(server, range(first, first + 20), 300)
