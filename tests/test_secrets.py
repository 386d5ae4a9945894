"""Where the secrets are (I6): the memory of each process is searched."""

import re
import subprocess

import pytest

from daemon import ROOT, SANITIZED, is_of_libressl
import processes

pytestmark = [
    pytest.mark.skipif(
        not ROOT, reason="only root can read the memory of these processes"),
    pytest.mark.skipif(
        SANITIZED, reason="sanitizers take terabytes, and keep copies")]

PASSWORD = "Zwiebelkuchen mit Speck 1789"


def memory(pid):
    """All that the process could write to, and so all that it has learnt."""
    with open("/proc/%d/maps" % pid) as maps, \
            open("/proc/%d/mem" % pid, "rb") as mem:
        for line in maps:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if found and "[v" not in line:
                start, end = (int(x, 16) for x in found.groups())
                mem.seek(start)
                yield mem.read(end - start)


def knows(pid, secret):
    return any(secret in part for part in memory(pid))


def private_key(keypair):
    """The scalar of the EC key, as it is in memory: either octet order."""
    text = subprocess.run(["openssl", "ec", "-in", keypair[1], "-text",
                           "-noout"], capture_output=True, text=True,
                          check=True).stdout
    digits = re.search(r"priv:\s*([0-9a-f:\s]+)pub", text).group(1)
    scalar = bytes.fromhex(re.sub(r"[^0-9a-f]", "", digits))[-32:]
    return scalar, scalar[::-1]


@pytest.fixture
def hashed(server):
    """An account with a password, the hash of another one."""
    other = server.add_account(password="another")
    account = server.add_account(password=PASSWORD)
    exported = server.ctl("export").stdout
    found = re.search(r"^%s .* hash=(\S+)" % other.address, exported, re.M)
    return account, found.group(1).encode()


def test_the_search_finds_what_is_there(server, hashed):
    account, _ = hashed
    with account.login() as client:
        found = server.processes(client)
        # The session greets with its host's name, the store has the address.
        assert knows(found.session, b"mail.example.com")
        assert knows(found.store, account.address.encode())


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_key_is_the_sessions(server, hashed, keypair, when):
    account, _ = hashed
    with (account.login() if when == "after" else server.connect()) as client:
        found = server.processes(client)
        scalar = private_key(keypair)
        assert any(knows(found.session, s) for s in scalar)
        assert not any(knows(found.store, s) for s in scalar)


def login_user(client, user, password):
    client.ok(b"USER " + user)
    client.ok(b"PASS " + password)


def login_plain(client, user, password):
    from pop3 import plain
    client.ok(b"AUTH PLAIN " + plain(user, password))


def login_pipelined(client, user, password):
    client.send(b"USER %s\r\nPASS %s\r\nNOOP\r\n" % (user, password))
    assert [client.line()[:3] for _ in range(3)] == [b"+OK"] * 3


def go_on(client):
    """LibreSSL keeps what it decrypted until the next record comes."""
    if is_of_libressl():
        client.ok(b"CAPA")
        assert client.multiline()


@pytest.mark.parametrize("login", [login_user, login_plain, login_pipelined])
def test_the_password_is_nobodys(server, hashed, login):
    from pop3 import plain
    account, _ = hashed
    user, password = account.address.encode(), PASSWORD.encode()
    with server.connect() as client:
        login(client, user, password)
        go_on(client)
        found = server.processes(client)
        for pid in found.all:
            assert not knows(pid, password)
            assert not knows(pid, password[4:])
            assert not knows(pid, plain(user, password)[-20:])


def test_a_refused_password_is_wiped_too(server, hashed):
    account, _ = hashed
    with server.connect() as client:
        client.ok(b"USER " + account.address.encode())
        client.err(b"PASS not the password of anyone", "AUTH")
        go_on(client)
        for pid in server.processes(client).all:
            assert not knows(pid, b"not the password")


def test_hashes_stay_in_auth(server, hashed):
    account, other_hash = hashed
    with account.login() as client:
        for pid in server.processes(client).all:
            assert not knows(pid, other_hash)
            assert not knows(pid, other_hash[-20:])
