"""Who moves here by pop3d-moving(7) fetches nothing twice, and all that is new.

Dovecot or Courier, as Debian has it, serves a Maildir of 200 varied messages
to clients that leave them there.  One more message arrives, the commands are
taken out of the manual page and run, and the next poll of each client fetches
exactly that one; and again when the index was lost.  IMAP keeps its UIDs.
"""

import imaplib
import os
import re
import shutil
import ssl
import subprocess

import pytest

import post
from daemon import ROOT, free_port, wait_until
from maildir import message, unique
from moving import Administrator, clients, commands, localhost, \
    lose_index, pause, poll_exactly  # noqa: F401
from overlay import Overlay
import processes
from thunderbird import Thunderbird

MESSAGES = 200
POP3 = "/usr/lib/dovecot/pop3"
IMAP = "/usr/lib/dovecot/imap"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not ROOT, reason="only root may run mail servers")]

needs_dovecot = pytest.mark.skipif(
    not os.path.exists(POP3) or not os.path.exists(IMAP),
    reason="dovecot-pop3d and dovecot-imapd are not installed")

CONFIGURATION = """base_dir = %(home)s/run
state_dir = %(home)s/state
log_path = %(home)s/log
protocols = pop3 imap
ssl = required
ssl_cert = <%(cert)s
ssl_key = <%(key)s
mail_location = maildir:%(maildir)s
first_valid_uid = 1
%(more)s
passdb {
  driver = passwd-file
  args = %(home)s/passwd
}
userdb {
  driver = passwd-file
  args = %(home)s/passwd
}
service pop3-login {
  inet_listener pop3 {
    port = 0
  }
  inet_listener pop3s {
    address = 127.0.0.1
    port = %(pop3)d
  }
}
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    address = 127.0.0.1
    port = %(imap)d
  }
}
!include_try local.conf
"""


class Dovecot:
    """All of it, on ports of its own, for one account."""

    configuration = CONFIGURATION

    @staticmethod
    def inside(*command):
        """Of 2.4, which is not that of this system, runs elsewhere."""
        return list(command)

    def __init__(self, account, more):
        keypair, port = account.server.keypair, account.server.port
        self.home = account.server.directory + "/dovecot"
        self.account = account
        self.port = port
        self.keypair = keypair
        self.imap = free_port()
        self.conf = self.home + "/dovecot.conf"
        os.mkdir(self.home)
        with open(self.home + "/passwd", "w") as f:
            f.write("%s:{PLAIN}%s:%d:%d::%s\n" % (
                account.address, account.password, account.maildir.uid,
                account.maildir.gid, self.home))
        values = {"home": self.home, "cert": keypair[0], "key": keypair[1],
                  "maildir": account.maildir.path, "more": more,
                  "pop3": port, "imap": self.imap}
        with open(self.conf, "w") as f:
            f.write(self.configuration % values)
        self.administrator = Administrator(
            account.server, {"reload dovecot": " ".join(
                self.inside("/usr/bin/doveadm", "-c", self.conf, "reload"))},
            {"doveconf": " ".join(
                self.inside("/usr/bin/doveconf", "-c", self.conf))},
            {"/etc/dovecot": self.home})
        self.process = subprocess.Popen(
            self.inside("/usr/sbin/dovecot", "-F", "-c", self.conf),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.wait(lambda: processes.listening(port) and
                  processes.listening(self.imap))

    def wait(self, condition):
        try:
            wait_until(condition, "Dovecot")
        except AssertionError:
            with open(self.home + "/log") as f:
                raise AssertionError(f.read()) from None

    def uids(self):
        """What IMAP has: (UIDVALIDITY, {UID: octets})."""
        client = imaplib.IMAP4_SSL(
            "localhost", self.imap, ssl_context=ssl.create_default_context(
                cafile=self.keypair[0]))
        client.login(self.account.address, self.account.password)
        client.select("INBOX", readonly=True)
        validity = client.response("UIDVALIDITY")[1][0]
        found = client.uid("FETCH", "1:*", "(RFC822.SIZE)")[1]
        client.logout()
        return validity, dict(re.findall(
            rb"UID (\d+) RFC822\.SIZE (\d+)", b"\n".join(found)))

    def follow(self):
        """-f comes from the first command, as the page says."""
        form = None
        for command in commands("FROM DOVECOT"):
            if form and "import-uidls" in command:
                command += " -f '%s'" % form
            said = self.administrator.type(command).strip()
            if command.startswith("doveconf") and said != "%08Xu%08Xv":
                form = said

    def stop(self):
        subprocess.run(self.inside("/usr/bin/doveadm", "-c", self.conf,
                                   "stop"), check=True)
        self.process.wait(30)


COURIER = """set -a
PATH=$PATH:/usr/sbin
. /etc/courier/pop3d
. /etc/courier/pop3d-ssl
POP3_TLS=1 POP3_STARTTLS=NO
exec couriertcpd -address=127.0.0.1 -maxprocs=40 -maxperip=40 -nodnslookup \\
    -noidentlookup %d /usr/bin/couriertls -server -tcpd -user=courier \\
    /usr/lib/courier/courier/courierpop3login \\
    /usr/lib/courier/courier/courierpop3d Maildir
"""

AUTHDAEMON = """authmodulelist="authuserdb"
daemons=2
authdaemonvar=/run/courier/authdaemon
DEBUG_LOGIN=0
DEFAULTOPTIONS=""
LOGGEROPTS=""
"""

USERDB = "%s\tuid=%d|gid=%d|home=%s|mail=%s|systempw=%s\n"


class Courier:
    """courier-pop, which cannot be installed beside Dovecot's."""

    def __init__(self, overlay, account):
        maildir = account.maildir
        self.port = account.server.port
        hashed = subprocess.run(
            ["openssl", "passwd", "-1", account.password], check=True,
            capture_output=True, text=True).stdout.strip()
        overlay.write("/etc/courier/userdb", USERDB % (
            account.address, maildir.uid, maildir.gid,
            os.path.dirname(maildir.path), maildir.path, hashed), 0o600)
        overlay.write("/etc/courier/authdaemonrc", AUTHDAEMON)
        overlay.run("sh", "-ec", "makeuserdb; mkdir -p "
                    "/run/courier/authdaemon; chown courier:courier "
                    "/run/courier /run/courier/authdaemon; authdaemond start;"
                    "cat %s %s >/etc/courier/pop3d.pem; "
                    "chown courier /etc/courier/pop3d.pem"
                    % account.server.keypair)
        self.process = overlay.serve(self.port, "sh", "-ec",
                                     COURIER % self.port)
        pid, = processes.children(self.process.pid)
        self.administrator = Administrator(account.server, {
            "disable --now courier-pop-ssl courier-pop": "kill %d" % pid})

    def follow(self):
        said = self.administrator.follow("FROM COURIER")
        assert ": %d unique-ids of courierpop3dsizelist taken over; 0 were " \
            "here already" % MESSAGES in said["pop3ctl import-uidls -a"]

    def stop(self):
        self.process.kill()
        self.process.wait()


def varied():
    """More of the same, each message another one."""
    mails = post.fifty()
    return [b"X-Number: %d\n" % n + mails[n % len(mails)]
            for n in range(MESSAGES)]


def fill(maildir, mails):
    """Read and unread, with flags, and just delivered."""
    for n, data in enumerate(mails):
        if n % 3 == 0:
            maildir.deliver(data)
        else:
            maildir.put(data, suffix=(":2,S", ":2,FRS", ":2,")[n % 3])


FORMATS = {
    "default": (None, ""),
    "uidvalidity": ("%v.%u", ""),
    "width": ("%08Xv%08Xu", ""),
    "names": ("%f", ""),
    "guid": ("%g", ""),
    "saved": ("%u-%v", "pop3_save_uidl = yes\n"),
}


def moves_from(server, localhost, tmp_path, form, more):  # noqa: F811
    """Of a Dovecot with that pop3_uidl_format: POP3 here, IMAP stays."""
    more += "pop3_uidl_format = %s\n" % form if form else ""
    account = localhost.add_account()
    mails = varied()
    fill(account.maildir, mails)
    pause(localhost)
    dovecot = server(account, more)
    try:
        pollers = clients(account, tmp_path)
        poll_exactly(pollers, mails)
        poll_exactly(pollers, [])
        before = dovecot.uids()
        move(dovecot, account, pollers)
        validity, sizes = dovecot.uids()
    finally:
        dovecot.stop()
    assert validity == before[0]
    assert len(sizes) == MESSAGES + 2
    assert {uid: sizes[uid] for uid in before[1]} == before[1]


@needs_dovecot
@pytest.mark.parametrize("which", FORMATS)
def test_from_dovecot(localhost, tmp_path, which):  # noqa: F811
    moves_from(Dovecot, localhost, tmp_path, *FORMATS[which])


@needs_dovecot
@pytest.mark.skipif(not shutil.which("thunderbird"),
                    reason="thunderbird is not installed")
def test_thunderbird(localhost, tmp_path):  # noqa: F811
    account = localhost.add_account()
    mails = [message(str(n), "line %d\n" % n * n) for n in range(60)]
    fill(account.maildir, mails)
    pause(localhost)
    dovecot = Dovecot(account, "")
    try:
        pollers = [Thunderbird(account, str(tmp_path))]
        poll_exactly(pollers, mails)
        poll_exactly(pollers, [])
        move(dovecot, account, pollers)
    finally:
        dovecot.stop()


@pytest.fixture(scope="module")
def courier():
    overlay = Overlay("courier-pop", "courier-authlib-userdb")
    yield overlay
    overlay.remove()


def test_from_courier(courier, localhost, tmp_path):  # noqa: F811
    account = localhost.add_account()
    mails = varied()
    fill(account.maildir, mails)
    pause(localhost)
    old = Courier(courier, account)
    try:
        pollers = clients(account, tmp_path)
        for count in len(mails), 0:
            for poller in pollers:
                poller.poll(delete=False)
                assert len(poller.fetched()) == count
        move(old, account, pollers)
    finally:
        old.stop()


def move(old, account, pollers):
    """From a server that they have seen all of the messages on."""
    late = message("late", "One more.\n")
    account.maildir.deliver(late)
    old.follow()
    wait_until(lambda: not processes.listening(old.port), "it does not stop")
    account.server.start()
    poll_exactly(pollers, [late])
    poll_exactly(pollers, [])
    lose_index(account)
    poll_exactly(pollers, [])
    last = message("last", "And another one.\n")
    account.maildir.deliver(last, unique())
    poll_exactly(pollers, [last])


def test_from_qmail(localhost):  # noqa: F811
    """Debian has no qmail.  qmail-pop3d's ids are the base names of files
    that qmail-local names TIME.PID.HOST, and it moves what it has shown to
    cur/NAME:2, where no flag is added: there is nothing to be done.
    """
    account = localhost.add_account()
    names = ["%d.%d.mail.example.com" % (1700000000 + n, 4000 + n)
             for n in range(20)]
    for n, name in enumerate(names):
        if n < 15:
            account.maildir.put(message(str(n)), name, suffix=":2,")
        else:
            account.maildir.deliver(message(str(n)), name)
    said = localhost.ctl("import-uidls", "-n", "-a").stdout
    assert "nothing to do" in said
    with account.login(name="localhost") as pop:
        assert list(pop.uidl().values()) == names
        pop.quit()
    lose_index(account)
    with account.login(name="localhost") as pop:
        assert list(pop.uidl().values()) == names
        pop.quit()
