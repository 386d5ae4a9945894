"""The servers that are measured: us, the limit, and peers from Debian."""

import ctypes
import os
import pwd
import shutil
import socket
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OWNER = "mail"  # a user of every Debian, and not root
USER = "you@example.com"
PASSWORD = "secret"
BENCH_DIR = os.environ.get("BENCH_DIR", "/tmp/pop3d-bench")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return {int(p) for p in f.read().split()}


daemons = set()  # children of ours that go on


class Inetd:
    """Starts a program for each connection, as inetd does, and adds up what
    its whole process tree used: orphans come to the subreaper."""

    def __init__(self, command):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
        self.command = command
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(1)
        self.port = self.socket.getsockname()[1]

    def accept(self):
        connection, _ = self.socket.accept()
        fd = connection.fileno()
        os.set_inheritable(fd, True)
        null = os.open("/dev/null", os.O_WRONLY)
        pid = os.posix_spawn(
            self.command[0], self.command, os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, fd, 0),
                          (os.POSIX_SPAWN_DUP2, fd, 1),
                          (os.POSIX_SPAWN_DUP2, null, 2),
                          (os.POSIX_SPAWN_CLOSE, fd)])
        os.close(null)
        connection.close()
        return pid

    def reap(self, client):
        """CPU of all children but the client, ms, when all have ended."""
        used = 0.0
        while children(os.getpid()) - daemons:
            pid, status, usage = os.wait4(-1, 0)
            if pid == client.pid:
                client.returncode = os.waitstatus_to_exitcode(status)
            else:
                used += usage.ru_utime + usage.ru_stime
        return used * 1000

    def stop(self):
        self.socket.close()


class Daemon:
    """A server that listens by itself; its CPU is not added up."""

    def __init__(self, port):
        self.port = port

    def accept(self):
        return None

    def reap(self, client):
        client.wait()
        return None


class Pop3d(Inetd):
    name = "pop3d"
    user = USER

    def __init__(self, directory, maildir, certificate):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        conf = directory + "/pop3d.conf"
        with open(conf, "w") as f:
            f.write("hostname localhost\nkeypair %s %s\n"
                    "accounts %s/accounts.db\nowner %s\n"
                    % (*certificate, directory, OWNER))
        if os.path.exists(directory + "/accounts.db"):
            os.unlink(directory + "/accounts.db")
        self.conf = conf
        self.ctl("add", USER, "-m", maildir, stdin=PASSWORD)
        self.password = self.ctl("app-password", "add", USER, "bench")
        super().__init__([TOP + "/pop3d", "-f", conf])

    def ctl(self, *arguments, stdin=""):
        done = subprocess.run([TOP + "/pop3ctl", "-f", self.conf,
                               *arguments], input=stdin + "\n", text=True,
                              check=True, capture_output=True)
        return done.stdout.strip()


class Limit(Inetd):
    name = "limit"
    user = USER
    password = PASSWORD

    def __init__(self, certificate, octets=None):
        more = [str(octets)] if octets else []
        super().__init__([TOP + "/build/bench/limit", *certificate, *more])


class Absent(Exception):
    """A peer that cannot be had, or does not work, here."""


class Peer(Daemon):
    """A server from Debian, as bench/peers/NAME sets it up, with a copy of a
    Maildir of its own (popa3d: an mbox)."""

    password = PASSWORD
    user = "bench"

    def __init__(self, name, directory, maildir, certificate, mode=""):
        super().__init__(free_port())
        self.name = name
        home = "%s/peer-%s" % (directory, name)
        if name != "popa3d":
            copy_maildir(maildir, home + "/Maildir")
        elif not os.path.exists(home):
            make_mbox(maildir, home + "/spool")
        owner = pwd.getpwnam(OWNER)
        os.chown(home, owner.pw_uid, owner.pw_gid)
        peers = TOP + "/bench/peers/"
        self.process = subprocess.Popen(
            [peers + "enter", "%s/root-%s%s" % (BENCH_DIR, name, mode),
             peers + name],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=dict(os.environ, BENCH_DIR=BENCH_DIR, PEER_HOME=home,
                     PEER_MODE=mode,
                     PEER_PORT=str(self.port), PEER_USER=self.user,
                     PEER_PASSWORD=PASSWORD, PEER_UID=str(owner.pw_uid),
                     PEER_GID=str(owner.pw_gid), PEER_CERT=certificate[0],
                     PEER_KEY=certificate[1]))
        daemons.add(self.process.pid)
        self.wait()

    def wait(self):
        """Until it listens: the first time it has to be installed."""
        while self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.1)
        daemons.remove(self.process.pid)
        raise Absent("%s does not start: see %s/root-%s/log"
                     % (self.name, BENCH_DIR, self.name))

    def stop(self):
        self.process.kill()
        self.process.wait()
        daemons.discard(self.process.pid)


PEERS = ("dovecot", "courier", "popa3d", "mailutils")


def make_mbox(maildir, directory):
    os.makedirs(directory)
    with open(directory + "/" + Peer.user, "wb") as mbox:
        for name in sorted(os.listdir(maildir + "/cur")):
            mbox.write(b"From b Thu Jan  1 00:00:00 1970\n")
            with open(maildir + "/cur/" + name, "rb") as f:
                mbox.write(f.read() + b"\n")
    owner = pwd.getpwnam(OWNER)
    for path in (directory, mbox.name):
        os.chown(path, owner.pw_uid, owner.pw_gid)


def copy_maildir(source, target):
    """A copy with all of the source's messages and no index; one that is
    there already gets back what it lacks."""
    os.makedirs(target, exist_ok=True)
    for name in os.listdir(target):
        if name not in ("cur", "new", "tmp"):
            subprocess.run(["rm", "-rf", target + "/" + name], check=True)
    for sub in ("cur", "new", "tmp"):
        subprocess.run(["cp", "-an", source + "/" + sub, target], check=True)
    shutil.copystat(source, target)
    owner = os.stat(source)
    os.chown(target, owner.st_uid, owner.st_gid)
