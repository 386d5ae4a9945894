"""make install, and the Debian package: real ones, used as they are."""

import os
import pwd
import re
import shutil
import socket
import subprocess

import pytest

from daemon import HERE, ROOT, Server, temporary_directory
from pop3 import plain
from sasl import SaslServer, b64
from settings import Settings
import daemon
import sasl as sasl_module

TOP = os.path.dirname(HERE)


def run(*command, **keywords):
    done = subprocess.run(command, cwd=TOP, text=True, capture_output=True,
                          **keywords)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def destination():
    path = temporary_directory()
    yield path
    shutil.rmtree(path)


def files(directory):
    return sorted(os.path.relpath(os.path.join(where, name), directory)
                  for where, _, names in os.walk(directory) for name in names)


def version():
    with open(TOP + "/common/version.h") as f:
        return re.search(r'POP3D_VERSION "([0-9.]+)"', f.read()).group(1)


def test_the_version_is_said_in_one_place():
    assert run(daemon.POP3D, "-V") == "pop3d %s\n" % version()
    assert run(daemon.POP3CTL, "-V") == "pop3ctl %s\n" % version()
    with open(TOP + "/NEWS") as f:
        newest, formats = re.search(r"^([0-9.]+)\n-+\n(.*)", f.read(),
                                    re.M).groups()
    assert newest == version()
    assert formats.startswith("formats: ")


def test_install_and_uninstall(destination):
    run("make", "install", "DESTDIR=" + destination, "PREFIX=/usr")
    there = files(destination)
    for name in ("usr/sbin/pop3d", "usr/sbin/pop3ctl", "etc/pop3d.conf",
                 "usr/sbin/pop3sasl", "usr/share/man/man8/pop3sasl.8",
                 "usr/lib/cgi-bin/pop3web", "usr/share/man/man8/pop3web.8",
                 "usr/lib/systemd/system/pop3sasl.socket",
                 "usr/lib/systemd/system/pop3sasl@.service",
                 "usr/sbin/pop3settings",
                 "usr/share/man/man8/pop3settings.8",
                 "usr/lib/systemd/system/pop3settings.socket",
                 "usr/lib/systemd/system/pop3settings@.service",
                 "usr/share/man/man8/pop3d.8", "usr/share/man/man8/pop3ctl.8",
                 "usr/share/man/man5/pop3d.conf.5",
                 "usr/share/man/man7/pop3d-hosts.7",
                 "usr/share/man/man7/pop3d-moving.7",
                 "usr/lib/systemd/system/pop3d.socket",
                 "usr/lib/systemd/system/pop3d@.service",
                 "usr/lib/systemd/system/pop3d-listener.socket",
                 "usr/lib/systemd/system/pop3d-listener.service",
                 "usr/lib/systemd/system/pop3d-purge.service",
                 "usr/lib/systemd/system/pop3d-purge.timer",
                 "usr/lib/sysusers.d/pop3d.conf",
                 "usr/lib/tmpfiles.d/pop3d.conf",
                 "etc/fail2ban/filter.d/pop3d.conf"):
        assert name in there
    for name in there:
        with open(os.path.join(destination, name), "rb") as f:
            assert b"@SBINDIR@" not in f.read(), name
    for name in ("/etc/pop3d.conf", "/etc/pam.d/pop3d"):
        with open(destination + name, "a") as f:
            f.write("# mine\n")
    run("make", "install", "DESTDIR=" + destination, "PREFIX=/usr")
    for name in ("/etc/pop3d.conf", "/etc/pam.d/pop3d"):
        with open(destination + name) as f:
            assert f.read().endswith("# mine\n")
    run("make", "uninstall", "DESTDIR=" + destination, "PREFIX=/usr")
    assert files(destination) == ["etc/pam.d/pop3d", "etc/pop3d.conf"]


def test_the_units_are_good(destination):
    run("make", "install", "DESTDIR=" + destination,
        "PREFIX=" + destination)
    units = destination * 2 + "/lib/systemd/system/"
    # verify wants to find what is to be started.
    os.makedirs(destination + "/sbin")
    for name in ("pop3d", "pop3ctl", "pop3sasl", "pop3settings"):
        shutil.copy(destination * 2 + "/sbin/" + name,
                    destination + "/sbin/")
    run("systemd-analyze", "verify", "--man=no", units + "pop3d.socket",
        units + "pop3d@.service", units + "pop3d-listener.socket",
        units + "pop3d-listener.service", units + "pop3d-purge.timer",
        units + "pop3d-purge.service", units + "pop3sasl.socket",
        units + "pop3sasl@.service", units + "pop3settings.socket",
        units + "pop3settings@.service")
    for service in ("pop3d@.service", "pop3d-listener.service",
                    "pop3d-purge.service", "pop3sasl@.service",
                    "pop3settings@.service"):
        told = run("systemd-analyze", "security", "--offline=true",
                   units + service)
        exposure = float(re.search(r"exposure level.*?: ([0-9.]+)",
                                   told).group(1))
        assert exposure < 2.0, service


def counted(lines, tmp_path, mode="normal"):
    """The lines that fail2ban's filter counts, by fail2ban's own word."""
    log = tmp_path / "mail.log"
    log.write_text("".join("Nov 23 10:22:11 mail %s\n" % line
                           for line in lines))
    shutil.copy(TOP + "/etc/pop3d.fail2ban", tmp_path / "pop3d.conf")
    shutil.copy("/etc/fail2ban/filter.d/common.conf", tmp_path)
    told = run("fail2ban-regex", str(log),
               "%s/pop3d.conf[mode=%s]" % (tmp_path, mode))
    return int(re.search(r"Lines: \d+ lines, 0 ignored, (\d+) matched",
                         told).group(1))


def strikes(server, tmp_path, mode="normal"):
    return counted(["pop3d[7]: %s id=%s" % pair
                    for pair in server.log_lines_with_ids()], tmp_path, mode)


def wrong_entry(client, account, password):
    """What Thunderbird does with one: both ways that it knows."""
    client.send("CAPA\r\nAUTH PLAIN\r\n")
    client.multiline()
    assert client.line() == b"+ "
    client.err(plain(account.address, password), "AUTH")
    client.ok("USER " + account.address)
    client.err("PASS " + password, "AUTH")


@pytest.mark.parametrize("connections", [1, 2])
def test_fail2ban_counts_a_mistake_once(server, account, tmp_path,
                                        connections):
    """Two wrong entries are two strikes, on one connection or on two."""
    client = server.connect()
    wrong_entry(client, account, "wrong")
    if connections == 2:
        client.quit()
        client = server.connect()
    wrong_entry(client, account, "wrong again")
    client.login(account.address)
    client.quit()
    server.wait_log("^end: ")
    assert strikes(server, tmp_path) == 2
    assert strikes(server, tmp_path, "aggressive") == 2


def test_fail2ban_counts_no_connection_twice(server, account, tmp_path):
    """Sent away after the third entry: three strikes."""
    client = server.connect()
    for password in "one", "two", "three":
        client.err(b"AUTH PLAIN " + plain(account.address, password), "AUTH")
    server.wait_log("^no login: .*too-many-failures")
    assert strikes(server, tmp_path) == 3


def test_fail2ban_sees_the_guesses_and_only_them(server, account, tmp_path):
    with server.connect() as client:
        client.ok(b"USER " + account.address.encode())
        client.err(b"PASS wrong", "AUTH")
        client.err(b"AUTH PLAIN AGEgYgBj", "AUTH")
        client.ok(b"USER a b")
        client.err(b"PASS c", "AUTH")  # the same: has failed once
    with account.login() as client:
        client.quit()
    server.connect_raw().close()
    server.wait_log("^end: ")
    server.wait_log("^no TLS: ")
    assert strikes(server, tmp_path) == 2
    assert strikes(server, tmp_path, "aggressive") == 3


def test_fail2ban_sees_who_guesses_on_the_page(server, account, tmp_path):
    """By the browser's address, where the web server tells it."""
    settings = Settings(server)
    try:
        settings.sign_in(account.address)
        for peer in "192.0.2.7", "2001:db8::7", "", "no address":
            assert settings.ask("SIGN_IN", address=account.address,
                                password="wrong", peer=peer).name == "REFUSED"
        lines = re.findall(r"^pop3settings\[\d+\]: .*$", settings.log(), re.M)
    finally:
        settings.stop()
    assert len(lines) == 5
    assert counted(lines, tmp_path) == 2


def test_fail2ban_sees_who_guesses_at_the_smtp_server(server, account,
                                                      tmp_path):
    """By all that the SMTP server may tell, and by the user's address, also
    where pop3sasl has stopped to look; not by who may send."""
    sasl = SaslServer(server)
    try:
        client = sasl.connect()
        assert client.login(account.address, "secret") == account.address
        for password in "one", "two":
            assert client.login(account.address, password) is None
        number = client.ask("", "", mechanism="LOGIN",
                            more="\tresp=" + b64(account.address))
        client.line()
        client.send("CONT\t%d\t%s" % (number, b64("two")))
        assert client.answer()[0] == "FAIL"
        assert client.login("a b\tc", "x", rip="2001:db8::7", service="x y",
                            more="\tlocal_name=mail example") is None
        assert client.refused(*[("nobody@example.com", "x%d" % n)
                                for n in range(8)])
        client.ask("nobody@example.com", "y")
        assert client.answer()[0] == "FAIL"
        # One that tells of no address is nobody's strike.
        assert client.login("nobody@example.com", "x", rip="") is None
        lines = re.findall(r"^pop3sasl\[\d+\]: .*$", sasl.log(), re.M)
    finally:
        sasl.stop()
    assert [sum(word in line for line in lines) for word in
            ("may send", "login refused: ", "too many refusals",
             "reason=too-many-guesses")] == [1, 13, 1, 1]
    assert counted(lines, tmp_path) == 12
    assert counted(lines, tmp_path, "aggressive") == 12


@pytest.mark.long
@pytest.mark.skipif(not ROOT, reason="only root can install packages")
def test_the_package_installs_and_serves(keypair, monkeypatch):
    known = subprocess.run(["dpkg", "-s", "pop3d"], capture_output=True)
    assert known.returncode != 0, "the package pop3d is installed already"
    run("make", "deb")
    package = [name for name in os.listdir(TOP + "/build")
               if re.match(r"pop3d_.*\.deb$", name)]
    assert len(package) == 1
    path = TOP + "/build/" + package[0]
    assert run("dpkg-deb", "-f", path, "Version") == version() + "\n"
    run("lintian", "--fail-on", "error", "--allow-root", path)
    run("apt-get", "install", "-y", "--no-install-recommends", path,
        env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))
    try:
        assert pwd.getpwnam("_pop3d").pw_uid != 0
        assert os.stat("/var/db/pop3d").st_mode & 0o777 == 0o700
        for name in "pop3d", "pop3sasl":
            assert os.path.exists("/lib/systemd/system/%s.socket" % name)
            assert not os.path.exists(
                "/etc/systemd/system/sockets.target.wants/%s.socket" % name)
        assert os.path.exists("/usr/share/man/man8/pop3sasl.8.gz")
        assert os.path.exists("/usr/share/man/man8/pop3settings.8.gz")
        monkeypatch.setattr(daemon, "POP3D", "/usr/sbin/pop3d")
        monkeypatch.setattr(daemon, "POP3CTL", "/usr/sbin/pop3ctl")
        monkeypatch.setattr(sasl_module, "POP3SASL", "/usr/sbin/pop3sasl")
        server = Server(keypair)
        try:
            account = server.add_account()
            account.maildir.deliver(b"Subject: packed\n\nmail\n")
            with account.login() as client:
                assert client.retr(1) == b"Subject: packed\r\n\r\nmail\r\n"
                client.quit()
            sends = SaslServer(server)
            try:
                assert sends.connect().login(account.address, "secret")
            finally:
                sends.stop()
        finally:
            server.stop()
    finally:
        run("dpkg", "--purge", "pop3d")
    for name in "pop3d", "pop3ctl", "pop3sasl", "pop3settings":
        assert not os.path.exists("/usr/sbin/" + name)


def test_a_demo_whose_port_is_taken():
    """It says so at once, and how to take another one."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [TOP + "/etc/demo"], text=True, capture_output=True, timeout=60,
            env={**os.environ, "PORT": str(port), "http_proxy": "http://x/"})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "port %d is taken: PORT=%d make run\n" % (
        port, port + 1)
