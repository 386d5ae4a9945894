"""Mail clients, each driven in the same way: what CLIENTS has rows for.

Each polls once when it is told to, and leaves what it has fetched where
fetched() of test_clients.py finds it.
"""

import atexit
import os
import re
import shutil
import subprocess

from daemon import HERE, temporary_directory
from pop3 import wire
from test_clients import Fetchmail, Getmail, Mpop, Poller, unix, write
from thunderbird import Thunderbird

SCRIPTS = HERE + "/clients/"


class Known:
    """What is said of a client besides how it polls.

    keeps_octets: what it has is what was sent, but for stored().  remembers:
    told to leave mail on the server, it fetches only what is new.  by_top:
    it fetches by TOP then, which is no retrieval in the log.
    """

    package = None  # of Debian
    keeps_octets = True
    remembers = True
    by_top = False
    longest_line = 1 << 30  # that it can take

    @classmethod
    def version(cls):
        """The package with its version, as its authors count; or None."""
        done = subprocess.run(
            ["dpkg-query", "-Wf", "${db:Status-Status} ${Version}",
             cls.package], capture_output=True, text=True)
        found = re.fullmatch(r"installed (?:\d+:)?([^-~+]+).*", done.stdout)
        return "%s %s" % (cls.package, found.group(1)) if found else None

    @classmethod
    def missing(cls):
        """Why it cannot be run here, or None."""
        return None if cls.version() else cls.package + " is not installed"


class Script(Known, Poller):
    """A program that uses a library."""

    command = ()
    file = None
    patience = 300  # seconds

    def environment(self):
        """Where there is no option for it, the certificate is told here."""
        return {**os.environ, "HOME": self.home,
                "SSL_CERT_FILE": self.server.keypair[0]}

    def line(self, delete):
        return [*self.command, SCRIPTS + self.file, str(self.server.port),
                self.account.address, self.account.password,
                self.server.keypair[0], self.home,
                "delete" if delete else "keep"]

    def poll(self, delete):
        done = subprocess.run(self.line(delete), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=300,
                              env=self.environment())
        assert done.returncode == 0, (done.returncode, (
            done.stdout + done.stderr).decode(errors="replace")[-3000:])


class NetPop3(Script):
    name, package = "Net::POP3", "perl"
    command, file = ("perl",), "net_pop3.pl"
    stored = staticmethod(wire)

    @classmethod
    def missing(cls):
        if subprocess.run(["perl", "-MIO::Socket::SSL", "-e", "1"],
                          capture_output=True).returncode != 0:
            return "libio-socket-ssl-perl is not installed"
        return super().missing()


class NetPop(Script):
    name, package = "net-pop", "ruby3.1"
    command, file = ("ruby",), "net_pop.rb"
    stored = staticmethod(wire)


class Jakarta(Script):
    name, package = "Jakarta Mail", "libjakarta-mail-java"
    command, file = ("java",), "Jakarta.java"
    jars = "/usr/share/java/jakarta-mail.jar:" \
        "/usr/share/java/jakarta-activation.jar"
    stored = staticmethod(wire)

    @classmethod
    def missing(cls):
        if not shutil.which("keytool"):
            return "openjdk-17-jdk-headless is not installed"
        return super().missing()

    def line(self, delete):
        store = self.home + "/trusted"
        if not os.path.exists(store):
            subprocess.run(
                ["keytool", "-importcert", "-noprompt", "-file",
                 self.server.keypair[0], "-keystore", store, "-storepass",
                 "changeit"], check=True, capture_output=True)
        command, *rest = super().line(delete)
        return [command, "-cp", self.jars,
                "-Djavax.net.ssl.trustStore=" + store,
                "-Djavax.net.ssl.trustStorePassword=changeit", *rest]


class Php(Script):
    name, package = "PHP imap", "php8.2-imap"
    command, file = ("php",), "imap.php"
    keeps_octets = remembers = False


class Npm(Script):
    """A library of npm, installed for this run."""

    command = ("node",)
    keeps_octets = False  # strings of UTF-16
    directory = None

    @classmethod
    def version(cls):
        return "%s of npm" % cls.package.replace("@", " ")

    @classmethod
    def missing(cls):
        if not shutil.which("npm"):
            return "npm is not installed"
        if cls.directory is None:
            cls.directory = temporary_directory()
            atexit.register(shutil.rmtree, cls.directory)
            done = subprocess.run(
                ["npm", "install", "--no-audit", "--no-fund", "--prefix",
                 cls.directory, cls.package], capture_output=True, text=True)
            if done.returncode != 0:
                return "npm does not give us %s: %s" % (cls.package,
                                                        done.stderr[-500:])
        return None

    def environment(self):
        return {**super().environment(),
                "NODE_PATH": self.directory + "/node_modules"}


class NodePop3(Npm):
    name, package = "node-pop3", "node-pop3@0.11.0"
    file = "node_pop3.js"


class Yapople(Npm):
    remembers = False
    name, package = "yapople", "yapople@0.4.10"
    file = "yapople.js"


class Curl(Script):
    """It fetches what it is told to."""

    name = package = "curl"
    command = ("curl",)
    remembers = False
    stored = staticmethod(wire)

    def line(self, delete):
        count = len(self.account.maildir.files())
        lines = []
        for n in range(1, count + 1):
            lines += ['url="pop3s://localhost:%d/%d"' % (self.server.port, n),
                      'output="%s/new/%d"' % (self.inbox, n)]
        if delete:
            for n in range(1, count + 1):
                lines += ['url="pop3s://localhost:%d/"' % self.server.port,
                          'request="DELE %d"' % n, "head"]
        common = ['cacert="%s"' % self.server.keypair[0],
                  'user="%s:%s"' % (self.account.address,
                                    self.account.password)]
        blocks, block = [], []
        for line in lines:
            if line.startswith("url=") and block:
                blocks.append("\n".join(block + common))
                block = []
            block.append(line)
        blocks.append("\n".join(block + common))
        return ["curl", "-sSf", "-K", write(
            self.home, "curlrc", "\nnext\n".join(blocks) + "\n")]


class Fdm(Script):
    name = package = "fdm"
    keeps_octets = False  # it drops the rest of a line with a NUL

    def __init__(self, account, home):
        super().__init__(account, home)
        # Whoever runs it, it is a user without rights that writes this.
        self.cache = temporary_directory()
        atexit.register(shutil.rmtree, self.cache)
        os.chmod(self.cache, 0o777)

    def line(self, delete):
        conf = write(self.home, "fdm.conf", (
            'set verify-certificates\nset no-received\n'
            'set maximum-size 100M\n'
            'account "here" pop3s server "localhost" port %d user "%s" '
            'pass "%s" %s\naction "in" maildir "%s"\n'
            'match all action "in"\n')
            % (self.server.port, self.account.address, self.account.password,
               "" if delete else 'new-only cache "%s/cache" keep' % self.cache,
               self.inbox))
        return ["fdm", "-f", conf, "fetch"]


class SNail(Script):
    name = package = "s-nail"
    keeps_octets = remembers = False

    def line(self, delete):
        return ["sh", "-c", 'printf "%b" "$1" | s-nail -n -Sv15-compat '
                '-Stls-verify=strict -Stls-ca-file="$2" -Stls-ca-no-defaults '
                '-Spop3-keepalive=30 -R$4 -f "$3"', "sh",
                "%s * %s/mbox\\nquit\\n" % ("move" if delete else "copy",
                                            self.home),
                self.server.keypair[0], "pop3s://%s:%s@localhost:%d" % (
                    self.account.address.replace("@", "%40"),
                    self.account.password, self.server.port), ""]


class Inc(Script):
    name, package = "nmh inc", "nmh"
    longest_line = 40000
    keeps_octets = remembers = False  # it drops the rest behind a NUL

    def line(self, delete):
        write(self.home, ".netrc", "machine localhost\n\tlogin %s\n"
              "\tpassword %s\n" % (self.account.address,
                                   self.account.password))
        write(self.home, ".mh_profile", "Path: %s/mh\ncredentials: file:"
              "%s/.netrc\n" % (self.home, self.home))
        if not os.path.exists(self.home + "/mh"):
            os.mkdir(self.home + "/mh")
            os.symlink(self.inbox + "/new", self.home + "/mh/inbox")
        return ["/usr/bin/mh/inc", "-host", "localhost", "-port",
                str(self.server.port), "-user", self.account.address,
                "-initialtls", "-certverify",
                "-truncate" if delete else "-notruncate"]

    def fetched(self):
        sequences = self.inbox + "/new/.mh_sequences"
        if os.path.exists(sequences):
            os.unlink(sequences)
        return super().fetched()


class Mutt(Script):
    name = package = "mutt"
    keeps_octets = remembers = False

    def line(self, delete):
        rc = write(self.home, "muttrc", "\n".join([
            'set spoolfile="%s/mbox"' % self.home, 'set folder="%s"'
            % self.home, "set mbox_type=mbox", "set header_cache=",
            'set certificate_file="%s"' % self.server.keypair[0],
            "set ssl_usesystemcerts=no", "set ssl_force_tls=yes",
            "set pop_host=pops://localhost:%d" % self.server.port,
            "set pop_user=" + self.account.address,
            "set pop_pass=" + self.account.password,
            "set pop_delete=" + ("yes" if delete else "no"),
            "set pop_last=no", "set wait_key=no", "set confirmappend=no",
            "set quit=yes", "set mark_old=no", ""]))
        write(self.home, "mbox", "")
        return ["timeout", str(self.patience), "script", "-qec",
                "%s -n -F %s -e 'push <fetch-mail><exit>'"
                % (self.package, rc), "/dev/null"]


class KnownFetchmail(Known, Fetchmail):
    name = package = "fetchmail"
    by_top = True
    longest_line = 8000


class KnownMpop(Known, Mpop):
    name = package = "mpop"


class KnownGetmail(Known, Getmail):
    name, package = "getmail", "getmail6"


class KnownThunderbird(Known, Thunderbird):
    name, package = "Thunderbird", "thunderbird"


class Neomutt(Mutt):
    name = package = "neomutt"


ALL = [KnownFetchmail, KnownGetmail, KnownMpop, KnownThunderbird, Mutt,
       Neomutt, Fdm, Inc, SNail, Curl, NetPop3, NetPop, Php, Jakarta, NodePop3,
       Yapople]
