"""A Maildir, as delivery agents and other mail programs treat it."""

import itertools
import os

_count = itertools.count(1)


def message(subject="hello", body="Hello.\n"):
    """An everyday message, as Unix keeps it: lines end in LF."""
    return ("From: me@example.com\nTo: you@example.com\n"
            "Subject: %s\n\n%s" % (subject, body)).encode()


def unique():
    """A file name as delivery agents make them, each later than the last."""
    n = next(_count)
    return "%d.M%dP%d.host" % (1700000000 + n, n, os.getpid())


class Maildir:
    def __init__(self, path, uid, gid):
        self.path = str(path)
        self.uid = uid
        self.gid = gid
        self.make()

    def _own(self, path):
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def _mkdir(self, path):
        """mkdir -p, the owner's."""
        if not os.path.isdir(path):
            self._mkdir(os.path.dirname(path))
            os.mkdir(path, 0o700)
            self._own(path)

    def folder(self, folder=None):
        return os.path.join(self.path, folder) if folder else self.path

    def make(self, folder=None):
        for sub in ("tmp", "new", "cur"):
            self._mkdir(os.path.join(self.folder(folder), sub))

    def _write(self, path, data):
        with open(path, "wb") as f:
            f.write(data)
        self._own(path)

    def deliver(self, data, name=None, folder=None):
        """Delivers through tmp/ into new/; returns the file's name."""
        name = name or unique()
        tmp = os.path.join(self.folder(folder), "tmp", name)
        if folder:
            self.make(folder)
        self._write(tmp, data)
        os.rename(tmp, os.path.join(self.folder(folder), "new", name))
        return name

    def put(self, data, name=None, suffix=":2,S", folder=None):
        """Puts a message that was read before straight into cur/."""
        name = (name or unique()) + suffix
        tmp = os.path.join(self.folder(folder), "tmp", name)
        if folder:
            self.make(folder)
        self._write(tmp, data)
        os.rename(tmp, os.path.join(self.folder(folder), "cur", name))
        return name

    def files(self, folder=None):
        """All files of new/ and cur/, as "cur/NAME", sorted."""
        found = []
        for sub in ("new", "cur"):
            directory = os.path.join(self.folder(folder), sub)
            found += [sub + "/" + name for name in os.listdir(directory)]
        return sorted(found)

    def find(self, base, folder=None):
        """The path of the message whose base name this is; None: gone."""
        base = base.split(":")[0]
        for name in self.files(folder):
            if os.path.basename(name).split(":")[0] == base:
                return os.path.join(self.folder(folder), name)
        return None

    def contents(self, folder=None):
        """{base name: octets} of all messages."""
        found = {}
        for name in self.files(folder):
            with open(os.path.join(self.folder(folder), name), "rb") as f:
                found[os.path.basename(name).split(":")[0]] = f.read()
        return found

    def snapshot(self, folder=None):
        """Base names with contents: what no session without QUIT changes."""
        return sorted(self.contents(folder).items())
