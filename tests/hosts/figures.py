"""What bench/HOSTS says: TESTS=tests/hosts/figures.py tests/hosts/run nfs.

COUNT messages in one mailbox, by pop3d and by Dovecot on the same mount; what
a poll asks of the storage; sessions in a second on one, two, three nodes.
"""

import os
import re
import statistics
import threading
import time

import pytest

from nodes import MAIL
import pop3
from pop3 import Pop3
from service import DIRECTORY

COUNT = int(os.environ.get("COUNT", "100000"))
DOVECOT = """protocols = pop3
base_dir = /run/dovecot-figures
log_path = /var/db/pop3d/dovecot.log
ssl = yes
ssl_cert = </var/db/pop3d/cert
ssl_key = </var/db/pop3d/key
mail_location = maildir:{0}/dovecot/Maildir
mail_uid = vmail
mail_gid = vmail
first_valid_uid = 1
mmap_disable = yes
mail_fsync = always
mail_nfs_storage = yes
mail_nfs_index = yes
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid=vmail gid=vmail home={0}/dovecot
}}
service pop3-login {{
  inet_listener pop3 {{
    port = 0
  }}
  inet_listener pop3s {{
    port = 2995
    ssl = yes
  }}
}}
"""
FILL = """import os, sys
path, count = sys.argv[1], int(sys.argv[2])
for sub in ("new", "cur", "tmp"):
    os.makedirs(path + "/" + sub, exist_ok=True)
text = b"Subject: x\\n\\n" + b"0123456789 abcdef 0123456789 abcdef\\n" * 50
for n in range(count):
    with open("%s/cur/%d.M%dP1.a:2," % (path, 1700000000 + n, n), "wb") as f:
        f.write(text)
"""


def say(text, *values):
    with open(os.environ.get("FIGURES", "/tmp/figures"), "a") as f:
        f.write("%-8s %s\n" % (os.environ["HOSTS"], text % values))


def fill(hosts, path):
    """On the server where that is faster; owned by vmail."""
    node, base = hosts.nodes[0], MAIL
    if hosts.kind == "nfs":
        node, base = hosts.server, "/srv/export"
    node.put("/tmp/fill.py", FILL.encode())
    node.sh("python3 /tmp/fill.py %s %d && chown -R vmail: %s"
            % (base + path, COUNT, base + path), timeout=1500)


def forget(node):
    node.sh("sync; echo 3 >/proc/sys/vm/drop_caches")


def timed(port, cafile, node, user, password):
    begin = time.monotonic()
    client = Pop3(port, cafile, host=node.address)
    client.login(user, password)
    client.stat()
    elapsed = (time.monotonic() - begin) * 1000
    client.quit()
    return elapsed


def logins(what, login, node, other, deliver):
    """A row: each in ms."""
    first = login(node)
    warm = statistics.median(login(node) for _ in range(9))
    forget(node)
    cold = login(node)
    new = []
    for _ in range(3):
        deliver()
        new.append(login(node))
    elsewhere = []
    for _ in range(2):
        elsewhere += [login(other), login(node)]
    say("%s, %d messages: first %d ms, unchanged %d, after drop_caches %d, "
        "one new %d, on another node each time %d", what, COUNT, first, warm,
        cold, statistics.median(new), statistics.median(elsewhere))


def operations(hosts, node):
    """{operation: how many} since something, over the mount of a node."""
    found = {}
    if hosts.kind == "nfs":
        text = node.sh("cat /proc/self/mountstats")
        text = text[text.index("on %s " % MAIL):]
        for name, count in re.findall(r"^\s+([A-Z_]+): (\d+) ", text, re.M):
            found[name] = int(count)
        return found
    text = hosts.servers[0].sh("gluster volume profile mail info cumulative")
    first = text.split("Brick: ")[1]
    for count, name in re.findall(r"[nu]s\s+(\d+)\s+([A-Z]+)\s*$", first, re.M):
        found[name] = int(count)
    assert found, text
    return found


def counted(hosts, node, what, act, times=20):
    before = operations(hosts, node)
    for _ in range(times):
        act()
    after = operations(hosts, node)
    found = {name: (count - before.get(name, 0)) / times
             for name, count in after.items()
             if count > before.get(name, 0)}
    rows = sorted(found.items(), key=lambda row: -row[1])
    say("%s: %.1f operations: %s", what, sum(found.values()), ", ".join(
        "%s %.1f" % row for row in rows if row[1] >= 0.1))


def test_operations_of_a_poll(service, hosts, a, b):
    account, = service.add_accounts(1)
    account.deliver(a, 10)
    if hosts.kind == "gluster":
        hosts.servers[0].sh("gluster volume profile mail start")
    account.uidls(a)
    time.sleep(3)
    account.uidls(a)
    account.uidls(a)

    def poll(node):
        client = account.login(node)
        client.stat()
        client.quit()

    counted(hosts, a, "poll, unchanged, same node", lambda: poll(a))
    counted(hosts, a, "poll and UIDL", lambda: account.uidls(a))

    def both():
        poll(b)
        poll(a)

    counted(hosts, a, "poll after another node's (NFS: on one of the two)",
            both, 10)
    counted(hosts, a, "a delivery by mv, alone", lambda: account.deliver(a),
            10)

    def fetch():
        account.deliver(a)
        client = account.login(a)
        count, _ = client.stat()
        client.retr(count)
        client.ok("DELE %d" % count)
        client.quit()

    counted(hosts, a, "delivery, login, RETR, DELE, QUIT", fetch, 10)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_sessions_in_a_second(service, hosts, count):
    """Clients of this machine, whose processors all nodes share."""
    accounts = service.add_accounts(12)
    nodes = hosts.nodes[:count]
    for n, account in enumerate(accounts):
        account.deliver(nodes[n % count], 3)
        account.uidls(nodes[n % count])
    time.sleep(2)
    done, until = [], time.monotonic() + 15

    def work(account, node):
        while time.monotonic() < until:
            timed(995, service.cafile, node, account.address,
                  account.password)
            done.append(1)

    threads = [threading.Thread(target=work, args=(account, nodes[n % count]))
               for n, account in enumerate(accounts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say("%d node(s): %.1f sessions in a second", count, len(done) / 15)


def test_many_messages(service, hosts, a, b):
    account, = service.add_accounts(1)
    pop3.SECONDS = 1200
    fill(hosts, account.maildir[len(MAIL):])
    begin = time.monotonic()
    account.ctl(a, "index " + account.address, timeout=1200)
    say("pop3ctl index, %d messages: %.1f s", COUNT, time.monotonic() - begin)
    logins("pop3d", lambda node: timed(
        995, service.cafile, node, account.address, account.password), a, b,
        lambda: account.deliver(a))
    fill(hosts, "/dovecot/Maildir")
    for node in (a, b):
        node.put(DIRECTORY + "/dovecot.conf", DOVECOT.format(MAIL).encode())
        node.sh("/usr/sbin/dovecot -c %s/dovecot.conf </dev/null >/dev/null "
                "2>&1" % DIRECTORY)
    time.sleep(2)

    def deliver():
        a.sh("cd %s/dovecot/Maildir && cp cur/1700000000.* tmp/x && chown "
             "vmail: tmp/x && mv tmp/x new/$(date +%%s.M%%N)P1.a" % MAIL)

    logins("Dovecot", lambda node: timed(
        2995, service.cafile, node, "x", "secret"), a, b, deliver)
