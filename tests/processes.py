"""The processes of a connection, read from /proc."""

import os
import re
import signal
import socket
import struct
import time

# What reading /proc says of a process that has ended: the second, if it ended
# after its file or directory had been opened.
GONE = (FileNotFoundError, ProcessLookupError)


def _read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except GONE:
        return b""


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
    except GONE + (PermissionError,):
        pass  # or another user's
    return found


def status(pid, name):
    """One line of /proc/PID/status as a list of words."""
    text = _read("/proc/%d/status" % pid).decode()
    return re.search(r"^%s:\s*(.*)$" % name, text, re.M).group(1).split()


def has_ended(pid):
    """Gone, or nobody has waited for it yet."""
    state = re.search(rb"^State:\s*(\S)", _read("/proc/%d/status" % pid), re.M)
    return state is None or state.group(1) == b"Z"


def uids(pid):
    """Real, effective, saved and file system's uid."""
    return [int(word) for word in status(pid, "Uid")]


def is_uid(pid, uid):
    return b"\nUid:\t%d\t%d\t" % (uid, uid) in _read("/proc/%d/status" % pid)


def gids(pid):
    return [int(word) for word in status(pid, "Gid")]


def groups(pid):
    return [int(word) for word in status(pid, "Groups")]


def _tcp():
    """All TCP sockets: (local port, remote port, state, inode)."""
    for table in "tcp", "tcp6":
        for line in _read("/proc/net/" + table).decode().splitlines()[1:]:
            words = line.split()
            yield (int(words[1].split(":")[1], 16),
                   int(words[2].split(":")[1], 16), words[3], words[9])


def listening(port):
    return any(local == port and state == "0A"
               for local, _, state, _ in _tcp())


def is_listening(inode):
    return any(found == inode and state == "0A"
               for _, _, state, found in _tcp())


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
        if is_keys(parent):
            return of_listener(session)
        others = [p for p in children(parent) if p != session]
        return Processes(parent, session, others[0] if others else None)
    return None


# Behind a listener: session is a child of keys, and which of the listener's
# other children is its store its channel tells.

def is_keys(pid):
    """Its parent runs the same program, and it is nobody's store."""
    parent = parent_of(pid)
    return parent and _read("/proc/%d/cmdline" % parent) == _read(
        "/proc/%d/cmdline" % pid)


def channel_ends():
    """{inode: the other end's}, by the kernel's word (sock_diag(7))."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as s:
        request = struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0, 0xffffffff,
                              0, 4, 0, 0)
        s.send(struct.pack("=IHHII", 16 + len(request), 20, 0x301, 1, 0) +
               request)
        found = {}
        while True:
            data = s.recv(1 << 20)
            while data:
                length, kind = struct.unpack_from("=IH", data)
                if kind != 20:
                    assert kind == 3, "no sock_diag of unix sockets"
                    return found
                inode, = struct.unpack_from("=I", data, 20)
                attributes = data[32:length]
                while len(attributes) >= 4:
                    size, name = struct.unpack_from("=HH", attributes)
                    if name == 2:
                        found[inode], = struct.unpack_from("=I", attributes, 4)
                    attributes = attributes[(size + 3) & ~3:]
                data = data[(length + 3) & ~3:]


def other_ends(pid):
    """Who holds the other ends of the channels of a process."""
    ends = channel_ends()
    mine = [int(path[8:-1]) for path in descriptors(pid).values()
            if path.startswith("socket:")]
    return [holder for inode in mine if inode in ends
            for holder in _holders(str(ends[inode]))]


def of_listener(session):
    keys = parent_of(session)
    listener = parent_of(keys)
    parents = [pid for pid in other_ends(session)
               if parent_of(pid) == listener]
    auth = children(parents[0]) if parents else []
    found = Processes(parents[0] if parents else None, session,
                      auth[0] if auth else None)
    found.keys, found.listener = keys, listener
    return found


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


def stop(pids):
    """SIGTERM for each, as systemd has it."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            pass  # the one before took it along
