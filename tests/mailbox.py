"""A mailbox, the messages that it was given, and what sessions see of it."""

import contextlib
import subprocess
import time

from daemon import wait_until
from inject import Strace, application_password
from maildir import message, unique
from pop3 import wire

# Changes are told from each other by the clock that stamps files: after so
# long, whatever comes has another time.
YOUNG_SECONDS = 2.1
TICK_SECONDS = 0.15

READING = "trace=getdents64"


class Mailbox:
    """data holds every message by its base name, which is its UIDL."""

    def __init__(self, account, count=0):
        self.account = application_password(account)
        self.maildir = account.maildir
        self.server = account.server
        self.data = {}
        if count:
            self.deliver(count)
            self.index()

    @property
    def cur(self):
        return self.maildir.path + "/cur"

    @property
    def new(self):
        return self.maildir.path + "/new"

    @property
    def pop3d(self):
        return self.maildir.path + "/pop3d"

    def path(self, name):
        """Where the message is; it must be there."""
        found = self.maildir.find(name)
        assert found is not None, name + " is gone"
        return found

    def _add(self, put, count):
        names = [unique() for _ in range(count)]
        for name in names:
            self.data[name] = message(name, "a line\n" * (len(self.data) % 9))
            put(self.data[name], name)
        return names

    def deliver(self, count):
        """New messages in new/: their base names, in order."""
        return self._add(self.maildir.deliver, count)

    def put(self, count):
        """The same, as an IMAP server saves them: straight into cur/."""
        return self._add(self.maildir.put, count)

    def ctl(self, command, *arguments, **keywords):
        return self.server.ctl(
            command, self.account.address, *arguments, **keywords)

    def index(self):
        return self.ctl("index").stdout

    def set(self, *settings):
        self.ctl("set", *settings)

    def login(self, *options):
        """A session; with options, (session, strace of its store)."""
        if not options:
            return self.account.login()
        pop, strace = self.begin(*options)
        pop.ok()
        return pop, strace

    def begin(self, *options):
        """(client, strace of the store): the login is not yet answered."""
        pop = self.server.connect()
        pop.ok("USER " + self.account.address)
        strace = Strace(self.server.processes(pop).parent, *options)
        pop.send("PASS " + self.account.password + "\r\n")
        return pop, strace

    def store(self, pop):
        return self.server.processes(pop).store

    def see(self, pop):
        """All that a session shows; no part contradicts another (I3)."""
        count, octets = pop.stat()
        sizes, uidls = pop.list(), pop.uidl()
        assert len(sizes) == len(uidls) == count
        assert sum(sizes.values()) == octets
        for n, uidl in uidls.items():
            data = pop.retr(n)
            assert data == wire(self.data[uidl]), uidl
            assert len(data) == sizes[n], uidl
        return list(uidls.values())

    def visit(self):
        """A whole session, which succeeds: what it sees."""
        pop = self.login()
        seen = self.see(pop)
        pop.quit()
        return seen

    def delete(self, *numbers):
        """A whole session that deletes these."""
        pop = self.login()
        for n in numbers:
            pop.ok("DELE %d" % n)
        pop.quit()

    def present(self):
        """Base names of the files, sorted."""
        return sorted(self.maildir.contents())

    def readings(self):
        """How many calls of a login and its QUIT read a directory."""
        pop, strace = self.login("-e", READING)
        pop.quit()
        strace.finish()
        return len(strace.calls("getdents64"))

    def grow_old(self):
        """Until no message is young: such a one is measured again."""
        time.sleep(YOUNG_SECONDS)
        self.visit()
        self.server.wait_empty()

    def settle(self):
        """Until a login finds nothing that it has not seen before."""
        time.sleep(TICK_SECONDS)
        wait_until(lambda: self.readings() == 0,
                   "each login reads the directories")
        time.sleep(TICK_SECONDS)


@contextlib.contextmanager
def read_only(account):
    """Nothing in the account's Maildir can be changed for a while."""
    path = account.maildir.path
    subprocess.run(["mount", "--bind", path, path], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", path], check=True)
        yield
    finally:
        account.server.close_clients()
        account.server.wait_empty()
        subprocess.run(["umount", path], check=True)
