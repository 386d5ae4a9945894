"""pop3sasl, and a client of its protocol, as an SMTP server is one."""

import base64
import itertools
import os
import re
import signal
import socket
import subprocess

from daemon import HERE, PASSED_ON, SANITIZED, UNSANDBOXED, wait_until
from pop3 import plain
import processes

POP3SASL = os.path.abspath(os.environ.get("POP3SASL", HERE + "/../pop3sasl"))

SECONDS = 60  # that an answer may take before a test is given up


def b64(text):
    return base64.b64encode(
        text.encode() if isinstance(text, str) else text).decode()


_count = itertools.count(1)


def is_listening(path):
    with open("/proc/net/unix") as f:
        return any(words[-1] == path and words[3] == "00010000"
                   for words in map(str.split, f))


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


class SaslServer:
    """pop3sasl beside a server, with its configuration and accounts."""

    def __init__(self, server, prefix=(), path=None):
        assert os.access(POP3SASL, os.X_OK), \
            POP3SASL + " is not there: make builds it"
        self.server = server
        self.path = path or os.path.join(server.directory,
                                         "sasl%d" % next(_count))
        self.log_file = self.path + ".log"
        self.clients = []
        environment = []
        for name in PASSED_ON:
            if name in os.environ:
                environment += ["-E", name]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                list(prefix) + ["systemd-socket-activate", "-a", "--inetd",
                                *environment, "-l", self.path, POP3SASL,
                                "-d", "-f", server.conf],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        wait_until(lambda: is_listening(self.path), "it does not listen")

    def connect(self, **keywords):
        self.clients.append(Sasl(self.path, **keywords))
        return self.clients[-1]

    def pids(self):
        return processes.running(POP3SASL, self.server.conf)

    def wait_empty(self):
        wait_until(lambda: not self.pids(), "processes stay")

    def log(self):
        with open(self.log_file, "rb") as f:
            return f.read().decode("utf-8", "backslashreplace")

    def log_lines(self):
        """Without the id that ends each line."""
        lines = re.findall(r"^pop3sasl\[\d+\]: (.*) id=[0-9a-f]{8}$",
                           self.log(), re.M)
        return [line for line in lines
                if not (SANITIZED and line == UNSANDBOXED)]

    def wait_log(self, pattern):
        return wait_until(lambda: next(filter(None, (
            re.search(pattern, line) for line in self.log_lines())), None),
            "no %r in the log" % pattern)

    def stop(self):
        """The end of a test: nothing may stay, and nothing has crashed."""
        for client in self.clients:
            client.close()
        try:
            self.wait_empty()
            assert not re.search(
                r"Sanitizer|runtime error:|died with code (4|6|7|8|11|31)$",
                self.log(), re.M), self.log()
        finally:
            self.process.terminate()
            self.process.wait(20)
            for pid in self.pids():
                os.kill(pid, signal.SIGKILL)
