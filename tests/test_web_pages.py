"""What users do on the page: pop3web behind real web servers as its manual has
them, with pop3settings, by a real browser; and what a POP3 session sees of it
afterwards (long).  Pictures of all pages are left in build/pages."""

import concurrent.futures
import os
import plistlib
import re
import shutil
import subprocess
import time
import urllib.parse

import pytest

from daemon import temporary_directory, wait_until
from maildir import message
from settings import Settings, code_of
import web
from web import TOP, Browser, Site

pytestmark = pytest.mark.long

PICTURES = TOP + "/build/pages"


@pytest.fixture
def server(make_server):
    return make_server(extra="outgoing smtp.example.com 465 tls\n"
                             "outgoing smtp.example.com 587 starttls\n")


@pytest.fixture
def settings(server):
    settings = Settings(server)
    # The web server's group, as the manual has it.
    os.chmod(settings.path, 0o666)
    yield settings
    settings.stop()


@pytest.fixture
def make_site(settings, keypair):
    """Makes the page behind a web server."""
    sites = []

    def make(name="lighttpd"):
        if web.missing(name):
            pytest.skip("%s is not installed: make long-deps"
                        % web.missing(name))
        sites.append(Site(name, keypair, settings.path))
        return sites[-1]

    yield make
    for site in sites:
        site.stop()


@pytest.fixture
def site(make_site):
    return make_site()


@pytest.fixture
def browser(site):
    """A browser that has the page of this site open, signed out."""
    if web.browser_is_missing():
        pytest.skip("%s is not installed: make long-deps"
                    % web.browser_is_missing())
    directory = temporary_directory()
    browser = Browser(site, directory)
    browser.directory = directory
    yield browser
    browser.close()
    shutil.rmtree(directory)


@pytest.fixture
def user(server, browser):
    """An account, whose user has signed in."""
    account = server.add_account()
    sign_in(browser, account)
    return account


class Agent:
    """A browser as simple as can be: it keeps the cookie."""

    def __init__(self, site, cookie=None):
        self.site, self.cookie = site, cookie

    def _ask(self, *arguments, **keywords):
        header = ["-H", "Cookie: __Host-pop3=" + self.cookie] \
            if self.cookie else []
        answer = self.site.curl(*arguments, *header, **keywords)
        if answer.cookie() is not None:
            self.cookie = answer.cookie()[0] or None
        return answer

    def get(self, path):
        return self._ask(path)

    def post(self, path, *header, **fields):
        return self._ask(path, *header, data=urllib.parse.urlencode(
            fields).encode())

    def sign_in(self, account, password=None):
        return self.post("/pop/sign-in", user=account.address,
                         password=password or account.password)


def sign_in(browser, account, password=None):
    browser.get("/pop/sign-in")
    browser.fill(user=account.address, password=password or account.password)
    browser.press("Sign in")


def choose(browser, name, value, then=None):
    """A choice, and the button that saves it; which one is chosen then."""
    choice = browser.find("#%s-%s" % (name, value))
    choice.click()
    form = choice.find_element("xpath", "ancestor::form")
    browser.click(form.find_element("css selector", "button"))
    assert "Saved." in browser.find("[role=status]").text
    assert browser.find("#%s-%s" % (name, then or value)).is_selected()


def refused(account, password=None):
    """Does POP let nobody in by this password?"""
    with account.server.connect() as pop:
        pop.ok("USER " + account.address)
        return pop.command("PASS " + (password or account.password)
                           ).startswith(b"-ERR [AUTH]")


def messages(account, password=None, delete=False):
    """What POP shows."""
    pop = account.server.connect()
    pop.login(account.address, password or account.password)
    found = [pop.retr(n) for n in pop.list()]
    for n in pop.list() if delete else ():
        pop.ok("DELE %d" % n)
    pop.quit()
    return found


def subjects(account, **keywords):
    return [re.search(rb"^Subject: (.*?)\r$", one, re.M).group(1).decode()
            for one in messages(account, **keywords)]


# The switches, each seen by a POP3 session.

def test_access(browser, user):
    user.maildir.deliver(message("before"))
    assert subjects(user) == ["before"]
    open_one = user.login()
    choose(browser, "access", "0")
    assert refused(user)
    open_one.rest()
    choose(browser, "access", "1")
    assert subjects(user) == ["before"]
    choose(browser, "access", "2", "same")
    user.maildir.deliver(message("after"))
    assert subjects(user) == ["after"]
    # Saved again as it is, it does not begin anew.
    browser.get("/pop/")
    browser.find("#access-same").click()
    browser.press("Save")
    assert subjects(user) == ["after"]


def test_spam(browser, user):
    user.maildir.deliver(message("good"))
    user.maildir.deliver(message("bad"), folder=".Junk")
    assert subjects(user) == ["good"]
    choose(browser, "spam", "1")
    assert sorted(subjects(user)) == ["bad", "good"]
    choose(browser, "spam", "2")
    assert subjects(user) == ["bad"]
    choose(browser, "spam", "0")
    assert subjects(user) == ["good"]


def test_all_that_was_chosen_is_saved(server, browser, user):
    """By one button; but not what somebody else has changed meanwhile."""
    browser.get("/pop/")
    server.ctl("set", user.address, "keep=90", "mark-read=yes")
    browser.find("#delete-0").click()
    choose(browser, "spam", "1")
    assert browser.find("#delete-0").is_selected()
    user.maildir.deliver(message("bad"), folder=".Junk")
    assert subjects(user, delete=True) == ["bad"]
    assert len(user.maildir.files(".Junk")) == 1
    shown = server.ctl("show", user.address).stdout
    assert "keep=90" in shown and "mark-read=yes" in shown


def test_deleted_is_kept_and_brought_back(browser, user):
    choose(browser, "delete", "0")
    for subject in ("one", "two", "Gr\u00fc\u00dfe <b>"):
        user.maildir.deliver(message(subject).replace(
            b"Subject: Gr\xc3\xbc\xc3\x9fe <b>",
            b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_=3Cb=3E?="))
    assert len(messages(user, delete=True)) == 3
    assert messages(user) == [] and len(user.maildir.files()) == 3
    browser.press("Kept mail")
    shown = [element.text for element in browser.find_all(".items h2")]
    assert sorted(shown) == ["Gr\u00fc\u00dfe <b>", "one", "two"]
    assert "me@example.com" in browser.text()
    one = browser.find_all(".items > li")[shown.index("one")]
    browser.click(one.find_element("css selector", "button"))
    assert "One message is back" in browser.text()
    assert subjects(user) == ["one"]
    assert len(browser.find_all(".items h2")) == 2
    browser.press("Bring all of it back")
    browser.click(browser.find("details button"))
    assert "2 messages are back" in browser.text()
    assert len(messages(user)) == 3
    assert "Nothing is kept" in browser.text()


def test_deleted_is_gone(browser, user):
    choose(browser, "delete", "1")
    user.maildir.deliver(message("gone"))
    assert len(messages(user, delete=True)) == 1
    assert user.maildir.files() == []
    browser.press("Kept mail")
    assert "deleted here as well" in browser.text()


def test_days_and_marks(server, browser, user):
    choose(browser, "delete", "0")
    choose(browser, "keep", "90")
    choose(browser, "read", "1")
    shown = server.ctl("show", user.address).stdout
    assert re.search(r"keep\W+90", shown)
    user.maildir.deliver(message("read"))
    assert subjects(user) == ["read"]
    assert user.maildir.files()[0].endswith(":2,S")
    server.ctl("set", user.address, "keep=17")
    browser.get("/pop/")
    assert browser.find("#keep-17").is_selected()
    assert "17 days" in browser.text()


# Application passwords.

def make_password(browser, label, present="secret", **fields):
    browser.get("/pop/passwords/new")
    browser.fill(label=label, password=present)
    for name, value in fields.items():
        if value is True:
            browser.find("#" + name).click()
        else:
            browser.driver.execute_script(
                "arguments[0].value = arguments[1]",
                browser.find("#" + name), value)
    browser.press("Make the password")
    return browser.find("output").text


def test_application_password(browser, user):
    user.maildir.deliver(message("mail"))
    password = make_password(browser, "phone")
    assert re.fullmatch(r"(\w{4}-){4}\w{4}", password)
    text = browser.text()
    for word in ("mail.example.com", "995", "smtp.example.com", "465",
                 "SSL/TLS", user.address):
        assert word in text
    assert subjects(user, password=password) == ["mail"]
    browser.press("I have it")
    assert password not in browser.driver.page_source
    assert re.search(r"Last fetched\n\d{4}-\d\d-\d\d .*, from 127\.0\.0\.1",
                     browser.text())
    # Its open session ends with it, and that of the password does not.
    by_phone = user.server.connect().login(user.address, password)
    browser.press('Revoke "phone"')
    browser.click(browser.find("details button"))
    assert "Revoked." in browser.text()
    by_phone.rest()
    assert refused(user, password)
    assert subjects(user) == ["mail"]


def test_narrowed_password(server, browser, user):
    user.maildir.deliver(message("mail"))
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 10 * 86400))
    password = make_password(browser, "archive", expires=day,
                             **{"read-only-1": True, "services-1": True})
    pop = server.connect().login(user.address, password)
    assert pop.retr(1)
    assert pop.command("DELE 1").startswith(b"-ERR")
    pop.quit()
    browser.press("I have it")
    for word in ("fetching alone", "nothing", day):
        assert word in browser.text()
    assert "read-only" in server.ctl("app-password", "list",
                                     user.address).stdout
    sending = make_password(browser, "printer", **{"services-2": True})
    assert refused(user, sending)


def test_what_is_wrong_is_said(browser, user):
    """Beside the field, and what was typed is there still."""
    browser.get("/pop/passwords/new")
    browser.fill(label="phone", password="wrong")
    browser.press("Make the password")
    field = browser.find("#password")
    assert field.get_attribute("aria-invalid") == "true"
    assert "wrong" in field.get_attribute("aria-describedby").split()
    assert browser.find("#label").get_attribute("value") == "phone"
    assert browser.find("#password").get_attribute("value") == ""
    assert browser.driver.title.startswith("Not done: ")
    assert browser.driver.switch_to.active_element == field
    browser.fill(password="secret")
    browser.press("Make the password")
    assert browser.find("output").text
    browser.get("/pop/passwords/new")
    browser.fill(label="phone", password="secret")
    browser.press("Make the password")
    assert browser.find("#label").get_attribute("aria-invalid") == "true"


# Passwords, two-factor, invitations.

def test_new_password(browser, user):
    by_old = user.login()
    browser.press("Security")
    browser.press("Change the password")
    browser.fill(password="secret", new="four words are long",
                 again="four words are wrong")
    browser.press("Save the new password")
    assert "not the same twice" in browser.text()
    browser.fill(password="wrong", new="four words are long",
                 again="four words are long")
    browser.press("Save the new password")
    assert "present password was wrong" in browser.text()
    browser.fill(password="secret", new="short", again="short")
    browser.press("Save the new password")
    assert "too short" in browser.text()
    assert not refused(user)
    browser.fill(password="secret", new="four words are long",
                 again="four words are long")
    browser.press("Save the new password")
    assert "counts from now on" in browser.text()
    by_old.rest()
    assert refused(user)
    assert messages(user, "four words are long") == []
    browser.press("Application passwords")  # signed in, still
    assert browser.path() == "/pop/passwords"


def turn_on(browser):
    """Returns the secret, the code that was used, and the recovery codes."""
    browser.press("Security")
    browser.press("Set up two-factor")
    browser.fill(password="secret")
    browser.press("Show the code to scan")
    secret = browser.find(".secret").text.replace(" ", "")
    browser.fill(code="000000")
    browser.press("Turn two-factor on")
    assert "wrong" in browser.find("[role=alert]").text
    assert browser.find(".secret").text.replace(" ", "") == secret
    browser.screenshot(browser.directory + "/qr.png")
    used = code_of(secret)
    browser.fill(code=used)
    browser.press("Turn two-factor on")
    codes = [element.text for element in browser.find_all(".codes li")]
    assert len(set(codes)) == 10
    browser.press("I have them")
    return secret, used, codes


def sign_in_again(browser, user, code):
    """By a code as well; returns whether that was good."""
    if browser.find_all("header button"):
        browser.press("Sign out")
    sign_in(browser, user)
    assert browser.path().startswith("/pop/code")
    browser.fill(code=code)
    browser.press("Go on")
    if browser.path() == "/pop/":
        return True
    assert "used already" in browser.find("[role=alert]").text
    return False


def check_picture(path, address, secret):
    """It is scanned, where there is something to scan it by."""
    if not shutil.which("zbarimg"):
        return
    shown = subprocess.run(["zbarimg", "-q", "--raw", path], check=True,
                           capture_output=True, text=True).stdout
    url = urllib.parse.urlsplit(shown.strip())
    assert (url.scheme, url.netloc) == ("otpauth", "totp")
    assert urllib.parse.unquote(url.path).endswith(":" + address)
    assert urllib.parse.parse_qs(url.query)["secret"] == [secret]


def test_two_factor(browser, user):
    browser.get("/pop/two-factor")
    browser.press("New application password")
    assert browser.path() == "/pop/passwords/new"
    phone = make_password(browser, "phone")
    secret, used, codes = turn_on(browser)
    check_picture(browser.directory + "/qr.png", user.address, secret)
    # POP: application passwords alone.
    assert refused(user)
    assert messages(user, phone) == []
    # The page: a code, once; a recovery code, once, as people type it.
    assert not sign_in_again(browser, user, used)
    code = wait_until(lambda: next(
        (code for code in [code_of(secret)] if code != used), None),
        "the code stays the same", 60)
    assert sign_in_again(browser, user, code)
    assert not sign_in_again(browser, user, code)
    told = browser.find("[role=alert]").text
    assert "the next one" in told and "recovery code" not in told
    assert sign_in_again(browser, user, codes[0].upper().replace("-", " "))
    browser.press("Security")
    assert "that are left: 9." in browser.text()
    assert not sign_in_again(browser, user, codes[0])
    told = browser.find("[role=alert]").text
    assert told.startswith("This recovery code") and "next one" not in told
    assert sign_in_again(browser, user, codes[1])
    browser.press("Security")
    browser.press("Turn two-factor off")
    browser.fill(password="secret")
    browser.press("Turn two-factor off")
    assert "Two-factor is off." in browser.text()
    assert messages(user) == []


def test_invitation(server, browser, site):
    """Somebody without a password gets in by the link, once, and sets one."""
    account = server.add_account()
    server.ctl("set", account.address, "password=none")
    link = server.ctl("invite", account.address).stdout.split()[-1]
    query = urllib.parse.urlsplit(link).query
    # Programs that look at links do not use it up.
    for _ in range(2):
        assert site.curl("/pop?" + query).status == 200
    browser.get("/pop/?" + query)
    assert account.address in browser.text()
    browser.press("Sign in")
    assert browser.path() == "/pop/password"
    assert "You are in by your invitation" in browser.text()
    assert browser.find_all("#password") == []
    browser.fill(new="my first password", again="my first password")
    browser.press("Save the new password")
    assert messages(account, "my first password") == []
    browser.press("Sign out")
    browser.get("/pop/?" + query)
    browser.press("Sign in")
    assert "expired, or was used already" in browser.text()


def test_not_me(browser, user):
    password = make_password(browser, "phone")
    intruder = user.server.connect().login(user.address, password)
    browser.press("Activity")
    assert 'by the application password "phone"' in browser.text()
    browser.press("That was not me")
    browser.press("Cut everybody off")
    assert browser.path().startswith("/pop/security")
    assert "Everybody is cut off" in browser.text()
    intruder.rest()
    assert refused(user, password)


def test_activity(browser, user):
    choose(browser, "delete", "0")
    user.maildir.deliver(message("mail"))
    messages(user, delete=True)
    make_password(browser, "phone")
    browser.press("Activity")
    text = browser.text()
    for one in ("signed in by the password",
                'saved "When my mail program deletes a message": "Keep a copy',
                'made the application password "phone"'):
        assert "on this page, from 127.0.0.1: " + one in text
    assert "from 127.0.0.1, by the password of your mailbox" in text
    assert "which was kept" in text
    assert "messages fetched: 1 (" in text
    user.server.ctl("purge", "-o", "0", user.address)
    browser.press("Activity")
    assert "the administrator: deleted for good what had been kept for " \
        "long enough: 1" in browser.text()
    browser.press("Overview")
    assert "from 127.0.0.1, by the password of your mailbox" in \
        browser.text()


# Files for mail programs.

def test_client_files(server, browser, user, site):
    browser.press("Set up a mail program")
    assert "smtp.example.com" in browser.text()
    cookie = browser.driver.get_cookie("__Host-pop3")
    assert cookie["httpOnly"] and cookie["secure"]
    assert cookie["sameSite"] == "Strict"
    header = ["-H", "Cookie: __Host-pop3=" + cookie["value"]]
    answer = site.curl("/pop/clients/autoconfig.xml", *header)
    assert answer.header("Content-Type").startswith("text/xml")
    assert answer.body == server.ctl("client-settings", "-x",
                                     user.address).stdout
    answer = site.curl("/pop/clients/mail.mobileconfig", *header)
    assert answer.header("Content-Type") == \
        "application/x-apple-aspen-config"
    assert answer.body == server.ctl("client-settings", "-m",
                                     user.address).stdout
    browser.press("Profile with a new password")
    browser.fill(password="secret")
    browser.find("main form button").click()
    path = os.path.join(browser.directory, "mail.mobileconfig")
    wait_until(lambda: os.path.exists(path), "no profile comes", 60)
    with open(path, "rb") as f:
        payload, = plistlib.load(f)["PayloadContent"]
    assert payload["IncomingMailServerUsername"] == user.address
    user.maildir.deliver(message("mail"))
    assert subjects(user, password=payload["IncomingPassword"]) == ["mail"]
    browser.press("Application passwords")
    assert "iPhone, iPad or Mac" in browser.text()


# What everybody sees, whatever he sees it by.

PAGES = ["", "passwords", "passwords/new", "kept", "activity", "not-me",
         "clients", "clients/profile", "security", "password", "two-factor",
         "two-factor/off", "recovery"]
LOOKS = [(width, dark) for width in (320, 512, 1024) for dark in (False, True)]
AXE = [os.path.join(path, "axe-core/axe.min.js") for path in (
    os.environ.get("NODE_PATH", ""), "/usr/lib/node_modules",
    "/usr/local/lib/node_modules", "/usr/share/nodejs")]


def axe_script():
    path = next((path for path in AXE if os.path.exists(path)), None)
    if path is None:
        return None
    with open(path) as f:
        return f.read()


def check_access(browser, script, where):
    """axe-core's findings, of WCAG 2.2's A and AA and of its best practices."""
    browser.driver.execute_script(script)
    found = browser.driver.execute_async_script(
        "const done = arguments[0]; axe.run(document, {resultTypes:"
        " ['violations']}).then(r => done(r.violations.map(v => v.id + ': ' +"
        " v.nodes.map(n => n.html).join(' | '))))")
    assert found == [], where


def check_page(browser, script, name):
    """Nothing is wider than the window, whatever it is; and a picture."""
    os.makedirs(PICTURES, exist_ok=True)
    for width, dark in LOOKS:
        browser.look(width, dark)
        look = "%s-%d-%s" % (name, width, "dark" if dark else "light")
        assert browser.driver.execute_script(
            "return document.documentElement.scrollWidth") <= width, look
        browser.screenshot("%s/%s.png" % (PICTURES, look))
        if script is not None and (width, dark) in ((320, False),
                                                    (1024, True)):
            check_access(browser, script, look)
    assert [entry["message"] for entry in browser.driver.get_log("browser")
            if "Content Security Policy" in entry["message"]] == []


def prepare(server, browser):
    """An account with something on each page."""
    account = server.add_account()
    server.ctl("set", account.address, "auto-delete=no")
    for subject in ("one", "<b>two</b> " + "w" * 150):
        account.maildir.deliver(message(subject))
    messages(account, delete=True)
    server.ctl("app-password", "add", "-r", "-n", "2001:db8::/32", "-e",
               "+30d", account.address, "L" * 63)
    return account


def test_every_page(server, browser):
    """Readable at 320 pixels, at 200 % (512 of 1,024), in light and dark,
    without a finding of axe-core's."""
    script = axe_script()
    account = prepare(server, browser)
    browser.get("/pop/sign-in")
    check_page(browser, script, "sign-in")
    browser.fill(user="nobody@example.com", password="secret")
    browser.press("Sign in")
    check_page(browser, script, "sign-in-refused")
    sign_in(browser, account)
    for page in PAGES:
        browser.get("/pop/" + page)
        assert browser.path() == "/pop/" + page
        check_page(browser, script, page.replace("/", "-") or "overview")
    make_password(browser, "phone")
    check_page(browser, script, "made")
    browser.get("/pop/two-factor")
    browser.fill(password="secret")
    browser.press("Show the code to scan")
    check_page(browser, script, "two-factor-scan")
    browser.fill(code=code_of(browser.find(".secret").text.replace(" ", "")))
    browser.press("Turn two-factor on")
    check_page(browser, script, "recovery-codes")
    browser.press("Sign out")
    sign_in(browser, account)
    check_page(browser, script, "code")
    link = server.ctl("invite", account.address).stdout.split()[-1]
    browser.get("/pop/?" + urllib.parse.urlsplit(link).query)
    check_page(browser, script, "invitation")
    browser.get("/pop/nothing")
    check_page(browser, script, "no-such-page")
    if script is None:
        pytest.skip("axe-core is not installed: npm install -g axe-core")


def test_keyboard(browser, server):
    """Signed in and on by Tab, blank and Enter, in the order of the page; and
    what has the focus can be seen."""
    from selenium.webdriver.common.keys import Keys
    account = server.add_account()
    browser.get("/pop/sign-in")

    def focus():
        return browser.driver.switch_to.active_element

    def tab(*texts):
        focus().send_keys(*texts, Keys.TAB)
        assert browser.driver.execute_script(
            "return getComputedStyle(document.activeElement).outlineStyle"
        ) != "none"

    browser.find("body").send_keys(Keys.TAB)
    assert focus().get_attribute("href").endswith("#main")
    tab()
    tab(account.address)
    tab("secret")
    assert focus().tag_name == "button"
    before = browser.find("html")
    focus().send_keys(Keys.ENTER)
    browser.wait_gone(before)
    assert browser.path() == "/pop/"
    browser.find("body").send_keys(Keys.TAB)
    order = []
    for _ in range(13):
        tab()
        order.append(focus().text.split("\n")[0] or
                     focus().get_attribute("id"))
    assert order == ["Sign out", "Overview", "Application passwords",
                     "Kept mail", "Activity", "Set up a mail program",
                     "Security", "access-1", "delete-1", "keep-0",
                     "spam-0", "read-0", "Save"]


# Each web server, as the manual has it.

@pytest.mark.parametrize("name", sorted(web.SERVERS))
def test_web_servers(server, make_site, name):
    """Signed in, a switch, and out again; and nothing is lost on the way."""
    site = make_site(name)
    account = server.add_account()
    agent = Agent(site)
    assert agent.get("/pop").header("Location") == "/pop/sign-in?then="
    assert agent.get("/pop/passwords").header("Location") == \
        "/pop/sign-in?then=passwords"
    answer = agent.post("/pop/sign-in", user=account.address,
                        password="secret", then="passwords")
    assert answer.header("Location") == "/pop/passwords"
    answer = agent.get("/pop/passwords")
    assert answer.status == 200 and "There is none yet." in answer.body
    for line, value in web.STRICT.items():
        assert answer.header(line) == value
    assert agent.post("/pop/", spam="2").header("Location") == \
        "/pop/?done=saved"
    assert re.search(r"spam\W+only",
                     server.ctl("show", account.address).stdout)
    answer = site.curl("/.well-known/change-password")
    assert answer.status == 302
    assert answer.header("Location").endswith("/pop/password")
    assert site.curl("/pop/style-1.css").header("Content-Type") == \
        "text/css; charset=utf-8"
    assert site.curl("/popular").status == 404
    assert site.curl("/pop/sign-in", data=b"a=" + b"b" * 10000000
                     ).status == 413
    assert site.curl("/pop/sign-in", data=b"user=%00").status == 400
    agent.post("/pop/sign-out")
    assert agent.cookie is None
    assert agent.get("/pop/").status == 303


# What others try.

@pytest.fixture
def agent(site):
    return Agent(site)


def shown(account):
    return account.server.ctl("show", account.address).stdout


def goes_to_sign_in(answer):
    return answer.status == 303 and answer.header("Location").startswith(
        "/pop/sign-in")


def test_refusals_are_the_same(server, agent):
    """An account that is not there, a wrong password, an application password,
    and one that may not use the page."""
    right, off = server.add_account(), server.add_account()
    server.ctl("set", off.address, "self-service=no")
    phone = server.ctl("app-password", "add", right.address,
                       "phone").stdout.split()[-1]
    bodies = set()
    for address, password in ((right.address, "wrong"),
                              (right.address, phone),
                              (off.address, "secret"),
                              ("nobody@example.com", "secret")):
        answer = agent.post("/pop/sign-in", user=address, password=password)
        assert answer.status == 200 and agent.cookie is None
        bodies.add(answer.body.replace(address, "ADDRESS"))
    assert len(bodies) == 1
    assert agent.sign_in(right).status == 303 and agent.cookie


@pytest.mark.parametrize("name", ["nginx", "lighttpd", "apache"])
def test_refusals_hold_nobody_up(server, settings, make_site, name):
    """Pages come while eight are being refused again and again: each would
    be the ninth, where one thing is done after the other."""
    server.add_account()
    site = make_site(name)
    refused = []

    def guess(_):
        for _ in range(4):
            answer = site.curl("/pop/sign-in", data=b"user=a&password=b")
            assert 'id="wrong"' in answer.body
            refused.append(answer)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        guesses = pool.map(guess, range(8))
        wait_until(settings.pids, "nobody guesses")
        for _ in range(3):
            assert site.curl("/pop/sign-in").status == 200
        assert len(refused) < 16
        assert list(guesses) == 8 * [None]


def test_cookies_that_are_none(server, site):
    account, other = server.add_account(), server.add_account()
    agent = Agent(site)
    agent.sign_in(account)
    good, before = agent.cookie, shown(account)
    forged = ["x", "a" * 511, "a" * 600, good[:-1], good + "A",
              good + "=", good.swapcase()]
    forged += [good[:n] + ("A" if good[n] != "A" else "B") + good[n + 1:]
               for n in range(0, len(good), 7)]
    for cookie in forged:
        assert goes_to_sign_in(Agent(site, cookie).get("/pop/")), cookie
        assert goes_to_sign_in(Agent(site, cookie).post("/pop/", spam="2"))
    # Two of them are none, wherever the other one comes from.
    twice = Agent(site, good + "; __Host-pop3=" + good)
    assert goes_to_sign_in(twice.post("/pop/", spam="2"))
    assert shown(account) == before
    # It is this account's, whoever is named.
    assert agent.post("/pop/", spam="2", user=other.address,
                      address=other.address).status == 303
    assert "only" in shown(account) and "only" not in shown(other)
    # After signing out it is nobody's, and so are those before it.
    used = [good, agent.cookie]
    agent.post("/pop/sign-out")
    for cookie in used:
        assert goes_to_sign_in(Agent(site, cookie).get("/pop/"))


def test_fixation(server, site):
    """Whoever has planted a cookie does not know the one that counts."""
    account, mine = server.add_account(), server.add_account()
    planter = Agent(site)
    planter.sign_in(mine)
    planted = planter.cookie
    victim = Agent(site, planted)
    victim.sign_in(account)
    assert victim.cookie != planted
    assert account.address in victim.get("/pop/").body
    assert account.address not in Agent(site, planted).get("/pop/").body


def test_forms_of_other_sites(server, browser, user):
    """By the browser, which is signed in, from a page elsewhere; and as a
    browser could say where it comes from."""
    before = shown(user)
    browser.driver.get(
        "data:text/html,<form method=post action='%s/pop/'><input name=spam "
        "value=2><button>Win</button></form>" % browser.site.url)
    browser.click(browser.find("button"))
    assert "from another site" in browser.text()
    cookie = browser.driver.get_cookie("__Host-pop3")
    for lines in (["Origin: https://evil.example"],
                  ["Sec-Fetch-Site: cross-site"],
                  ["Origin: https://mail.example.com"],
                  ["Sec-Fetch-Site: same-site"]):
        answer = browser.site.curl(
            "/pop/", "-H", "Cookie: __Host-pop3=" + cookie["value"],
            "--data-binary", "spam=2", *(word for line in lines
                                         for word in ("-H", line)))
        assert answer.status == 403
    assert shown(user) == before


def test_guesses(server, settings, site):
    """A hundred: none is good, each takes its second, and the log has all."""
    account = server.add_account()
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda n: Agent(site).post(
            "/pop/sign-in", user=account.address, password="guess%d" % n),
            range(100)))
    for answer in answers:
        assert answer.status == 200 and 'role="alert"' in answer.body
        assert (answer.cookie() or [""])[0] == ""
    assert time.monotonic() - start >= 10
    wait_until(lambda: settings.log().count("login refused") == 100,
               "they are not in the log")
    assert "peer=127.0.0.1" in settings.log()


def hidden(answer, name):
    return re.search(r'name="%s" value="([^"]*)"' % name,
                     answer.body).group(1)


def test_guesses_of_codes(server, agent):
    """After some wrong ones the right one is none, for a while."""
    account = server.add_account()
    agent.sign_in(account)
    answer = agent.post("/pop/two-factor", password="secret")
    secret = hidden(answer, "secret")
    answer = agent.post("/pop/two-factor/confirm", secret=secret,
                        issuer=hidden(answer, "issuer"),
                        code=code_of(secret))
    recovery = re.search(r"<li>([^<]*)</li>", answer.body[
        answer.body.index('class="codes"'):]).group(1)
    agent.post("/pop/sign-out")
    agent.sign_in(account)
    for _ in range(20):
        answer = agent.post("/pop/code", code="000000")
        if "Too many" in answer.body:
            break
    assert "Too many" in answer.body
    answer = agent.post("/pop/code", code=recovery)
    assert answer.status == 200 and "Too many" in answer.body
    assert goes_to_sign_in(agent.get("/pop/"))


def test_whoever_may_no_more_is_out(server, site):
    """What the administrator does counts for who is signed in, too."""
    for setting in ("self-service=no", "password=none"):
        account = server.add_account()
        agent = Agent(site)
        agent.sign_in(account)
        assert agent.get("/pop/").status == 200
        server.ctl("set", account.address, setting)
        before = shown(account)
        assert goes_to_sign_in(agent.post("/pop/", spam="2"))
        assert goes_to_sign_in(agent.get("/pop/"))
        assert shown(account) == before


def test_what_strangers_write_is_text(server, browser):
    """A subject, a label, and a journal that its owner has forged."""
    evil = "</li><script>document.title='evil'</script>"
    user = server.add_account()
    server.ctl("set", user.address, "auto-delete=no")
    user.maildir.deliver(message(evil))
    messages(user, delete=True)
    server.ctl("app-password", "add", user.address, evil)
    sign_in(browser, user)
    with open(os.path.join(user.maildir.path, "pop3d/journal"), "a") as f:
        f.write("time=2026-11-28T10:00:00Z event=login peer=<b>x</b> "
                "label=%s service=pop\n" % evil)
    for page in PAGES:
        browser.get("/pop/" + page)
        assert browser.find_all("script") == []
        assert "evil" not in browser.driver.title
    browser.get("/pop/kept")
    assert evil in browser.text()
    browser.get("/pop/passwords")
    assert evil in browser.text()
    browser.get("/pop/activity")
    assert evil in browser.text()
