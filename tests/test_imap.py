"""A real IMAP server, Dovecot, at work on the Maildir while we are.

One client waits in IDLE, which moves mail from new/ to cur/; another one
saves, flags and removes messages while POP sessions log in and delete, slowed
down as on a busy disk.  After each of them the next
login lists exactly what is there.
"""

import imaplib
import os
import random
import re
import shlex
import shutil
import subprocess
import threading
import time

import pytest

from daemon import ROOT
from inject import Tracer, application_password
from maildir import message, unique

IMAP = "/usr/lib/dovecot/imap"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not ROOT, reason="only root may trace the store"),
    pytest.mark.skipif(not os.path.exists(IMAP),
                       reason="dovecot-imapd is not installed")]

CONFIGURATION = """ssl = no
protocols = imap
log_path = %(directory)s/log
base_dir = %(directory)s/run
mail_location = maildir:%(maildir)s
mailbox_list_index = no
"""


class Dovecot:
    """Its imap process, logged in from the start, as the owner."""

    def __init__(self, account):
        self.directory = account.maildir.path + ".dovecot"
        os.mkdir(self.directory)
        os.chown(self.directory, account.maildir.uid, account.maildir.gid)
        conf = self.directory + "/dovecot.conf"
        with open(conf, "w") as f:
            f.write(CONFIGURATION % {"directory": self.directory,
                                     "maildir": account.maildir.path})
        self.command = [
            "setpriv", "--reuid", str(account.maildir.uid), "--regid",
            str(account.maildir.gid), "--clear-groups", "env", "-i",
            "HOME=" + self.directory, "USER=vmail",
            "PATH=" + os.environ["PATH"], IMAP, "-c", conf]
        self.idle = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.idle.stdin.write(b"a SELECT INBOX\r\nb IDLE\r\n")
        self.idle.stdin.flush()
        self.client = imaplib.IMAP4_stream(
            shlex.join(self.command) + " 2>/dev/null")
        self.ok(self.client.select("INBOX"))

    @staticmethod
    def ok(answer):
        assert answer[0] == "OK", answer
        return answer[1]

    def close(self):
        self.client.logout()
        self.idle.stdin.close()
        self.idle.wait(20)
        shutil.rmtree(self.directory)


class Model:
    """Messages by their subjects, which no two share."""

    def __init__(self, account, generator):
        self.account = application_password(account)
        self.maildir = account.maildir
        self.dovecot = Dovecot(account)
        self.random = generator
        self.alive = set()
        self.told = []

    def tell(self, *what):
        self.told.append(" ".join(map(str, what)))

    def deliver(self, count):
        for _ in range(count):
            name = unique()
            self.maildir.deliver(message(name), name)
            self.alive.add(name)

    # What the IMAP client does.

    def _uids(self):
        found = self.dovecot.ok(self.dovecot.client.uid("SEARCH", "ALL"))
        return found[0].split() if found and found[0] else []

    def _some(self):
        """(uid, subject) of a message that is there."""
        uids = self._uids()
        if not uids:
            return None, None
        uid = self.random.choice(uids)
        data = self.dovecot.ok(self.dovecot.client.uid(
            "FETCH", uid, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
        text = b"".join(part for item in data if item
                        for part in (item if isinstance(item, tuple)
                                     else (item,)))
        found = re.search(rb"Subject: (\S+)", text)
        return uid, found.group(1).decode() if found else None

    def noop(self):
        self.dovecot.client.noop()

    def append(self):
        name = unique()
        self.alive.add(name)
        self.dovecot.ok(self.dovecot.client.append(
            "INBOX", None, None, message(name).replace(b"\n", b"\r\n")))
        return name

    def flag(self):
        uid, subject = self._some()
        if uid:
            self.dovecot.client.uid("STORE", uid, self.random.choice(
                ["+FLAGS", "-FLAGS"]), self.random.choice(
                    [r"(\Seen)", r"(\Flagged)", r"(\Answered)"]))
        return subject

    def remove(self):
        uid, subject = self._some()
        if subject and len(self.alive) > 4:
            self.dovecot.client.uid("STORE", uid, "+FLAGS", r"(\Deleted)")
            self.dovecot.client.expunge()
            self.alive.discard(subject)
        return subject

    def act(self):
        for _ in range(self.random.choice([1, 2, 3])):
            time.sleep(self.random.random() * 0.06)
            act = self.random.choice(["noop", "append", "append", "flag",
                                      "remove", "deliver"])
            if act == "deliver":
                self.deliver(1)
                self.tell("delivered")
            else:
                self.tell(act, getattr(self, act)())


def subjects(pop):
    """{number: subject} of all messages, by TOP."""
    found = {}
    for n in pop.list():
        answer = pop.command("TOP %d 0" % n)
        if answer.startswith(b"+OK"):
            found[n] = re.search(rb"Subject: (\S+)",
                                 pop.multiline()).group(1).decode()
    return found


# x86_64: fsync, fdatasync, rename, unlink, linkat and their kin.
SLOW_CALLS = {74, 75, 82, 87, 263, 264, 265, 316}


def slowly(model, pid):
    """The store's changes take their time, as on a busy disk."""
    seconds = model.random.choice([0, 0.01, 0.03, 0.06])
    return Tracer(pid, at_call=lambda n, number:
                  time.sleep(seconds if number in SLOW_CALLS else 0))


def pop_session(model, others):
    """Logs in, perhaps deletes, and quits; the others are at work while it
    does the one or the other."""
    server = model.account.server
    when = model.random.choice(["login", "quit", "quit"])
    model.tell("while", when)
    pop = server.connect()
    pop.ok("USER " + model.account.address)
    if when == "login":
        tracer = slowly(model, server.processes(pop).parent)
        others.start()
    pop.ok("PASS " + model.account.password)
    shown = subjects(pop)
    marked = model.random.sample(
        sorted(shown), min(model.random.choice([1, 1, 2, 3]), len(shown)))
    for n in marked:
        pop.ok("DELE %d" % n)
    if when == "quit":
        tracer = slowly(model, server.processes(pop).store)
        others.start()
    pop.ok("QUIT")
    pop.close()
    tracer.finish()
    server.wait_empty()
    model.alive -= {shown[n] for n in marked}
    model.tell("deleted", *[shown[n] for n in marked])


def exactly(model):
    with model.account.login() as pop:
        shown = subjects(pop)
        assert len(shown) == pop.stat()[0], "one is listed that is gone"
        assert len(set(shown.values())) == len(shown), "doubled"
        hidden = model.alive - set(shown.values())
        more = set(shown.values()) - model.alive
        assert not hidden and not more, "hidden %s, gone %s" % (hidden, more)
        pop.quit()
    model.account.server.wait_empty()


def test_with_dovecot(server, capsys):
    """POP3D_ROUNDS=n asks for more rounds, or fewer."""
    rounds = int(os.environ.get("POP3D_ROUNDS", 400))
    seed = random.SystemRandom().randrange(10**6)
    model = Model(server.add_account(), random.Random(seed))
    errors = []

    def disturb():
        try:
            model.act()
        except BaseException as error:
            errors.append(error)

    try:
        for done in range(rounds):
            model.told.clear()
            if model.random.random() < 0.8:  # what is young is known then
                time.sleep(0.15)
                exactly(model)
            model.deliver(max(8 - len(model.alive), model.random.choice(
                [0, 0, 1, 2])))
            thread = threading.Thread(target=disturb)
            try:
                pop_session(model, thread)
            finally:
                if thread.ident is not None:
                    thread.join()
            assert not errors, errors
            exactly(model)
    except BaseException as error:
        error.add_note("seed %d, round %d: %s" % (
            seed, done, "; ".join(model.told)))
        raise
    finally:
        model.dovecot.close()
    with capsys.disabled():
        print("\nseed %d, %d rounds" % (seed, rounds), end=" ")
