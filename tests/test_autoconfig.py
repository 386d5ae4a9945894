"""The XML of client-settings, served as the manual says and read by a mail
client's own assistant (long)."""

import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import urllib.request
import xml.etree.ElementTree as xml

import pytest

from daemon import HERE, ROOT, free_port, wait_until
from marionette import Marionette
import processes

TOP = os.path.dirname(HERE)
PATHS = ["/mail/config-v1.1.xml",
         "/.well-known/autoconfig/mail/config-v1.1.xml"]

TLS = 3  # from the first octet, as Thunderbird counts it

pytestmark = pytest.mark.long


@pytest.fixture
def page(make_server, tmp_path):
    """The directory that has the file, made as the manual says."""
    server = make_server(extra="outgoing smtp.example.com 465 tls\n")
    done = server.ctl("client-settings", "@example.com", "-x")
    (tmp_path / "example.com.xml").write_text(done.stdout)
    return tmp_path


def example(begin, path, directory):
    """What stands in the manual below these words, for one of the paths."""
    with open(TOP + "/man/pop3ctl.8") as f:
        text = re.search(r"^%s\n\.Bd -literal.*\n((?:[^.].*\n)+)\.Ed" % begin,
                         f.read(), re.M).group(1)
    assert "/var/www/autoconfig/" in text and PATHS[0] in text
    return text.replace("/var/www/autoconfig", str(directory)).replace(
        PATHS[0], path)


def both(begin, directory):
    return "".join(example(begin, path, directory) for path in PATHS)


def nginx(directory, port):
    paths = "".join("%s_temp_path %s/%s;\n" % (what, directory, what)
                    for what in ("client_body", "proxy", "fastcgi", "uwsgi",
                                 "scgi"))
    (directory / "conf").write_text(
        "daemon off;\npid %s/pid;\nerror_log %s/log;\n%sevents { }\n"
        "http {\naccess_log off;\n%sserver {\nlisten 127.0.0.1:%d;\n%s}\n}\n"
        % (directory, directory, "user root;\n" if ROOT else "", paths, port,
           both("For nginx:", directory)))
    return ["nginx", "-c", str(directory / "conf"), "-e",
            str(directory / "log")]


def lighttpd(directory, port):
    (directory / "conf").write_text(
        'server.modules = ("mod_alias")\nserver.bind = "127.0.0.1"\n'
        'server.port = %d\nserver.document-root = "%s"\n'
        'mimetype.assign = (".xml" => "text/xml")\n%s'
        % (port, directory, both("For lighttpd, with mod_alias:", directory)))
    return ["lighttpd", "-D", "-f", str(directory / "conf")]


@pytest.mark.parametrize("web", [nginx, lighttpd])
def test_served_as_the_manual_says(page, web):
    """At both paths, with what clients put behind them."""
    if not shutil.which(web.__name__):
        pytest.skip(web.__name__ + " is not installed: make long-deps")
    port = free_port()
    process = subprocess.Popen(web(page, port))
    try:
        wait_until(lambda: processes.listening(port), "it does not listen")
        for path in PATHS:
            with urllib.request.urlopen(
                    "http://127.0.0.1:%d%s?emailaddress=you%%40example.com"
                    % (port, path)) as answer:
                assert answer.headers.get_content_type() == "text/xml"
                text = answer.read().decode()
            assert text == (page / "example.com.xml").read_text()
            assert {e.text for e in xml.fromstring(text).iter("username")} \
                == {"%EMAILADDRESS%"}
    finally:
        process.terminate()
        process.wait(60)


# Thunderbird, with its window on a display that nobody sees.  It takes all
# addresses of the web from a proxy, which has ours, by http alone.

PREFERENCES = {
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "mail.rights.version": 1,
    "mail.shell.checkDefaultClient": False,
    "mail.spotlight.firstRunDone": True,
    "mailnews.auto_config.guess.enabled": False,
    "mailnews.auto_config_url": "",
    "mailnews.start_page.enabled": False,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.type": 1,
    "toolkit.telemetry.enabled": False,
}


class Web(http.server.ThreadingHTTPServer):
    """Has the file for one domain, at one of the four addresses."""

    def __init__(self, url, text):
        super().__init__(("127.0.0.1", 0), WebHandler)
        self.url, self.text = url, text
        self.asked = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class WebHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url, _, query = self.path.partition("?")
        self.server.asked.append(self.path)
        found = url == "http://" + self.server.url
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/xml")
        self.end_headers()
        if found:
            self.wfile.write(self.server.text.encode())

    def do_CONNECT(self):
        self.send_error(502)

    def log_message(self, *unused):
        pass


@pytest.fixture
def display(tmp_path):
    """Of an X server that chooses its number itself."""
    read, write = os.pipe()
    with open(tmp_path / "xvfb.log", "w") as log:
        process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1024x24",
             "-nolisten", "tcp"], pass_fds=[write], stderr=log)
    os.close(write)
    with os.fdopen(read) as f:
        yield ":" + f.readline().strip()
    process.terminate()
    process.wait(60)


@pytest.fixture
def thunderbird(display, tmp_path):
    """Starts it with the proxy; returns what speaks to it."""
    started = []

    def start(proxy_port):
        profile = tmp_path / "profile"
        profile.mkdir()
        port = free_port()
        values = dict(PREFERENCES, **{
            "marionette.port": port, "network.proxy.http_port": proxy_port,
            "network.proxy.ssl_port": proxy_port})
        (profile / "user.js").write_text("".join(
            "user_pref(%s, %s);\n" % (json.dumps(name), json.dumps(value))
            for name, value in values.items()))
        log = open(tmp_path / "thunderbird.log", "w")
        started.append(subprocess.Popen(
            ["thunderbird", "--marionette", "--remote-allow-system-access",
             "--no-remote", "--profile",
             str(profile)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path),
                 "DISPLAY": display, "LANG": "C.UTF-8",
                 "MOZ_CRASHREPORTER_DISABLE": "1"}))
        log.close()
        wait_until(lambda: processes.listening(port), "it does not start",
                   120)
        started.append(Marionette(port))
        return started[-1]

    yield start
    if started:
        os.killpg(started[0].pid, signal.SIGKILL)
        started[0].wait(60)
        for marionette in started[1:]:
            marionette.close()


# What a user does who adds an account: a name, an address, "Continue"; and
# what is shown then.
ASSISTANT = """
    const [address] = args;
    const until = async (condition, what) => {
        for (let n = 0; n < 400; n++) {
            const value = condition();
            if (value) return value;
            await new Promise(done => setTimeout(done, 100));
        }
        throw new Error("in vain: " + what);
    };
    const win = await until(
        () => Services.wm.getMostRecentWindow("mail:3pane"), "a window");
    await until(() => win.openAccountHub, "the assistant");
    await win.openAccountHub("MAIL");
    const hub = await until(
        () => win.document.querySelector("account-hub-container"), "hub");
    const dialog = await until(() => {
        const found = hub.shadowRoot.querySelector(".account-hub-dialog");
        return found && found.open && found;
    }, "its dialog");
    const form = await until(() => dialog.querySelector("email-auto-form"),
                             "the form");
    await until(() => form.querySelector("#email"), "its fields");
    const type = (id, value) => {
        const field = form.querySelector(id);
        field.focus();
        field.value = value;
        field.dispatchEvent(new win.Event("input", {bubbles: true}));
    };
    type("#realName", "Somebody");
    type("#email", address);
    const next = await until(() => {
        const found = dialog.querySelector("#emailFooter #forward") ||
            dialog.querySelector("account-hub-footer #forward");
        return found && !found.disabled && found;
    }, "a button to go on");
    next.click();
    const found = await until(() => {
        const view = dialog.querySelector("email-config-found");
        return view && !view.hidden &&
            view.querySelector("#incomingHost").textContent && view;
    }, "settings");
    const shown = {};
    for (const id of ["incomingType", "incomingHost", "incomingUsername",
                      "outgoingType", "outgoingHost"])
        shown[id] = found.querySelector("#" + id).textContent;
    const state = found.captureState();
    shown.incomingPort = state.incoming.port;
    shown.incomingSocket = state.incoming.socketType;
    shown.outgoingPort = state.outgoing.port;
    shown.outgoingSocket = state.outgoing.socketType;
    shown.source = state.subSource;
    shown.outgoingUsername = state.outgoing.username;
    return shown;
"""


@pytest.mark.skipif(not shutil.which("thunderbird") or
                    not shutil.which("Xvfb"),
                    reason="thunderbird or xvfb is not installed: make "
                    "long-deps")
@pytest.mark.parametrize("url", [
    "autoconfig.example.com" + PATHS[0], "example.com" + PATHS[1]])
def test_thunderbirds_assistant(page, thunderbird, url):
    """It finds the file, and takes the user's own name from it."""
    web = Web(url, (page / "example.com.xml").read_text())
    try:
        driver = thunderbird(web.server_port)
        shown = driver.run(ASSISTANT, "somebody.else@example.com")
    finally:
        web.shutdown()
        web.server_close()
    assert shown == {
        "incomingType": "pop3", "incomingHost": "mail.example.com",
        "incomingUsername": "somebody.else@example.com",
        "incomingPort": 995, "incomingSocket": TLS,
        "outgoingType": "smtp", "outgoingHost": "smtp.example.com",
        "outgoingUsername": "somebody.else@example.com",
        "outgoingPort": 465, "outgoingSocket": TLS,
        "source": "xml-from-isp-http"}
    assert any("emailaddress=somebody.else%40example.com" in asked
               for asked in web.asked)
