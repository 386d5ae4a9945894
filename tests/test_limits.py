"""Nothing from the network is trusted for size or form (I10)."""

import os
import re
import ssl

import pytest

from maildir import message
from pop3 import plain, wire


@pytest.fixture
def pop(account):
    """A session on two messages."""
    account.maildir.deliver(message("1"))
    account.maildir.deliver(message("2", "longer\n"))
    return account.login()


# Numbers.

BAD_NUMBERS = [
    b"0", b"00", b"-1", b"+1", b"-0", b"3", b"4294967295", b"4294967296",
    b"4294967297", b"18446744073709551616", b"18446744073709551617",
    b"9" * 200, b"1x", b"x1", b"1.0", b"1e0", b"0x1", b"1,2", b"1-2", b"1 2",
    b"*", b"%d", b"%s%n", b"\xb2", "\u0661".encode(), b"1\t", b"\t1", b"1\x0b"]


@pytest.mark.parametrize("number", BAD_NUMBERS, ids=ascii)
def test_bad_numbers(pop, number):
    for keyword in (b"LIST", b"UIDL", b"RETR", b"DELE"):
        pop.err(keyword + b" " + number)
    if number != b"1 2":
        pop.err(b"TOP " + number + b" 1")
    assert sorted(pop.list()) == [1, 2]


@pytest.mark.parametrize("number", [
    b"-1", b"+1", b"4294967296", b"9" * 200, b"1x", b"x", b"1 1", b"\xb2"],
    ids=ascii)
def test_bad_numbers_of_lines(pop, number):
    pop.err(b"TOP 1 " + number)
    assert sorted(pop.list()) == [1, 2]


@pytest.mark.parametrize("line", [
    "RETR", "RETR ", "DELE", "DELE ", "TOP", "TOP ", "TOP 1", "TOP 1 "])
def test_missing_numbers(pop, line):
    pop.err(line)
    assert sorted(pop.list()) == [1, 2]


def test_leading_zeros_never_name_another_message(pop):
    right = pop.command("LIST 1")
    for zeros in (1, 9, 19, 200):
        answer = pop.command("LIST " + zeros * "0" + "1")
        assert answer == right or answer.startswith(b"-ERR ")


# Lines.

def test_command_line_of_255_octets(server):
    pop = server.connect()
    pop.send("USER " + 248 * "x" + "\r\n")
    pop.ok()
    pop.send("USER " + 249 * "x" + "\n")
    pop.ok()
    pop.ok("CAPA")
    pop.lines_exact()


@pytest.mark.parametrize("length", [
    256, 257, 511, 512, 513, 12287, 12288, 12289, 12290, 16384, 16385,
    24576, 60000])
@pytest.mark.parametrize("end", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_too_long_command_line(server, length, end):
    """One -ERR; what follows the newline is the next command."""
    pop = server.connect()
    line = b"USER " + (length - 5 - len(end)) * b"x" + end
    assert len(line) == length
    pop.send(line + b"CAPA\r\n")
    pop.err()
    pop.ok()
    pop.lines_exact()


def test_too_long_command_line_after_login(pop):
    pop.send(b"DELE 1" + 300 * b" " + b"\r\nNOOP\r\n")
    pop.err()
    pop.ok()
    assert pop.stat()[0] == 2


def test_too_long_line_holds_no_commands(pop):
    """Its rest is skipped, however it came in."""
    pop.send(b"x" * 13000)
    pop.send(b" \rDELE 1\r" + b"x" * 20000)
    pop.send(b"\r\nSTAT\r\n")
    pop.err()
    assert pop.ok().startswith(b"2 ")


def auth_line(account, length, prefix=b"AUTH PLAIN "):
    """AUTH PLAIN in a line of this length, CRLF counted, or a bit less."""
    room = (length - len(prefix) - 2) // 4 * 3
    used = len("\0" + account.address + "\0")
    return prefix + plain(account.address, (room - used) * "x")


def test_auth_line_of_12288_octets(server, account):
    """Understood, though no password is so long: the code shows it."""
    pop = server.connect()
    line = auth_line(account, 12288)
    assert 12288 - 3 <= len(line) + 2 <= 12288
    pop.err(line, "AUTH")
    assert pop.command("AUTH PLAIN") == b"+ "
    pop.err(auth_line(account, 12288, b""), "AUTH")


def test_auth_line_longer_than_12288_octets(server, account):
    pop = server.connect()
    line = auth_line(account, 12292)
    assert 12289 <= len(line) + 2
    pop.err(line)
    assert pop.command("AUTH PLAIN") == b"+ "
    pop.err(auth_line(account, 12292, b""))
    # That ended the exchange: this is a command again.
    pop.login(account.address)


def test_longest_password(server):
    """AUTH takes what a command line cannot hold, and cuts nothing off."""
    account = server.add_account(password=511 * "x")
    pop = server.connect()
    for octets in (510, 512):
        pop.err(b"AUTH PLAIN " + plain(account.address, octets * "x"), "AUTH")
    pop.ok(b"AUTH PLAIN " + plain(account.address, 511 * "x"))


def test_longest_address(server):
    address = 64 * "u" + "@" + ".".join(3 * [61 * "d"]) + ".com"
    assert len(address) == 254
    server.add_account(address)
    pop = server.connect()
    for wrong in (address[:-1], address + "m"):
        pop.err(b"AUTH PLAIN " + plain(wrong, "secret"), "AUTH")
    pop.ok(b"AUTH PLAIN " + plain(address, "secret"))
    assert pop.stat() == (0, 0)


def flood(pop, data):
    """Sends without end, until the server has had enough."""
    with pytest.raises((ssl.SSLError, ConnectionError)):
        while True:
            pop.send(data)


def test_line_without_an_end_before_login(server):
    flood(server.connect(), b"x" * 8192)
    server.wait_empty()
    server.wait_log("^no login: .*line-too-long")


def test_line_without_an_end_after_login(server, pop):
    pop.ok("DELE 1")
    flood(pop, b"\0" * 8192)
    server.wait_empty()
    server.wait_log("^end: .*line.*deleted=0 left=2")


def test_line_of_64_kilobytes_ends_the_session(server):
    pop = server.connect()
    pop.send(65536 * b"x")
    answer = pop.rest()
    assert re.fullmatch(rb"-ERR [^\r\n]*\r\n", answer)


def test_bare_lf(account, pop):
    pop.send(b"STAT\nNOOP\nRETR 1\n")
    assert pop.ok().startswith(b"2 ")
    pop.ok()
    pop.ok()
    pop.multiline()


@pytest.mark.parametrize("line", [
    b"NO\0OP", b"NOOP\0", b"\0NOOP", b"\0", b"DELE 1\0", b"DELE\0 1",
    b"DELE \x001", b"N\xc3\x96OP", b"\xd3TAT", b"STAT\xa0", b"\xff" * 100,
    b"STAT\x01", b"\x1bSTAT", b"STA", b"STATS", b"STAT\t", b"\r", b" ",
    b"%s%s%s%n"], ids=ascii)
def test_bad_octets(pop, line):
    pop.err(line)
    assert pop.stat()[0] == 2


@pytest.mark.parametrize("line", [b"USER a\0b", b"\0USER a", b"US\0ER a"],
                         ids=ascii)
def test_bad_octets_before_login(server, account, line):
    pop = server.connect()
    pop.err(line)
    pop.login(account.address)


def test_nul_does_not_cut_a_password(server, account):
    pop = server.connect()
    pop.ok("USER " + account.address)
    pop.err(b"PASS secret\0x")
    pop.err("STAT")


# Pipelining.

def test_hundreds_of_commands_in_one_write(account):
    messages = [message(str(n), n * "body\n") for n in range(100)]
    for data in messages:
        account.maildir.deliver(data)
    pop = account.login()
    pop.send("".join("LIST %d\r\nRETR %d\r\nBAD\r\nUIDL %d\r\n" % (n, n, n)
                     for n in range(1, 101)))
    for n, data in enumerate(messages, 1):
        assert pop.ok() == b"%d %d" % (n, len(wire(data)))
        pop.ok()
        assert pop.multiline() == wire(data)
        pop.err()
        assert pop.ok().startswith(b"%d " % n)


def test_pipelining_across_login(server, account):
    """What was read along with PASS is not lost, nor heard by auth."""
    account.maildir.deliver(message())
    pop = server.connect()
    pop.send("CAPA\r\nUSER %s\r\nPASS wrong\r\nUSER %s\r\nPASS secret\r\n"
             "STAT\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n"
             % (account.address, account.address))
    pop.ok()
    pop.lines_exact()
    pop.ok()
    pop.err(code="AUTH")
    pop.ok()
    pop.ok()
    assert pop.ok().startswith(b"1 ")
    pop.ok()
    assert pop.multiline() == wire(message())
    pop.ok()
    pop.ok()
    pop.ended()
    assert account.maildir.files() == []


def test_pipelining_across_auth(server, account):
    pop = server.connect()
    pop.send(b"AUTH PLAIN\r\n*\r\nAUTH PLAIN\r\n" +
             plain(account.address, "secret") + b"\r\nSTAT\r\nQUIT\r\n")
    assert pop.line() == b"+ "
    pop.err()
    assert pop.line() == b"+ "
    pop.ok()
    assert pop.ok() == b"0 0"
    pop.ok()
    pop.ended()


def test_octet_by_octet(account):
    pop = account.server.connect()
    for octet in b"USER %s\r\nPASS secret\r\nSTAT\r\n" \
            % account.address.encode():
        pop.send(bytes([octet]))
    pop.ok()
    pop.ok()
    assert pop.ok() == b"0 0"


def test_commands_after_quit_are_not_heard(account, pop):
    pop.send(b"DELE 1\r\nQUIT\r\nSTAT\r\nRSET\r\n")
    pop.ok()
    pop.ok()
    assert pop.rest() == b""
    assert len(account.maildir.files()) == 1


# Bad commands.

def test_twenty_bad_commands_end_the_session(server, pop):
    pop.ok("DELE 1")
    pop.send(b"BAD\r\n" * 19 + b"NOOP\r\n" + b"BAD\r\n" * 20 + b"STAT\r\n")
    for _ in range(19):
        pop.err()
    pop.ok()
    for _ in range(20):
        pop.err()
    rest = pop.rest()
    assert b"+OK" not in rest and rest.count(b"\n") <= 1
    server.wait_log("^end: .*bad.*deleted=0 left=2")


def test_twenty_bad_commands_before_login(server):
    pop = server.connect()
    pop.send(b"AUTH PLAIN !\r\n" * 10 + b"STAT\r\n" * 10)
    assert pop.rest().count(b"-ERR") in (20, 21)
    server.wait_log("^no login: .*bad")


@pytest.mark.parametrize("line", ["AUTH", "AUTH LOGIN", "AUTH CRAM-MD5"])
def test_asking_for_mechanisms_is_no_bad_command(server, account, line):
    """Clients try one after the other, or ask."""
    pop = server.connect()
    for _ in range(30):
        if line == "AUTH":
            pop.ok(line)
            pop.lines_exact()
        else:
            pop.err(line)
    pop.login(account.address)


def test_messages_that_are_gone_are_no_bad_commands(account):
    for n in range(30):
        account.maildir.deliver(message(str(n)))
    pop = account.login()
    for name in account.maildir.files():
        os.unlink(os.path.join(account.maildir.path, name))
    for n in range(1, 31):
        pop.err("RETR %d" % n)
    pop.quit()
