"""What the manual and fail2ban's filter tell administrators to write, tried
with rsyslog and fail2ban themselves (long)."""

import os
import re
import shutil
import socket
import subprocess

import pytest

from daemon import HERE, ROOT, wait_until
from syslogd import OWN_DEV

TOP = os.path.dirname(HERE)
CLIENT = "198.51.100.7"

CONFIGURATION = """
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="%(directory)s/dev/log")
%(line)s
$ActionFileDefaultTemplate %(template)s
mail.* %(directory)s/mail.log
daemon.* %(directory)s/daemon.log
"""

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not ROOT, reason="only root has a /dev of its own"),
    pytest.mark.skipif(not shutil.which("rsyslogd"),
                       reason="rsyslog is not installed: make long-deps")]


def line_of_the_manual():
    with open(TOP + "/man/pop3d.8") as f:
        line, = re.findall(
            r"^\.Pa /etc/rsyslog\.d :\n\.Bd -literal.*\n(.*)\n\.Ed$",
            f.read(), re.M)
    return line


def jail_of_the_filter(log):
    """The lines for jail.local, with logpath, as the comment has them."""
    with open(TOP + "/etc/pop3d.fail2ban") as f:
        comment = re.match(r"(#.*\n)+", f.read()).group()
    jail, logpath = re.findall(r"((?:^#\t.*\n)+)", comment, re.M)
    lines = [line[2:] for line in jail.splitlines()]
    assert lines[0] == "[pop3d]" and lines[-1] == "backend = systemd"
    assert logpath == "#\tlogpath = /var/log/mail.log\n"
    return "\n".join([*lines[:-1], "logpath = " + log, ""])


class Rsyslog:
    """It has a socket that a server's /dev/log is."""

    def __init__(self, directory, template):
        self.dev = str(directory / "dev")
        os.mkdir(self.dev)
        self.directory = str(directory)
        conf = directory / "rsyslog.conf"
        conf.write_text(CONFIGURATION % {
            "directory": directory, "template": template,
            "line": line_of_the_manual()})
        subprocess.run(["rsyslogd", "-N1", "-f", str(conf)], check=True,
                       capture_output=True)
        self.process = subprocess.Popen(
            ["rsyslogd", "-n", "-f", str(conf), "-i",
             str(directory / "pid")], stdin=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(self.dev + "/log"),
                   "rsyslogd does not start")
        self.prefix = ["unshare", "-m", "sh", "-c", OWN_DEV, self.dev]

    def send(self, line):
        """As daemons do: facility daemon, level info."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.connect(self.dev + "/log")
            s.send(b"<30>Nov 28 10:00:00 " + line.encode())

    def path(self, name):
        return os.path.join(self.directory, name)

    def read(self, name):
        try:
            with open(self.path(name)) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


@pytest.fixture(params=["RSYSLOG_TraditionalFileFormat",
                        "RSYSLOG_FileFormat"])
def rsyslog(request, tmp_path):
    rsyslog = Rsyslog(tmp_path, request.param)
    yield rsyslog
    rsyslog.stop()


@pytest.fixture
def served(rsyslog, make_server):
    return make_server(parent="inetd", debug=False, prefix=rsyslog.prefix,
                       extra="proxy 127.0.0.1\n")


def connect(server):
    return server.connect(before=b"PROXY TCP4 %s 192.0.2.1 4000 995\r\n"
                          % CLIENT.encode())


def guess(server, password):
    pop = connect(server)
    pop.ok("USER nobody@example.com")
    pop.err("PASS " + password, "AUTH")
    pop.close()


def test_systemds_own_lines_are_quieted(rsyslog, served):
    """Those about pop3d@ and no others; pop3d's are whole."""
    account = served.add_account()
    for line in ("systemd[1]: Started pop3d@3-127.0.0.1:995-127.0.0.1:4321."
                 "service - POP3 session (127.0.0.1:4321).",
                 "systemd[1]: pop3d@3-127.0.0.1:995-127.0.0.1:4321.service: "
                 "Deactivated successfully.",
                 "systemd[1]: Started other.service - Another service.",
                 "other[7]: a word on pop3d@3."):
        rsyslog.send(line)
    connect(served).login(account.address).quit()
    log = wait_until(lambda: "end: user=" in rsyslog.read("mail.log") and
                     rsyslog.read("mail.log"), "no line of the end")
    ids = re.findall(r" pop3d\[\d+\]: (?:login|end): user=%s peer=%s .* "
                     r"via=127\.0\.0\.1 id=([0-9a-f]{8})\n" % (
                         re.escape(account.address), CLIENT), log)
    assert len(ids) == 2 and len(set(ids)) == 1
    assert log.count("\n") == 2
    others = wait_until(lambda: "other[7]" in rsyslog.read("daemon.log") and
                        rsyslog.read("daemon.log"), "nothing of others")
    assert [line.split(": ", 1)[1] for line in others.splitlines()] == [
        "Started other.service - Another service.", "a word on pop3d@3."]


@pytest.fixture
def fail2ban(rsyslog, tmp_path):
    """It bans by a line in a file."""
    conf = tmp_path / "fail2ban"
    shutil.copytree("/etc/fail2ban", conf)
    shutil.copy(TOP + "/etc/pop3d.fail2ban", conf / "filter.d/pop3d.conf")
    for name in os.listdir(conf / "jail.d"):
        os.unlink(conf / "jail.d" / name)
    (conf / "action.d/tell.conf").write_text(
        "[Definition]\nactionban = echo <ip> >>%s\n" % rsyslog.path("bans"))
    with open(rsyslog.path("mail.log"), "a"):
        pass
    (conf / "jail.local").write_text(
        "[DEFAULT]\nbanaction = tell\nbanaction_allports = tell\n"
        "action = tell\n" + jail_of_the_filter(rsyslog.path("mail.log")))
    client = ["fail2ban-client", "-c", str(conf), "-s", str(tmp_path / "sock"),
              "-p", str(tmp_path / "pid2")]
    (conf / "fail2ban.local").write_text(
        "[Definition]\ndbfile = :memory:\nlogtarget = %s\n"
        % rsyslog.path("fail2ban.log"))
    subprocess.run([*client, "start"], check=True, capture_output=True)
    yield client
    subprocess.run([*client, "stop"], check=True, capture_output=True)


def test_fail2ban_bans_by_the_lines_of_its_filter(rsyslog, served, fail2ban):
    """The client behind the proxy, and at the fifth guess."""
    served.add_account()
    for n in range(4):
        guess(served, "wrong%d" % n)
    status = fail2ban + ["status", "pop3d"]

    def failed():
        told = subprocess.run(status, text=True, capture_output=True).stdout
        return int(re.search(r"Total failed:\s*(\d+)", told).group(1))
    wait_until(lambda: failed() == 4, "not all guesses are seen", 60)
    assert rsyslog.read("bans") == ""
    guess(served, "wrong again")
    assert wait_until(lambda: rsyslog.read("bans"), "nobody is banned",
                      60) == CLIENT + "\n"
