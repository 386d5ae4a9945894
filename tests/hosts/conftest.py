"""The hosts, made once: HOSTS in the environment says which kind."""

import os
import shutil
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from daemon import make_certificate, owner, temporary_directory  # noqa: E402
import gluster  # noqa: E402
import nfs  # noqa: E402
import nodes  # noqa: E402
from service import Service  # noqa: E402


@pytest.fixture(scope="session")
def hosts():
    owner()
    nodes.bridges()
    made = nfs.Nfs() if os.environ["HOSTS"] == "nfs" else gluster.Gluster()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def running(hosts):
    directory = temporary_directory()
    yield Service(hosts, make_certificate(directory))
    shutil.rmtree(directory)


@pytest.fixture
def service(running):
    running.mark()
    yield running
    running.close()
    for node in running.nodes:
        log = running.log(node)
        print(node.name, log)  # pytest shows it of a test that failed
        assert "signal 31" not in log and "damaged" not in log, log


@pytest.fixture
def a(hosts):
    return hosts.nodes[0]


@pytest.fixture
def b(hosts):
    return hosts.nodes[1]


@pytest.fixture
def c(hosts):
    return hosts.nodes[2]


@pytest.fixture
def account(service):
    return service.add_accounts(1)[0]
