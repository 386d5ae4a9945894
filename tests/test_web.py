"""pop3web alone, started as a web server starts it: what it answers without
anybody to ask, what it refuses before it asks, and what it makes of answers
that are none.  With pop3settings and behind web servers: test_web_pages.py."""

import ctypes
import glob
import re
import select
import socket
import subprocess
import threading

import pytest

from daemon import SANITIZED, wait_until
from settings import Answer, Request
import processes
from web import FORM, HOST, POP3WEB, STRICT, TOP, parse, run

VARIABLES = {"HTTPS": "on", "SCRIPT_NAME": "/pop", "HTTP_HOST": HOST}


class Impostor:
    """Something else in the place of pop3settings: what came to it, and what
    it says to that."""

    def __init__(self, path, answer=None):
        self.path, self.answer, self.requests = str(path), answer, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.bind(self.path)
        self.socket.listen(5)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            request = client.recv(65536)
            self.requests.append(request)
            if request and self.answer is not None:
                client.send(self.answer)
            client.close()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(20)
        self.socket.close()


@pytest.fixture
def settings(tmp_path):
    made = []

    def make(answer=None):
        made.append(Impostor(tmp_path / ("socket%d" % len(made)), answer))
        return made[-1]

    yield make
    for one in made:
        one.close()


# Pages that ask nobody.

@pytest.mark.parametrize("path, query, status", [
    ("/sign-in", "", 200), ("/code", "", 200), ("/nothing", "", 404),
    ("/", "", 303), ("/sign-in", "a", 400), ("/sign-out", "", 303),
    ("/.well-known/change-password", "", 303)])
def test_header(path, query, status):
    answer = run(path, query)
    assert answer.status == status
    for name, value in STRICT.items():
        assert answer.header(name) == value
    assert answer.header("Cache-Control") == "no-store"
    assert answer.cookie() is None
    assert ("<script" in answer.body, "style=" in answer.body) == (
        False, False)


def test_style_sheet():
    """The only thing that may be kept; each page has the link to it."""
    link = re.search(r'<link rel="stylesheet" href="/pop(/[^"]*)">',
                     run("/sign-in").body).group(1)
    answer = run(link)
    assert answer.status == 200
    assert answer.header("Content-Type") == "text/css; charset=utf-8"
    assert answer.header("Cache-Control") == "max-age=86400"
    assert answer.header("Content-Security-Policy")
    assert "url(" not in answer.body and "@import" not in answer.body


def test_where_it_is():
    """Links and forms begin with where the program is."""
    for script in ("", "/pop", "/cgi-bin/pop3web"):
        body = run("/sign-in", SCRIPT_NAME=script).body
        assert 'action="%s/sign-in"' % script in body
        assert 'href="%s/style' % script in body


def test_no_link_leads_to_another_host():
    """Two slashes would: at the root, and behind what was refused."""
    for script in ("/", "//evil.example"):
        answer = run("/sign-in", SCRIPT_NAME=script)
        assert answer.status == (200 if script == "/" else 404)
        assert not re.search(r"""=["']//""", answer.body)
    assert run("", SCRIPT_NAME="/").header("Location").startswith("/sign-in")


def test_invitation_is_not_used_up_by_a_look():
    """The link shows a button, whoever follows it, and asks nobody."""
    answer = run("", "invitation=abc-_9&address=you%40example.com")
    assert answer.status == 200
    assert 'name="invitation" value="abc-_9"' in answer.body
    assert 'name="address" value="you@example.com"' in answer.body
    assert 'action="/pop/invitation"' in answer.body


def test_no_sentence_of_others_is_in_an_invitation():
    """Whoever makes up a link does not speak by our page."""
    for address in "Your+mailbox+is+full.", "a%09b", "x" * 255:
        answer = run("/", "invitation=x&address=" + address)
        assert answer.status == 303
        assert answer.header("Location") == "/pop/sign-in"


def test_what_is_shown_is_escaped():
    text = '"><script>alert(1)</script>'
    answer = run("/", "invitation=%s&address=%s" % (
        (text.replace("<", "%3C").replace(">", "%3E").replace(
            '"', "%22"),) * 2))
    assert "<script" not in answer.body
    assert answer.body.count(
        "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;") == 3


def test_head():
    """RFC 3875, 4.3.3: only the header."""
    answer = run("/sign-in", REQUEST_METHOD="HEAD")
    assert (answer.status, answer.body) == (200, "")


def test_version():
    done = subprocess.run([POP3WEB, "-V"], capture_output=True, text=True)
    assert done.returncode == 0
    assert re.fullmatch(r"pop3web \d\S*\n", done.stdout)


def test_arguments_of_a_query_are_none():
    """Apache makes them of what has no = in it (RFC 3875, 4.4)."""
    done = subprocess.run(
        [POP3WEB, "-V"], capture_output=True, env={
            **VARIABLES, "REQUEST_METHOD": "GET", "QUERY_STRING": "-V"})
    assert parse(done.stdout).status == 400


# Refused before anybody is asked.

SIGN_IN = b"user=you%40example.com&password=secret"


@pytest.mark.parametrize("status, changes", [
    (403, {"HTTP_SEC_FETCH_SITE": "cross-site"}),
    (403, {"HTTP_SEC_FETCH_SITE": "same-site"}),
    (403, {"HTTP_SEC_FETCH_SITE": "none"}),
    (403, {"HTTP_SEC_FETCH_SITE": None}),
    (403, {"HTTP_SEC_FETCH_SITE": None, "HTTP_ORIGIN": None}),
    (403, {"HTTP_ORIGIN": "https://evil.example"}),
    (403, {"HTTP_ORIGIN": "http://" + HOST}),
    (403, {"HTTP_ORIGIN": "https://%s.evil.example" % HOST}),
    (403, {"HTTP_HOST": None}),
    (403, {"HTTPS": None}), (403, {"HTTPS": "off"}),
    (405, {"REQUEST_METHOD": "PUT"}), (405, {"REQUEST_METHOD": "DELETE"}),
    (405, {"PATH_INFO": "/passwords"}), (404, {"PATH_INFO": "/x"}),
    (404, {"PATH_INFO": "//evil.example"}),
    (404, {"SCRIPT_NAME": "//evil.example"}),
    (411, {"CONTENT_LENGTH": None}), (411, {"CONTENT_LENGTH": "-1"}),
    (411, {"CONTENT_LENGTH": "1e3"}), (413, {"CONTENT_LENGTH": "8193"}),
    (413, {"CONTENT_LENGTH": "1000000000"}),
    (400, {"CONTENT_LENGTH": "100"}),
    (415, {"CONTENT_TYPE": "text/plain"}), (415, {"CONTENT_TYPE": None}),
    (415, {"CONTENT_TYPE": "multipart/form-data; boundary=x"})])
def test_refused(settings, status, changes):
    other = settings()
    answer = run(changes.pop("PATH_INFO", "/sign-in"), body=SIGN_IN,
                 socket=other.path, **changes)
    assert answer.status == status
    assert other.requests == []
    if status != 404:
        assert re.search(r"^pop3web\[\d+\]: refused: peer=192\.0\.2\.7 "
                         r"status=%d reason=[a-z-]+$" % status,
                         answer.errors, re.M)
    assert "secret" not in answer.errors


@pytest.mark.parametrize("body", [
    b"user=a&user=b&password=c", b"user=%00&password=c",
    b"user=a%&password=c", b"user=a\0&password=c", b"user=%ff&password=c",
    b"user", b"=", b"user=a&&password=c", b"user=a%0ab&password=c",
    b"&".join(b"f%d=1" % n for n in range(100)), b"a" * 8192,
    b"\0" * 8192])
def test_bad_forms(settings, body):
    other = settings()
    answer = run("/sign-in", body=body, socket=other.path)
    assert answer.status == 400
    assert [request for request in other.requests if request] == []


def test_megabytes(settings):
    """Announced or not, no more than 8 kB are read."""
    other = settings()
    for length in ("8192", "1048576"):
        process = subprocess.Popen(
            [POP3WEB], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env={
                **VARIABLES, "REQUEST_METHOD": "POST",
                "PATH_INFO": "/sign-in", "CONTENT_TYPE": FORM,
                "HTTP_SEC_FETCH_SITE": "same-origin",
                "CONTENT_LENGTH": length, "POP3SETTINGS": other.path})
        try:
            process.stdin.write(b"a" * 1048576)
            process.stdin.close()
        except BrokenPipeError:
            pass
        output = process.stdout.read()
        process.wait(60)
        assert parse(output).status == (400 if length == "8192" else 413)
    assert [request for request in other.requests if request] == []


def test_passwords_are_not_cut(settings):
    """One that no account can have asks nobody, and is refused."""
    other = settings()
    answer = run("/sign-in", body=b"user=a&password=" + b"x" * 512,
                 socket=other.path)
    assert answer.status == 200 and 'role="alert"' in answer.body
    assert [request for request in other.requests if request] == []


def test_nobody_is_asked_for_who_is_not_signed_in(settings):
    """A page without a cookie, or with those of others, leads to the sign-in;
    nothing is said there of having been signed in."""
    other = settings()
    for cookie in (None, "session=abc; a=b", "__Host-pop3="):
        answer = run("/kept", socket=other.path, HTTP_COOKIE=cookie)
        assert answer.status == 303
        assert answer.header("Location") == "/pop/sign-in?then=kept"
    assert other.requests == []


# Answers that are none.

def test_nobody_answers(settings):
    cookie = {"HTTP_COOKIE": "__Host-pop3=abc"}
    answer = run("/", socket="/nonexistent/socket", **cookie)
    assert answer.status == 503
    assert "/nonexistent/socket: No such file or directory: is " in \
        answer.errors
    assert "Look first whether" not in answer.body
    answer = run("/password", socket="/nonexistent/socket", **cookie,
                 body=b"new=another+secret&again=another+secret&password=x")
    assert answer.status == 503
    assert "Nothing changed" not in answer.body
    assert "Look first whether what you wanted was done" in answer.body
    size = ctypes.sizeof(Answer)
    for said in (None, b"", b"x", b"\0" * size, b"\xff" * size,
                 b"x" * 60000):
        answer = run("/", socket=settings(said).path, **cookie)
        assert answer.status == 503
        assert answer.cookie() is None
        assert "pop3settings does not answer" in answer.errors


def test_too_long_a_path():
    answer = run("/", socket="/" + "x" * 200,
                 HTTP_COOKIE="__Host-pop3=abc")
    assert answer.status == 503
    assert "is too long for a socket" in answer.errors


# The process.

@pytest.mark.skipif(SANITIZED, reason="built without seccomp")
def test_locked_in_before_the_form_is_looked_at(tmp_path):
    """It asks nobody before the form is there; when it asks, it can do nothing
    else, and has no descriptor but these."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(str(tmp_path / "socket"))
    listener.listen(5)
    process = subprocess.Popen(
        [POP3WEB], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env={
            **VARIABLES, "REQUEST_METHOD": "POST", "PATH_INFO": "/sign-in",
            "CONTENT_TYPE": FORM, "CONTENT_LENGTH": str(len(SIGN_IN)),
            "HTTP_SEC_FETCH_SITE": "same-origin",
            "POP3SETTINGS": str(tmp_path / "socket")})

    def status(name):
        with open("/proc/%d/status" % process.pid) as f:
            return re.search(r"^%s:\t(.*)$" % name, f.read(), re.M).group(1)

    process.stdin.write(SIGN_IN[:5])
    process.stdin.flush()
    wait_until(lambda: status("State").startswith("S"), "it does not wait")
    assert status("Seccomp") == "0"
    assert select.select([listener], [], [], 0)[0] == []
    process.stdin.write(SIGN_IN[5:])
    process.stdin.close()
    client, _ = listener.accept()
    assert len(client.recv(65536)) == ctypes.sizeof(Request)
    assert (status("Seccomp"), status("NoNewPrivs")) == ("2", "1")
    kinds = sorted(re.sub(r":.*", "", path) for number, path in
                   processes.descriptors(process.pid).items() if number != 2)
    assert kinds in (["pipe", "pipe", "socket"],
                     ["pipe", "pipe", "socket", "socket"])  # and the log
    client.close()
    listener.close()
    assert parse(process.stdout.read()).status == 503
    assert process.wait(60) == 0


def test_nothing_of_it_is_in_the_others():
    """pop3d neither has its code nor loads what it loads."""
    for program in ("pop3d", "pop3sasl", "pop3ctl"):
        path = TOP + "/" + program
        names = subprocess.run(["nm", path], text=True, check=True,
                               capture_output=True).stdout
        assert " main" in names
        assert not re.search(r"\b(cgi_|html_|layout_|form_parse|QRcode)",
                             names)
        assert "qrencode" not in subprocess.run(
            ["ldd", path], text=True, check=True, capture_output=True).stdout
    names = subprocess.run(["nm", POP3WEB], text=True, check=True,
                           capture_output=True).stdout
    assert "html_text" in names
    assert not re.search(r"\b(SSL_|tls_|db_create|crypt_checkpass|auth_)",
                         names)


# What can be translated is in one file.

def sources():
    return sorted(glob.glob(TOP + "/web/*.c")) + [TOP + "/pop3web.c"]


def read(path):
    with open(path) as f:
        return f.read()


def test_texts_are_in_one_file():
    """Markup has no words, and what is said is one of those texts."""
    seen = 0
    for path in sources():
        text = read(path)
        for literal in re.findall(r'MARKUP\(((?:\s*"(?:[^"\\]|\\.)*")+)\)',
                                  text):
            seen += 1
            markup = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literal))
            for words in re.findall(r">([^<]*)", markup):
                assert not re.search(r"[A-Za-z]{2}", words.replace(
                    r"\n", "")), (path, markup)
        for said in re.findall(r'(?:ELEMENT\("\w+",|html_say\()\s*'
                               r'"((?:[^"\\]|\\.)*)"', text):
            seen += 1
            words = re.sub(r"%(?:llu|[sducx])", "", said)
            assert not re.search(r"[A-Za-z]{2}", words) or \
                re.fullmatch(r" (?:maxlength)?=?|-hint", words), (path, said)
    assert seen > 150  # else they are not found where they are


def test_numbers_in_texts_are_those_of_the_code():
    texts, header = (read(TOP + path) for path in (
        "/web/texts.h", "/common/self_service.h"))
    shortest, = re.findall(r"^#define SELF_PASSWORD_MIN (\d+)", header, re.M)
    assert re.findall(r"[Aa]t least (\d+) characters", texts) == [
        shortest, shortest]
    longest, = re.findall(r"^#define LABEL_MAX +(\d+)",
                          read(TOP + "/common/policy.h"), re.M)
    assert "at most %s letters" % longest in texts


def test_every_text_is_used():
    code = "".join(read(path) for path in sources())
    names = re.findall(r"^#define (T_\w+)", read(TOP + "/web/texts.h"), re.M)
    assert len(names) > 150
    assert [name for name in names
            if not re.search(r"\b%s\b" % name, code)] == []
