"""A syslogd for one server: it has a /dev of its own, where log is ours."""

import os
import socket

from daemon import ROOT, SANITIZED, UNSANDBOXED

# A command in it finds the socket and the devices, and no other.
OWN_DEV = """
set -e
mount --make-rprivate /
for device in null zero urandom; do
	: >"$0/$device"
	mount --bind "/dev/$device" "$0/$device"
done
mount --rbind "$0" /dev
exec "$@"
"""


class Syslogd:
    """prefix is what comes before the command that is to log here."""

    def __init__(self, directory):
        assert ROOT, "only root can give a command a /dev of its own"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(os.path.join(directory, "log"))
        self.socket.settimeout(60)
        self.prefix = ["unshare", "-m", "sh", "-c", OWN_DEV, str(directory)]

    def line(self):
        """The next line, as it was sent: "<22>Jan  1 00:00:00 pop3d[1]: "."""
        line = self.socket.recv(4096).decode()
        if SANITIZED and UNSANDBOXED in line:
            return self.line()
        return line

    def close(self):
        self.socket.close()
