"""The servers that are measured: us, the limit, and peers from Debian."""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OWNER = "mail"  # a user of every Debian, and not root
USER = "you@example.com"
PASSWORD = "secret"


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
    password = PASSWORD

    def __init__(self, certificate, octets=None):
        more = [str(octets)] if octets else []
        super().__init__([TOP + "/build/bench/limit", *certificate, *more])


class Dovecot(Daemon):
    """As shipped, but for where things are: a login process and a pop3
    process for each session, indexes in the Maildir."""

    name = "dovecot"
    password = PASSWORD

    @staticmethod
    def missing():
        return None if os.path.exists("/usr/lib/dovecot/pop3-login") else \
            "dovecot-pop3d is not installed"

    def __init__(self, directory, maildir, certificate):
        super().__init__(free_port())
        os.makedirs(directory, exist_ok=True)
        user = pwd.getpwnam(OWNER)
        with open(directory + "/passwd", "w") as f:
            f.write("%s:{PLAIN}%s:%d:%d::%s\n" % (USER, PASSWORD, user.pw_uid,
                                                  user.pw_gid, directory))
        conf = directory + "/dovecot.conf"
        with open(conf, "w") as f:
            f.write("""
base_dir = %(d)s/run
log_path = %(d)s/log
protocols = pop3
ssl = required
ssl_cert = <%(c)s
ssl_key = <%(k)s
mail_location = maildir:%(m)s
first_valid_uid = 1
passdb {
  driver = passwd-file
  args = %(d)s/passwd
}
userdb {
  driver = passwd-file
  args = %(d)s/passwd
}
service pop3-login {
  inet_listener pop3 {
    port = 0
  }
  inet_listener pop3s {
    address = 127.0.0.1
    port = %(p)d
  }
}
""" % {"d": directory, "c": certificate[0], "k": certificate[1],
                "m": maildir, "p": self.port})
        self.process = subprocess.Popen(["dovecot", "-F", "-c", conf],
                                        stderr=subprocess.DEVNULL)
        daemons.add(self.process.pid)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.1)
        raise SystemExit("dovecot does not start: see %s/log" % directory)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        daemons.remove(self.process.pid)


def copy_maildir(source, target):
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", source, target], check=True)
    shutil.rmtree(target + "/pop3d", ignore_errors=True)
