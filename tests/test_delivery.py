"""Delivery agents deliver while two clients fetch and delete.

Each agent, as Debian has it, is called by five senders for 120 messages each,
and what it delivers comes to one mailbox, that two clients log in to again
and again.  Nothing is lost, nothing is doubled, no octet is another one.
"""

import os
import pwd
import re
import shutil
import smtplib
import subprocess
import threading

import pytest

from daemon import ROOT, Account, free_port, temporary_directory, wait_until
from inject import application_password
from maildir import Maildir, message
from mta import Postfix, of_manual, tables
from overlay import Overlay
from pop3 import wire
import processes

SENDERS = 5
MESSAGES = 120
NAME = "popdeliver"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not ROOT, reason="only root may run mail servers")]


def needs(*programs):
    missing = [name for name in programs if shutil.which(name) is None]
    return pytest.mark.skipif(bool(missing), reason="not installed: " +
                              " ".join(missing))


@pytest.fixture(scope="module")
def user():
    """A user of this machine, whose home overlays see."""
    directory = temporary_directory()
    try:
        subprocess.run(["useradd", "-m", "-d", directory + "/home", NAME],
                       check=True, stderr=subprocess.DEVNULL)
        yield pwd.getpwnam(NAME)
    finally:
        subprocess.run(["userdel", "-r", NAME], stderr=subprocess.DEVNULL)
        shutil.rmtree(directory)


@pytest.fixture
def account(make_server, user):
    """Where the user's mail is fetched."""
    path = user.pw_dir + "/Maildir"
    shutil.rmtree(path, ignore_errors=True)
    server = make_server()
    server.add_account(NAME + "@example.com", maildir=path, owner=NAME)
    return Account(server, NAME + "@example.com", "secret",
                   Maildir(path, user.pw_uid, user.pw_gid))


def letter(sender, n):
    return message("%d-%d" % (sender, n),
                   ".\nFrom a line\n..\n" + "x" * (n * 37 % 900) + "\n" +
                   "text\n" * (n * 13 % 200))


class Client(threading.Thread):
    """Fetches and deletes all that there is, until it is told to end."""

    def __init__(self, account):
        super().__init__()
        self.account = account
        self.fetched, self.sessions, self.busy = [], 0, 0
        self.end = threading.Event()
        self.error = None
        self.start()

    def run(self):
        try:
            while not self.end.is_set():
                self.session()
        except BaseException as error:
            self.error = error

    def session(self):
        with self.account.server.connect() as pop:
            pop.ok("USER " + self.account.address)
            answer = pop.command("PASS " + self.account.password)
            if not answer.startswith(b"+OK"):
                assert answer.startswith(b"-ERR [IN-USE]"), answer
                self.busy += 1
                return
            found = [pop.retr(n) for n in pop.list()]
            for n in range(1, len(found) + 1):
                pop.ok("DELE %d" % n)
            pop.quit()
        self.sessions += 1
        self.fetched += found


def send_all(send):
    """send(sender, numbers) in as many threads; all of them must succeed."""
    errors = []

    def sender(number):
        try:
            send(number, range(MESSAGES))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=sender, args=(n,))
               for n in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def exchange(account, send):
    application_password(account)
    clients = [Client(account), Client(account)]
    try:
        send_all(send)
        wanted = SENDERS * MESSAGES
        wait_until(lambda: any(client.error for client in clients) or sum(
            len(client.fetched) for client in clients) >= wanted,
            "not all of it comes", 300)
    finally:
        for client in clients:
            client.end.set()
        for client in clients:
            client.join()
    for client in clients:
        assert client.error is None, client.error
    clients[0].session()  # nothing is there any more
    found = {}
    for data in clients[0].fetched + clients[1].fetched:
        subject = re.search(rb"^Subject: (\S+)", data, re.M).group(1).decode()
        assert subject not in found, subject + " is doubled"
        found[subject] = data
    for sender in range(SENDERS):
        for n in range(MESSAGES):
            body = letter(sender, n).split(b"\n\n", 1)[1]
            assert found["%d-%d" % (sender, n)].endswith(
                b"\r\n\r\n" + wire(body)), (sender, n)
    assert len(found) == wanted
    assert account.maildir.files() == []
    assert all(client.sessions > 3 for client in clients)


# Agents that are called once for each message, as the user.

def as_user(account, command):
    """send(), by a command that takes the message from its input."""
    user = pwd.getpwnam(NAME)

    def send(sender, numbers):
        for n in numbers:
            done = subprocess.run(
                ["setpriv", "--reuid", NAME, "--regid", str(user.pw_gid),
                 "--clear-groups", "env", "-i", "-C", "/",
                 "HOME=" + user.pw_dir, "USER=" + NAME, "LOGNAME=" + NAME,
                 "PATH=" + os.environ["PATH"], *command(sender)],
                input=letter(sender, n), capture_output=True)
            assert done.returncode == 0, done.stderr
    return send


def configuration(account, name, text):
    path = os.path.join(pwd.getpwnam(NAME).pw_dir, name)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o600)
    os.chown(path, account.maildir.uid, account.maildir.gid)
    return path


@needs("procmail")
def test_procmail(account):
    conf = configuration(account, "procmailrc", "DEFAULT=%s/\nLOGFILE="
                         "/dev/null\n" % account.maildir.path)
    exchange(account, as_user(account, lambda sender: ["procmail", conf]))


@needs("maildrop")
def test_maildrop_with_a_quota(account):
    """Both count in maildirsize: nothing is left there in the end."""
    maildir = account.maildir
    size = maildir.path + "/maildirsize"
    with open(size, "w") as f:
        f.write("100000000S,10000C\n")
    os.chown(size, maildir.uid, maildir.gid)
    conf = configuration(account, "mailfilter", 'to "%s"\n' % maildir.path)
    exchange(account, as_user(account, lambda sender: ["maildrop", conf]))
    with open(size) as f:
        quota, *lines = f.read().splitlines()
    assert quota == "100000000S,10000C"
    assert [sum(column) for column in zip(*(
        map(int, line.split()) for line in lines))] in ([], [0, 0])


@needs("fdm")
def test_fdm(account):
    confs = [configuration(account, "fdm%d.conf" % sender, (
        'set lock-file "%s/fdm%d.lock"\n'
        'account "in" stdin\naction "in" maildir "%s"\n'
        'match all action "in"\n')
        % (pwd.getpwnam(NAME).pw_dir, sender, account.maildir.path))
        for sender in range(SENDERS)]
    exchange(account, as_user(account, lambda sender: [
        "fdm", "-f", confs[sender], "-a", "in", "fetch"]))


LDA = "/usr/lib/dovecot/dovecot-lda"
LMTP = "/usr/lib/dovecot/lmtp"

DOVECOT = """base_dir = %(d)s/run
state_dir = %(d)s/state
log_path = %(d)s/log
ssl = no
mail_location = maildir:~/Maildir
first_valid_uid = 1
postmaster_address = postmaster@example.com
"""


@pytest.mark.skipif(not os.path.exists(LDA),
                    reason="dovecot-core is not installed")
def test_dovecot_lda(account):
    conf = configuration(account, "dovecot.conf", DOVECOT % {
        "d": pwd.getpwnam(NAME).pw_dir})
    exchange(account, as_user(account, lambda sender: [
        LDA, "-c", conf, "-m", "INBOX"]))


# Those that take mail over the network.

def by_network(connect, recipient):
    """send(), in connections of not too many messages."""
    def send(sender, numbers):
        for first in range(0, len(numbers), 40):
            with connect() as client:
                for n in numbers[first:first + 40]:
                    assert client.sendmail(
                        "me@example.com", [recipient],
                        wire(letter(sender, n))) == {}
    return send


@pytest.mark.skipif(not os.path.exists(LMTP),
                    reason="dovecot-lmtpd is not installed")
def test_dovecot_lmtp(account):
    directory = account.server.directory + "/dovecot"
    os.mkdir(directory)
    port = free_port()
    user = pwd.getpwnam(NAME)
    with open(directory + "/dovecot.conf", "w") as f:
        f.write(DOVECOT % {"d": directory} +
                "protocols = lmtp\nservice lmtp {\n  inet_listener lmtp {\n"
                "    address = 127.0.0.1\n    port = %d\n  }\n}\n"
                # As in Debian's conf.d.
                "passdb {\n  driver = pam\n}\n"
                "userdb {\n  driver = passwd\n}\n"
                # And as pop3d(8) has it.
                "userdb {\n  driver = static\n  args = uid=%d gid=%d home=%s "
                "allow_all_users=yes\n}\n"
                % (port, user.pw_uid, user.pw_gid, user.pw_dir))
    process = subprocess.Popen(
        ["dovecot", "-F", "-c", directory + "/dovecot.conf"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: processes.listening(port), "no LMTP")
        exchange(account, by_network(
            lambda: smtplib.LMTP("127.0.0.1", port), account.address))
    finally:
        process.terminate()
        process.wait(20)


def smtp(port):
    return lambda: smtplib.SMTP("127.0.0.1", port, "mail.example.com")


@pytest.fixture
def postfix(account):
    smtp_server = Postfix(account.server)
    yield smtp_server
    smtp_server.stop()


@needs("postfix")
def test_postfix_virtual(postfix):
    """To an alias, by the lines and tables that pop3d(8) has."""
    account = postfix.server.add_account("you@example.com")
    postfix.server.ctl("alias", "add", account.address, "info@example.com")
    postfix.serve_all()
    exchange(account, by_network(smtp(postfix.smtp), "info@example.com"))


@needs("postfix")
def test_postfix_local(postfix, account):
    exchange(account, by_network(smtp(postfix.smtp), NAME + "@localhost"))


@pytest.fixture
def inside(request, user):
    """An overlay with the package that is the test's parameter."""
    overlay = Overlay(request.param)
    yield overlay
    overlay.remove()


@pytest.mark.parametrize("inside", ["opensmtpd"], indirect=True)
def test_opensmtpd(inside, account):
    port = free_port()
    inside.write("/etc/smtpd.conf",
                 "listen on 127.0.0.1 port %d\n"
                 'action "in" maildir\n'
                 'match from any for domain "example.com" action "in"\n'
                 % port)
    process = inside.serve(port, "smtpd", "-d")
    try:
        exchange(account, by_network(smtp(port), account.address))
    finally:
        process.terminate()
        process.wait(20)


EXIM = """primary_hostname = mail.example.com
never_users =
keep_environment =
rfc1413_hosts =
host_lookup =
daemon_smtp_ports = %(port)d
local_interfaces = 127.0.0.1
smtp_accept_queue_per_connection = 0
acl_smtp_rcpt = acl_rcpt
begin acl
acl_rcpt:
  accept
begin routers
%(routers)sbegin transports
%(transport)sbegin retry
* * F,1h,5s
"""


@pytest.mark.parametrize("inside", ["exim4-daemon-light"], indirect=True)
def test_exim(inside, make_server):
    """To an alias, by the lines and tables that pop3d(8) has."""
    server = make_server()
    account = server.add_account("you@example.com")
    server.ctl("alias", "add", account.address, "info@example.com")
    tables(server, server.directory)
    port = free_port()
    inside.write("/etc/exim4/exim4.conf", EXIM % {
        "port": port, **{name: of_manual(before, "pop3d.8").replace(
            "/etc/", server.directory + "/").replace(
                "/var/vmail", server.mail).replace(
                    "user = vmail", "user = " + server.owner.pw_name)
            for name, before in (("routers", "has these routers"),
                                 ("transport", "and this transport"))}})
    process = inside.serve(port, "exim4", "-bdf", "-q10s")
    try:
        exchange(account, by_network(smtp(port), "info@example.com"))
    finally:
        process.terminate()
        process.wait(20)
