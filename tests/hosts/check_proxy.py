"""HAProxy before all nodes, as pop3d-hosts(7) has it."""

import os
import re
import subprocess
import time

import pytest

from nodes import CLIENTS, PROXY, TOP, wait
from pop3 import Pop3
from service import PROXIED

PORT = 1996
ADDRESS = CLIENTS % 1


def of_the_manual():
    """Its lines, with the addresses and the ports that are so here."""
    with open(TOP + "/man/pop3d-hosts.7") as f:
        text = re.search(r"haproxy\.cfg.*?\n\.Bd -literal\n(.*?)\.Ed",
                         f.read(), re.S).group(1)
    text = text.replace("default-server ", "default-server source %s "
                        % CLIENTS % PROXY)
    text = text.replace("bind :995", "bind %s:%d" % (ADDRESS, PORT))
    for n in (1, 2, 3):
        text = text.replace("192.0.2.1%d:995" % n,
                            "%s:%d" % (CLIENTS % (19 + n), PROXIED))
    assert "192.0.2" not in text
    return text


@pytest.fixture
def haproxy(tmp_path):
    path = str(tmp_path / "haproxy.cfg")
    socket = str(tmp_path / "admin")
    with open(path, "w") as f:
        f.write("global\n\tstats socket %s level admin\n" % socket
                + of_the_manual())
    process = subprocess.Popen(["haproxy", "-f", path])
    wait(lambda: os.path.exists(socket), "haproxy")

    def tell(command):
        return subprocess.run(
            ["/usr/bin/python3", "-c", "import socket, sys; "
             "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
             "s.sendall(sys.argv[2].encode()); print(s.makefile().read())",
             socket, command + "\n"], check=True, stdout=subprocess.PIPE,
            text=True).stdout

    yield tell
    process.terminate()
    process.wait()


def fetch(account):
    client = Pop3(PORT, account.service.cafile, host=ADDRESS)
    account.service.clients.append(client)
    return client.login(account.address, account.password)


def state(haproxy, node):
    """What HAProxy knows of it: UP, DOWN, DRAIN."""
    for line in haproxy("show stat").split("\n"):
        words = line.split(",")
        if len(words) > 17 and words[1] == node.name:
            return words[17].split()[0]
    return None


def where(service, account):
    return [node for node in service.nodes
            if "login: user=%s " % account.address
            in service.log(node, ".proxied")]


def test_clients_are_known_and_checks_are_not_logged(service, haproxy):
    account, = service.add_accounts(1)
    for node in service.nodes:
        wait(lambda: state(haproxy, node) == "UP", node.name)
    time.sleep(7)  # some checks
    assert not [line for node in service.nodes
                for line in service.log(node, ".proxied").split("\n")
                if "peer=" in line]
    fetch(account).quit()
    node, = where(service, account)
    assert re.search("login: .* peer=%s .* via=%s " % (ADDRESS, CLIENTS
                                                       % PROXY),
                     service.log(node, ".proxied"))


def test_a_node_is_drained_and_one_is_killed(service, haproxy):
    account, = service.add_accounts(1)
    name, = account.deliver(service.nodes[0])
    for node in service.nodes:
        wait(lambda: state(haproxy, node) == "UP", node.name)
    client = fetch(account)
    first, = where(service, account)
    haproxy("set server pop3d/%s state drain" % first.name)
    assert list(client.uidl().values()) == [name]  # it goes on
    client.quit()
    fetch(account).quit()
    second, = (node for node in where(service, account) if node != first)
    service.stop(second)
    second.sh("pkill -KILL -x pop3d", check=False)
    wait(lambda: state(haproxy, second) == "DOWN", "a node to be down")
    client = fetch(account)
    assert list(client.uidl().values()) == [name]
    client.quit()
    assert len(where(service, account)) == 3
    haproxy("set server pop3d/%s state ready" % first.name)
    service.start(second)
