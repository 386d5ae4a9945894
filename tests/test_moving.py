"""Who moves here by pop3d-moving(7) fetches nothing twice, and all that is new.

Dovecot, as Debian has it, serves a Maildir of 200 varied messages to clients
that leave them there.  One more message arrives, the commands are taken out
of the manual page and run, and the next poll of each client fetches exactly
that one; and again when the index was lost.  IMAP keeps its UIDs.
"""

import imaplib
import os
import re
import shutil
import ssl
import subprocess

import pytest

import daemon
import post
from daemon import HERE, POP3CTL, ROOT, Server, make_certificate, \
    temporary_directory, wait_until
from maildir import message, unique
from test_clients import Fetchmail, Getmail, Mpop, compare

MESSAGES = 200
POP3 = "/usr/lib/dovecot/pop3"
PAGE = HERE + "/../man/pop3d-moving.7"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not ROOT, reason="only root may run mail servers"),
    pytest.mark.skipif(not os.path.exists(POP3),
                       reason="dovecot-pop3d is not installed")]

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

# In place of the system's: what the page's commands would reach there.
SYSTEMCTL = """#!/bin/sh -e
case "$*" in
'reload dovecot') doveadm -c %(home)s/dovecot.conf reload ;;
'enable --now pop3d.socket') : >%(home)s/enabled ;;
*) exit 1 ;;
esac
"""


def script(path, text):
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o755)


class Dovecot:
    """All of it, on ports of its own, for one account."""

    def __init__(self, directory, account, keypair, port, more):
        self.home = directory + "/dovecot"
        self.account = account
        self.port = port
        self.keypair = keypair
        self.imap = daemon.free_port()
        self.conf = self.home + "/dovecot.conf"
        os.makedirs(self.home + "/bin")
        with open(self.home + "/passwd", "w") as f:
            f.write("%s:{PLAIN}%s:%d:%d::%s\n" % (
                account.address, account.password, account.maildir.uid,
                account.maildir.gid, self.home))
        values = {"home": self.home, "cert": keypair[0], "key": keypair[1],
                  "maildir": account.maildir.path, "more": more,
                  "pop3": port, "imap": self.imap}
        with open(self.conf, "w") as f:
            f.write(CONFIGURATION % values)
        script(self.home + "/bin/systemctl", SYSTEMCTL % values)
        script(self.home + "/bin/doveconf", "#!/bin/sh\nexec "
               '/usr/bin/doveconf -c %s "$@"\n' % self.conf)
        script(self.home + "/bin/pop3ctl", "#!/bin/sh\nexec %s -f %s "
               '"$@"\n' % (POP3CTL, account.server.conf))
        self.process = subprocess.Popen(
            ["dovecot", "-F", "-c", self.conf], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait(lambda: self.listens(port) and self.listens(self.imap))

    @staticmethod
    def listens(port):
        return daemon.processes.listening(port)

    def wait(self, condition):
        try:
            wait_until(condition, "Dovecot")
        except AssertionError:
            with open(self.home + "/log") as f:
                raise AssertionError(f.read()) from None

    def run(self, command):
        """A command of the page; what it printed."""
        command = command.replace("/etc/dovecot", self.home)
        return subprocess.run(
            ["sh", "-ec", command], check=True, capture_output=True,
            text=True, env={**os.environ, "PATH": self.home + "/bin:" +
                            os.environ["PATH"]}).stdout

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

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def commands(title):
    """Those of a section of the page, in order."""
    with open(PAGE) as f:
        section = re.search(r"^\.Sh %s\n(.*?)^\.Sh " % title, f.read(),
                            re.M | re.S).group(1)
    block = re.search(r"^\.Bd -literal.*?\n(.*?)^\.Ed", section,
                      re.M | re.S).group(1)
    found = re.findall(r"^# (.*)$", block, re.M)
    assert len(found) >= 5
    return found


def varied():
    """More of the same, each message another one."""
    mails = post.fifty()
    return [b"X-Number: %d\n" % n + mails[n % len(mails)]
            for n in range(MESSAGES)]


@pytest.fixture
def place():
    directory = temporary_directory()
    server = Server(make_certificate(directory, "localhost"))
    yield directory, server
    server.stop()
    shutil.rmtree(directory)


def fill(maildir, mails):
    """Read and unread, with flags, and just delivered."""
    for n, data in enumerate(mails):
        if n % 3 == 0:
            maildir.deliver(data)
        else:
            maildir.put(data, suffix=(":2,S", ":2,FRS", ":2,")[n % 3])


def polls_exactly(pollers, expected):
    for poller in pollers:
        poller.poll(delete=False)
        compare(poller.fetched(), [poller.stored(data) for data in expected])


FORMATS = {
    "default": (None, ""),
    "uidvalidity": ("%v.%u", ""),
    "width": ("%08Xv%08Xu", ""),
    "names": ("%f", ""),
    "guid": ("%g", ""),
    "saved": ("%u-%v", "pop3_save_uidl = yes\n"),
}


@pytest.mark.parametrize("which", FORMATS)
def test_from_dovecot(place, tmp_path, monkeypatch, which):
    directory, server = place
    form, more = FORMATS[which]
    more += "pop3_uidl_format = %s\n" % form if form else ""
    account = server.add_account()
    mails = varied()
    fill(account.maildir, mails)
    # The clients are to find the other server where this one was.
    port = server.port
    server.process.terminate()
    server.process.wait(20)
    dovecot = Dovecot(directory, account, server.keypair, port, more)
    try:
        move(server, dovecot, account, tmp_path, monkeypatch, mails)
    finally:
        dovecot.stop()


def move(server, dovecot, account, tmp_path, monkeypatch, mails):
    pollers = []
    for client in (Fetchmail, Mpop, Getmail):
        home = tmp_path / client.__name__
        home.mkdir()
        pollers.append(client(account, str(home)))
    polls_exactly(pollers, mails)
    polls_exactly(pollers, [])
    before = dovecot.uids()
    late = message("late", "One more.\n")
    account.maildir.deliver(late)
    form = None
    for command in commands("FROM DOVECOT"):
        if form and "import-uidls" in command:
            command += " -f '%s'" % form
        said = dovecot.run(command)
        if command.startswith("doveconf") and said.strip() != "%08Xu%08Xv":
            form = said.strip()
    assert os.path.exists(dovecot.home + "/enabled")
    dovecot.wait(lambda: not dovecot.listens(dovecot.port))
    monkeypatch.setattr(daemon, "free_port", lambda: dovecot.port)
    server.start()
    polls_exactly(pollers, [late])
    polls_exactly(pollers, [])
    server.wait_empty()
    for name in os.listdir(account.maildir.path + "/pop3d"):
        if name != "uidls":
            os.unlink(os.path.join(account.maildir.path, "pop3d", name))
    polls_exactly(pollers, [])
    last = message("last", "And another one.\n")
    account.maildir.deliver(last, unique())
    polls_exactly(pollers, [last])
    validity, sizes = dovecot.uids()
    assert validity == before[0]
    assert len(sizes) == MESSAGES + 2
    assert {uid: sizes[uid] for uid in before[1]} == before[1]
