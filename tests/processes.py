"""The processes of a connection, read from /proc."""

import os
import re
import time


def _read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except (FileNotFoundError, ProcessLookupError):
        return b""  # gone


def pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def parent_of(pid):
    stat = _read("/proc/%d/stat" % pid).rsplit(b")", 1)
    return int(stat[1].split()[1]) if len(stat) == 2 else None


def children(pid):
    return sorted(p for p in pids() if parent_of(p) == pid)


def running(program, argument):
    """Processes of this program with this argument, zombies not counted."""
    program, argument = program.encode(), argument.encode()
    found = []
    for pid in pids():
        words = _read("/proc/%d/cmdline" % pid).split(b"\0")
        if words[0] == program and argument in words:
            found.append(pid)
    return found


def descriptors(pid):
    """{number: what it is open on}, as in "socket:[123]"."""
    directory = "/proc/%d/fd" % pid
    found = {}
    try:
        for name in os.listdir(directory):
            found[int(name)] = os.readlink(os.path.join(directory, name))
    except (FileNotFoundError, PermissionError):
        pass  # gone, or another user's
    return found


def status(pid, name):
    """One line of /proc/PID/status as a list of words."""
    text = _read("/proc/%d/status" % pid).decode()
    return re.search(r"^%s:\s*(.*)$" % name, text, re.M).group(1).split()


def uids(pid):
    """Real, effective, saved and file system's uid."""
    return [int(word) for word in status(pid, "Uid")]


def gids(pid):
    return [int(word) for word in status(pid, "Gid")]


def groups(pid):
    return [int(word) for word in status(pid, "Groups")]


def _tcp():
    """Lines of /proc/net/tcp: (local port, remote port, state, inode)."""
    for line in _read("/proc/net/tcp").decode().splitlines()[1:]:
        words = line.split()
        yield (int(words[1].split(":")[1], 16),
               int(words[2].split(":")[1], 16), words[3], words[9])


def listening(port):
    return any(local == port and state == "0A"
               for local, _, state, _ in _tcp())


class Processes:
    """parent (after the login: the store), session, and auth or None."""

    def __init__(self, parent, session, auth):
        self.parent = self.store = parent
        self.session = session
        self.auth = auth

    @property
    def all(self):
        return [p for p in (self.parent, self.session, self.auth) if p]


def _holders(inode):
    """Whoever has the socket with this inode open."""
    socket = "socket:[%s]" % inode
    return [p for p in pids() if socket in descriptors(p).values()]


def _find(server_port, client_port):
    """One look: None while the parent has not handed the socket on."""
    for local, remote, _, inode in _tcp():
        if (local, remote) != (server_port, client_port):
            continue
        holders = _holders(inode)
        if len(holders) != 1:
            return None
        session = holders[0]
        parent = parent_of(session)
        others = [p for p in children(parent) if p != session]
        return Processes(parent, session, others[0] if others else None)
    return None


def of_connection(server_port, client_port, seconds=20):
    """The processes of the connection with the client at client_port.

    Call it after the greeting: the session alone has the socket then.
    """
    end = time.monotonic() + seconds
    while True:
        found = _find(server_port, client_port)
        if found is not None:
            return found
        assert time.monotonic() < end, "no process has this connection"
        time.sleep(0.01)
