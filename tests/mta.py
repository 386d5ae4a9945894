"""Postfix, Exim and OpenSMTPD, each in a directory of its own, on ports of
127.0.0.1, with the lines that pop3sasl(8) has for them.

They let those send who may, deliver to the Maildirs that pop3d serves, and
take mail by TLS: from the first octet (as on port 465) and by STARTTLS (587).
"""

import glob
import grp
import os
import pwd
import re
import shutil
import signal
import subprocess

from daemon import HERE, POP3CTL, free_port, system_user, wait_until
import processes

POSTFIX = "/usr/sbin/postfix"


def of_manual(before, page="pop3sasl.8"):
    """The example of a manual that comes behind these words."""
    with open(os.path.join(HERE, "../man", page)) as f:
        return re.search(before + r".*?\n\.Bd.*?\n(.*?)\.Ed", f.read(),
                         re.S).group(1).replace("\\e", "\\")


def tables(server, directory):
    """The commands of pop3d(8) that make its tables of accounts."""
    commands = of_manual("to be made anew\nafter each change", "pop3d.8")
    subprocess.run(
        ["sh", "-ec", commands.replace("# ", "").replace(
            "pop3ctl", "%s -f %s" % (POP3CTL, server.conf)).replace(
                "/var/vmail", server.mail).replace("/etc/", directory + "/")],
        check=True)


def unpacked(directory, name, *packages, options=()):
    """SMTP servers cannot be installed side by side: one and its libraries
    are put into a directory.  None where they cannot be had."""
    root = os.path.join(directory, name)
    os.mkdir(root)
    done = subprocess.run(["apt-get", *options, "download", *packages],
                          cwd=root, capture_output=True)
    found = [name for name in os.listdir(root) if name.endswith(".deb")]
    if done.returncode != 0 or not found:
        return None
    for package in found:
        subprocess.run(["dpkg", "-x", package, "."], cwd=root, check=True)
    return root


MAIN_CF = """compatibility_level = 3.6
queue_directory = %(d)s/spool
data_directory = %(d)s/data
maillog_file = %(d)s/maillog
maillog_file_prefixes = /tmp
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.com
mynetworks =
alias_maps =
smtpd_tls_cert_file = %(cert)s
smtpd_tls_key_file = %(key)s
smtpd_sasl_local_domain =
"""

SERVICES = """pickup unix n - y 60 1 pickup
cleanup unix n - y - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - y 1000? 1 tlsmgr
rewrite unix - - y - - trivial-rewrite
bounce unix - - y - 0 bounce
defer unix - - y - 0 bounce
trace unix - - y - 0 bounce
verify unix - - y - 1 verify
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - y - - smtp
error unix - - y - - error
retry unix - - y - - error
virtual unix - n n - - virtual
anvil unix - - y - 1 anvil
scache unix - - y - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


# For who is on this machine, and for local users; from nobody else.
LOCAL_CF = """mydestination = localhost
alias_database =
local_recipient_maps =
home_mailbox = Maildir/
"""
LOCAL_SERVICES = """127.0.0.1:%d inet n - y - - smtpd
  -o mynetworks=127.0.0.1
  -o smtpd_relay_restrictions=permit_mynetworks,reject
local unix - n n - - local
"""


class Postfix:
    """Ends with stop(); private is where pop3sasl's socket belongs.

    smtp is a port without TLS or password, to virtual and local users.
    """

    def __init__(self, server, limit=60):
        self.server = server
        self.directory = os.path.join(server.directory, "postfix")
        self.conf = self.directory + "/etc"
        self.private = self.directory + "/spool/private"
        self.smtps, self.submission = free_port(), free_port()
        self.smtp = free_port()
        user = pwd.getpwnam("postfix")
        for name in "", "etc", "spool", "data":
            os.mkdir(os.path.join(self.directory, name), 0o755)
        os.chown(self.directory + "/data", user.pw_uid, user.pw_gid)
        self.write("main.cf", MAIN_CF % {
            "d": self.directory, "mail": server.mail,
            "uid": server.owner.pw_uid, "gid": server.owner.pw_gid,
            "cert": server.keypair[0], "key": server.keypair[1]} +
            of_manual(r"id -g vmail", "pop3d.8").replace(
                "/var/vmail", server.mail).replace(
                    "/etc/", self.directory + "/").replace(
                        "uid_maps = static:5000", "uid_maps = static:%d"
                        % server.owner.pw_uid).replace(
                            "gid_maps = static:5000", "gid_maps = static:%d"
                            % server.owner.pw_gid) +
            of_manual(r"/etc/postfix/main\.cf").replace(
                "/etc/postfix/", self.directory + "/") + LOCAL_CF)
        master = of_manual(r"/etc/postfix/master\.cf")
        for service, port in (("submissions", self.smtps),
                              ("submission", self.submission)):
            master = master.replace(
                "%s inet n - y - -" % service,
                "127.0.0.1:%d inet n - y - %d" % (port, limit))
        self.write("master.cf", master + SERVICES +
                   LOCAL_SERVICES % self.smtp)
        self.map("mailboxes", {})
        self.map("mailaliases", {})
        self.map("senders", {})
        self.run("start")
        wait_until(lambda: processes.listening(self.smtps) and
                   processes.listening(self.submission),
                   "Postfix does not listen")

    def write(self, name, text):
        with open(os.path.join(self.conf, name), "w") as f:
            f.write(text)

    def map(self, name, rows):
        with open(os.path.join(self.directory, name), "w") as f:
            f.writelines("%s %s\n" % row for row in rows.items())

    def serve(self, *addresses, **senders):
        """Mail to these is delivered; senders: {"address": "accounts"}."""
        self.map("mailboxes", {address: "%s/%s/Maildir/" % tuple(
            reversed(address.split("@"))) for address in addresses})
        self.map("senders", {**{address: address for address in addresses},
                             **senders})
        self.run("reload")

    def serve_all(self):
        """Mail to all accounts, and their aliases, is delivered."""
        tables(self.server, self.directory)
        self.run("reload")

    def run(self, word):
        done = subprocess.run([POSTFIX, "-c", self.conf, word], text=True,
                              capture_output=True)
        assert done.returncode == 0, done.stderr + self.log()

    def restart(self):
        self.run("stop")
        self.run("start")
        wait_until(lambda: processes.listening(self.smtps),
                   "Postfix does not listen")

    def log(self):
        try:
            with open(self.directory + "/maillog") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def stop(self):
        self.run("stop")
        wait_until(lambda: not processes.listening(self.smtps),
                   "Postfix does not end")


EXIM_CONF = """primary_hostname = mail.example.com
spool_directory = %(d)s/spool
log_file_path = %(d)s/log/%%slog
pid_file_path = %(d)s/exim.pid
exim_user = %(user)s
exim_group = %(group)s
never_users =
deliver_drop_privilege = true
keep_environment =
rfc1413_hosts =
host_lookup =
daemon_smtp_ports = %(submission)d : %(smtps)d
tls_on_connect_ports = %(smtps)d
local_interfaces = 127.0.0.1
tls_advertise_hosts = *
tls_certificate = %(cert)s
tls_privatekey = %(key)s
acl_smtp_rcpt = check_rcpt
qualify_domain = example.com
begin acl
check_rcpt:
%(acl)s  accept authenticated = *
  deny message = log in first
begin routers
local:
  driver = accept
  domains = example.com
  local_parts = you
  transport = maildir
begin transports
maildir:
  driver = appendfile
  maildir_format
  directory = %(mail)s/$domain_data/$local_part_data/Maildir
  create_directory = false
  user = %(user)s
  group = %(group)s
begin retry
begin authenticators
"""


def unpacked_exim(directory):
    return unpacked(directory, "exim-root", "exim4-daemon-heavy",
                    "libmariadb3", "libspf2-2", "libldap-2.5-0",
                    "libsasl2-2", "libpq5", "libsqlite3-0", "libperl5.36")


class Exim:
    def __init__(self, server, root, socket_path):
        system_user("Debian-exim")  # built in: it does not start without
        self.directory = os.path.join(server.directory, "exim")
        self.smtps, self.submission = free_port(), free_port()
        for name in "", "spool", "log":
            path = os.path.join(self.directory, name)
            os.mkdir(path, 0o755)
            os.chown(path, server.owner.pw_uid, server.owner.pw_gid)
        # Its own user reads it when it becomes that one.
        key = shutil.copy(server.keypair[1], self.directory + "/key")
        os.chown(key, server.owner.pw_uid, server.owner.pw_gid)
        os.chmod(key, 0o600)
        conf = self.directory + "/exim.conf"
        with open(conf, "w") as f:
            f.write(EXIM_CONF % {
                "d": self.directory, "mail": server.mail,
                "acl": of_manual("check_rcpt"),
                "user": server.owner.pw_name,
                "group": grp.getgrgid(server.owner.pw_gid).gr_name,
                "cert": server.keypair[0], "key": key,
                "smtps": self.smtps, "submission": self.submission})
            f.write(of_manual("Debian: exim4-daemon-heavy").replace(
                "/run/pop3sasl", socket_path))
        self.process = subprocess.Popen(
            [root + "/usr/sbin/exim4", "-C", conf, "-bdf"],
            env={**os.environ, "LD_LIBRARY_PATH":
                 root + "/usr/lib/x86_64-linux-gnu:" + root + "/usr/lib"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: processes.listening(self.smtps),
                   "Exim does not listen")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


# In its root the Maildirs are below /srv.
OPENSMTPD_CONF = """pki mail cert "/etc/mail/cert"
pki mail key "/etc/mail/key"
%(lines)s
table users { "you@example.com" = "%(user)s", "me@example.com" = "%(user)s" }
action deliver maildir "/srv/%%{dest.domain}/%%{dest.user}/Maildir" \\
	virtual <users>
match from any auth for domain "example.com" action deliver
"""


def unpacked_opensmtpd(directory):
    """Debian 13's, since the one of Debian 12 knows no TLS with its OpenSSL:
    with all that it wants, for a root of its own."""
    mirror = re.search(r"^(?:URIs: |deb )(\S*/debian)\b", "".join(
        open(path).read() for path in glob.glob("/etc/apt/sources.list.d/*")
        + glob.glob("/etc/apt/sources.list")), re.M)
    if mirror is None:
        return None
    with open(directory + "/sources", "w") as f:
        f.write("deb %s trixie main\n" % mirror.group(1))
    for name in "lists/partial", "cache/archives/partial":
        os.makedirs(os.path.join(directory, name))
    options = []
    for option in ("Dir::Etc::sourcelist=%s/sources", "Dir::Cache=%s/cache",
                   "Dir::State::lists=%s/lists", "Dir::Etc::sourceparts=-"):
        options += ["-o", option.replace("%s", directory)]
    subprocess.run(["apt-get", *options, "update"], capture_output=True)
    root = unpacked(
        directory, "opensmtpd", "opensmtpd", "libc6", "libcrypt1",
        "libdb5.3t64", "libevent-2.1-7t64", "libpam0g", "libssl3t64",
        "zlib1g", "libaudit1", "libcap-ng0", "libzstd1", "dash",
        options=options)
    if root is not None:
        for name in "bin", "lib", "lib64":
            os.symlink("usr/" + name, os.path.join(root, name))
    return root


class OpenSmtpd:
    """OpenSMTPD, locked into the root that it was unpacked to, with the
    table of credentials that pop3ctl has exported."""

    def __init__(self, server, root):
        self.server, self.root = server, root
        self.smtps, self.submission = free_port(), free_port()
        for path in ("dev", "srv", "tmp", "etc/mail", "etc/ssl/certs",
                     "var/run", "var/spool/smtpd", "var/lib/opensmtpd/empty"):
            os.makedirs(os.path.join(root, path), mode=0o755, exist_ok=True)
        os.chmod(root + "/var/spool/smtpd", 0o711)
        user = server.owner
        self.write("etc/passwd", "root:x:0:0::/:/bin/sh\n"
                   "opensmtpd:x:64901:64901::/var/lib/opensmtpd/empty:\n"
                   "opensmtpq:x:64902:64902::/var/lib/opensmtpd/empty:\n"
                   "%s:x:%d:%d::/:/bin/sh\n" % (user.pw_name, user.pw_uid,
                                               user.pw_gid))
        self.write("etc/group", "root:x:0:\nopensmtpd:x:64901:\n"
                   "opensmtpq:x:64902:\n")
        os.chown(root + "/usr/sbin/smtpctl", 0, 64902)
        os.chmod(root + "/usr/sbin/smtpctl", 0o2755)
        self.write("etc/mailname", "mail.example.com\n")
        for path, name in zip(server.keypair, ("cert", "key")):
            shutil.copy(path, root + "/etc/mail/" + name)
            os.chmod(root + "/etc/mail/" + name, 0o600)
        # Whom it would trust as a client: it does not start without.
        shutil.copy(server.keypair[0],
                    root + "/etc/ssl/certs/ca-certificates.crt")
        self.export()
        lines = of_manual(r"smtpd\.conf 5").replace("egress", "127.0.0.1")
        for port, own in ((465, self.smtps), (587, self.submission)):
            lines = lines.replace("port %d" % port, "port %d" % own)
        self.write("etc/smtpd.conf", OPENSMTPD_CONF % {
            "lines": lines, "user": user.pw_name})
        self.log_file = server.directory + "/smtpd.log"
        with open(self.log_file, "w") as log:
            self.process = subprocess.Popen(
                ["unshare", "-m", "sh", "-ec", "mount --rbind /dev $1/dev; "
                 "mount --bind $2 $1/srv; exec chroot $1 /usr/sbin/smtpd -d",
                 "sh", root, server.mail], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True)
        wait_until(lambda: processes.listening(self.smtps),
                   "OpenSMTPD does not listen: " + self.log())

    def write(self, name, text):
        with open(os.path.join(self.root, name), "w") as f:
            f.write(text)

    def export(self):
        """As pop3sasl(8) has it."""
        self.write("etc/mail/credentials",
                   self.server.ctl("export", "-t", "smtpd").stdout)

    def update(self):
        self.export()
        done = subprocess.run(
            ["chroot", self.root, "/usr/sbin/smtpctl", "update", "table",
             "credentials"], text=True, capture_output=True)
        assert done.returncode == 0, done.stderr + self.log()

    def log(self):
        with open(self.log_file) as f:
            return f.read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
