"""pop3settings, and a client of it, as pop3web is one: the structures of
common/self_service.h."""

import ctypes
import os
import re
import socket
import subprocess
import time
from ctypes import c_char, c_int64, c_uint32, c_uint64

import pytest

from beside import Beside
from daemon import Server as Pop3d
from daemon import HERE

POP3SETTINGS = os.path.abspath(
    os.environ.get("POP3SETTINGS", HERE + "/../pop3settings"))

SECONDS = 60  # that an answer may take before a test is given up


def header():
    with open(HERE + "/../common/self_service.h") as f:
        return f.read()


def enum(first):
    """The names of an enum of the header, without SELF_, to their values."""
    text = re.sub(r"/\*.*?\*/", "", header(), flags=re.S)
    body = next(body for body in re.findall(r"enum \w+ \{(.*?)\}", text, re.S)
                if re.search(r"\b%s\b" % first, body))
    values, value = {}, 0
    for name, given in re.findall(r"(\w+)(?:\s*=\s*(\d+))?\s*(?:,|$)",
                                  body.strip()):
        value = int(given) if given else value
        values[name[5:]] = value
        value += 1
    return values


VERSION = 3  # of the structures below
WANT = enum("SELF_SIGN_IN")
RESULT = enum("SELF_GOOD")
RESULT_NAMES = {value: name for name, value in RESULT.items()}
SETTING = enum("SELF_SET_ACCESS")

ADDRESS, PASSWORD, LABEL, PEER = 255, 512, 64, 64


class Request(ctypes.Structure):
    _fields_ = [("version", c_uint32), ("want", c_uint32),
                ("peer", c_char * PEER), ("cookie", c_char * 512),
                ("address", c_char * ADDRESS), ("password", c_char * PASSWORD),
                ("new_password", c_char * PASSWORD), ("code", c_char * 32),
                ("token", c_char * 64), ("label", c_char * LABEL),
                ("uidl", c_char * 71), ("settings", c_uint32),
                ("services", c_uint32), ("read_only", c_uint32),
                ("from_", c_uint32), ("value", c_int64 * 6),
                ("expires", c_int64)]


class Account(ctypes.Structure):
    _fields_ = [("address", c_char * ADDRESS)] + [
        (name, c_uint32) for name in (
            "access", "spam", "auto_delete", "keep", "mark_read", "send",
            "has_password", "two_factor", "totp", "recovery_left", "apps",
            "prove")]


class Login(ctypes.Structure):
    _fields_ = [("time", c_int64), ("peer", c_char * PEER),
                ("label", c_char * LABEL), ("service", c_char * 8)]


class Overview(ctypes.Structure):
    _fields_ = [("unread", c_uint32), ("n", c_uint32), ("login", Login * 5)]


class App(ctypes.Structure):
    _fields_ = [("label", c_char * LABEL), ("created", c_int64),
                ("expires", c_int64), ("used", c_int64),
                ("peer", c_char * PEER), ("services", c_uint32),
                ("read_only", c_uint32), ("networks", c_uint32),
                ("network", (c_char * 50) * 4)]


class Apps(ctypes.Structure):
    _fields_ = [("unread", c_uint32), ("total", c_uint32),
                ("from_", c_uint32), ("n", c_uint32), ("app", App * 32)]


class Server(ctypes.Structure):
    _fields_ = [("host", c_char * 256), ("port", c_uint32),
                ("starttls", c_uint32)]


class Client(ctypes.Structure):
    _fields_ = [("user", c_char * ADDRESS), ("incoming", Server),
                ("noutgoing", c_uint32), ("outgoing", Server * 4)]


class Made(ctypes.Structure):
    _fields_ = [("password", c_char * 32), ("app", App), ("client", Client)]


class Message(ctypes.Structure):
    _fields_ = [("uidl", c_char * 71), ("state", c_uint32),
                ("junk", c_uint32), ("octets", c_uint64), ("since", c_int64),
                ("delivered", c_int64), ("from_", c_char * 256),
                ("subject", c_char * 256)]


class Kept(ctypes.Structure):
    _fields_ = [("total", c_uint32), ("from_", c_uint32), ("n", c_uint32),
                ("message", Message * 16)]


class Event(ctypes.Structure):
    _fields_ = [("time", c_int64), ("kind", c_uint32), ("id", c_char * 9),
                ("peer", c_char * PEER), ("label", c_char * LABEL),
                ("service", c_char * 8), ("uidl", c_char * 71),
                ("reason", c_char * 32), ("count", c_uint64),
                ("octets", c_uint64), ("deleted", c_uint64)]


class Activity(ctypes.Structure):
    _fields_ = [("unread", c_uint32), ("total", c_uint32),
                ("from_", c_uint32), ("n", c_uint32), ("event", Event * 32)]


class Secret(ctypes.Structure):
    _fields_ = [("secret", c_char * 40), ("issuer", c_char * 256)]


class Recovery(ctypes.Structure):
    _fields_ = [("n", c_uint32), ("code", (c_char * 16) * 10)]


class Page(ctypes.Union):
    _fields_ = [("overview", Overview), ("apps", Apps), ("made", Made),
                ("kept", Kept), ("activity", Activity), ("client", Client),
                ("secret", Secret), ("recovery", Recovery),
                ("count", c_uint64)]


class Answer(ctypes.Structure):
    _fields_ = [("version", c_uint32), ("want", c_uint32),
                ("result", c_uint32), ("seconds", c_uint32),
                ("cookie", c_char * 512), ("account", Account),
                ("page", Page)]

    @property
    def name(self):
        """The result, as the header calls it, without SELF_."""
        return RESULT_NAMES[self.result]


class Settings(Beside):
    def __init__(self, server, prefix=()):
        with open(server.conf, "a") as f:
            f.write("cookie-key %s/db/cookie.key\n"
                    "self-service https://mail.example.com/settings\n"
                    % server.directory)
        super().__init__(server, POP3SETTINGS, prefix,
                         options=["--seqpacket"])

    def raw(self, octets):
        """The answer to any octets, or b"" """
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(SECONDS)
            s.connect(self.path)
            if octets:
                s.send(octets)
            else:
                s.shutdown(socket.SHUT_WR)
            try:
                return s.recv(65536)
            except ConnectionResetError:
                return b""

    def ask(self, want, cookie=b"", peer="192.0.2.7", **members):
        request = Request(version=VERSION, want=WANT[want], cookie=cookie,
                          peer=peer.encode())
        for name, value in members.items():
            setattr(request, name,
                    value.encode() if isinstance(value, str) else value)
        octets = self.raw(bytes(request))
        assert len(octets) == ctypes.sizeof(Answer), (len(octets), self.log())
        answer = Answer.from_buffer_copy(octets)
        assert answer.version == VERSION and answer.want == WANT[want]
        return answer

    def sign_in(self, address, password="secret", result="GOOD"):
        """A User with the cookie that comes of it."""
        answer = self.ask("SIGN_IN", address=address, password=password)
        assert answer.name == result, answer.name
        return User(self, answer)


class User:
    """Somebody's browser, with its cookie."""

    def __init__(self, settings, answer):
        self.settings = settings
        self.answer = answer
        self.cookie = answer.cookie

    def ask(self, want, result="GOOD", **members):
        """The answer, which must be that; its cookie is kept."""
        members.setdefault("cookie", self.cookie)
        self.answer = self.settings.ask(want, **members)
        assert self.answer.name == result, (
            self.answer.name, self.settings.log())
        if self.answer.name not in ("TROUBLE", "OTHER_VERSION"):
            self.cookie = self.answer.cookie
        return self.answer

    def set(self, setting, value, result="GOOD"):
        return self.save(result, **{setting: value})

    def save(self, result="GOOD", **values):
        """Several settings at once."""
        numbers = {SETTING["SET_" + name]: value
                   for name, value in values.items()}
        return self.ask("SET", result, settings=sum(
            1 << number for number in numbers),
            value=(c_int64 * 6)(*(numbers.get(n, 0) for n in range(6))))

    def make(self, label, password="secret", result="GOOD", **members):
        """A new application password."""
        members.setdefault("services", 3)
        return self.ask("APP_MAKE", result, label=label, password=password,
                        **members)


def code_of(secret, now=None):
    """What an authenticator app shows, by oathtool."""
    moment = time.gmtime(time.time() if now is None else now)
    return subprocess.run(
        ["oathtool", "--totp", "-b", secret, "-N",
         time.strftime("%Y-%m-%d %H:%M:%S UTC", moment)],
        check=True, capture_output=True, text=True).stdout.strip()


# For tests: pop3settings beside a server of the file's own.

@pytest.fixture(scope="module")
def running(keypair):
    server = Pop3d(keypair)
    found = Settings(server)
    yield found
    found.stop()
    server.stop()


@pytest.fixture
def settings(running):
    """The log begins with the test."""
    running.mark_log()
    yield running
    running.server.close_clients()


@pytest.fixture
def account(settings):
    return settings.server.add_account()


def count(account, password=None):
    """How many messages a POP3 session has."""
    pop = account.server.connect().login(
        account.address, password or account.password)
    n = pop.stat()[0]
    pop.quit()
    return n


def refused(account, password):
    with account.server.connect() as pop:
        pop.ok("USER " + account.address)
        pop.err("PASS " + password, "AUTH")
