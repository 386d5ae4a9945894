"""An mbox, as delivery agents write it."""

import re
import time

from maildir import message

START = 1700000000


def from_line(seconds):
    return b"From me@example.com %s\n" % time.asctime(
        time.localtime(seconds)).encode()


def bracketed(text):
    return re.sub(rb"^(>*From )", rb">\1", text, flags=re.M)


def entry(data, seconds, kind="rd"):
    """A message as it stands in an mbox of that kind: o, rd, cl or cl2."""
    if kind in ("cl", "cl2"):
        head, blank, body = data.partition(b"\n\n")
        if kind == "cl":
            body = bracketed(body)
        data = b"%s\nContent-Length: %d%s%s" % (
            head.rstrip(b"\n"), len(body), blank or b"\n\n", body)
    elif kind == "rd":
        data = bracketed(data)
    else:
        data = re.sub(rb"^From ", b">From ", data, flags=re.M)
    if not data.endswith(b"\n"):
        data += b"\n"
    return from_line(seconds) + data + b"\n"


def mbox(messages, kind="rd", first=START):
    """All of them, one second after the other."""
    return b"".join(entry(data, first + n, kind)
                    for n, data in enumerate(messages))


def with_newline(data):
    """What an mbox keeps of a message: its last line ends."""
    return data if data.endswith(b"\n") else data + b"\n"


# Files that nobody should have written: the messages that are in them.

def _lengths(claim):
    """Two messages, of which the first lies about its length."""
    one = message("one", "Text.\n\nMore of it.\n").replace(
        b"\n\n", b"\nContent-Length: %s\n\n" % claim, 1)
    return (from_line(START) + one + b"\n" + entry(message("two"), START),
            [message("one", "Text.\n\nMore of it.\n"), message("two")])


def hostile():
    """{name: (octets, messages)}; dates may order these otherwise."""
    one, two = message("one"), message("two")
    froms = message("quoted", "From me\n>From me\n>>From me\n"
                    "From me Mon Nov  2 10:00:00 2026\n")
    found = {"length " + claim.decode().strip(): _lengths(claim)
             for claim in (b"0", b"1", b"7", b"12", b"100000", b"-5", b"5x",
                           b"18446744073709551615", b"9223372036854775807",
                           b"99999999999999999999999999", b"", b"x\0y")}
    nuls = b"Sub\0ject: \0\n\0\n\n\0\0\nFrom \0\n\0From me\n"
    both = mbox([one, two])
    found.update({
        "no final newline": (both[:-2], [one, two[:-1]]),
        "no empty line at the end": (both[:-1], [one, two]),
        "no empty lines": (both.replace(b"\n\nFrom ", b"\nFrom "),
                           [one, two]),
        "empty lines": (b"\n\r\n\n" + both.replace(
            b"\n\nFrom ", b"\n\n\n\nFrom ") + b"\n\n",
            [one + b"\n\n", two + b"\n\n"]),
        "NUL": (mbox([nuls, one]), [nuls, one]),
        "NUL in the From_ line": (
            b"From \0 \0\n" + one + b"\n" + entry(two, START), [one, two]),
        "CRLF": (both.replace(b"\n", b"\r\n"), [
            m.replace(b"\n", b"\r\n") for m in (one, two)]),
        "mboxo": (mbox([message("o", "From me\n"), two], "o"),
                  [message("o", "From me\n"), two]),
        "mboxrd": (mbox([froms, two], "rd"), [froms, two]),
        # As its author would have it: nothing tells it from mboxcl2.
        "mboxcl": (mbox([froms, two], "cl"), [bracketed(froms), two]),
        "mboxcl2": (mbox([froms, two], "cl2"), [froms, two]),
        "a date that is none": (both.replace(
            from_line(START + 1), b"From me Mon Nov 99 10:00:00 2026\n"),
            [one + b"\nFrom me Mon Nov 99 10:00:00 2026\n" + two]),
        "a From_ line only": (both + from_line(START), [one, two, b""]),
        "half a From_ line": (both + b"From me@exa",
                              [one, two + b"\nFrom me@exa"]),
        "half a header": (both + from_line(START) + b"Subject: x\nTo",
                          [one, two, b"Subject: x\nTo"]),
        "no header": (from_line(START) + b"\nText.\n\n" + both,
                      [b"\nText.\n", one, two]),
        "long lines": (mbox([
            message("x" * 70000), b"Status: R" + b"O" * 70000 + b"\n " +
            b"O" * 9000 + b"\n" + one, message("b", "From " + "y" * 70000 +
                                              "\n>" * 5000 + "\n")]),
            [message("x" * 70000), one, message(
                "b", "From " + "y" * 70000 + "\n>" * 5000 + "\n")]),
    })
    return found
