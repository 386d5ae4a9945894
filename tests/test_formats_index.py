"""What earlier versions wrote is read and brought forward (I14).

tests/formats/README tells what the files hold and how they were made.
"""

import json
import os
import re
import shutil
import socket
import subprocess

import pytest

import seal
from daemon import HERE, ROOT
from inject import application_password, read_files
from mailbox import read_only
from test_trouble import raise_version

pytestmark = pytest.mark.skipif(not ROOT, reason="only root changes owners")

FORMATS = os.path.join(HERE, "formats")
NAMES = sorted(name[:-len(".tar.gz")] for name in os.listdir(FORMATS)
               if name.endswith(".tar.gz"))
SEALED_V2 = ["index-v2-closed"]
V2 = SEALED_V2 + ["index-v2-killed"]
NEWER = 3


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
        """Makes the seal, if there is a whole one, fit the files here."""
        text = seal.read(self.account.maildir)
        if not text.startswith(b"seal "):
            return
        words = text.split()[:-1]
        # Version 1's seal has no word for its version.
        missing = 0 if text.startswith(b"seal 2 ") else 1
        with open("/proc/sys/kernel/random/boot_id") as boot:
            words[seal.BOOT - missing] = ("%s/%s" % (
                socket.gethostname(), boot.read().strip())).encode()
        status = os.stat(self.path + "/pop3d/index.db")
        words[seal.INODE - missing] = b"%d" % status.st_ino
        words[seal.SIZE - missing] = b"%d" % status.st_size
        words[seal.CHANGED - missing] = b"%d.%09d" % divmod(
            status.st_ctime_ns, 10**9)
        seal.write(self.account.maildir, seal.compose(words))

    def listed(self):
        with self.account.login() as pop:
            sizes, uidls = pop.list(), pop.uidl()
            assert pop.stat() == (len(sizes), sum(sizes.values()))
            assert all(len(pop.retr(n)) == octets
                       for n, octets in sizes.items())
            pop.quit()
        return [[sizes[n], uidls[n]] for n in sizes]

    def file(self, base):
        return self.account.maildir.find(base)

    def files(self):
        return [self.account.maildir.contents(folder)
                for folder in (None, ".Junk")]

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


v2 = pytest.mark.parametrize("golden", V2, indirect=True)
sealed_v2 = pytest.mark.parametrize("golden", SEALED_V2, indirect=True)


@v2
def test_left_out(golden):
    """It is shown when it can be read, the last one of the inbox."""
    path = golden.file(golden.expected["left-out"])
    assert golden.listed() == golden.expected["list"]
    os.chmod(path, 0o600)
    junk = sum(m["folder"] == "junk" and m["state"] == "queued"
               for m in golden.expected["messages"])
    found = golden.listed()
    assert found.pop(-junk - 1)[1] == golden.expected["left-out"]
    assert found == golden.expected["list"]
    golden.not_a_word()


@v2
@pytest.mark.parametrize("sealed", [False, True], ids=["elsewhere", "here"])
def test_young(golden, sealed):
    """What was young may have grown since: it is measured again."""
    with open(golden.file(golden.expected["young"]), "a") as f:
        f.write("more\n")
    if sealed:
        golden.seal()
    assert golden.listed() == [
        [octets + len("more\r\n") * (uidl == golden.expected["young"]), uidl]
        for octets, uidl in golden.expected["list"]]


@pytest.mark.parametrize("golden", ["index-v2-killed"], indirect=True)
def test_unpacked_is_restored(golden):
    """Files that were born after the commit are not those it condemned.

    They have other inodes than the index knows: nothing is unlinked, and
    they are new mail, which comes last in its folder.
    """
    before = golden.files()
    assert golden.listed() == golden.expected["list"]
    assert golden.files() == before
    back = golden.expected["restored"]
    for folder in ("inbox", "junk"):
        uidls = [m["uidl"] for m in golden.messages()
                 if m["folder"] == folder and m["state"] == "queued"]
        mine = [uidl for uidl in uidls if uidl in back]
        assert mine and uidls[-len(mine):] == mine


def index_of_newer(golden):
    raise_version(golden.path + "/pop3d/index.db", None, NEWER)


def totals_of_newer(golden):
    """In a seal, which must be believed before they are looked at."""
    maildir = golden.account.maildir
    golden.seal()
    seal.write(maildir, seal.compose(
        seal.with_number(seal.read(maildir), "version", NEWER)))


def seal_of_newer(golden):
    """It need not even be whole: its words may be others by then."""
    seal.write(golden.account.maildir, b"seal %d of another kind\n" % NEWER)


@sealed_v2
@pytest.mark.parametrize("change", [index_of_newer, totals_of_newer,
                                    seal_of_newer])
def test_newer(golden, change):
    """What version 3 wrote is refused, and not an octet of it changes."""
    change(golden)
    pop3d, files = read_files(golden.path + "/pop3d"), golden.files()
    for _ in range(2):
        pop = golden.server.connect()
        pop.ok("USER " + golden.account.address)
        answer = pop.command("PASS " + golden.account.password)
        assert answer.startswith(b"-ERR [SYS/TEMP]"), answer
        pop.close()
        golden.server.wait_empty()
    golden.server.wait_log("newer version")
    for command in ("index", "check"):
        done = golden.server.ctl(command, golden.account.address, check=False)
        assert done.returncode == 1 and done.stderr
    assert read_files(golden.path + "/pop3d") == pop3d
    assert golden.files() == files
