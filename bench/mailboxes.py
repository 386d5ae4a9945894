"""Mailboxes to measure with: made once, and kept in $BENCH_DIR."""

import os
import pwd
import shutil
import subprocess

OWNER = "mail"  # a user of every Debian, and not root
DIRECTORY = os.environ.get("BENCH_DIR", "/tmp/pop3d-bench")


def own(path):
    owner = pwd.getpwnam(OWNER)
    os.chown(path, owner.pw_uid, owner.pw_gid)


def message(octets, n):
    head = "From: bench@example.com\nSubject: message %d\n\n" % n
    body = "x" * 76 + "\n"
    return (head + body * ((octets - len(head)) // 78)).encode()


def deliver(maildir, n, octets, sub="cur"):
    """Into cur/: a mailbox grows old one message at a time, and new/ of an
    old mailbox has never been large."""
    name = "%d.M%dP1.bench%s" % (1700000000 + n, n,
                                 ":2,S" if sub == "cur" else "")
    path = "%s/%s/%s" % (maildir, sub, name)
    with open(path, "wb") as f:
        f.write(message(octets, n))
    own(path)


def make_maildir(maildir, count, octets):
    for sub in ("", "/new", "/cur", "/tmp"):
        os.makedirs(maildir + sub, exist_ok=True)
        own(maildir + sub)
    for n in range(count):
        deliver(maildir, n, octets)


def mailbox(name, count, octets):
    """A Maildir of so many messages, made the first time."""
    maildir = "%s/%s" % (DIRECTORY, name)
    if not os.path.exists(maildir + "/made"):
        shutil.rmtree(maildir, ignore_errors=True)
        make_maildir(maildir, count, octets)
        with open(maildir + "/made", "w"):
            pass
    return maildir


def files_of(maildir):
    return sorted(os.listdir(maildir + "/cur"))


def make_mbox(maildir, path):
    with open(path, "wb") as mbox:
        for name in files_of(maildir):
            mbox.write(b"From b Thu Jan  1 00:00:00 1970\n")
            with open(maildir + "/cur/" + name, "rb") as f:
                mbox.write(f.read() + b"\n")
    own(path)


def make_numbered(maildir, directory):
    """As Cyrus has them: CRLF, and numbers for names."""
    for n, name in enumerate(files_of(maildir), 1):
        with open(maildir + "/cur/" + name, "rb") as f:
            text = f.read().replace(b"\n", b"\r\n")
        with open("%s/%d." % (directory, n), "wb") as f:
            f.write(text)


def copy_maildir(source, target):
    """A copy with all of the source's messages and no index; one that is
    there already gets back what it lacks."""
    os.makedirs(target, exist_ok=True)
    for name in os.listdir(target):
        if name not in ("cur", "new", "tmp"):
            subprocess.run(["rm", "-rf", target + "/" + name], check=True)
    for sub in ("cur", "new", "tmp"):
        subprocess.run(["cp", "-an", source + "/" + sub, target], check=True)
    shutil.copystat(source, target)
    owner = os.stat(source)
    os.chown(target, owner.st_uid, owner.st_gid)
