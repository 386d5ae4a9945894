"""GlusterFS, replica 3, and nodes that mount it, each in namespaces."""

import contextlib
import os
import shutil
import signal
import subprocess

from nodes import MAIL, STORAGE, TOP, Node, has_interface, run, wait

VOLUME = "mail"
# What pop3d-hosts(7) asks for.
OPTIONS = ("performance.stat-prefetch off", "performance.quick-read off",
           "performance.io-cache off", "client.strict-locks on",
           "network.ping-timeout 10")
MOUNT = "attribute-timeout=0,entry-timeout=0,direct-io-mode=enable"
DIRECTORY = TOP + "/build/hosts/gluster"


class Namespaces(Node):
    """A host that is some namespaces: processes, network, mounts, name."""

    def __init__(self, name, number, directory):
        super().__init__(name, number)
        self.directory = directory
        self.init = None
        self.boot()

    def boot(self):
        self.init = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
             "--uts", "--ipc", "--net", "sh", "-c",
             "hostname %s; ip link set lo up; "
             "while :; do sleep 3600 & wait; done"  # and takes orphans
             % self.name])
        self.pid = wait(self._child, "the first process of " + self.name)
        wait(lambda: self._sh("hostname").strip() == self.name, "hostname")
        self.plug()
        own = self.directory + "/" + self.name
        self._sh("set -e; for d in var/lib/glusterd var/run var/log/glusterfs"
                 " %s; do mkdir -p %s/$d /$d; mount --bind %s/$d /$d; done"
                 % ("var/db/pop3d", own, own))

    def _child(self):
        try:
            with open("/proc/%d/task/%d/children" % ((self.init.pid,) * 2)) \
                    as f:
                return int(f.read().split()[0])
        except (OSError, IndexError):
            return None

    def plug(self):
        for network, address in (("clients", self.address),
                                 ("storage", STORAGE % self.number)):
            run("ip link add %s type veth peer name %s netns %d"
                % (self.port(network), network, self.pid))
            run("ip link set %s up master %s" % (self.port(network), network))
            # Others remember it when the host is booted again.
            self._sh("ip link set %s address 52:54:00:77:00:%02x up && "
                     "ip address add %s/24 dev %s"
                     % (network, self.number, address, network))

    def command(self, text):
        return ["nsenter", "-t", str(self.pid), "-m", "-p", "-u", "-i", "-n",
                "sh", "-c", text]

    def _sh(self, text):
        return self.sh(text)

    def power_off(self):
        """All of its processes at one moment, whatever they do."""
        os.kill(self.pid, signal.SIGKILL)
        self.init.wait()

    def stop(self):
        self.power_off()


class Server(Namespaces):
    def serve(self):
        self.start("exec glusterd -N -p /var/run/glusterd.pid",
                   start_new_session=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
        wait(lambda: "Number of Peers" in self.sh("gluster peer status",
                                                  check=False),
             "glusterd on " + self.name)


class Client(Namespaces):
    def mount(self, options):
        self.sh("mkdir -p %s && mount -t glusterfs -o "
                "%s,backup-volfile-servers=%s:%s %s:/%s %s"
                % (MAIL, options, STORAGE % 12, STORAGE % 13, STORAGE % 11,
                   VOLUME, MAIL))
        assert "fuse.glusterfs" in self.sh("findmnt -n -o FSTYPE " + MAIL)

    def reaches_all(self):
        """Two of three are needed: it has to know one again before the next
        one goes."""
        return self.sh("grep -h ^connected %s/.meta/graphs/active/%s-client-*/"
                       "private" % (MAIL, VOLUME), check=False).split() == \
            3 * ["connected", "=", "1"]


class Gluster:
    """Three servers (s1 to s3) and three nodes."""

    kind = "gluster"

    def __init__(self, options=OPTIONS, mount=MOUNT):
        directory = DIRECTORY
        shutil.rmtree(directory, ignore_errors=True)
        self.servers = [Server("s%d" % n, 10 + n, directory)
                        for n in (1, 2, 3)]
        for server in self.servers:
            server.serve()
        first = self.servers[0]
        for server in self.servers[1:]:
            first.sh("gluster peer probe " + STORAGE % server.number)
        wait(lambda: first.sh("gluster peer status").count(
            "Peer in Cluster (Connected)") == 2, "peers")
        bricks = []
        for server in self.servers:
            brick = "%s/%s/brick" % (directory, server.name)
            os.makedirs(brick, exist_ok=True)
            bricks.append("%s:%s" % (STORAGE % server.number, brick))
        first.sh("gluster volume create %s replica 3 %s force"
                 % (VOLUME, " ".join(bricks)))
        for option in options:
            first.sh("gluster volume set %s %s" % (VOLUME, option))
        first.sh("gluster volume start " + VOLUME)
        self.nodes = [Client(name, 20 + n, directory)
                      for n, name in enumerate(("a", "b", "c"))]
        self.mount = mount
        for node in self.nodes:
            node.mount(mount)
        self.nodes[0].sh("chown vmail: " + MAIL)

    def reboot(self, node):
        wait(lambda: not has_interface(node.port("storage")),
             "the network of %s to end" % node.name)
        node.boot()
        node.mount(self.mount)

    def restart(self):
        """One server after the other, as for an update of its system."""
        for server in self.servers:
            server.sh("pkill -KILL glusterfsd; sleep 1; "
                      "gluster volume start %s force" % VOLUME)
            wait(lambda: "Number of entries: 0" in server.sh(
                "gluster volume heal %s info | sort -u" % VOLUME,
                check=False), "the bricks to be healed")
            for node in self.nodes:
                wait(node.reaches_all, "%s to know %s again"
                     % (node.name, server.name))

    def stop(self):
        for node in self.nodes + self.servers:
            node.stop()
        # What was mounted upon, unless somebody else has something in there.
        with contextlib.suppress(OSError):
            os.rmdir("/var/db/pop3d")
