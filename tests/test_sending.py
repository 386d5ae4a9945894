"""The whole way round that a user's client goes: it sends by a real Postfix,
or Exim, with what lets it fetch by POP, and fetches what was delivered.

And the same questions to pop3sasl and to Dovecot, whose protocol it is.
"""

import os
import pwd
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

from daemon import HERE, POP3CTL, POP3D, ROOT, temporary_directory, wait_until
from maildir import message
from mta import (Exim, OpenSmtpd, Postfix, unpacked_exim,
                 unpacked_opensmtpd)
from pop3 import plain
from sasl import SaslServer, b64

DOVECOT = "/usr/sbin/dovecot"


def read_manual():
    with open(HERE + "/../man/pop3sasl.8") as f:
        return f.read()


def missing(*programs):
    return next((name for name in programs if shutil.which(name) is None),
                None)


needs_postfix = pytest.mark.skipif(
    not ROOT or missing("postfix", "swaks", "msmtp", "curl") is not None,
    reason="root, Postfix, swaks, msmtp and curl are needed: %s is missing"
    % missing("postfix", "swaks", "msmtp", "curl"))

pytestmark = pytest.mark.long


class Site:
    """pop3d, pop3sasl and an SMTP server, for one user and more."""

    def __init__(self, server, smtp, sasl):
        self.server, self.smtp, self.sasl = server, smtp, sasl

    def curl(self, user, password, sender, starttls=False, to=None):
        letter = os.path.join(self.server.directory, "letter")
        with open(letter, "wb") as f:
            f.write(message("by curl"))
        url = "smtp://mail.example.com:%d" % self.smtp.submission \
            if starttls else "smtps://mail.example.com:%d" % self.smtp.smtps
        return subprocess.run(
            ["curl", "-sS", "--ssl-reqd", "--resolve", "%s:127.0.0.1" %
             url.split("//")[1], "--cacert", self.server.keypair[0],
             "--user", "%s:%s" % (user, password), "--mail-from", sender,
             "--mail-rcpt", to or sender, "-T", letter, url],
            text=True, capture_output=True, timeout=120)

    def swaks(self, user, password, sender, mechanism="LOGIN", to=None):
        return subprocess.run(
            ["swaks", "--server", "127.0.0.1", "--port",
             str(self.smtp.submission), "--tls", "--auth", mechanism,
             "--auth-user", user, "--auth-password", password, "--from",
             sender, "--to", to or sender], text=True, capture_output=True,
            timeout=120)

    def msmtp(self, user, password, sender):
        return subprocess.run(
            ["msmtp", "--file=/dev/null", "--host=127.0.0.1",
             "--port=%d" % self.smtp.smtps, "--tls=on", "--tls-starttls=off",
             "--tls-certcheck=off", "--auth=plain", "--user=" + user,
             "--passwordeval=printf %%s '%s'" % password, "--from=" + sender,
             sender], input=message("by msmtp").decode(), text=True,
            capture_output=True, timeout=120)

    def fetched(self, account, password=None, count=1):
        """So many messages come, and are fetched and deleted by POP."""
        wait_until(lambda: len(account.maildir.files()) >= count,
                   "nothing is delivered", 60)
        pop = self.server.connect()
        pop.login(account.address, password or "secret")
        found = [pop.retr(n) for n in pop.list()]
        for n in pop.list():
            pop.ok("DELE %d" % n)
        pop.quit()
        assert len(found) == count
        return found


@pytest.fixture
def postfix(make_server):
    server = make_server(extra="")
    smtp = Postfix(server)
    sasl = None
    try:
        server.ctl("add", "-P", "first@example.com")
        sasl = SaslServer(server, path=smtp.private + "/pop3sasl")
        user = pwd.getpwnam("postfix")
        os.chown(sasl.path, user.pw_uid, user.pw_gid)
        os.chmod(sasl.path, 0o660)
        yield Site(server, smtp, sasl)
    finally:
        smtp.stop()
        if sasl is not None:
            sasl.stop()


def make_accounts(site, *names):
    accounts = [site.server.add_account(name + "@example.com")
                for name in names]
    site.smtp.serve(*[account.address for account in accounts])
    return accounts


@needs_postfix
def test_the_whole_way_round(postfix):
    account, = make_accounts(postfix, "you")
    me = account.address
    phone = postfix.server.ctl("app-password", "add", me,
                               "phone").stdout.split()[-1]
    for n, done in enumerate([
            postfix.curl(me, "secret", me),
            postfix.curl(me, phone, me, starttls=True),
            postfix.swaks(me, "secret", me),
            postfix.swaks(me, phone, me, mechanism="PLAIN"),
            postfix.msmtp(me.upper(), phone, me)]):
        assert done.returncode == 0, (n, done.stdout, done.stderr)
    for letter in postfix.fetched(account, count=5):
        assert letter.startswith(b"Return-Path: <%s>\r\n" % me.encode())
    assert len(postfix.sasl.log_lines()) == 5
    # Who has logged in may send as himself.
    other, = [postfix.server.add_account("other@example.com")]
    postfix.smtp.serve(me, other.address)
    done = postfix.swaks(me, "secret", other.address)
    assert "553 5.7.1" in done.stdout, done.stdout


def typed_in(text):
    """What a user types into his client: [{row: value}], of POP first."""
    return [dict(re.fullmatch(r"  (.{15}) (.*)", row).groups()
                 for row in block.splitlines()[1:])
            for block in text.strip().split("\n\n")]


@needs_postfix
def test_by_client_settings_alone(postfix):
    """By what the user was told, and no more: he fetches what he has sent.
    Postfix is told who may send as whom by the manual's command."""
    server, me = postfix.server, "you@example.com"
    server.configure("outgoing mail.example.com %d tls\n"
                     "outgoing mail.example.com %d starttls\n" % (
                         postfix.smtp.smtps, postfix.smtp.submission))
    account, = make_accounts(postfix, "you")
    senders = re.search(r"(?ms)^# (\{ pop3ctl list .*?)^# postfix",
                        read_manual()).group(1)
    subprocess.run(
        senders.replace("pop3ctl", "%s -f %s" % (POP3CTL, server.conf))
        .replace("/etc/postfix", postfix.smtp.directory), shell=True,
        check=True)
    server.ctl("set", me, "two-factor=on")
    tables = [{key.strip(): value for key, value in table.items()}
              for table in typed_in(server.ctl("client-settings", me).stdout)]
    assert {(table["user name"], table["password"]) for table in tables} == {
        (me, "an application password")}
    phone = server.ctl("app-password", "add", me, "phone").stdout.strip()
    postfix.smtp.run("reload")
    for table in tables[1:]:
        tls = table["security"]
        done = subprocess.run(
            ["curl", "-sS", "--ssl-reqd", "--resolve", "%s:%s:127.0.0.1" % (
                table["server"], table["port"]), "--cacert",
             server.keypair[0], "--user", me + ":" + phone, "--mail-from", me,
             "--mail-rcpt", me, "-T", "-", "%s://%s:%s" % (
                 {"SSL/TLS (required)": "smtps",
                  "TLS by STARTTLS (required)": "smtp"}[tls],
                 table["server"], table["port"])],
            input=message(tls).decode(), text=True, capture_output=True,
            timeout=120)
        assert done.returncode == 0, done.stderr
    letters = postfix.fetched(account, phone, 2)
    assert {tls for table in tables[1:] for tls in [table["security"]]
            if any(tls.encode() in letter for letter in letters)} == {
                "SSL/TLS (required)", "TLS by STARTTLS (required)"}


@needs_postfix
def test_who_may_not_send(postfix):
    """They hear one sentence; POP, where it is on, goes on."""
    account, = make_accounts(postfix, "you")
    me = account.address
    ctl = postfix.server.ctl

    def refused(password):
        told = postfix.swaks(me, password, me).stdout
        assert ("535 5.7.8 Error: authentication failed: login refused: wrong "
                "name or password, or sending is off") in told, told

    refused("wrong")
    phone = ctl("app-password", "add", me, "phone").stdout.split()[-1]
    wait_for_new_accounts(postfix)
    assert postfix.swaks(me, phone, me).returncode == 0
    ctl("app-password", "revoke", me, "phone")
    wait_for_new_accounts(postfix)
    refused(phone)
    pop = ctl("app-password", "add", "-u", "pop", me,
              "pop").stdout.split()[-1]
    wait_for_new_accounts(postfix)
    refused(pop)
    postfix.fetched(account, pop)
    ctl("set", me, "two-factor=on")
    wait_for_new_accounts(postfix)
    refused("secret")
    ctl("set", me, "two-factor=off", "send=no")
    wait_for_new_accounts(postfix)
    refused("secret")
    postfix.server.connect().login(me, "secret")
    assert account.maildir.files() == []


def wait_for_new_accounts(site):
    """The connections that Postfix has from before have ended."""
    before = set(site.sasl.pids())
    wait_until(lambda: not before & set(site.sasl.pids()), "they stay", 60)


@needs_postfix
def test_other_names(postfix):
    """An alias, and a name without its domain: the account's name is what
    Postfix learns."""
    account, = make_accounts(postfix, "you")
    postfix.server.ctl("alias", "add", account.address, "me@example.com")
    postfix.server.configure("default-domain example.com\n")
    wait_for_new_accounts(postfix)
    for name in "me@example.com", "you", "ME":
        done = postfix.swaks(name, "secret", account.address)
        assert done.returncode == 0, done.stdout
        postfix.fetched(account)
    assert "sasl_username=you@example.com" in postfix.smtp.log()
    assert "sasl_username=me" not in postfix.smtp.log()


@needs_postfix
def test_what_pop3d_n_says_of_postfix(postfix):
    """Warnings, for pop3d itself has nothing to do with it."""
    smtp, path = postfix.smtp, postfix.sasl.path

    def told():
        done = subprocess.run([POP3D, "-n", "-f", postfix.server.conf],
                              text=True, capture_output=True, timeout=60,
                              env={**os.environ, "MAIL_CONFIG": smtp.conf})
        assert (done.returncode, done.stdout) == (0, "configuration OK\n")
        assert done.stderr.count("\n") <= 1
        return done.stderr.replace(smtp.conf, "ETC").rstrip("\n")

    def postconf(*words):
        subprocess.run(["postconf", "-c", smtp.conf, *words], check=True)

    assert told() == ""
    os.chmod(path, 0o600)
    assert told() == ""
    os.chown(path, 0, 0)
    assert told() == (
        "ETC/master.cf: warning: postfix, who asks who may send, may not "
        "connect to %s; its unit says who may, in SocketUser= and "
        "SocketMode=" % path)
    os.chmod(path, 0o666)  # nobody else passes private/
    assert told() == ""
    os.rename(path, path + ".away")
    assert told() == (
        "ETC/master.cf: warning: smtpd_sasl_path private/pop3sasl: nobody "
        "answers at %s (No such file or directory), so that nobody can send; "
        "systemctl enable --now pop3sasl.socket" % path)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
    assert "answers at %s (Connection refused)" % path in told()
    os.rename(path + ".away", path)
    postconf("-e", "smtpd_sasl_path=private/auth")
    assert told() == (
        "ETC/main.cf: warning: there is pop3sasl, and Postfix asks another "
        "who may send (dovecot, private/auth); say smtpd_sasl_type = dovecot "
        "and smtpd_sasl_path = private/pop3sasl")
    # What one service says for itself counts.
    services = ["127.0.0.1:%d/inet/" % port for port in (smtp.smtps,
                                                         smtp.submission)]
    postconf("-P", services[1] + "smtpd_sasl_path=private/pop3sasl")
    assert told() == ""
    postconf("-e", "smtpd_sasl_type=cyrus")
    assert "asks another who may send (cyrus, " in told()
    postconf("-e", "smtpd_sasl_type=dovecot")
    postconf("-P", *[name + "smtpd_sasl_auth_enable=no" for name in services])
    assert told() == (
        "ETC/main.cf: warning: there is pop3sasl, and nobody can log in to "
        "send: smtpd_sasl_auth_enable is nowhere yes; pop3sasl(8) has the "
        "lines of master.cf")
    postconf("-P", *[name + "smtpd_sasl_auth_enable=yes" for name in services])
    # One that all can reach.
    public = SaslServer(postfix.server,
                        path=postfix.server.directory + "/pop3sasl")
    try:
        os.chmod(public.path, 0o666)
        postconf("-P", services[1] + "smtpd_sasl_path=" + public.path)
        assert told() == (
            "ETC/master.cf: warning: every user of this machine can connect "
            "to %s, and guess passwords there; let its unit say "
            "SocketMode=0660" % public.path)
    finally:
        public.stop()
    # Without pop3sasl nothing is meant, and nothing is said.
    postconf("-P", services[1] + "smtpd_sasl_path=private/auth")
    os.rename(path, path + ".away")
    assert told() == ""
    os.rename(path + ".away", path)
    postfix.smtp.restart()


@needs_postfix
def test_a_change_of_accounts_is_no_wrong_password(postfix):
    """Whoever asks in that very moment is told to come again."""
    account, = make_accounts(postfix, "you")
    me = account.address
    assert postfix.swaks(me, "secret", me).returncode == 0
    for _ in range(3):
        postfix.server.ctl("passwd", me, stdin="secret\n")
        told = postfix.swaks(me, "secret", me).stdout
        assert "235 2.7.0" in told or "454 4.7.0" in told, told
        assert postfix.swaks(me, "secret", me).returncode == 0
    # And with the accounts gone: never a wrong password.
    db = postfix.server.directory + "/db/accounts.db"
    os.rename(db, db + ".away")
    postfix.smtp.restart()
    told = postfix.swaks(me, "secret", me).stdout
    assert "454 4.7.0" in told, told
    os.rename(db + ".away", db)
    assert postfix.swaks(me, "secret", me).returncode == 0


@needs_postfix
def test_postfix_is_restarted(postfix):
    account, = make_accounts(postfix, "you")
    me = account.address
    for _ in range(3):
        assert postfix.swaks(me, "secret", me).returncode == 0
        postfix.fetched(account)
        postfix.smtp.restart()
        postfix.sasl.wait_empty()


@needs_postfix
def test_fifty_logins_at_once(postfix):
    account, = make_accounts(postfix, "you")
    me = account.address
    phone = postfix.server.ctl("app-password", "add", me,
                               "phone").stdout.split()[-1]
    done = []

    def one():
        done.append(postfix.curl(me, phone, me))

    begin = time.monotonic()
    threads = [threading.Thread(target=one) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    print("50 logins and messages in %.1f s" % (time.monotonic() - begin))
    assert [d.returncode for d in done] == 50 * [0], [
        d.stderr for d in done if d.returncode]
    postfix.fetched(account, phone, 50)


@pytest.mark.skipif(not ROOT or missing("curl", "swaks") is not None,
                    reason="root, curl and swaks are needed")
def test_exim(make_server):
    directory = temporary_directory()
    root = unpacked_exim(directory)
    if root is None:
        shutil.rmtree(directory)
        pytest.skip("exim4-daemon-heavy cannot be downloaded")
    server = make_server()
    account = server.add_account("you@example.com")
    me = account.address
    phone = server.ctl("app-password", "add", me, "phone").stdout.split()[-1]
    sasl = SaslServer(server)
    os.chmod(sasl.path, 0o666)
    exim = None
    try:
        exim = Exim(server, root, sasl.path)
        site = Site(server, exim, sasl)
        for done in (site.curl(me, phone, me),
                     site.curl(me, "secret", me, starttls=True),
                     site.swaks(me, phone, me),
                     site.swaks(me, "secret", me, mechanism="PLAIN")):
            assert done.returncode == 0, (done.stdout, done.stderr)
        site.fetched(account, count=4)
        assert "you can send as %s alone" % me in site.swaks(
            me, phone, "other@example.com").stdout
        assert "535 Incorrect" in site.swaks(me, "wrong", me).stdout
        # Exim asks on a connection of its own each time.
        os.rename(server.directory + "/db/accounts.db",
                  server.directory + "/db/away")
        assert "435" in site.swaks(me, phone, me).stdout
    finally:
        if exim is not None:
            exim.stop()
        sasl.stop()
        shutil.rmtree(directory)


@pytest.mark.skipif(not ROOT or missing("swaks", "curl") is not None,
                    reason="root, curl and swaks are needed")
def test_opensmtpd(make_server):
    """It checks the hashes itself, of a table that pop3ctl has exported."""
    directory = temporary_directory()
    root = unpacked_opensmtpd(directory)
    if root is None:
        shutil.rmtree(directory)
        pytest.skip("opensmtpd cannot be downloaded")
    server = make_server()
    account = server.add_account("you@example.com")
    other = server.add_account("me@example.com", "another")
    me = account.address
    phone = server.ctl("app-password", "add", me, "phone").stdout.strip()
    smtp = None
    try:
        smtp = OpenSmtpd(server, root)
        site = Site(server, smtp, None)
        for done in (site.curl(me, "secret", me),
                     site.curl(me, "secret", me, starttls=True),
                     site.swaks(me, "secret", me),
                     site.swaks(me, "secret", me, mechanism="PLAIN")):
            assert done.returncode == 0, (done.stdout, smtp.log())
        site.fetched(account, count=4)
        for password in "wrong", phone:  # that cannot go there
            assert "535 " in site.swaks(me, password, me).stdout
        assert "535 " in site.swaks("nobody@example.com", "x", me).stdout
        # A change counts after another export.
        server.ctl("passwd", me, stdin="new\n")
        server.ctl("set", other.address, "send=no")
        smtp.update()
        assert "535 " in site.swaks(me, "secret", me).stdout
        assert site.swaks(me, "new", me).returncode == 0
        assert "535 " in site.swaks(other.address, "another", me).stdout
        server.ctl("set", other.address, "send=yes")
        server.ctl("set", me, "two-factor=on")
        smtp.update()
        assert "535 " in site.swaks(me, "new", me).stdout
        assert site.swaks(other.address, "another", me).returncode == 0
        site.fetched(account, phone, 2)
    finally:
        if smtp is not None:
            smtp.stop()
        shutil.rmtree(directory)


# Beside Dovecot.

DOVECOT_CONF = """base_dir = %(d)s/run
log_path = %(d)s/log
protocols =
ssl = no
auth_mechanisms = plain login
disable_plaintext_auth = no
service auth {
  unix_listener auth-test {
    mode = 0666
  }
}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%%u %(d)s/users
}
userdb {
  driver = passwd-file
  args = username_format=%%u %(d)s/users
}
"""

AUTH = "AUTH\t7\t%s\tservice=smtp\tnologin\tlip=::1\trip=192.0.2.1\tsecured%s"
GOOD = plain("one@example.com", "secret").decode()


def questions():
    for response in (GOOD, plain("ONE@example.com", "secret").decode(),
                     plain("one@example.com", "wrong").decode(),
                     plain("nobody@example.com", "x").decode(),
                     plain("a\tb", "x").decode(), "!!!", "", "=",
                     b64("abc"), b64("\0\0x"), b64("\0one@example.com\0")):
        yield [AUTH % ("PLAIN", "\tresp=" + response)]
    yield [AUTH % ("plain", "\tunknown=x\tflag\tresp=" + GOOD)]
    yield [AUTH % ("PLAIN", ""), "CONT\t7\t" + GOOD]
    yield [AUTH % ("LOGIN", ""), "CONT\t7\t" + b64("one@example.com"),
           "CONT\t7\t" + b64("secret")]
    yield [AUTH % ("LOGIN", "\tresp=" + b64("one@example.com")),
           "CONT\t7\t" + b64("wrong")]
    yield [AUTH % ("LOGIN", ""), "CONT\t7\t%%"]
    yield [AUTH % ("PLAIN", ""), "CANCEL\t7\nCONT\t7\t" + GOOD]
    yield ["CONT\t9\tYQ=="]
    yield ["CANCEL\t9\nCONT\t9\tYQ=="]
    for line in ("", "WHAT", "AUTH\t1", "AUTH\tx\tPLAIN\tservice=smtp",
                 "AUTH\t0\tPLAIN\tservice=smtp\tresp=" + GOOD,
                 "AUTH\t4294967296\tPLAIN\tservice=smtp",
                 "AUTH\t1\tPLAIN\tresp=" + GOOD, "CONT\t1", "VERSION\t1\t1"):
        yield [line]
    yield [AUTH % ("PLAIN", ""), AUTH % ("PLAIN", "")]


def ask(path, lines):
    """The verbs, ids and users of the answers, "end" after a hang-up.  After
    each line one answer is waited for."""
    found = []
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(path)
        s.sendall(b"VERSION\t1\t1\nCPID\t1\n")
        f = s.makefile("r", newline="\n")
        while f.readline() != "DONE\n":
            continue
        for line in lines:
            s.sendall(line.encode() + b"\n")
            answer = f.readline()
            words = answer.rstrip("\n").split("\t")
            if answer.startswith("CONT"):
                found.append(words)
            else:
                found.append(words[:2] + [word for word in words[2:] if
                                          word.startswith("user=") and
                                          words[0] == "OK"])
    return found if found[-1] != [""] else found[:-1] + ["end"]


@pytest.mark.skipif(not ROOT or not os.path.exists(DOVECOT),
                    reason="root and dovecot-core are needed")
def test_beside_dovecot(make_server):
    own = make_server()
    own.add_account("one@example.com")
    sasl = SaslServer(own)
    directory = temporary_directory()
    with open(directory + "/dovecot.conf", "w") as f:
        f.write(DOVECOT_CONF % {"d": directory})
    with open(directory + "/users", "w") as f:
        f.write("one@example.com:{PLAIN}secret:1000:1000::/tmp::\n")
    subprocess.run([DOVECOT, "-c", directory + "/dovecot.conf"], check=True)
    try:
        path = directory + "/run/auth-test"
        wait_until(lambda: os.path.exists(path), "Dovecot does not listen")
        for lines in questions():
            assert ask(sasl.path, lines) == ask(path, lines), lines
    finally:
        subprocess.run([DOVECOT, "-c", directory + "/dovecot.conf", "stop"])
        sasl.stop()
        shutil.rmtree(directory)
