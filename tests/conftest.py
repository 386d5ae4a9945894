"""What all tests share; see daemon.py, pop3.py, maildir.py, processes.py."""

import re
import shutil

import pytest

from daemon import Server, make_certificate, temporary_directory


@pytest.fixture(scope="session")
def keypair():
    """(certificate, key) of mail.example.com, for all servers."""
    directory = temporary_directory()
    yield make_certificate(directory)
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def shared_server(keypair):
    server = Server(keypair)
    yield server
    server.stop()


def _check(server):
    """The end of a test: nothing of its sessions may stay."""
    server.close_clients()
    server.wait_empty()
    log = server.log()
    # The signals are those of bugs, SIGSYS (31) that of the sandbox.
    assert not re.search(r"Sanitizer|runtime error:|"
                         r"died with code (4|6|7|8|11|31)$", log, re.M), log


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
