"""Many clients, each the same way, and CLIENTS, which says what they do.

Sixty messages, 12 MB of octets that mail should not have: NUL, bare CR, lines
of a megabyte, dots.  Each client fetches all and leaves them there; looks
again; fetches one that is new; fetches and deletes; has a wrong password; and
meets a server with a certificate that it cannot trust.  What the server sent
is compared, octet for octet, with what it should have: by the log for all of
them, and in the client's own files where it keeps octets as they are.

What a client says is seen by a recorder between it and the server.  Where a
row of CLIENTS is not what was seen the test fails; WRITE_CLIENTS=1 in the
environment writes the rows anew.
"""

import os
import random
import re
import shutil

import pytest

from daemon import HERE, Server, make_certificate, temporary_directory
from maildir import message
from matrix import ALL
from pop3 import wire
import post
from recorder import Recorder
from test_clients import compare

CLIENTS = HERE + "/CLIENTS"

pytestmark = pytest.mark.long


def sixty():
    """The fifty of test_clients.py, and ten large ones: 12 MB."""
    rng = random.Random(2)
    found = post.fifty()
    for n in range(10):
        text = b"%d\n" % n + bytes(rng.choices(b" .abc", k=600000)) + b"\n"
        text += b".\n..\n" + rng.choice([b"\0", b"x\0y\n\0\n"]) * 1000
        text += b"a\rb\r\r\n" * 5000 + b"." * 40000 + b"\n.\n"
        if n % 2:
            text += b"y" * 1000000 + b"\n"
        found.append(post.mail("large %d" % n, text, encoding="binary"))
    return found


@pytest.fixture(scope="module")
def mail():
    return sixty()


@pytest.fixture(scope="module")
def localhost():
    """A server with the name by which clients find it, and one that has a
    certificate which they do not know."""
    directory = temporary_directory()
    os.mkdir(directory + "/other")
    servers = [Server(make_certificate(place, "localhost"))
               for place in (directory, directory + "/other")]
    yield servers
    for server in servers:
        server.stop()
    shutil.rmtree(directory)


@pytest.fixture(params=ALL, ids=lambda c: c.name)
def client(request, localhost, tmp_path):
    missing = request.param.missing()
    if missing:
        pytest.skip(missing)
    server = localhost[0]
    server.mark_log()
    yield request.param(server.add_account(), str(tmp_path))
    for server in localhost:
        server.close_clients()
        server.wait_empty()


def total(server):
    """(retrieved, octets, deleted) of all sessions that ended by QUIT."""
    server.wait_empty()
    found = re.findall(r"reason=quit retrieved=(\d+) octets=(\d+) "
                       r"deleted=(\d+)", server.log())
    server.mark_log()
    return tuple(sum(map(int, column)) for column in zip(*found))


def check(client, mail):
    """These were fetched, and all stay."""
    octets = sum(len(wire(data)) for data in mail)
    assert total(client.server) == (
        (0, 0, 0) if client.by_top else (len(mail), octets, 0))
    found = client.fetched()
    if client.keeps_octets:
        compare(found, [client.stored(data) for data in mail])


def test_sixty_messages(client, mail):
    server, account = client.server, client.account
    mail = [data for data in mail if
            max(map(len, data.split(b"\n"))) <= client.longest_line]
    for data in mail:
        account.maildir.deliver(data)
    before = account.maildir.snapshot()
    client.poll(delete=False)
    check(client, mail)
    assert account.maildir.snapshot() == before

    client.poll(delete=False)
    check(client, [] if client.remembers else mail)

    new = message("one more")
    account.maildir.deliver(new)
    client.poll(delete=False)
    check(client, [new] if client.remembers else mail + [new])

    client.poll(delete=True)
    assert total(server)[2] == len(mail) + 1
    assert account.maildir.files() == []


def may_fail(client):
    """As it should, but not all clients say so; some wait for a person."""
    client.patience = 20
    try:
        client.poll(delete=True)
    except AssertionError:
        pass


def test_refusals(client, localhost):
    """A wrong password is told, a wrong certificate hears no password."""
    server, other = localhost
    client.account.maildir.deliver(message())
    right, client.account.password = client.account.password, "wrong"
    may_fail(client)
    server.wait_log(r"^login refused.* reason=password")
    server.wait_empty()
    assert len(client.account.maildir.files()) == 1
    client.account.password = right
    client.server = Elsewhere(server, other)
    other.mark_log()
    may_fail(client)
    other.wait_empty()
    assert not re.search(": login|refused", other.log()), other.log()


class Elsewhere:
    """The other server, where the first one's certificate is expected."""

    def __init__(self, server, other):
        self.keypair, self.port = server.keypair, other.port


# CLIENTS.

HEAD = ("client", "package", "login", "TLS", "pipelines", "new only",
        "octets")
FORM = "    %-13s %-27s %-6s %-4s %-10s %-9s %s"


def rows():
    """{client: its two lines}."""
    with open(CLIENTS) as f:
        return {name: lines for lines, name in re.findall(
            r"^(    (\w\S*(?: \S+)*)  .*\n        \S.*\n)", f.read(), re.M)}


def seen(client):
    """What its row has to say."""
    server, account = client.server, client.account
    for n in range(5):
        account.maildir.deliver(message(str(n)))
    client.poll(delete=False)
    client.fetched()
    mechanism, tls = set(), set()
    for line in server.log_lines():
        found = re.match(r"login: .* tls=TLSv(\S+?)/.* mechanism=(\S+)", line)
        if found:
            tls.add(found.group(1))
            mechanism.add(found.group(2))
    server.mark_log()
    for n in range(5):
        account.maildir.deliver(message("new %d" % n))
    client.poll(delete=False)
    fetched = total(server)[0] or len(client.fetched())
    assert fetched in (5, 10)
    account.maildir.deliver(message("the last"))
    client.server = recorder = Recorder(server)
    try:
        client.poll(delete=False)
        client.poll(delete=True)
    finally:
        recorder.close()
    values = (client.name, client.version(), "/".join(sorted(mechanism)),
              "/".join(sorted(tls)), "yes" if recorder.pipelines else "no",
              "yes" if fetched == 5 else "no",
              "kept" if client.keeps_octets else "-")
    return FORM % values + "\n        " + " ".join(recorder.commands()) + "\n"


def write_row(name, row):
    known = {**rows(), name: row}
    title = FORM % HEAD + "\n"
    with open(CLIENTS) as f:
        before, _, rest = f.read().partition(title)
    with open(CLIENTS, "w") as f:
        f.write(before + title + "".join(
            known[c.name] for c in ALL if c.name in known) +
            "\n\n" + rest.partition("\n\n")[2].lstrip("\n"))


def test_row(client):
    row = seen(client)
    if os.environ.get("WRITE_CLIENTS"):
        write_row(client.name, row)
    assert rows().get(client.name) == row


def test_each_has_a_row():
    assert list(rows()) == [client.name for client in ALL]
