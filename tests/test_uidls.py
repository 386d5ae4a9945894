"""The file pop3d/uidls: unique-ids that messages brought from elsewhere.

An id of the file beats the base name, for ever: through flags, retention,
the loss of the index, and whatever else arrives (I4).
"""

import hashlib
import os
import time

import pytest

from daemon import ROOT
from mailbox import Mailbox
from maildir import message, unique

JUNK = ".Junk"


def hashed(base):
    return "=" + hashlib.sha256(base.encode()).hexdigest()


class Moved(Mailbox):
    """One that has unique-ids from elsewhere, as a program wrote them."""

    def write(self, text):
        path = self.pop3d + "/uidls"
        if not os.path.isdir(self.pop3d):
            os.mkdir(self.pop3d, 0o700)
            self.maildir._own(self.pop3d)
        with open(path + ".new", "w") as f:
            f.write(text)
        self.maildir._own(path + ".new")
        os.rename(path + ".new", path)

    def give(self, ids):
        """ids: {base name, or junk/base name: UIDL}."""
        self.write("uidls 1\n" + "".join(
            "%s %s\n" % (uidl, name) for name, uidl in ids.items()))

    def uidls(self):
        pop = self.login()
        found = list(pop.uidl().values())
        pop.quit()
        return found

    def lose_index(self):
        self.server.wait_empty()
        for name in os.listdir(self.pop3d):
            if name != "uidls":
                os.unlink(os.path.join(self.pop3d, name))

    def check(self):
        assert " 0 mended" in self.ctl("check").stdout


@pytest.fixture
def mailbox(account):
    return Moved(account)


def test_ids_of_the_file(mailbox):
    """Those that have one have it, the others their base names."""
    names = mailbox.deliver(3) + mailbox.put(2)
    mailbox.give({names[1]: "UID2-1700000000", names[3]: "0000000a65a1b2c3"})
    expected = [names[0], "UID2-1700000000", names[2], "0000000a65a1b2c3",
                names[4]]
    assert mailbox.uidls() == expected
    assert mailbox.uidls() == expected
    mailbox.check()


def test_ids_for_an_index_that_is_there(mailbox):
    """A file that comes later, or another one, counts from then on."""
    names = mailbox.deliver(3)
    assert mailbox.uidls() == names
    mailbox.give({names[0]: "A", names[1]: "B"})
    assert mailbox.uidls() == ["A", "B", names[2]]
    mailbox.give({names[0]: "B", names[1]: "A", names[2]: "C"})
    assert mailbox.uidls() == ["B", "A", "C"]
    mailbox.check()


def test_loss_of_the_index(mailbox):
    names = mailbox.deliver(4)
    mailbox.give({names[0]: "A", names[2]: "C"})
    expected = ["A", names[1], "C", names[3]]
    assert mailbox.uidls() == expected
    mailbox.lose_index()
    assert mailbox.uidls() == expected
    mailbox.check()


def test_loss_of_the_file(mailbox):
    """What the index knows does not change with it."""
    names = mailbox.deliver(3)
    mailbox.give({names[0]: "A", names[1]: names[2]})
    expected = ["A", names[2], hashed("/" + names[2])]
    assert mailbox.uidls() == expected
    os.unlink(mailbox.pop3d + "/uidls")
    assert mailbox.uidls() == expected
    mailbox.give({names[0]: "A"})
    assert mailbox.uidls() == expected
    mailbox.check()


def test_a_base_name_that_is_an_id(mailbox):
    """The id from elsewhere wins, whether the other comes before or after."""
    first, later, last = unique(), unique(), unique()
    mailbox.maildir.deliver(message(), first)
    mailbox.give({first: later})
    assert mailbox.uidls() == [later]
    mailbox.maildir.deliver(message(), later)
    expected = [later, hashed("/" + later)]
    assert mailbox.uidls() == expected
    mailbox.lose_index()
    assert mailbox.uidls() == expected
    # The id is nobody else's even when its message is gone.
    mailbox.delete(1, 2)
    mailbox.maildir.deliver(message(), later)
    assert mailbox.uidls() == [hashed("/" + later)]
    mailbox.maildir.deliver(message(), last)
    assert mailbox.uidls() == [hashed("/" + later), last]
    mailbox.lose_index()
    assert mailbox.uidls() == [hashed("/" + later), last]
    mailbox.check()


def test_a_base_name_that_is_an_id_of_before(mailbox):
    """Of a message that the new file does not name."""
    first, second, third = mailbox.deliver(3)
    mailbox.give({first: "A", second: first})
    assert mailbox.uidls() == ["A", first, third]
    mailbox.give({third: "A"})
    assert mailbox.uidls() == [hashed("/" + first), first, "A"]
    mailbox.check()


@pytest.mark.parametrize("clock", ["right", "wrong"])
def test_a_message_that_comes_back(mailbox, clock):
    """Such as one from a backup: it has its id again."""
    names = mailbox.deliver(2)
    names.append(unique() if clock == "right" else "4000000000.M1P1Q1.host")
    mailbox.maildir.deliver(message(), names[2])
    mailbox.give({names[2]: "C"})
    assert mailbox.uidls() == names[:2] + ["C"]
    path = mailbox.path(names[2])
    with open(path, "rb") as f:
        data = f.read()
    os.unlink(path)
    assert mailbox.uidls() == names[:2]
    mailbox.maildir.put(data, names[2])
    assert mailbox.uidls() == names[:2] + ["C"]
    mailbox.check()


def test_flags_and_retention(mailbox):
    mailbox.set("auto-delete=no")
    names = mailbox.deliver(3)
    mailbox.give({name: "id-%d" % n for n, name in enumerate(names)})
    assert mailbox.uidls() == ["id-0", "id-1", "id-2"]
    path = mailbox.path(names[0])
    os.rename(path, path + "S")
    mailbox.delete(2)
    assert mailbox.uidls() == ["id-0", "id-2"]
    mailbox.ctl("requeue", "id-1")
    assert mailbox.uidls() == ["id-0", "id-1", "id-2"]
    mailbox.check()


def test_junk_folder(mailbox):
    """Its names have a form of their own: both folders may share a name."""
    name = unique()
    mailbox.maildir.deliver(message("in"), name)
    mailbox.maildir.deliver(message("junk"), name, folder=JUNK)
    mailbox.set("spam=include")
    assert mailbox.uidls() == [name, hashed("/" + name)]
    mailbox.give({"junk/" + name: "J"})
    assert mailbox.uidls() == [name, "J"]
    mailbox.give({name: "I", "junk/" + name: "J"})
    mailbox.lose_index()
    assert mailbox.uidls() == ["I", "J"]
    mailbox.set("spam=only")
    assert mailbox.uidls() == ["J"]
    mailbox.check()


def test_a_newer_file_is_refused(mailbox):
    """In words, and both it and the index stay as they are."""
    names = mailbox.deliver(2)
    mailbox.give({names[0]: "A"})
    assert mailbox.uidls() == ["A", names[1]]
    text = "uidls 2\nwhatever\n"
    mailbox.write(text)
    pop = mailbox.server.connect()
    pop.ok("USER " + mailbox.account.address)
    answer = pop.command("PASS " + mailbox.account.password)
    assert answer.startswith(b"-ERR [SYS/TEMP] "), answer
    pop.close()
    mailbox.server.wait_log(r"uidls was written by a newer version of pop3d; "
                            r"install that version again$")
    with open(mailbox.pop3d + "/uidls") as f:
        assert f.read() == text
    mailbox.give({names[0]: "A"})
    assert mailbox.uidls() == ["A", names[1]]


@pytest.mark.parametrize("text", ["", "no list\n", "uidls 1"])
def test_a_damaged_file(mailbox, text):
    """Ids that nobody knows any more are told, and not just forgotten."""
    names = mailbox.deliver(2)
    mailbox.write(text)
    pop = mailbox.server.connect()
    pop.ok("USER " + mailbox.account.address)
    answer = pop.command("PASS " + mailbox.account.password)
    assert answer.startswith(b"-ERR [SYS/TEMP] "), answer
    pop.close()
    mailbox.server.wait_log(r"uidls, the unique-ids from elsewhere, is "
                            r"damaged; restore that file, or import them")
    # The index knows what the file said before.
    mailbox.give({names[0]: "A"})
    assert mailbox.uidls() == ["A", names[1]]
    mailbox.write(text)
    mailbox.server.mark_log()
    assert mailbox.uidls() == ["A", names[1]]
    mailbox.server.wait_log(r"Maildir: reading uidls: .* is damaged")


def test_bad_lines(mailbox):
    """Are left out and told of once; the others count."""
    names = mailbox.deliver(3)
    mailbox.write("uidls 1\nA %s\nA %s\n%s %s\nno\n"
                  % (names[0], names[1], "x" * 71, names[2]))
    assert mailbox.uidls() == ["A", names[1], names[2]]
    mailbox.server.wait_log(r"uidls: 3 lines are left out, the first of them "
                            r"is line 3: ")
    mailbox.server.wait_empty()
    mailbox.server.mark_log()
    assert mailbox.uidls() == ["A", names[1], names[2]]
    mailbox.server.wait_empty()
    assert not [line for line in mailbox.server.log_lines()
                if "left out" in line]


@pytest.mark.skipif(not ROOT, reason="only root may trace the store")
def test_it_is_read_only_when_it_has_changed(mailbox):
    """A settled mailbox looks at it, and opens nothing at all."""
    names = mailbox.deliver(3)
    mailbox.give({names[0]: "A"})
    mailbox.index()
    opening = "trace=?open,openat,?stat,?lstat,newfstatat"

    def opened():
        pop, strace = mailbox.login("-e", opening)
        assert list(pop.uidl().values())[0] == "A"
        pop.quit()
        strace.finish()
        return [line for line in strace.calls("open|openat")
                if '/uidls"' in line]

    assert opened() == []
    # Mail that is newer than the file, by more than clocks differ, cannot be
    # in it; older mail may be, and such as is of no time yet.
    time.sleep(1.5)
    mailbox.maildir.deliver(message(), "%d.M1P1.host" % (time.time() + 3600))
    assert opened() == []
    mailbox.maildir.deliver(message(), "%d.M1P1.host" % (time.time() + 7200))
    assert len(opened()) == 1
    mailbox.deliver(1)
    assert len(opened()) == 1
    mailbox.give({names[0]: "A"})
    assert len(opened()) == 1
    assert opened() == []


def test_a_session_goes_on_with_what_it_has(mailbox):
    """The file is replaced under it: the next one sees the other ids."""
    names = mailbox.deliver(2)
    mailbox.index()
    pop = mailbox.login()
    mailbox.give({names[0]: "A"})
    assert list(pop.uidl().values()) == names
    pop.ok("DELE 2")
    pop.quit()
    assert mailbox.uidls() == ["A"]
