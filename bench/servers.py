"""The servers that are measured: us, the limit, and peers from Debian."""

import os
import pwd
import re
import socket
import subprocess
import time

from mailboxes import (DIRECTORY, OWNER, copy_maildir, make_maildir,
                       make_mbox, make_numbered, own)
from measure import Group
from programs import BUILT, CERTIFICATE, TOP

AT_ONCE = 8  # users that there are, of whom the first has mail
PASSWORD = "secret"
PEERS = os.environ.get("BENCH_PEERS",
                       "dovecot cyrus courier popa3d mailutils").split()


class Absent(Exception):
    """A peer that cannot be had, or does not work, here."""


def uss(pid):
    """kB that are this process's alone."""
    try:
        with open("/proc/%d/smaps_rollup" % pid) as f:
            return sum(int(kb) for kb in re.findall(
                r"Private_(?:Clean|Dirty):\s+(\d+)", f.read()))
    except (FileNotFoundError, ProcessLookupError):
        return 0


class Client:
    """One session, which goes on as it is told."""

    def __init__(self, server, number=0):
        self.server = server
        user, password = server.users[number]
        self.process = subprocess.Popen(
            [BUILT + "/client", str(server.port), user, password],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def step(self, name):
        """(ms, ms of CPU, octets)"""
        before = self.server.group.used()
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().split()
        if not answer:
            raise Absent("%s: the client failed at %s"
                         % (self.server.name, name))
        used = self.server.group.used() - before
        return float(answer[1]) / 1000, used, int(answer[2])

    def end(self):
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.stdout.close()
        if self.process.wait() != 0:
            raise Absent("%s: a client failed" % self.server.name)


class Server:
    """Processes in a group of their own, and a port on loopback."""

    number = 0

    def __init__(self, name, command, port=None, listening=None, env=None):
        Server.number += 1
        self.name = name
        self.group = Group("%d" % Server.number)
        self.socket = listening or socket.socket()
        if listening is None and port is None:
            self.socket.bind(("127.0.0.1", 0))
            self.socket.listen(4096)  # as many as systemd lets wait
        self.port = port or self.socket.getsockname()[1]
        self.process = subprocess.Popen(
            command, stdin=self.socket.fileno(), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=env, preexec_fn=self.group.enter)

    def session(self, *steps):
        """{step: (ms, ms of CPU, octets)}, "all" that the session took."""
        before = self.group.settle()
        began = time.monotonic()
        client = Client(self)
        took = {step: client.step(step) for step in steps}
        client.end()
        took["all"] = ((time.monotonic() - began) * 1000,
                       self.group.settle() - before)
        return took

    def sessions(self, count, at_once):
        """Login, STAT and QUIT, so many at once, of each one."""
        before, began = self.group.settle(), time.monotonic()
        for _ in range(count // at_once):
            clients = [Client(self, n) for n in range(at_once)]
            for client in clients:
                client.process.stdin.write("login\nquit\n")
                client.process.stdin.flush()
            for client in clients:
                client.end()
        wall = (time.monotonic() - began) * 1000
        return {"session": (wall / count,
                            (self.group.settle() - before) / count)}

    def memory(self):
        """kB that one idle session adds."""
        self.group.settle()
        before = sum(uss(pid) for pid in self.group.pids())
        client = Client(self)
        client.step("login")
        self.group.settle()
        after = sum(uss(pid) for pid in self.group.pids())
        client.step("quit")
        client.end()
        return after - before

    def stop(self):
        self.group.end()
        self.process.wait()
        self.socket.close()


class Pop3d(Server):
    """inetd: started for each connection; else it listens by itself."""

    def __init__(self, directory, maildir, inetd=True, top=TOP,
                 name="pop3d"):
        os.makedirs(directory, exist_ok=True)
        self.top, self.conf = top, directory + "/pop3d.conf"
        with open(self.conf, "w") as f:
            f.write("hostname localhost\nkeypair %s %s\n"
                    "accounts %s/accounts.db\nowner %s\n"
                    "max-sessions-per-address 5000\nmax-sessions 5000\n"
                    % (*CERTIFICATE, directory, OWNER))
        if os.path.exists(directory + "/accounts.db"):
            os.unlink(directory + "/accounts.db")
        boxes = [maildir] + ["%s/empty%d" % (directory, n)
                             for n in range(1, AT_ONCE)]
        for box in boxes:
            make_maildir(box, 0, 0)
        self.users = [self.add("you%d@example.com" % n, box)
                      for n, box in enumerate(boxes)]
        command = [top + "/pop3d", "-f", self.conf]
        super().__init__(name, [BUILT + "/inetd"] * inetd + command)

    def add(self, user, maildir):
        self.ctl("add", user, "-m", maildir, stdin=PASSWORD)
        return user, self.ctl("app-password", "add", user, "bench")

    def ctl(self, *arguments, stdin=""):
        done = subprocess.run([self.top + "/pop3ctl", "-f", self.conf,
                               *arguments], input=stdin + "\n", text=True,
                              check=True, capture_output=True)
        return done.stdout.strip()

    def index(self):
        """... and the directories' times old enough to be trusted."""
        for _ in range(3):
            self.session("login", "quit")
            time.sleep(0.3)
        return self


class Limit(Server):
    users = [("you", PASSWORD)] * AT_ONCE

    def __init__(self, octets=None, inetd=True, program="limit",
                 name="limit"):
        more = [str(octets)] if octets else []
        super().__init__(name, [BUILT + "/inetd"] * inetd +
                         [BUILT + "/" + program, *CERTIFICATE, *more])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def enter(peer, mode, **env):
    """The command that starts a peer, and its environment."""
    owner = pwd.getpwnam(OWNER)
    return ([TOP + "/bench/peers/enter", "%s/root-%s%s"
             % (DIRECTORY, peer, mode), TOP + "/bench/peers/" + peer],
            dict(os.environ, BENCH_DIR=DIRECTORY, PEER_MODE=mode,
                 PEER_USERS=" ".join(user for user, _ in Peer.users),
                 PEER_PASSWORD=PASSWORD,
                 PEER_UID=str(owner.pw_uid), PEER_GID=str(owner.pw_gid),
                 PEER_CERT=CERTIFICATE[0], PEER_KEY=CERTIFICATE[1], **env))


def install(peer, mode=""):
    """What it needs, before anything is measured."""
    command, env = enter(peer, mode, PEER_INSTALL="yes")
    subprocess.run(command, env=env, check=False)


class Peer(Server):
    """A server from Debian, as bench/peers/NAME sets it up, with a copy of a
    Maildir of its own (popa3d: an mbox)."""

    users = [("bench%d" % n, PASSWORD) for n in range(AT_ONCE)]

    def __init__(self, peer, directory, maildir, mode=""):
        home = "%s/peer-%s%s" % (directory, peer, mode)
        self.bring_mail(peer, home, maildir)
        own(home)
        port, self.log = free_port(), home + ".log"
        command, env = enter(peer, mode, PEER_HOME=home, PEER_LOG=self.log,
                             PEER_PORT=str(port))
        super().__init__("%s, %s" % (peer, mode) if mode else peer, command,
                         port=port, env=env)
        self.wait()

    @staticmethod
    def bring_mail(peer, home, maildir):
        """The first user's, to where the others have none."""
        if os.path.exists(home) and peer in ("popa3d", "cyrus"):
            return
        first = "%s/%s" % (home, Peer.users[0][0])
        os.makedirs(first, exist_ok=True)
        for user, _ in Peer.users[1:]:
            make_maildir("%s/%s/Maildir" % (home, user), 0, 0)
        if peer == "popa3d":
            os.makedirs(home + "/spool")
            make_mbox(maildir, home + "/spool/" + Peer.users[0][0])
        elif peer == "cyrus":
            os.makedirs(home + "/spool")
            make_numbered(maildir, home + "/spool")
        else:
            copy_maildir(maildir, first + "/Maildir")

    def wait(self):
        """Until it listens."""
        while self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.1)
        self.stop()
        raise Absent("%s does not start: see %s" % (self.name, self.log))
