"""Who may start pop3d, and what happens where it was not set up well."""

import os
import poplib
import pty
import re
import socket
import ssl
import subprocess

import pytest

from daemon import (POP3D, SANITIZED, Server, make_certificate,
                    wait_until)
from maildir import message
from pop3 import wire


class StartedBy(Server):
    """pop3d under a parent that the harness does not know.

    command(server) is that parent's command, which must listen on
    server.port, and end when it is terminated.
    """

    def __init__(self, keypair, command, table="tcp"):
        self._systemd = lambda: command(self)
        self.table = table
        super().__init__(keypair)

    def start(self):
        if self.table == "tcp":
            super().start()
            return
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
            self.port = s.getsockname()[1]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                self._systemd(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True)
        wait_until(self._listens, "nobody listens on ::1")

    def _listens(self):
        with open("/proc/net/tcp6") as f:
            return ":%04X " % self.port in f.read()


@pytest.fixture
def started_by(keypair):
    servers = []

    def make(*arguments, **keywords):
        servers.append(StartedBy(keypair, *arguments, **keywords))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


def tcpserver(server):
    """-H -R -l0: no questions to name servers or identd."""
    return ["tcpserver", "-H", "-R", "-l0", "127.0.0.1", str(server.port),
            POP3D, "-d", "-f", server.conf]


def a_whole_session(server):
    account = server.add_account()
    account.maildir.deliver(message())
    pop = account.login()
    assert pop.retr(1) == wire(message())
    pop.ok("DELE 1")
    pop.quit()
    server.wait_log(r"^login: user=\S+ peer=127\.0\.0\.1 ")
    server.wait_log(r"^end: user=\S+ peer=127\.0\.0\.1 reason=quit "
                    r"retrieved=1 octets=\d+ deleted=1 left=0$")
    server.close_clients()
    server.wait_empty()
    assert account.maildir.files() == []


@pytest.mark.parametrize("parent", ["systemd", "listen-fds", "inetd"])
def test_started_by(make_server, parent):
    a_whole_session(make_server(parent=parent))


def test_started_by_tcpserver(started_by):
    a_whole_session(started_by(tcpserver))


def test_ipv6(started_by):
    server = started_by(
        lambda s: ["systemd-socket-activate", "-a", "--inetd", "-l",
                   "[::1]:%d" % s.port, POP3D, "-d", "-f", s.conf],
        table="tcp6")
    account = server.add_account()
    context = ssl.create_default_context(cafile=server.keypair[0])
    context.check_hostname = False
    pop = poplib.POP3_SSL("::1", server.port, context=context, timeout=60)
    pop.user(account.address)
    pop.pass_(account.password)
    pop.quit()
    server.wait_log(r"^login: user=\S+ peer=::1 ")
    server.wait_log(r"^end: user=\S+ peer=::1 reason=quit ")


def test_ipv4_on_an_ipv6_socket(started_by):
    server = started_by(
        lambda s: ["systemd-socket-activate", "-a", "--inetd", "-l",
                   "[::]:%d" % s.port, POP3D, "-d", "-f", s.conf],
        table="tcp6")
    account = server.add_account()
    with account.login() as client:
        client.quit()
    server.wait_log(r"^end: user=\S+ peer=127\.0\.0\.1 reason=quit ")


# Without a parent that hands a socket over.

def start(server, *options, **keywords):
    keywords.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen([POP3D, "-f", server.conf, *options],
                            start_new_session=True, **keywords)


def test_from_a_terminal(server):
    master, slave = pty.openpty()
    process = start(server, stdin=slave, stdout=slave, stderr=slave)
    assert process.wait(60) == 2
    told = os.read(master, 4096).decode()
    os.close(master)
    os.close(slave)
    assert re.fullmatch(r"pop3d: descriptors 0 and 1 are not a socket: .*"
                        r"pop3d\(8\)\r\n", told), told


@pytest.mark.parametrize("environment", [
    {}, {"LISTEN_FDS": "1"}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"},
    {"LISTEN_FDS": "1", "LISTEN_PID": "x"},
    {"LISTEN_FDS": "2", "LISTEN_PID": "1"}], ids=str)
def test_from_a_script(server, environment):
    """A LISTEN_FDS that was meant for another process is left alone."""
    process = start(server, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    env={**os.environ, **environment})
    told = process.communicate(timeout=60)
    assert process.returncode == 2
    assert told[0] == b"" and b"not a socket" in told[1]


def test_with_nothing_open(server):
    done = subprocess.run(["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', POP3D,
                           "-f", server.conf], timeout=60)
    assert done.returncode == 2


@pytest.mark.parametrize("arguments", [
    ["-x"], ["-f"], ["-d", "argument"], ["--help"]], ids=str)
def test_usage(server, arguments):
    done = subprocess.run([POP3D, *arguments], text=True, timeout=60,
                          capture_output=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "usage: pop3d [-dnV] [-f file]\n"
    # Where standard error is the client, the client does not hear of it.
    ours, theirs = socket.socketpair()
    with ours, theirs:
        done = subprocess.run([POP3D, *arguments], stdin=theirs,
                              stdout=theirs, stderr=theirs, timeout=60)
        theirs.close()
        assert ours.recv(100) == b""
    assert done.returncode == 2


@pytest.mark.parametrize("redirection", ["2>&-", "2>&1"])
def test_standard_error_elsewhere(started_by, tmp_path, redirection):
    """-d where it is closed, or the client: nobody is disturbed."""
    script = tmp_path / "run"
    script.write_text('#!/bin/sh\nexec "$@" %s\n' % redirection)
    script.chmod(0o755)
    server = started_by(
        lambda s: ["systemd-socket-activate", "-a", "--inetd", "-l",
                   "127.0.0.1:%d" % s.port, str(script), POP3D, "-d", "-f",
                   s.conf])
    account = server.add_account()
    account.maildir.deliver(message())
    pop = server.connect()
    pop.ok("USER " + account.address)
    pop.err("PASS wrong", "AUTH")
    pop.login(account.address)
    assert pop.retr(1) == wire(message())
    pop.ok("DELE 1")
    pop.quit()
    server.close_clients()
    server.wait_empty()
    assert account.maildir.files() == []


# A configuration that is wrong.

def check_refused(server, pattern):
    """The client is let go; one line for the administrator tells why."""
    raw = server.connect_raw()
    try:
        assert raw.recv(4096) == b""
    except ConnectionResetError:
        pass
    server.wait_empty()
    lines = server.log_lines()
    assert len(lines) == 1 and re.search(pattern, lines[0]), lines


def rewrite(server, old, new):
    with open(server.conf) as f:
        conf = f.read()
    assert old in conf
    with open(server.conf, "w") as f:
        f.write(conf.replace(old, new))


def line_of(server, word):
    """FILE:LINE, to be found in the log."""
    with open(server.conf) as f:
        for number, line in enumerate(f, 1):
            if line.startswith(word):
                return re.escape("%s:%d: " % (server.conf, number))


def test_wrong_keyword(make_server):
    server = make_server(extra="hostnaem mail.example.com\n")
    check_refused(server, "^" + line_of(server, "hostnaem") +
                  "hostnaem is not a keyword; ")


def test_wrong_value(make_server):
    server = make_server(extra="timeout idle never\n")
    check_refused(server, "^" + line_of(server, "timeout") +
                  "timeout: never is invalid; ")


def test_no_configuration(make_server):
    server = make_server()
    os.rename(server.conf, server.conf + ".away")
    check_refused(server, "^" + re.escape(server.conf) +
                  ": No such file or directory; ")


def test_no_user(make_server):
    server = make_server(extra="user nobody-of-this-name\n")
    check_refused(server, "^" + re.escape(server.conf) +
                  ": user nobody-of-this-name must exist ")


def test_no_certificate(make_server):
    server = make_server()
    rewrite(server, server.keypair[0], "/nonexistent.crt")
    check_refused(server, "^" + line_of(server, "keypair") +
                  ".*/nonexistent.crt")


def test_no_keypair(make_server):
    server = make_server()
    rewrite(server, "keypair", "#keypair")
    check_refused(server, "^" + re.escape(server.conf) +
                  ": there is no keypair; ")


def test_key_of_another_certificate(make_server, tmp_path):
    server = make_server()
    rewrite(server, server.keypair[1], make_certificate(str(tmp_path))[1])
    check_refused(server, "^" + line_of(server, "keypair") + ".*key")


def test_no_accounts(make_server):
    """It is for auth to find out: the client has come further."""
    server = make_server()
    pop = server.connect()
    pop.ok("USER you@example.com")
    pop.err("PASS secret", "SYS/TEMP")
    pop.ended()
    server.wait_log("^%s: No such file or directory; `pop3ctl add' "
                    % re.escape(server.directory + "/db/accounts.db"))


def test_mended_configuration_counts_at_once(make_server):
    server = make_server()
    rewrite(server, "hostname", "hostnaem")
    check_refused(server, "hostnaem is not a keyword")
    rewrite(server, "hostnaem", "hostname")
    server.add_account().login().quit()


# What a parent may pass on: its directory, its umask, its limits.

def test_directory_that_is_gone(make_server, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    server = make_server(prefix=["sh", "-c", "cd %s && rmdir %s && "
                                 "exec \"$@\"" % (gone, gone), "sh"])
    account = server.add_account()
    account.maildir.deliver(message())
    pop = account.login()
    pop.ok("DELE 1")
    pop.quit()
    server.wait_log("^end: ")
    assert [line.split(":")[0] for line in server.log_lines()] == [
        "login", "deleted", "end"]


def test_umask_that_takes_all(make_server):
    server = make_server(prefix=["sh", "-c", "umask 777; exec \"$@\"", "sh"])
    account = server.add_account()
    account.maildir.deliver(message())
    pop = account.login()
    pop.ok("DELE 1")
    pop.quit()
    assert account.maildir.files() == []


@pytest.mark.parametrize("octets", [20000, 100000])
def test_files_that_may_not_grow(make_server, octets):
    """The index is larger: mail can be read, and is not lost."""
    server = make_server(prefix=["prlimit", "--fsize=%d" % octets])
    account = server.add_account()
    account.maildir.deliver(message())
    for _ in range(2):
        pop = account.login()
        assert pop.retr(1) == wire(message())
        pop.quit()
    assert len(account.maildir.files()) == 1


@pytest.mark.skipif(SANITIZED, reason="sanitizers need terabytes of addresses")
def test_too_little_memory_to_hash(make_server):
    """It is no wrong password, and the administrator is told."""
    server = make_server(prefix=["prlimit", "--as=%d" % (20 << 20)])
    account = server.add_account(password="costs as much as others")
    for address in (account.address, "nobody@example.com"):
        server.mark_log()
        pop = server.connect()
        pop.ok("USER " + address)
        pop.err("PASS " + account.password, "SYS/TEMP")
        server.wait_log("^auth: .*memory")
