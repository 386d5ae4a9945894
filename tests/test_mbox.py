"""pop3ctl import-mbox: what is in the file is in the mailbox, once."""

import fcntl
import os
import platform
import re
import signal
import subprocess
import time

import pytest

from daemon import POP3CTL, ROOT, wait_until
from inject import Tracer, Waiting
from maildir import message
from mbox import entry, from_line, hostile, mbox, with_newline
from pop3 import wire
from post import fifty
from test_crash import points_of

UNLINKAT = 263  # of amd64
GOOD = r"(\S+): (\d+) messages imported, (\d+) were there already, (\d+) " \
    r"unique-ids kept\n"


@pytest.fixture
def file(tmp_path):
    """Writes an mbox; returns its path, which only this user can read."""
    def write(data):
        path = str(tmp_path / "mbox")
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, 0o600)
        return path
    return write


def run(account, path, *options, ids=0, odd=""):
    """(imported, there already); odd: what is said beside that, a regex."""
    done = account.server.ctl("import-mbox", account.address, path, *options)
    assert re.fullmatch(odd, done.stderr, re.S), done.stderr
    found = re.fullmatch(GOOD, done.stdout)
    assert found and found.group(1) == account.address, done.stdout
    assert int(found.group(4)) == ids
    return int(found.group(2)), int(found.group(3))


def refused(account, path, *options):
    done = account.server.ctl("import-mbox", account.address, path, *options,
                              check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    return done.stderr


def see(account):
    """All that POP shows, in order."""
    with account.login() as pop:
        found = [pop.retr(n) for n in pop.list()]
        pop.quit()
    return found


JOINED = r"pop3ctl: \S+: %d lines \"From \" behind an empty line end no " \
    r"message of \S+: they have no date .*\n"
BARE = r"pop3ctl: \S+: %d messages of \S+ begin without an empty line .*\n"
ODD = {"no empty lines": BARE % 1, "a date that is none": JOINED % 1,
       "half a From_ line": JOINED % 1, "mboxo": "", "NUL": ""}


@pytest.mark.parametrize("name", hostile())
def test_hostile_files(account, file, name):
    data, messages = hostile()[name]
    odd = ODD.get(name, "")
    assert run(account, file(data), odd=odd) == (len(messages), 0)
    assert sorted(see(account)) == sorted(map(wire, messages))
    assert run(account, file(data), odd=odd) == (0, len(messages))


@pytest.mark.parametrize("kind", ["o", "rd", "cl2"])
def test_all_of_them_octet_by_octet(account, file, kind):
    messages = [m for m in fifty()
                if kind == "rd" or b"\n>From" not in m]
    if kind == "cl2":  # what no header is cut into fields for
        messages = [m for m in messages if b"\r\n\r\n" not in m]
    assert run(account, file(mbox(messages, kind))) == (len(messages), 0)
    expected = messages if kind == "cl2" else map(with_newline, messages)
    assert see(account) == [wire(m) for m in expected]


def test_lines_that_may_be_another_thing(account, file):
    """They are taken as they are by Dovecot, and counted."""
    forged = message("forged", "regards\nFrom me Mon Nov  2 10:00:00 2026\n"
                     "Subject: second\n\nPay.\n")
    dates = [b"Mon, 02 Nov 2026 10:00:00 +0000", b"2026-11-02 10:00:00"]
    data = mbox([forged], "cl2").replace(b"Content-Length", b"X-L") + \
        b"".join(b"From me %s\n%s\n" % (date, message("x"))
                 for date in dates)
    assert run(account, file(data), odd=JOINED % 2 + BARE % 1) == (2, 0)
    assert len(see(account)) == 2


def test_a_body_that_begins_as_the_next_message_would(account, file):
    messages = [b"Subject: 1\n\nFrom me Mon Nov  2 10:00:00 2026\nis one.\n",
                b"Subject: 2\n\nx\n"]
    assert run(account, file(mbox(messages, "cl2")), odd=JOINED % 1) == (2, 0)
    assert see(account) == [wire(m) for m in messages]


def test_a_second_run_adds_what_is_missing(account, file):
    messages = fifty()
    run(account, file(mbox(messages[:20])))
    before = account.maildir.files()
    assert run(account, file(mbox(messages[:20]))) == (0, 20)
    assert account.maildir.files() == before
    # Others have their numbers changed by the ones that came between.
    assert run(account, file(mbox(messages[30:] + messages[:20]))) == \
        (20, 20)
    assert sorted(see(account)) == sorted(
        wire(with_newline(m)) for m in messages[:20] + messages[30:])


@pytest.mark.parametrize("setting, why", [
    ("access=from-now", "older than its access=from-now"),
    ("spam=only", "junk folder alone")])
def test_what_settings_hide_is_told(account, file, setting, why):
    account.server.ctl("set", account.address, setting)
    path = file(mbox([message()]))
    for told in True, False:
        done = account.server.ctl("import-mbox", account.address, path)
        assert done.returncode == 0
        assert (why in done.stderr) == told and bool(done.stderr) == told
    assert see(account) == []
    account.server.ctl("set", account.address, "access=all", "spam=exclude")
    assert len(see(account)) == 1


def test_the_same_message_several_times(account, file):
    one, two = message("one"), message("two")
    assert run(account, file(mbox([one, two, one, one]))) == (4, 0)
    assert see(account) == [wire(m) for m in (one, two, one, one)]
    assert run(account, file(mbox([one, two, one, one]))) == (0, 4)
    # One that was deleted comes back, the others stay.
    with account.login() as pop:
        pop.ok("DELE 1")
        pop.quit()
    assert run(account, file(mbox([one, two, one, one]))) == (1, 3)
    assert run(account, file(mbox([one, two, one, one, one]))) == (1, 4)
    assert sorted(see(account)) == sorted(
        wire(m) for m in (one, one, one, one, two))


def test_a_mail_program_s_notes_do_not_make_it_another(account, file):
    messages = [message(str(n)) for n in range(3)]
    run(account, file(mbox(messages)))
    noted = [m.replace(b"\n\n", b"\nStatus: RO\nX-Status: A\nX-UID: %d  \n\n"
                       % n, 1) for n, m in enumerate(messages, 1)]
    assert run(account, file(mbox(noted))) == (0, 3)


def dovecot(messages, uidvalidity, first=1):
    """As Dovecot leaves an mbox that it has served."""
    data = []
    for n, m in enumerate(messages):
        note = b"X-UID: %d          \n" % (first + n)
        if n == 0:
            note = b"X-IMAPbase: %d 0000000099\n" % uidvalidity + note
        data.append(m.replace(b"\n\n", b"\n" + note + b"\n", 1))
    return mbox(data)


def uidls(account):
    """{message: its id}."""
    with account.login() as pop:
        found = {pop.retr(n): uidl for n, uidl in pop.uidl().items()}
        pop.quit()
    return found


def test_unique_ids_of_dovecot(account, file):
    """They survive the index; nobody loses his, or gets another's."""
    messages = [message(str(n)) for n in range(4)]
    path = file(dovecot(messages, 0x6b0b0268))
    assert run(account, path, ids=4) == (4, 0)
    expected = {wire(m): "%08x6b0b0268" % n
                for n, m in enumerate(messages, 1)}
    assert uidls(account) == expected
    assert see(account) == [wire(m) for m in messages]
    assert run(account, path) == (0, 4)
    more = [message("more %d" % n) for n in range(2)]
    # One of them has an id that is taken.
    path = file(dovecot(more, 0x6b0b0268, first=4))
    assert run(account, path, ids=1) == (2, 0)
    found = uidls(account)
    expected[wire(more[1])] = "000000056b0b0268"
    assert found.pop(wire(more[0])).endswith(".mbox")
    assert found == expected
    account.server.wait_empty()
    for name in os.listdir(account.maildir.path + "/pop3d"):
        if name != "uidls":
            os.unlink(account.maildir.path + "/pop3d/" + name)
    found = uidls(account)
    assert found.pop(wire(more[0])).endswith(".mbox")
    assert found == expected


def test_unique_ids_of_messages_that_were_taken_out_again(account, file):
    """They stay their own, wherever in the file these stand by then."""
    messages = [message(str(n)) for n in range(5)]
    run(account, file(dovecot(messages, 7)), ids=5)
    for name in account.maildir.files():
        os.unlink(account.maildir.path + "/" + name)
    path = file(dovecot(messages[1:], 7, first=2))
    assert run(account, path, ids=4) == (4, 0)
    expected = {wire(m): "%08x00000007" % n
                for n, m in enumerate(messages[1:], 2)}
    assert uidls(account) == expected
    account.server.wait_empty()
    assert run(account, path) == (0, 4)
    # None of them is wanted: then they have new ones.
    for name in account.maildir.files():
        os.unlink(account.maildir.path + "/" + name)
    assert run(account, path, "-f", "none") == (4, 0)
    assert set(uidls(account).values()).isdisjoint(expected.values())


@pytest.mark.skipif(not ROOT or platform.machine() != "x86_64",
                    reason="only root may trace the store; calls of amd64")
def test_what_an_update_has_yet_to_unlink_is_not_here(account, file):
    path = file(mbox([message(str(n)) for n in range(5)]))
    run(account, path)
    pop = account.login()
    store = account.server.processes(pop).store

    def kill(n, number):
        if number == UNLINKAT:
            os.kill(store, 9)
            tracer.killed = True
    tracer = Tracer(store, at_call=kill)
    for n in range(1, 6):
        pop.ok("DELE %d" % n)
    pop.send("QUIT\r\n")
    pop.rest()
    pop.close()
    tracer.finish()
    account.server.wait_empty()
    assert len(account.maildir.files()) == 5
    assert run(account, path) == (5, 0)
    assert len(see(account)) == 5


def test_no_unique_ids(account, file):
    path = file(dovecot([message()], 0x6b0b0268))
    assert run(account, path, "-f", "none") == (1, 0)
    assert uidls(account)[wire(message())].endswith(".mbox")


def test_dates_and_flags(account, file):
    notes = [b"", b"Status: O\n", b"Status: RO\n",
             b"Status: RO\nX-Status: AF\n", b"X-Status: TD\n"]
    data = b"".join(entry(note + message(str(n)), 1600000000 + n)
                    for n, note in enumerate(notes))
    assert run(account, file(data)) == (5, 0)
    files = account.maildir.files()
    assert [re.search("(:.*)", f).group(1) for f in files] == [
        ":2,", ":2,", ":2,S", ":2,FRS", ":2,DT"]
    for n, name in enumerate(files):
        assert name.startswith("cur/%d." % (1600000000 + n))
        assert os.stat(account.maildir.path + "/" + name).st_mtime == \
            1600000000 + n
    assert see(account) == [wire(message(str(n))) for n in range(5)]


def test_files_and_tmp_are_the_owner_s(account, file):
    run(account, file(mbox(fifty())))
    for name in account.maildir.files():
        st = os.stat(account.maildir.path + "/" + name)
        assert (st.st_mode & 0o777, st.st_uid) == (0o600, account.maildir.uid)
    assert os.listdir(account.maildir.path + "/tmp") == []


def test_a_quota_is_kept(account, file):
    size = account.maildir.path + "/maildirsize"
    with open(size, "w") as f:
        f.write("100000S\n10 1\n")
    os.chown(size, account.maildir.uid, account.maildir.gid)
    messages = [message("one"), message("two")]
    run(account, file(mbox(messages)))
    with open(size) as f:
        assert f.read() == "100000S\n10 1\n%d 2\n" % sum(map(len, messages))


def test_what_is_no_mbox(account, file, tmp_path):
    assert "is no mbox" in refused(account, file(b"Subject: x\n\nhello\n"))
    assert "is not a regular file" in refused(account, "/dev/null")
    os.mkfifo(tmp_path / "fifo")
    assert "is not a regular file" in refused(account, str(tmp_path / "fifo"))
    os.symlink(file(mbox([message()])), tmp_path / "link")
    assert "is a symbolic link" in refused(account, str(tmp_path / "link"))
    assert "it can be dovecot or none" in refused(
        account, file(b""), "-f", "courier")
    assert "No such file" in refused(account, str(tmp_path / "missing"))
    assert "no account" in refused_address(account, file(b""))
    assert run(account, file(b"")) == (0, 0)
    assert account.maildir.files() == []


def refused_address(account, path):
    done = account.server.ctl("import-mbox", "nobody@example.org", path,
                              check=False)
    assert done.returncode == 1
    return done.stderr


def test_a_session_has_the_mailbox(account, file):
    with account.login():
        assert "a session has the mailbox" in refused(
            account, file(mbox([message()])))
    account.server.close_clients()
    account.server.wait_empty()
    assert account.maildir.files() == []


def test_somebody_delivers_to_the_file(account, file):
    path = file(mbox([message()]))
    with open(path, "ab") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        assert "locked" in refused(account, path)
    assert run(account, path) == (1, 0)


@pytest.mark.skipif(not ROOT, reason="everything is this user's")
def test_the_owner_need_not_be_able_to_read_the_file(account, file):
    path = file(mbox([message()]))
    os.chmod(os.path.dirname(path), 0o700)
    assert os.stat(path).st_uid == 0
    assert run(account, path) == (1, 0)


@pytest.fixture
def home(tmp_path):
    """A directory of somebody's in one of root's, beside an mbox of root's;
    all paths are real ones."""
    path = os.path.realpath(tmp_path) + "/you"
    os.mkdir(path)
    os.mkdir(path + "/mail")
    for own in path, path + "/mail":
        os.chown(own, 12345, 12345)
    with open(os.path.dirname(path) + "/secret", "wb") as f:
        f.write(mbox([message("secret")]))
    return path


def give(path, uid=12345, data=None):
    with open(path, "wb") as f:
        f.write(data or mbox([message()]))
    os.chown(path, uid, uid)
    return path


@pytest.mark.skipif(not ROOT, reason="nobody else need be led by others")
def test_root_is_led_by_no_link_of_others(account, home):
    os.rmdir(home + "/mail")
    for target in "..", os.path.dirname(home), "../you/..":
        os.symlink(target, home + "/mail")
        os.chown(home + "/mail", 12345, 12345, follow_symlinks=False)
        assert "mail on the way to it is a symbolic link that is not " \
            "root's" in refused(account, home + "/mail/secret")
        # Nor by one of root's that can be exchanged meanwhile.
        os.chown(home + "/mail", 0, 0, follow_symlinks=False)
        assert "led by others" in refused(account, home + "/mail/secret")
        os.unlink(home + "/mail")
    assert account.maildir.files() == []


@pytest.mark.skipif(not ROOT, reason="nobody else need be led by others")
def test_links_of_root_s_are_followed(account, home):
    """/var/mail and /home are such links on some systems."""
    base = os.path.dirname(home)
    give(home + "/mail/inbox")
    os.symlink("you/mail", base + "/one")
    os.symlink(base + "//one/", base + "/two")
    assert run(account, base + "/two/inbox") == (1, 0)
    assert run(account, home + "/./mail//../mail/inbox") == (0, 1)
    os.symlink("..", home + "/out")
    os.chown(home + "/out", 12345, 12345, follow_symlinks=False)
    os.symlink("you/out", base + "/three")
    assert "out on the way" in refused(account, base + "/three/secret")
    os.symlink("loop", base + "/loop")
    assert "Too many levels" in refused(account, base + "/loop/inbox")
    assert "Not a directory" in refused(account, base + "/secret/inbox")
    assert "Not a directory" in refused(account, base + "/two/inbox/")


@pytest.mark.skipif(not ROOT, reason="nobody else need be led by others")
def test_whose_file_root_takes(account, home):
    """A second name of somebody's mail, or what is left of it when the first
    is gone, is no file of the directory's owner."""
    secret, path = os.path.dirname(home) + "/secret", home + "/mail/inbox"
    os.link(secret, path)
    assert "another name" in refused(account, path)
    os.unlink(path)
    give(path, 12346)
    assert "not of the directory's owner" in refused(account, path)
    os.chmod(os.path.dirname(home), 0o777)
    give(secret, 12345)
    assert "not of the directory's owner" in refused(account, secret)
    os.chmod(os.path.dirname(home), 0o755)
    assert run(account, secret) == (1, 0)
    for uid in 0, 12345:  # a copy by root, and the owner's
        os.unlink(path)
        assert run(account, give(path, uid)) == (0, 1)


SYNC = {1: 74, 40: 306}  # fsync, and syncfs for many; of amd64


@pytest.mark.skipif(not ROOT or platform.machine() != "x86_64",
                    reason="only root may trace the store; calls of amd64")
@pytest.mark.parametrize("count", SYNC)
def test_somebody_writes_without_a_lock(account, file, count):
    """Half a message is none: the rest comes while ours are synced."""
    whole = mbox([message(str(n)) for n in range(count)])
    path = file(whole[:-20])
    waiting = Waiting([POP3CTL, "-f", account.server.conf, "import-mbox",
                       account.address, path])

    def append(n, number):
        if number == SYNC[count] and os.path.getsize(path) < len(whole):
            with open(path, "ab") as f:
                f.write(whole[-20:])

    tracer = Tracer(waiting.pid, follow=2, at_call=append)
    status, out, err = waiting.go()
    tracer.finish()
    assert (status, out) == (1, "") and "writes to it" in err
    assert account.maildir.files() == []
    assert os.listdir(account.maildir.path + "/tmp") == []
    assert run(account, path) == (count, 0)


@pytest.mark.long
def test_lines_of_a_gigabyte(account, tmp_path):
    """One in the header, one in the body; in little memory."""
    path = str(tmp_path / "mbox")
    with open(path, "wb") as f:
        f.write(from_line(1700000000) + b"Subject: ")
        for _ in range(1024):
            f.write(b"x" * (1 << 20))
        f.write(b"\n\n")
        for _ in range(1024):
            f.write(b"From " * 209715)
        f.write(b"\n\n" + entry(message("two"), 1700000001))
    command = [POP3CTL, "-f", account.server.conf, "import-mbox",
               account.address, path]
    done = subprocess.run(["prlimit", "--as=%d" % (200 << 20), *command],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "2 messages imported" in done.stdout
    with account.login() as pop:
        sizes = list(pop.list().values())
        assert sizes[1] == len(wire(message("two")))
        assert sizes[0] > 2047 << 20
        pop.quit()


@pytest.mark.parametrize("kind", ["many", "large"])
def test_a_signal_leaves_nothing_behind(account, file, kind):
    if kind == "many":
        path = file(mbox([message(str(n), "x" * 30000 + "\n")
                          for n in range(2000)]))
    else:
        path = file(entry(message("large"), 1700000000))
        os.truncate(path, 1 << 30)
    process = subprocess.Popen(
        [POP3CTL, "-f", account.server.conf, "import-mbox", account.address,
         path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    tmp = account.maildir.path + "/tmp"
    wait_until(lambda: len(os.listdir(tmp)) > (20 if kind == "many" else 0),
               "it does not begin")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert "interrupted; nothing was imported" in err
    assert account.maildir.files() == os.listdir(tmp) == []
    if kind == "many":
        assert run(account, path) == (2000, 0)


@pytest.fixture(params=["fast", pytest.param("all", marks=pytest.mark.long)])
def everything(request):
    return request.param == "all"


def clear(account):
    for sub in ("tmp", "new", "cur"):
        directory = os.path.join(account.maildir.path, sub)
        for name in os.listdir(directory):
            os.unlink(os.path.join(directory, name))
    subprocess.run(["rm", "-rf", account.maildir.path + "/pop3d"], check=True)


@pytest.mark.skipif(not ROOT, reason="only root may trace the store")
def test_killed_at_any_call_the_next_run_goes_on(account, file, everything):
    """Whatever a client saw in between it sees again, under the same id."""
    messages = [message(str(n), "x" * 90 * n + "\n") for n in range(40)]
    path = file(dovecot(messages, 7))
    command = [POP3CTL, "-f", account.server.conf, "import-mbox",
               account.address, path]

    def attempt(kill_at):
        clear(account)
        waiting = Waiting(command)
        tracer = Tracer(waiting.pid, kill_at, follow=2)
        waiting.go()
        return tracer

    whole = attempt(None)
    assert not whole.finish()
    expected = [wire(m) for m in messages]
    for point in points_of(whole.numbers, everything, 12):
        attempt(point).finish()
        with account.login() as pop:
            before = list(pop.uidl().values())
            seen = [pop.retr(n) for n in pop.list()]
            pop.quit()
        assert seen == expected[:len(seen)] or set(seen) <= set(expected)
        account.server.wait_empty()
        done = account.server.ctl("import-mbox", account.address, path)
        assert "%d messages imported, %d were" % (
            40 - len(seen), len(seen)) in done.stdout, point
        assert os.listdir(account.maildir.path + "/tmp") == []
        with account.login() as pop:
            assert [pop.retr(n) for n in pop.list()] == expected, point
            assert list(pop.uidl().values()) == [
                "%08x00000007" % n for n in range(1, 41)], point
            assert set(before) <= set(pop.uidl().values())
            pop.quit()
