"""Debian packages that exclude those which are installed here.

They are installed into an overlay of this system, or of another one in a
directory, which stays as it is: in namespaces of its own, but for the network.
All processes in there end with it.
"""

import os
import shutil
import subprocess

import pytest

from daemon import temporary_directory, wait_until
import processes

# What the tests make below /tmp is seen inside; $1 keeps what is changed.
ENTER = """
mount -t overlay overlay -o \
    "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/all"
mount -t proc proc "$1/all/proc"
mount --rbind /dev "$1/all/dev"
mount --bind /tmp "$1/all/tmp"
exec chroot "$1/all" sh -c 'echo ready; read -r end'
"""

NO_DAEMONS = "#!/bin/sh\nexit 101\n"


class Overlay:
    def __init__(self, *packages, lower="/"):
        self.directory = temporary_directory()
        try:
            self._enter(lower)
            if packages:
                self._install(packages)
        except BaseException:
            self.remove()
            raise

    def _enter(self, lower):
        for name in ("upper", "work", "all"):
            os.mkdir(os.path.join(self.directory, name), 0o755)
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child",
             "sh", "-ec", ENTER, "sh", self.directory, lower], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        if self.process.stdout.readline() != "ready\n":
            pytest.skip("no overlay can be mounted here: " +
                        self.process.stderr.read())
        self.pid, = processes.children(self.process.pid)

    def _install(self, packages):
        self.write("/usr/sbin/policy-rc.d", NO_DAEMONS, 0o755)
        done = subprocess.run(
            self.command("env", "DEBIAN_FRONTEND=noninteractive", "apt-get",
                         "-qq", "-y", "--no-install-recommends", "install",
                         *packages), text=True, capture_output=True)
        if done.returncode != 0:
            pytest.skip("Debian does not give us %s: %s" % (
                " ".join(packages), done.stderr[-1000:]))

    def command(self, *command):
        """Such that Popen() runs it inside."""
        return ["nsenter", "--target", str(self.pid), "--mount", "--pid",
                "--root", "--wd", *command]

    def run(self, *command, **keywords):
        """Of a command that must succeed, what it printed."""
        done = subprocess.run(self.command(*command), text=True,
                              capture_output=True, **keywords)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def path(self, path):
        """Where a file of the inside is found outside; only to be read."""
        return "/proc/%d/root%s" % (self.pid, path)

    def write(self, path, text, mode=0o644):
        with open(self.path(path), "w") as f:
            f.write(text)
        os.chmod(self.path(path), mode)

    def serve(self, port, *command):
        """Starts a daemon that stays in the foreground."""
        process = subprocess.Popen(
            self.command(*command), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: processes.listening(port),
                   command[0] + " does not listen")
        return process

    def remove(self):
        if hasattr(self, "pid"):
            self.process.kill()
        self.process.wait()
        # Its mounts went with it; nothing else is below.
        assert not os.path.ismount(self.directory + "/all")
        shutil.rmtree(self.directory)
