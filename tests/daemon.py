"""pop3d under the parents that start it in real life."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from maildir import Maildir
from pop3 import Pop3
import processes

HERE = os.path.dirname(os.path.abspath(__file__))
POP3D = os.path.abspath(os.environ.get("POP3D", HERE + "/../pop3d"))
# bcrypt, 2^4 rounds.
HASH_OF_SECRET = ("$2b$04$abcdefghijklmnopqrstuu"
                  "2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW")
POP3CTL = os.path.abspath(os.environ.get("POP3CTL", HERE + "/../pop3ctl"))
HOSTNAME = "mail.example.com"
# The settings of an account to which nothing else was said.
NEW_ACCOUNT = {
    "access": "all", "spam": "exclude", "auto-delete": "yes",
    "keep": "forever", "mark-read": "no", "two-factor": "off", "send": "yes",
    "self-service": "yes"}
ROOT = os.geteuid() == 0

# What a build with sanitizers, which need more, says of itself.
UNSANDBOXED = "sandbox: this system is without seccomp"


def is_sanitized():
    with open(POP3D, "rb") as f:
        return b"__asan_init" in f.read()


SANITIZED = os.path.exists(POP3D) and is_sanitized()


def is_static():
    """No dynamic linker is named among its first headers."""
    with open(POP3D, "rb") as f:
        return b"/ld-" not in f.read(4096)


STATIC = os.path.exists(POP3D) and is_static()

# Of all the environment only this reaches a socket-activated program.
PASSED_ON = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS",
             "LLVM_PROFILE_FILE", "TZ")


def is_of_libressl():
    """By the libcrypto that pop3d is linked with."""
    path = re.search(r"libcrypto\S* => (\S+)", subprocess.check_output(
        ["ldd", POP3D], text=True))
    if not path:
        return False
    with open(path.group(1), "rb") as f:
        return b"LibreSSL " in f.read()


def system_user(name):
    """A user that is made, as an installation does, where it is missing."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        subprocess.run(["useradd", "-r", "-s", "/usr/sbin/nologin", "-d",
                        "/nonexistent", name], check=True)
        return pwd.getpwnam(name)


def owner():
    """Whose mailboxes the tests use."""
    if not ROOT:
        return pwd.getpwuid(os.geteuid())
    system_user("_pop3d")
    return system_user("vmail")


def temporary_directory():
    """One that mailbox owners can pass through, as pytest's cannot."""
    path = tempfile.mkdtemp(prefix="pop3d-test-", dir="/tmp")
    os.chmod(path, 0o755)
    return path


def make_certificate(directory, name=HOSTNAME, days=30):
    """A self-signed EC certificate; returns the paths (certificate, key)."""
    cert = os.path.join(directory, name + ".crt")
    key = os.path.join(directory, name + ".key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days),
         "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:" + name,
         "-keyout", key, "-out", cert],
        check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.chmod(key, 0o600)
    return cert, key


def preloaded(directory, name):
    """A library for LD_PRELOAD, from a source of that name beside this."""
    if STATIC:
        pytest.skip("linked statically: nothing can be loaded before it")
    library = os.path.join(directory, name + ".so")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o",
                    library, os.path.join(HERE, name + ".c"), "-ldl"],
                   check=True)
    return library


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, what, seconds=20):
    """Polls until condition() is true and returns it; else the test fails."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "in vain: " + what
        time.sleep(0.01)


class Account:
    def __init__(self, server, address, password, mailbox):
        self.server = server
        self.address = address
        self.password = password
        self.maildir = mailbox

    def login(self, **keywords):
        """A new connection, logged in."""
        return self.server.connect(**keywords).login(
            self.address, self.password)


class Server:
    """pop3d in a directory of its own.

    parent is "systemd" (systemd-socket-activate --inetd), "listen-fds" (the
    same with the socket on descriptor 3) or "inetd" (openbsd-inetd); or, with
    a listener, "systemd-wait" (as Accept=no is) and "inetd-wait".  Where the
    test does not care, POP3D_PARENT in the environment says which.  The
    keywords timeout_login and so on go into pop3d.conf, extra is added to it
    as it is.  All that pop3d logs is found
    in a file: it runs with -d and has that file for standard error, unless
    debug is False: then inetd starts it as administrators do, and its log
    goes to syslog alone.  prefix comes before the parent's command;
    environment is handed on by systemd; a user who could not reach the build
    has a copy of the program for himself.
    """

    def __init__(self, keypair, parent=None, extra="", debug=True, prefix=(),
                 addresses=("127.0.0.1",), copied=False, environment=None, **settings):
        for program in (POP3D, POP3CTL):
            assert os.access(program, os.X_OK), \
                program + " is not there: make builds it"
        self.directory = temporary_directory()
        self.conf = os.path.join(self.directory, "pop3d.conf")
        self.log_file = os.path.join(self.directory, "log")
        self.mail = os.path.join(self.directory, "mail")
        self.owner = owner()
        self.keypair = keypair
        self.program = POP3D
        if copied:
            self.program = shutil.copy(POP3D, self.directory + "/pop3d")
        self.parent = parent or os.environ.get("POP3D_PARENT", "systemd")
        self.addresses = addresses
        self.debug = debug
        self.prefix = list(prefix)
        self.environment = environment or {}
        self.clients = []
        self.accounts = 0
        self.log_start = 0
        self.process = None
        os.mkdir(os.path.join(self.directory, "db"), 0o700)
        os.mkdir(self.mail, 0o755)
        if ROOT:
            os.chown(self.mail, self.owner.pw_uid, self.owner.pw_gid)
        self.configure(extra, **settings)
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def configure(self, extra="", **settings):
        """Writes pop3d.conf; it counts from the next connection on."""
        lines = ["hostname " + HOSTNAME, "keypair %s %s" % self.keypair,
                 "accounts %s/db/accounts.db" % self.directory,
                 "maildir %s/%%d/%%u/Maildir" % self.mail, "user _pop3d",
                 "owner " + self.owner.pw_name]
        words = {"timeout_login": "timeout login",
                 "timeout_idle": "timeout idle",
                 "timeout_listener": "timeout listener",
                 "max_failures": "max-failures",
                 "max_sessions": "max-sessions",
                 "per_address": "max-sessions-per-address"}
        lines += ["%s %d" % (words[k], v) for k, v in settings.items()]
        with open(self.conf + ".tmp", "w") as f:
            f.write("\n".join(lines) + "\n" + extra)
        os.rename(self.conf + ".tmp", self.conf)

    # The parent.

    def _systemd(self):
        environment = []
        for name in PASSED_ON:
            if name in os.environ:
                environment += ["-E", name]
        for name, value in self.environment.items():
            environment += ["-E", "%s=%s" % (name, value)]
        how = {"systemd": ["-a", "--inetd"], "listen-fds": ["-a"],
               "systemd-wait": []}[self.parent]
        for address in self.addresses:
            how += ["-l", "%s:%d" % (address, self.port)]
        return (["systemd-socket-activate"] + how + environment +
                [self.program, "-d", "-f", self.conf])

    def _inetd_command(self):
        if not self.debug:
            return "%s %s -f %s" % (self.program, self.program, self.conf)
        # Under inetd descriptor 2 is the client: a script turns it away.
        script = os.path.join(self.directory, "run")
        with open(script, "w") as f:
            f.write("#!/bin/sh\nexec %s -d -f %s 2>>%s\n"
                    % (self.program, self.conf, self.log_file))
        os.chmod(script, 0o755)
        return script + " pop3d"

    def _inetd(self):
        table = os.path.join(self.directory, "inetd.conf")
        with open(table, "w") as f:
            f.write("127.0.0.1:%d stream tcp4 %s %s %s\n"
                    % (self.port, self.parent[5:].strip("-") or "nowait",
                       pwd.getpwuid(os.geteuid()).pw_name,
                       self._inetd_command()))
        return ["/usr/sbin/inetd", "-i", "-E", "-R", "10000", table]

    def start(self):
        self.port = free_port()
        make = (self._inetd if self.parent.startswith("inetd")
                else self._systemd)
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                self.prefix + make(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, start_new_session=True)
        wait_until(lambda: processes.listening(self.port),
                   "%s does not listen" % self.parent)

    def stop(self):
        """Ends the parent and what is left of its children; removes all."""
        for client in self.clients:
            client.close()
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None
        for pid in processes.running(self.program, self.conf):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.directory)

    # Accounts.

    def ctl(self, *arguments, stdin="", check=True):
        """Runs pop3ctl; returns the finished process, with its output."""
        done = subprocess.run(
            [POP3CTL, "-f", self.conf] + list(arguments), input=stdin,
            text=True, capture_output=True, timeout=120)
        assert not check or done.returncode == 0, \
            "pop3ctl %s: %s" % (" ".join(arguments), done.stderr)
        return done

    def add_account(self, address=None, password="secret", maildir=None,
                    owner=None):
        """Adds an account by pop3ctl, and its empty Maildir.  "secret" comes
        with a hash that costs little: few tests are about what it costs."""
        self.accounts += 1
        address = address or "user%d@example.com" % self.accounts
        local, domain = address.rsplit("@", 1)
        places = {"maildir": maildir, "owner": owner}
        places = {key: value for key, value in places.items() if value}
        if password == "secret":
            self.ctl("import", "-", stdin=" ".join(
                [address, "hash=" + HASH_OF_SECRET,
                 *("%s=%s" % place for place in places.items())]) + "\n")
        else:
            self.ctl("add", address, *(
                argument for key, value in places.items()
                for argument in ("-" + key[0], value)), stdin=password + "\n")
        user = pwd.getpwnam(owner) if owner else self.owner
        path = maildir or os.path.join(self.mail, domain, local, "Maildir")
        return Account(self, address, password,
                       Maildir(path, user.pw_uid, user.pw_gid))

    # Connections.

    def connect(self, **keywords):
        """A Pop3 client, closed at the end of the test."""
        client = Pop3(self.port, self.keypair[0], **keywords)
        self.clients.append(client)
        return client

    def connect_raw(self):
        """A TCP connection without TLS."""
        raw = socket.create_connection(("127.0.0.1", self.port), 60)
        self.clients.append(raw)
        return raw

    def processes(self, client):
        """The Processes of this client's connection."""
        return processes.of_connection(self.port, client.local_port)

    def pids(self):
        """All processes of this server's sessions, wherever they hang."""
        return [pid for pid in processes.running(self.program, self.conf)
                if pid not in [self.listener(), *self.keys()]]

    def listener(self):
        """The process that is inetd's child, or was systemd's; or None."""
        if not self.parent.endswith("wait") or self.process is None:
            return None
        for pid in processes.running(self.program, self.conf):
            if self.process.pid in (pid, processes.parent_of(pid)):
                return pid
        return None

    def keys(self):
        """The listener's children that have neither its uid nor an owner's;
        where it is not root, the first one."""
        mine = processes.children(self.listener()) if self.listener() else []
        if not ROOT:
            return mine[:1]
        user = pwd.getpwnam("_pop3d").pw_uid
        return [pid for pid in mine if processes.is_uid(pid, user)]

    def close_clients(self):
        for client in self.clients:
            client.close()
        self.clients.clear()

    def wait_empty(self, seconds=20):
        """When the clients are gone no process of theirs may stay (I8)."""
        wait_until(lambda: not self.pids(), "processes stay", seconds)

    # The log.

    def mark_log(self):
        """From here on log_lines() and wait_log() look."""
        self.log_start = os.path.getsize(self.log_file)

    def log(self):
        """All that was written to standard error since mark_log()."""
        with open(self.log_file, "rb") as f:
            f.seek(self.log_start)
            return f.read().decode("utf-8", "backslashreplace")

    def log_lines_with_ids(self):
        """What pop3d logged since mark_log(), as pairs: the line without
        "pop3d[pid]: ", and the connection's id, which every line has."""
        lines = re.findall(r"^pop3d\[\d+\]: (.*)$", self.log(), re.M)
        parts = [re.fullmatch(r"(.*) id=([0-9a-f]{8})", line)
                 for line in lines]
        assert all(parts), "a line without id: %r" % lines
        return [part.groups() for part in parts
                if not (SANITIZED and part.group(1) == UNSANDBOXED)]

    def log_lines(self):
        """The same without the ids."""
        return [line for line, _ in self.log_lines_with_ids()]

    def wait_log(self, pattern, seconds=20):
        """The match of the first line that pattern is found in."""
        def look():
            for line in self.log_lines():
                found = re.search(pattern, line)
                if found:
                    return found
            return None
        try:
            return wait_until(look, "", seconds)
        except AssertionError:
            raise AssertionError("no %r in the log:\n%s"
                                 % (pattern, self.log())) from None
