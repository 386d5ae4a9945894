"""The page of pop3web: the program alone, behind real web servers as its
manual has them, and a real browser."""

import base64
import os
import pwd
import re
import shutil
import signal
import subprocess

from daemon import HERE, ROOT, free_port, temporary_directory, wait_until
import processes

TOP = os.path.dirname(HERE)
POP3WEB = os.path.abspath(os.environ.get("POP3WEB", TOP + "/pop3web"))
HOST = "mail.example.com"
FORM = "application/x-www-form-urlencoded"
# What each answer has in its header.
STRICT = {
    "Content-Security-Policy":
        "default-src 'none'; style-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

INSTALLED = "/usr/local/lib/cgi-bin/pop3web"


class Answer:
    """What a CGI program, or a web server, has answered."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def cookie(self):
        """(value, attributes) of the cookie that is set; or None."""
        lines = [value for name, value in self.headers
                 if name.lower() == "set-cookie"]
        assert len(lines) <= 1
        if not lines:
            return None
        pair, *attributes = lines[0].split("; ")
        name, value = pair.split("=", 1)
        assert name == "__Host-pop3"
        return value, attributes

    def header(self, name):
        found = [value for other, value in self.headers
                 if other.lower() == name.lower()]
        assert len(found) <= 1
        return found[0] if found else None


def run(path, query="", body=None, socket="/nonexistent/socket", program=None,
        **environment):
    """One request, to the program itself.  body is a form, as it is sent;
    environment changes the variables of CGI, None takes one away."""
    variables = {
        "GATEWAY_INTERFACE": "CGI/1.1", "HTTPS": "on",
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "/pop", "PATH_INFO": path,
        "QUERY_STRING": query, "HTTP_HOST": HOST, "REMOTE_ADDR": "192.0.2.7",
        "POP3SETTINGS": socket}
    if body is not None:
        variables.update({
            "REQUEST_METHOD": "POST", "CONTENT_TYPE": FORM,
            "CONTENT_LENGTH": str(len(body)), "HTTP_ORIGIN": "null",
            "HTTP_SEC_FETCH_SITE": "same-origin"})
    variables.update(environment)
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LLVM_PROFILE_FILE"):
        if name in os.environ:
            variables[name] = os.environ[name]
    done = subprocess.run(
        [program or POP3WEB], input=body or b"", capture_output=True,
        timeout=90, env={name: value for name, value in variables.items()
                         if value is not None})
    assert done.returncode == 0, (done.returncode, done.stderr)
    answer = parse(done.stdout)
    answer.errors = done.stderr.decode()
    return answer


def parse(output):
    head, body = output.split(b"\r\n\r\n", 1)
    headers = [tuple(line.split(": ", 1))
               for line in head.decode("ascii").split("\r\n")]
    status = dict(headers)["Status"]
    return Answer(int(status.split()[0]),
                  [pair for pair in headers if pair[0] != "Status"],
                  body.decode())


# Web servers, as the manual has them.

def section_of(section, page):
    with open(TOP + "/man/" + page) as f:
        return re.search(r"^\.Sh %s\n(.*?)^\.Sh " % section, f.read(),
                         re.M | re.S).group(1)


def example(section, page="pop3web.8"):
    """What stands in a section of the manual to be copied."""
    return re.search(r"^\.Bd -literal.*?\n(.*?)^\.Ed",
                     section_of(section, page),
                     re.M | re.S).group(1).replace("\\e", "\\")


def web_user():
    return "www-data" if ROOT else pwd.getpwuid(os.geteuid()).pw_name


def _adapted(text, site):
    assert INSTALLED in text
    return text.replace(INSTALLED, site.program).replace(
        "/run/fcgiwrap.socket", site.directory + "/fcgiwrap.socket")


def nginx(site):
    """nginx, and fcgiwrap, which starts what it is told to."""
    with open(site.directory + "/nginx.conf", "w") as f:
        f.write("daemon off;\npid %(d)s/pid;\nerror_log %(d)s/log;\n"
                "%(user)sevents { }\nhttp {\naccess_log off;\n%(paths)s"
                "server {\nlisten 127.0.0.1:%(port)d ssl;\n"
                "server_name %(host)s;\nssl_certificate %(cert)s;\n"
                "ssl_certificate_key %(key)s;\n"
                "%(example)s}\n}\n" % {
                    "d": site.directory, "port": site.port, "host": HOST,
                    "user": "user %s;\n" % web_user() if ROOT else "",
                    "paths": "".join(
                        "%s_temp_path %s/%s;\n" % (what, site.directory, what)
                        for what in ("client_body", "proxy", "fastcgi",
                                     "uwsgi", "scgi")),
                    "cert": site.keypair[0], "key": site.keypair[1],
                    "example": _adapted(example("NGINX").replace(
                        "include fastcgi_params",
                        "include /etc/nginx/fastcgi_params"), site).replace(
                            "fastcgi_pass", "fastcgi_param POP3SETTINGS %s;\n"
                            "\tfastcgi_pass" % site.socket)})
    become = ["setpriv", "--reuid", web_user(), "--regid", web_user(),
              "--clear-groups"] if ROOT else []
    return [["nginx", "-c", site.directory + "/nginx.conf", "-e",
             site.directory + "/log"],
            [*become, "fcgiwrap", re.search(
                r"DAEMON_OPTS=(\S+)", section_of("NGINX", "pop3web.8")).group(1),
             "-s", "unix:%s/fcgiwrap.socket" % site.directory]]


def lighttpd(site):
    user = 'server.username = "%s"\nserver.groupname = "%s"\n' % (
        web_user(), web_user()) if ROOT else ""
    pem = site.directory + "/pem"
    with open(pem, "w") as f:
        os.chmod(pem, 0o600)
        for path in site.keypair:
            with open(path) as part:
                f.write(part.read())
    with open(site.directory + "/lighttpd.conf", "w") as f:
        f.write('server.modules = ("mod_openssl", "mod_setenv")\n'
                'server.bind = "127.0.0.1"\nserver.port = %d\n'
                'server.document-root = "%s"\nserver.errorlog = "%s/log"\n'
                '%sssl.engine = "enable"\nssl.pemfile = "%s"\n'
                'setenv.set-environment = ("POP3SETTINGS" => "%s")\n%s'
                % (site.port, site.directory, site.directory, user, pem,
                   site.socket, _adapted(example("LIGHTTPD"), site)))
    return [["lighttpd", "-D", "-f", site.directory + "/lighttpd.conf"]]


APACHE_MODULES = ("mpm_event", "authz_core", "alias", "env", "cgid", "ssl")


def apache(site):
    user = "User %s\nGroup %s\n" % (web_user(), web_user()) if ROOT else ""
    with open(site.directory + "/apache.conf", "w") as f:
        f.write("".join(
            "LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n"
            % (name, name) for name in APACHE_MODULES) +
            "ServerRoot %(d)s\nPidFile %(d)s/pid\nErrorLog %(d)s/log\n"
            "ScriptSock %(d)s/cgisock\nMutex file:%(d)s\n"
            "DocumentRoot %(d)s\n%(user)s"
            "Listen 127.0.0.1:%(port)d\nServerName %(host)s\n"
            "SSLEngine on\nSSLCertificateFile %(cert)s\n"
            "SSLCertificateKeyFile %(key)s\nSetEnv POP3SETTINGS %(socket)s\n"
            "%(example)s" % {
                "d": site.directory, "user": user, "port": site.port,
                "host": HOST, "cert": site.keypair[0],
                "key": site.keypair[1], "socket": site.socket,
                "example": _adapted(example("APACHE"), site)})
    return [["apache2", "-DFOREGROUND", "-f",
             site.directory + "/apache.conf"]]


SERVERS = {"nginx": nginx, "lighttpd": lighttpd, "apache": apache}


def missing(name):
    """What a server needs and is not there; or None."""
    wanted = {"nginx": ("nginx", "fcgiwrap"), "lighttpd": ("lighttpd",),
              "apache": ("apache2",)}
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    return next((program for program in wanted[name]
                 if shutil.which(program, path=path) is None), None)


class Site:
    """A web server that has the page, on a port of the loopback interface."""

    def __init__(self, name, keypair, socket):
        self.directory = temporary_directory()
        self.port = free_port()
        self.keypair, self.socket = keypair, socket
        self.processes = []
        self.program = shutil.copy(POP3WEB, self.directory + "/pop3web")
        os.chmod(self.program, 0o755)
        if ROOT:
            user = pwd.getpwnam(web_user())
            os.chown(self.directory, user.pw_uid, user.pw_gid)
        with open(self.directory + "/log", "ab") as log:
            os.chmod(self.directory + "/log", 0o666)
            for command in SERVERS[name](self):
                self.processes.append(subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log,
                    stderr=log, start_new_session=True))
        try:
            wait_until(lambda: processes.listening(self.port) and (
                name != "nginx" or os.path.exists(
                    self.directory + "/fcgiwrap.socket")),
                name + " does not listen")
        except BaseException:
            print(self.log())
            self.stop()
            raise
        self.url = "https://%s:%d" % (HOST, self.port)

    def log(self):
        with open(self.directory + "/log", errors="replace") as f:
            return f.read()

    def curl(self, path, *arguments, data=None):
        """A request by curl(1), with what a browser sends along."""
        if data is not None:
            arguments = [*arguments, "--data-binary", "@-", "-H",
                         "Origin: null", "-H", "Sec-Fetch-Site: same-origin"]
        done = subprocess.run(
            ["curl", "-sS", "-i", "--http1.1", "--resolve", "%s:%d:127.0.0.1"
             % (HOST, self.port), "--cacert", self.keypair[0], *arguments,
             self.url + path], input=data, capture_output=True, timeout=90)
        assert done.returncode == 0, done.stderr
        head, body = done.stdout.split(b"\r\n\r\n", 1)
        while head.startswith(b"HTTP/1.1 100"):
            head, body = body.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        return Answer(int(first.split()[1]),
                      [tuple(line.split(": ", 1)) for line in lines],
                      body.decode())

    def stop(self):
        # Each with its children: fcgiwrap's do not end with it.
        for process in self.processes:
            os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(20)
        shutil.rmtree(self.directory)


# The browser.

def browser_is_missing():
    """What is not there, or None."""
    try:
        import selenium.webdriver  # noqa: F401
    except ImportError:
        return "python3-selenium"
    return next((name for name in ("chromium", "chromedriver")
                 if shutil.which(name) is None), None)


class Browser:
    """Headless Chromium, with a profile of its own."""

    def __init__(self, site, directory, width=1024, dark=False):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
        self.site, self.width, self.dark = site, width, dark
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in (
                "--headless=new", "--disable-gpu", "--no-first-run",
                "--disable-dev-shm-usage", "--disable-background-networking",
                "--hide-scrollbars", "--user-data-dir=%s/profile" % directory,
                "--host-resolver-rules=MAP %s 127.0.0.1" % HOST,
                "--force-device-scale-factor=1"):
            options.add_argument(argument)
        if ROOT:
            options.add_argument("--no-sandbox")
        options.accept_insecure_certs = True
        options.add_experimental_option("prefs", {
            "download.default_directory": directory,
            "credentials_enable_service": False})
        self.driver = webdriver.Chrome(
            service=Service(shutil.which("chromedriver")), options=options)
        self.driver.set_page_load_timeout(60)
        self.look(width, dark)

    def look(self, width, dark=False):
        """How wide its window is, and what colours it prefers."""
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 900, "deviceScaleFactor": 1,
            "mobile": False})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme",
                          "value": "dark" if dark else "light"}]})

    def get(self, path):
        self.driver.get(self.site.url + path)

    def path(self):
        return self.driver.current_url.split(self.site.url, 1)[1]

    def find(self, selector):
        from selenium.webdriver.common.by import By
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def find_all(self, selector):
        from selenium.webdriver.common.by import By
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self):
        return self.find("body").text

    def fill(self, **fields):
        for name, value in fields.items():
            field = self.find("#" + name)
            field.clear()
            field.send_keys(value)

    def press(self, text):
        """The button, or the link, with this text; waits for the page."""
        for element in self.find_all("main button, main a, nav a, "
                                     "header button, summary"):
            if element.is_displayed() and text in element.text:
                return self.click(element)
        raise AssertionError("no %r in %s" % (text, self.text()))

    def click(self, element):
        before = self.find("html")
        is_summary = element.tag_name == "summary"
        element.click()
        if not is_summary:
            self.wait_gone(before)

    def wait_gone(self, element):
        """Until another page is there.  A page that is going away may fail
        whatever is asked of it."""
        from selenium.common.exceptions import (
            StaleElementReferenceException, WebDriverException)

        def gone():
            try:
                element.is_enabled()
            except StaleElementReferenceException:
                return True
            except WebDriverException:
                pass
            return False

        def complete():
            try:
                return self.driver.execute_script(
                    "return document.readyState") == "complete"
            except WebDriverException:
                return False

        wait_until(gone, "no other page comes", 60)
        wait_until(complete, "it does not load", 60)

    def screenshot(self, path):
        """Of the whole page, as it is looked at now."""
        png = self.driver.execute_cdp_cmd("Page.captureScreenshot", {
            "captureBeyondViewport": True, "format": "png"})["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(png))

    def close(self):
        self.driver.quit()
