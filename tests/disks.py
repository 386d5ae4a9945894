"""File systems in files, on loop devices: to be filled, and copied."""

import contextlib
import os
import shutil
import subprocess

MKFS = {"ext4": ["mkfs.ext4", "-q", "-m", "0", "-F"],
        "xfs": ["mkfs.xfs", "-q", "-f"],
        "btrfs": ["mkfs.btrfs", "-q", "-f"]}
OCTETS = {"ext4": 24 << 20, "xfs": 320 << 20, "btrfs": 128 << 20}


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, " ".join(command) + ": " + done.stderr
    return done.stdout


def why_not(kind):
    """Why there can be no file system of this kind here; None: it can."""
    if os.geteuid() != 0:
        return "only root can mount"
    if not os.path.exists("/dev/loop-control"):
        return "this machine has no loop devices"
    if shutil.which(MKFS[kind][0]) is None:
        return MKFS[kind][0] + " is not installed"
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "-q", kind], stderr=subprocess.DEVNULL)
    with open("/proc/filesystems") as f:
        if kind not in f.read().split():
            return "the kernel has no " + kind
    return None


class Disk:
    """Mounted at path; the file behind it is image."""

    def __init__(self, directory, kind, image=None, octets=None):
        self.kind = kind
        self.image = image
        self.mounted = False
        if image is None:
            self.image = os.path.join(directory, "image")
            with open(self.image, "wb") as f:
                f.truncate(octets or OCTETS[kind])
            run(*MKFS[kind], self.image)
        self.path = self.image + ".mount"
        os.mkdir(self.path)
        self.mount()

    def mount(self):
        # Two copies of one file system are mounted at once.
        options = "loop,nouuid" if self.kind == "xfs" else "loop"
        run("mount", "-t", self.kind, "-o", options, self.image, self.path)
        self.mounted = True

    def unmount(self):
        if self.mounted:
            run("umount", self.path)
            self.mounted = False

    def sync(self):
        run("sync", "-f", self.path)

    def cut_power(self, image):
        """What a cut of the power now would leave: a copy of the file.

        What was written to the disk is in the loop device's file, whatever
        is in the cache of the file system is not.  The time of the file's
        last change is returned; the kernel may write of its own accord, and
        then the copy is made once more.
        """
        while True:
            before = os.stat(self.image).st_mtime_ns
            run("cp", "--sparse=auto", "--reflink=auto", self.image, image)
            if os.stat(self.image).st_mtime_ns == before:
                return before

    def fill(self, leave=0):
        """Until not an octet more fits in, even for root."""
        path = os.path.join(self.path, "filler")
        with open(path, "ab", buffering=0) as f:
            for size in (1 << 20, 65536, 4096, 1):
                with contextlib.suppress(OSError):
                    while f.write(b"x" * size) == size:
                        pass
            with contextlib.suppress(OSError):
                os.fsync(f.fileno())
            if leave:
                f.truncate(os.path.getsize(path) - leave)
        return path

    def remove(self):
        self.unmount()
        os.rmdir(self.path)
        os.unlink(self.image)
