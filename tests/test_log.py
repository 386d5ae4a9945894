"""What the administrator finds in the log (syslog, LOG_MAIL)."""

import os
import re
import socket

import pytest

from daemon import ROOT
from maildir import message
from pop3 import plain

MAIL_INFO = 2 << 3 | 6  # as in <syslog.h>

# Gives a command a /dev of its own, where "log" is ours.
OWN_DEV = """
set -e
mount --make-rprivate /
for device in null zero urandom; do
	: >"$0/$device"
	mount --bind "/dev/$device" "$0/$device"
done
mount --bind "$0" /dev
exec "$@"
"""


def test_log_of_a_session(server, account):
    for n in (1, 2, 3):
        account.maildir.deliver(message(str(n)))
    pop = account.login()
    pop.ok("RETR 1")
    octets = len(pop.multiline())
    pop.ok("RETR 2")
    octets += len(pop.multiline())
    pop.ok("DELE 1")
    pop.quit()
    address = pop.address
    server.wait_log(r"^login: user=%s peer=127\.0\.0\.1 tls=TLSv1\.3/\S+ "
                    r"mechanism=USER$" % address)
    server.wait_log(r"^end: user=%s peer=127\.0\.0\.1 reason=quit "
                    r"retrieved=2 octets=%d deleted=1 left=2$"
                    % (address, octets))


def test_log_of_a_refusal(server, account):
    pop = server.connect()
    pop.err(b"AUTH PLAIN " + plain(account.address, "s3cr3t"), "AUTH")
    pop.err(b"AUTH PLAIN " + plain("bad\nuser\x1b name", "s3cr3t"), "AUTH")
    server.wait_log(r"^login refused: peer=127\.0\.0\.1 user=%s "
                    "mechanism=PLAIN$" % account.address)
    server.wait_log(r"user=bad\\012user\\033\\040name mechanism=PLAIN$")
    assert "s3cr3t" not in server.log()


@pytest.fixture
def syslog(tmp_path):
    """The socket of a syslogd, in a directory that can become /dev."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(str(tmp_path / "log"))
        s.settimeout(60)
        yield s


@pytest.mark.skipif(not ROOT, reason="only root can have a /dev of its own")
def test_syslog(make_server, syslog):
    """Started by inetd as by default: descriptor 2 is the client."""
    directory = os.path.dirname(syslog.getsockname())
    server = make_server(
        parent="inetd", debug=False,
        prefix=["unshare", "-m", "sh", "-c", OWN_DEV, directory])
    account = server.add_account()
    account.login().quit()
    for begin in ("login: user=", "end: user="):
        line = syslog.recv(4096).decode()
        assert re.fullmatch(
            r"<%d>.{15} pop3d\[\d+\]: %s%s .*"
            % (MAIL_INFO, begin, account.address), line), line


def test_nothing_but_tls_reaches_the_client(make_server):
    """Under inetd descriptor 2 is the client's socket."""
    server = make_server(parent="inetd", debug=False, timeout_login=1)
    raw = server.connect_raw()
    raw.send(b"USER you@example.com\r\n")
    answer = b""
    try:
        while data := raw.recv(4096):
            answer += data
    except ConnectionResetError:
        pass
    # At the most an alert record of TLS.
    assert answer == b"" or (len(answer) == 7 and answer[0] == 0x15)
