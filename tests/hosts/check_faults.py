"""What breaks between hosts and their storage, and on a host."""

import time

from nodes import wait


def begin(account, node, marks):
    """A session with deletion marks, which has not said QUIT."""
    client = account.login(node)
    for number in marks:
        client.ok("DELE %d" % number)
    return client


def test_a_host_that_was_cut_off_deletes_nothing(service, account, a, b):
    """I11: meanwhile another one has served the mailbox."""
    names = account.deliver(a, 6)
    first = begin(account, a, (1, 2))
    a.cut()
    started = time.monotonic()
    with served(account, b) as second:
        assert list(second.uidl().values()) == names
        second.ok("DELE 6")
        second.quit()
    print("another host is let in after %d s" % (time.monotonic() - started))
    late = account.deliver(b)
    a.mend()
    first.send("QUIT\r\n")
    answer = first.line()
    assert answer.startswith(b"-ERR [SYS/"), answer
    assert account.uidls(b) == names[:5] + late
    assert account.files(b) == names[:5] + late
    wait(lambda: "another host may have taken it" in service.log(a),
         "the log to say so")
    assert account.uidls(a) == names[:5] + late


def served(account, node):
    """As soon as the other host's lock is gone."""
    def attempt():
        client = account.connect(node)
        client.ok("USER " + account.address)
        answer = client.command("PASS " + account.password)
        if answer.startswith(b"+OK"):
            return client
        assert answer.startswith((b"-ERR [IN-USE]", b"-ERR [SYS/TEMP]"))
        return None
    return wait(attempt, "the lock to be given up", 180)


def test_a_host_that_was_cut_off_writes_nothing(service, account, a, b):
    """It has an index open for writing, with what it took in, and does not
    even want to delete; another one has it, and is at it still."""
    names = account.deliver(a, 6)
    first = account.login(a)
    a.cut()
    second = served(account, b)
    late = account.deliver(b)
    a.mend()
    first.send("QUIT\r\n")
    first.rest()
    second.ok("DELE 1")
    second.quit()
    for node in (a, b):
        with served(account, node) as client:
            assert list(client.uidl().values()) == names[1:] + late
            client.quit()
    assert "0 mended" in account.ctl(b, "check " + account.address)


def test_all_of_a_host_is_killed_in_update(service, account, a, b):
    """All or nothing, whenever it is (I2)."""
    names = account.deliver(a, 40)
    for delay in (0.0, 0.01, 0.03, 0.06, 0.1):
        first = begin(account, a, range(1, 6))
        first.send("QUIT\r\n")
        time.sleep(delay)
        a.sh("pkill -KILL -x pop3d", check=False)
        with served(account, b) as client:
            left = list(client.uidl().values())
            client.quit()
        assert left in (names, names[5:]), delay
        assert account.files(b) == left
        names = left
        service.start(a)


def test_the_power_of_a_host_fails_in_update(service, hosts, account, b, c):
    """The same, and what its kernel had not sent is lost as well."""
    names = account.deliver(b, 40)
    first = begin(account, c, range(1, 6))
    first.send("QUIT\r\n")
    time.sleep(0.05)
    c.power_off()
    with served(account, b) as client:
        left = list(client.uidl().values())
        client.quit()
    assert left in (names, names[5:])
    assert account.files(b) == left
    hosts.reboot(c)
    service.install(c)
    service.start(c)
    service.spread()
    assert account.uidls(c) == left


def test_the_server_is_restarted_under_sessions(service, hosts, a, b, c):
    """They are served on, or hear that nothing was deleted, and nothing was
    (GlusterFS, told to be strict about locks, may forget them)."""
    sessions = []
    for account, node in zip(service.add_accounts(3), (a, b, c)):
        names = account.deliver(node, 4)
        sessions.append((account, begin(account, node, (1,)), names))
    hosts.restart()
    for account, client, names in sessions:
        answer = client.command("QUIT")
        if answer.startswith(b"+OK"):
            names = names[1:]
        else:
            assert answer.startswith(b"-ERR [SYS/TEMP]"), answer
            assert hosts.kind == "gluster"
        for node in (a, b, c):
            assert account.uidls(node) == names
