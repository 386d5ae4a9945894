"""pop3sasl, and a client of its protocol, as an SMTP server is one."""

import base64
import os
import socket

from beside import Beside
from daemon import HERE
from pop3 import plain

POP3SASL = os.path.abspath(os.environ.get("POP3SASL", HERE + "/../pop3sasl"))

SECONDS = 60  # that an answer may take before a test is given up


def b64(text):
    return base64.b64encode(
        text.encode() if isinstance(text, str) else text).decode()


class Sasl:
    """One connection; lines are text, without their newlines."""

    def __init__(self, path, greet="VERSION\t1\t1\nCPID\t1"):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(SECONDS)
        self.socket.connect(path)
        self.buffer = b""
        self.next_id = 0
        self.handshake = []
        if greet:
            self.send(greet)
            while not self.handshake or self.handshake[-1] != "DONE":
                self.handshake.append(self.line())

    def send(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def line(self):
        """The next line; None when the other side has closed."""
        while b"\n" not in self.buffer:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                assert self.buffer == b"", self.buffer
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode()

    def ask(self, user, password, mechanism="PLAIN", more="", service="smtp",
            rip="192.0.2.1", number=None):
        """Sends an AUTH and returns its id: nothing is waited for."""
        self.next_id = number or self.next_id + 1
        line = "AUTH\t%d\t%s\tservice=%s\tnologin" % (
            self.next_id, mechanism, service)
        if rip:
            line += "\tlip=192.0.2.9\trip=" + rip
        line += more
        if mechanism == "PLAIN":
            line += "\tresp=" + plain(user, password).decode()
        self.send(line)
        return self.next_id

    def answer(self):
        """(OK or FAIL, id, {parameter: value})."""
        words = self.line().split("\t")
        return words[0], int(words[1]), dict(
            word.partition("=")[::2] for word in words[2:])

    def login(self, user, password, **keywords):
        """The name of the account, or None after a refusal."""
        number = self.ask(user, password, **keywords)
        verdict, answered, parameters = self.answer()
        assert answered == number
        if verdict == "OK":
            assert set(parameters) == {"user"}
            return parameters["user"]
        assert verdict == "FAIL"
        return None

    def refused(self, *pairs, **keywords):
        """All these users and passwords, asked at once."""
        numbers = [self.ask(*pair, **keywords) for pair in pairs]
        return sorted(self.answer()[:2] for _ in pairs) == [
            ("FAIL", number) for number in numbers]

    def ended(self):
        assert self.line() is None

    def close(self):
        self.socket.close()


class SaslServer(Beside):
    def __init__(self, server, prefix=(), path=None):
        super().__init__(server, POP3SASL, prefix, path)
        self.clients = []

    def connect(self, **keywords):
        self.clients.append(Sasl(self.path, **keywords))
        return self.clients[-1]

    def stop(self):
        for client in self.clients:
            client.close()
        super().stop()
