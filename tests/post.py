"""Fifty messages, each with a difficulty of its own."""

import base64
import random

from maildir import message

HEAD = ("From: =?utf-8?q?M=C3=A9?= <me@example.com>\n"
        "To: you@example.com\n"
        "Subject: %s\n"
        "Date: Mon, 02 Nov 2026 10:00:00 +0100\n"
        "Message-ID: <%s@example.com>\n"
        "MIME-Version: 1.0\n")


def mail(name, body, kind="text/plain; charset=utf-8", encoding="8bit"):
    if isinstance(body, str):
        body = body.encode()
    head = HEAD % (name, name.replace(" ", "-"))
    return head.encode() + (
        "Content-Type: %s\nContent-Transfer-Encoding: %s\n\n"
        % (kind, encoding)).encode() + body


def attachment(data, name):
    return ("--=_b\nContent-Type: application/octet-stream\n"
            "Content-Transfer-Encoding: base64\n"
            "Content-Disposition: attachment; filename=\"%s\"\n\n%s"
            % (name, base64.encodebytes(data).decode()))


def multipart(name, *parts):
    return mail(name, "".join(parts) + "--=_b--\n",
                "multipart/mixed; boundary=\"=_b\"", "7bit")


TEXT = "--=_b\nContent-Type: text/plain\n\nSee the attachment.\n"


def _attachments(rng):
    yield multipart("one attachment", TEXT, attachment(rng.randbytes(500),
                                                       "a.bin"))
    yield multipart("three attachments", TEXT, *[
        attachment(rng.randbytes(n), "%d.bin" % n) for n in (1, 7000, 90000)])
    yield multipart("nothing but attachments", attachment(b"", "empty"))
    yield mail("nested", "--=_a\nContent-Type: multipart/alternative; "
               "boundary=\"=_b\"\n\n" + TEXT + "--=_b\nContent-Type: "
               "text/html\n\n<p>Hello.\n--=_b--\n\n--=_a--\n",
               "multipart/mixed; boundary=\"=_a\"", "7bit")
    yield mail("forwarded", message().decode(), "message/rfc822", "7bit")
    yield mail("quoted-printable", "Gr=C3=BC=C3=9Fe, =\nsoft break=20\n",
               encoding="quoted-printable")
    yield multipart("large", TEXT, attachment(rng.randbytes(2300000),
                                              "large.bin"))


def _octets(rng):
    yield mail("utf-8", "Gr\u00fc\u00dfe, \u20ac, \u4f60\u597d, \U0001f600\n")
    yield mail("latin-1", "Gr\u00fc\u00dfe\n".encode("latin-1"),
               "text/plain; charset=iso-8859-1")
    yield mail("all octets but three", bytes(
        n for n in range(256) if n not in b"\0\n\r") + b"\n",
        "application/octet-stream", "binary")
    yield mail("NUL", b"before \0 after\nthe end\n")
    yield mail("control characters", "\x01\x02\a\b\v\f\x1a\x1b[0m\x7f\n")
    yield mail("random text", bytes(rng.choices(
        b" .\nabc\tdef\xff", k=20000)) + b"\n")


def _dots():
    yield mail("one dot", ".\n")
    yield mail("two dots", "..\n")
    yield mail("dots of all lengths",
               "".join("." * n + "\n" for n in range(60)))
    yield mail("dots before text", ".x\n..y\n...z\n. \n.\t.\n")
    yield mail("dot at the end", "text\n.")
    yield mail("dot lines only", ".\n" * 3000)
    yield mail("the end of a message", "text\n.\n+OK\n-ERR\nQUIT\n")
    yield mail("dot behind an empty line", "\n.\n\n.\n\n")


def _ends():
    """The end of the message, and lines that do not end as usual."""
    yield mail("no body", "")
    yield mail("an empty line", "\n")
    yield mail("empty lines", "\n" * 500)
    yield mail("one octet", "x")
    yield mail("no newline at the end", "a line\nno newline")
    yield mail("no newline after CRLF", "a line\r\nno newline")
    yield mail("blanks at the ends", "text \n\ttabs\t\n   \n \n")
    yield mail("CRLF", "one\ntwo\n\nfour\n").replace(b"\n", b"\r\n")
    yield mail("CRLF, dots", ".\n..\n.x\n").replace(b"\n", b"\r\n")
    yield mail("LF and CRLF", "LF\nCRLF\r\nLF\n\r\n\n")
    yield mail("CR within a line", "one\rtwo\r three\n")


def _lengths(rng):
    yield mail("the longest line of RFC 5322", "x" * 998 + "\n")
    yield mail("a line of 2000", "x" * 2000 + "\n")
    yield mail("a long line", "x" * 7000 + "\nend\n")
    yield mail("many short lines", "".join(
        "%d\n" % n for n in range(20000)))
    for size in (511, 1024, 4096, 8192, 16383, 16384, 32768):
        body = "." * 70 + "\n" + ".\n"
        yield mail("%d octets" % size, (body * 600)[:size - 1] + "\n")
    yield mail("random lines", "".join(
        "." * rng.randrange(3) + "y" * rng.randrange(900) + "\n"
        for _ in range(200)))


def _headers():
    received = "".join("Received: from h%d.example.com by h%d\n\t; Mon, 02 "
                       "Nov 2026 10:00:%02d +0100\n" % (n, n, n)
                       for n in range(40))
    yield received.encode() + mail("many Received", "text\n")
    yield ("X-Long: " + "word " * 150 + "\n").encode() + \
        mail("long header", "text\n")
    yield ("X-Folded:" + " a\n\tb\n" * 30).encode() + \
        mail("folded header", "text\n")
    yield mail("From in the body", "From me Mon Nov  2 10:00:00 2026\n"
               ">From me\n\nFrom you\n")
    yield message("plain")
    yield message("headers in the body", "Subject: no\n\nTo: nobody\n")


def fifty():
    rng = random.Random(1)
    found = [*_attachments(rng), *_octets(rng), *_dots(), *_ends(),
             *_lengths(rng), *_headers()]
    assert len(set(found)) == len(found) == 50, len(found)
    return found
