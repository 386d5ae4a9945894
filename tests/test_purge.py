"""pop3ctl purge, and the setting keep: what is retained does not stay for
ever, unless it is to."""

import json
import os
import subprocess

import pytest

from daemon import POP3CTL, ROOT, preloaded
from mailbox import Mailbox

COUNT = 6


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    return preloaded(str(tmp_path_factory.mktemp("clock")), "shift_clock")


@pytest.fixture
def mailbox(account):
    """Three of six messages are retained."""
    mailbox = Mailbox(account, COUNT)
    mailbox.set("auto-delete=no")
    mailbox.delete(1, 2, 3)
    return mailbox


def after(mailbox, clock, days, *arguments):
    """pop3ctl purge so many days from now; what it says."""
    done = subprocess.run(
        [POP3CTL, "-f", mailbox.server.conf, "purge", *arguments],
        text=True, capture_output=True, timeout=120,
        env={**os.environ, "LD_PRELOAD": clock, "DAYS": str(days)})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def states(mailbox):
    done = mailbox.server.ctl("queue", "-aj", mailbox.account.address)
    return sorted(entry["state"] for entry in json.loads(done.stdout))


def purged(mailbox, n, octets=None):
    pattern = "%s: %d purged" % (mailbox.account.address, n)
    return lambda text: text.startswith(pattern) and (
        octets is None or ", %d octets" % octets in text)


def test_keep_says_for_how_long(mailbox, clock):
    address = mailbox.account.address
    mailbox.set("keep=30")
    assert purged(mailbox, 0)(after(mailbox, clock, 29, address))
    assert len(mailbox.present()) == COUNT
    size = sum(len(mailbox.data[name].replace(b"\n", b"\r\n"))
               for name in list(mailbox.data)[:3])
    assert purged(mailbox, 3, size)(after(mailbox, clock, 31, address))
    assert mailbox.present() == sorted(list(mailbox.data)[3:])
    assert states(mailbox) == ["queued"] * 3
    assert len(mailbox.visit()) == 3


def test_it_counts_from_the_deletion(mailbox, clock):
    """Not from the delivery, and for each message from its own."""
    mailbox.set("keep=10")
    for name in mailbox.present():
        then = os.stat(mailbox.path(name)).st_mtime - 100 * 86400
        os.utime(mailbox.path(name), (then, then))
    assert purged(mailbox, 0)(after(mailbox, clock, 9,
                                    mailbox.account.address))
    assert len(mailbox.present()) == COUNT


def test_forever_is_the_default(mailbox, clock):
    address = mailbox.account.address
    assert after(mailbox, clock, 36000, address) == \
        address + ": 0 purged, keep=forever\n"
    assert address not in after(mailbox, clock, 36000, "-a")
    assert len(mailbox.present()) == COUNT


def test_days_of_the_command(mailbox, clock):
    """They count whatever keep says; 0 is all of it."""
    address = mailbox.account.address
    mailbox.set("keep=5")
    assert purged(mailbox, 0)(after(mailbox, clock, 6, "-o", "7", address))
    assert len(mailbox.present()) == COUNT
    mailbox.set("keep=forever")
    assert purged(mailbox, 3)(mailbox.server.ctl(
        "purge", address, "-o", "0").stdout)
    assert len(mailbox.present()) == 3


@pytest.mark.parametrize("days", ["", "x", "-1", "1.5", "36501",
                                  "99999999999999999999"])
def test_bad_days(mailbox, days):
    done = mailbox.server.ctl("purge", "-o", days, mailbox.account.address,
                              check=False)
    assert done.returncode == 1
    assert "from 0 to 36500" in done.stderr and done.stderr.count("\n") == 1
    for setting in ("keep=" + days, "keep=0"):
        done = mailbox.server.ctl("set", mailbox.account.address, setting,
                                  check=False)
        assert done.returncode == 1
        assert "it can be DAYS or forever" in done.stderr
    assert len(mailbox.present()) == COUNT


def test_keep_is_exported_and_imported(mailbox):
    mailbox.set("keep=7")
    text = mailbox.server.ctl("export").stdout
    mailbox.set("keep=forever")
    mailbox.server.ctl("import", "-", stdin=text)
    assert "\nkeep=7\n" in mailbox.server.ctl(
        "show", mailbox.account.address).stdout


def test_what_is_older_than_from_now_stays(account):
    """Nobody has deleted it."""
    mailbox = Mailbox(account, COUNT)
    for name in mailbox.present():
        then = os.stat(mailbox.path(name)).st_mtime - 3600
        os.utime(mailbox.path(name), (then, then))
    mailbox.set("access=from-now", "auto-delete=no")
    mailbox.deliver(1)
    mailbox.delete(1)
    assert states(mailbox) == ["earlier"] * COUNT + ["retained"]
    mailbox.ctl("purge", "-o", "0")
    assert states(mailbox) == ["earlier"] * COUNT
    mailbox.set("access=all")
    assert len(mailbox.visit()) == COUNT


def test_what_was_queued_again_stays(mailbox):
    name = list(mailbox.data)[1]
    mailbox.ctl("requeue", name)
    mailbox.ctl("purge", "-o", "0")
    assert sorted(mailbox.visit()) == sorted([name] +
                                             list(mailbox.data)[3:])


def test_both_folders(mailbox):
    mailbox.set("spam=only")
    for _ in range(2):
        mailbox.maildir.deliver(b"Subject: spam\n\n", folder=".Junk")
    with mailbox.login() as pop:
        pop.ok("DELE 1")
        pop.quit()
    mailbox.set("spam=exclude")
    assert purged(mailbox, 4)(mailbox.ctl("purge", "-o", "0").stdout)
    assert len(mailbox.maildir.contents(".Junk")) == 1
    assert len(mailbox.present()) == 3


def test_renamed_and_removed_by_others(mailbox):
    names = list(mailbox.data)
    path = mailbox.path(names[0])
    os.rename(path, path.split(":2,")[0] + ":2,FS")
    os.unlink(mailbox.path(names[1]))
    mailbox.ctl("purge", "-o", "0")
    assert mailbox.present() == sorted(names[3:])
    assert states(mailbox) == ["queued"] * 3


def test_the_quota_goes_down(mailbox):
    path = mailbox.maildir.path + "/maildirsize"
    with open(path, "w") as f:
        f.write("1000000S\n")
    os.chown(path, mailbox.maildir.uid, mailbox.maildir.gid)
    size = sum(map(len, mailbox.maildir.contents().values()))
    mailbox.ctl("purge", "-o", "0")
    left = sum(map(len, mailbox.maildir.contents().values()))
    with open(path) as f:
        octets, messages = map(int, f.read().splitlines()[-1].split())
    assert (octets, messages) == (left - size, -3)


def test_all_accounts(make_server, clock):
    """Those that keep all for ever are not even opened."""
    server = make_server()
    boxes = [Mailbox(server.add_account(), 2) for _ in range(3)]
    for mailbox in boxes:
        mailbox.set("auto-delete=no")
        mailbox.delete(1)
    boxes[0].set("keep=1")
    boxes[2].set("keep=3")
    os.rename(boxes[1].maildir.path, boxes[1].maildir.path + ".away")
    text = after(boxes[0], clock, 2, "-a")
    assert purged(boxes[0], 1)(text) and text.count("\n") == 1
    text = after(boxes[0], clock, 4, "-a")
    assert purged(boxes[2], 1)(text) and text.count("\n") == 1
    assert after(boxes[0], clock, 4, "-a") == ""
    os.rename(boxes[1].maildir.path + ".away", boxes[1].maildir.path)
    assert len(boxes[1].present()) == 2


@pytest.mark.parametrize("command", [["purge", "-o", "0"], ["index"]])
def test_in_use(make_server, command):
    """From cron that is no failure, and not worth a message: another time
    will do.  Whoever asks for that mailbox is told."""
    server = make_server()
    busy, free = (Mailbox(server.add_account(), 2) for _ in range(2))
    for mailbox in (busy, free):
        mailbox.set("auto-delete=no")
        mailbox.delete(1)
    with busy.login() as pop:
        done = server.ctl(*command, "-a")
        assert done.stderr == ""
        assert done.stdout.startswith(free.account.address + ": 1 ")
        assert done.stdout.count("\n") == 1
        done = server.ctl(*command, busy.account.address, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert "a session has the mailbox" in done.stderr
        pop.quit()
    assert len(busy.present()) == 2
    assert len(free.present()) == (1 if command[0] == "purge" else 2)


needs_root = pytest.mark.skipif(
    not ROOT, reason="only root may trace the owner's process")


def interrupted(mailbox, *options):
    """pop3ctl purge, whose process in the mailbox strace interferes with."""
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", *options, POP3CTL, "-f",
         mailbox.server.conf, "purge", "-o", "0", mailbox.account.address],
        text=True, capture_output=True, timeout=120)
    assert done.returncode != 0
    return done.stderr


@needs_root
@pytest.mark.parametrize("when", [1, 2, 3])
@pytest.mark.parametrize("setting", ["auto-delete=no", "auto-delete=yes"])
def test_killed_while_it_unlinks(mailbox, when, setting):
    """The next one to come finishes, whatever auto-delete says."""
    interrupted(mailbox, "-P", mailbox.cur, "-e", "trace=unlinkat", "-e",
                "inject=unlinkat:signal=KILL:when=%d" % when)
    assert len(mailbox.present()) > 3
    mailbox.set(setting)
    assert len(mailbox.visit()) == 3
    assert mailbox.present() == sorted(list(mailbox.data)[3:])
    assert states(mailbox) == ["queued"] * 3


@needs_root
@pytest.mark.parametrize("when", [1, 2, 3, 5, 8])
def test_killed_while_it_writes(mailbox, when):
    """All of them go then, or none does."""
    interrupted(mailbox, "-e", "trace=pwrite64,fdatasync,fsync", "-e",
                "inject=pwrite64,fdatasync,fsync:signal=KILL:when=%d" % when)
    left = states(mailbox)
    if left == ["queued"] * 3:
        assert mailbox.present() == sorted(list(mailbox.data)[3:])
    else:
        assert left == ["queued"] * 3 + ["retained"] * 3
        assert len(mailbox.present()) == COUNT
    assert len(mailbox.visit()) == 3


def test_where_the_index_cannot_be_written(mailbox):
    """It fails, and says why; nothing goes."""
    if not ROOT:
        pytest.skip("only root may mount")
    from mailbox import read_only
    with read_only(mailbox.account):
        done = mailbox.ctl("purge", "-o", "0", check=False)
        assert done.returncode == 1
        assert "read-only" in done.stderr.lower()
    assert len(mailbox.present()) == COUNT
