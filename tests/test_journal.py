"""The journal of a mailbox, and pop3ctl journal and last, which read it."""

import json
import os
import pwd
import re
import signal
import stat
import subprocess

import pytest

from daemon import POP3CTL, ROOT, SANITIZED
from inject import Strace
from mailbox import read_only
from maildir import message
from pop3 import plain

FIRST = "pop3d journal 1\n"
TURN = 64 * 1024


def path(account, name="journal"):
    return os.path.join(account.maildir.path, "pop3d", name)


def read(account, name="journal"):
    with open(path(account, name)) as f:
        return f.read()


def write(account, text, name="journal"):
    """As its owner would."""
    os.makedirs(os.path.dirname(path(account)), mode=0o700, exist_ok=True)
    with open(path(account, name), "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    if ROOT:
        user = account.server.owner
        for name in os.path.dirname(path(account)), path(account, name):
            os.chown(name, user.pw_uid, user.pw_gid)


def session(account, *commands, password=None):
    pop = account.server.connect()
    pop.ok(b"AUTH PLAIN " + plain(account.address,
                                  password or account.password))
    for command in commands:
        pop.ok(command)
    pop.quit()
    account.server.wait_empty()


def journal(account):
    """What pop3ctl tells, as dicts."""
    done = account.server.ctl("journal", "-j", account.address)
    return [json.loads(line) for line in done.stdout.splitlines()]


def events(account):
    return [line["event"] for line in journal(account)]


def last(account, *options):
    done = account.server.ctl("last", "-j", *options, account.address)
    return [json.loads(line) for line in done.stdout.splitlines()]


def login_line(n=0, label="", peer="192.0.2.1"):
    return ("time=2026-01-01T%02d:%02d:%02dZ event=login id=%08x user=a@b "
            "peer=%s via= label=%s service=pop pid=1 host=h boot=b\n"
            % (n // 3600 % 24, n // 60 % 60, n % 60, n, peer, label))


# What is in it.

def test_a_session(account):
    """Three kinds of lines; the id is that of the log."""
    names = [account.maildir.deliver(message()) for _ in range(3)]
    session(account, "DELE 1", "DELE 3")
    lines = journal(account)
    assert read(account).startswith(FIRST)
    assert [line["event"] for line in lines] == [
        "login", "deleted", "deleted", "end"]
    ids = {i for _, i in account.server.log_lines_with_ids()}
    assert {line["id"] for line in lines} == ids and len(ids) == 1
    assert {key: lines[0][key] for key in (
        "user", "peer", "via", "label", "service")} == {
            "user": account.address, "peer": "127.0.0.1", "via": "",
            "label": "", "service": "pop"}
    assert lines[0]["host"] and re.fullmatch(r"[0-9a-f-]{36}",
                                             lines[0]["boot"])
    assert int(lines[0]["pid"]) > 1
    assert [(line["uidl"], line["octets"]) for line in lines[1:3]] == [
        (names[n], str(len(message()) + message().count(b"\n")))
        for n in (0, 2)]
    assert lines[3]["reason"] == "quit" and lines[3]["deleted"] == "2"
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["time"])
    mode = os.stat(path(account))
    assert stat.S_IMODE(mode.st_mode) == 0o600
    assert mode.st_uid == account.server.owner.pw_uid


def test_the_pid_is_the_lock_holders(account):
    """Who looks for the session of a line finds it by the lock."""
    pop = account.login()
    store = account.server.processes(pop).store
    assert journal(account)[-1]["pid"] == str(store)
    pop.quit()


def test_one_write_for_an_event(account):
    """Messages of one QUIT together; and nobody waits for the disk."""
    for _ in range(2):
        account.maildir.deliver(message())
    session(account)
    pop = account.server.connect()
    pop.ok("USER " + account.address)
    strace = Strace(account.server.processes(pop).parent, "-y", "-e",
                    "trace=/.*write.*,/.*sync.*")
    pop.ok("PASS " + account.password)
    pop.ok("DELE 1")
    pop.ok("DELE 2")
    pop.quit()
    strace.finish()
    calls = [line.split("(")[0] for line in strace.lines
             if "/pop3d/journal>" in line]
    assert calls == ["writev", "writev", "writev"]
    assert strace.calls("fsync|fdatasync")  # that of the index is seen


def test_retained(account):
    account.maildir.deliver(message())
    account.server.ctl("set", account.address, "auto-delete=no")
    session(account, "DELE 1")
    assert events(account) == ["login", "retained", "end"]


def test_what_the_administrator_did(account):
    """With what was kept: brought back, or deleted for good."""
    ctl = account.server.ctl
    for _ in range(3):
        account.maildir.deliver(message())
    ctl("set", account.address, "auto-delete=no")
    session(account, "DELE 1", "DELE 2", "DELE 3")
    uidl = [line["uidl"] for line in journal(account) if "uidl" in line]
    before = len(journal(account))
    ctl("requeue", account.address, uidl[0])
    ctl("requeue", account.address, "none-of-these", check=False)
    ctl("purge", "-o", "0", account.address)
    ctl("purge", "-o", "0", account.address)
    lines = journal(account)[before:]
    assert all(line.pop("time") for line in lines)
    assert lines == [
        {"event": event, "user": account.address, "service": "pop3ctl",
         "messages": n} for event, n in (("requeued", "1"), ("purged", "2"))]


def test_many_deletions(account):
    """A hundred are named, the others are counted."""
    for _ in range(130):
        account.maildir.deliver(message())
    session(account, *("DELE %d" % n for n in range(1, 131)))
    lines = journal(account)
    assert [line["event"] for line in lines] == [
        "login", *101 * ["deleted"], "end"]
    assert lines[101]["more"] == "30" and "uidl" not in lines[101]


def test_what_did_not_end_well(account):
    pop = account.login()
    pop.close()
    account.server.wait_empty()
    pop = account.login()
    os.kill(account.server.processes(pop).session, signal.SIGKILL)
    account.server.wait_empty()
    assert [line["reason"] for line in journal(account)
            if line["event"] == "end"] == ["disconnected", "session-died"]


def test_lines_as_they_are(account):
    session(account)
    done = account.server.ctl("journal", account.address)
    assert FIRST + done.stdout == read(account)


def test_no_journal(account):
    assert journal(account) == []
    assert account.server.ctl("journal", account.address).stdout == ""
    assert account.server.ctl("last", account.address).stdout == \
        "%s never\n" % account.address


# Last logins.

def test_last_use_of_an_application_password(account):
    """When, and from where."""
    labels = ["phone", "old desk"]
    passwords = [account.server.ctl(
        "app-password", "add", account.address, label).stdout.split("\n")[-2]
                 for label in labels]
    session(account, password=passwords[0])
    session(account)
    session(account, password=passwords[1])
    assert [line["label"] for line in last(account)] == ["old desk"]
    found = last(account, "-l")
    assert [line["label"] for line in found] == ["old desk", "", "phone"]
    times = [line["time"] for line in journal(account)
             if line["event"] == "login"]
    assert [line["time"] for line in found] == times[::-1]
    assert {line["peer"] for line in found} == {"127.0.0.1"}
    text = account.server.ctl("last", "-l", account.address).stdout
    assert text.splitlines()[0] == (
        r"%s time=%s peer=127.0.0.1 service=pop label=old\040desk"
        % (account.address, times[2]))


def test_a_new_password_with_an_old_label(account):
    """It has not been used, whenever the old one was."""
    def phone():
        return account.server.ctl("app-password", "add", account.address,
                                  "phone").stdout.split("\n")[-2]

    session(account, password=phone())
    account.server.ctl("app-password", "revoke", account.address, "phone")
    assert journal(account)[-1]["event"] == "revoked"
    assert journal(account)[-1]["label"] == "phone"
    new = phone()
    assert [line["label"] for line in last(account)] == ["phone"]
    assert "phone" not in [line.get("label")
                           for line in last(account, "-l")]
    session(account, password=new)
    assert [line["label"] for line in last(account, "-l")] == ["phone"]


def test_last_of_all(make_server):
    server = make_server()
    accounts = [server.add_account() for _ in range(3)]
    session(accounts[1])
    lines = server.ctl("last", "-a").stdout.splitlines()
    assert len(lines) == 3
    for account, line in zip(accounts, lines):
        assert line.startswith(account.address + (
            " time=" if account is accounts[1] else " never"))
    found = [json.loads(line)
             for line in server.ctl("last", "-a", "-j").stdout.splitlines()]
    assert [line["time"] is None for line in found] == [True, False, True]


# Its size.

def test_turned_over(account):
    """At 64 kB; the old one stays, and what was known is carried on."""
    text = FIRST + "".join(login_line(n, label="label%d" % (n % 3))
                           for n in range(600))
    assert len(text) > TURN
    write(account, text)
    session(account)
    assert read(account, "journal.old") == text
    lines = read(account).splitlines()
    assert lines[0] + "\n" == FIRST
    assert [re.search("event=(.*?) ", line).group(1) for line in lines[1:]] \
        == 3 * ["known-label"] + ["known-network", "login", "end"]
    found = last(account, "-l")
    assert [line["label"] for line in found] == [
        "", "label2", "label1", "label0"]
    assert found[1]["time"] == "2026-01-01T00:09:59Z"
    # And once more: only what is known goes on.
    write(account, read(account) + "x" * TURN)
    session(account)
    assert [line["label"] for line in last(account, "-l")] == [
        "", "label2", "label1", "label0"]


def test_not_turned_over_early(account):
    write(account, FIRST + (TURN // 2 // 170) * login_line())
    session(account)
    assert not os.path.exists(path(account, "journal.old"))


def test_networks_that_are_known(account):
    """The last 32."""
    text = FIRST + "".join(login_line(n, peer="10.0.%d.9" % n)
                           for n in range(40))
    write(account, text + "#" * TURN)
    session(account)
    found = [line["network"] for line in journal(account)
             if line["event"] == "known-network"]
    assert found == ["10.0.%d.0/24" % n for n in range(8, 40)]


def test_between_the_two_renames(account):
    """Killed there: an old one, a new one, and none."""
    write(account, FIRST + login_line(label="phone"), "journal.old")
    write(account, "half a line", "journal.new")
    session(account)
    assert not os.path.exists(path(account, "journal.new"))
    assert [line["label"] for line in last(account, "-l")] == ["", "phone"]


# What its owner, or a crash, made of it.

@pytest.mark.parametrize("text", [
    b"", b"pop3d", b"nonsense\n", b"\0" * 5000, b"\xff\n" * 999])
def test_no_journal_in_its_place(account, text):
    """It is begun anew, and the login is none the worse."""
    write(account, text)
    assert journal(account) == []
    session(account)
    assert events(account) == ["login", "end"]
    assert account.server.log_lines()[-1].startswith("end: ")


def test_torn_line(account):
    """It is passed over, and what follows it is whole."""
    write(account, FIRST + login_line() + "time=2026-01-01T00:00:00Z eve")
    assert events(account) == ["login"]
    session(account)
    assert events(account) == ["login", "login", "end"]


FORGED = ["event=login", "time= event=", "time=1 event=login =x", "time=1",
          "time=1 event=a b", "TIME=1 event=login", "time=1 event=x\\9",
          "time=1 event=x\\000", "time=1 event=login\x1b[2J", "\xff",
          "time=1 event=y " + " ".join(20 * ["a=b"]),
          "time=1 event=" + 3000 * "z"]


def test_forged_lines(account):
    write(account, FIRST + "\n".join(FORGED) + "\n" + login_line())
    assert [line for line in journal(account)
            if line["event"] != ""] == [journal(account)[-1]]
    assert events(account)[-1] == "login"
    text = account.server.ctl("journal", account.address).stdout
    assert all(0x20 <= ord(c) < 0x7f or c == "\n" for c in text)


def test_forged_values_of_last(account):
    """None reaches the terminal, or makes a line of another account."""
    write(account, FIRST + "time=\\012boss@example.com\\040time=2 event=login "
          "peer=\\033]0;x\\007 label=\\033[2J service=\\012x\n")
    text = account.server.ctl("last", account.address).stdout
    assert re.fullmatch(r"%s time=\\012boss[!-~]+ peer=[!-~]+ service=[!-~]+ "
                        r"label=[!-~]+\n" % re.escape(account.address), text)


def test_large_forgery(account):
    """The last 128 kB are read, and no more is taken for it."""
    write(account, FIRST + 20000 * login_line() + login_line(label="phone"))
    assert len(journal(account)) <= 2 * TURN / len(login_line())
    assert last(account)[0]["label"] == "phone"
    session(account)
    assert os.path.getsize(path(account)) < 2000


def test_newer_version(account):
    """Refused in words, and left untouched."""
    write(account, "pop3d journal 2\nall is otherwise\n")
    pop = account.login()
    pop.quit()
    line = account.server.wait_log("the journal is not written: ").string
    assert "newer pop3d" in line and "install that version again" in line
    assert read(account) == "pop3d journal 2\nall is otherwise\n"
    for command in "journal", "last":
        done = account.server.ctl(command, account.address, check=False)
        assert done.returncode == 1 and "newer pop3d" in done.stderr
    assert len([line for line in account.server.log_lines()
                if "journal" in line]) == 1


def test_newer_old_one(account):
    write(account, "pop3d journal 2\nall is otherwise\n", "journal.old")
    write(account, FIRST + "x" * TURN)
    session(account)
    assert read(account, "journal.old") == \
        "pop3d journal 2\nall is otherwise\n"


@pytest.mark.parametrize("what", ["directory", "link", "fifo"])
def test_something_else_in_its_place(account, what):
    """A warning, and a login."""
    session(account)
    os.unlink(path(account))
    if what == "directory":
        os.mkdir(path(account))
    elif what == "link":
        os.symlink("/etc/hostname", path(account))
    else:
        os.mkfifo(path(account))
    account.server.mark_log()
    account.maildir.deliver(message())
    session(account, "DELE 1")
    assert len([line for line in account.server.log_lines()
                if "the journal is not written: " in line]) == 1
    assert account.maildir.files() == []


@pytest.mark.skipif(not ROOT, reason="root mounts")
def test_mailbox_that_cannot_be_written(account):
    """A warning, and a login."""
    account.maildir.deliver(message())
    session(account)
    account.server.mark_log()
    with read_only(account):
        pop = account.login()
        assert pop.stat()[0] == 1
        pop.quit()
        account.server.wait_log("^end: ")
    assert len([line for line in account.server.log_lines()
                if "the journal is not written: " in line]) == 1
    assert events(account) == ["login", "end"]


@pytest.mark.skipif(not ROOT, reason="root mounts")
def test_full_disk(account):
    """A warning, and a login; when there is room again, a journal."""
    session(account)
    tmpfs = account.maildir.path + "/pop3d"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700,uid=%d"
                    % account.server.owner.pw_uid, "none", tmpfs], check=True)
    try:
        session(account)
        os.unlink(path(account))
        with open(tmpfs + "/filler", "wb", buffering=0) as f:
            with pytest.raises(OSError):
                while f.write(b"x" * 4096):
                    pass
        account.server.mark_log()
        pop = account.login()
        assert pop.stat() == (0, 0)
        pop.quit()
        account.server.wait_empty()
        account.server.wait_log("the journal is not written: .*make room")
        os.unlink(tmpfs + "/filler")
        session(account)
        assert events(account) == ["login", "end"]
    finally:
        subprocess.run(["umount", tmpfs], check=True)



# Those of many mailboxes.

MANY = 70


@pytest.fixture
def many(make_server):
    """Accounts of one owner; two of them have a journal."""
    server = make_server()
    server.ctl("import", "-", stdin="".join(
        "u%02d@many.example keep=31\n" % n for n in range(MANY)))
    server.journals = {}
    for n in (3, 68):
        directory = server.mail + "/many.example/u%02d/Maildir/pop3d" % n
        os.mkdir(directory, 0o700)
        with open(directory + "/journal", "w") as f:
            f.write(FIRST + login_line(n))
        if ROOT:
            for name in directory, directory + "/journal":
                os.chown(name, server.owner.pw_uid, server.owner.pw_gid)
        server.journals[n] = directory + "/journal"
    return server


def last_of_many(server, *prefix):
    """({account's number: its line}, status, standard error)."""
    done = subprocess.run([*prefix, POP3CTL, "-f", server.conf, "last", "-a"],
                          text=True, capture_output=True)
    found = {int(line[1:3]): line for line in done.stdout.splitlines()}
    assert list(found) == sorted(found)
    return found, done.returncode, done.stderr


@pytest.mark.skipif(SANITIZED, reason="the sanitizer opens files of its own")
def test_one_process_for_many(many, tmp_path):
    """At most 64 mailboxes of one owner; it opens the journals, and nothing
    else once it is in its sandbox."""
    trace = str(tmp_path / "trace")
    found, status, err = last_of_many(
        many, "strace", "-f", "-qq", "-o", trace, "-e",
        "trace=openat,landlock_restrict_self,prctl")
    assert (status, err) == (0, "") and len(found) == MANY
    assert {n for n, line in found.items() if " never" not in line} == {3, 68}
    with open(trace) as f:
        calls = [line.split(None, 1) for line in f]
    readers = [pid for pid, call in calls
               if call.startswith("landlock_restrict_self")]
    assert len(readers) == len(set(readers)) == 2
    opened = []
    for reader in readers:
        own = [call for pid, call in calls if pid == reader]
        begin = next(n for n, call in enumerate(own)
                     if "PR_SET_SECCOMP" in call)
        opened += [call for call in own[begin:] if call[:6] == "openat"]
    assert len(opened) == 2 * MANY and all(
        "/pop3d/journal" in call and "O_RDONLY" in call for call in opened)


def test_a_bad_one_among_many(many):
    """It is told of, and the others come all the same."""
    with open(many.journals[3], "w") as f:
        f.write("pop3d journal 2\nall is otherwise\n")
    os.rename(many.mail + "/many.example/u10", many.mail + "/away")
    found, status, err = last_of_many(many)
    assert status == 1
    assert set(range(MANY)) - set(found) == {3, 10}
    told = sorted(err.splitlines())
    assert len(told) == 2
    assert "u03@many.example: the journal was begun by a newer" in told[0]
    assert "u10@many.example: " in told[1]


@pytest.mark.skipif(SANITIZED, reason="sanitizers do without the sandbox")
def test_an_index_that_leads_elsewhere(many):
    """The owner has made a link: nothing is read by that way."""
    away = os.path.dirname(many.journals[3])
    os.rename(away, many.mail + "/elsewhere")
    os.symlink(many.mail + "/elsewhere", away)
    found, status, err = last_of_many(many)
    assert status == 1 and set(range(MANY)) - set(found) == {3}
    assert err == ("pop3ctl: u03@many.example: the journal cannot be read: "
                   "Permission denied\n")


@pytest.mark.skipif(not ROOT, reason="one user has the mailboxes of one user")
def test_mailboxes_of_several_owners(many, tmp_path):
    """Each is read by its own, who cannot read the others'; however they are
    mixed, they come together."""
    other = pwd.getpwnam("daemon")
    os.chmod(many.mail + "/many.example", 0o755)
    many.ctl("import", "-", stdin="".join(
        "u%02d@many.example owner=daemon\n" % n for n in range(0, MANY, 2)))
    for n in range(0, MANY, 2):
        home = many.mail + "/many.example/u%02d" % n
        for top, _, names in os.walk(home):
            for name in [top, *(os.path.join(top, name) for name in names)]:
                os.chown(name, other.pw_uid, other.pw_gid)
    trace = str(tmp_path / "trace")
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", trace, "-e",
         "trace=landlock_restrict_self", POP3CTL, "-f", many.conf, "last",
         "-a"], text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [int(line[1:3]) for line in lines] == [
        *range(0, MANY, 2), *range(1, MANY, 2)]
    assert sum("time=2026" in line for line in lines) == 2
    with open(trace) as f:
        assert f.read().count("landlock_restrict_self(") == 2
