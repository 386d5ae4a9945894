"""Real mail clients fetch real mail, and every octet is compared.

Each of them polls three times: all messages, leaving them there; then none,
for UIDL says that they are known; then all, and deletes them.
"""

import email
import os
import poplib
import re
import shutil
import ssl
import subprocess

import pytest

from daemon import Server, make_certificate, temporary_directory
from pop3 import unstuff, wire
import post


@pytest.fixture(scope="module")
def mail():
    return post.fifty()


@pytest.fixture(scope="module")
def localhost():
    """A server with the name by which all clients find it."""
    directory = temporary_directory()
    server = Server(make_certificate(directory, "localhost"))
    yield server
    server.stop()
    shutil.rmtree(directory)


@pytest.fixture
def server(localhost):
    localhost.mark_log()
    yield localhost
    localhost.close_clients()
    localhost.wait_empty()


@pytest.fixture
def mailbox(account, mail):
    for data in mail:
        account.maildir.deliver(data)
    return account


@pytest.fixture
def home(tmp_path):
    """A directory for a client's files."""
    return str(tmp_path)


def run(*command, stdin=None, good=(0,), **keywords):
    """Runs a client, which must be installed; returns what it printed."""
    assert shutil.which(command[0]), \
        command[0] + " is not installed: make check-deps does that"
    done = subprocess.run(command, input=stdin, capture_output=True,
                          timeout=300, **keywords)
    assert done.returncode in good, (done.returncode, done.stderr[-2000:])
    return done.stdout


def write(directory, name, text):
    """A configuration, with a password in it."""
    path = os.path.join(directory, name)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o600)
    return path


def unix(data):
    """What is fetched, as programs of Unix store it."""
    return wire(data).replace(b"\r\n", b"\n")


def compare(got, expected):
    """The same messages, in whatever order."""
    assert len(got) == len(expected)
    for g, e in zip(sorted(got), sorted(expected)):
        if g != e:
            at = next((n for n in range(min(len(g), len(e)))
                       if g[n] != e[n]), min(len(g), len(e)))
            raise AssertionError(
                "at %d of %d:\n%r\nand not, of %d:\n%r"
                % (at, len(g), g[max(0, at - 80):at + 80], len(e),
                   e[max(0, at - 80):at + 80]))


def ends(server):
    """(retrieved, deleted, left) of each session that has ended."""
    server.wait_empty()
    return [tuple(map(int, m)) for m in re.findall(
        r"reason=quit retrieved=(\d+) octets=\d+ deleted=(\d+) left=(\d+)\b",
        server.log(), re.M)]


class Poller:
    """A client that delivers into a directory.

    poll(delete) runs it once; stored(data) is what it makes of a message.
    """

    def __init__(self, account, home):
        self.account = account
        self.server = account.server
        self.home = home
        self.inbox = os.path.join(home, "inbox")
        for sub in ("tmp", "new", "cur"):
            os.makedirs(os.path.join(self.inbox, sub))

    def fetched(self):
        """The messages delivered since the last call."""
        found = []
        new = os.path.join(self.inbox, "new")
        for name in os.listdir(new):
            path = os.path.join(new, name)
            with open(path, "rb") as f:
                found.append(f.read())
            os.unlink(path)
        return found

    def script(self, last=""):
        """A delivery agent that takes the message as it is."""
        path = write(self.home, "deliver", "#!/bin/sh -e\ncat >`mktemp "
                     "%s/new/XXXXXXXXXX`\n%s" % (self.inbox, last))
        os.chmod(path, 0o700)
        return path

    @staticmethod
    def stored(data):
        return unix(data)


class Fetchmail(Poller):
    def poll(self, delete):
        conf = write(self.home, "fetchmailrc", (
            'set invisible\n'
            'poll localhost protocol pop3 service %d uidl\n'
            'user "%s" password "%s" ssl sslcertck sslcertfile "%s"\n'
            'mda "%s" norewrite pass8bits no stripcr\n'
            % (self.server.port, self.account.address, self.account.password,
               self.server.keypair[0], self.script())) +
            ('nokeep fetchall\n' if delete else 'keep\n'))
        return run("fetchmail", "--nodetach", "--nosyslog", "-f", conf,
                   "--pidfile", os.path.join(self.home, "pid"),
                   "-i", os.path.join(self.home, "uids"), good=(0, 1),
                   env={**os.environ, "FETCHMAILHOME": self.home,
                        "HOME": self.home})


    @staticmethod
    def stored(data):
        return wire(data)


class Mpop(Poller):
    def poll(self, delete):
        conf = write(self.home, "mpoprc", "\n".join([
            "account default", "host localhost",
            "port %d" % self.server.port, "tls on", "tls_starttls off",
            "tls_trust_file " + self.server.keypair[0],
            "user " + self.account.address,
            "password " + self.account.password,
            "delivery mda " + self.script(), "received_header off",
            "uidls_file " + os.path.join(self.home, "uidls"),
            "keep " + ("off" if delete else "on"),
            "only_new " + ("off" if delete else "on"), ""]))
        return run("mpop", "-C", conf)


# getmail does not notice a delivery that has ended before it waits for the
# end: let it fall asleep first.
UNTIL_PARENT_SLEEPS = """
until read -r _ _ state _ </proc/$PPID/stat && [ "$state" = S ]; do
	sleep 0.01
done
"""


class Getmail(Poller):
    def poll(self, delete):
        write(self.home, "getmailrc", "\n".join([
            "[retriever]", "type = SimplePOP3SSLRetriever",
            "server = localhost", "port = %d" % self.server.port,
            "username = " + self.account.address,
            "password = " + self.account.password,
            "ca_certs = " + self.server.keypair[0],
            "[destination]", "type = MDA_external",
            "path = " + self.script(UNTIL_PARENT_SLEEPS),
            "allow_root_commands = true",
            "[options]", "verbose = 0", "delivered_to = false",
            "received = false", "read_all = " + str(delete).lower(),
            "delete = " + str(delete).lower(), ""]))
        return run("getmail", "--getmaildir", self.home)

    @staticmethod
    def stored(data):
        """It adds a header; Python's email package writes the rest anew."""
        parsed = email.message_from_bytes(unix(data))
        return b"Return-Path: <unknown>\n" + parsed.as_bytes()


@pytest.mark.parametrize("client", [Fetchmail, Mpop, Getmail],
                         ids=lambda c: c.__name__)
def test_poll_three_times(server, mailbox, mail, home, client):
    poller = client(mailbox, home)
    expected = [poller.stored(data) for data in mail]
    before = mailbox.maildir.snapshot()

    poller.poll(delete=False)
    compare(poller.fetched(), expected)
    assert mailbox.maildir.snapshot() == before

    poller.poll(delete=False)
    assert poller.fetched() == []
    assert mailbox.maildir.snapshot() == before

    poller.poll(delete=True)
    compare(poller.fetched(), expected)
    assert mailbox.maildir.files() == []
    last = ends(server)
    assert last[1] == (0, 0, 50) and last[2] == (50, 50, 0)


# Clients that fetch what they are told to.

def numbered(octets, pattern):
    """{number: the rest of the line} of LIST or UIDL."""
    return {int(m.group(1)): m.group(2)
            for m in re.finditer(pattern, octets, re.M)}


def curl(server, account, *arguments, path=""):
    return run("curl", "-sS", "--cacert", server.keypair[0], "--user",
               account.address + ":" + account.password, *arguments,
               "pop3s://localhost:%d/%s" % (server.port, path))


def test_curl(server, mailbox, mail, home):
    sizes = numbered(curl(server, mailbox), rb"^(\d+) (\d+)\r$")
    assert sizes == {n: b"%d" % len(wire(data))
                     for n, data in enumerate(mail, 1)}
    uidls = curl(server, mailbox, "--request", "UIDL")
    assert len(numbered(uidls, rb"^(\d+) (\S+)\r$")) == 50
    curl(server, mailbox, "-o", os.path.join(home, "#1"), path="[1-50]")
    for n, data in enumerate(mail, 1):
        with open(os.path.join(home, str(n)), "rb") as f:
            compare([f.read()], [wire(data)])
    assert ends(server) == [(0, 0, 50), (0, 0, 50), (50, 0, 50)]


def test_curl_deletes(server, mailbox):
    """--head: the answer to DELE has but one line."""
    url = "pop3s://localhost:%d/" % server.port
    user = "%s:%s" % (mailbox.address, mailbox.password)
    requests = "next\n".join(
        "url=%s\nuser=%s\ncacert=%s\nrequest=\"DELE %d\"\nhead\n"
        % (url, user, server.keypair[0], n) for n in range(1, 51))
    run("curl", "-sS", "-K", "-", stdin=requests.encode())
    assert ends(server) == [(0, 50, 0)]
    assert mailbox.maildir.files() == []


def test_curl_refused(server, mailbox):
    """67: the server did not accept the password."""
    mailbox.password = "wrong"
    done = subprocess.run(
        ["curl", "-sS", "--cacert", server.keypair[0], "--user",
         mailbox.address + ":wrong", "pop3s://localhost:%d/" % server.port],
        capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (67, b"")


@pytest.fixture
def long_lines(monkeypatch):
    """poplib gives up at 2048 octets a line, which is a limit of its own."""
    monkeypatch.setattr(poplib, "_MAXLINE", 1000000)


def log_in_by_poplib(server, account):
    pop = poplib.POP3_SSL(
        "localhost", server.port, timeout=60,
        context=ssl.create_default_context(cafile=server.keypair[0]))
    assert pop.getwelcome().startswith(b"+OK ")
    pop.user(account.address)
    pop.pass_(account.password)
    return pop


def joined(lines):
    return b"".join(line + b"\r\n" for line in lines)


def test_poplib(server, mailbox, mail, long_lines):
    pop = log_in_by_poplib(server, mailbox)
    octets = sum(len(wire(data)) for data in mail)
    assert pop.stat() == (50, octets)
    assert len(pop.list()[1]) == len(pop.uidl()[1]) == 50
    capabilities = pop.capa()
    assert capabilities["SASL"] == ["PLAIN"] and "UIDL" in capabilities
    for n, data in enumerate(mail, 1):
        compare([joined(pop.retr(n)[1])], [wire(data)])
        compare([joined(pop.top(n, 1000000)[1])], [wire(data)])
    uidls = pop.uidl()[1]
    pop.quit()
    pop = log_in_by_poplib(server, mailbox)
    assert pop.uidl()[1] == uidls
    for n in range(1, 51):
        pop.dele(n)
    pop.rset()
    assert pop.stat() == (50, octets)
    for n in range(1, 51):
        pop.dele(n)
    pop.quit()
    assert ends(server) == [(50, 0, 50), (0, 50, 0)]
    assert mailbox.maildir.files() == []


def test_s_client(server, mailbox, mail):
    """By hand, and all at once: everything but AUTH may be pipelined."""
    commands = ["USER " + mailbox.address, "PASS " + mailbox.password]
    commands += ["RETR %d" % n for n in range(1, 51)]
    commands += ["DELE %d" % n for n in range(1, 51)] + ["QUIT"]
    octets = run(
        "openssl", "s_client", "-quiet", "-crlf", "-verify_return_error",
        "-verify_quiet", "-CAfile", server.keypair[0], "-connect",
        "localhost:%d" % server.port,
        stdin="".join(c + "\n" for c in commands).encode())
    for answer in range(3):
        assert octets.startswith(b"+OK")
        octets = octets[octets.index(b"\r\n") + 2:]
    for data in mail:
        begin = b"+OK %d octets\r\n" % len(wire(data))
        assert octets.startswith(begin)
        end = octets.index(b"\r\n.\r\n") + 2
        compare([unstuff(octets[len(begin):end])], [wire(data)])
        octets = octets[end + 3:]
    answers = octets.split(b"\r\n")
    assert len(answers) == 52 and answers[-1] == b""
    assert all(answer.startswith(b"+OK") for answer in answers[:-1])
    assert mailbox.maildir.files() == []
