"""Messages on the wire: LIST counts exactly what RETR sends (I3)."""

import os
import random
import socket

import pytest

from maildir import message
from pop3 import stuff, top, wire

RECORD = 16384  # of TLS; the server's buffers are multiples of it

NASTY = {
    "empty": b"",
    "one newline": b"\n",
    "one CRLF": b"\r\n",
    "one CR": b"\r",
    "one dot": b".",
    "dot line": b".\n",
    "dot CRLF line": b".\r\n",
    "dot CR": b".\r",
    "only dots": b".\n..\n...\n",
    "dot first": b".first: x\n\nbody\n",
    "two dots first": b"..first\n",
    "dot after CRLF": b"a: b\r\n\r\n.body\r\n..\r\n.\r\n",
    "dot after bare CR": b"a\r.b\r.\r\n",
    "the end within": b"a: b\n\n.\r\nDELE 1\r\n.\n",
    "no final newline": b"a: b\n\nbody",
    "no final newline, dot": b"a: b\n\n.",
    "CRLF on disk": b"a: b\r\n\r\nbody\r\n",
    "CRLF, none at the end": b"a: b\r\n\r\nbody",
    "mixed": b"a: b\r\nc: d\n\nbody\r\nbody\n\r\n\n",
    "bare CR": b"a: b\n\none\rtwo\r\rthree\n",
    "CR CR LF": b"a: b\n\none\r\r\ntwo\r\r\r\n",
    "lone CR at the end": b"a: b\n\nbody\r",
    "LF CR": b"a: b\n\r\n\rbody\n\r",
    "NUL": b"a: \0\n\n\0\n\0.\0\n.\0\n\0",
    "8 bits": bytes(range(128, 256)) + b"\n\n" + bytes(range(256)) + b"\n",
    "UTF-8 BOM": b"\xef\xbb\xbf.a: b\n",
    "empty lines": b"\n" * 1000,
    "empty CRLF lines": b"\r\n" * 1000,
    "CRs": b"\r" * 1000,
    "no header": b"\nbody\n",
    "no body": b"a: b\n",
    "no body, empty line": b"a: b\n\n",
    "very long line": b"x" * 1000000,
    "long line of dots": b"." * 100000,
    "many dot lines": b".\n" * 50000,
    "many LFs": b"\n" * (3 * RECORD + 1),
}


def check(pop, number, data):
    """One message: LIST, RETR and the file agree, octet by octet."""
    sent = wire(data)
    assert pop.ok("LIST %d" % number) == b"%d %d" % (number, len(sent))
    pop.ok("RETR %d" % number)
    assert pop.multiline() == stuff(sent)


@pytest.mark.parametrize("name", NASTY)
def test_nasty_message(account, name):
    data = NASTY[name]
    account.maildir.deliver(data)
    pop = account.login()
    assert pop.stat() == (1, len(wire(data)))
    check(pop, 1, data)
    assert pop.list() == {1: len(wire(data))}
    pop.quit()
    assert list(account.maildir.contents().values()) == [data]


def boundary_messages():
    """Something nasty across each end of a buffer of 16, 32 and 64 kB."""
    tricks = [b"\n", b"\r\n", b"\r", b".\n", b"\n.", b"\r\n.\r\n", b"\n.\n",
              b"\r\r\n", b"\n\n", b"\n..", b""]
    for size in (RECORD, 2 * RECORD, 4 * RECORD):
        for trick in tricks:
            for at in range(-3, 4):
                yield b"x" * (size - len(trick) + at) + trick
                if trick:
                    yield b"x" * (size - 2 + at) + trick + b"y" * 10


def test_buffer_boundaries(account):
    messages = list(boundary_messages())
    for data in messages:
        account.maildir.deliver(data)
    pop = account.login()
    sizes = [len(wire(data)) for data in messages]
    assert pop.stat() == (len(messages), sum(sizes))
    assert pop.list() == dict(enumerate(sizes, 1))
    for number, data in enumerate(messages, 1):
        check(pop, number, data)


def test_random_messages(account):
    generator = random.Random(4)
    messages = [bytes(generator.choices(b"\r\n.\0x\xff", (4, 4, 4, 1, 4, 1),
                                        k=generator.randrange(200)))
                for _ in range(300)]
    for data in messages:
        account.maildir.deliver(data)
    pop = account.login()
    for number, data in enumerate(messages, 1):
        check(pop, number, data)
        for lines in (0, 1, 3):
            pop.ok("TOP %d %d" % (number, lines))
            assert pop.multiline() == stuff(top(data, lines)), data


def test_large_message(account):
    data = b"Subject: large\n\n" + 300000 * b"0123456789 a line of the body\n"
    account.maildir.deliver(data)
    check(account.login(), 1, data)


TOPS = {
    "LF": b"a: b\nc: d\n\none\n.two\nthree\n",
    "CRLF": b"a: b\r\nc: d\r\n\r\none\r\n.two\r\nthree\r\n",
    "CRLF in LF": b"a: b\nc: d\n\r\none\n\ntwo\n",
    "LF in CRLF": b"a: b\r\n\none\r\n\r\ntwo\r\n",
    "no body": b"a: b\nc: d\n",
    "no body, empty line": b"a: b\nc: d\n\n",
    "headers without an end": b"a: b\nc: d",
    "no headers": b"\none\ntwo\n",
    "no final newline": b"a: b\n\none\ntwo",
    "empty lines first": b"a: b\n\n\n\none\n",
    "blank is not empty": b"a: b\n \nc: d\n\none\n",
    "CR is not empty": b"a: b\n\rc: d\n\none\n",
    "empty": b"",
}


@pytest.mark.parametrize("name", TOPS)
def test_top(account, name):
    data = TOPS[name]
    account.maildir.deliver(data)
    pop = account.login()
    for lines in (0, 1, 2, 3, 4, 100, 2**31 - 1, 2**31, 2**32 - 1):
        assert pop.top(1, lines) == top(data, lines), lines
    assert pop.retr(1) == wire(data)


# What happens to the Maildir during a session.

def test_messages_gone_in_mid_session(account):
    names = [account.maildir.deliver(message(str(n))) for n in range(3)]
    pop = account.login()
    before = pop.list()
    os.unlink(account.maildir.find(names[1]))
    pop.err("RETR 2")
    pop.err("TOP 2 0")
    assert pop.retr(1) == wire(message("0"))
    assert pop.retr(3) == wire(message("2"))
    assert pop.list() == before
    pop.ok("DELE 2")
    pop.ok("DELE 1")
    pop.quit()
    assert list(account.maildir.contents()) == [names[2]]
    assert account.login().stat() == (1, before[3])


def test_message_gone_while_read_ahead(account):
    """RETR one after the other may have files opened before their turn."""
    names = [account.maildir.deliver(message(str(n))) for n in range(40)]
    pop = account.login()
    for number in range(1, 11):
        pop.retr(number)
    for name in names[10:]:
        os.unlink(account.maildir.find(name))
    for number in range(11, 41):
        # Gone or, if it was open already, whole: nothing else.
        if pop.command("RETR %d" % number).startswith(b"+OK"):
            assert pop.multiline() == wire(message(str(number - 1)))
    assert pop.retr(1) == wire(message("0"))


@pytest.mark.parametrize("suffix", [":2,S", ":2,FRS", ""])
def test_messages_renamed_in_mid_session(account, suffix):
    names = [account.maildir.deliver(message(str(n))) for n in range(3)]
    pop = account.login()
    uidl = pop.uidl()
    for name in names:
        path = account.maildir.find(name)
        os.rename(path, os.path.join(os.path.dirname(path), name + suffix))
    for number in (3, 1, 2):
        assert pop.retr(number) == wire(message(str(number - 1)))
    pop.ok("DELE 2")
    pop.quit()
    assert sorted(account.maildir.contents()) == [names[0], names[2]]
    assert account.login().uidl() == {1: uidl[1], 2: uidl[3]}


def test_delivery_in_mid_session_is_for_the_next(account):
    account.maildir.deliver(message("0"))
    pop = account.login()
    account.maildir.deliver(message("1"))
    assert pop.stat()[0] == 1
    pop.ok("DELE 1")
    pop.quit()
    assert account.login().retr(1) == wire(message("1"))


def test_only_regular_files_are_mail(account):
    """Neither links, FIFOs, sockets, directories nor hidden names."""
    path = account.maildir.path
    secret = os.path.join(os.path.dirname(path), "secret")
    with open(secret, "wb") as f:
        f.write(b"Subject: not mail\n\nsecret\n")
    for sub in ("new", "cur"):
        directory = os.path.join(path, sub)
        os.symlink(secret, directory + "/1.link.host")
        os.symlink("/nowhere", directory + "/2.dangling.host")
        os.mkfifo(directory + "/3.fifo.host", 0o666)
        os.mkdir(directory + "/4.directory.host", 0o777)
        with open(directory + "/.hidden", "wb") as f:
            f.write(b"hidden\n")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(directory + "/5.socket.host")
    account.maildir.deliver(message())
    pop = account.login()
    assert pop.stat() == (1, len(wire(message())))
    assert pop.retr(1) == wire(message())
    pop.ok("DELE 1")
    pop.quit()
    assert account.login().stat() == (0, 0)
    assert len(account.maildir.files()) == 12


def test_message_replaced_by_a_link(account):
    """Between the login and RETR the file becomes a link to a secret."""
    name = account.maildir.deliver(message())
    secret = os.path.join(account.server.directory, "secret")
    with open(secret, "wb") as f:
        f.write(b"secret\n")
    pop = account.login()
    path = account.maildir.find(name)
    os.unlink(path)
    os.symlink(secret, path)
    pop.err("RETR 1")
    pop.err("TOP 1 1")
    pop.ok("NOOP")


@pytest.mark.parametrize("name", [
    "1700000000.M1P1.host", "a", "x" * 70, "x" * 71, "x" * 240, "=x",
    "with blank", "caf\u00e9", "control\x01", "~!#$%&'()*+,-;<=>?@[]^_`{|}",
    "-ERR", "1.2.3", "\u00fc" * 100], ids=lambda name: ascii(name)[:20])
def test_uidl_of_any_name(account, name):
    """I4: of a form that clients can store, and the same for ever."""
    account.maildir.deliver(message(), name)
    pop = account.login()
    uidl = pop.uidl()
    pop.quit()
    assert len(uidl) == 1
    path = account.maildir.find(name)
    os.rename(path, os.path.join(account.maildir.path, "cur", name + ":2,RS"))
    assert account.login().uidl() == uidl


def test_names_that_differ_little_have_different_uidls(account):
    for name in ("caf\u00e9", "caf\u00e8", "caf?", "x" * 71, "x" * 72):
        account.maildir.deliver(message(name), name)
    assert len(account.login().uidl()) == 5
