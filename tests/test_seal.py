"""The seal: a believed one opens nothing, a wrong one is not believed.

store/seal.h says what a seal is.  Wherever it can be done, the seal that
must not be believed also lies: a session that believed it would tell.
"""

import hashlib
import os
import re
import shutil
import sys
from collections import Counter

import pytest

import seal
from daemon import ROOT, wait_until
from inject import Saved, Strace, application_password
from mailbox import Mailbox
from maildir import message

pytestmark = pytest.mark.skipif(
    not ROOT, reason="only root may trace the store, which is not dumpable")

LIE = 7777


@pytest.fixture
def mailbox(account):
    """Ten messages and a seal."""
    return sealed(account, 10)


def sealed(account, count):
    application_password(account)
    account.names = [account.maildir.deliver(message(str(n)))
                     for n in range(count)]
    see(account)
    settle(account)
    return account


def settle(account):
    """Until the directories' times are old enough to be recorded."""
    def is_settled():
        return is_believed(account) and seal.is_settled(account.maildir)
    wait_until(is_settled, "the seal is not believed")


def see(account):
    """What a session sees, and no part of it contradicts another."""
    pop = account.login()
    count, octets = pop.stat()
    sizes, uidls = pop.list(), pop.uidl()
    assert len(sizes) == len(uidls) == count
    assert sum(sizes.values()) == octets
    for n in uidls:
        assert len(pop.retr(n)) == sizes[n]
    pop.quit()
    return list(uidls.values())


def watch(account, act, *options):
    """The store's system calls from the login to the end."""
    pop = account.server.connect()
    pop.ok("USER " + account.address)
    strace = Strace(account.server.processes(pop).parent, *options)
    pop.ok("PASS " + account.password)
    act(pop)
    pop.quit()
    strace.finish()
    return strace


def opened(account, act=lambda pop: pop.stat()):
    """The files that the store opens."""
    return watch(account, act, "-e", "trace=open,openat,openat2").lines


def is_believed(account):
    return not any("index.db" in line for line in opened(account))


def read_seal(account):
    return seal.read(account.maildir)


def lie(account, word=None, value=None):
    """Another seal, whole: it claims LIE messages, and what word is."""
    words = seal.with_number(read_seal(account), "count", LIE)
    if word is not None:
        assert words[word] != value
        words[word] = value
    seal.write(account.maildir, seal.compose(words))


# What is believed.

def test_seal_opens_nothing(mailbox):
    """An unchanged mailbox: no index, no environment, nothing written."""
    strace = watch(mailbox, lambda pop: pop.stat())
    assert not strace.calls(r"\w+")[0].startswith("execve")
    opens = strace.calls("open|openat|openat2")
    assert any("/pop3d/lock" in line for line in opens)
    assert not any("index.db" in line or "/log." in line or "/__db" in line
                   or "O_DIRECTORY" in line and '"."' in line
                   for line in opens), "\n".join(opens)
    changes = strace.calls("pwrite64|pwritev|ftruncate|rename.*|unlink.*|"
                           "fsync|fdatasync|mkdir.*|utimensat")
    assert not [line for line in changes if "EEXIST" not in line]


def test_seal_is_what_a_login_sees(mailbox):
    """A whole lie for the right file is believed: the lies below would be."""
    lie(mailbox)
    pop = mailbox.login()
    assert pop.stat()[0] == LIE
    pop.close()


def test_seal_is_kept(mailbox):
    """Sessions that only read leave it, and index.db, as they are."""
    before = read_seal(mailbox)
    see(mailbox)
    pop = mailbox.login()
    pop.ok("DELE 1")
    pop.close()
    mailbox.server.wait_empty()
    assert read_seal(mailbox) == before
    assert is_believed(mailbox)


def test_constant_work(server):
    """I7: the same system calls, however many messages there are.

    A folder of more than 1,000 names is watched while we change it.
    """
    def act(pop):
        pop.stat()
        pop.retr(7)

    def calls(count):
        account = sealed(server.add_account(), count)
        names = [line.split("(")[0]
                 for line in watch(account, act).calls()]
        del names[:names.index("socketpair")]  # where it had been waiting
        # The depth of the tree shows in how many pages are read.
        paging = [name for name in names if name in ("pread64", "brk")]
        return ([name for name in names if name not in paging], paging)

    few, paging_of_few = calls(10)
    more, _ = calls(1100)
    many, paging_of_many = calls(10000)
    assert many == more
    assert Counter(few) - Counter(more) == Counter()
    assert Counter(more) - Counter(few) == Counter(
        ["fstatfs", "inotify_init1", "inotify_add_watch", "close"])
    assert len(paging_of_many) <= len(paging_of_few) + 20


# What is not.

@pytest.mark.parametrize("word,value", [
    (seal.BOOT, lambda old: old.split(b"/")[0] +
     b"/01234567-89ab-cdef-0123-456789abcdef"),
    (seal.BOOT, lambda old: b"other.example.com/" + old.split(b"/")[1]),
    (seal.BOOT, lambda old: b"/"),
    (seal.INODE, lambda old: b"%d" % (int(old) + 1)),
    (seal.SIZE, lambda old: b"%d" % (int(old) + 4096)),
    (seal.CHANGED, lambda old: b"%d.%s" % (int(old.split(b".")[0]) - 1,
                                      old.split(b".")[1])),
    (seal.CHANGED, lambda old: old[:-1] + (b"1" if old[-1:] != b"1" else b"2")),
    (0, lambda old: b"clean"),
    (seal.VERSION, lambda old: b"1")],
    ids=["boot", "host", "no-boot", "inode", "size", "second", "nanosecond",
         "word", "version"])
def test_other_seal(mailbox, word, value):
    """A whole seal that was made elsewhere, or for something else."""
    old = read_seal(mailbox).split()[word]
    lie(mailbox, word, value(old))
    assert see(mailbox) == mailbox.names
    assert see(mailbox) == mailbox.names


def is_sealed_again(account, boot):
    """After a recovery.

    That the messages are not young any more was only in the seal: they are
    looked at once more.
    """
    account.server.wait_empty()
    assert read_seal(account).split()[seal.BOOT] == boot
    assert see(account) == account.names
    account.server.wait_empty()
    assert is_believed(account)


def test_reboot(mailbox):
    """One login after it recovers; the next one finds a seal again."""
    old = read_seal(mailbox).split()[seal.BOOT]
    lie(mailbox, seal.BOOT, old[:-1] + (b"1" if old[-1:] != b"1" else b"2"))
    assert see(mailbox) == mailbox.names
    is_sealed_again(mailbox, old)


def test_honest_seal_of_another_boot(mailbox):
    """The same where the old seal tells what is still true."""
    words = read_seal(mailbox).split()[:-1]
    old = words[seal.BOOT]
    words[seal.BOOT] = words[seal.BOOT][:-1] + (
        b"1" if words[seal.BOOT][-1:] != b"1" else b"2")
    seal.write(mailbox.maildir, seal.compose(words))
    assert see(mailbox) == mailbox.names
    is_sealed_again(mailbox, old)


def test_another_boot_id(make_server, tmp_path):
    """The kernel's own word changes."""
    fake = tmp_path / "boot_id"
    fake.write_text("11111111-2222-3333-4444-555555555555\n")
    server = make_server(prefix=[
        "unshare", "-m", "sh", "-c", "mount --bind \"$0\" "
        "/proc/sys/kernel/random/boot_id && exec \"$@\"", str(fake)])
    account = application_password(server.add_account())
    account.names = [account.maildir.deliver(message(str(n)))
                     for n in range(3)]
    see(account)
    settle(account)
    assert b"/11111111-" in read_seal(account)
    lie(account)
    fake.write_text("11111111-2222-3333-4444-555555555556\n")
    assert see(account) == account.names
    assert b"5556 " in read_seal(account)


def pieces(text):
    """Seals that were half written, or damaged since."""
    for n in range(0, len(text), 20):
        yield "the first %d octets" % n, text[:n]
    yield "no newline", text[:-1]
    for n in range(0, len(text), 17):
        yield ("octet %d changed" % n,
               text[:n] + bytes([text[n] ^ 1]) + text[n + 1:])
    yield "more", text + b"more"
    yield "twice", text + text
    yield "NUL before", b"\0" + text
    yield "NULs", b"\0" * len(text)
    yield "long", b"seal 2 " * 1000
    yield "numbers", b"seal 2 " + b"18446744073709551616 " * 40 + b"\n"
    yield "random", hashlib.sha512(text).digest() * 8


def test_damaged_seal(mailbox):
    """Whatever is in lock: the session sees the truth."""
    for what, text in pieces(read_seal(mailbox)):
        seal.write(mailbox.maildir, text)
        pop = mailbox.login()
        assert pop.stat()[0] == 10, what
        pop.quit()
    assert see(mailbox) == mailbox.names
    assert is_believed(mailbox)


def test_crash(mailbox):
    """Killed after the commit: index.db is behind its log then."""
    pop = mailbox.login()
    for n in range(1, 6):
        pop.ok("DELE %d" % n)
    strace = Strace(mailbox.server.processes(pop).store, "-e",
                    "inject=unlink,unlinkat:signal=KILL:when=2")
    pop.send("QUIT\r\n")
    assert not pop.rest().startswith(b"+OK")
    assert "killed by SIGKILL" in strace.finish()[-1]
    broken = read_seal(mailbox)
    assert broken.startswith(b"seal ") and not broken.endswith(b"\n")
    assert not is_believed(mailbox)
    assert see(mailbox) == mailbox.names[5:]
    settle(mailbox)


def test_seal_is_gone_before_the_index_changes(mailbox):
    """At QUIT and with new mail: first the seal, then the first write."""
    mailbox.maildir.deliver(message())
    for act in (lambda pop: None, lambda pop: pop.ok("DELE 1")):
        calls = watch(mailbox, act, "-e", "trace=ftruncate,openat,pwrite64,"
                      "write,rename,renameat,renameat2,unlink,unlinkat"
                      ).calls()
        first = [n for n, line in enumerate(calls)
                 if line.startswith("ftruncate") or "O_RDWR" in line and
                 "/lock" not in line and "/journal" not in line or line.startswith("pwrite64") or
                 line.startswith("rename") or line.startswith("unlink")]
        assert calls[first[0]].startswith("ftruncate"), calls[first[0]]


# Backups.

def files(account, *names):
    directory = account.maildir.path + "/pop3d"
    return [os.path.join(directory, name)
            for name in sorted(os.listdir(directory))
            if name.startswith(names)]


def copy_over(source, target):
    with open(source, "rb") as old, open(target, "wb") as new:
        new.write(old.read())


def copy_with_times(source, target):
    """cp -p"""
    copy_over(source, target)
    shutil.copystat(source, target)


def put_in_place(source, target):
    """As restoring programs do: a new file of the old times."""
    shutil.copy2(source, target + ".tmp")
    status = os.stat(source)
    os.chown(target + ".tmp", status.st_uid, status.st_gid)
    os.rename(target + ".tmp", target)


def back_up(account, directory):
    os.mkdir(directory)
    for path in files(account, ""):
        put_in_place(path, os.path.join(
            str(directory), os.path.basename(path)))


@pytest.mark.parametrize("restore", [copy_over, copy_with_times,
                                     put_in_place])
@pytest.mark.parametrize("what", [("index.db",), ("lock",), ("log.",),
                                  ("index.db", "lock"), ("",)],
                         ids=["index", "lock", "log", "both", "all"])
@pytest.mark.parametrize("lies", [False, True], ids=["honest", "lying"])
def test_restored(mailbox, tmp_path, what, restore, lies):
    """Older files come back, and messages have come and gone since."""
    account = mailbox
    back_up(account, tmp_path / "backup")
    pop = account.login()
    pop.ok("DELE 2")
    pop.ok("DELE 9")
    pop.quit()
    names = account.names[:1] + account.names[2:8] + account.names[9:]
    names += [account.maildir.deliver(message("new %d" % n))
              for n in range(3)]
    assert see(account) == names
    settle(account)
    if lies:
        lie(account)
    for name in sorted(os.listdir(tmp_path / "backup")):
        target = os.path.join(account.maildir.path, "pop3d", name)
        if name.startswith(what):
            restore(str(tmp_path / "backup" / name), target)
            os.chown(target, account.maildir.uid, account.maildir.gid)
    if lies and what == ("log.",):
        account.server.ctl("index", account.address)
        return  # it is believed, and this test's lie is all that is wrong
    assert see(account) == names
    assert see(account) == names
    assert sorted(account.maildir.contents()) == sorted(names)


# It vouches for what was written, not for the disk.

def exchange(path, first):
    """Page first of a database, and the one behind it."""
    with open(path, "r+b") as f:
        f.seek(20)
        size = int.from_bytes(f.read(4), sys.byteorder)
        f.seek(first * size)
        pages = f.read(2 * size)
        f.seek(first * size)
        f.write(pages[size:] + pages[:size])
    return len(pages) == 2 * size


def look(mailbox):
    """A session, which may hear of trouble, or end: what it sees, if so."""
    with mailbox.server.connect() as pop:
        pop.ok("USER " + mailbox.account.address)
        if not pop.command("PASS " + mailbox.account.password).startswith(
                b"+OK"):
            return None
        try:
            seen = set(pop.uidl().values())
            pop.command("QUIT")
        except EOFError:
            return None
    return seen


def retaining(account, count):
    """So many messages, of which ten are retained; and what is not."""
    mailbox = Mailbox(account, count)
    mailbox.set("auto-delete=no")
    mailbox.grow_old()
    mailbox.delete(*range(1, 11))
    mailbox.settle()
    mailbox.queued = set(mailbox.visit())
    mailbox.server.wait_empty()
    return mailbox


def mends(mailbox):
    """Under a seal that vouches for it; the first session may hear of it."""
    seal.vouch(mailbox.maildir)
    for _ in range(2):
        seen = look(mailbox)
        mailbox.server.wait_empty()
    return seen


def test_pages_in_the_place_of_others(account):
    """Each has its checksum; what is searched there need have no end."""
    mailbox = retaining(account, 60)
    saved = Saved(mailbox.maildir)
    page = 1
    while exchange(mailbox.pop3d + "/index.db", page):
        assert mends(mailbox) == mailbox.queued, page
        saved.restore()
        page += 1
    assert page > 5


def test_pages_of_zeroes(account):
    """Neither need it where there is nothing; what was there is lost."""
    mailbox = retaining(account, 300)
    saved = Saved(mailbox.maildir)
    path = mailbox.pop3d + "/index.db"
    with open(path, "rb") as f:
        size = int.from_bytes(f.read(24)[20:], sys.byteorder)
    pages = os.path.getsize(path) // size
    for first in range(1, min(pages, 20)):
        with open(path, "r+b") as f:
            f.seek(first * size)
            f.write(bytes((pages - first) * size))
        assert mends(mailbox) >= mailbox.queued, first
        saved.restore()
    assert pages > 5
