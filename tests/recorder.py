"""Stands between a client and pop3d, and notes what the client says.

A command is handed on when the one before has been answered; a client whose
next one is here before that answer pipelines (RFC 2449, section 6.6).
"""

import re
import select
import socket
import ssl
import threading

LONG = {b"CAPA", b"RETR", b"TOP"}  # the answers to which have many lines
LONG_ALONE = {b"LIST", b"UIDL", b"AUTH"}


class Recorder:
    """With the certificate of the server, on a port of its own.

    sessions holds a list for each: the commands, without what is secret.
    """

    def __init__(self, server):
        self.server = server
        self.keypair = server.keypair
        self.sessions = []
        self.pipelines = False
        self.errors = []
        self.threads = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*server.keypair)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._accept)
        self.thread.start()

    def close(self):
        """Waits for the sessions' ends."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(60)
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "a session does not end"
        assert not self.errors, self.errors

    def commands(self):
        """Those of all sessions, each once, in their order."""
        return list(dict.fromkeys(
            word for session in self.sessions for word in session))

    def _accept(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(
                target=self._serve, args=(raw,)))
            self.threads[-1].start()

    def _serve(self, raw):
        try:
            with self._upstream() as up, self.context.wrap_socket(
                    raw, server_side=True) as client:
                Session(self, client, up).run()
        except (ConnectionError, ssl.SSLError, EOFError):
            pass  # clients leave as they like
        except Exception as error:  # close() raises it
            self.errors.append(repr(error))
        finally:
            raw.close()

    def _upstream(self):
        context = ssl.create_default_context(cafile=self.keypair[0])
        return context.wrap_socket(
            socket.create_connection(("127.0.0.1", self.server.port), 60),
            server_hostname="localhost")


class Session:
    def __init__(self, recorder, client, up):
        self.recorder = recorder
        self.client = client
        self.up = up.makefile("rb")
        self.send_up = up.sendall
        self.buffer = b""
        self.words = []
        recorder.sessions.append(self.words)

    def run(self):
        self.client.sendall(self._line_up())
        while True:
            line = self._command()
            self._note(line)
            self.send_up(line)
            answer = self._answer(line)
            self._look_ahead()
            self.client.sendall(answer)
            if self.words[-1] == "QUIT":
                return

    def _line_up(self):
        line = self.up.readline()
        if not line:
            raise EOFError
        return line

    def _command(self):
        while b"\n" not in self.buffer:
            data = self.client.recv(16384)
            if not data:
                raise EOFError
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line + b"\n"

    def _note(self, line):
        found = re.match(rb"(?:(AUTH) +)?([A-Za-z][-\w]*)", line)
        assert found, line
        self.words.append(b" ".join(filter(None, found.groups())).decode()
                          .upper())

    def _look_ahead(self):
        """What the client has said before it is answered."""
        if self.client.pending() or select.select([self.client], [], [], 0)[0]:
            self.client.setblocking(False)
            try:
                self.buffer += self.client.recv(16384)
            except ssl.SSLWantReadError:
                pass  # TLS's own
            self.client.setblocking(True)
        if b"\n" in self.buffer:
            self.recorder.pipelines = True

    def _answer(self, line):
        first = self._line_up()
        if first.startswith(b"+ "):  # AUTH: what comes next is the secret
            self.client.sendall(first)
            self.send_up(self._command())
            return self._line_up()
        words = line.upper().split()
        if not first.startswith(b"+OK") or not (
                words[0] in LONG or words in [[w] for w in LONG_ALONE]):
            return first
        lines = [first]
        while lines[-1] != b".\r\n":
            lines.append(self._line_up())
        return b"".join(lines)
