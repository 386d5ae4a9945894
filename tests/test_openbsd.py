"""What OpenBSD gets of us, as far as it can be seen elsewhere."""

import os
import subprocess

import pytest

from daemon import HERE

TOP = os.path.dirname(HERE)
PREFIX = "/usr/local"
EXAMPLES = "share/examples/pop3d"


def install(root, *arguments):
    """etc/install for OpenBSD, as the Makefile calls it there."""
    subprocess.run(
        ["etc/install", *arguments], cwd=TOP, check=True,
        env=dict(os.environ, DESTDIR=root, SYSTEM="openbsd",
                 SBINDIR=PREFIX + "/sbin", MANDIR=PREFIX + "/man",
                 LIBDIR=PREFIX + "/lib", SHAREDIR=PREFIX + "/share"))


def files(root):
    return {os.path.relpath(os.path.join(where, name), root)
            for where, _, names in os.walk(root) for name in names}


def test_package_list(tmp_path):
    """The port's list has each file that is installed, and no other.  The
    configuration is an example there, by post-install."""
    install(str(tmp_path))
    with open(os.path.join(TOP, "etc/openbsd/pkg/PLIST")) as f:
        lines = f.read().split("\n")
    names = [line.split()[-1] for line in lines
             if line and (line[0] != "@" or line[:4] in ("@bin", "@man"))]
    listed = {"usr/local/" + name for name in names
              if name[-1] != "/" and not name.startswith("share/doc/pkg")}
    example = "usr/local/%s/pop3d.conf" % EXAMPLES
    assert example in listed
    assert files(tmp_path) == listed - {example} | {"etc/pop3d.conf"}


def test_nothing_of_linux(tmp_path):
    """Neither systemd nor PAM, fail2ban or bash is known there; uninstalled,
    nothing is left but the configuration."""
    install(str(tmp_path))
    found = files(tmp_path)
    for word in "systemd", "pam", "fail2ban", "bash", "sysusers":
        assert not [name for name in found if word in name]
    install(str(tmp_path), "-u")
    assert files(tmp_path) == {"etc/pop3d.conf"}


@pytest.mark.long
def test_build():
    """All of it, against the headers that OPENBSD_INCLUDE names."""
    include = os.environ.get("OPENBSD_INCLUDE")
    if not include:
        pytest.skip("OPENBSD_INCLUDE does not name OpenBSD's headers")
    subprocess.run(["tests/openbsd", include], cwd=TOP, check=True)
