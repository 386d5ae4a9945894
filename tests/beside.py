"""A program beside pop3d, started for each connection of a UNIX socket, with
the configuration and the accounts of a test's server."""

import itertools
import os
import re
import signal
import subprocess

from daemon import PASSED_ON, SANITIZED, UNSANDBOXED, wait_until
import processes

_count = itertools.count(1)


def is_listening(path):
    with open("/proc/net/unix") as f:
        return any(words[-1] == path and words[3] == "00010000"
                   for words in map(str.split, f))


class Beside:
    def __init__(self, server, program, prefix=(), path=None, options=()):
        assert os.access(program, os.X_OK), \
            program + " is not there: make builds it"
        self.server = server
        self.program = program
        self.name = os.path.basename(program)
        self.path = path or os.path.join(
            server.directory, "%s%d" % (self.name[4:], next(_count)))
        self.log_file = self.path + ".log"
        self.log_start = 0
        environment = []
        for name in PASSED_ON:
            if name in os.environ:
                environment += ["-E", name]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [*prefix, "systemd-socket-activate", "-a", "--inetd",
                 *options, *environment, "-l", self.path, program, "-d",
                 "-f", server.conf],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        wait_until(lambda: is_listening(self.path), "it does not listen")

    def pids(self):
        return processes.running(self.program, self.server.conf)

    def wait_empty(self):
        wait_until(lambda: not self.pids(), "processes stay")

    def mark_log(self):
        """From here on log_lines() and wait_log() look."""
        self.log_start = os.path.getsize(self.log_file)

    def log(self):
        with open(self.log_file, "rb") as f:
            f.seek(self.log_start)
            return f.read().decode("utf-8", "backslashreplace")

    def log_lines(self):
        """Without the id that ends each line."""
        lines = re.findall(r"^%s\[\d+\]: (.*) id=[0-9a-f]{8}$" % self.name,
                           self.log(), re.M)
        return [line for line in lines
                if not (SANITIZED and line == UNSANDBOXED)]

    def wait_log(self, pattern):
        return wait_until(lambda: next(filter(None, (
            re.search(pattern, line) for line in self.log_lines())), None),
            "no %r in the log" % pattern)

    def stop(self):
        """The end of a test: nothing may stay, and nothing has crashed."""
        self.log_start = 0
        try:
            self.wait_empty()
            assert not re.search(
                r"Sanitizer|runtime error:|"
                r"was ended by signal (4|6|7|8|11|31) |"
                r"died with code (4|6|7|8|11|31)$",
                self.log(), re.M), self.log()
        finally:
            # Not strace alone, where it is the first of them.
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(20)
            for pid in self.pids():
                os.kill(pid, signal.SIGKILL)
