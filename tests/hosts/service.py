"""pop3d on several nodes, with the same accounts and the same mail."""

import os
import subprocess
import time

from nodes import CLIENTS, MAIL, PROXY, TOP, wait
from pop3 import Pop3

DIRECTORY = "/var/db/pop3d"
CONF = DIRECTORY + "/pop3d.conf"
LOG = DIRECTORY + "/log"
PROGRAMS = os.environ.get("PROGRAMS", TOP)  # where they are
CTL = "%s/pop3ctl -f %s " % (PROGRAMS, CONF)
PROXIED = 1995  # where the proxy comes to
SETTINGS = """hostname mail.example.com
keypair {0}/cert {0}/key
accounts {0}/accounts.db
maildir {1}/%d/%u/Maildir
owner vmail
user _pop3d
max-sessions 2000
max-sessions-per-address 2000
timeout listener 0
"""


class Service:
    def __init__(self, hosts, keypair):
        self.hosts = hosts
        self.nodes = hosts.nodes
        self.keypair = keypair
        self.cafile = keypair[0]
        self.clients = []
        self.accounts = 0
        self.marked = {}  # octets of a log that are not of this test
        self.programs = {}
        for node in self.nodes:
            self.install(node)
            self.start(node)

    def install(self, node):
        for name in ("pop3d", "pop3ctl"):
            if self.hosts.kind == "nfs":
                with open("%s/%s" % (PROGRAMS, name), "rb") as f:
                    node.put("%s/%s" % (PROGRAMS, name), f.read(), "755")
        for name, path in zip(("cert", "key"), self.keypair):
            with open(path, "rb") as f:
                node.put(DIRECTORY + "/" + name, f.read(), "600")
        settings = SETTINGS.format(DIRECTORY, MAIL)
        node.put(CONF, settings.encode())
        node.put(CONF + ".proxied", (settings + "proxy %s/32\n"
                                     % (CLIENTS % PROXY)).encode())

    def start(self, node):
        """Two listeners: clients come to one, a proxy to the other."""
        self.programs[node.name] = [node.start(
            "exec systemd-socket-activate -l %s:%d %s/pop3d -d -f %s%s "
            ">>%s 2>&1 </dev/null" % (node.address, port, PROGRAMS, CONF,
                                      suffix, LOG + suffix))
            for port, suffix in ((995, ""), (PROXIED, ".proxied"))]
        wait(lambda: ":995 " in node.sh("ss -ltn") and
             ":%d " % PROXIED in node.sh("ss -ltn"), "pop3d to listen")

    def stop(self, node):
        for program in self.programs[node.name]:
            program.terminate()

    # Accounts: made on the first node, and taken over by the others.

    def add_accounts(self, count):
        """Addresses and the application password of each."""
        made = []
        first = self.nodes[0]
        for _ in range(count):
            self.accounts += 1
            address = "user%d@example.com" % self.accounts
            made.append((address, self.maildir(address)))
        first.sh("{ %s } 2>&1" % "".join(
            "%sadd -P %s && %sapp-password add %s phone | tail -n 1 "
            ">%s/%s.password || exit 1; "
            % (CTL, address, CTL, address, DIRECTORY, address)
            for address, _ in made), timeout=600)
        passwords = first.sh("cat " + " ".join(
            "%s/%s.password" % (DIRECTORY, address)
            for address, _ in made)).split()
        self.spread()
        return [Account(self, address, password, maildir)
                for (address, maildir), password in zip(made, passwords)]

    def spread(self):
        exported = self.nodes[0].sh(CTL + "export")
        for node in self.nodes[1:]:
            node.sh(CTL + "import -", input=exported)

    @staticmethod
    def maildir(address):
        local, domain = address.split("@")
        return "%s/%s/%s/Maildir" % (MAIL, domain, local)

    # The log of a node.

    def mark(self):
        for node in self.nodes:
            for suffix in "", ".proxied":
                self.marked[node.name + suffix] = int(node.sh(
                    "stat -c %%s %s%s" % (LOG, suffix)))

    def log(self, node, suffix=""):
        return node.sh("tail -c +%d %s%s"
                       % (self.marked[node.name + suffix] + 1, LOG,
                          suffix))

    def close(self):
        for client in self.clients:
            client.close()
        self.clients.clear()


class Account:
    def __init__(self, service, address, password, maildir):
        self.service = service
        self.address = address
        self.password = password
        self.maildir = maildir
        self.delivered = 0

    def connect(self, node):
        client = Pop3(995, self.service.cafile, host=node.address)
        self.service.clients.append(client)
        return client

    def login(self, node):
        return self.connect(node).login(self.address, self.password)

    def busy(self, node):
        """A login that is answered that somebody else has the mailbox."""
        client = self.connect(node)
        client.ok("USER " + self.address)
        client.err("PASS " + self.password, "IN-USE")

    def deliver(self, node, count=1, text="text\n"):
        """As a delivery agent on that node does it; the names."""
        names = []
        for _ in range(count):
            self.delivered += 1
            names.append("%d.M%06dP1.%s" % (time.time(), self.delivered,
                                            node.name))
        node.sh("set -e; cd %s; for n in %s; do "
                "printf 'Subject: %%s\\n\\n%s' $n >tmp/$n; "
                "chown vmail: tmp/$n; mv tmp/$n new/$n; done"
                % (self.maildir, " ".join(names), text.replace("\n", "\\n")))
        return names

    def files(self, node):
        """The base names of the files, as that node sees them by now."""
        out = node.sh("ls {0}/new {0}/cur".format(self.maildir))
        return sorted(line.split(":2,")[0] for line in out.split("\n")
                      if line.startswith("1"))

    def uidls(self, node):
        with self.login(node) as client:
            found = list(client.uidl().values())
            client.quit()
        return found

    def ctl(self, node, words, check=True, timeout=120):
        return node.sh(CTL + words, check=check, timeout=timeout)
