"""A Maildir that is not there: a login finds one, or makes none.

Where /var/vmail is not mounted, an empty mailbox would be a lie, and mail
clients would believe it.
"""

import os
import re
import shutil
import stat
import subprocess

import pytest

from daemon import ROOT
from inject import application_password
from maildir import Maildir, message

pytestmark = pytest.mark.skipif(not ROOT, reason="only root changes owners")


def everything(directory):
    return sorted(os.path.join(path, name)
                  for path, directories, files in os.walk(directory)
                  for name in directories + files)


@pytest.fixture(params=["Maildir", "its parent", "all"])
def away(request, account):
    """An account whose Maildir, or more, is gone: what is left."""
    application_password(account)
    account.maildir.deliver(message())
    account.login().quit()
    path = account.maildir.path
    if request.param == "Maildir":
        shutil.rmtree(path)
    elif request.param == "its parent":
        shutil.rmtree(os.path.dirname(path))
    else:
        os.rename(account.server.mail, account.server.mail + ".away")
        os.mkdir(account.server.mail)
        os.chown(account.server.mail, account.maildir.uid,
                 account.maildir.gid)
    account.there = everything(account.server.mail)
    yield account
    if request.param == "all":
        shutil.rmtree(account.server.mail)
        os.rename(account.server.mail + ".away", account.server.mail)


def test_a_login_makes_nothing(away):
    """The client hears of trouble, the administrator of the mend."""
    for _ in range(2):
        pop = away.server.connect()
        pop.ok("USER " + away.address)
        pop.err("PASS " + away.password, "SYS/TEMP")
        pop.close()
        away.server.wait_empty()
        assert everything(away.server.mail) == away.there
    line = away.server.wait_log(
        "^(?!login|end|maildrop refused).*%s.*"
        % re.escape(away.maildir.path)).group(0)
    assert re.search("mount|pop3ctl|make", line), line


@pytest.mark.parametrize("command", ["index", "check", "queue", "requeue"])
def test_pop3ctl_makes_nothing(away, command):
    more = ["-a"] if command == "requeue" else []
    done = away.server.ctl(command, away.address, *more, check=False)
    assert done.returncode == 1 and done.stderr
    assert everything(away.server.mail) == away.there


def test_it_is_there_again(away):
    """Mounted in the end, all is as it was."""
    pop = away.server.connect()
    pop.ok("USER " + away.address)
    pop.err("PASS " + away.password, "SYS/TEMP")
    Maildir(away.maildir.path, away.maildir.uid, away.maildir.gid)
    away.maildir.deliver(message())
    with away.login() as pop:
        assert pop.stat()[0] == 1
        pop.quit()


def is_owners(path, user):
    status = os.stat(path)
    return (stat.S_ISDIR(status.st_mode) and
            stat.S_IMODE(status.st_mode) == 0o700 and
            (status.st_uid, status.st_gid) == (user.pw_uid, user.pw_gid))


def made(path, user):
    return all(is_owners(os.path.join(path, sub), user)
               for sub in ("", "tmp", "new", "cur"))


@pytest.mark.parametrize("how", ["add", "import"])
def test_the_administrator_makes_it(server, how):
    """With what leads to it, as the owner, for the owner alone."""
    address = how + "@unmounted.example"
    path = os.path.join(server.mail, "unmounted.example", how, "Maildir")
    if how == "add":
        server.ctl("add", address, stdin="secret\n")
    else:
        server.ctl("add", "model@unmounted.example", stdin="secret\n")
        line, = [line for line in server.ctl("export").stdout.splitlines()
                 if line.startswith("model@unmounted.example ")]
        server.ctl("import", "-", stdin=line.replace("model", how) + "\n")
    assert made(path, server.owner)
    assert is_owners(os.path.dirname(path), server.owner)
    pop = server.connect().login(address)
    assert pop.stat() == (0, 0)
    pop.quit()


def test_add_makes_a_maildir_that_is_gone(away):
    """And changes nothing else; no password is asked for."""
    server = away.server
    server.ctl("set", away.address, "spam=include")
    before = server.ctl("export").stdout
    done = server.ctl("add", away.address)
    assert done.stderr == "" and re.fullmatch(
        "%s: there is this account already, .* its Maildir %s was missing, "
        "and is made\n" % (away.address, away.maildir.path), done.stdout)
    assert made(away.maildir.path, server.owner)
    assert server.ctl("export").stdout == before
    with away.login() as pop:
        assert pop.stat() == (0, 0)
        pop.quit()
    done = server.ctl("add", away.address, check=False)
    assert done.returncode == 1 and "already" in done.stderr


@pytest.mark.parametrize("options", [
    ["-P"], ["-o", "mail"], ["-m", "/var/empty/x"]], ids=" ".join)
def test_add_with_options_refuses(away, options):
    """They would not be done to an account that is there."""
    done = away.server.ctl("add", away.address, *options, check=False)
    assert done.returncode == 1 and "already" in done.stderr
    assert everything(away.server.mail) == away.there


def test_add_makes_a_part_that_is_gone(server, account):
    account.maildir.deliver(message())
    shutil.rmtree(account.maildir.path + "/cur")
    server.ctl("add", account.address)
    assert made(account.maildir.path, server.owner)
    with account.login() as pop:
        assert pop.stat()[0] == 1
        pop.quit()


def test_what_is_there_is_left_as_it_is(server):
    """add finds a Maildir with mail in it, of another mode."""
    path = os.path.join(server.mail, "there.example", "u", "Maildir")
    maildir = Maildir(path, server.owner.pw_uid, server.owner.pw_gid)
    os.chmod(path, 0o750)
    maildir.deliver(message())
    before = maildir.files()
    server.ctl("add", "u@there.example", stdin="secret\n")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o750
    assert maildir.files() == before


def test_units_wait_for_the_mount():
    """systemd starts nothing before the mail is there."""
    here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    found = subprocess.run(["grep", "-rl", "RequiresMountsFor=", here + "/etc"],
                           capture_output=True, text=True).stdout.split()
    assert [path for path in found if path.endswith(".service")]
