"""From Dovecot 2.4, as Debian 13 has it, by the same chapter of the manual.

Debian 13 is put into a directory (DEBIAN13 in the environment: it is there
already), and its Dovecot serves from there.  Its formats are written, and its
lists perhaps, in other words than 2.3's.
"""

import os
import shutil
import subprocess

import pytest

from daemon import ROOT, temporary_directory
from moving import localhost  # noqa: F401
from overlay import Overlay
from test_moving import Dovecot, moves_from

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not ROOT, reason="only root may run mail servers")]

PACKAGES = "dovecot-pop3d,dovecot-imapd"

CONFIGURATION = """dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
base_dir = %(home)s/run
state_dir = %(home)s/state
log_path = %(home)s/log
protocols = pop3 imap
ssl = required
ssl_server_cert_file = %(cert)s
ssl_server_key_file = %(key)s
mail_driver = maildir
mail_path = %(maildir)s
first_valid_uid = 1
%(more)s
passdb passwd-file {
  passwd_file_path = %(home)s/passwd
}
userdb passwd-file {
  passwd_file_path = %(home)s/passwd
}
service pop3-login {
  inet_listener pop3 {
    port = 0
  }
  inet_listener pop3s {
    listen = 127.0.0.1
    port = %(pop3)d
  }
}
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    listen = 127.0.0.1
    port = %(imap)d
  }
}
!include_try local.conf
"""

FORMATS = {
    "default": (None, ""),
    "decimal": ("%{uidvalidity}.%{uid}", ""),
    "upper": ("%{uidvalidity | hex(8) | upper}v%{uid | hex(8)}", ""),
    "hex": ("%{uid | hex}-%{uidvalidity | hex(10)}", ""),
    "names": ("%{filename}", ""),
    "guid": ("%{guid}", ""),
    "saved": ("%{uid}-%{uidvalidity}", "pop3_save_uidl = yes\n"),
}


@pytest.fixture(scope="module")
def debian():
    """Debian 13, as an overlay."""
    root, ours = os.environ.get("DEBIAN13"), None
    if not root:
        if not shutil.which("debootstrap"):
            pytest.skip("debootstrap is not installed: make boot-deps")
        root = ours = temporary_directory()
        done = subprocess.run(
            ["debootstrap", "--variant=minbase", "--include=" + PACKAGES,
             "trixie", root], text=True, capture_output=True)
        if done.returncode != 0:
            pytest.skip("Debian 13 cannot be had: " + done.stdout[-500:])
    overlay = Overlay(lower=root)
    yield overlay
    overlay.remove()
    if ours:
        shutil.rmtree(ours)


@pytest.mark.parametrize("which", FORMATS)
def test_from_dovecot_24(debian, localhost, tmp_path, which):  # noqa: F811
    class Dovecot24(Dovecot):
        configuration = CONFIGURATION
        inside = staticmethod(debian.command)

    assert debian.run("dovecot", "--version").startswith("2.4.")
    moves_from(Dovecot24, localhost, tmp_path, *FORMATS[which])
