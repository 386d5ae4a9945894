"""The seal of a mailbox (store/seal.h), and the totals that are in it.

A module of its own, because the tests know here, and nowhere else, what
totals_encode() of store/entry.c writes.
"""

import hashlib
import os
import struct

# The words of a seal; TOTALS is followed by the checksum alone.
VERSION, BOOT, INODE, SIZE, CHANGED, TOTALS = 1, 2, 3, 4, 5, 6

# Of the totals, all numbers of 64 bits: what is before the folders ...
_HEAD = ("version", "identity", "identity_end", "generation",
         "next_sequence", "expunging", "expunged", "forwarded", "uidls_inode",
         "uidls_size", "uidls_changed")
# ... and what there is for the inbox and, behind it, for the junk folder.
_FOLDER = ("count", "octets", "names", "in_new", "left_out", "young",
           "time_new", "time_cur", "read", "from_now")
TOTALS_OCTETS = 320


def path(maildir):
    return maildir.path + "/pop3d/lock"


def read(maildir):
    """The text of the seal; b"" where there is none."""
    with open(path(maildir), "rb") as f:
        return f.read()


def write(maildir, text):
    with open(path(maildir), "wb") as f:
        f.write(text)


def _at(name, folder):
    """Where in the totals a number is."""
    if name in _HEAD:
        return 8 * _HEAD.index(name)
    return 8 * (len(_HEAD) + folder * len(_FOLDER) + _FOLDER.index(name))


def number(text, name, folder=0):
    """A number of the totals of a seal; folder 1 is the junk folder."""
    totals = bytes.fromhex(text.split()[TOTALS].decode())
    assert len(totals) == TOTALS_OCTETS
    return struct.unpack_from(">Q", totals, _at(name, folder))[0]


def with_number(text, name, value, folder=0):
    """The words of a seal whose totals have another number."""
    words = text.split()[:-1]
    totals = bytearray.fromhex(words[TOTALS].decode())
    struct.pack_into(">Q", totals, _at(name, folder), value)
    words[TOTALS] = totals.hex().encode()
    return words


def compose(words):
    """A whole seal: the words, and the checksum that makes them one."""
    text = b" ".join(words) + b" "
    return text + hashlib.sha256(text).hexdigest().encode() + b"\n"


def is_settled(maildir, folder=0):
    """Will the next login read no directory, if nobody changes one?

    Nor a message that was written so lately that it might still grow.
    """
    text = read(maildir)
    return text.startswith(b"seal 2 ") and \
        number(text, "time_new", folder) != 0 and \
        number(text, "time_cur", folder) != 0 and \
        number(text, "young", folder) == 0


def overlook(maildir):
    """Makes the seal take the directories for unchanged, whatever happened.

    Nobody can do that to themselves: a time of change cannot be put back.
    """
    for sub in ("new", "cur"):
        status = os.stat(maildir.path + "/" + sub)
        times = status.st_mtime_ns ^ status.st_ctime_ns << 1
        write(maildir, compose(
            with_number(read(maildir), "time_" + sub, times)))


def vouch(maildir):
    """Makes the seal fit the index.db that is there."""
    words = read(maildir).split()[:-1]
    status = os.stat(maildir.path + "/pop3d/index.db")
    words[INODE] = b"%d" % status.st_ino
    words[SIZE] = b"%d" % status.st_size
    words[CHANGED] = b"%d.%09d" % divmod(status.st_ctime_ns, 10**9)
    write(maildir, compose(words))
