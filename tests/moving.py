"""The chapters of pop3d-moving(7), typed by an administrator, and the clients
that are not to notice.

The commands come out of the page.  What they would reach of the system is put
in its place: systemctl is a script that knows what its units are here.
"""

import os
import re
import shutil
import subprocess

import pytest

import daemon
from daemon import HERE, POP3CTL, POP3D, Server, make_certificate, \
    temporary_directory
from test_clients import Fetchmail, Getmail, Mpop, compare

PAGE = HERE + "/../man/pop3d-moving.7"


def commands(title):
    """Those of a chapter, in order."""
    with open(PAGE) as f:
        chapter = re.search(r"^\.Sh %s\n(.*?)^\.Sh " % title, f.read(),
                            re.M | re.S).group(1)
    block = re.search(r"^\.Bd -literal.*?\n(.*?)^\.Ed", chapter,
                      re.M | re.S).group(1)
    found = re.findall(r"^# (.*)$", block, re.M)
    assert len(found) >= 3
    return found


class Administrator:
    """units: {what systemctl is told: what does it here, a command of sh};
    programs: {name: the command it stands for}; paths: {of the page: here}.
    started tells whether pop3d.socket was, which is all that happens to it.
    """

    def __init__(self, server, units, programs=(), paths=()):
        self.directory = server.directory + "/administrator"
        self.paths = dict(paths)
        self.started_file = self.directory + "/started"
        os.mkdir(self.directory)
        units = {"enable --now pop3d.socket": ">" + self.started_file,
                 **units}
        self._script("systemctl", 'case "$*" in\n%s*) exit 1 ;;\nesac\n'
                     % "".join("'%s') %s ;;\n" % unit
                               for unit in units.items()))
        programs = {"pop3ctl": POP3CTL + " -f " + server.conf,
                    "pop3d": POP3D + " -f " + server.conf, **dict(programs)}
        for name, command in programs.items():
            self._script(name, 'exec %s "$@"\n' % command)

    def _script(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as f:
            f.write("#!/bin/sh -e\n" + text)
        os.chmod(path, 0o755)

    @property
    def started(self):
        return os.path.exists(self.started_file)

    def type(self, command):
        """What it printed; it must succeed."""
        for path, here in self.paths.items():
            command = command.replace(path, here)
        done = subprocess.run(
            ["sh", "-ec", command], capture_output=True, text=True,
            env={**os.environ, "PATH": self.directory + ":" +
                 os.environ["PATH"]})
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def follow(self, title):
        """Types all of a chapter: {command: what it printed}."""
        said = {command: self.type(command) for command in commands(title)}
        assert self.started
        return said


@pytest.fixture
def localhost(monkeypatch):
    """A server that comes back on its port after it was paused."""
    directory = temporary_directory()
    server = Server(make_certificate(directory, "localhost"))
    port = server.port
    monkeypatch.setattr(daemon, "free_port", lambda: port)
    yield server
    server.stop()
    shutil.rmtree(directory)


def pause(server):
    server.wait_empty()
    server.process.terminate()
    server.process.wait(20)
    server.process = None


def clients(account, directory):
    """Those that leave mail on the server, each in a directory of its own."""
    made = []
    for client in (Fetchmail, Mpop, Getmail):
        home = directory / client.__name__
        home.mkdir()
        made.append(client(account, str(home)))
    return made


def poll_exactly(pollers, expected):
    for poller in pollers:
        poller.poll(delete=False)
        compare(poller.fetched(), [poller.stored(data) for data in expected])


def lose_index(account):
    """All but the ids from elsewhere."""
    account.server.wait_empty()
    for name in os.listdir(account.maildir.path + "/pop3d"):
        if name != "uidls":
            os.unlink(os.path.join(account.maildir.path, "pop3d", name))
