"""Sessions on several hosts, one after the other and at the same time."""

import re
import time

import pytest

from nodes import wait


def test_what_is_delivered_on_one_is_fetched_on_another(account, a, b, c):
    for deliverer, node in ((a, b), (b, c), (c, a)) * 3:
        name, = account.deliver(deliverer)
        assert name in account.uidls(node)


def test_what_is_deleted_on_one_is_gone_on_all(account, a, b, c):
    names = account.deliver(a, 12)
    for n, node in enumerate((a, b, c) * 3):
        with account.login(node) as client:
            assert list(client.uidl().values()) == names[n:]
            client.ok("DELE 1")
            client.quit()
    assert account.files(b) == names[9:]


def test_the_seal_of_a_node_is_void_when_another_one_was_there(account, a,
                                                               b):
    """That node's own seal, and caches that still fit it, say otherwise."""
    names = account.deliver(a, 5)
    for n in range(4):
        assert account.uidls(a) == names[n:]
        with account.login(b) as client:
            assert list(client.uidl().values()) == names[n:]
            client.ok("DELE 1")
            client.quit()
    assert account.uidls(a) == names[4:]


def test_who_waits_sees_what_the_session_before_deleted(account, a, b):
    """Its directories were opened, and their contents cached, before."""
    names = account.deliver(a, 6)
    for n in range(3):
        assert account.uidls(b) == names[2 * n:]
        first = account.login(a)
        waiting = account.connect(b)
        waiting.ok("USER " + account.address)
        waiting.send("PASS %s\r\n" % account.password)
        time.sleep(1.2)  # it waits for two seconds
        first.ok("DELE 1")
        first.ok("DELE 2")
        first.quit()
        waiting.ok()
        assert list(waiting.uidl().values()) == names[2 * n + 2:]
        waiting.quit()


def test_one_session_at_a_time(account, a, b, c):
    account.deliver(a)
    client = account.login(a)
    for node in (a, b, c):
        account.busy(node)
    client.quit()
    assert len(account.uidls(c)) == 1


def test_a_lock_whose_holder_is_killed_is_free(account, a, b):
    name, = account.deliver(a)
    account.login(a)
    a.sh("kill -9 $(pgrep -u vmail pop3d)")
    assert account.uidls(b) == [name]


def test_pop3ctl_on_another_node(account, a, b):
    names = account.deliver(a, 3)
    with account.login(a) as client:
        shown = account.ctl(b, "who")
        assert shown == "%s host=a\n" % account.address
        assert "host=" not in account.ctl(a, "who")
        assert "held on a, cannot be ended from here" in account.ctl(
            b, "kick " + account.address, check=False)
        assert "a session has the mailbox" in account.ctl(
            b, "check " + account.address, check=False)
        client.ok("DELE 1")
        client.quit()
    assert account.ctl(b, "check " + account.address) == \
        "%s: 2 messages, %d octets, 0 mended\n" % (
            account.address, 2 * len("Subject: %s\r\n\r\ntext\r\n" % names[0]))
    account.ctl(b, "index " + account.address)
    for node in (a, b):
        journal = account.ctl(node, "journal " + account.address)
        assert re.search(r"event=login .* host=a ", journal)
        assert re.search(r"event=deleted .*" + names[0], journal)
        assert "peer=10.77.0.1" in account.ctl(node, "last "
                                               + account.address)


def test_a_process_that_has_the_number_of_the_holder_elsewhere(
        hosts, account, a, b):
    """Nobody signals it: a number is no identity (I11)."""
    if hosts.kind == "nfs":
        pytest.skip("NFS tells no numbers of other hosts")
    account.deliver(a)
    with account.login(a) as client:
        holder = int(a.sh("pgrep -u vmail -n pop3d"))
        b.sh("echo %d >/proc/sys/kernel/ns_last_pid; setpriv --reuid vmail "
             "--clear-groups sleep 1000 >/dev/null 2>&1 </dev/null &"
             % (holder - 1))
        wait(lambda: b.sh("cat /proc/%d/comm" % holder, check=False)
             == "sleep\n", "a process of that number")
        assert "held on a" in account.ctl(b, "kick " + account.address,
                                          check=False)
        assert account.ctl(b, "who") == account.address + " host=a\n"
        assert b.sh("cat /proc/%d/comm" % holder) == "sleep\n"
        b.sh("kill %d" % holder)
        client.quit()


def test_root_is_nobody_on_the_storage(service, hosts, account, a, b):
    """As NFS servers have it by default: mailboxes are their owner's."""
    if hosts.kind != "nfs":
        pytest.skip("a matter of NFS")
    names = account.deliver(a, 2)
    hosts.serve("root_squash")
    try:
        assert account.uidls(b) == names
        assert "0 mended" in account.ctl(a, "check " + account.address)
        assert "peer=" in account.ctl(b, "last " + account.address)
        account.ctl(a, "add -P squashed@example.com")
        assert b.sh("setpriv --reuid vmail --clear-groups ls " +
                    service.maildir("squashed@example.com")
                    ).split() == ["cur", "new", "tmp"]
    finally:
        hosts.serve()
