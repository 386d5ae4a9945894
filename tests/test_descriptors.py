"""Bystanders: what one session does or has costs no other one anything."""

import os
import time

import pytest

from channel import Hostile
from daemon import ROOT, wait_until
from mailbox import Mailbox
from maildir import unique
import processes

pytestmark = pytest.mark.skipif(
    not ROOT, reason="only root may trace the store, and change owners")

ONE_ANSWER = 16  # CHANNEL_MAX_FDS


# Descriptors on their way count against the owner, not against a process.

@pytest.mark.parametrize("sessions,order", [
    (1, "forward"), (1, "back"), (8, "same"),
    pytest.param(1, "same", marks=pytest.mark.long),
    pytest.param(8, "forward", marks=pytest.mark.long),
    pytest.param(8, "back", marks=pytest.mark.long)])
def test_asking_and_never_taking(server, order, sessions):
    """Taken-over sessions ask for files and read no answer."""
    honest = Mailbox(server.add_account(), 40)
    other = honest.login()
    attackers = []
    try:
        for _ in range(sessions):
            mailbox = Mailbox(server.add_account(), 40)
            attackers.append(Hostile(server, mailbox.login()))
        for n in range(600):
            number = {"forward": n * ONE_ANSWER % 40 + 1, "same": 1,
                      "back": 40 - n % 40}[order]
            for attacker in attackers:
                attacker.fetch(number)
        time.sleep(0.3)
        for attacker in attackers:
            assert attacker.in_flight() <= ONE_ANSWER
        assert honest.see(other) == list(honest.data)
        other.quit()
        assert honest.visit() == list(honest.data)
    finally:
        for attacker in attackers:
            attacker.close()
    server.close_clients()
    server.wait_empty()


def test_a_slow_session_gets_all_the_same(server):
    """Who takes its answers late is served when it does."""
    mailbox = Mailbox(server.add_account(), 40)
    attacker = Hostile(server, mailbox.login())
    attacker.socket.settimeout(10)
    try:
        for n in (1, 2, 7, 40):
            assert attacker.fetch(n)
            time.sleep(0.2)
            data, control, _, _ = attacker.socket.recvmsg(20000, 4096)
            assert data and control, "an answer without a file"
            for _, _, octets in control:
                for i in range(0, len(octets), 4):
                    os.close(int.from_bytes(octets[i:i + 4], "little"))
    finally:
        attacker.close()


# Long work for nobody.

def test_measuring_ends_when_the_client_leaves(server):
    """One large message, of which nobody waits to hear (I8)."""
    mailbox = Mailbox(server.add_account(), 1)
    large = mailbox.new + "/" + unique()
    mailbox.maildir._write(large, b"Subject: large\n\n")
    os.truncate(large, 4 << 30)
    pop = server.connect()
    pop.ok("USER " + mailbox.account.address)
    store = server.processes(pop).parent
    pop.send("PASS " + mailbox.account.password + "\r\n")
    wait_until(lambda: is_open(store, large), "it is not measured")
    time.sleep(0.1)
    begin = time.monotonic()
    pop.close()
    server.wait_empty()
    assert time.monotonic() - begin <= 1.2
    os.unlink(mailbox.maildir.find(os.path.basename(large)))
    begin = time.monotonic()
    assert mailbox.visit() == list(mailbox.data)
    assert time.monotonic() - begin < 2


def is_open(pid, path):
    directory = "/proc/%d/fd" % pid
    try:
        return any(os.path.realpath(directory + "/" + n) == path
                   for n in os.listdir(directory))
    except processes.GONE:
        return False


# One file that cannot be read.

@pytest.mark.parametrize("where", ["cur", "new"])
def test_one_unreadable_file(account, where):
    """It does not make each login read the directories."""
    mailbox = Mailbox(account, 5)
    names = list(mailbox.data)
    put = mailbox.put if where == "cur" else mailbox.deliver
    name, = put(1)
    os.chmod(mailbox.path(name), 0)
    assert mailbox.visit() == names
    for _ in range(3):
        time.sleep(0.15)
        calls = mailbox.readings()
    assert calls == 0
    assert mailbox.visit() == names
    # When it can be read, it is listed.
    os.chmod(mailbox.path(name), 0o600)
    assert mailbox.visit() == names + [name]


def test_one_unreadable_file_that_changes_its_name(account):
    """Others flag it, and remove it: nothing is left of it."""
    mailbox = Mailbox(account, 5)
    names = list(mailbox.data)
    name, = mailbox.put(1)
    os.chmod(mailbox.path(name), 0)
    mailbox.visit()
    path = mailbox.path(name)
    os.rename(path, path + "F")
    assert mailbox.visit() == names
    os.chmod(mailbox.path(name), 0o600)
    assert mailbox.visit() == names + [name]
    os.chmod(mailbox.path(name), 0)
    os.unlink(mailbox.path(name))
    assert mailbox.visit() == names
