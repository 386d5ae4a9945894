"""Full disks, broken disks, wrong modes, damaged files.

Whatever fails: the client gets a clear answer, no message is lost (I1), a
QUIT has deleted all or nothing (I2), +OK means that it has, and when the
trouble is over all is as it was (I4).  Mail stays readable where it can.
"""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess

import pytest

from daemon import ROOT
from inject import Saved, Strace, application_password
from maildir import message, unique
from pop3 import wire

pytestmark = pytest.mark.skipif(
    not ROOT, reason="only root may trace the store, mount, and change owners")

CHANGING = ("write,pwrite64,fsync,fdatasync,?rename,renameat,renameat2,"
            "?unlink,unlinkat,?mkdir,mkdirat,ftruncate,utimensat")
OPENING = "?open,openat"
READING = "read,pread64,getdents64,?stat,newfstatat,fstat,statx,?access"
TROUBLE = rb"-ERR \[SYS/(TEMP|PERM)\] \S.*"


class Mailbox:
    """Messages by their base names, in order."""

    def __init__(self, account, count):
        self.account = application_password(account)
        self.maildir = account.maildir
        self.server = account.server
        self.data = {}
        self.deliver(count)
        self.server.ctl("index", account.address)

    def deliver(self, count):
        names = [unique() for _ in range(count)]
        for name in names:
            self.data[name] = message(name, "a line\n" * (len(self.data) % 9))
            self.maildir.deliver(self.data[name], name)
        return names

    def see(self, pop):
        """All that a session shows; no part contradicts another (I3)."""
        count, octets = pop.stat()
        sizes, uidls = pop.list(), pop.uidl()
        assert len(sizes) == len(uidls) == count
        assert sum(sizes.values()) == octets
        for n, uidl in uidls.items():
            data = pop.retr(n)
            assert data == wire(self.data[uidl]) and len(data) == sizes[n]
        return list(uidls.values())

    def visit(self):
        """A whole session that has to succeed: what it sees."""
        pop = self.account.login()
        seen = self.see(pop)
        pop.quit()
        return seen

    def check(self, *outcomes):
        """After the trouble; the files are those of the outcome."""
        seen = self.visit()
        assert seen in outcomes
        assert sorted(self.maildir.contents()) == sorted(seen)
        assert self.visit() == seen
        return seen

    def connect(self):
        pop = self.server.connect()
        pop.ok("USER " + self.account.address)
        return pop

    def login(self, pop):
        """True, or False after a refusal that says why."""
        answer = pop.command("PASS " + self.account.password)
        if answer.startswith(b"+OK"):
            return True
        assert re.fullmatch(TROUBLE, answer), answer
        self.told()
        return False

    def all_or_told(self, seen, names):
        """Messages that could not be read are left out, and the log says so.
        """
        assert seen == [name for name in names if name in seen]
        for name in set(names) - set(seen):
            self.server.wait_log("message %s.* left out" % re.escape(name))

    def check_new(self, old, new):
        """After trouble with new mail: it is there; what was late, last."""
        seen = self.check(self.visit())
        assert seen[:len(old)] == old
        assert sorted(seen[len(old):]) == sorted(new)

    def told(self):
        """The log has a line for the administrator, beside the usual."""
        self.server.wait_log(r"^(?!login: |end: |maildrop refused: )"
                             ".*" + re.escape(self.maildir.path))

    def readable(self, *outcomes):
        """A login, which must succeed, to see and to try to delete."""
        pop = self.connect()
        assert self.login(pop)
        assert self.see(pop) in outcomes
        return pop

    def refuses_deletion(self, *outcomes):
        pop = self.readable(*outcomes)
        pop.ok("DELE 1")
        answer = pop.command("QUIT")
        assert re.fullmatch(TROUBLE, answer), answer
        self.told()
        pop.close()


@pytest.fixture
def mailbox(account):
    return Mailbox(account, 5)


# One call, or all calls from one on, fail.

def see_what_can_be_seen(mailbox, pop, names):
    """A command may be answered with trouble, if the log tells which."""
    try:
        mailbox.all_or_told(mailbox.see(pop), names)
    except AssertionError as error:
        if not re.search(r"answered b'-ERR \[SYS/", str(error)):
            raise
        mailbox.told()


def fail_login(mailbox, old, new, *options):
    """A session while calls fail; it deletes nothing."""
    pop = mailbox.connect()
    strace = Strace(mailbox.server.processes(pop).parent, *options)
    try:
        if mailbox.login(pop):
            # Perhaps it ends where the new mail cannot be recorded.
            with contextlib.suppress(EOFError):
                answer = pop.command("STAT")
                if answer.startswith(b"+OK"):
                    see_what_can_be_seen(mailbox, pop, old + new)
                    assert pop.command("QUIT").startswith(b"+OK")
                else:
                    assert re.fullmatch(TROUBLE, answer), answer
    except EOFError:
        mailbox.told()
    pop.close()
    return strace.finish()


def fail_quit(mailbox, options, answers):
    pop = mailbox.connect()
    assert mailbox.login(pop)
    pop.ok("DELE 2")
    pop.ok("DELE 4")
    strace = Strace(mailbox.server.processes(pop).store, *options)
    pop.send("QUIT\r\n")
    answer = pop.rest()
    assert answer.startswith(b"+OK") or re.fullmatch(
        TROUBLE, answer.splitlines()[0]), answer
    answers.append(answer)
    pop.close()
    return strace.finish()


def count(calls):
    """How many calls strace has seen that it could let fail."""
    return sum(bool(re.match(r"\w+\(", line)) for line in calls)


def fail_everywhere(saved, act, check, everything, what, errors, capsys):
    """act(options) and check() for each call, alone and with all after it.

    strace counts the calls of each name for themselves: the n-th is the n-th
    of every name that has so many.
    """
    saved.restore()
    calls = count(act(["-e", "trace=" + what]))
    assert calls > 0
    check()
    tried = 0
    for error in errors if everything else errors[:1]:
        for n in range(1, calls + 1, 1 if everything else calls // 7 + 1):
            for when in (n, "%d+" % n):
                saved.restore()
                # In its place a call that the sandbox allows: -1 it does not.
                inject = "inject=%s:error=%s:syscall=getpid:when=%s" % (
                    what, error, when)
                try:
                    act(["-e", inject])
                    check()
                except BaseException as failure:
                    failure.add_note("%s of %d" % (inject, calls))
                    raise
                tried += 1
    with capsys.disabled():
        print("\n%d faults in %d calls" % (tried, calls), end=" ")


@pytest.fixture(params=["fast", pytest.param("all", marks=pytest.mark.long)])
def everything(request):
    return request.param == "all"


FAULTS = [(CHANGING, ["ENOSPC", "EIO", "EDQUOT", "ENOTCONN"]),
          (OPENING, ["EIO", "ENOSPC", "EACCES", "EMFILE"]),
          (READING, ["EIO", "ENOTCONN"])]
FAULT_IDS = ["changing", "opening", "reading"]


@pytest.mark.parametrize("what,errors", FAULTS, ids=FAULT_IDS)
def test_login_with_new_mail(mailbox, everything, what, errors, capsys):
    old = list(mailbox.data)
    new = mailbox.deliver(4)
    fail_everywhere(
        Saved(mailbox.maildir),
        lambda options: fail_login(mailbox, old, new, *options),
        lambda: mailbox.check_new(old, new), everything, what, errors, capsys)


@pytest.mark.parametrize("what,errors", FAULTS, ids=FAULT_IDS)
def test_first_login(account, everything, what, errors, capsys):
    mailbox = Mailbox(account, 0)
    new = mailbox.deliver(4)
    shutil.rmtree(mailbox.maildir.path + "/pop3d")
    fail_everywhere(
        Saved(mailbox.maildir),
        lambda options: fail_login(mailbox, [], new, *options),
        lambda: mailbox.check_new([], new), everything, what, errors, capsys)


@pytest.mark.parametrize("what,errors", FAULTS, ids=FAULT_IDS)
def test_quit(mailbox, everything, what, errors, capsys):
    before = list(mailbox.data)
    after = [before[0], before[2], before[4]]
    answers = []

    def check():
        # An unlinking that failed is made up for by the next session.
        seen = mailbox.check(before, after)
        assert seen == after or not answers[-1].startswith(b"+OK")

    fail_everywhere(Saved(mailbox.maildir),
                    lambda options: fail_quit(mailbox, options, answers),
                    check, everything, what, errors, capsys)


# File systems.

class Mount:
    """A file system of its own for a mailbox."""

    def __init__(self, server, size):
        self.path = os.path.join(server.directory, "mount")
        os.mkdir(self.path)
        self._run("mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs",
                  self.path)

    @staticmethod
    def _run(*command):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, " ".join(command) + ": " + done.stderr

    def remount(self, options):
        self._run("mount", "-o", "remount," + options, self.path)

    def unmount(self):
        self._run("umount", self.path)
        os.rmdir(self.path)

    def fill(self):
        """Until not an octet more fits in."""
        path = os.path.join(self.path, "filler")
        with open(path, "ab", buffering=0) as f:
            for size in (65536, 4096, 1):
                with contextlib.suppress(OSError):
                    while f.write(b"x" * size) == size:
                        pass
        return path


@pytest.fixture
def mount(server):
    mount = Mount(server, "4m")
    yield mount
    server.close_clients()
    server.wait_empty()
    mount.unmount()


def mounted(server, mount, count):
    os.chown(mount.path, server.owner.pw_uid, server.owner.pw_gid)
    return Mailbox(server.add_account(maildir=mount.path + "/Maildir"), count)


def test_full_file_system(server, mount):
    """Mail that is there can be read, and deleted when there is room."""
    mailbox = mounted(server, mount, 20)
    new = mailbox.deliver(2)
    assert mailbox.visit()[-2:] == new
    filler = mount.fill()
    names = list(mailbox.data)
    pop = mailbox.readable(names)
    for n in range(1, 11):
        pop.ok("DELE %d" % n)
    answer = pop.command("QUIT")
    pop.close()
    left = names[10:] if answer.startswith(b"+OK") else names
    assert left == names[10:] or re.fullmatch(TROUBLE, answer), answer
    assert mailbox.readable(left).command("QUIT").startswith(b"+OK")
    os.unlink(filler)
    mailbox.check(left)


def test_new_mail_on_a_full_file_system(server, mount):
    """It can be read, and what was retained is not shown again."""
    mailbox = mounted(server, mount, 20)
    server.ctl("set", mailbox.account.address, "auto-delete=no")
    pop = mailbox.account.login()
    pop.ok("DELE 1")
    pop.quit()
    server.ctl("set", mailbox.account.address, "auto-delete=yes")
    mailbox.deliver(300)
    filler = mount.fill()
    names = list(mailbox.data)[1:]
    mailbox.readable(names).quit()
    mailbox.readable(names).quit()
    os.unlink(filler)
    assert mailbox.visit() == names
    assert sorted(mailbox.maildir.contents()) == sorted(mailbox.data)


def test_no_index_on_a_full_file_system(server, mount):
    mailbox = mounted(server, mount, 20)
    shutil.rmtree(mailbox.maildir.path + "/pop3d")
    filler = mount.fill()
    names = list(mailbox.data)
    mailbox.refuses_deletion(names)
    os.unlink(filler)
    mailbox.check(names)


@pytest.mark.parametrize("indexed", [True, False], ids=["indexed", "new"])
def test_read_only_file_system(server, mount, indexed):
    mailbox = mounted(server, mount, 20)
    if not indexed:
        shutil.rmtree(mailbox.maildir.path + "/pop3d")
    mailbox.deliver(2)
    names = list(mailbox.data)
    mount.remount("ro")
    mailbox.refuses_deletion(names)
    mailbox.readable(names).quit()
    mount.remount("rw")
    mailbox.check(names)


# Owners and modes.

@contextlib.contextmanager
def changed(path, mode=None, uid=None):
    """A file with another mode or owner for a while."""
    old = os.stat(path)
    if uid is not None:
        os.chown(path, uid, -1)
    if mode is not None:
        os.chmod(path, mode)
    yield
    os.chmod(path, old.st_mode & 0o7777)
    os.chown(path, old.st_uid, old.st_gid)


# What is wrong; whether mail can be read all the same, and deleted.  Where
# the index cannot be read, or cannot be vouched for (its time of change, or
# the seal, is not what it was), nobody knows what was retained.
WRONG = [("pop3d", {"mode": 0o500}, True, None),
         ("pop3d", {"mode": 0}, False, None),
         ("pop3d", {"uid": 0}, False, None),
         ("pop3d/index.db", {"mode": 0}, False, None),
         ("pop3d/index.db", {"mode": 0o400}, False, None),
         ("pop3d/index.db", {"uid": 0}, False, None),
         ("pop3d/lock", {"mode": 0}, False, None),
         ("pop3d/lock", {"mode": 0o400}, True, False),
         ("pop3d/lock", {"uid": 0}, False, None),
         ("new", {"mode": 0o500}, True, None),
         ("cur", {"mode": 0o500}, True, None),
         ("new", {"mode": 0}, False, None),
         ("cur", {"mode": 0}, False, None),
         ("new", {"uid": 0}, False, None),
         ("", {"mode": 0}, False, None),
         ("", {"uid": 0}, False, None)]


@pytest.mark.parametrize(
    "name,wrong,readable,deletes", WRONG,
    ids=["%s-%s" % (name or "Maildir", "-".join(
        "%s-%o" % item for item in wrong.items()))
         for name, wrong, _, _ in WRONG])
@pytest.mark.parametrize("fresh", [False, True], ids=["old", "new"])
def test_wrong_mode(mailbox, name, wrong, readable, deletes, fresh):
    if fresh:
        mailbox.deliver(2)
    else:
        mailbox.visit()
    names = list(mailbox.data)
    with changed(os.path.join(mailbox.maildir.path, name), **wrong):
        if not readable:
            assert not mailbox.login(mailbox.connect())
        elif deletes is False:
            mailbox.refuses_deletion(names)
        else:
            mailbox.readable(names).command("QUIT")
    mailbox.check(names)


@pytest.mark.parametrize("where", ["new", "cur"])
def test_unreadable_message(mailbox, where):
    """What cannot be read is left out, and appears when it can."""
    names = list(mailbox.data)
    name, = mailbox.deliver(1)
    if where == "cur":
        os.rename(mailbox.maildir.path + "/new/" + name,
                  mailbox.maildir.path + "/cur/" + name + ":2,")
    # The directories' times are old when the index is brought up to date.
    for sub in ("new", "cur"):
        os.utime(mailbox.maildir.path + "/" + sub, (1, 1))
    # By its descriptor: the message is moved to cur/ all the same.
    fd = os.open(mailbox.maildir.find(name), os.O_RDONLY)
    st = os.fstat(fd)
    os.fchown(fd, 0, -1)
    os.fchmod(fd, 0)
    assert mailbox.visit() == names
    mailbox.told()
    assert mailbox.visit() == names
    assert os.stat(mailbox.maildir.find(name)).st_ino == st.st_ino
    os.fchown(fd, st.st_uid, -1)
    os.fchmod(fd, st.st_mode & 0o777)
    os.close(fd)
    mailbox.check(names + [name])


def test_transient_fault_keeps_what_is_retained(mailbox):
    """An I/O error while the index is opened does not make it anew."""
    mailbox.server.ctl("set", mailbox.account.address, "auto-delete=no")
    names = list(mailbox.data)
    pop = mailbox.account.login()
    pop.ok("DELE 1")
    pop.quit()
    saved = Saved(mailbox.maildir)
    for n in range(1, 20):
        saved.restore()
        pop = mailbox.connect()
        strace = Strace(
            mailbox.server.processes(pop).parent, "-e",
            "inject=pread64,newfstatat:error=EIO:syscall=getpid:when=%d" % n)
        pop.send("PASS %s\r\nQUIT\r\n" % mailbox.account.password)
        pop.rest()
        pop.close()
        strace.finish()
        assert mailbox.visit() == names[1:], n


# Damage.

def damage(path, how, seed):
    generator = random.Random(seed)
    size = os.path.getsize(path)
    with open(path, "r+b") as f:
        if how == "random":
            for _ in range(4):
                f.seek(generator.randrange(size))
                f.write(generator.randbytes(64))
            f.truncate(size)
        elif how == "page":
            f.seek(generator.randrange(size // 4096) * 4096)
            f.write(generator.randbytes(4096))
        elif how == "zeros":
            f.seek(generator.randrange(size // 4096) * 4096)
            f.write(bytes(4096))
        elif how == "cut":
            f.truncate(generator.randrange(size))
        elif how == "half-page":
            f.truncate(size // 4096 * 4096 - 2048)
        elif how == "empty":
            f.truncate(0)
        elif how == "more":
            f.seek(size)
            f.write(generator.randbytes(5000))


def end_all(server):
    """Ends sessions that hang, which has been reported by now."""
    server.close_clients()
    for pid in server.pids():
        os.kill(pid, signal.SIGKILL)


DAMAGES = ["random", "page", "zeros", "cut", "half-page", "empty", "more"]


def log_file(mailbox):
    directory = mailbox.maildir.path + "/pop3d"
    return os.path.join(directory, max(
        name for name in os.listdir(directory) if name.startswith("log.")))


def whole_or_refused(mailbox, names):
    """Until it succeeds: a session sees the truth, or is told of trouble.

    What is damaged may show only when it is read; then the session ends
    with an error, and the next one mends it.
    """
    for _ in range(3):
        pop = mailbox.connect()
        pop.socket.settimeout(20)
        if mailbox.login(pop):
            try:
                assert mailbox.see(pop) == names
            except (EOFError, AssertionError) as error:
                if isinstance(error, AssertionError) and \
                        not re.search(r"-ERR \[SYS/", str(error)):
                    raise
                mailbox.told()
            else:
                pop.quit()
                return
        pop.close()
        mailbox.server.wait_empty()
    raise AssertionError("no session succeeds")


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("what", ["index", "log", "both"])
@pytest.mark.parametrize("news", [0, 3], ids=["old", "new"])
def test_damage(account, what, how, news):
    mailbox = Mailbox(account, 200)
    saved = Saved(mailbox.maildir)
    old = list(mailbox.data)
    for seed in range(3):
        saved.restore()
        if what != "log":
            damage(mailbox.maildir.path + "/pop3d/index.db", how, seed)
        if what != "index":
            damage(log_file(mailbox), how, seed)
        new = mailbox.deliver(news)
        try:
            whole_or_refused(mailbox, old + new)
            mailbox.check(old + new)
        except BaseException as error:
            error.add_note("seed %d" % seed)
            end_all(account.server)
            raise
        for name in new:
            del mailbox.data[name]


# Something else is where a file of ours should be; can mail be read?  Not
# where an index might be behind it, with what was retained.
OTHER_THINGS = [("index.db", "directory", False), ("index.db", "link", False),
                ("index.db", "fifo", False), ("lock", "directory", True),
                ("lock", "link", True), ("lock", "fifo", True),
                ("pop3d", "link", False), ("pop3d", "fifo", False)]


@pytest.mark.parametrize("name,thing", [
    ("log.0000000001", "fifo"), ("log.0000000001", "link"),
    ("DB_CONFIG", "fifo"), ("DB_CONFIG", "text"), ("DB_CONFIG", "hole"),
    ("lock", "newlines")])
def test_nothing_is_waited_for(mailbox, tmp_path, name, thing):
    """Whatever the mailbox's owner puts there: a login comes to its end,
    and so does pop3ctl."""
    path = os.path.join(mailbox.maildir.path, "pop3d", name)
    target = tmp_path / "target"
    target.write_bytes(b"untouched")
    def index():
        mailbox.server.ctl("index", mailbox.account.address)
    for run in mailbox.visit, index:
        # Without a seal all of them are looked at.
        with open(mailbox.maildir.path + "/pop3d/lock", "wb"):
            pass
        if os.path.lexists(path):
            os.unlink(path)
        if thing == "fifo":
            os.mkfifo(path)
        elif thing == "link":
            os.symlink(target, path)
        else:
            with open(path, "wb") as f:
                f.write({"newlines": b"\n" * (64 << 20), "hole": b"",
                         "text": b"set_lg_dir ../tmp\n"}[thing])
                if thing == "hole":
                    f.truncate(1 << 40)
        os.chown(path, mailbox.maildir.uid, mailbox.maildir.gid,
                 follow_symlinks=False)
        run()
        mailbox.server.wait_empty()
    mailbox.check(list(mailbox.data))
    assert target.read_bytes() == b"untouched"


@pytest.mark.parametrize("name,thing,readable", OTHER_THINGS, ids=[
    "%s-%s" % other[:2] for other in OTHER_THINGS])
def test_other_things(mailbox, tmp_path, name, thing, readable):
    path = os.path.join(mailbox.maildir.path, "pop3d")
    shutil.rmtree(path)
    if name != "pop3d":
        os.mkdir(path, 0o700)
        os.chown(path, mailbox.maildir.uid, mailbox.maildir.gid)
        path = os.path.join(path, name)
    target = tmp_path / "target"
    target.write_bytes(b"untouched")
    if thing == "directory":
        os.mkdir(path)
    elif thing == "link":
        os.symlink(target, path)
    else:
        os.mkfifo(path)
    os.chown(path, mailbox.maildir.uid, mailbox.maildir.gid,
             follow_symlinks=False)
    names = list(mailbox.data)
    try:
        for _ in range(2):
            if readable:
                mailbox.refuses_deletion(names)
            else:
                assert not mailbox.login(mailbox.connect())
            mailbox.server.wait_empty()
    except BaseException:
        end_all(mailbox.server)
        raise
    assert target.read_bytes() == b"untouched"
    remove = os.rmdir if thing == "directory" else os.unlink
    remove(path)
    mailbox.check(names)
    assert target.read_bytes() == b"untouched"
