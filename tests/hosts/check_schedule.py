"""100 mailboxes, and clients at random nodes, against a model.

Each mailbox has one client and one delivery agent, on nodes that are drawn
anew for each session and each message.  A message is listed exactly once, by
each session from its delivery to the QUIT that deletes it, and never after.
"""

import os
import random
import threading
import time

MAILBOXES = 100
AT_ONCE = 8
SECONDS = int(os.environ.get("SECONDS", "100"))


class Model:
    """Of one mailbox: what its sessions have to list."""

    def __init__(self, account, nodes, seed):
        self.account = account
        self.nodes = nodes
        self.draw = random.Random(seed)
        self.expected = []
        self.sessions = 0

    def deliver(self):
        self.expected += self.account.deliver(
            self.draw.choice(self.nodes), self.draw.randrange(1, 4))

    def session(self):
        self.sessions += 1
        with self.account.login(self.draw.choice(self.nodes)) as client:
            listed = client.uidl()
            names = list(listed.values())
            assert sorted(names) == sorted(self.expected), (
                self.account.address, names, self.expected)
            marked = self.draw.sample(
                list(listed), self.draw.randrange(len(names) + 1))
            for number in marked:
                client.ok("DELE %d" % number)
            if self.draw.random() < 0.2:
                return  # it vanishes: nothing is deleted
            client.quit()
            self.expected = [name for number, name in listed.items()
                             if number not in marked]

    def step(self):
        if not self.expected or self.draw.random() < 0.4:
            self.deliver()
        self.session()


def work(models, until, errors):
    """Each at least once."""
    passes = 0
    try:
        while passes == 0 or time.monotonic() < until:
            for model in models:
                if errors or passes > 0 and time.monotonic() >= until:
                    return
                model.step()
            passes += 1
    except BaseException as error:
        errors.append(error)
        raise


def test_clients_at_random_nodes(service):
    seed = int(os.environ.get("SEED", time.time()))
    print("SEED=%d" % seed)
    models = [Model(account, service.nodes, seed + n) for n, account in
              enumerate(service.add_accounts(MAILBOXES))]
    until, errors = time.monotonic() + SECONDS, []
    threads = [threading.Thread(target=work, args=(
        models[n::AT_ONCE], until, errors)) for n in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors
    for model in models:
        for node in service.nodes:
            assert sorted(model.account.files(node)) == \
                sorted(model.expected)
    print("%d sessions" % sum(model.sessions for model in models))
