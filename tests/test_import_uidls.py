"""pop3ctl import-uidls: the lists of Dovecot and Courier, in their formats.

tests/test_moving.py has them from the real servers; here is what else may be
in such a file.
"""

import os
import re
import time

import pytest

from daemon import ROOT
from inject import Saved
from maildir import message, unique
from test_crash import crash_everywhere, ctl
from test_uidls import Moved, hashed

VALIDITY = 1764000000


class Old(Moved):
    """A mailbox with what another server has left there."""

    def list(self, name, text, folder=None, age=0):
        path = os.path.join(self.maildir.folder(folder), name)
        if isinstance(text, str):
            text = text.encode()
        self.maildir._write(path, text)
        past = time.time() - age
        os.utime(path, (past, past))

    def dovecot(self, *lines, folder=None, age=0):
        """Lines of the list, without their newlines."""
        self.list("dovecot-uidlist", "3 V%d N1000 G0123456789abcdef\n"
                  % VALIDITY + "".join(line + "\n" for line in lines),
                  folder, age)

    def courier(self, *lines, version=3, folder=None, age=0):
        self.list("courierpop3dsizelist", "/%d 1000 %d\n"
                  % (version, VALIDITY) +
                  "".join(line + "\n" for line in lines), folder, age)

    def take(self, *options, status=0):
        """What import-uidls says, line by line, without the address."""
        done = self.ctl("import-uidls", *options, check=False)
        assert done.returncode == status, done.stderr
        start = "^(pop3ctl: )?(%s: )?" % re.escape(self.account.address)
        return [re.sub(start, "", line)
                for line in (done.stdout + done.stderr).splitlines()]

    def uidls_file(self):
        with open(self.pop3d + "/uidls") as f:
            return f.read()


@pytest.fixture
def old(account):
    return Old(account)


def summary(taken, had=0, own=0, left=0, what="dovecot-uidlist",
            verb="taken over"):
    return ("%d unique-ids of %s %s; %d were here already, %d are the base "
            "name, %d are left out" % (taken, what, verb, had, own, left))


def default(uid):
    return "%08x%08x" % (uid, VALIDITY)


def test_dovecot(old):
    """In new/ as in cur/, with values beside the names, or without."""
    names = old.deliver(2) + old.put(3)
    old.dovecot("1 :" + names[0], "17 W70 S65 :" + names[1],
                "255 :" + names[2], "256 P :" + names[3],
                "4096 Gguid POldServer.17 :" + names[4])
    assert old.take() == [summary(4, own=1)]
    assert old.uidls_file() == "uidls 1\n" + "".join(
        "%s %s\n" % line for line in (
            (default(1), names[0]), (default(17), names[1]),
            (default(255), names[2]), ("OldServer.17", names[4])))
    assert old.uidls() == [default(1), default(17), default(255), names[3],
                           "OldServer.17"]
    assert old.take() == [summary(0, had=4, own=1)]
    old.lose_index()
    old.deliver(1)
    assert old.uidls()[:5] == [default(1), default(17), default(255),
                               names[3], "OldServer.17"]
    old.check()


# Of uid 26, validity 1764000000 (69246500 hexadecimal), and a file "1.M2.hst"
# without a G value: what Dovecot 2.3.19 made of it.
FORMATS = [
    ("%08Xu%08Xv", "0000001a69248100"),
    ("%u.%v", "26.1764000000"),
    ("%v.%u", "1764000000.26"),
    ("UID%u-%v", "UID26-1764000000"),
    ("%08Xv%08Xu", "692481000000001a"),
    ("%Xu", "1a"),
    ("%08u", "00000026"),
    ("%3u_%4v", "26_1764"),
    ("%-4.08Xu%2v", "0000001a17"),
    ("%u.%2.3v", "26.640"),
    ("%u.%-3v", "26.176"),
    ("%u.%-3.2v", "26.00"),
    ("%u.%-3.-1v", "26.00"),
    ("%XUu", "1A"),
    ("%Ru", "62"),
    ("%%%u", "%26"),
    ("x%gx%u", "x%sx26"),
    ("%f.%u", "%s.26"),
    ("%Uf", "%S"),
    ("%{uid}-%{uidvalidity}", "26-1764000000"),
    ("%{uid | hex(8)}%{uidvalidity | hex(8)}", "0000001a69248100"),
    ("%{uid|hex}%{guid | upper}", "1a%S"),
]


def test_formats(old):
    name = old.deliver(1)[0]
    old.dovecot("26 W70 :" + name)
    for form, uidl in FORMATS:
        uidl = uidl.replace("%s", name).replace("%S", name.upper())
        assert old.take("-n", "-f", form) == [
            "%s %s" % (uidl, name),
            summary(1, verb="would be taken over")], form
    assert old.take("-f", "%u.%v") == [summary(1)]
    assert old.uidls() == ["26.1764000000"]


def test_formats_that_cannot_be(old):
    old.dovecot("1 :" + old.deliver(1)[0])
    for form in ("%v", "%08Xv", "", "constant", "%m", "%", "%u%", "%q", "%Hu", "%{uid",
                 "%{x}", "%{uid | sha1}", "%{uid | hex(8}", "%LLLLLLLLLLLu"):
        said = old.take("-f", form, status=1)
        assert len(said) == 1 and said[0].startswith("-f %s: " % form), form
    assert not os.path.exists(old.pop3d + "/uidls")


def test_base_names(old):
    """%f, %g and qmail-pop3d: there is nothing to write down."""
    names = old.deliver(2)
    assert re.match("no dovecot-uidlist and no courierpop3dsizelist: "
                    "nothing to do", old.take()[0])
    old.dovecot("1 :" + names[0], "2 Gother :" + names[1])
    assert old.take("-f", "%f") == [summary(0, own=2)]
    assert not os.path.exists(old.pop3d + "/uidls")
    assert old.take("-f", "%g") == [summary(1, own=1)]
    assert old.uidls() == [names[0], "other"]


@pytest.mark.parametrize("version", [2, 3])
def test_courier(old, version):
    """Names with a suffix, ids of three kinds."""
    end = ":0" if version == 3 else ""
    names = old.put(4)
    odd = old.maildir.deliver(message(), "1750000000.M1P1.a'b\"c+d e")
    old.courier("%s:2,S 65 1:%d%s" % (names[0], VALIDITY, end),
                "%s:2, 65 18446744073709551615:1%s" % (names[1], end),
                "%s 65 7:0%s" % (names[2], end),
                "%s:2,RS 65 0:0%s" % (names[3], end),
                "%s 65 0:0%s" % (odd, end), version=version)
    assert old.take() == [summary(4, own=1, what="courierpop3dsizelist")]
    assert old.uidls() == [
        "UID1-%d" % VALIDITY, "UID18446744073709551615-1", "UID7", names[3],
        "1750000000.M1P1.a+27b+22c+2Bd+20e"]
    old.check()


def test_two_lists(old):
    """The one that was written last counts, and the other one is told."""
    name = old.deliver(1)[0]
    old.dovecot("1 :" + name, age=100)
    old.courier("%s 65 5:9:0" % name)
    assert old.take("-n")[:2] == [
        "dovecot-uidlist is there, too, and older: -f with Dovecot's "
        "pop3_uidl_format takes that one", "UID5-9 " + name]
    assert old.take("-n", "-f", "%u.%v") == [
        "1.%d %s" % (VALIDITY, name), summary(1, verb="would be taken over")]
    old.dovecot("1 :" + name)
    old.courier("%s 65 5:9:0" % name, age=100)
    assert old.take("-n")[:2] == [
        "courierpop3dsizelist is there, too, and older: -f courier takes "
        "that one", "%s %s" % (default(1), name)]
    assert old.take("-f", "courier") == [
        summary(1, what="courierpop3dsizelist")]
    assert old.uidls() == ["UID5-9"]


def test_nothing_is_changed_by_n(old):
    names = old.deliver(2)
    old.dovecot("1 :" + names[0])
    old.uidls()
    assert old.take("-n") == [
        "%s %s" % (default(1), names[0]),
        summary(1, verb="would be taken over")]
    assert not os.path.exists(old.pop3d + "/uidls")
    assert old.uidls() == names


def test_what_cannot_be_taken_is_told(old):
    names = old.deliver(6)
    long = old.maildir.deliver(message(), "1750000000.M1P1." + "h" * 60)
    old.dovecot("1 Psame :" + names[0], "2 Psame :" + names[1],
                "3 Pcaf\u00e9 :" + names[2], "4 P%s :%s" % ("x" * 71, names[3]),
                "5 :gone.M1P1.host", "6 :", "seven :" + names[4], "8",
                "9 :../" + names[4], "10 P%s :%s" % (hashed("x"), names[4]),
                "11 :" + names[5], "12 P :" + long)
    said = old.take()
    assert said[-1] == summary(2, left=10)
    for name, why in [
            (names[0], "the id of %s is the same" % names[1]),
            (names[2], "has characters that POP3 does not allow"),
            (names[3], "has more than 70 octets"),
            ("gone.M1P1.host", "there is no such file any more"),
            (names[4], "looks like one that pop3d makes itself"),
            (long, "has more than 70 octets")]:
        assert [line for line in said
                if line.startswith(name + ": ") and why in line], (name, said)
    for number in (7, 8, 9, 10):
        assert ("line %d of dovecot-uidlist cannot be understood" % number
                in said)
    assert old.uidls() == [names[0], "same", names[2], names[3], names[4],
                           default(11), hashed(long)]
    old.check()


def test_a_name_with_two_ids(old):
    """In one list the later one is what Dovecot itself takes; one that was
    taken over before stays."""
    name = old.deliver(1)[0]
    old.dovecot("1 :" + name, "2 :" + name)
    assert old.take() == [
        "%s: %s is not the last id that is given for it" % (name, default(1)),
        summary(1, left=1)]
    old.dovecot("3 :" + name)
    assert old.take() == [
        "%s: it has the id %s from before, and keeps it"
        % (name, default(2)), summary(0, left=1)]
    assert old.uidls() == [default(2)]


def test_run_again(old):
    """What came since, while the old server was still running."""
    names = old.deliver(2)
    old.dovecot("1 :" + names[0])
    assert old.take() == [summary(1)]
    old.dovecot("1 :" + names[0], "2 :" + names[1])
    assert old.take() == [summary(1, had=1)]
    assert old.uidls() == [default(1), default(2)]


def test_what_pop3d_has_shown_stays(old):
    """An IMAP server goes on with its list, and import-uidls -a is run for
    the sake of other accounts."""
    names = old.deliver(2)
    old.dovecot("1 :" + names[0], "2 :" + names[1])
    assert old.take() == [summary(2)]
    new = old.deliver(1)[0]
    expected = [default(1), default(2), new]
    assert old.uidls() == expected
    old.dovecot("1 :" + names[0], "2 :" + names[1], "3 :" + new)
    assert old.take() == [
        "%s: it keeps the id under which it has been shown" % new,
        summary(0, had=2, left=1)]
    assert old.uidls() == expected
    # Back to the other server, and here again: clients heard its ids last.
    old.server.wait_empty()
    os.unlink(old.pop3d + "/uidls")
    assert old.take() == [summary(3)]
    assert old.uidls() == [default(1), default(2), default(3)]


def test_of_a_mailbox_that_is_served(old):
    """Under its lock: the ids count from the next session on."""
    names = old.deliver(2)
    old.dovecot("1 :" + names[0])
    pop = old.login()
    assert list(pop.uidl().values()) == names
    assert re.match("a session has the mailbox; try again when it is over",
                    old.take(status=1)[0])
    pop.quit()
    old.server.wait_empty()
    assert old.take() == [summary(1)]
    assert old.uidls() == [default(1), names[1]]


def test_junk_folder(old):
    """Only where it is served; both lists may number alike."""
    name, junk = old.deliver(1)[0], unique()
    old.maildir.deliver(message("junk"), junk, folder=".Junk")
    old.dovecot("1 :" + name)
    old.dovecot("1 :" + junk, "2 P :" + junk, folder=".Junk")
    assert old.take("-n") == [
        "%s %s" % (default(1), name),
        summary(1, verb="would be taken over")]
    old.set("spam=include")
    assert old.take("-n") == [
        "%s: %s is not the last id that is given for it" % (junk, default(1)),
        "%s %s" % (default(1), name), "%s junk/%s" % (junk, junk),
        summary(2, left=1, verb="would be taken over")]
    old.take()
    assert old.uidls() == [default(1), junk]


def test_lists_of_other_kinds(old):
    """Are refused in words; nothing is changed."""
    old.deliver(1)
    for file in ("dovecot-uidlist", "courierpop3dsizelist"):
        for text in ("", "\n", "1 1764000000 5\n1 name\n", "4 V1 N2\n",
                     "3 N2 G3\n", "3 Vx N2\n", "/4 1 2\n", "\0\0\0"):
            old.list(file, text)
            said = old.take(status=1)
            assert len(said) == 1
            assert file + ": it is of a version that is not known" in said[0]
        path = os.path.join(old.maildir.path, file)
        for make in (lambda: os.symlink("/etc/passwd", path),
                     lambda: os.mkdir(path), lambda: os.mkfifo(path)):
            os.unlink(path)
            make()
            said = old.take(status=1)
            assert len(said) == 1
            assert file + ": it is of a version that is not known, or no " \
                "list" in said[0]
            if os.path.isdir(path) and not os.path.islink(path):
                os.rmdir(path)
                open(path, "w").close()
        os.unlink(path)
    assert not os.path.exists(old.pop3d + "/uidls")


def test_lists_with_carriage_returns(old):
    one, two = old.deliver(2)
    old.list("dovecot-uidlist", "3 V%d N1000 G0\r\n1 :%s\r\n" % (VALIDITY, one))
    assert old.take() == [summary(1)]
    old.list("courierpop3dsizelist", "/3 9 7\r\n%s 9 2:7\r\n" % two)
    assert old.take("-f", "courier") == [summary(
        1, what="courierpop3dsizelist")]


@pytest.mark.skipif(not ROOT, reason="somebody else's file is wanted")
def test_a_list_that_its_owner_cannot_read(old):
    old.dovecot("1 :" + old.deliver(1)[0])
    os.chown(old.maildir.path + "/dovecot-uidlist", 0, 0)
    os.chmod(old.maildir.path + "/dovecot-uidlist", 0o600)
    assert ": dovecot-uidlist: Permission denied; " in old.take(status=1)[0]


def test_files_that_nobody_has_time_to_read(old):
    """A hole of a terabyte, which a mailbox's owner makes in no time."""
    name = old.deliver(1)[0]
    for file in ("dovecot-uidlist", "courierpop3dsizelist"):
        old.list(file, "")
        os.truncate(os.path.join(old.maildir.path, file), 1 << 40)
        said = old.take(status=1)
        assert len(said) == 1 and file + ": File too large" in said[0], said
        os.unlink(os.path.join(old.maildir.path, file))
    old.dovecot("1 :" + name)
    old.write("uidls 1\n")
    os.truncate(old.pop3d + "/uidls", 1 << 40)
    assert "File too large" in old.take(status=1)[0]
    os.unlink(old.pop3d + "/uidls")
    assert old.take() == [summary(1)]


def test_a_newer_file_is_left_as_it_is(old):
    old.dovecot("1 :" + old.deliver(1)[0])
    old.write("uidls 2\nwhat may come\n")
    assert "uidls was written by a newer version" in old.take(status=1)[0]
    assert old.uidls_file() == "uidls 2\nwhat may come\n"


def test_all_accounts(make_server):
    """Those without a list are no reason to stop."""
    server = make_server()
    first, second, third = (Old(server.add_account()) for _ in range(3))
    name = first.deliver(1)[0]
    first.dovecot("1 :" + name)
    other = third.deliver(1)[0]
    third.courier("%s 65 1:2:0" % other)
    done = server.ctl("import-uidls", "-a")
    for mailbox, text in ((first, "1 unique-ids of dovecot-uidlist taken"),
                          (second, "no dovecot-uidlist and no courier"),
                          (third, "1 unique-ids of courierpop3dsizelist")):
        assert "%s: %s" % (mailbox.account.address, text) in done.stdout
    assert first.uidls() == [default(1)]
    assert third.uidls() == ["UID1-2"]


@pytest.mark.skipif(not ROOT, reason="only root may trace the owner's process")
@pytest.mark.parametrize("everything", [
    False, pytest.param(True, marks=pytest.mark.long)], ids=["fast", "all"])
@pytest.mark.parametrize("list", [
    "dovecot", pytest.param("courier", marks=pytest.mark.long)])
def test_interrupted(old, list, everything, capsys):
    """At whichever system call: all of them or, as it was before, none."""
    names = old.deliver(30)
    if list == "dovecot":
        form = default
        old.dovecot(*("%d :%s" % line for line in enumerate(names, 1)))
    else:
        form = ("UID%%d-%d" % VALIDITY).__mod__
        old.courier(*("%s:2, 65 %d:%d:0" % (name, n, VALIDITY)
                      for n, name in enumerate(names, 1)))
    old.give({names[0]: form(1)})
    before = [form(1)] + names[1:]
    after = [form(n) for n in range(1, 31)]

    def check():
        assert old.uidls() in (before, after)
        old.check()

    crash_everywhere(Saved(old.maildir),
                     lambda kill_at: ctl(old, kill_at, "import-uidls",
                                         old.account.address),
                     check, everything, capsys)
    assert old.take()[-1].startswith("29 ") or old.uidls() == after
