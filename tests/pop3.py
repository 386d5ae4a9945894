"""A raw POP3S client: it shows the octets as they are on the wire."""

import base64
import re
import socket
import ssl
import struct

SECONDS = 60  # that an answer may take before a test is given up


def wire(data):
    """What a file is on the wire, dots not stuffed (RFC 1939, section 3).

    Written independently of common/wire.c: it is what LIST must count.
    """
    data = re.sub(rb"\r?\n", b"\r\n", data)
    if data and not data.endswith(b"\n"):
        data += b"\r\n"
    return data


def stuff(data):
    """Doubles the dots at the beginnings of the lines of wire octets."""
    return re.sub(rb"(^|\n)\.", rb"\1..", data)


def unstuff(data):
    """Takes the doubled dots away; a dot alone is a mistake of the server."""
    assert not re.search(rb"(?:^|\n)\.(?!\.)", data), "a dot is not stuffed"
    return re.sub(rb"(^|\n)\.\.", rb"\1.", data)


def top(data, lines):
    """What TOP n lines must send of a file, dots not stuffed."""
    data = wire(data)
    parts = re.split(rb"(?:(?<=\n)|^)\r\n", data, maxsplit=1)
    if len(parts) == 1:
        return data
    body = parts[1].split(b"\n")
    rest = [line + b"\n" for line in body[:-1]]
    return parts[0] + b"\r\n" + b"".join(rest[:lines])


def plain(user, password, authzid=b""):
    """The initial response of AUTH PLAIN, in base64."""
    if isinstance(user, str):
        user = user.encode()
    if isinstance(password, str):
        password = password.encode()
    return base64.b64encode(authzid + b"\0" + user + b"\0" + password)


class Pop3:
    """One connection.  Lines and data are bytes; CRLF is checked and cut."""

    def __init__(self, port, cafile, *, greeting=True, name="mail.example.com",
                 minimum=None, maximum=None, before=b"", host="127.0.0.1"):
        context = ssl.create_default_context(cafile=cafile)
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
        if minimum is not None:
            context.minimum_version = minimum
        if maximum is not None:
            context.maximum_version = maximum
        self.buffer = bytearray()
        self.address = None
        self.goodbye = None  # did TLS end as it should?
        raw = socket.create_connection((host, port), SECONDS)
        self.local_port = raw.getsockname()[1]
        self.server_port = port
        try:
            raw.sendall(before)  # TLS
            self.socket = context.wrap_socket(
                raw, server_hostname=name, suppress_ragged_eofs=False)
        except BaseException:
            raw.close()
            raise
        self.greeting = self.line() if greeting else None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    # Raw octets.

    def send(self, data):
        """Sends octets as they are."""
        if isinstance(data, str):
            data = data.encode()
        self.socket.sendall(data)

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError("the server closed the connection")
        self.buffer += data

    def _take(self, length, skip=0):
        """Takes length octets off the buffer, and skip more away."""
        data = bytes(self.buffer[:length])
        del self.buffer[:length + skip]
        return data

    def line(self):
        """One line, which must end in CRLF, without it."""
        while b"\n" not in self.buffer:
            self._more()
        line = self._take(self.buffer.index(b"\n"), 1)
        assert line.endswith(b"\r"), "a line without CR: %r" % line
        assert b"\r" not in line[:-1], "a CR within a line: %r" % line
        return line[:-1]

    def multiline(self):
        """The octets up to the line ".", as sent: with stuffed dots."""
        seen = 0
        while not self.buffer.startswith(b".\r\n"):
            at = self.buffer.find(b"\n.\r\n", max(0, seen - 4))
            if at != -1:
                return self._take(at + 1, 3)
            seen = len(self.buffer)
            self._more()
        return self._take(0, 3)

    def lines_exact(self):
        """A multi-line answer as a list of lines, dots unstuffed."""
        data = unstuff(self.multiline())
        assert data == b"" or data.endswith(b"\r\n")
        return data.split(b"\r\n")[:-1]

    def rest(self):
        """Everything until the server closes the connection."""
        try:
            while True:
                self._more()
        except EOFError:
            self.goodbye = True
        except (ssl.SSLError, ConnectionError):
            self.goodbye = False
        return self._take(len(self.buffer))

    def ended(self):
        """The server has nothing more to say and closes the connection."""
        assert self.rest() == b""

    # Commands.

    def command(self, line):
        """Sends a line and returns the first line of the answer."""
        if isinstance(line, str):
            line = line.encode()
        self.send(line + b"\r\n")
        return self.line()

    def ok(self, line=None):
        """The answer, to the line if given, is +OK; returns what follows."""
        answer = self.line() if line is None else self.command(line)
        assert answer == b"+OK" or answer.startswith(b"+OK "), \
            "%r answered %r" % (line, answer)
        return answer[4:]

    def err(self, line=None, code=None):
        """The answer is -ERR with this response code, or with none."""
        answer = self.line() if line is None else self.command(line)
        assert answer.startswith(b"-ERR "), \
            "%r answered %r" % (line, answer)
        found = re.match(rb"-ERR \[([^]]*)\]", answer)
        found = found.group(1).decode() if found else None
        assert found == code, "%r answered %r" % (line, answer)
        return answer[5:]

    def login(self, address, password="secret"):
        """USER and PASS; returns self."""
        self.ok("USER " + address)
        self.ok("PASS " + password)
        self.address = address
        return self

    def stat(self):
        answer = re.fullmatch(rb"(\d+) (\d+)", self.ok("STAT"))
        assert answer
        return int(answer.group(1)), int(answer.group(2))

    def list(self):
        """{number: octets}."""
        self.ok("LIST")
        lines = [re.fullmatch(rb"(\d+) (\d+)", line)
                 for line in self.lines_exact()]
        assert all(lines)
        return {int(m.group(1)): int(m.group(2)) for m in lines}

    def uidl(self):
        """{number: unique identifier}; each has its form (I4)."""
        self.ok("UIDL")
        lines = [re.fullmatch(rb"(\d+) ([\x21-\x7e]{1,70})", line)
                 for line in self.lines_exact()]
        assert all(lines)
        found = {int(m.group(1)): m.group(2).decode() for m in lines}
        assert len(set(found.values())) == len(found) == len(lines)
        return found

    def retr(self, number):
        """The message's octets, dots unstuffed."""
        self.ok("RETR %d" % number)
        return unstuff(self.multiline())

    def top(self, number, lines):
        self.ok("TOP %d %d" % (number, lines))
        return unstuff(self.multiline())

    def quit(self):
        """QUIT, which must be answered with +OK, and the end."""
        self.ok("QUIT")
        self.ended()
        assert self.goodbye, "no close_notify after QUIT"
        self.close()

    # Ends without QUIT.

    def shutdown(self):
        """EOF from the client, without TLS's goodbye; reading goes on."""
        socket.socket.shutdown(self.socket, socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def reset(self):
        """Vanishes by a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
        self.socket.close()
