"""Postfix and Exim, each in a directory of its own, on ports of 127.0.0.1.

They ask pop3sasl who may send, deliver to the Maildirs that pop3d serves, and
take mail by TLS: from the first octet (as on port 465) and by STARTTLS (587).
"""

import grp
import os
import pwd
import re
import shutil
import signal
import subprocess

from daemon import HERE, free_port, system_user, wait_until
import processes

POSTFIX = "/usr/sbin/postfix"

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
mydestination =
mynetworks =
alias_maps =
virtual_mailbox_domains = example.com
virtual_mailbox_base = %(mail)s
virtual_mailbox_maps = texthash:%(d)s/mailboxes
virtual_uid_maps = static:%(uid)d
virtual_gid_maps = static:%(gid)d
smtpd_tls_cert_file = %(cert)s
smtpd_tls_key_file = %(key)s
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/pop3sasl
smtpd_sasl_local_domain =
smtpd_sender_login_maps = texthash:%(d)s/senders
"""

# As pop3sasl(8) has it, but for the ports.
MASTER_CF = """127.0.0.1:%(smtps)d inet n - y - %(limit)d smtpd
  -o smtpd_tls_wrappermode=yes
%(options)s127.0.0.1:%(submission)d inet n - y - %(limit)d smtpd
  -o smtpd_tls_security_level=encrypt
%(options)s"""

OPTIONS = """  -o smtpd_sasl_auth_enable=yes
  -o smtpd_tls_auth_only=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o smtpd_sender_restrictions=reject_sender_login_mismatch
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


class Postfix:
    """Ends with stop(); private is where pop3sasl's socket belongs."""

    def __init__(self, server, limit=60):
        self.server = server
        self.directory = os.path.join(server.directory, "postfix")
        self.conf = self.directory + "/etc"
        self.private = self.directory + "/spool/private"
        self.smtps, self.submission = free_port(), free_port()
        user = pwd.getpwnam("postfix")
        for name in "", "etc", "spool", "data":
            os.mkdir(os.path.join(self.directory, name), 0o755)
        os.chown(self.directory + "/data", user.pw_uid, user.pw_gid)
        values = {"d": self.directory, "mail": server.mail,
                  "uid": server.owner.pw_uid, "gid": server.owner.pw_gid,
                  "cert": server.keypair[0], "key": server.keypair[1],
                  "smtps": self.smtps, "submission": self.submission,
                  "options": OPTIONS, "limit": limit}
        self.write("main.cf", MAIN_CF % values)
        self.write("master.cf", MASTER_CF % values + SERVICES)
        self.map("mailboxes", {})
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
  accept authenticated = *
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


def authenticators():
    """As pop3sasl(8) has them."""
    with open(os.path.join(HERE, "../man/pop3sasl.8")) as f:
        text = re.search(r"Debian: exim4-daemon-heavy.*?\n\.Bd.*?\n(.*?)\.Ed",
                         f.read(), re.S).group(1)
    return text


def unpacked_exim(directory):
    """Exim cannot be installed beside Postfix: it and its libraries are put
    into a directory.  None where they cannot be had."""
    root = os.path.join(directory, "exim-root")
    os.mkdir(root)
    done = subprocess.run(
        ["apt-get", "download", "exim4-daemon-heavy", "libmariadb3",
         "libspf2-2", "libldap-2.5-0", "libsasl2-2", "libpq5", "libsqlite3-0",
         "libperl5.36"], cwd=root, capture_output=True)
    packages = [name for name in os.listdir(root) if name.endswith(".deb")]
    if done.returncode != 0 or not packages:
        return None
    for name in packages:
        subprocess.run(["dpkg", "-x", name, "."], cwd=root, check=True)
    return root


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
                "user": server.owner.pw_name,
                "group": grp.getgrgid(server.owner.pw_gid).gr_name,
                "cert": server.keypair[0], "key": key,
                "smtps": self.smtps, "submission": self.submission})
            f.write(authenticators().replace("/run/pop3sasl", socket_path))
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
