"""Hosts that share a file system: in namespaces of this machine (gluster.py)
or in machines of their own (nfs.py).

All of them hang on two bridges in a network namespace which run has made for
the tests alone: clients come by one, the storage is on the other.  So a node
can lose its storage while its clients stay.
"""

import os
import shlex
import subprocess

from daemon import wait_until

CLIENTS = "10.77.0.%d"
STORAGE = "10.77.1.%d"
PROXY = 9  # where a proxy comes from
MAIL = "/srv/mail"  # where each node has the shared file system
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(HERE + "/../..")


def run(command, **keywords):
    return subprocess.run(shlex.split(command), check=True, **keywords)


def bridges():
    """In a network namespace that has nothing yet."""
    run("ip link set lo up")
    for name, address in (("clients", CLIENTS), ("storage", STORAGE)):
        run("ip link add %s type bridge" % name)
        run("ip address add %s/24 dev %s" % (address % 1, name))
        run("ip link set %s up" % name)
    run("ip address add %s/24 dev clients" % (CLIENTS % PROXY))


def has_interface(name):
    """Not by /sys, which is of another network namespace."""
    return subprocess.run(["ip", "link", "show", name],
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


def wait(condition, what, seconds=60):
    """A host takes longer to answer than a process."""
    return wait_until(condition, what, seconds)


class Node:
    """A host.  enter is the command that runs another one on it."""

    def __init__(self, name, number):
        self.name = name
        self.number = number
        self.address = CLIENTS % number

    def command(self, text):
        raise NotImplementedError

    def sh(self, text, input=None, check=True, timeout=120):
        """Runs it by a shell there; its output, which may be of errors."""
        done = subprocess.run(self.command(text), input=input, text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout)
        if check:
            assert done.returncode == 0, "%s: %s: %s" % (
                self.name, text, done.stdout)
        return done.stdout

    def start(self, text, **keywords):
        return subprocess.Popen(self.command(text), **keywords)

    def put(self, path, data, mode="644"):
        """Writes a file there."""
        subprocess.run(self.command(
            "mkdir -p $(dirname {0}) && cat >{0}.new && chmod {1} {0}.new && "
            "mv {0}.new {0}".format(path, mode)), input=data, check=True)

    def port(self, network):
        """The end of its cable that is in the bridge."""
        return "%s-%s" % (self.name, network)

    def cut(self, network="storage"):
        run("ip link set %s nomaster" % self.port(network))

    def mend(self, network="storage"):
        """Until the file system can be used again."""
        run("ip link set %s master %s" % (self.port(network), network))
        wait(lambda: self.sh("ls %s >/dev/null && echo" % MAIL, check=False)
             == "\n", self.name + " to reach its storage", 180)
