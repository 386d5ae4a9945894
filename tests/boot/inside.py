"""pop3d where systemd is process 1: run by it, after each of two boots."""

import glob
import os
import poplib
import re
import socket
import ssl
import subprocess
import time
import traceback

HOST = "mail.example.com"
BOOTED = "/root/booted"
PHONE = "/root/phone"  # its application password
MAILDIRS = {"vmail": "/var/vmail/example.com/you/Maildir",
            "local": "/home/local/Maildir"}
PER_SOURCE = 20  # etc/pop3d.socket


def say(text):
    print("inside: " + text, flush=True)


def run(command, check=True):
    done = subprocess.run(command, shell=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if check:
        assert done.returncode == 0, command + ": " + done.stdout
    return done.stdout.strip()


def listens():
    return ":995 " in run("ss -ltn")


def connections():
    return int(run("systemctl show --value -p NConnections pop3d.socket"))


def wait(condition, what):
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.2)


def tls():
    context = ssl.create_default_context(cafile="/etc/ssl/mail.crt")
    return context.wrap_socket(socket.create_connection(("127.0.0.1", 995)),
                               server_hostname=HOST)


class Client(poplib.POP3_SSL):
    def __init__(self, user, password):
        super().__init__(HOST, 995)
        self.user(user)
        self.pass_(password)

    def _create_socket(self, timeout):
        return tls()

    def vanish(self):
        self.file.close()
        self.sock.close()


def refused(user, password):
    try:
        Client(user, password)
    except poplib.error_proto as error:
        assert b"[AUTH]" in error.args[0]
    else:
        raise AssertionError(user + " was let in")


def install():
    """The package starts nothing; then all that its manual asks for."""
    run("dpkg -i /root/pop3d.deb")
    assert not listens()
    assert run("systemctl is-enabled pop3d.socket", False) == "disabled"
    assert "keypair" in open("/etc/pop3d.conf").read()
    assert ":14: owner: there is no user vmail" in run("pop3d -n", False)
    run("useradd -r -m -d /var/vmail -s /usr/sbin/nologin vmail")
    run("useradd -m -s /bin/bash local && echo local:geheim | chpasswd")
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
        "-nodes -days 90 -subj /CN=%s -addext subjectAltName=DNS:%s "
        "-keyout /etc/ssl/private/mail.key -out /etc/ssl/mail.crt 2>&1 && "
        "chmod 600 /etc/ssl/private/mail.key" % (HOST, HOST))
    run("sed -i 's/^#hostname/hostname/; s/^#auth/auth/' /etc/pop3d.conf")
    run("echo secret | pop3ctl add you@example.com")
    with open(PHONE, "w") as f:
        f.write(run("pop3ctl app-password add you@example.com phone"))
    assert run("pop3d -n") == "configuration OK"
    for user, maildir in MAILDIRS.items():
        for number in range(8):
            run("runuser -u %s -- sh -c 'mkdir -p %s/new %s/cur %s/tmp && "
                "printf \"Subject: %d\\n\\n.dot\\n\" >%s/new/%d.M1P1.host'"
                % (user, maildir, maildir, maildir, number, maildir,
                   1700000000 + number))
    run("systemctl enable --now pop3d.socket")


def check_boxes():
    """Of an idle session: the store and the session, none of them root."""
    mine = {}
    for pid in run("pgrep -x pop3d").split():
        text = open("/proc/%s/status" % pid).read()
        mine[re.search(r"^Uid:\s+(\d+)", text, re.M).group(1)] = pid
        assert re.search(r"^CapEff:\s+0+$", text, re.M), text
        assert re.search(r"^NoNewPrivs:\s+1$", text, re.M), text
        assert re.search(r"^Seccomp:\s+2$", text, re.M), text
    session = mine.pop(run("id -u _pop3d"))
    assert list(mine) == [run("id -u vmail")]
    assert os.readlink("/proc/%s/root" % session) == "/var/empty"
    assert len(os.listdir("/proc/%s/fd" % session)) <= 5


def fetch(user, password, maildir, look=None):
    """Reads and deletes one message, for good."""
    before = len(glob.glob(maildir + "/*/17*"))
    client = Client(user, password)
    assert client.stat()[0] == before
    assert client.retr(1)[1][-1] == b".dot"
    client.dele(1)
    if look:
        look()
    client.quit()
    assert len(glob.glob(maildir + "/*/17*")) == before - 1


def sessions():
    phone = open(PHONE).read()
    fetch("you@example.com", "secret", MAILDIRS["vmail"], check_boxes)
    fetch("you@example.com", phone, MAILDIRS["vmail"])
    fetch("local", "geheim", MAILDIRS["local"])
    fetch("local@" + HOST, "geheim", MAILDIRS["local"])
    for user in ("you@example.com", "local", "root", "nobody@example.com"):
        refused(user, "wrong")


def ends():
    """However a session ends, nothing of it stays."""
    for end in (Client.vanish, lambda client: run("pkill -9 -o pop3d"),
                lambda client: run("pkill -9 -n pop3d")):
        client = Client("you@example.com", "secret")
        end(client)
        wait(lambda: run("pgrep pop3d", False) == "", "a process stays")
        wait(lambda: run("systemctl list-units -a --no-legend 'pop3d@*'")
             == "", "a unit stays")


def limits():
    """One source has its share, and connects do not close the socket."""
    held = []
    for _ in range(PER_SOURCE):
        held.append(tls())
        assert held[-1].recv(100).startswith(b"+OK ")
    try:
        tls().recv(100)
        raise AssertionError("one more than the share")
    except (ConnectionError, ssl.SSLError):
        pass
    for client in held:
        client.close()
    for _ in range(300):
        socket.create_connection(("127.0.0.1", 995)).close()
    wait(lambda: connections() == 0, "connections stay")
    assert run("systemctl is-active pop3d.socket") == "active"
    Client("you@example.com", "secret").quit()


def log():
    text = run("journalctl -b --no-pager -t pop3d")
    for line in ("login: user=you@example.com peer=127.0.0.1 tls=TLSv1.3",
                 "app-password=phone", "login refused: peer=127.0.0.1",
                 "reason=quit retrieved=1"):
        assert line in text, line
    assert "sandbox" not in text
    assert "Too many incoming" in run("journalctl -b --no-pager")
    assert run("systemctl --failed --no-legend") == ""


def remove():
    """An update changes nothing, a removal closes the port, mail stays."""
    run("dpkg -i /root/pop3d.deb")
    assert listens()
    assert run("systemctl is-enabled pop3d.socket") == "enabled"
    run("dpkg -r pop3d")
    assert not listens()
    run("dpkg -P pop3d")
    assert not glob.glob("/etc/*/pop3d*") + glob.glob("/etc/pop3d*")
    assert run("find /etc/systemd -name 'pop3d*'") == ""
    assert os.path.exists("/var/db/pop3d/accounts.db")
    assert glob.glob(MAILDIRS["vmail"] + "/cur/*")


def steps(*functions):
    for function in functions:
        function()
        say(function.__name__ + ": good")


def main():
    say(run("uname -r") + ", " + run("systemctl --version").split("\n")[0])
    if not os.path.exists(BOOTED):
        steps(install, sessions, ends, limits, log)
        open(BOOTED, "w").close()
        run("systemctl --no-block reboot")
        return
    assert listens()
    steps(sessions, remove)
    say("all is good")
    run("systemctl --no-block poweroff")


try:
    main()
except BaseException:
    traceback.print_exc()
    run("journalctl -b --no-pager -t pop3d | tail -n 20 >/dev/ttyS0", False)
    run("systemctl --no-block poweroff", False)
