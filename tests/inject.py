"""Ends a process at any system call, lets its calls fail, and watches them.

Tracer counts by ptrace(2) itself: exactly, and for little more than the
process would need without.  Strace, the program, knows calls by their names.
"""

import ctypes
import os
import re
import signal
import subprocess
import tempfile
import threading

# From linux/ptrace.h: the same on all architectures.
PTRACE_DETACH = 17
PTRACE_SYSCALL = 24
PTRACE_GETEVENTMSG = 0x4201
PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
PTRACE_GET_SYSCALL_INFO = 0x420e
O_TRACESYSGOOD = 0x01
O_TRACEFORK = 0x02
EVENT_FORK = 1
EVENT_STOP = 128
SYSCALL_STOP = signal.SIGTRAP | 0x80
INFO_ENTRY = 1
WALL = 0x40000000

SECONDS = 60

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                         ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class _Info(ctypes.Structure):
    """struct ptrace_syscall_info, as far as it tells of an entry."""
    _fields_ = [("op", ctypes.c_uint8), ("pad", ctypes.c_uint8 * 3),
                ("arch", ctypes.c_uint32), ("ip", ctypes.c_uint64),
                ("sp", ctypes.c_uint64), ("number", ctypes.c_uint64),
                ("args", ctypes.c_uint64 * 6)]


def _ptrace(request, pid, address=None, data=None):
    result = _libc.ptrace(request, pid, address, data)
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, "ptrace %d: %s" % (request, os.strerror(error)))
    return result


class Tracer(threading.Thread):
    """Counts the system calls of a process, and kills it at one of them.

    It does so on entry, before the call has done anything: the call before
    is the last one.  With follow it is that one of the process's children
    whose calls are counted, 1 for the first.  at_call(n, number) is called on entry to the n-th one,
    whose number it is told, while the process stands still.  It works once
    the constructor returns; finish() waits for the end of the process.
    """

    def __init__(self, pid, kill_at=None, follow=0, at_call=None):
        super().__init__(daemon=True)
        self.pid = pid
        self.kill_at = kill_at
        self.follow = follow
        self.at_call = at_call
        self.numbers = []  # of the calls, in their order
        self.killed = False
        self.error = None
        self.attached = threading.Event()
        self.start()
        assert self.attached.wait(SECONDS), "could not attach"

    def run(self):
        try:
            _ptrace(PTRACE_SEIZE, self.pid, None, O_TRACESYSGOOD |
                    (O_TRACEFORK if self.follow else 0))
            _ptrace(PTRACE_INTERRUPT, self.pid)
            self._wait_stopped(self.pid)
            _ptrace(PTRACE_SYSCALL, self.pid)
            self.attached.set()
            while self._step():
                pass
        except BaseException as error:  # finish() raises it
            self.error = error
        self.attached.set()

    @staticmethod
    def _wait_stopped(pid):
        _, status = os.waitpid(pid, WALL)
        assert os.WIFSTOPPED(status), "ended before it was traced"

    def _step(self):
        """From one stop to the next; False at the end of the process."""
        _, status = os.waitpid(self.pid, WALL)
        if not os.WIFSTOPPED(status):
            return False
        sig, event, deliver = os.WSTOPSIG(status), status >> 16, 0
        if event == EVENT_FORK:
            self._change_to_child()
        elif sig == SYSCALL_STOP:
            self._count()
        elif event != EVENT_STOP:
            deliver = sig
        if not self.killed:
            _ptrace(PTRACE_SYSCALL, self.pid, None, deliver)
        return True

    def _count(self):
        info = _Info()
        _ptrace(PTRACE_GET_SYSCALL_INFO, self.pid, ctypes.sizeof(info),
                ctypes.addressof(info))
        if info.op != INFO_ENTRY or self.follow:
            return
        self.numbers.append(info.number)
        if self.at_call is not None:
            self.at_call(len(self.numbers), info.number)
        if len(self.numbers) == self.kill_at:
            os.kill(self.pid, signal.SIGKILL)
            self.killed = True

    def _change_to_child(self):
        message = ctypes.c_ulong()
        _ptrace(PTRACE_GETEVENTMSG, self.pid, None, ctypes.addressof(message))
        child = message.value
        self._wait_stopped(child)
        self.follow -= 1
        if self.follow > 0:  # not this one
            _ptrace(PTRACE_DETACH, child)
            return
        _ptrace(PTRACE_DETACH, self.pid)
        self.pid = child

    def finish(self):
        """Waits for the end; was the process killed?"""
        self.join(SECONDS)
        assert not self.is_alive(), "the traced process does not end"
        if self.error is not None:
            raise self.error
        return self.killed


class Waiting:
    """A command that begins when it is told to: time to attach to it."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            ["sh", "-c", 'read go; exec "$@"', "sh"] + command,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.pid = self.process.pid

    def go(self):
        """Lets it run to its end: (exit status, output, error output)."""
        out, err = self.process.communicate("go\n", timeout=SECONDS)
        return self.process.returncode, out, err


class Strace:
    """strace(1) of one process, children not followed; options are its own.

    It is attached when the constructor returns.  finish() waits for the end
    of the process, leave() lets it go on; then lines holds what it did.
    """

    def __init__(self, pid, *options):
        handle, self.file = tempfile.mkstemp(prefix="pop3d-strace-")
        os.close(handle)
        self.process = subprocess.Popen(
            ["strace", "-s", "300", "-o", self.file, *options, "-p", str(pid)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        said = self.process.stderr.readline()
        assert "attached" in said, said + self.process.stderr.read()
        self.lines = None

    def _collect(self):
        self.process.communicate(timeout=SECONDS)
        with open(self.file) as f:
            self.lines = f.read().splitlines()
        os.unlink(self.file)
        return self.lines

    def leave(self):
        self.process.send_signal(signal.SIGINT)
        return self._collect()

    def finish(self):
        return self._collect()

    def calls(self, pattern=r"\w+"):
        """The lines of the calls whose names match."""
        return [line for line in self.lines
                if re.match(r"(%s)\(" % pattern, line)]


# Mailboxes that tests bring into a state again and again.

def application_password(account):
    """Changes to a password that costs no time, unlike a hashed one."""
    account.password = account.server.ctl(
        "app-password", "add", account.address,
        "tests").stdout.splitlines()[-1]
    return account


class Saved:
    """A mailbox as it was when this was made; restore() brings it back.

    Messages, which nobody writes to, are kept as hard links; the index is
    copied.  So are the directories' times, which the index knows.
    """

    def __init__(self, mailbox):
        self.mailbox = mailbox
        self.path = tempfile.mkdtemp(
            prefix="saved-", dir=os.path.dirname(mailbox.path))
        self.times = {}
        for sub in ("new", "cur"):
            os.mkdir(os.path.join(self.path, sub))
        self._link(self.mailbox.path, self.path)
        self.index = read_files(self.mailbox.path + "/pop3d")
        for sub in ("new", "cur"):
            self.times[sub] = os.stat(
                os.path.join(self.mailbox.path, sub)).st_mtime_ns

    @staticmethod
    def _link(source, target):
        """Makes new/ and cur/ of target have the files of source."""
        for sub in ("new", "cur"):
            old, new = os.path.join(source, sub), os.path.join(target, sub)
            wanted, there = set(os.listdir(old)), set(os.listdir(new))
            for name in there - wanted:
                os.unlink(os.path.join(new, name))
            for name in wanted - there:
                os.link(os.path.join(old, name), os.path.join(new, name))

    def restore(self):
        self._link(self.path, self.mailbox.path)
        write_files(self.mailbox, self.index)
        for sub, time in self.times.items():
            os.utime(os.path.join(self.mailbox.path, sub), ns=(time, time))


def read_files(directory):
    """{name: octets} of a directory; {} if there is none."""
    found = {}
    if os.path.isdir(directory):
        for name in os.listdir(directory):
            with open(os.path.join(directory, name), "rb") as f:
                found[name] = f.read()
    return found


def write_files(mailbox, files):
    """Makes these the files of the index's directory."""
    directory = mailbox.path + "/pop3d"
    if os.path.isdir(directory):
        for name in os.listdir(directory):
            os.unlink(os.path.join(directory, name))
    if not files:
        if os.path.isdir(directory):
            os.rmdir(directory)
        return
    if not os.path.isdir(directory):
        os.mkdir(directory, 0o700)
        os.chown(directory, mailbox.uid, mailbox.gid)
    for name, data in files.items():
        path = os.path.join(directory, name)
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, 0o600)
        os.chown(path, mailbox.uid, mailbox.gid)
