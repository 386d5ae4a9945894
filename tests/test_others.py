"""What other programs may do to a mailbox, by their right or against
Maildir's rules: no mail is lost, none is hidden, none counted twice."""

import os
import shutil
import time

import pytest

import seal
from daemon import wait_until
from inject import Strace, application_password
from maildir import message, unique
from pop3 import wire
from test_seal import pytestmark, read_seal, sealed, settle

A, B = message("A", "aaaa\n"), message("B", "bbbbbbbbbbbbbbbbbbb\n")


def look(account):
    """{uidl: content}; and LIST, UIDL, RETR and STAT tell the same."""
    with account.login() as pop:
        count, octets = pop.stat()
        sizes, uidls = pop.list(), pop.uidl()
        assert len(sizes) == len(uidls) == len(set(uidls.values())) == count
        assert sum(sizes.values()) == octets
        found = {uidls[n]: pop.retr(n) for n in sizes}
        assert all(len(found[uidls[n]]) == sizes[n] for n in sizes)
        pop.quit()
    return found


def traced_login(account, *options):
    """(client, Strace of the store), the login not yet answered."""
    pop = account.server.connect()
    pop.ok("USER " + account.address)
    strace = Strace(account.server.processes(pop).parent, *options)
    pop.send("PASS " + account.password + "\r\n")
    return pop, strace


def retaining(account, count=4):
    """The first of the messages is kept, out of the queue."""
    sealed(account, count)
    account.server.ctl("set", account.address, "auto-delete=no")
    with account.login() as pop:
        pop.ok("DELE 1")
        pop.quit()
    settle(account)
    return account


# Names.

TWINS = [("m-10:20:30", "m-10:45:10"), ("1700000000.B", "1700000000.B:2,"),
         ("1700000000.B", "1700000000.B:2,S")]


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("names", TWINS)
def test_twins_among_new_mail(account, names, first):
    """They share what is before the colon; cur/ has room for both."""
    if first:
        application_password(account)
    else:
        sealed(account, 3)
    account.maildir.deliver(A, names[0])
    account.maildir.deliver(B, names[1])

    def both():
        found = list(look(account).values())
        return wire(A) in found and wire(B) in found
    wait_until(both, "one of them is not shown")


def test_a_name_that_is_taken_while_we_look(account):
    """The name in cur/ appears behind our back: it is not replaced."""
    sealed(account, 3)
    name = account.maildir.deliver(A)
    pop, strace = traced_login(
        account, "-e", "inject=getdents64:delay_exit=300000:when=2")
    time.sleep(0.15)
    account.maildir.put(B, name, ":2,")
    pop.ok()
    pop.close()
    strace.finish()
    account.server.wait_empty()

    def both():
        found = list(look(account).values())
        return wire(A) in found and wire(B) in found
    wait_until(both, "one of them is not shown")


def test_a_twin_of_a_known_message(account):
    """The known one keeps its name, octets and identifier."""
    application_password(account)
    account.maildir.put(A, "1700000000.B.host", ":2,S")
    assert look(account) == {"1700000000.B.host": wire(A)}
    account.maildir.put(B, "1700000000.B.host", ":2,")
    wait_until(lambda: len(look(account)) == 2, "the other is not shown")
    found = look(account)
    assert found["1700000000.B.host"] == wire(A)
    assert wire(B) in found.values()


@pytest.mark.parametrize("name", [
    "1700000000.M1P1." + 80 * "h" + ",S=12", "1700000000.ö", "=a"])
def test_one_name_in_both_folders(account, name):
    application_password(account)
    account.server.ctl("set", account.address, "spam=include")
    account.maildir.deliver(A, name)
    account.maildir.deliver(B, name, folder=".Junk")
    assert sorted(look(account).values()) == sorted([wire(A), wire(B)])


@pytest.mark.parametrize("back", [False, True])
def test_from_now_finds_what_was_renamed(account, back):
    """By a mail program, since the last session."""
    sealed(account, 3)
    if back:
        account.server.ctl("set", account.address, "access=from-now")
        assert look(account) == {}
    for name in account.maildir.files():
        path = account.maildir.path + "/" + name
        os.rename(path, path + "S")
    account.server.ctl("set", account.address,
                       "access=all" if back else "access=from-now")
    assert len(look(account)) == (3 if back else 0)


# Times.

def test_whole_seconds(account):
    """A file system that knows no fractions: a second may have more."""
    sealed(account, 3)
    cur = account.maildir.path + "/cur"
    now = int(time.time()) + 1
    wait_until(lambda: time.time() > now + 0.3, "time stands still")
    account.maildir.put(A, "1700000001.A", ":2,")
    os.utime(cur, (now, now))
    assert len(look(account)) == 4
    account.maildir.put(B, "1700000002.B", ":2,")
    os.utime(cur, (now, now))
    assert len(look(account)) == 5


@pytest.mark.parametrize("sub", ["new", "cur"])
def test_a_time_that_is_put_back(account, sub):
    """As rsync -a does at the end of each of its runs."""
    sealed(account, 3)
    directory = account.maildir.path + "/" + sub
    past = 1700000000 * 10**9 + 123456789
    os.utime(directory, ns=(past, past))
    time.sleep(0.2)
    assert len(look(account)) == 3
    settle(account)
    with open("%s/1700000001.A%s" % (directory, ":2," * (sub == "cur")),
              "wb") as f:
        f.write(A)
        os.fchown(f.fileno(), account.maildir.uid, account.maildir.gid)
    os.utime(directory, ns=(past, past))
    assert wire(A) in look(account).values()


def test_a_change_while_cur_is_listed_slowly(account):
    """In the tick of the clock in which the listing began, which is here
    one to come: however slow the machine, it is not over at the beginning,
    for it is made when the store has looked at the clock."""
    sealed(account, 3)
    maildir = account.maildir
    cur, lock = maildir.path + "/cur", maildir.path + "/pop3d/lock"
    aside = maildir.path + "/tmp/1700009999.Y"
    maildir.put(B, "1700009999.Y", ":2,")
    os.rename(cur + "/1700009999.Y:2,", aside)
    before = os.stat(lock).st_mtime_ns
    pop, strace = traced_login(
        account, "-e", "inject=utimensat:delay_exit=1000000:when=1",
        "-e", "inject=getdents64:delay_exit=3000000:when=3")
    wait_until(lambda: os.stat(lock).st_mtime_ns != before, "no look")
    tick = time.time_ns() + 700000007
    os.utime(cur, ns=(tick, tick))
    time.sleep(2)
    os.rename(aside, cur + "/1700009999.Y:2,")
    os.utime(cur, ns=(tick, tick))
    pop.ok()
    pop.quit()
    strace.finish()
    assert wire(B) in look(account).values()


def test_mail_taken_by_another_while_we_look(account):
    """Between our look into new/ and our own renames."""
    sealed(account, 3)
    maildir = account.maildir
    maildir.deliver(A)
    maildir.put(B, "1700005555.Y", ":2,S")
    aside = maildir.path + "/tmp/1700005555.Y"
    os.rename(maildir.path + "/cur/1700005555.Y:2,S", aside)
    settle_without(account)
    maildir.deliver(message("C"))
    pop, strace = traced_login(
        account, "-e", "inject=getdents64:delay_exit=150000:when=2")
    time.sleep(0.08)
    os.rename(aside, maildir.path + "/cur/1700005555.Y:2,S")
    pop.ok()
    pop.quit()
    strace.finish()
    wait_until(lambda: wire(B) in look(account).values(), "it is not shown")


def test_put_back_into_new_and_removed_there(account):
    """As mail programs do that mark a message as new."""
    names = sealed(account, 3).names
    path = account.maildir.find(names[1])
    os.rename(path, account.maildir.path + "/new/" + names[1])
    assert len(look(account)) == 3
    settle_without(account)
    os.unlink(account.maildir.find(names[1]))
    assert sorted(look(account)) == [names[0], names[2]]


def settle_without(account):
    """As settle(), for a mailbox where somebody has moved files."""
    look(account)
    time.sleep(0.3)
    settle(account)


def test_the_seal_stays_whatever_lies_in_new(account):
    sealed(account, 3)
    os.symlink("/etc/passwd", account.maildir.path + "/new/1700000000.link")
    for _ in range(4):
        look(account)
        assert read_seal(account)


# The junk folder.

@pytest.mark.parametrize("how", ["file", "mode", "symlink"])
def test_junk_that_nobody_asked_for(account, how):
    """However it is, an inbox alone does not need it."""
    sealed(account, 3)
    junk = account.maildir.path + "/.Junk"
    elsewhere = account.server.directory + "/elsewhere"
    if how == "file":
        open(junk, "w").close()
    elif how == "mode":
        os.mkdir(junk, 0)
    else:
        os.makedirs(elsewhere + "/cur")
        os.symlink(elsewhere, junk)
    assert len(look(account)) == 3


def test_junk_that_goes_with_a_deletion_in_it(account):
    """What was retained elsewhere stays so, and deletion goes on."""
    application_password(account)
    ctl = account.server.ctl
    ctl("set", account.address, "spam=include", "auto-delete=no")
    for n in range(3):
        account.maildir.deliver(message(str(n)))
    account.maildir.deliver(A, folder=".Junk")
    with account.login() as pop:
        pop.ok("DELE 1")
        pop.quit()
    ctl("set", account.address, "auto-delete=yes")
    pop = account.login()
    pop.ok("DELE 3")
    strace = Strace(account.server.processes(pop).store, "-e",
                    "inject=unlink,unlinkat:signal=KILL:when=1")
    pop.send("QUIT\r\n")
    pop.rest()
    strace.finish()
    shutil.rmtree(account.maildir.path + "/.Junk")
    for left in (2, 1):
        with account.login() as pop:
            assert pop.stat()[0] == left
            pop.ok("DELE 1")
            pop.quit()


# The file system.

def test_directories_that_can_not_be_synced(account):
    """EINVAL is no damage: what was retained stays so."""
    retaining(account)
    account.server.ctl("set", account.address, "auto-delete=yes")
    cur = account.maildir.path + "/cur"
    for left in (3, 2):
        pop, strace = traced_login(
            account, "-P", cur, "-e",
            "inject=fsync:error=EINVAL:syscall=getpid")
        pop.ok()
        assert pop.stat()[0] == left
        pop.ok("DELE 1")
        pop.quit()
        strace.finish()


@pytest.mark.parametrize("which", ["index.db", "log."])
def test_an_index_that_can_not_be_written(account, which):
    """QUIT says so, pop3ctl does, and nothing is deleted."""
    sealed(account, 3)
    directory = account.maildir.path + "/pop3d/"
    path = directory + [name for name in os.listdir(directory)
                        if name.startswith(which)][0]
    pop = account.login()
    pop.ok("DELE 1")
    os.chmod(path, 0)
    pop.send("QUIT\r\n")
    assert pop.rest().startswith(b"-ERR [SYS/")
    done = account.server.ctl("requeue", account.address, "-a", check=False)
    assert "died" not in done.stderr
    os.chmod(path, 0o600)
    account.server.wait_log("Permission denied")
    assert len(look(account)) == 3


@pytest.mark.parametrize("which", ["index.db", "log."])
def test_a_file_of_somebody_else_is_no_damage(account, which):
    """After a crash, when the index has to be recovered.

    What is retained cannot be told meanwhile, so nothing is shown at all.
    """
    retaining(account)
    directory = account.maildir.path + "/pop3d/"
    path = directory + [name for name in os.listdir(directory)
                        if name.startswith(which)][0]
    os.chown(path, 0, 0)
    seal.write(account.maildir, b"")
    pop = account.server.connect()
    pop.ok("USER " + account.address)
    assert pop.command("PASS " + account.password).startswith(b"-ERR [SYS/")
    account.server.wait_log("needs read and write access")
    account.server.wait_empty()
    os.chown(path, account.maildir.uid, account.maildir.gid)
    assert len(look(account)) == 3


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
def test_a_disk_that_fails_a_recovery_is_no_damage(account, call, error):
    """It dies behind the commit; the next session's disk is full."""
    retaining(account, 9)
    account.server.ctl("set", account.address, "auto-delete=yes")
    pop = account.login()
    pop.ok("DELE 5")
    strace = Strace(account.server.processes(pop).store, "-e",
                    "inject=fdatasync:signal=KILL:when=2")
    pop.send("QUIT\r\n")
    pop.rest()
    strace.finish()
    pop, strace = traced_login(
        account, "-e",
        "inject=%s:error=%s:syscall=getpid:when=1+" % (call, error))
    pop.line()
    pop.close()
    strace.finish()
    account.server.wait_empty()
    assert account.names[0] not in look(account)


# Whoever does not wait any more.

def test_nobody_waits_for_the_lock(account):
    sealed(account, 1)
    server = account.server
    held = account.login()
    pop = server.connect()
    pop.ok("USER " + account.address)
    before = len(server.processes(held).all)
    pop.send("PASS " + account.password + "\r\n")
    pop.close()
    wait_until(lambda: len(server.pids()) == before, "it waits for nobody")
    held.quit()


def test_nobody_waits_for_large_messages(account):
    """What was indexed until then is kept; the rest comes later."""
    application_password(account)
    for _ in range(20):
        name = unique()
        path = account.maildir.path + "/tmp/" + name
        account.maildir._write(path, A)
        os.truncate(path, 20 << 20)
        os.rename(path, account.maildir.path + "/new/" + name)
    pop = account.server.connect()
    pop.ok("USER " + account.address)
    pop.send("PASS " + account.password + "\r\n")
    time.sleep(0.2)
    pop.close()
    account.server.wait_empty()
    with account.login() as pop:
        assert pop.stat()[0] == 20
