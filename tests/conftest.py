"""What all tests share; see daemon.py, pop3.py, maildir.py, processes.py."""

import collections
import fcntl
import os
import pwd
import re
import shutil
import subprocess

import pytest

from daemon import Server, make_certificate, owner, temporary_directory

# Files are run side by side, but for these, which get the marker `alone'.
ALONE = {
    "test_abuse.py": "hundreds of connections, and what they take",
    "test_equal.py": "measures that refusals cost the same",
    "test_install.py": "installs packages, calls make",
    "test_time.py": "waits for time-outs of one second",
    "test_vanish.py": "measures that all is over within a second",
}


def pytest_configure(config):
    """The users are made here: two workers would do it at the same time."""
    if not hasattr(config, "workerinput"):
        owner()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if os.path.basename(item.fspath) in ALONE:
            item.add_marker("alone")
    # Files with the most tests first, or the last one leaves processors idle.
    tests_in = collections.Counter(item.fspath for item in items)
    items.sort(key=lambda item: -tests_in[item.fspath])


@pytest.fixture(scope="module")
def make_user():
    """Makes users of the system, make_user(name, password), and PAM knows the
    service pop3d: of one module after the other, since both are there once."""
    path, names = "/etc/pam.d/pop3d", []

    def make(name, password, shell="/bin/bash"):
        names.append(name)
        subprocess.run(["useradd", "-m", "-s", shell, name], check=True,
                       stderr=subprocess.DEVNULL)
        subprocess.run(["chpasswd"], input="%s:%s\n" % (name, password),
                       text=True, check=True)
        return pwd.getpwnam(name)

    with open("/run/pop3d-tests.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ours = not os.path.exists(path)
        if ours:
            shutil.copy(os.path.dirname(__file__) + "/../etc/pop3d.pam", path)
        try:
            yield make
        finally:
            for name in names:
                subprocess.run(["userdel", "-r", name],
                               stderr=subprocess.DEVNULL)
            if ours:
                os.unlink(path)


@pytest.fixture(scope="session")
def keypair():
    """(certificate, key) of mail.example.com, for all servers."""
    directory = temporary_directory()
    yield make_certificate(directory)
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def shared_server(keypair):
    """One for each file: the accounts of another one are none of a test's."""
    server = Server(keypair)
    yield server
    server.stop()


def _check(server):
    """The end of a test: nothing of its sessions may stay."""
    server.close_clients()
    server.wait_empty()
    log = server.log()
    # The signals are those of bugs, SIGSYS (31) that of the sandbox.  Of the
    # first process the service manager tells, of the others the parent.
    assert not re.search(r"Sanitizer|runtime error:|"
                         r"died with code (4|6|7|8|11|31)$|"
                         r"was ended by signal (4|6|7|8|11|31) ", log,
                         re.M), log


@pytest.fixture
def server(shared_server):
    """A server with the default settings; the log begins with the test."""
    shared_server.mark_log()
    yield shared_server
    _check(shared_server)


@pytest.fixture
def make_server(keypair):
    """Makes servers of other settings: make_server(timeout_idle=2)."""
    servers = []

    def make(**keywords):
        servers.append(Server(keypair, **keywords))
        return servers[-1]

    yield make
    try:
        for server in servers:
            _check(server)
    finally:
        for server in servers:
            server.stop()


@pytest.fixture
def account(server):
    """A new account on the server, its Maildir empty."""
    return server.add_account()
