"""I9: all refusals look alike, and cost the same.

That the times do not differ is measured in bench/; here the work is
counted.  One slow hash of libxcrypt's default method, yescrypt, needs an
area of 16 MB, mapped and unmapped for each: strace counts them.
"""

import re
import signal
import subprocess
import time

import pytest

from daemon import wait_until
from pop3 import plain

MB = 1 << 20
REFUSAL_SECONDS = 1  # auth/auth.c
SLOW = "slowly hashed"  # as users' are, and not those of other tests


@pytest.fixture(scope="module")
def people(shared_server):
    """{reason for refusal: (address, password)}"""
    server = shared_server
    found = {"unknown address": ("nobody@equal.example", SLOW),
             "unknown domain": ("right@nowhere.example", SLOW),
             "no domain": ("right", SLOW),
             "not an address": ("\\..//@", SLOW)}

    def add(name, *settings):
        account = server.add_account(name + "@equal.example", SLOW)
        if settings:
            server.ctl("set", account.address, *settings)
        return account.address
    found["wrong password"] = (add("right"), "wrong")
    found["very long password"] = (found["wrong password"][0], 200 * "x")
    found["access off"] = (add("off", "access=off"), SLOW)
    found["access off, wrong"] = (found["access off"][0], "wrong")
    found["two-factor"] = (add("two", "two-factor=on"), SLOW)
    found["no password"] = (add("none", "password=none"), SLOW)
    done = server.ctl("app-password", "add", "off@equal.example", "phone")
    found["access off, application password"] = (
        found["access off"][0], done.stdout.splitlines()[-1])
    done = server.ctl("app-password", "add", "two@equal.example", "phone")
    server.ctl("app-password", "revoke", "two@equal.example", "phone")
    found["revoked"] = (found["two-factor"][0], done.stdout.splitlines()[-1])
    for reason, options in (("network", ["-n", "192.0.2.0/24"]),
                            ("for sending", ["-u", "send"]),
                            ("expired", ["-e", "+1d"])):
        done = server.ctl("app-password", "add", "two@equal.example", reason,
                          *options)
        found[reason] = (found["two-factor"][0], done.stdout.splitlines()[-1])
    text = server.ctl("export").stdout
    text = re.sub("expires=[^,]*", "expires=2001-01-01T00:00:00Z", text)
    server.ctl("import", "-", stdin=text)
    return found


def answers(server, address, password):
    """All that the client hears, by both ways in."""
    found = []
    with server.connect() as pop:
        found.append(pop.command("USER " + address))
        found.append(pop.command("PASS " + password))
        found.append(pop.command(b"AUTH PLAIN " + plain(address, password)))
    return found


def test_the_same_words(server, people):
    """To the client; the log tells the reason, and never what was typed."""
    heard = {reason: answers(server, *who) for reason, who in people.items()}
    for reason, answer in heard.items():
        assert answer == heard["wrong password"], reason
    assert heard["wrong password"][0].startswith(b"+OK")
    assert heard["wrong password"][1].startswith(b"-ERR [AUTH] ")
    assert heard["wrong password"][2] == heard["wrong password"][1]
    lines = [line for line in server.log_lines()
             if line.startswith("login refused")]
    assert len(lines) == 2 * len(people)
    shapes = {re.sub(r"(peer|user|reason)=\S+", r"\1=", line)
              for line in lines}
    assert shapes == {"login refused: peer= user= mechanism=USER reason=",
                      "login refused again: peer= user= mechanism=PLAIN "
                      "reason="}
    for _, password in people.values():
        assert not re.search(r"[ =]%s\b" % re.escape(password), server.log())


# The work.

class Trace:
    """System calls of the auth process of a connection."""

    def __init__(self, server, pop, path):
        # auth is forked at the first word of the session to it.
        self.path = path
        parent = server.processes(pop).parent
        self.process = subprocess.Popen(
            ["strace", "-f", "-qq", "-e", "trace=mmap,munmap", "-o", path,
             "-p", str(parent)], stderr=subprocess.PIPE)
        wait_until(lambda: _traced(parent), "strace does not attach")

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        with open(self.path) as f:
            return f.read()


def _traced(pid):
    with open("/proc/%d/status" % pid) as f:
        return "TracerPid:\t0\n" not in f.read()


def hashes(trace):
    """How many areas large enough for a slow hash were mapped."""
    sizes = [int(n) for n in re.findall(r"mmap\(NULL, (\d+),", trace)]
    return sum(n >= 8 * MB for n in sizes)


@pytest.fixture(scope="module", autouse=True)
def _can_count(shared_server):
    account = shared_server.add_account("probe@equal.example", SLOW)
    text = shared_server.ctl("export").stdout
    method = re.search(r"^%s .*hash=(\$\w+\$)" % account.address, text,
                       re.M).group(1)
    if method != "$y$":
        pytest.skip("crypt(3) hashes with %s here, not with yescrypt: its "
                    "work cannot be counted" % method)


def test_the_same_work_and_wait(server, people, tmp_path):
    counts = {}
    for reason, (address, password) in people.items():
        pop = server.connect()
        trace = Trace(server, pop, str(tmp_path / "trace"))
        pop.ok("USER " + address)
        began = time.monotonic()
        pop.err("PASS " + password, "AUTH")
        # How much longer it takes is the machine's business.
        assert time.monotonic() - began >= REFUSAL_SECONDS - 0.01
        counts[reason] = hashes(trace.end())
        pop.close()
    assert counts == {reason: 1 for reason in people}


def test_the_work_of_a_login(server, people, tmp_path):
    """The counting is right: none with an application password, else one."""
    done = server.ctl("app-password", "add", "right@equal.example", "mine")
    code = done.stdout.splitlines()[-1]
    for password, wanted in ((code, 0), (SLOW, 1)):
        pop = server.connect()
        trace = Trace(server, pop, str(tmp_path / "trace"))
        pop.login("right@equal.example", password)
        assert hashes(trace.end()) == wanted
        pop.quit()


# The end.

def test_who_does_not_wait_leaves_nothing(server, people):
    """The client gives up during the delay: all ends at once (I8)."""
    address, password = people["wrong password"]
    pop = server.connect()
    pop.ok("USER " + address)
    pop.send("PASS " + password + "\r\n")
    pop.reset()
    server.wait_empty()


@pytest.mark.parametrize("most", [1, 2, 5])
def test_max_failures(make_server, most):
    server = make_server(max_failures=most)
    account = server.add_account()
    pop = server.connect()
    for i in range(most):
        pop.ok("USER " + ("nobody@equal.example", account.address)[i % 2])
        pop.err("PASS wrong", "AUTH")
    pop.ended()
    with server.connect() as pop:
        for _ in range(most - 1):
            pop.err(b"AUTH PLAIN " + plain(account.address, "wrong"), "AUTH")
        pop.login(account.address)


def test_failures_count_whatever_they_are(server, people):
    """Three is the default; the last answer is the same as the first."""
    reasons = ["access off", "two-factor", "unknown address"]
    pop = server.connect()
    heard = set()
    for reason in reasons:
        address, password = people[reason]
        pop.ok("USER " + address)
        heard.add(pop.err("PASS " + password, "AUTH"))
    pop.ended()
    assert len(heard) == 1


def test_nothing_after_the_last_failure(server, people):
    """Pipelined guesses end there too, the right one among them."""
    pop = server.connect()
    guesses = ["wrong"] * 3 + [SLOW]
    pop.send("".join("USER right@equal.example\r\nPASS %s\r\n" % guess
                     for guess in guesses))
    rest = pop.rest()
    assert len(re.findall(rb"^-ERR \[AUTH\] ", rest, re.M)) == 3
    assert b"\r\n+OK" not in rest.rsplit(b"-ERR [AUTH]", 1)[1]
    assert not any(line.startswith("login: ") for line in server.log_lines())
