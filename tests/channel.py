"""A session that was taken over: its channel to the store, in our hands."""

import ctypes
import os
import re
import signal
import socket
import struct

from daemon import HERE
import processes

SYS_PIDFD_GETFD = 438
SEQPACKET = 5

_libc = ctypes.CDLL(None, use_errno=True)


def _message_types():
    """{"MSG_FETCH": 9, ...}, as common/messages.h numbers them."""
    with open(HERE + "/../common/messages.h") as f:
        names = re.search(r"enum message_type \{(.*?)\}", f.read(),
                          re.S).group(1)
    names = re.sub(r"/\*.*?\*/", "", names, flags=re.S)
    found, next_number = {}, 0
    for item in names.split(","):
        words = item.split("=")
        if not words[0].strip():
            continue
        if len(words) == 2:
            next_number = int(words[1], 0)
        found[words[0].strip()] = next_number
        next_number += 1
    return found


TYPES = _message_types()


def _steal(pid, number):
    """A descriptor of another process, as our own."""
    process = os.pidfd_open(pid)
    try:
        found = _libc.syscall(SYS_PIDFD_GETFD, process, number, 0)
        assert found != -1, os.strerror(ctypes.get_errno())
        return found
    finally:
        os.close(process)


def _is_channel(path):
    if not path.startswith("socket:["):
        return False
    with open("/proc/net/unix") as f:
        kinds = {words[6]: int(words[4], 16)
                 for words in map(str.split, f.readlines()[1:])}
    return kinds.get(path[len("socket:["):-1]) == SEQPACKET


class Hostile:
    """The client's session stands still; whatever comes now is ours."""

    def __init__(self, server, pop):
        self.found = server.processes(pop)
        os.kill(self.found.session, signal.SIGSTOP)
        number, = [n for n, path in
                   processes.descriptors(self.found.session).items()
                   if _is_channel(path)]
        self.socket = socket.socket(
            fileno=_steal(self.found.session, number))
        self.socket.setblocking(False)

    def send(self, kind, payload=b""):
        """False when the channel takes no more, or the store has ended."""
        try:
            self.socket.send(struct.pack("=I", TYPES[kind]) + payload)
        except (BlockingIOError, ConnectionError):
            return False
        return True

    def fetch(self, number):
        return self.send("MSG_FETCH", struct.pack("=Q", number))

    def in_flight(self):
        """Descriptors that lie unread in the channel."""
        with open("/proc/self/fdinfo/%d" % self.socket.fileno()) as f:
            return int(re.search(r"^scm_fds:\s*(\d+)", f.read(),
                                 re.M).group(1))

    def close(self):
        self.socket.close()
        os.kill(self.found.session, signal.SIGKILL)
