"""accounts.db: under load, written by several, killed, damaged."""

import collections
import fcntl
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import time

import pytest

from daemon import POP3CTL, POP3D, ROOT, wait_until
from maildir import Maildir
from pop3 import plain

# "secret", hashed with the least cost.
HASH = "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"


def database(server):
    return server.directory + "/db/accounts.db"


def many(server, number):
    """Imports that many accounts; returns the address of the middle one.

    One Maildir is there for all of them: import makes those that are not.
    """
    maildir = Maildir(server.mail + "/many.example/Maildir",
                      server.owner.pw_uid, server.owner.pw_gid)
    text = "".join("user%06d@many.example maildir=%s hash=%s\n"
                   % (n, maildir.path, HASH) for n in range(number))
    done = server.ctl("import", "-", stdin=text)
    assert done.stdout == "%d accounts, %d of them new\n" % (number, number)
    return "user%06d@many.example" % (number // 2)


def make_maildir(server, address):
    local, domain = address.split("@")
    return Maildir("%s/%s/%s/Maildir" % (server.mail, domain, local),
                   server.owner.pw_uid, server.owner.pw_gid)


def let_in(server, address, password="secret"):
    with server.connect() as pop:
        pop.login(address, password).quit()


class Trace:
    """strace on a connection's processes, auth among them."""

    def __init__(self, server, pop, path, *options):
        self.path = str(path)
        parent = server.processes(pop).parent
        self.process = subprocess.Popen(
            ["strace", "-f", "-qq", "-y", "-o", self.path, "-p",
             str(parent)] + list(options), stderr=subprocess.PIPE)
        wait_until(lambda: self._attached(parent), "strace does not attach")

    @staticmethod
    def _attached(pid):
        with open("/proc/%d/status" % pid) as f:
            return "TracerPid:\t0\n" not in f.read()

    def end(self):
        """What was seen."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        with open(self.path) as f:
            return f.read()


# Many accounts.

def pages_read(server, address, tmp_path):
    """How often auth reads from the database for one login."""
    pop = server.connect()
    trace = Trace(server, pop, tmp_path / "trace",
                  "-e", "trace=read,pread64,mmap")
    pop.login(address)
    text = trace.end()
    pop.quit()
    assert not re.search(r"mmap\(.*accounts\.db>", text)
    return len(re.findall(r"(?:read|pread64)\(\d+<[^>]*accounts\.db>", text))


def test_a_login_does_not_depend_on_their_number(make_server, tmp_path):
    """A tree's depth is all that 100,000 accounts add to ten."""
    few, full = make_server(), make_server()
    reads = pages_read(few, many(few, 10), tmp_path)
    address = many(full, 100000)
    assert os.path.getsize(database(full)) > 10 * 1000 * 1000
    assert 0 < reads <= pages_read(full, address, tmp_path) <= reads + 4
    first = full.ctl("list").stdout.split(maxsplit=1)[0]
    assert first == "user000000@many.example"
    full.ctl("set", address, "access=off")
    with full.connect() as pop:
        pop.err(b"AUTH PLAIN " + plain(address, "secret"), "AUTH")
    make_maildir(full, "user099999@many.example")
    let_in(full, "user099999@many.example")


# Readers and writers at once.

class Writer:
    """Somebody who has the lock, and half a database beside the good one."""

    def __init__(self, server):
        self.new = database(server) + ".new"
        self.lock = open(database(server) + ".lock", "r+")
        fcntl.lockf(self.lock, fcntl.LOCK_EX)
        with open(self.new, "wb") as f:
            f.write(b"half of it")

    def end(self):
        os.unlink(self.new)
        self.lock.close()


def waiting_for_lock(path):
    """Does anybody wait for the lock on this file?"""
    inode = os.stat(path).st_ino
    with open("/proc/locks") as f:
        return re.search(r"-> POSIX .*:%d " % inode, f.read())


def test_readers_never_block(make_server):
    server = make_server()
    account = server.add_account()
    writer = Writer(server)
    account.login().quit()
    with server.connect() as pop:
        pop.err(b"AUTH PLAIN " + plain(account.address, "wrong"), "AUTH")
    for command in (["list"], ["show", account.address], ["export"],
                    ["queue", account.address]):
        server.ctl(*command)
    writer.end()


def test_a_writer_waits_for_another(make_server):
    server = make_server()
    account = server.add_account()
    first = Writer(server)
    second = subprocess.Popen([POP3CTL, "-f", server.conf, "set",
                               account.address, "access=off"])
    wait_until(lambda: waiting_for_lock(database(server) + ".lock"),
               "the second does not wait")
    assert "access=all" in server.ctl("show", account.address).stdout
    first.end()
    assert second.wait(60) == 0
    assert "access=off" in server.ctl("show", account.address).stdout


def test_a_writer_that_gives_up_changes_nothing(make_server):
    server = make_server()
    server.add_account()
    before = server.ctl("export").stdout
    for option, text in ("-s", "new@example.com\nnonsense\n"), \
            ("-n", "new@example.com\n"):
        done = server.ctl("import", option, "-", stdin=text, check=False)
        assert done.returncode == (option == "-s")
    assert server.ctl("export").stdout == before
    assert sorted(os.listdir(server.directory + "/db")) == \
        ["accounts.db", "accounts.db.lock"]


def test_many_writers_at_once(make_server):
    """Every change survives: of one account, and of several."""
    server = make_server()
    account = server.add_account()
    commands = [["set", account.address, setting] for setting in
                ("access=off", "spam=only", "auto-delete=no",
                 "two-factor=on", "password=none", "maildir=/elsewhere")]
    commands += [["app-password", "add", account.address, "label%d" % n]
                 for n in range(8)]
    commands += [["add", "-P", "new%d@example.com" % n] for n in range(16)]
    random.Random(1).shuffle(commands)
    running = [subprocess.Popen([POP3CTL, "-f", server.conf] + command,
                                stdout=subprocess.DEVNULL)
               for command in commands]
    assert [process.wait(60) for process in running] == [0] * len(commands)
    shown = server.ctl("show", account.address).stdout
    for command in commands:
        if command[0] == "set":
            assert command[2] + "\n" in shown
        elif command[0] == "app-password":
            assert "app-password %s created" % command[3] in shown
        else:
            server.ctl("show", command[2])
    assert len(server.ctl("list").stdout.splitlines()) == 17


def test_logins_while_accounts_are_changed(make_server):
    """Each of them finds the old or the new database, whole."""
    server = make_server()
    address = many(server, 2000)
    writers = subprocess.Popen(
        ["sh", "-c", "while '%s' -f '%s' set %s spam=only && '%s' -f '%s' "
         "set %s spam=include; do :; done" % (
             (POP3CTL, server.conf, "user000001@many.example") * 2)],
        start_new_session=True)
    try:
        for _ in range(30):
            let_in(server, address)
        assert writers.poll() is None
    finally:
        os.killpg(writers.pid, signal.SIGTERM)
        writers.wait(60)


# Writers killed.

def calls_of(command, path):
    """The system calls of a command: [name, how many of that name]."""
    done = subprocess.run(["strace", "-qq", "-y", "-o", path] + command,
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    counts = collections.Counter()
    found = []
    with open(path) as f:
        for line in f:
            name = re.match(r"(\w+)\(", line)
            if name is None or name.group(1) in ("execve", "exit_group"):
                continue
            counts[name.group(1)] += 1
            found.append((name.group(1), counts[name.group(1)], line))
    return found


def kill_at(command, name, number):
    """Runs the command and kills it when it begins its nth such call."""
    done = subprocess.run(
        ["strace", "-qq", "-o", "/dev/null", "-e", "trace=" + name, "-e",
         "inject=%s:signal=KILL:when=%d" % (name, number)] + command,
        capture_output=True)
    assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), done


def exported(server):
    """What is in the database, but for what is random in it."""
    return re.sub(r" app-password=[0-9a-f]{64},\d+,", " app-password=",
                  server.ctl("export").stdout)


def killed_everywhere(server, arguments, wanted):
    """Kills a command at each system call for which wanted(line) holds.

    What stays is the old or the new database, and the next writer is not
    disturbed.  Returns how often it was the old and the new one.
    """
    path = database(server)
    command = [POP3CTL, "-f", server.conf] + arguments
    saved = path + ".saved"
    shutil.copy2(path, saved)
    old = exported(server)
    calls = calls_of(command, server.directory + "/trace")
    new = exported(server)
    assert old != new
    seen = collections.Counter()
    for name, number, line in calls:
        if not wanted(line):
            continue
        shutil.copy2(saved, path)
        kill_at(command, name, number)
        found = exported(server)
        assert found in (old, new), line
        seen["old" if found == old else "new"] += 1
        server.ctl("set", "z@example.com", "spam=include")
        assert exported(server) == found.replace(
            "z@example.com access=all spam=exclude",
            "z@example.com access=all spam=include"), line
        assert sorted(os.listdir(os.path.dirname(path))) == \
            ["accounts.db", "accounts.db.lock", "accounts.db.saved"]
    return seen


def writing(line):
    """The system calls that can change a file or its name."""
    return re.match(r"(write|pwrite64|pwritev|rename\w*|unlink\w*|fsync|"
                    r"fdatasync|ftruncate|mkdir\w*|link\w*)\(|"
                    r"openat?\(.*accounts\.db", line)


def test_killed_writer(make_server):
    """At each system call that writes: the old or the new accounts."""
    server = make_server()
    account = server.add_account()
    server.ctl("add", "-P", "z@example.com")
    seen = killed_everywhere(
        server, ["set", account.address, "access=off"], writing)
    assert seen["old"] > 5 and seen["new"] > 0, seen


@pytest.mark.long
def test_killed_writer_at_every_call(make_server):
    server = make_server()
    many(server, 300)
    server.ctl("add", "-P", "z@example.com")
    text = server.directory + "/text"
    with open(text, "w") as f:
        for n in range(0, 600, 3):
            f.write("user%06d@many.example access=off\n" % n)
    passwd = [server.directory + "/passwd%d" % i for i in (1, 2)]
    for i, path in enumerate(passwd, 1):
        with open(path, "w") as f:
            for n in range(30):
                f.write("new%d%d@many.example:{CRYPT}$1$saltsalt$"
                        "9xy1btjgzLYfb7hivXtC//::::::userdb_mail=maildir:"
                        "%s/many.example/Maildir\n" % (i, n, server.mail))
    for arguments in (["import", text], ["import", passwd[0]],
                      ["import", "-s", passwd[1]],
                      ["delete", "user000002@many.example"],
                      ["app-password", "add", "user000001@many.example",
                       "phone"], ["add", "-P", "new@example.com"]):
        seen = killed_everywhere(server, arguments, lambda line: True)
        assert seen["old"] > 20 and seen["new"] > 0, seen


def test_killed_before_there_is_a_database(make_server):
    """The very first account is there, or there is no database yet."""
    server = make_server()
    directory = server.directory + "/db"
    command = [POP3CTL, "-f", server.conf, "add", "-P", "z@example.com"]
    shutil.rmtree(directory)
    for name, number, line in calls_of(command, server.directory + "/trace"):
        if not writing(line):
            continue
        shutil.rmtree(directory, ignore_errors=True)
        kill_at(command, name, number)
        done = server.ctl("list", check=False)
        if done.returncode != 0:
            assert "`pop3ctl add' makes the first account" in done.stderr
            server.ctl("add", "-P", "z@example.com")
        assert server.ctl("list").stdout.startswith("z@example.com ")


def injected(command, *options):
    return subprocess.run(
        ["strace", "-qq", "-o", "/dev/null"] + list(options) + command,
        capture_output=True, text=True)


def test_a_full_disk(make_server):
    """Told as such, and the old accounts stay; now and later."""
    server = make_server()
    account = server.add_account()
    new = database(server) + ".new"
    before = server.ctl("export").stdout
    command = [POP3CTL, "-f", server.conf, "set", account.address, "spam=only"]
    # Berkeley DB tries it with write(2) when pwrite(2) fails.
    for first in (1, 2):
        done = injected(command, "-P", new, "-e",
                        "inject=pwrite64:error=ENOSPC", "-e",
                        "inject=write:error=ENOSPC:when=%d+" % first)
        assert done.returncode == 1
        assert re.search(r"^pop3ctl: %s: No space left on device$"
                         % re.escape(new), done.stderr, re.M), done.stderr
        assert server.ctl("export").stdout == before
        assert not os.path.exists(new)
    assert subprocess.run(command).returncode == 0


@pytest.mark.parametrize("call, error", [
    ("write", "ENOSPC"), ("rename", "EROFS"), ("fsync", "EIO"),
    ("fdatasync", "EIO")])
def test_a_writer_that_fails(make_server, call, error):
    """Whatever fails: told in one line, and the old accounts stay."""
    server = make_server()
    account = server.add_account()
    command = [POP3CTL, "-f", server.conf, "set", account.address]
    calls = calls_of(command + ["spam=only"], server.directory + "/trace")
    numbers = [number for name, number, line in calls
               if name == call and "pop3ctl" not in line and
               "<pipe:" not in line]
    if call == "fdatasync" and not numbers:
        numbers = [n for name, n, _ in calls if name == "fsync"]
        call = "fsync"
    assert numbers, "no such call"
    path = database(server)
    for number in numbers:
        before = server.ctl("export").stdout
        done = injected(
            command + ["spam=" + "exclude include".split()[number % 2]],
            "-e", "inject=%s:error=%s:when=%d" % (call, error, number))
        after = server.ctl("export").stdout
        assert done.returncode == 1, (number, done)
        assert re.fullmatch(r"pop3ctl: .*\n", done.stderr), done.stderr
        # A sync that failed after the rename cannot be taken back.
        assert after == before or call == "fsync"
        assert not os.path.exists(path + ".new")


# Damage.

def nobody_gets_in(server, address, why):
    """Neither by the right password: [SYS/TEMP], and the log says why."""
    for user, password in ((address, "secret"), (address, "wrong"),
                           ("nobody@example.com", "x")):
        server.mark_log()
        with server.connect() as pop:
            pop.err(b"AUTH PLAIN " + plain(user, password), "SYS/TEMP")
        server.wait_log("^%s: .*%s" % (re.escape(database(server)), why))
        assert not [line for line in server.log_lines()
                    if line.startswith("login: ")]


def told(server, *arguments):
    """pop3ctl fails with one line, which names the file; returns it."""
    done = server.ctl(*arguments, check=False)
    assert done.returncode == 1, done
    lines = done.stderr.splitlines()
    assert lines and lines[-1].startswith("pop3ctl: " + database(server))
    return lines[-1]


DAMAGES = {
    "empty": lambda data: b"",
    "an octet": lambda data: b"x",
    "text": lambda data: 1000 * b"no database\n",
    "zeroes": lambda data: bytes(len(data)),
    "half": lambda data: data[:len(data) // 2],
    "half of the first page": lambda data: data[:2048],
    "one octet less": lambda data: data[:-1],
    "the first page": lambda data: bytes(512) + data[512:],
    "an octet of the first page": lambda data: data[:100] + bytes(
        [data[100] ^ 1]) + data[101:],
    "a bit of the last page": lambda data: data[:-10] + bytes(
        [data[-10] ^ 1]) + data[-9:],
    "all pages but the first": lambda data: data[:4096] + bytes(
        len(data) - 4096),
}


@pytest.fixture
def alone(make_server):
    """A server with a single account."""
    server = make_server(max_failures=100)
    server.add_account("one@example.com").login().quit()
    return server


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damaged(alone, damage):
    path = database(alone)
    with open(path, "rb") as f:
        good = f.read()
    bad = damage(good)
    with open(path, "wb") as f:
        f.write(bad)
    nobody_gets_in(alone, "one@example.com", "damaged")
    for arguments in (["list"], ["show", "one@example.com"], ["export"],
                      ["set", "one@example.com", "access=off"],
                      ["delete", "one@example.com"],
                      ["add", "-P", "two@example.com"], ["index", "-a"]):
        assert "restore it from a backup" in told(alone, *arguments)
    with open(path, "rb") as f:
        assert f.read() == bad  # a writer makes it no worse
    with open(path, "wb") as f:
        f.write(good)
    let_in(alone, "one@example.com")


def test_missing(alone):
    path = database(alone)
    os.rename(path, path + ".away")
    nobody_gets_in(alone, "one@example.com", "[nN]o such file")
    assert "pop3ctl add" in told(alone, "list")
    os.rename(path + ".away", path)
    let_in(alone, "one@example.com")


def test_directory_in_its_place(alone):
    path = database(alone)
    os.rename(path, path + ".away")
    os.mkdir(path)
    nobody_gets_in(alone, "one@example.com", "")
    told(alone, "list")


@pytest.mark.skipif(ROOT, reason="root reads everything")
def test_unreadable(alone):
    os.chmod(database(alone), 0)
    nobody_gets_in(alone, "one@example.com", "ermission denied")
    assert "ermission denied" in told(alone, "list")


@pytest.mark.parametrize("call, error, why", [
    ("openat", "EACCES", "Permission denied"),
    ("openat", "EIO", "Input/output error"),
    ("read", "EIO", "Input/output error"),
    ("pread64,read", "EIO", "Input/output error")])
def test_not_readable_by_auth(alone, tmp_path, call, error, why):
    alone.mark_log()
    pop = alone.connect()
    trace = Trace(alone, pop, tmp_path / "trace", "-P", database(alone), "-e",
                  "inject=%s:error=%s" % (call, error))
    answer = pop.command(b"AUTH PLAIN " + plain("one@example.com", "secret"))
    pop.close()
    assert "INJECTED" in trace.end()
    assert answer.startswith(b"-ERR [SYS/TEMP] ")
    alone.wait_log("^%s: .*%s" % (re.escape(database(alone)), why))
    let_in(alone, "one@example.com")


def test_a_damaged_page_harms_only_whom_it_has(make_server):
    """They are refused as trouble of ours; the others get in."""
    server = make_server()
    many(server, 500)
    path = database(server)
    good = {n: server.ctl("show", "user%06d@many.example" % n).stdout
            for n in range(0, 500, 10)}
    page = os.path.getsize(path) // 4096 // 2
    with open(path, "r+b") as f:
        f.seek(page * 4096 + 1000)
        f.write(100 * b"x")
    bad = 0
    for n, shown in good.items():
        address = "user%06d@many.example" % n
        done = server.ctl("show", address, check=False)
        if done.returncode == 0:
            assert done.stdout == shown
            continue
        bad += 1
        assert "damaged" in done.stderr
        with server.connect() as pop:
            pop.err(b"AUTH PLAIN " + plain(address, "secret"), "SYS/TEMP")
    assert 0 < bad < len(good)
    for command in ("list", "export"):
        assert "damaged" in told(server, command)


def zero_pages(path, good, pages):
    with open(path, "wb") as f:
        f.write(good)
        for page in pages:
            f.seek(page * 4096)
            f.write(bytes(4096))


def limited(server, *arguments):
    """Berkeley DB may run for ever: 5 seconds of the processor's time."""
    return subprocess.run(
        [POP3CTL, "-f", server.conf] + list(arguments), capture_output=True,
        text=True, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_CPU, (5, 5)))


def test_pages_of_zeroes(make_server):
    """File systems leave such after a crash, and they have no checksum.

    A list that ends early would be taken for all of the accounts.
    """
    server = make_server()
    many(server, 300)
    path = database(server)
    with open(path, "rb") as f:
        good = f.read()
    for page in range(len(good) // 4096):
        zero_pages(path, good, [page])
        for command in (["list"], ["export"], ["set", "user000150@many."
                                               "example", "access=off"]):
            done = limited(server, *command)
            if command[0] == "set" and done.returncode == 0:
                continue  # that page was not needed
            assert done.returncode == 1, (page, command)
            assert "damaged" in done.stderr


def test_a_login_that_meets_pages_of_zeroes(make_server):
    server = make_server()
    address = many(server, 300)
    path = database(server)
    with open(path, "rb") as f:
        good = f.read()
    zero_pages(path, good, range(2, len(good) // 4096))
    server.mark_log()
    with server.connect() as pop:
        pop.err(b"AUTH PLAIN " + plain(address, "secret"), "SYS/TEMP")
    server.wait_empty()
    # And not because a search among them went on until it was ended.
    told = "\n".join(server.log_lines())
    assert "damaged" in told and "signal" not in told
    zero_pages(path, good, [])
    let_in(server, address)


@pytest.mark.parametrize("kind", [9, 14])
def test_a_root_without_a_checksum(make_server, kind):
    """Berkeley DB would look for the root in another place, for ever."""
    server = make_server()
    address = many(server, 300)
    path = database(server)
    with open(path, "rb") as f:
        good = f.read()
    with open(path, "r+b") as f:
        f.seek(4096 + 24)
        f.write(bytes([2, kind, 0]))
    for command in (["list"], ["show", address],
                    ["set", address, "access=off"]):
        done = limited(server, *command)
        assert done.returncode == 1
        assert "damaged" in done.stderr
    with server.connect() as pop:
        pop.err(b"AUTH PLAIN " + plain(address, "secret"), "SYS/TEMP")
    server.wait_empty()
    zero_pages(path, good, [])
    let_in(server, address)


# Records.

HELPER = r"""
#include <sys/types.h>
#include <db.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* edit FILE KEY [HEX]: prints the record of KEY, or makes it HEX. */
int
main(int argc, char *argv[])
{
	static unsigned char octets[65536];
	DBT key, data;
	DB *db;
	size_t i;

	memset(&key, 0, sizeof(key));
	memset(&data, 0, sizeof(data));
	key.data = argv[2];
	key.size = (u_int32_t)strlen(argv[2]);
	if (db_create(&db, NULL, 0) != 0 || db->set_flags(db, DB_CHKSUM) != 0 ||
	    db->open(db, NULL, argv[1], NULL, DB_BTREE, 0, 0600) != 0)
		return 1;
	if (argc == 3) {
		if (db->get(db, NULL, &key, &data, 0) != 0)
			return 1;
		for (i = 0; i < data.size; i++)
			printf("%02x", ((unsigned char *)data.data)[i]);
		return db->close(db, 0);
	}
	for (i = 0; i < strlen(argv[3]) / 2; i++) {
		char digits[3] = { argv[3][2 * i], argv[3][2 * i + 1], 0 };

		octets[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	data.data = octets;
	data.size = (u_int32_t)i;
	if (db->put(db, NULL, &key, &data, 0) != 0)
		return 1;
	return db->close(db, 0);
}
"""


@pytest.fixture(scope="module")
def helper(tmp_path_factory):
    """A program that writes any record into a database."""
    directory = tmp_path_factory.mktemp("helper")
    (directory / "edit.c").write_text(HELPER)
    subprocess.run(["cc", "-o", str(directory / "edit"),
                    str(directory / "edit.c"), "-ldb"], check=True)
    return str(directory / "edit")


class Record:
    """The record of one account, as octets."""

    def __init__(self, helper, server, address):
        self.command = [helper, database(server), address]
        self.server = server
        self.address = address

    def get(self):
        done = subprocess.run(self.command, check=True, capture_output=True)
        return bytes.fromhex(done.stdout.decode())

    def put(self, data):
        subprocess.run(self.command + [data.hex()], check=True)


@pytest.fixture
def record(helper, make_server):
    """The account has everything that a record can have."""
    server = make_server(max_failures=100)
    server.add_account("other@example.com")
    account = server.add_account("one@example.com")
    account.login().quit()
    server.ctl("app-password", "add", account.address, "phone")
    return Record(helper, server, account.address)


@pytest.mark.parametrize("newer", [
    lambda data: bytes([data[0] + 1]) + data[1:],
    lambda data: data[:4] + bytes([data[4] | 0x20]) + data[5:]],
    ids=["version", "flag"])
def test_record_of_a_newer_version(record, newer):
    """Refused clearly; the others are not harmed."""
    data = record.get()
    record.put(newer(data))
    with record.server.connect() as pop:
        pop.err(b"AUTH PLAIN " + plain(record.address, "secret"), "SYS/TEMP")
    line = record.server.wait_log("newer pop3d").string
    assert record.address in line
    let_in(record.server, "other@example.com")
    for arguments in (["show", record.address],
                      ["set", record.address, "access=off"],
                      ["app-password", "add", record.address, "x"],
                      ["list"], ["export"]):
        assert "newer pop3d" in told(record.server, *arguments)
    record.put(data)
    let_in(record.server, record.address)


def bad_records(data):
    """Records that cannot be: {what is wrong: octets}."""
    uid = data[5:13]
    return {
        "empty": b"",
        "version 0": b"\0" + data[1:],
        "cut": data[:-1],
        "half": data[:len(data) // 2],
        "header only": data[:4],
        "more than it should": data + b"\0",
        "kind": data[:1] + b"\2" + data[2:],
        "access": data[:2] + b"\3" + data[3:],
        "spam": data[:3] + b"\3" + data[4:],
        "root's": data[:5] + bytes(8) + data[13:],
        "-1's": data[:5] + b"\0\0\0\0\xff\xff\xff\xff" + data[13:],
        "root's, by overflow": data[:5] + b"\0\0\0\1\0\0\0\0" + data[13:],
        "negative": data[:5] + b"\xff" + uid[1:] + data[13:],
        "days beyond all bounds": data[:29] + b"\1" + data[30:],
        "long hash": data[:45] + b"\xff\xff" + data[47:],
        "an alias of nobody": b"\2\1\0\0",
        "an alias and more": b"\2\1\0\1ab",
        "NUL in a path": data.replace(b"/Maildir", b"/Mail\0ir"),
        "relative path": data.replace(b"/tmp/", b"xtmp/", 1),
        "more application passwords": data.replace(
            b"\1\0\5phone", b"\2\0\5phone"),
        "too many application passwords": data.replace(
            b"\1\0\5phone", b"\xff\0\5phone"),
    }


def test_records_that_can_not_be(record):
    data = record.get()
    for what, bad in bad_records(data).items():
        assert bad != data, what
        record.put(bad)
        record.server.mark_log()
        with record.server.connect() as pop:
            pop.err(b"AUTH PLAIN " + plain(record.address, "secret"),
                    "SYS/TEMP")
        record.server.wait_log("record of %s is damaged" % record.address)
        assert "pop3ctl delete" in told(record.server, "show", record.address)
    let_in(record.server, "other@example.com")
    record.server.ctl("delete", record.address)
    record.server.ctl("add", record.address, stdin="secret\n")
    let_in(record.server, record.address)


@pytest.mark.parametrize("data", [b"\2", b"\3"], ids=["damaged", "newer"])
def test_a_bad_record_among_good_ones(record, data):
    """It is told of, and all others are there."""
    record.server.add_account("a@example.com")
    record.put(data)
    others = ["a@example.com", "other@example.com"]
    for arguments in (["list"], ["list", "-j"], ["export"], ["index", "-a"],
                      ["check", "-a"]):
        done = record.server.ctl(*arguments, check=False)
        assert done.returncode == 1
        assert re.fullmatch("pop3ctl: %s: the record of %s .*\n" % (
            database(record.server), record.address), done.stderr)
        if "-j" in arguments:
            found = [one["address"] for one in json.loads(done.stdout)]
        else:
            found = re.findall(r"^[^ :]+", done.stdout, re.M)
        assert found == others
    done = subprocess.run([POP3D, "-n", "-f", record.server.conf], text=True,
                          capture_output=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the record of %s " % record.address in done.stderr


@pytest.mark.parametrize("data", [b"\2", b"\3"], ids=["damaged", "newer"])
def test_a_bad_record_stays_what_it_is(record, data):
    """What changes many accounts, or takes them from a file, passes it."""
    server = record.server
    text = server.ctl("export").stdout
    record.put(data)
    done = server.ctl("set", "*", "spam=only", check=False)
    assert (done.returncode, done.stdout) == (1, "1 accounts changed\n")
    assert "the record of " + record.address in done.stderr
    assert record.get() == data
    for line in (record.address, record.address + ":$1$a$b",
                 record.address + ":{PLAIN}secret",
                 "x@example.com alias-of=" + record.address,
                 record.address + " alias-of=other@example.com"):
        done = server.ctl("import", "-", stdin=line + "\n", check=False)
        assert done.returncode == 1
        assert record.get() == data
    done = server.ctl("import", "-", stdin=text, check=False)
    assert (done.returncode, done.stdout) == (
        1, "1 accounts, 0 of them new\n")
    line = [one.split()[0] for one in text.splitlines()].index(
        record.address) + 1
    assert "-:%d: " % line in done.stderr
    assert record.get() == data
    for words in (["rename", record.address, "x@example.com"],
                  ["alias", "add", record.address, "x@example.com"]):
        assert server.ctl(*words, check=False).returncode == 1
    assert record.get() == data
    server.ctl("delete", record.address)
    server.ctl("import", "-", stdin=text)
    assert server.ctl("export").stdout == text


def test_an_alias_is_no_account(record):
    """It is none of the accounts, and nothing overwrites it."""
    alias = Record(record.command[0], record.server, "alias@example.com")
    target = record.address.encode()
    alias.put(b"\2\1" + len(target).to_bytes(2, "big") + target)
    for arguments, why in ((["show", alias.address], "no account"),
                           (["set", alias.address, "access=off"],
                            "no account"),
                           (["add", "-P", alias.address], "an alias")):
        done = record.server.ctl(*arguments, check=False)
        assert done.returncode == 1 and why in done.stderr
    words = record.server.ctl("list").stdout
    assert record.address in words and alias.address not in words
    assert "%s alias-of=%s\n" % (alias.address, record.address) in \
        record.server.ctl("export").stdout
    done = record.server.ctl("import", "-", check=False,
                             stdin=alias.address + "\n")
    assert done.returncode == 1 and "alias of " + record.address in \
        done.stderr
    before = alias.get()
    record.server.ctl("set", record.address, "spam=include")
    assert alias.get() == before


def test_records_cut_anywhere(record):
    """Of every length: nothing is read beyond the end."""
    data = record.get()
    for length in range(0, len(data), 3):
        record.put(data[:length])
        assert "damaged" in told(record.server, "show", record.address)


def test_random_records(record):
    """Whatever they are: shown or refused, and nothing dies of it."""
    rng = random.Random(1)
    data = record.get()
    for _ in range(60):
        bad = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        record.put(bytes(bad))
        done = subprocess.run([POP3CTL, "-f", record.server.conf, "show",
                               record.address], capture_output=True)
        assert done.returncode in (0, 1), bytes(bad).hex()
        assert b"owner=root\n" not in done.stdout
        assert not re.search(rb"^owner=(0:|\d+:0$)", done.stdout, re.M)


def test_time_of_the_database_is_not_trusted(alone):
    """Each login reads it anew: a change counts from the next one on."""
    path = database(alone)
    then = time.time() - 1000
    os.utime(path, (then, then))
    pop = alone.connect()
    alone.ctl("passwd", "one@example.com", stdin="changed\n")
    os.utime(path, (then, then))
    pop.login("one@example.com", "changed").quit()
