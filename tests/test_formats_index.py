"""What earlier versions wrote is read and brought forward (I14).

tests/formats/README tells what the files hold and how they were made.
"""

import hashlib
import json
import os
import re
import shutil
import socket
import subprocess

import pytest

from daemon import HERE, ROOT
from inject import application_password
from mailbox import read_only

pytestmark = pytest.mark.skipif(not ROOT, reason="only root changes owners")

FORMATS = os.path.join(HERE, "formats")
NAMES = sorted(name[:-len(".tar.gz")] for name in os.listdir(FORMATS)
               if name.endswith(".tar.gz"))
INODE, SIZE, CHANGED = 2, 3, 4


class Golden:
    """An account whose Maildir is what an earlier version left."""

    def __init__(self, account, name):
        self.account = application_password(account)
        self.server = account.server
        self.path = account.maildir.path
        with open(os.path.join(FORMATS, name + ".json")) as f:
            self.expected = json.load(f)
        shutil.rmtree(self.path)
        subprocess.run(["tar", "-C", os.path.dirname(self.path), "-xpzf",
                        os.path.join(FORMATS, name + ".tar.gz")], check=True)
        subprocess.run(["chown", "-R", "%d:%d" % (
            account.maildir.uid, account.maildir.gid), self.path], check=True)
        self.ctl("set", account.address, "spam=include", "access=from-now")
        exported = [line for line in self.ctl("export").splitlines()
                    if line.startswith(account.address + " ")]
        self.ctl("import", "-", stdin=re.sub(
            r" from-now=\d+", " from-now=%d" % self.expected["from-now"],
            exported[0]) + "\n")

    def ctl(self, *arguments, **keywords):
        return self.server.ctl(*arguments, **keywords).stdout

    def seal(self):
        """Makes version 1's seal, if there is one, fit the files here."""
        directory = self.path + "/pop3d"
        with open(directory + "/lock", "r+b") as f:
            words = f.read().split()[:-1]
            if not words:
                return
            with open("/proc/sys/kernel/random/boot_id") as boot:
                words[1] = ("%s/%s" % (socket.gethostname(),
                                       boot.read().strip())).encode()
            status = os.stat(directory + "/index.db")
            words[INODE] = b"%d" % status.st_ino
            words[SIZE] = b"%d" % status.st_size
            words[CHANGED] = b"%d.%09d" % divmod(status.st_ctime_ns, 10**9)
            text = b" ".join(words) + b" "
            f.seek(0)
            f.write(text + hashlib.sha256(text).hexdigest().encode() + b"\n")

    def listed(self):
        with self.account.login() as pop:
            sizes, uidls = pop.list(), pop.uidl()
            assert pop.stat() == (len(sizes), sum(sizes.values()))
            assert all(len(pop.retr(n)) == octets
                       for n, octets in sizes.items())
            pop.quit()
        return [[sizes[n], uidls[n]] for n in sizes]

    def messages(self):
        return json.loads(self.ctl("queue", "-a", "-j", self.account.address))

    def not_a_word(self):
        """Nothing in the log but who came and went."""
        lines = [line for line in self.server.log_lines()
                 if not re.match("(login|end): ", line)]
        assert lines == []


@pytest.fixture(params=NAMES)
def golden(request, account):
    return Golden(account, request.param)


def states(messages):
    return sorted((m["folder"], m["uidl"], m["state"]) for m in messages)


@pytest.mark.parametrize("sealed", [False, True], ids=["elsewhere", "here"])
def test_nobody_notices(golden, sealed):
    """The same messages in the same order; what was retained stays so."""
    if sealed:
        golden.seal()
    assert golden.listed() == golden.expected["list"]
    assert golden.listed() == golden.expected["list"]
    assert states(golden.messages()) == states(golden.expected["messages"])
    golden.not_a_word()


def test_the_administrator_first(golden):
    """pop3ctl may be the first to open it."""
    assert states(golden.messages()) == states(golden.expected["messages"])
    assert " 0 mended" in golden.ctl("check", golden.account.address)
    assert golden.listed() == golden.expected["list"]


def test_life_goes_on(golden):
    """Deletions, and what was retained comes back to its place."""
    listed = golden.expected["list"]
    with golden.account.login() as pop:
        pop.ok("DELE 1")
        pop.ok("DELE %d" % len(listed))
        pop.quit()
    assert golden.listed() == listed[1:-1]
    golden.ctl("requeue", golden.account.address, "-a")
    back = [m["uidl"] for m in golden.expected["messages"]
            if m["state"] != "queued"]
    found = golden.listed()
    assert sorted(uidl for _, uidl in found) == sorted(
        back + [uidl for _, uidl in listed[1:-1]])
    assert [item for item in found if item[1] not in back] == listed[1:-1]


def test_read_only(golden):
    """It cannot be brought forward, and what was retained is not shown."""
    with read_only(golden.account):
        pop = golden.server.connect()
        pop.ok("USER " + golden.account.address)
        answer = pop.command("PASS " + golden.account.password)
        if answer.startswith(b"+OK"):
            sizes, uidls = pop.list(), pop.uidl()
            assert [[sizes[n], uidls[n]] for n in sizes] == \
                golden.expected["list"]
            pop.quit()
        else:
            assert answer.startswith(b"-ERR [SYS/TEMP]")
    assert golden.listed() == golden.expected["list"]
