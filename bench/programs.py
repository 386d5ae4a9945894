"""What is measured with, and a build of pop3d that is linked statically."""

import os
import subprocess

from mailboxes import DIRECTORY

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILT = TOP + "/build/bench"
CERTIFICATE = (DIRECTORY + "/cert.pem", DIRECTORY + "/key.pem")
STATIC = DIRECTORY + "/static"  # a copy of this tree


def compile_c(name, source, *libraries):
    subprocess.run(
        [os.environ.get("CC", "cc"), "-O2", "-std=c99", "-D_GNU_SOURCE",
         "-o", BUILT + "/" + name, TOP + "/bench/" + source, *libraries],
        check=True)


def build():
    os.makedirs(BUILT, exist_ok=True)
    os.makedirs(DIRECTORY, exist_ok=True)
    compile_c("inetd", "inetd.c")
    compile_c("client", "client.c", "-ltls")
    compile_c("limit", "limit.c", "-ltls")
    compile_c("crowd", "crowd.c", "-lssl", "-lcrypto", "-lpthread", "-lm")
    if not os.path.exists(CERTIFICATE[0]):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650",
             "-subj", "/CN=localhost", "-keyout", CERTIFICATE[1], "-out",
             CERTIFICATE[0]], check=True, stderr=subprocess.DEVNULL)


def build_static():
    """The linker warns of each call that may want a shared library."""
    libraries = subprocess.run(
        ["pkg-config", "--static", "--libs", "libtls"], text=True, check=True,
        capture_output=True).stdout.split()
    compile_c("limit-static", "limit.c", "-static-pie", "-fPIE", *libraries,
              "-Wl,--no-warnings")
    subprocess.run(
        "mkdir -p %s && tar c --exclude=./build --exclude=./.git . | "
        "tar xC %s --keep-newer-files --warning=no-ignore-newer && "
        "make -s -j2 -C %s STATIC=1 LDFLAGS=-Wl,--no-warnings pop3d pop3ctl"
        % (STATIC, STATIC, STATIC), shell=True, check=True, cwd=TOP,
        stdout=subprocess.DEVNULL)
