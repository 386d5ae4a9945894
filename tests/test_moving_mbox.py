"""From a real Dovecot or popa3d that serves an mbox to us, as MOVING IN says,
and while delivery agents go on.  Clients leave their mail on the server.
"""

import contextlib
import fcntl
import os
import re
import shutil
import socket
import subprocess
import threading

import pytest

import daemon
from daemon import ROOT, wait_until
from maildir import message
from mbox import entry, mbox, with_newline
from moving import Administrator, clients, localhost, lose_index, pause, \
    poll_exactly  # noqa: F401
from pop3 import unstuff, wire
import post
import processes
from test_spool import NAME, PASSWORD, Spool, user  # noqa: F401

DOVECOT = "/usr/lib/dovecot/pop3"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not ROOT, reason="servers become mailboxes' owners")]

CONFIGURATION = """base_dir = %(directory)s/run
log_path = %(directory)s/log
protocols = pop3
ssl = required
ssl_cert = <%(cert)s
ssl_key = <%(key)s
mail_location = mbox:%(directory)s/mail:INBOX=%(inbox)s
mbox_write_locks = fcntl
first_valid_uid = 1
passdb {
  driver = passwd-file
  args = %(directory)s/passwd
}
userdb {
  driver = passwd-file
  args = %(directory)s/passwd
}
service pop3-login {
  inet_listener pop3 {
    port = 0
  }
  inet_listener pop3s {
    address = 127.0.0.1
    port = %(port)d
  }
}
"""


def varied():
    """200 messages, but for those of which the others show something else:
    Dovecot leaves brackets where they are, popa3d adds a CR to every LF.
    """
    found = [with_newline(m) for m in post.fifty()
             if not re.search(rb"(?m)^>*From |\r", m)]
    found += [message("varied %d" % n, ("line %d\n" % n) * (n % 37 + 1))
              for n in range(200 - len(found))]
    return found


@contextlib.contextmanager
def dovecot(server, account, inbox):
    """Serves the mbox, on the port and under the name that ours has."""
    directory = server.directory + "/dovecot"
    shutil.rmtree(directory, ignore_errors=True)
    os.mkdir(directory)
    os.mkdir(directory + "/mail")
    owner = server.owner
    os.chown(directory + "/mail", owner.pw_uid, owner.pw_gid)
    cert, key = server.keypair
    with open(directory + "/passwd", "w") as f:
        f.write("%s:{PLAIN}%s:%d:%d::%s\n" % (
            account.address, account.password, owner.pw_uid, owner.pw_gid,
            directory))
    conf = directory + "/dovecot.conf"
    with open(conf, "w") as f:
        f.write(CONFIGURATION % {
            "directory": directory, "cert": cert, "key": key, "inbox": inbox,
            "port": server.port})
    process = subprocess.Popen(["dovecot", "-F", "-c", conf])
    try:
        wait_until(lambda: processes.listening(server.port),
                   "Dovecot does not listen")
        yield process
    finally:
        process.terminate()
        process.wait(30)
        wait_until(lambda: not processes.listening(server.port),
                   "Dovecot does not end")


def append(path, data):
    with open(path, "ab") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        f.write(data)


@pytest.mark.skipif(not os.path.exists(DOVECOT),
                    reason="dovecot-pop3d is not installed")
def test_from_dovecot(localhost, tmp_path):  # noqa: F811
    """The next poll fetches exactly what came last."""
    account = localhost.add_account("you@localhost")
    messages = varied()
    assert len(messages) == 200
    inbox = localhost.directory + "/inbox"
    with open(inbox, "wb") as f:
        f.write(mbox(messages))
    os.chown(inbox, localhost.owner.pw_uid, localhost.owner.pw_gid)
    pollers = clients(account, tmp_path)
    pause(localhost)
    with dovecot(localhost, account, inbox) as process:
        poll_exactly(pollers, messages)
        append(inbox, entry(message("the last but one"), 1750000000))
        poll_exactly(pollers, [message("the last but one")])
        append(inbox, entry(message("the last one"), 1750000001))
        said = Administrator(
            localhost,
            {"disable --now dovecot.socket dovecot": "kill %d" % process.pid},
            paths={"you@example.com": account.address,
                   "/home/you/mail/inbox": inbox}).follow("FROM AN MBOX")
    assert "202 messages imported, 0 were there already, 201 unique-ids" \
        in "".join(said.values())
    localhost.start()
    poll_exactly(pollers, [message("the last one")])
    lose_index(account)
    poll_exactly(pollers, [])
    account.maildir.deliver(message("by a delivery agent"))
    poll_exactly(pollers, [message("by a delivery agent")])


def plain_session(port, name, password):
    """All messages that a server without TLS shows."""
    with socket.create_connection(("127.0.0.1", port), 60) as s:
        f = s.makefile("rwb")

        def ask(line):
            if line:
                f.write(line + b"\r\n")
                f.flush()
            answer = f.readline()
            assert answer.startswith(b"+OK"), (line, answer)
            return answer

        ask(b"")
        ask(b"USER " + name.encode())
        ask(b"PASS " + password.encode())
        count = int(ask(b"STAT").split()[1])
        found = []
        for n in range(1, count + 1):
            ask(b"RETR %d" % n)
            data = b""
            while not data.endswith(b"\r\n.\r\n") and data != b".\r\n":
                data += f.readline()
            found.append(unstuff(data[:-3]))
        ask(b"QUIT")
        return found


@pytest.fixture(scope="module")
def popa3d(tmp_path_factory):
    """popa3d cannot be installed beside Dovecot's: it is unpacked."""
    if shutil.which("popa3d"):
        return shutil.which("popa3d")
    directory = str(tmp_path_factory.mktemp("popa3d"))
    done = subprocess.run(["apt-get", "download", "popa3d"], cwd=directory,
                          capture_output=True)
    if done.returncode != 0:
        pytest.skip("popa3d cannot be had from Debian")
    package = directory + "/" + os.listdir(directory)[0]
    subprocess.run(["dpkg-deb", "-x", package, directory], check=True)
    return directory + "/usr/sbin/popa3d"


def test_from_popa3d(popa3d, make_server, user):  # noqa: F811
    """The same octets, of the same file; its ids are digests of its own."""
    spool = Spool(make_server, user)
    daemon.system_user("popa3d")
    messages = varied()
    spool.write(mbox(messages))
    port = daemon.free_port()
    with open("/etc/pam.d/popa3d", "w") as f:
        f.write("auth required pam_unix.so\naccount required pam_unix.so\n")
    os.makedirs("/var/lib/popa3d", mode=0o755, exist_ok=True)
    process = subprocess.Popen(
        ["unshare", "-m", "sh", "-c",
         'mount --bind "$1" /var/mail && exec systemd-socket-activate -a '
         '--inetd -l 127.0.0.1:$2 "$3"', "sh", spool.directory, str(port),
         popa3d], stderr=subprocess.PIPE)
    try:
        wait_until(lambda: processes.listening(port), "popa3d: no server")
        theirs = plain_session(port, NAME, PASSWORD)
    finally:
        process.terminate()
        process.wait(20)
        os.unlink("/etc/pam.d/popa3d")
    spool.server.configure()
    Administrator(spool.server, {}, paths={
        "/etc/pop3d.conf": spool.server.conf,
        "/var/mail": spool.directory}).follow("FROM POPA3D")
    ours = spool.see()
    assert len(theirs) == len(ours) == 200
    assert ours == [wire(m) for m in messages]
    assert theirs == ours


@pytest.mark.skipif(not shutil.which("procmail"),
                    reason="procmail is not installed")
def test_procmail_delivers_while_logins_empty_the_spool(
        make_server, user):  # noqa: F811
    """2 x 150 messages, through its own locks: none lost, none doubled."""
    spool = Spool(make_server, user)
    spool.write(b"")
    conf = spool.server.directory + "/procmailrc"
    with open(conf, "w") as f:
        f.write("DEFAULT=%s\nORGMAIL=%s\nLOGFILE=/dev/null\n"
                % (spool.path, spool.path))
    os.chmod(conf, 0o644)
    subjects = ["%d-%d" % (agent, n) for agent in range(2)
                for n in range(150)]

    def agent(number):
        for n in range(150):
            subprocess.run(
                ["setpriv", "--reuid", NAME, "--regid", str(user.pw_gid),
                 "--groups", "mail", "procmail", "-f", "me@example.com",
                 conf],
                input=message("%d-%d" % (number, n)), check=True,
                stderr=subprocess.DEVNULL)

    agents = [threading.Thread(target=agent, args=(n,)) for n in range(2)]
    for thread in agents:
        thread.start()
    seen, logins, busy = [], 0, 0

    def fetch():
        nonlocal logins, busy
        with spool.server.connect() as pop:
            pop.ok("USER " + NAME)
            answer = pop.command("PASS " + PASSWORD)
            if not answer.startswith(b"+OK"):
                assert answer.startswith(b"-ERR [IN-USE]"), answer
                busy += 1
                return
            logins += 1
            for n in pop.list():
                seen.append(re.search(rb"Subject: (\S+)",
                                      pop.retr(n)).group(1).decode())
                pop.ok("DELE %d" % n)
            pop.quit()

    while any(thread.is_alive() for thread in agents):
        fetch()
    wait_until(lambda: not os.path.exists(spool.path + ".lock"), "a lock")
    fetch()
    assert sorted(seen) == sorted(subjects), (logins, busy)
    assert logins > 3 and spool.size() == 0
