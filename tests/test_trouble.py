"""Trouble that passes changes nothing for good (I13).

A full disk, a quota, a read-only file system, calls that fail: mail can be
read, on a full disk it can be deleted, what was retained is not shown again,
nothing is measured twice, and the log says the true cause.
"""

import contextlib
import os
import random
import re
import shutil
import subprocess
import tempfile

import pytest

from daemon import ROOT
from disks import Disk, why_not
from inject import Strace, read_files
from mailbox import Mailbox, read_only
from test_faults import Mount

pytestmark = pytest.mark.skipif(
    not ROOT, reason="only root may trace the store, mount, and change owners")

TROUBLE = rb"-ERR \[SYS/(TEMP|PERM)\] \S.*"
COUNT = 20
PAGE = 4096
LOG_OCTETS = 65536  # of one file of the log

# What a log must not say of a disk that is full.
WRONG_CAUSE = re.compile(r"PANIC|[Rr]ead-only|recovery|damaged|unrecover")


# How many messages a session has deleted while there was room.  The log
# has a new file then, of which a part is still to be written.
USED = [400, pytest.param(500, marks=pytest.mark.long)]


@pytest.fixture(params=[
    "tmpfs", pytest.param("ext4", marks=pytest.mark.long)])
def mount(request, server):
    if request.param == "tmpfs":
        mount = Mount(server, "16m")
    elif why_not("ext4"):
        pytest.skip(why_not("ext4"))
    else:
        mount = Disk(server.directory, "ext4")
    os.chown(mount.path, server.owner.pw_uid, server.owner.pw_gid)
    yield mount
    server.close_clients()
    server.wait_empty()
    if request.param == "tmpfs":
        mount.unmount()
    else:
        mount.remove()


@pytest.fixture(params=USED)
def mailbox(request, server, mount):
    """On a file system of its own; it has been used before it is full."""
    mailbox = Mailbox(server.add_account(maildir=mount.path + "/Maildir"),
                      COUNT + request.param)
    mailbox.delete(*range(1, request.param + 1))
    for name in list(mailbox.data)[:request.param]:
        del mailbox.data[name]
    server.wait_empty()
    return mailbox


def measured(strace):
    """Messages that were opened: their base names."""
    found = (re.search(r'"(?:\S*/)?(\d+\.M\w+\.host)[:"]', line)
             for line in strace.calls("open|openat"))
    return [m.group(1) for m in found if m]


def true_cause(mailbox):
    assert not WRONG_CAUSE.search(mailbox.server.log()), mailbox.server.log()


# A full disk.

def test_the_first_deletion_of_all(server, mount):
    """There is no reserve yet: it may be refused, in honest words."""
    mailbox = Mailbox(server.add_account(maildir=mount.path + "/Maildir"),
                      COUNT)
    mailbox.grow_old()
    names = list(mailbox.data)
    server.mark_log()
    mount.fill()
    for _ in range(3):
        pop, strace = mailbox.login("-e", "trace=open,openat")
        assert list(pop.uidl().values()) == names
        pop.ok("DELE 1")
        answer = pop.command("QUIT")
        if answer.startswith(b"+OK"):
            del names[0]
        else:
            assert re.fullmatch(TROUBLE, answer), answer
        pop.close()
        strace.finish()
        assert measured(strace) == []
    true_cause(mailbox)


@pytest.mark.parametrize("marked", [1, 10, COUNT])
def test_deleting_on_a_full_disk(mailbox, mount, marked):
    """When it is full is when users delete."""
    names = list(mailbox.data)
    mailbox.server.mark_log()
    mount.fill()
    mailbox.delete(*range(1, marked + 1))
    assert mailbox.present() == sorted(names[marked:])
    assert mailbox.visit() == names[marked:]
    true_cause(mailbox)
    assert " 0 mended" in mailbox.ctl("check").stdout


def test_each_session_deletes_one(mailbox, mount):
    """While it stays full."""
    names = list(mailbox.data)
    mailbox.server.mark_log()
    mount.fill()
    for n in range(5):
        mailbox.delete(1)
        assert mailbox.visit() == names[n + 1:]
    true_cause(mailbox)


def test_reserve_is_made_again(mailbox, mount):
    """After the disk was full once, there is room, and it is full again."""
    for _ in range(2):
        filler = mount.fill()
        mailbox.delete(1)
        os.unlink(filler)
        del mailbox.data[list(mailbox.data)[0]]
        assert mailbox.visit() == list(mailbox.data)
        mailbox.delete(1)
        del mailbox.data[list(mailbox.data)[0]]


def test_nothing_is_measured_anew(mailbox, mount):
    """Not by the sessions in which it is full, nor by those after them."""
    mailbox.grow_old()
    filler = mount.fill()
    names = list(mailbox.data)
    for room in (False, False, True, True):
        if room and os.path.exists(filler):
            os.unlink(filler)
        pop, strace = mailbox.login("-e", "trace=open,openat")
        assert list(pop.uidl().values()) == names
        if not room:
            pop.ok("DELE 1")
        answer = pop.command("QUIT")
        if not room and answer.startswith(b"+OK"):
            del names[0]
        pop.close()
        strace.finish()
        assert measured(strace) == []
    assert answer.startswith(b"+OK")


def test_new_mail_on_a_full_disk(mailbox, mount):
    """It is listed; it is recorded when that is possible."""
    new = mailbox.deliver(3)
    mailbox.server.mark_log()
    filler = mount.fill()
    names = list(mailbox.data)
    assert mailbox.visit() == names
    assert mailbox.visit() == names
    true_cause(mailbox)
    os.unlink(filler)
    assert mailbox.visit() == names
    assert set(new) <= set(mailbox.present())


def retain(mailbox, *numbers):
    mailbox.set("auto-delete=no")
    mailbox.delete(*numbers)
    return [name for n, name in enumerate(mailbox.data, 1)
            if n not in numbers]


@pytest.mark.parametrize("count", [200, 1500])
@pytest.mark.parametrize("leave", [0, 300 << 10, pytest.param(
    2 << 20, marks=pytest.mark.long)], ids=["full", "300k", "2m"])
def test_much_new_mail_on_a_full_disk(mailbox, mount, count, leave):
    """More than there is room to record: it is read, and goes when it can;
    what was known before can be deleted."""
    names = list(mailbox.data)
    mailbox.deliver(count)
    filler = mount.fill()
    if leave:
        os.truncate(filler, os.path.getsize(filler) - leave)
    for _ in range(3):
        with mailbox.login() as pop:
            assert list(pop.uidl().values()) == list(mailbox.data)
            pop.ok("DELE 1")
            pop.quit()
        del mailbox.data[names.pop(0)]
        mailbox.server.wait_empty()
    with mailbox.login() as pop:
        assert list(pop.uidl().values()) == list(mailbox.data)
        pop.ok("DELE %d" % len(mailbox.data))
        pop.send("QUIT\r\n")
        answer = pop.rest().splitlines()[0]
    if answer.startswith(b"+OK"):
        del mailbox.data[list(mailbox.data)[-1]]
    else:
        assert re.fullmatch(TROUBLE, answer), answer
    true_cause(mailbox)
    os.unlink(filler)
    assert mailbox.visit() == list(mailbox.data)


@pytest.mark.parametrize("news", [0, 3], ids=["old", "new"])
@pytest.mark.parametrize("auto_delete", ["no", "yes"])
def test_retained_on_a_full_disk(mailbox, mount, news, auto_delete):
    """What was retained is not listed again; better nothing is."""
    names = retain(mailbox, *range(1, 16))
    mailbox.set("auto-delete=" + auto_delete)
    names += mailbox.deliver(news)
    filler = mount.fill()
    for _ in range(2):
        pop = mailbox.server.connect()
        pop.ok("USER " + mailbox.account.address)
        answer = pop.command("PASS " + mailbox.account.password)
        if not answer.startswith(b"+OK"):
            assert re.match(rb"-ERR \[SYS/TEMP\]", answer), answer
            continue
        assert set(pop.uidl().values()) <= set(names)
        pop.ok("DELE 1")
        answer = pop.command("QUIT")
        if answer.startswith(b"+OK"):
            del names[0]
        pop.close()
        mailbox.server.wait_empty()
    os.unlink(filler)
    assert mailbox.visit() == names


def log_room(mailbox):
    """Octets until the last file of the log is full."""
    files = read_files(mailbox.pop3d)
    last = files[max(name for name in files if name.startswith("log."))]
    return LOG_OCTETS - len(last.rstrip(b"\0"))


def test_where_the_log_ends_on_a_full_disk(mailbox, mount):
    """No next file can be made for it, once the UPDATE is in it."""
    mailbox.deliver(100)
    names = retain(mailbox, 1, 2, 3)
    mailbox.set("auto-delete=yes")
    while len(names) > 10:
        filler = mount.fill() if log_room(mailbox) < 5000 else None
        mailbox.delete(1)
        del names[0]
        if filler:
            assert mailbox.visit() == names
            os.unlink(filler)
    true_cause(mailbox)


@pytest.mark.parametrize("command", [["index"], ["requeue", "-a"]],
                         ids=lambda words: words[0])
def test_no_index_on_a_full_disk(server, mount, command):
    """pop3ctl says so, instead of totals of what it could not write."""
    mailbox = Mailbox(server.add_account(maildir=mount.path + "/Maildir"),
                      COUNT)
    shutil.rmtree(mailbox.account.maildir.path + "/pop3d")
    filler = mount.fill()
    address = mailbox.account.address
    done = server.ctl(command[0], address, *command[1:], check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "pop3ctl: %s: %s/Maildir: the index is not written: No space left on "
        "device; make room on that file system\n" % (address, mount.path))
    os.unlink(filler)
    server.ctl(command[0], address, *command[1:])
    assert mailbox.visit() == list(mailbox.data)


def test_what_is_left_when_nothing_was_deleted(server, mount):
    """The log counts what the client was shown."""
    mailbox = Mailbox(server.add_account(maildir=mount.path + "/Maildir"),
                      COUNT)
    shutil.rmtree(mailbox.account.maildir.path + "/pop3d")
    server.mark_log()
    mount.fill()
    pop = mailbox.login()
    pop.ok("DELE 1")
    pop.err("QUIT", "SYS/TEMP")
    pop.close()
    server.wait_log(r"^end: .* deleted=0 left=%d\b" % COUNT)


def test_the_seal_on_a_full_disk(mailbox, mount):
    """A login that changes nothing finds a seal before and after."""
    mount.fill()
    mailbox.settle()
    pop, strace = mailbox.login("-e", "trace=open,openat")
    pop.quit()
    strace.finish()
    assert not [line for line in strace.lines if "O_RDWR" in line and
                "index.db" in line]


# A file system that becomes read-only.

def killed_between_unlinks(mailbox, *marked):
    """All that were marked are committed, one of them is unlinked."""
    pop = mailbox.login()
    for n in marked:
        pop.ok("DELE %d" % n)
    before = len(mailbox.present())
    strace = Strace(mailbox.store(pop), "-e",
                    "inject=unlinkat:signal=KILL:when=2")
    pop.send("QUIT\r\n")
    pop.rest()
    pop.close()
    strace.finish()
    mailbox.server.wait_empty()
    assert before - len(marked) < len(mailbox.present()) < before


def test_killed_between_unlinks_and_read_only(account):
    """The next session, which cannot unlink the rest, shows none of them."""
    mailbox = Mailbox(account, COUNT)
    names = list(mailbox.data)
    killed_between_unlinks(mailbox, *range(1, 11))
    with read_only(account):
        all_or_none(mailbox, names, names[10:])
        all_or_none(mailbox, names, names[10:])
    assert mailbox.visit() == names[10:]
    assert mailbox.present() == names[10:]


def all_or_none(mailbox, before, after):
    pop = mailbox.server.connect()
    pop.ok("USER " + mailbox.account.address)
    answer = pop.command("PASS " + mailbox.account.password)
    if answer.startswith(b"+OK"):
        assert list(pop.uidl().values()) in (before, after)
        assert pop.stat()[0] == len(pop.list())
        pop.quit()
    else:
        assert re.match(rb"-ERR \[SYS/TEMP\]", answer), answer


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "killed"])
def test_retained_and_read_only(account, sealed):
    """An index that cannot be written is read."""
    mailbox = Mailbox(account, COUNT)
    names = retain(mailbox, 1, 2, 3)
    if not sealed:
        os.truncate(mailbox.pop3d + "/lock", 0)
    new = mailbox.deliver(1)
    with read_only(account):
        pop = mailbox.server.connect()
        pop.ok("USER " + account.address)
        answer = pop.command("PASS " + account.password)
        if answer.startswith(b"+OK"):
            assert [uidl for uidl in pop.uidl().values()
                    if uidl not in new] == names
            pop.ok("DELE 1")
            assert re.match(TROUBLE, pop.command("QUIT"))
        else:
            assert re.match(rb"-ERR \[SYS/TEMP\]", answer), answer
    assert mailbox.visit() == names + new


# Calls that fail.

CALLS = {"getdents64": "EINVAL", "pread64": "EIO", "read": "EIO",
         "newfstatat": "EIO", "openat": "EIO"}


@pytest.mark.parametrize("call,error", CALLS.items(), ids=CALLS)
@pytest.mark.parametrize("sealed", [
    pytest.param(True, id="sealed"),
    pytest.param(False, id="killed", marks=pytest.mark.long)])
def test_errors_are_no_damage(account, call, error, sealed):
    """Twice, and then again twice: the index is not made anew."""
    mailbox = Mailbox(account, COUNT)
    names = retain(mailbox, 1, 2, 3)
    mailbox.settle()
    for first in (1, 2, 7):
        if not sealed:
            os.truncate(mailbox.pop3d + "/lock", 0)
        os.utime(mailbox.cur)
        pop, strace = mailbox.begin(
            "-e", "inject=%s:error=%s:syscall=getpid:when=%d..%d"
            % (call, error, first, first + 1))
        answer = pop.line()
        if answer.startswith(b"+OK"):
            with contextlib.suppress(EOFError):
                answer = pop.command("QUIT")
        pop.close()
        strace.finish()
        mailbox.server.wait_empty()
        assert "damaged" not in mailbox.server.log()
        assert mailbox.visit() == names
    assert not os.path.exists(mailbox.pop3d + "/index.bad")


WRITING = ("write,pwrite64,pwritev,fsync,fdatasync,ftruncate,fallocate,"
           "?rename,renameat,renameat2,?unlink,unlinkat,utimensat")
LASTING = ["ENOSPC", "EROFS"]
DAMAGE_WORDS = re.compile(r"damaged|made anew|in the queue again")


@pytest.fixture(params=["fast", pytest.param("all", marks=pytest.mark.long)])
def everything(request):
    return request.param == "all"


def fail_quit(mailbox, *options):
    pop = mailbox.login()
    pop.ok("DELE 1")
    pop.ok("DELE 2")
    strace = Strace(mailbox.store(pop), *options)
    pop.send("QUIT\r\n")
    answer = pop.rest().splitlines()[0]
    pop.close()
    strace.finish()
    mailbox.server.wait_empty()
    assert answer.startswith(b"+OK") or re.fullmatch(TROUBLE, answer), answer
    return answer.startswith(b"+OK"), strace


@pytest.mark.parametrize("error", [
    "ENOSPC", "EIO", pytest.param("EROFS", marks=pytest.mark.long),
    pytest.param("EDQUOT", marks=pytest.mark.long)])
def test_every_write_of_a_quit_fails(account, error, everything):
    """Never is the index called damaged, or what was retained listed."""
    mailbox = Mailbox(account, 8)
    names = retain(mailbox, 1, 2, 3)
    mailbox.set("auto-delete=yes")
    calls = 12
    point = 0
    while point < calls:
        point += 1 if everything else 4
        for when in ("%d" % point, "%d+" % point):
            if not everything and when.endswith("+") != (error in LASTING):
                continue
            while len(names) < 4:
                names += mailbox.deliver(2)
                mailbox.visit()
            said, strace = fail_quit(
                mailbox, "-e", "trace=" + WRITING, "-e",
                "inject=%s:error=%s:syscall=getpid:when=%s"
                % (WRITING, error, when))
            calls = max(calls, max_calls(strace))
            seen = mailbox.visit()
            note = "%s at %s" % (error, when)
            assert seen in (names, names[2:]), note
            assert seen == names[2:] or not said, note
            assert mailbox.visit() == seen, note
            log = mailbox.server.log()
            assert not DAMAGE_WORDS.search(log), note + "\n" + log
            assert error == "EIO" or "PANIC" not in log, note + "\n" + log
            names = seen
    assert set(mailbox.present()) == set(names) | set(list(mailbox.data)[:3])


def max_calls(strace):
    """strace counts the calls of each name for themselves."""
    names = [line.split("(")[0] for line in strace.calls()]
    return max([names.count(name) for name in set(names)], default=0)


# Indexes that are newer, or damaged.

def with_version(mailbox, version):
    """The index as a later version would have it: another number at the
    beginning of its meta record, wherever versions look first."""
    made = 0
    for name, data in read_files(mailbox.pop3d).items():
        path = mailbox.pop3d + "/" + name
        if name == "index.db":
            made += raise_version(path, data, version)
        elif name == "lock":
            os.truncate(path, 0)
    return made


def raise_version(path, data, version):
    """Finds the record with the key "m" by a small program of Berkeley DB:
    page checksums and all are made by the library itself."""
    with tempfile.TemporaryDirectory() as directory:
        program = directory + "/raise"
        with open(program + ".c", "w") as f:
            f.write(RAISE)
        subprocess.run(["cc", "-o", program, program + ".c", "-ldb"],
                       check=True)
        return subprocess.run([program, path, str(version)],
                              check=True).returncode == 0


RAISE = r"""
#include <sys/types.h>
#include <db.h>
#include <stdlib.h>
#include <string.h>
#include <endian.h>

int
main(int argc, char **argv)
{
	DBT key, data;
	DB *db;
	u_int64_t version = htobe64(strtoull(argv[argc - 1], NULL, 10));

	memset(&key, 0, sizeof(key));
	memset(&data, 0, sizeof(data));
	if (db_create(&db, NULL, 0) != 0 ||
	    db->open(db, NULL, argv[1], "names", DB_BTREE, 0, 0) != 0)
		return 1;
	key.data = "m";
	key.size = 1;
	if (db->get(db, NULL, &key, &data, 0) != 0 || data.size < 8)
		return 2;
	memcpy(data.data, &version, sizeof(version));
	if (db->put(db, NULL, &key, &data, 0) != 0)
		return 3;
	return db->close(db, 0);
}
"""


def test_an_index_of_a_newer_version(account):
    """It is refused in words, and not an octet of it is changed."""
    mailbox = Mailbox(account, COUNT)
    names = retain(mailbox, 1, 2, 3)
    assert with_version(mailbox, 77)
    mailbox.deliver(1)
    before = read_files(mailbox.pop3d)["index.db"]
    account.server.mark_log()
    for _ in range(2):
        pop = account.server.connect()
        pop.ok("USER " + account.address)
        answer = pop.command("PASS " + account.password)
        if answer.startswith(b"+OK"):
            # Readable it may be, but with nothing that was retained.
            assert set(list(mailbox.data)[:3]).isdisjoint(
                pop.uidl().values())
            pop.ok("DELE 1")
            assert re.match(TROUBLE, pop.command("QUIT"))
        else:
            assert re.match(rb"-ERR \[SYS/TEMP\]", answer), answer
        pop.close()
        account.server.wait_empty()
    assert read_files(mailbox.pop3d)["index.db"] == before
    assert "index.bad" not in os.listdir(mailbox.pop3d)
    account.server.wait_log("(?i)(newer|version)")
    for command in ("index", "check"):
        done = mailbox.ctl(command, check=False)
        assert done.returncode == 1 and done.stderr
        assert read_files(mailbox.pop3d)["index.db"] == before
    assert set(mailbox.present()) == set(mailbox.data)


def pages_of(path):
    """The numbers of pages by Berkeley DB's types, from the 26th octet."""
    with open(path, "rb") as f:
        data = f.read()
    return {n: data[n * PAGE + 25] for n in range(len(data) // PAGE)}


def flip(path, page, seed):
    """Some octets of a page are others; its checksum then says so."""
    generator = random.Random(seed)
    with open(path, "r+b") as f:
        for _ in range(3):
            f.seek(page * PAGE + generator.randrange(64, PAGE))
            octet = f.read(1)
            f.seek(-1, os.SEEK_CUR)
            f.write(bytes([octet[0] ^ 0x55]))


LEAF = 5


@pytest.mark.parametrize("logs", ["kept", "lost"])
def test_what_can_be_read_is_saved(account, logs):
    """Of 400 messages every third is retained; one leaf page is damaged."""
    mailbox = Mailbox(account, 400)
    retained = [name for n, name in enumerate(mailbox.data) if n % 3 == 0]
    retain(mailbox, *range(1, 401, 3))
    mailbox.server.wait_empty()
    saved = read_files(mailbox.pop3d)
    path = mailbox.pop3d + "/index.db"
    leaves = [n for n, kind in pages_of(path).items() if kind == LEAF]
    assert len(leaves) > 6
    kept = []
    for page in leaves[1::max(1, len(leaves) // 4)]:
        flip(path, page, page)
        os.truncate(mailbox.pop3d + "/lock", 0)
        if logs == "lost":
            for name in os.listdir(mailbox.pop3d):
                if name.startswith("log."):
                    os.unlink(mailbox.pop3d + "/" + name)
        listed = whole_session(mailbox)
        assert set(mailbox.data) - set(retained) <= set(listed)
        again = set(listed) & set(retained)
        # No more than a page can hold is shown again.
        assert len(again) <= 80, "%d again, page %d" % (len(again), page)
        kept.append(len(retained) - len(again))
        assert whole_session(mailbox) == listed
        assert " 0 mended" in mailbox.ctl("check").stdout
        owner = os.stat(mailbox.pop3d)
        for name, data in saved.items():
            with open(mailbox.pop3d + "/" + name, "wb") as f:
                f.write(data)
            os.chown(f.name, owner.st_uid, owner.st_gid)
        for name in set(os.listdir(mailbox.pop3d)) - set(saved):
            os.unlink(mailbox.pop3d + "/" + name)
    assert kept


@pytest.mark.parametrize("begun", [False, True], ids=["none", "empty"])
def test_saving_is_interrupted(account, begun):
    """After the damaged index was put aside: the next login goes on."""
    mailbox = Mailbox(account, COUNT)
    names = retain(mailbox, 1, 2, 3)
    mailbox.server.wait_empty()
    owner = os.stat(mailbox.pop3d)
    os.rename(mailbox.pop3d + "/index.db", mailbox.pop3d + "/index.bad")
    for name in os.listdir(mailbox.pop3d):
        if name.startswith("log."):
            os.unlink(mailbox.pop3d + "/" + name)
    os.truncate(mailbox.pop3d + "/lock", 0)
    if begun:
        other = Mailbox(mailbox.server.add_account())
        other.visit()
        mailbox.server.wait_empty()
        for name in os.listdir(other.pop3d):
            copy = shutil.copy(other.pop3d + "/" + name, mailbox.pop3d)
            os.chown(copy, owner.st_uid, owner.st_gid)
        os.truncate(mailbox.pop3d + "/lock", 0)
    assert whole_session(mailbox) == names
    assert os.path.exists(mailbox.pop3d + "/index.saved")
    assert not os.path.exists(mailbox.pop3d + "/index.bad")
    # What was read once is not read again.
    os.unlink(mailbox.pop3d + "/index.db")
    assert set(whole_session(mailbox)) == set(mailbox.data)


def whole_session(mailbox):
    """What a session lists; one before may have stumbled over damage."""
    for _ in range(3):
        pop = mailbox.server.connect()
        pop.ok("USER " + mailbox.account.address)
        with contextlib.suppress(EOFError, AssertionError):
            pop.ok("PASS " + mailbox.account.password)
            listed = list(pop.uidl().values())
            assert pop.stat()[0] == len(listed)
            assert sum(pop.list().values()) == pop.stat()[1]
            pop.quit()
            return listed
        pop.close()
        mailbox.server.wait_empty()
    raise AssertionError("no session succeeds")


def test_a_damaged_index_on_a_full_disk(mailbox, mount):
    """Both at once: nothing that was retained, until there is room."""
    names = retain(mailbox, *range(1, 11))
    mailbox.server.wait_empty()
    path = mailbox.pop3d + "/index.db"
    flip(path, 0, 1)
    filler = mount.fill()
    pop = mailbox.server.connect()
    pop.ok("USER " + mailbox.account.address)
    answer = pop.command("PASS " + mailbox.account.password)
    if answer.startswith(b"+OK"):
        assert set(list(mailbox.data)[:10]).isdisjoint(pop.uidl().values())
    else:
        assert re.match(rb"-ERR \[SYS/TEMP\]", answer), answer
    pop.close()
    mailbox.server.wait_empty()
    os.unlink(filler)
    assert set(names) <= set(whole_session(mailbox))


@pytest.mark.parametrize("leave", range(0, 200, 25))
def test_a_damaged_index_and_little_room(mailbox, mount, leave):
    """There is room to begin a new one, and not to end it."""
    retained = list(mailbox.data)[:10]
    retain(mailbox, *range(1, 11))
    mailbox.server.wait_empty()
    filler = mount.fill()
    flip(mailbox.pop3d + "/index.db", 0, 1)
    os.truncate(filler, os.path.getsize(filler) - (leave << 10))
    for _ in range(2):
        pop = mailbox.server.connect()
        pop.ok("USER " + mailbox.account.address)
        answer = pop.command("PASS " + mailbox.account.password)
        if answer.startswith(b"+OK"):
            assert set(retained).isdisjoint(pop.uidl().values())
        else:
            assert re.match(rb"-ERR \[SYS/TEMP\]", answer), answer
        pop.close()
        mailbox.server.wait_empty()
    os.unlink(filler)
    assert set(retained).isdisjoint(whole_session(mailbox))


@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
def test_a_damaged_index_that_can_not_be_made_anew(account, call):
    """The disk fails in the middle: the next login saves what there is."""
    mailbox = Mailbox(account, COUNT)
    names = retain(mailbox, *range(1, 11))
    mailbox.server.wait_empty()
    before = read_files(mailbox.pop3d)
    for when in (1, 2, 3, 5, 8, 12):
        for name in os.listdir(mailbox.pop3d):
            os.unlink(mailbox.pop3d + "/" + name)
        for name, data in before.items():
            with open(mailbox.pop3d + "/" + name, "wb") as f:
                f.write(data)
            os.chown(f.name, mailbox.maildir.uid, mailbox.maildir.gid)
        flip(mailbox.pop3d + "/index.db", 0, 1)
        pop, strace = mailbox.begin(
            "-e", "trace=write,pwrite64,fdatasync,renameat", "-e",
            "inject=%s:error=ENOSPC:syscall=getpid:when=%d+" % (call, when))
        answer = pop.line()
        if answer.startswith(b"+OK"):
            assert list(pop.uidl().values()) == names, when
        pop.close()
        strace.finish()
        mailbox.server.wait_empty()
        assert whole_session(mailbox) == names, when
