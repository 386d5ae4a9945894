"""spool: a local user's mbox is emptied into his Maildir when he logs in.

Real PAM, users of the machine, and a directory that stands for /var/mail:
root's and group mail's, not the users'.
"""

import fcntl
import os
import re
import shutil
import stat
import threading
import time

import pytest

from daemon import ROOT, STATIC, wait_until
from inject import Tracer
from maildir import message
from mbox import entry, from_line, hostile, mbox, with_newline
from pop3 import wire
from post import fifty
from test_crash import points_of

pytestmark = [
    pytest.mark.skipif(
        not ROOT, reason="only root can make users and PAM services"),
    pytest.mark.skipif(STATIC, reason="linked statically: there is no PAM")]

PASSWORD = "correct horse"
NAME = "popspool"


@pytest.fixture(scope="module")
def user(make_user):
    return make_user(NAME, PASSWORD)


class Spool:
    """The user's mbox, his Maildir, and how he is served."""

    def __init__(self, make_server, user):
        self.user = user
        self.server = make_server()
        self.directory = self.server.directory + "/spool"
        os.mkdir(self.directory)
        os.chown(self.directory, 0, 8)
        os.chmod(self.directory, 0o2775)
        self.path = self.directory + "/" + NAME
        self.home = user.pw_dir + "/Maildir"
        shutil.rmtree(self.home, ignore_errors=True)
        self.server.configure("auth system\nspool %s/%%u\n" % self.directory)

    def write(self, data, mode=0o660):
        with open(self.path, "wb") as f:
            f.write(data)
        os.chown(self.path, self.user.pw_uid, 8)
        os.chmod(self.path, mode)

    def deliver(self, data):
        with open(self.path, "ab") as f:
            fcntl.lockf(f, fcntl.LOCK_EX)
            f.write(data)

    def size(self):
        return os.stat(self.path).st_size

    def login(self):
        return self.server.connect().login(NAME, PASSWORD)

    def refused(self):
        with self.server.connect() as client:
            client.ok("USER " + NAME)
            return client.command("PASS " + PASSWORD)

    def see(self):
        with self.login() as pop:
            found = [pop.retr(n) for n in pop.list()]
            pop.quit()
        return found

    def files(self):
        return sorted(name for sub in ("new", "cur")
                      for name in os.listdir("%s/%s" % (self.home, sub)))


@pytest.fixture
def spool(make_server, user):
    return Spool(make_server, user)


@pytest.mark.parametrize("command", ["import-mbox", "index", "import-uidls"])
def test_pop3ctl_before_the_first_login(spool, command, tmp_path):
    """Nobody else has made his Maildir, and add cannot."""
    path = str(tmp_path / "mbox")
    with open(path, "wb") as f:
        f.write(mbox([message()]))
    more = [path] if command == "import-mbox" else []
    assert not os.path.exists(spool.home)
    assert spool.server.ctl(command, NAME, *more).stderr == ""
    assert os.stat(spool.home + "/new").st_uid == spool.user.pw_uid
    assert len(spool.see()) == len(more)


def test_a_login_empties_it(spool):
    messages = fifty()
    spool.write(mbox(messages))
    inode = os.stat(spool.path).st_ino
    expected = [wire(with_newline(m)) for m in messages]
    assert spool.see() == expected
    st = os.stat(spool.path)
    assert (st.st_size, st.st_ino, stat.S_IMODE(st.st_mode), st.st_gid) == \
        (0, inode, 0o660, 8)
    assert os.listdir(spool.home + "/tmp") == []
    assert "spool" not in os.listdir(spool.home + "/pop3d")
    spool.server.wait_log(r"^%s: took 50 messages out of %s( |$)"
                          % (spool.home, spool.path))
    # Nothing new, then one more.
    assert spool.see() == expected
    spool.deliver(entry(message("one more"), 1800000000))
    assert spool.see() == expected + [wire(message("one more"))]


@pytest.mark.parametrize("name", hostile())
def test_hostile_files(spool, name):
    """Delivery agents bracket lines behind empty ones, and know no lengths."""
    data, messages = hostile()[name]
    if name == "no empty lines":
        messages = [data.partition(b"\n")[2].rstrip(b"\n") + b"\n"]
    elif name in ("mboxcl", "mboxcl2"):
        messages = [re.sub(rb"^>(>*From )", rb"\1", m, flags=re.M)
                    for m in messages]
    spool.write(data)
    assert sorted(spool.see()) == sorted(map(wire, messages))
    assert spool.size() == 0


def test_a_sender_forges_no_message(spool):
    """Neither one of his own, nor away one of another's."""
    forged = message("forged", "regards\nFrom me Mon Nov  2 10:00:00 2026\n"
                     "Subject: second\n\nPay.\n")
    victim = message("victim", "Somebody has changed your password.\n")
    rest = entry(victim, 1700000002)
    evil = b"Subject: nothing\n\nHi!\n"
    spool.write(from_line(1700000000) + forged + b"\n" +
                from_line(1700000001) + evil.replace(
                    b"\n\n", b"\nContent-Length: %d\n\n"
                    % (4 + 1 + len(rest) - 1)) + b"\n" + rest +
                entry(message("last"), 1700000003))
    assert spool.see() == [wire(m) for m in (
        forged, evil, victim, message("last"))]


def test_nobody_waits_any_more(spool):
    """A large one is read no further when the client has gone."""
    spool.see()
    spool.server.wait_empty()
    spool.write(entry(message("large"), 1700000000))
    os.truncate(spool.path, 20 << 30)
    pop = spool.server.connect()
    pop.ok("USER " + NAME)
    pop.send("PASS %s\r\n" % PASSWORD)
    tmp = spool.home + "/tmp"
    wait_until(lambda: os.listdir(tmp), "it does not begin")
    pop.close()
    spool.server.wait_empty()
    assert os.listdir(tmp) == [] and spool.size() == 20 << 30
    spool.write(entry(message("small"), 1700000000))
    assert spool.see() == [wire(message("small"))]


def test_mode_0600_and_no_file_at_all(spool):
    assert spool.see() == []
    spool.write(mbox([message()]), 0o600)
    assert spool.see() == [wire(message())]
    os.unlink(spool.path)
    assert spool.see() == [wire(message())]


def test_what_was_read_with_another_program(spool):
    spool.write(entry(b"Status: RO\n" + message("seen"), 1700000000) +
                entry(message("new"), 1700000001))
    assert spool.see() == [wire(message("seen")), wire(message("new"))]
    assert [name.rpartition(":")[2] for name in spool.files()] == [
        "2,S", "2,"]


def test_the_same_message_at_the_same_place(spool):
    """Deleted meanwhile, or not: it was delivered again."""
    for _ in range(2):
        spool.write(mbox([message()]))
        assert spool.see() == [wire(message())]
        with spool.login() as pop:
            pop.ok("DELE 1")
            pop.quit()
    for n in range(3):
        spool.write(mbox([message()]))
        assert spool.see() == [wire(message())] * (n + 1)


def test_a_delivery_agent_has_the_lock(spool):
    spool.write(mbox([message()]))
    with open(spool.path, "ab") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        assert spool.refused().startswith(b"-ERR [IN-USE]")
    spool.server.wait_log("is locked by another program, and")
    assert spool.size() > 0
    assert spool.see() == [wire(message())]


def test_a_delivery_agent_is_waited_for(spool):
    spool.write(mbox([message("one")]))
    with open(spool.path, "ab") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        found = []
        thread = threading.Thread(target=lambda: found.extend(spool.see()))
        thread.start()
        time.sleep(0.5)
        f.write(entry(message("two"), 1700000001))
    thread.join(60)
    assert found == [wire(message("one")), wire(message("two"))]


def test_a_lock_file(spool):
    spool.write(mbox([message()]))
    lock = spool.path + ".lock"
    with open(lock, "w"):
        pass
    assert spool.refused().startswith(b"-ERR [IN-USE]")
    spool.server.wait_log("is locked by another program .by its lock file")
    assert spool.size() > 0
    old = time.time() - 301
    os.utime(lock, (old, old))
    assert spool.see() == [wire(message())]
    assert os.path.exists(lock)


@pytest.mark.parametrize("make, words", [
    (lambda s: os.mkdir(s.path), "Is a directory"),
    (lambda s: os.symlink("/etc/passwd", s.path), "symbolic link"),
    (lambda s: (os.mkfifo(s.path), os.chown(s.path, s.user.pw_uid, 8)),
     "not a regular file"),
    (lambda s: (s.write(mbox([message()])), os.chown(s.path, 0, 8),
                os.chmod(s.path, 0o666)), "does not belong to the user"),
    (lambda s: (s.write(mbox([message()])), os.chmod(s.path, 0)),
     "Permission denied"),
    (lambda s: (s.write(mbox([message()])),
                os.link(s.path, s.path + ".2")), "a second name"),
    (lambda s: s.write(b"hello\n"), "is no mbox")])
def test_what_must_not_be_emptied_stays(spool, make, words):
    """The mail that is in the Maildir is served, and the log says why."""
    make(spool)
    assert spool.see() == []
    spool.server.wait_log(words)
    assert os.path.lexists(spool.path)
    if os.path.isfile(spool.path) and not os.path.islink(spool.path):
        assert spool.size() > 0


def test_no_room_for_it(spool):
    """What was there can be read; the rest waits."""
    spool.write(mbox([message("one")]))
    assert len(spool.see()) == 1
    os.rename(spool.home + "/tmp", spool.home + "/tmp.away")
    with open(spool.home + "/tmp", "w"):
        pass
    spool.write(mbox([message("two")]))
    assert spool.see() == [wire(message("one"))]
    spool.server.wait_log("the spool is not emptied: ")
    os.unlink(spool.home + "/tmp")
    os.rename(spool.home + "/tmp.away", spool.home + "/tmp")
    assert spool.see() == [wire(message("one")), wire(message("two"))]


def test_accounts_have_no_spool(spool, make_server):
    spool.write(mbox([message()]))
    spool.server.configure("auth accounts\nauth system\nspool %s/%%u\n"
                           % spool.directory)
    account = spool.server.add_account(NAME + "@example.com")
    with account.login() as pop:
        assert pop.stat() == (0, 0)
    assert spool.size() > 0


@pytest.fixture(params=["fast", pytest.param("all", marks=pytest.mark.long)])
def everything(request):
    return request.param == "all"


def test_killed_at_any_call(spool, everything):
    """Nothing is lost, nothing is doubled, whatever came meanwhile."""
    messages = [message(str(n), "x" * 50 * n + "\n") for n in range(8)]

    def attempt(kill_at):
        shutil.rmtree(spool.home, ignore_errors=True)
        spool.write(mbox(messages))
        pop = spool.server.connect()
        pop.ok("USER " + NAME)
        tracer = Tracer(spool.server.processes(pop).parent, kill_at)
        pop.send("PASS %s\r\nQUIT\r\n" % PASSWORD)
        pop.rest()
        pop.close()
        return tracer

    whole = attempt(None)
    assert not whole.finish()
    expected = [wire(m) for m in messages]
    assert spool.see() == expected
    killed = 0
    for point in points_of(whole.numbers, everything, 12):
        killed += attempt(point).finish()
        spool.server.wait_empty()
        spool.deliver(entry(message("more"), 1700001000))
        assert spool.see() == expected + [wire(message("more"))], point
        assert spool.size() == 0
        assert os.listdir(spool.home + "/tmp") == []
    assert killed > 5


def interrupt(spool, data):
    """A login is killed when all is in new/ and the spool is not yet cut."""
    mark = spool.home + "/pop3d/spool"
    spool.write(data)
    pop = spool.server.connect()
    pop.ok("USER " + NAME)
    parent = spool.server.processes(pop).parent

    def kill_when_placed(n, number):
        if number == 77 and os.path.exists(mark):  # ftruncate
            os.kill(parent, 9)
            tracer.killed = True
    tracer = Tracer(parent, at_call=kill_when_placed)
    pop.send("PASS %s\r\n" % PASSWORD)
    pop.rest()
    pop.close()
    tracer.finish()
    spool.server.wait_empty()
    assert os.path.exists(mark) and spool.size() > 0


def test_killed_and_moved_by_an_imap_server(spool):
    """What was in new/ when it was interrupted is elsewhere then."""
    messages = [message(str(n)) for n in range(5)]
    spool.see()
    interrupt(spool, mbox(messages))
    new = spool.home + "/new"
    assert len(os.listdir(new)) == 5
    for name in os.listdir(new):
        os.rename(new + "/" + name, spool.home + "/cur/" + name + ":2,S")
    assert spool.see() == [wire(m) for m in messages]
    assert "spool" not in os.listdir(spool.home + "/pop3d")
    assert spool.size() == 0


def test_killed_and_rewritten_by_another_program(spool):
    """By mail(1): a message is gone, and the others stand elsewhere."""
    messages = [message(str(n)) for n in range(5)] + [message("twice")] * 2
    spool.see()
    interrupt(spool, mbox(messages[:5]) + entry(message("twice"), 1700000009))
    with open(spool.path, "r+b") as f:
        f.write(mbox(messages[1:5], first=1700000001) +
                entry(message("twice"), 1700000009) * 2)
        f.truncate()
    assert spool.see() == [wire(m) for m in messages]


def test_restored_from_a_backup(spool):
    """What another program had read goes to cur/, where its twin is."""
    data = entry(b"Status: RO\n" + message("seen"), 1700000000) + \
        entry(message("new"), 1700000001)
    expected = [wire(message("seen")), wire(message("new"))]
    spool.write(data)
    assert spool.see() == expected
    spool.write(data)
    assert sorted(spool.see()) == sorted(expected * 2)


def ids(spool):
    with spool.login() as pop:
        found = list(pop.uidl().values())
        pop.quit()
    spool.server.wait_empty()
    return found


NOTED = b"X-IMAPbase: 1795162728 9\nX-UID: %d\n"


def test_unique_ids_of_dovecot_are_those_of_the_first_time(spool):
    """Later anybody could send a message that says which id it has."""
    spool.write(entry(NOTED % 4 + message("one"), 1700000000) +
                entry(b"X-UID: 5\n" + message("two"), 1700000001))
    expected = ["%08x%08x" % (n, 1795162728) for n in (4, 5)]
    assert ids(spool) == expected
    spool.write(entry(NOTED % 6 + message("hostile"), 1700000002))
    found = ids(spool)
    assert found[:2] == expected and found[2].endswith(".spool")


def test_no_ids_after_mail_without(spool):
    spool.write(entry(message("one"), 1700000000))
    assert ids(spool)[0].endswith(".spool")
    with spool.login() as pop:
        pop.ok("DELE 1")
        pop.quit()
    spool.server.wait_empty()
    spool.write(entry(NOTED % 4 + message("hostile"), 1700000001))
    assert ids(spool)[0].endswith(".spool")


def test_ids_of_the_first_time_survive_its_interruption(spool):
    """Though the mbox was rewritten before the next login."""
    spool.see()
    first = [NOTED % 4 + message("one"), b"X-UID: 5\n" + message("two")]
    interrupt(spool, mbox(first))
    for name in os.listdir(spool.home + "/new"):
        os.unlink(spool.home + "/new/" + name)
    spool.write(mbox([b"X-IMAPbase: 1795162728 9\n" + first[1]],
                     first=1700000001))
    assert ids(spool) == ["%08x%08x" % (5, 1795162728)]


@pytest.mark.parametrize("name", ["spool", "spool.lnk"])
def test_something_else_in_the_place_of_the_mark(spool, name):
    """Nobody waits for a FIFO, and no link is followed."""
    spool.see()
    mark = spool.home + "/pop3d/spool"
    if name == "spool":
        os.mkfifo(mark)
    else:
        os.symlink("/nowhere", mark)
    os.chown(mark, spool.user.pw_uid, spool.user.pw_gid,
             follow_symlinks=False)
    spool.write(mbox([message()]))
    found = spool.see()
    spool.server.wait_empty()
    assert found == ([wire(message())] if name == "spool" else [])
    assert (spool.size() > 0) == (name != "spool")
