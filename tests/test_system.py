"""auth system: local users, by real PAM and throw-away system users."""

import os
import pwd
import signal
import subprocess

import pytest

from daemon import ROOT, STATIC, wait_until
from sasl import SaslServer
import processes

pytestmark = [
    pytest.mark.skipif(
        not ROOT, reason="only root can make users and PAM services"),
    pytest.mark.skipif(STATIC, reason="linked statically: there is no PAM")]

PAM_FILE = "/etc/pam.d/pop3d"
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def users(make_user):
    """poptest may log in; popnologin has no shell to do it with."""
    make_user("poptest", PASSWORD)
    make_user("popnologin", PASSWORD, "/usr/sbin/nologin")


@pytest.fixture
def system(users, make_server):
    return make_server(extra="auth system\n")


def refusal(server, user, password):
    with server.connect() as client:
        client.send(b"USER %s\r\n" % user.encode())
        assert client.line().startswith(b"+OK")
        client.send(b"PASS %s\r\n" % password.encode())
        return client.line()


@pytest.mark.parametrize("name", ["poptest", "poptest@mail.example.com",
                                  "poptest@MAIL.example.COM"])
def test_a_local_user_has_his_own_maildir(system, name):
    new = "/home/poptest/Maildir/new"
    user = pwd.getpwnam("poptest")
    with system.connect() as client:
        client.login(name, PASSWORD)
        found = system.processes(client)
        assert processes.uids(found.store) == [user.pw_uid] * 4
        assert len(found.all) == 2
        client.send(b"QUIT\r\n")
        assert client.line().startswith(b"+OK")
    assert os.stat(new).st_uid == user.pw_uid
    system.wait_log("^login: user=poptest ")


def test_refusals_are_all_the_same(system):
    answers = {refusal(system, user, password) for user, password in (
        ("poptest", "wrong"), ("poptest@example.org", PASSWORD), ("nobody-of-that-name", PASSWORD), ("root", PASSWORD),
        ("popnologin", PASSWORD), ("@mail.example.com", PASSWORD))}
    assert len(answers) == 1
    assert answers.pop().startswith(b"-ERR [AUTH] ")


def test_no_login_shell_is_told_to_the_administrator(system):
    assert refusal(system, "popnologin", PASSWORD).startswith(b"-ERR [AUTH]")
    system.wait_log("popnologin may not have mail: no login shell")


def test_an_expired_user_is_refused(system):
    subprocess.run(["chage", "-E", "1", "poptest"], check=True)
    try:
        assert refusal(system, "poptest", PASSWORD).startswith(
            b"-ERR [AUTH]")
    finally:
        subprocess.run(["chage", "-E", "-1", "poptest"], check=True)


def test_accounts_and_local_users_side_by_side(users, make_server):
    server = make_server(extra="auth accounts\nauth system\n")
    account = server.add_account("poptest@example.com", "another")
    with account.login() as client:
        assert client.stat() == (0, 0)
    with server.connect() as client:
        client.login("poptest", PASSWORD)
    assert refusal(server, "poptest@example.com", PASSWORD).startswith(
        b"-ERR [AUTH]")
    assert refusal(server, "poptest", "another").startswith(b"-ERR [AUTH]")


@pytest.fixture
def asked_hosts(users, tmp_path):
    """PAM notes for whom it was asked (PAM_RHOST), and then goes on."""
    script, hosts = tmp_path / "note", tmp_path / "hosts"
    script.write_text("#!/bin/sh\necho \"$PAM_RHOST\" >>%s\n" % hosts)
    script.chmod(0o755)
    with open(PAM_FILE) as f:
        before = f.read()
    with open(PAM_FILE, "w") as f:
        f.write("auth required pam_exec.so quiet %s\n%s" % (script, before))
    yield lambda: hosts.read_text().splitlines()
    with open(PAM_FILE, "w") as f:
        f.write(before)


def test_pam_is_told_of_the_client(asked_hosts, make_server):
    """Behind a proxy it is the one that the proxy names."""
    server = make_server(extra="auth system\n")
    with server.connect() as client:
        client.login("poptest", PASSWORD)
    server.configure("auth system\nproxy 127.0.0.1\n")
    with server.connect(before=b"PROXY TCP4 198.51.100.7 192.0.2.1 4000 995"
                        b"\r\n") as client:
        client.login("poptest", PASSWORD)
    assert asked_hosts() == ["127.0.0.1", "198.51.100.7"]


MODULE = r"""
#include <security/pam_modules.h>
#include <unistd.h>

/* Never answers, and neither does what it starts. */
int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc,
    const char **argv)
{
	(void)pamh, (void)flags, (void)argc;
	if (fork() == 0)
		execl("/bin/sleep", "/bin/sleep", argv[0], (char *)0);
	for (;;)
		pause();
}
"""


@pytest.fixture
def slow_system(users, tmp_path):
    """PAM whose module never answers."""
    (tmp_path / "pam_slow.c").write_text(MODULE)
    module = str(tmp_path / "pam_slow.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", module,
                    str(tmp_path / "pam_slow.c")], check=True)
    with open(PAM_FILE) as f:
        before = f.read()
    with open(PAM_FILE, "w") as f:
        f.write("auth required %s 987654\n" % module)
    yield
    with open(PAM_FILE, "w") as f:
        f.write(before)


def sleepers():
    return processes.running("/bin/sleep", "987654")


@pytest.mark.parametrize("victim", ["auth", "parent", "session", "client"])
def test_nothing_of_root_outlives_its_connection(slow_system, make_server,
                                                 victim):
    """Whoever is killed while the system takes its time (I8)."""
    server = make_server(extra="auth system\n")
    client = server.connect()
    found = server.processes(client)
    client.send(b"USER poptest\r\n")
    assert client.line().startswith(b"+OK")
    client.send(b"PASS x\r\n")
    wait_until(sleepers, "PAM is not asked")
    if victim == "client":
        client.close()
    elif victim == "auth":
        os.kill(server.processes(client).auth, signal.SIGKILL)
    else:
        os.kill(getattr(found, victim), signal.SIGKILL)
    server.wait_empty(1)
    wait_until(lambda: not sleepers(), "what PAM started stays", 1)


# Sending.

@pytest.fixture
def start_sasl():
    started = []

    def start(server):
        started.append(SaslServer(server))
        return started[-1]

    yield start
    for sasl in started:
        sasl.stop()


def test_local_users_send(system, start_sasl):
    """One after the other on one connection, which PAM is asked for."""
    sasl = start_sasl(system)
    client = sasl.connect()
    names = "poptest", "poptest@mail.example.com", "poptest@MAIL.example.COM"
    for name in names:
        assert client.login(name, PASSWORD) == "poptest"
    assert client.refused(*[(name, "wrong") for name in names], *[
        (name, PASSWORD) for name in (
            "popnologin", "root", "poptest@example.org",
            "nobody-of-that-name", "@mail.example.com")])
    assert [line for line in sasl.log_lines() if "may send" in line] == 3 * [
        "may send: user=poptest peer=192.0.2.1 mechanism=PLAIN service=smtp "
        "lip=192.0.2.9"]
    assert {line.split()[-1] for line in sasl.log_lines()
            if line.startswith("login refused")} == {"reason=system"}
    # Whatever is changed counts with the next question.
    subprocess.run(["chage", "-E", "1", "poptest"], check=True)
    try:
        assert client.login("poptest", PASSWORD) is None
    finally:
        subprocess.run(["chage", "-E", "-1", "poptest"], check=True)
    assert client.login("poptest", PASSWORD) == "poptest"


def test_local_users_and_accounts_send(users, make_server, start_sasl):
    server = make_server(extra="auth accounts\nauth system\n")
    account = server.add_account("you@example.com", "another")
    sasl = start_sasl(server)
    client = sasl.connect()
    assert client.login(account.address, "another") == account.address
    assert client.login("poptest", PASSWORD) == "poptest"
    assert client.login(account.address, PASSWORD) is None
    assert client.login("poptest", "another") is None
    # A change of accounts still ends the connection, between two questions.
    server.ctl("set", account.address, "send=no")
    client.ended()
    client = sasl.connect()
    assert client.login(account.address, "another") is None
    assert client.login("poptest", PASSWORD) == "poptest"


def test_who_guesses_a_local_user(system, start_sasl):
    """The system is not asked any more, and others from elsewhere are."""
    client = start_sasl(system).connect()
    assert client.refused(*[("poptest", "wrong%d" % n) for n in range(10)])
    assert client.login("poptest", PASSWORD) is None
    assert client.login("poptest", PASSWORD, rip="192.0.2.2") == "poptest"


@pytest.mark.parametrize("victim", ["auth", "sasl", "client"])
def test_nothing_of_root_outlives_an_smtp_server(slow_system, make_server,
                                                 start_sasl, victim):
    """Whoever is killed while the system takes its time (I8)."""
    sasl = start_sasl(make_server(extra="auth system\n"))
    client = sasl.connect()
    client.ask("poptest", "x")
    wait_until(sleepers, "PAM is not asked")
    pids = sasl.pids()
    parent, = [pid for pid in pids if processes.parent_of(pid) not in pids]
    talker, = [pid for pid in pids if processes.parent_of(pid) == parent and
               processes.uids(pid)[0] != 0]
    if victim == "client":
        client.close()
    else:
        os.kill(parent if victim == "auth" else talker, signal.SIGKILL)
    wait_until(lambda: not sasl.pids(), "processes stay", 1)
    wait_until(lambda: not sleepers(), "what PAM started stays", 1)


# pop3ctl, by name.

@pytest.fixture
def local(system):
    """A user of the system who has had a session with one message."""
    with system.connect() as client:
        client.login("poptest", PASSWORD).quit()
    user = pwd.getpwnam("poptest")
    for name in os.listdir("/home/poptest/Maildir/cur"):
        os.unlink("/home/poptest/Maildir/cur/" + name)
    path = "/home/poptest/Maildir/new/1764000000.M1P1.mx"
    with open(path, "wb") as f:
        f.write(b"Subject: local\n\nmail\n")
    os.chown(path, user.pw_uid, user.pw_gid)
    return system


@pytest.mark.parametrize("name", ["poptest", "poptest@mail.example.com"])
def test_pop3ctl_looks_after_a_local_mailbox(local, name):
    assert local.ctl("queue", name).stdout == \
        "1 24 1764000000.M1P1.mx inbox\n"
    assert local.ctl("index", name).stdout == \
        "poptest: 1 messages, 24 octets\n"
    assert local.ctl("check", name).stdout == \
        "poptest: 1 messages, 24 octets, 0 mended\n"
    assert local.ctl("purge", "-o", "0", name).stdout == \
        "poptest: 0 purged, 0 octets\n"
    lines = local.ctl("journal", name).stdout.splitlines()
    assert " event=login " in lines[-2] and " user=poptest " in lines[-2]
    assert local.ctl("last", name).stdout.startswith("poptest time=")
    shown = local.ctl("show", name).stdout.splitlines()
    assert {"address=poptest", "password=system", "owner=poptest",
            "maildir=/home/poptest/Maildir"} <= set(shown)


@pytest.mark.parametrize("arguments", [
    ["set", "poptest", "spam=only"], ["passwd", "poptest"],
    ["app-password", "add", "poptest", "phone"]], ids=" ".join)
def test_what_is_the_systems_is_not_changed(local, arguments):
    done = local.ctl(*arguments, stdin="x\n", check=False)
    assert done.returncode == 1
    if os.path.exists(local.directory + "/db/accounts.db"):
        assert "poptest is a user of the system" in done.stderr


@pytest.mark.parametrize("name", ["root", "popnologin", "poptest@else.where",
                                  "nobody-of-that-name"])
def test_no_mailbox_of_others(local, name):
    done = local.ctl("queue", name, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == \
        "pop3ctl: no account %s; `pop3ctl list' shows them\n" % name


def test_not_without_auth_system(users, server, account):
    done = server.ctl("queue", "poptest", check=False)
    assert done.returncode == 1 and "no account poptest" in done.stderr
