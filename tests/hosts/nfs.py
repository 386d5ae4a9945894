"""A kernel's NFS server and nodes that mount it, each booted in a machine.

image makes their disk once, of Debian's packages; what a machine writes to it
is gone when it ends, but for the server's second disk.
"""

import subprocess

from nodes import (HERE, MAIL, STORAGE, Node, TOP, has_interface, run,
                   wait)

DIRECTORY = TOP + "/build/hosts"
KEY = DIRECTORY + "/key"
SERVER = 11
EXPORT = "/srv/export"


class Machine(Node):
    def __init__(self, name, number, megabytes, disk=None):
        super().__init__(name, number)
        self.megabytes = megabytes
        self.disk = disk
        self.power_on()

    def power_on(self):
        run("rm -f %s/%s.ssh" % (DIRECTORY, self.address))
        arguments = ["mem=%dM" % self.megabytes, "root=/dev/ubda", "rw",
                     "ubd0=/tmp/cow,/hosts/image", "con=null",
                     "con0=fd:0,fd:1", "net.ifnames=0",
                     "systemd.hostname=" + self.name,
                     "pop3d.number=%d" % self.number]
        for n, name in enumerate(("clients", "storage")):
            port = self.port(name)
            if not has_interface(port):
                run("ip tuntap add %s mode tap" % port)
            run("ip link set %s up master %s" % (port, name))
            arguments.append("vec%d:transport=tap,ifname=%s,depth=128,gro=1,"
                             "mac=52:54:00:77:%02x:%02x"
                             % (n, port, n, self.number))
        if self.disk:
            arguments.append("ubd1=/hosts/" + self.disk)
        with open("%s/%s.console" % (DIRECTORY, self.name), "w") as console:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child",
                 "sh", HERE + "/kernel", DIRECTORY] + arguments,
                stdin=subprocess.DEVNULL, stdout=console,
                stderr=subprocess.STDOUT)

    def await_boot(self):
        """Leaves a connection behind that the commands share."""
        wait(lambda: subprocess.run(
            self.ssh + ["-M", "-f", "-N", self.at],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL).returncode == 0,
             self.name + " to boot", 300)

    ssh = ["ssh", "-q", "-F", "/dev/null", "-i", KEY, "-o",
           "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
           "-o", "ConnectTimeout=5", "-o", "ControlPath=%s/%%h.ssh"
           % DIRECTORY]

    @property
    def at(self):
        return "root@" + self.address

    def command(self, text):
        return self.ssh + [self.at, text]

    def power_off(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.power_off()


class NfsNode(Machine):
    def mount(self, options=""):
        self.sh("mkdir -p %s && mount -t nfs4 -o rw%s %s:/ %s"
                % (MAIL, options, STORAGE % SERVER, MAIL))


class Nfs:
    """One server and three nodes."""

    kind = "nfs"

    def __init__(self, options="", lease=20):
        run("rm -f %s/export" % DIRECTORY)
        run("truncate -s 8G %s/export" % DIRECTORY)
        run("mkfs.ext4 -q %s/export" % DIRECTORY)
        disk = "export"
        self.server = Machine("store", SERVER, 2048, disk)
        self.servers = [self.server]
        self.nodes = [NfsNode(name, 20 + n, 1024)
                      for n, name in enumerate(("a", "b", "c"))]
        for machine in self.servers + self.nodes:
            machine.await_boot()
        self.lease = lease
        self.serve()
        self.options = options
        for node in self.nodes:
            node.mount(options)
        self.nodes[0].sh("chown vmail: " + MAIL)

    def serve(self, options="no_root_squash"):
        self.server.sh(
            "set -e; mkdir -p {0}; mountpoint -q {0} || mount /dev/ubdb {0}; "
            "echo '{0} 10.77.1.0/24(rw,sync,no_subtree_check,fsid=0,{2})' "
            ">/etc/exports; printf '[nfsd]\\nlease-time={1}\\n"
            "grace-time={1}\\nvers3=n\\n' >/etc/nfs.conf.d/pop3d.conf; "
            "modprobe nfsd; systemctl restart nfs-server"
            .format(EXPORT, self.lease, options))

    def reboot(self, node):
        node.power_on()
        node.await_boot()
        node.mount(self.options)

    def restart(self):
        self.server.sh("systemctl restart nfs-server")

    def stop(self):
        for machine in self.nodes + self.servers:
            machine.stop()
