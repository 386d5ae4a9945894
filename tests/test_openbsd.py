"""What OpenBSD gets of us, as far as it can be seen elsewhere."""

import os
import subprocess

import pytest

from daemon import HERE

TOP = os.path.dirname(HERE)
PREFIX = "/usr/local"
EXAMPLES = "share/examples/"

# By the system's conventions; a port has them from its directory pkg/.
OUTSIDE = {"etc/rc.d/pop3d", "etc/login.conf.d/pop3d", "etc/pop3d.conf",
           "etc/pop3d.inetd.conf", "etc/examples/pop3d.conf",
           "etc/examples/pop3d.inetd.conf"}


def install(root, *arguments):
    """etc/install for OpenBSD, as the Makefile calls it there."""
    subprocess.run(
        ["etc/install", *arguments], cwd=TOP, check=True,
        env=dict(os.environ, DESTDIR=root, SYSTEM="openbsd",
                 SBINDIR=PREFIX + "/sbin", MANDIR=PREFIX + "/man",
                 LIBDIR=PREFIX + "/lib", SHAREDIR=PREFIX + "/share",
                 CGIDIR="/var/www/cgi-bin"))


def files(root):
    return {os.path.relpath(os.path.join(where, name), root)
            for where, _, names in os.walk(root) for name in names}


def test_package_list(tmp_path):
    """The port's list has each file that is installed, and no other.  What
    is outside of the prefix are examples there, and rc.d's script."""
    install(str(tmp_path))
    with open(os.path.join(TOP, "etc/openbsd/pkg/PLIST")) as f:
        lines = f.read().split("\n")
    listed, below = set(), "usr/local/"
    for line in lines:
        name = line.split()[-1] if line else ""
        if line.startswith("@cwd /"):
            below = name[1:] + "/"
        elif line and name[-1] != "/" and (
                line[0] != "@" or line[:4] in ("@bin", "@man")):
            listed.add(below + name)
    listed -= {name for name in listed if "share/doc/pkg" in name}
    examples = {name for name in listed
                if name.startswith("usr/local/" + EXAMPLES)}
    assert examples == {"usr/local/" + EXAMPLES + name for name in (
        "pop3d/pop3d.conf", "pop3d/pop3d.inetd.conf", "login.conf.d/pop3d")}
    assert {"@sample ${SYSCONFDIR}/" + name for name in (
        "pop3d.conf", "pop3d.inetd.conf", "login.conf.d/pop3d")} <= set(lines)
    assert "@rcscript ${RCDIR}/pop3d" in lines
    assert files(tmp_path) == listed - examples | OUTSIDE


def test_started_by_rc(tmp_path):
    """rc.d's script knows where all is, and a shell can read it."""
    install(str(tmp_path))
    script = tmp_path / "etc/rc.d/pop3d"
    subprocess.run(["sh", "-n", str(script)], check=True)
    text = script.read_text()
    assert 'daemon_flags="/etc/pop3d.inetd.conf"' in text
    assert '"/usr/local/sbin/pop3d -n"' in text and "${" not in text
    lines = [line.split() for line in (
        tmp_path / "etc/pop3d.inetd.conf").read_text().splitlines()
             if line[0] != "#"]
    assert lines == [["pop3s", "stream", protocol, "nowait.600", "root",
                      "/usr/local/sbin/pop3d", "pop3d"]
                     for protocol in ("tcp4", "tcp6")]


def test_login_class(tmp_path):
    """One record of login.conf(5): each line but the last goes on."""
    install(str(tmp_path))
    lines = (tmp_path / "etc/login.conf.d/pop3d").read_text().splitlines()
    assert lines[0] == "pop3d:\\" and lines[-1] == "\t:tc=daemon:"
    for line in lines[1:-1]:
        assert line[:2] == "\t:" and line[-2:] == ":\\" and "=" in line


def test_nothing_of_linux(tmp_path):
    """Neither systemd nor PAM, fail2ban or bash is known there; uninstalled,
    nothing is left but the configuration."""
    install(str(tmp_path))
    found = files(tmp_path)
    for word in "systemd", "pam", "fail2ban", "bash", "sysusers":
        assert not [name for name in found if word in name]
    install(str(tmp_path), "-u")
    assert files(tmp_path) == {"etc/pop3d.conf", "etc/pop3d.inetd.conf"}


@pytest.mark.long
def test_build():
    """All of it, against the headers that OPENBSD_INCLUDE names."""
    include = os.environ.get("OPENBSD_INCLUDE")
    if not include:
        pytest.skip("OPENBSD_INCLUDE does not name OpenBSD's headers")
    subprocess.run(["tests/openbsd", include], cwd=TOP, check=True)
