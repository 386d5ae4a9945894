"""Mailboxes on a file system that other hosts may share: what can be seen of
that on one.  tests/hosts has several.

It is ramfs here, whose times and locks pop3d does not trust more than NFS's.
"""

import subprocess
import sys

import pytest

from daemon import ROOT, wait_until
from inject import Strace, application_password
from maildir import message
from test_who import HOLDER

pytestmark = pytest.mark.skipif(not ROOT, reason="only root can mount")


@pytest.fixture
def mail(make_server):
    server = make_server()
    mounted = subprocess.run(["mount", "-t", "ramfs", "ramfs", server.mail],
                             stderr=subprocess.PIPE, text=True)
    if mounted.returncode != 0:
        pytest.skip("SKIPPED: no ramfs: " + mounted.stderr)
    try:
        subprocess.run(["chown", server.owner.pw_name, server.mail],
                       check=True)
        account = server.add_account()
        application_password(account)
        account.names = [account.maildir.deliver(message(str(n)))
                         for n in range(4)]
        yield account
    finally:
        server.close_clients()
        server.wait_empty()
        subprocess.run(["umount", "-l", server.mail], check=True)


def lock(account):
    with open(account.maildir.path + "/pop3d/lock") as f:
        return f.read()


def store(account, pop):
    return account.server.processes(pop).store


def test_nothing_waits_to_be_written_while_the_client_thinks(mail):
    """A host that was cut off would write it late, over what another one has
    written by then."""
    pop = mail.login()
    wait_until(lambda: lock(mail).startswith("seal 2 "), "no seal")
    assert len(pop.list()) == 4
    assert lock(mail).startswith("seal 2 ")
    pop.ok("DELE 1")
    pop.quit()
    with mail.login() as pop:
        assert len(pop.uidl()) == 3
        pop.quit()
    assert "0 mended" in mail.server.ctl("check", mail.address).stdout


def test_a_lock_that_another_host_has_got_deletes_nothing(mail):
    """The server says so when it is asked again; the log passes it on."""
    pop = mail.login()
    wait_until(lambda: lock(mail).startswith("seal 2 "), "no seal")
    pop.ok("DELE 1")
    strace = Strace(store(mail, pop), "-e", "trace=fcntl", "-e",
                    "inject=fcntl:error=EAGAIN:syscall=getpid")
    pop.err("QUIT", "SYS/TEMP")
    strace.finish()
    assert len(mail.maildir.files()) == 4
    mail.server.wait_log("nothing was deleted: the lock was lost, and "
                         "another host may have taken it")
    with mail.login() as pop:
        assert len(pop.list()) == 4
        pop.quit()


def test_a_number_that_may_be_another_hosts_is_not_signalled(mail):
    """The holder is not in the journal: so it may be anywhere (I11)."""
    mail.login().quit()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, mail.maildir.path + "/pop3d/lock"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        user=mail.server.owner.pw_uid)
    assert holder.stdout.readline() == b"held\n"
    done = mail.server.ctl("kick", mail.address, check=False)
    assert done.returncode == 1
    assert "cannot be ended from here" in done.stderr
    assert " host=" in mail.server.ctl("who").stdout
    assert holder.poll() is None
    holder.stdin.close()
    assert holder.wait(20) == 0


def test_a_session_here_is_ended_all_the_same(mail):
    """The journal knows it: of this host, in this boot."""
    pop = mail.login()
    mail.server.ctl("kick", mail.address)
    pop.rest()
    mail.server.wait_log("reason=kicked")
    assert len(mail.maildir.files()) == 4
