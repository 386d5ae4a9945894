"""An mbox, as delivery agents write it."""

import re
import time


def from_line(seconds):
    return b"From me@example.com %s\n" % time.asctime(
        time.localtime(seconds)).encode()


def entry(message, seconds, kind="rd"):
    """A message as it stands in an mbox of that kind: o, rd or cl2."""
    if kind == "cl2":
        head, blank, body = message.partition(b"\n\n")
        message = b"%s\nContent-Length: %d%s%s" % (
            head.rstrip(b"\n"), len(body), blank or b"\n\n", body)
    else:
        pattern = rb"^(>*From )" if kind == "rd" else rb"^(From )"
        message = re.sub(pattern, rb">\1", message, flags=re.M)
    if not message.endswith(b"\n"):
        message += b"\n"
    return from_line(seconds) + message + b"\n"


def mbox(messages, kind="rd", first=1700000000):
    """All of them, one second after the other."""
    return b"".join(entry(message, first + n, kind)
                    for n, message in enumerate(messages))


def with_newline(message):
    """What an mbox keeps of a message: its last line ends."""
    return message if message.endswith(b"\n") else message + b"\n"
