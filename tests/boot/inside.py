"""pop3d, pop3sasl and pop3settings where systemd is process 1: run by it, after
each of two boots.  Postfix is set up by what pop3sasl(8) has for it, as it was
installed.

With the word "memory" as process 1's child, where there is neither: inetd
starts both, and who asks pop3sasl is this program.
"""

import base64
import glob
import gzip
import os
import poplib
import re
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time
import traceback

HOST = "mail.example.com"
BOOTED = "/root/booted"
PHONE = "/root/phone"  # its application password
MAILDIRS = {"vmail": "/var/vmail/example.com/you/Maildir",
            "local": "/home/local/Maildir"}
PER_SOURCE = 20  # etc/pop3d.socket
YOU = "you@example.com"
SOCKET = "/var/spool/postfix/private/pop3sasl"
PAGE = "/usr/lib/cgi-bin/pop3web"


def say(text):
    print("inside: " + text, flush=True)


def run(command, check=True):
    done = subprocess.run(command, shell=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if check:
        assert done.returncode == 0, command + ": " + done.stdout
    return done.stdout.strip()


def listens():
    return ":995 " in run("ss -ltn")


def connections():
    return int(run("systemctl show --value -p NConnections pop3d.socket"))


def wait(condition, what):
    end = time.monotonic() + 600
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.2)


def trust():
    return ssl.create_default_context(cafile="/etc/ssl/mail.crt")


def tls():
    return trust().wrap_socket(socket.create_connection(("127.0.0.1", 995)),
                               server_hostname=HOST)


class Client(poplib.POP3_SSL):
    def __init__(self, user, password):
        super().__init__(HOST, 995)
        self.user(user)
        self.pass_(password)

    def _create_socket(self, timeout):
        return tls()

    def vanish(self):
        self.file.close()
        self.sock.close()


def refused(user, password):
    try:
        Client(user, password)
    except poplib.error_proto as error:
        assert b"[AUTH]" in error.args[0]
    else:
        raise AssertionError(user + " was let in")


def certify():
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
        "-nodes -days 90 -subj /CN=%s -addext subjectAltName=DNS:%s "
        "-keyout /etc/ssl/private/mail.key -out /etc/ssl/mail.crt 2>&1 && "
        "chmod 600 /etc/ssl/private/mail.key" % (HOST, HOST))


def add_accounts(*users):
    """One account, and eight messages for each user."""
    run("echo secret | pop3ctl add " + YOU)
    with open(PHONE, "w") as f:
        f.write(run("pop3ctl app-password add %s phone" % YOU))
    assert run("pop3d -n") == "configuration OK"
    for user in users:
        maildir = MAILDIRS[user]
        run("mkdir -p %s/new %s/cur %s/tmp" % (maildir, maildir, maildir))
        for number in range(8):
            append("%s/new/%d.M1P1.host" % (maildir, 1700000000 + number),
                   "Subject: %d\n\n.dot\n" % number)
        run("chown -R %s: %s" % (user, maildir))


def install():
    """The package starts nothing; then all that its manual asks for."""
    run("dpkg -i /root/pop3d.deb")
    assert not listens()
    assert run("systemctl is-enabled pop3d.socket", False) == "disabled"
    assert "keypair" in open("/etc/pop3d.conf").read()
    assert ":14: owner: there is no user vmail" in run("pop3d -n", False)
    run("useradd -r -m -d /var/vmail -s /usr/sbin/nologin vmail")
    run("useradd -m -s /bin/bash local && echo local:geheim | chpasswd")
    certify()
    run("sed -i 's/^#hostname/hostname/; s/^#auth/auth/' /etc/pop3d.conf")
    add_accounts(*MAILDIRS)
    run("systemctl enable --now pop3d.socket")


def check_boxes():
    """Of an idle session: the store and the session, none of them root."""
    mine = {}
    for pid in run("pgrep -x pop3d").split():
        text = open("/proc/%s/status" % pid).read()
        mine[re.search(r"^Uid:\s+(\d+)", text, re.M).group(1)] = pid
        assert re.search(r"^CapEff:\s+0+$", text, re.M), text
        assert re.search(r"^NoNewPrivs:\s+1$", text, re.M), text
        assert re.search(r"^Seccomp:\s+2$", text, re.M), text
    session = mine.pop(run("id -u _pop3d"))
    assert list(mine) == [run("id -u vmail")]
    assert os.readlink("/proc/%s/root" % session) == "/var/empty"
    assert len(os.listdir("/proc/%s/fd" % session)) <= 5


def fetch(user, password, maildir, look=None):
    """Reads and deletes one message, for good."""
    before = len(glob.glob(maildir + "/*/17*"))
    client = Client(user, password)
    assert client.stat()[0] == before
    assert client.retr(1)[1][-1] == b".dot"
    client.dele(1)
    if look:
        look()
    client.quit()
    assert len(glob.glob(maildir + "/*/17*")) == before - 1


def sessions():
    phone = open(PHONE).read()
    fetch("you@example.com", "secret", MAILDIRS["vmail"], check_boxes)
    fetch("you@example.com", phone, MAILDIRS["vmail"])
    fetch("local", "geheim", MAILDIRS["local"])
    fetch("local@" + HOST, "geheim", MAILDIRS["local"])
    for user in ("you@example.com", "local", "root", "nobody@example.com"):
        refused(user, "wrong")


# Sending.

def manual(before):
    """The example of pop3sasl(8) that comes behind these words."""
    with gzip.open("/usr/share/man/man8/pop3sasl.8.gz", "rt") as f:
        return re.search(before + r".*?\n\.Bd.*?\n(.*?)\.Ed", f.read(),
                         re.S).group(1)


def append(path, text):
    with open(path, "a") as f:
        f.write(text)


def command(before):
    with gzip.open("/usr/share/man/man8/pop3sasl.8.gz", "rt") as f:
        run(re.search(r"\.Dl # (%s.*)" % before, f.read()).group(1))


def set_up_postfix():
    """What it delivers to and its certificate; the rest is the manual's."""
    vmail = run("id -u vmail"), run("id -g vmail")
    append("/etc/postfix/mailboxes", YOU + " example.com/you/Maildir/\n")
    run("postconf -e inet_protocols=ipv4 mydestination= "
        "virtual_mailbox_domains=example.com virtual_mailbox_base=/var/vmail virtual_mailbox_maps=texthash:/etc/"
        "postfix/mailboxes virtual_uid_maps=static:%s virtual_gid_maps=static:"
        "%s smtpd_tls_cert_file=/etc/ssl/mail.crt "
        "smtpd_tls_key_file=/etc/ssl/private/mail.key" % vmail)
    assert run("pop3d -n") == "configuration OK"
    append("/etc/postfix/main.cf", manual(r"/etc/postfix/main\.cf"))
    append("/etc/postfix/master.cf", manual(r"/etc/postfix/master\.cf"))
    run(re.sub(r"^# ", "", manual("To make the first kind"), flags=re.M))
    assert "nobody answers at %s (No such file" % SOCKET in run("pop3d -n")
    command("systemctl enable --now pop3sasl")
    run("systemctl restart postfix")
    assert run("pop3d -n") == "configuration OK"


def log_in(user, password, port=465):
    """A connection that may send, or the code of the refusal."""
    if port == 465:
        smtp = smtplib.SMTP_SSL(HOST, port, context=trust())
    else:
        smtp = smtplib.SMTP(HOST, port)
        smtp.starttls(context=trust())
    try:
        smtp.login(user, password)
    except smtplib.SMTPAuthenticationError as error:
        smtp.close()
        return error.smtp_code
    return smtp


def arrives(subject):
    """It is fetched by POP, and deleted."""
    wait(lambda: run("grep -l '^Subject: %s$' -r %s/new %s/cur" % (
        subject, MAILDIRS["vmail"], MAILDIRS["vmail"]), False), subject)
    client = Client(YOU, "secret")
    last = client.stat()[0]
    assert b"Subject: " + subject.encode() in client.retr(last)[1]
    client.dele(last)
    client.quit()


def send(user, password, port):
    smtp = log_in(user, password, port)
    subject = "sent at %f" % time.time()
    smtp.sendmail(YOU, [YOU], "Subject: %s\n\nby %d\n" % (subject, port))
    look_at_units()
    smtp.quit()
    arrives(subject)


def look_at_units():
    """While Postfix may ask: its processes, and how open systemd finds it."""
    units = run("systemctl list-units --no-legend --plain 'pop3sasl@*'")
    name = units.split()[0]
    told = run("systemd-analyze security --no-pager " + name)
    exposure = float(re.search(r"exposure level.*?: ([0-9.]+)",
                               told).group(1))
    assert exposure < 2.0, told
    # But for who asks the system, and who ends that one: auth system.
    uids = [re.search(r"^Uid:\s+(\d+)", open("/proc/%s/status" % pid).read(),
                      re.M).group(1) for pid in run(
                          "cat /sys/fs/cgroup/$(systemctl show --value -p "
                          "ControlGroup '%s')/cgroup.procs" % name).split()]
    assert sorted(uids) == sorted(["0", "0"] + 2 * [run("id -u _pop3d")])


def sending():
    """By the password of POP, and by the application password."""
    phone = open(PHONE).read()
    for user, password, port in ((YOU, "secret", 465), (YOU, phone, 587),
                                 (YOU.upper(), phone, 465)):
        send(user, password, port)
    log_in("local", "geheim").quit()
    for user in YOU, "local", "nobody@example.com":
        assert log_in(user, "wrong") == 535
    run("systemctl restart postfix")
    send(YOU, "secret", 587)
    run("pop3ctl set %s send=no" % YOU)
    assert log_in(YOU, "secret") == 535
    run("pop3ctl set %s send=yes" % YOU)
    # Without pop3sasl nobody is told that his password is wrong.
    run("systemctl stop pop3sasl.socket 'pop3sasl@*'")
    assert not os.path.exists(SOCKET)
    assert log_in(YOU, "secret") == 454
    run("systemctl start pop3sasl.socket")
    send(YOU, "secret", 465)
    text = run("journalctl -b --no-pager -t pop3sasl")
    for line in ("may send: user=you@example.com peer=127.0.0.1 mechanism=",
                 "service=smtp lip=127.0.0.1", "app-password=phone",
                 "may send: user=local", "reason=off", "reason=system"):
        assert line in text, line


def ask_page(path, form, cookie=""):
    """The cookie that pop3web has set for a form, as the web server's user."""
    variables = {
        "REQUEST_METHOD": "POST", "SCRIPT_NAME": "/pop", "PATH_INFO": path,
        "HTTPS": "on", "HTTP_HOST": HOST, "HTTP_SEC_FETCH_SITE": "same-origin",
        "REMOTE_ADDR": "192.0.2.7", "HTTP_COOKIE": "__Host-pop3=" + cookie,
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(form))}
    done = subprocess.run(
        ["setpriv", "--reuid", "www-data", "--regid", "www-data",
         "--clear-groups", PAGE], input=form, env=variables, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.stdout.startswith("Status: 303"), done.stdout
    return re.search(r"Set-Cookie: __Host-pop3=([^;]+);", done.stdout).group(1)


def page():
    """The socket starts what answers pop3web, with the unit's rights."""
    if not os.path.exists("/etc/systemd/system/sockets.target.wants/"
                          "pop3settings.socket"):
        run("systemctl enable --now pop3settings.socket")
    cookie = ask_page("/sign-in", "user=you%40example.com&password=secret")
    for n, word in ("1", "include"), ("0", "exclude"):
        cookie = ask_page("/", "spam=" + n, cookie)
        assert "spam=" + word in run("pop3ctl show " + YOU)
    wait(lambda: run("systemctl list-units -a --no-legend 'pop3settings@*'")
         == "", "a unit stays")
    told = run("pop3ctl journal " + YOU)
    for line in "event=signed-in", "what=spam value=exclude":
        assert line in told, told


def ends():
    """However a session ends, nothing of it stays."""
    for end in (Client.vanish, lambda client: run("pkill -9 -o pop3d"),
                lambda client: run("pkill -9 -n pop3d")):
        client = Client("you@example.com", "secret")
        end(client)
        wait(lambda: run("pgrep pop3d", False) == "", "a process stays")
        wait(lambda: run("systemctl list-units -a --no-legend 'pop3d@*'")
             == "", "a unit stays")


def limits():
    """One source has its share, and connects do not close the socket."""
    # An emulated machine takes longer than clients are given to log in.
    append("/etc/pop3d.conf", "timeout login 3600\n")
    held = []
    for _ in range(PER_SOURCE):
        held.append(tls())
        assert held[-1].recv(100).startswith(b"+OK ")
    try:
        tls().recv(100)
        raise AssertionError("one more than the share")
    except (ConnectionError, ssl.SSLError):
        pass
    for client in held:
        client.close()
    run("sed -i '/^timeout/d' /etc/pop3d.conf")
    for _ in range(300):
        socket.create_connection(("127.0.0.1", 995)).close()
    wait(lambda: connections() == 0, "connections stay")
    assert run("systemctl is-active pop3d.socket") == "active"
    Client("you@example.com", "secret").quit()


def check_sandbox(text):
    """What the log says of it."""
    missing = "sandbox: this system is without Landlock (Linux 5.13"
    assert (missing in text) == (not has_landlock()), text
    if has_landlock():
        assert "sandbox" not in text, text


def log():
    text = run("journalctl -b --no-pager -t pop3d")
    for line in ("login: user=you@example.com peer=127.0.0.1 tls=TLSv1.3",
                 "app-password=phone", "login refused: peer=127.0.0.1",
                 "reason=quit retrieved=1"):
        assert line in text, line
    check_sandbox(text)
    assert "Too many incoming" in run("journalctl -b --no-pager")
    assert run("systemctl --failed --no-legend") == ""


def has_landlock():
    return "landlock" in open("/sys/kernel/security/lsm").read()


def sandbox_required():
    """All of the sandbox, or nobody is served."""
    append("/etc/pop3d.conf", "sandbox required\n")
    if has_landlock():
        Client(YOU, "secret").quit()
    else:
        try:
            tls()
            raise AssertionError("a session without all of its sandbox")
        except (ConnectionError, ssl.SSLError):
            pass
        assert "refused, because the configuration says sandbox required" in \
            run("journalctl -b --no-pager -t pop3d")
    run("sed -i '/^sandbox/d' /etc/pop3d.conf")


def break_out():
    done = subprocess.run(["/root/unit/test_sandbox"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        print(done.stdout)
    attempts = re.findall(r"^\S.{29}  (?:killed|works|[A-Z(])", done.stdout,
                          re.M)
    say("%d attempts to break out, %s" % (len(attempts),
                                          done.stdout.splitlines()[-1]))
    assert done.returncode == 0 and len(attempts) > 50


def units():
    """The other unit tests."""
    bad = []
    for program in sorted(glob.glob("/root/unit/test_*")):
        if program.endswith("test_sandbox"):
            continue
        done = subprocess.run([program], cwd="/root/unit", text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode != 0:
            print(done.stdout)
            bad.append(program)
    assert not bad, bad


def remove():
    """An update changes nothing, a removal closes the port, mail stays."""
    run("dpkg -i /root/pop3d.deb")
    assert listens()
    assert run("systemctl is-enabled pop3d.socket") == "enabled"
    assert os.path.exists(SOCKET)
    run("dpkg -r pop3d")
    assert not listens()
    assert not os.path.exists(SOCKET)
    assert not os.path.exists("/run/pop3settings.socket")
    assert log_in(YOU, "secret") == 454
    run("dpkg -P pop3d")
    assert not glob.glob("/etc/*/pop3d*") + glob.glob("/etc/pop3d*")
    assert run("find /etc/systemd -name 'pop3d*'") == ""
    assert os.path.exists("/var/db/pop3d/accounts.db")
    assert glob.glob(MAILDIRS["vmail"] + "/cur/*")


# In memory: as process 1 has found it, which has mounted what there is.

class Log(threading.Thread):
    """Stands for syslogd, for those two: the unit tests log, too."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("/dev/log")
        os.chmod("/dev/log", 0o666)
        self.text = ""
        self.start()

    def run(self):
        while True:
            line = self.socket.recv(65536).decode()
            if re.search(r" pop3(?:d|sasl)\[", line):
                self.text += line + "\n"


def install_in_memory():
    """By dpkg, whose database is empty; then inetd's lines, all of them."""
    run("hostname mail")
    run("dpkg -i --force-depends /root/pop3d.deb")
    assert run("id -un _pop3d") == "_pop3d"
    run("useradd -r -m -k /dev/null -d /var/vmail -s /usr/sbin/nologin vmail")
    certify()
    run("sed -i 's/^#hostname/hostname/' /etc/pop3d.conf")
    add_accounts("vmail")
    append("/etc/services", "pop3s 995/tcp\n")
    with open("/usr/share/doc/pop3d/inetd.conf") as f:
        text = re.sub("^#(?=127)", "", f.read(), flags=re.M)
    append("/etc/inetd.conf", text)
    run("inetd")
    wait(listens, "inetd does not listen")


def session_in_memory():
    fetch(YOU, "secret", MAILDIRS["vmail"], check_boxes)
    fetch(YOU, open(PHONE).read(), MAILDIRS["vmail"])
    refused(YOU, "wrong")
    client = Client(YOU, "secret")
    client.vanish()
    wait(lambda: run("pgrep -x pop3d", False) == "", "a process stays")


def may_send(password):
    response = base64.b64encode(("\0%s\0%s" % (YOU, password)).encode())
    with socket.create_connection(("127.0.0.1", 12345)) as s:
        s.sendall(b"VERSION\t1\t1\nCPID\t1\nAUTH\t1\tPLAIN\tservice=smtp\t"
                  b"rip=192.0.2.1\tresp=" + response + b"\n")
        answers = s.makefile("r")
        for line in answers:
            if line.startswith(("OK\t1\tuser=" + YOU, "FAIL\t1\t")):
                return line.startswith("OK")
    raise AssertionError("no answer")


def sending_in_memory():
    assert may_send("secret") and may_send(open(PHONE).read())
    assert not may_send("wrong")
    run("pop3ctl set %s send=no" % YOU)
    assert not may_send("secret")


def in_memory():
    syslog = Log()
    steps(break_out, install_in_memory, session_in_memory,
          sending_in_memory, units)
    for line in ("login: user=" + YOU, "may send: user=" + YOU,
                 "reason=password", "reason=off", "reason=quit"):
        assert line in syslog.text, syslog.text
    check_sandbox(syslog.text)
    say("all is good")


def steps(*functions):
    for function in functions:
        function()
        say(function.__name__ + ": good")


def main():
    say(run("uname -mr"))
    if sys.argv[1:] == ["memory"]:
        in_memory()
        return
    if not os.path.exists(BOOTED):
        steps(install, sessions, set_up_postfix, sending, page, ends, limits,
              log, sandbox_required, break_out, units)
        open(BOOTED, "w").close()
        run("systemctl --no-block reboot")
        return
    assert listens()
    steps(sessions, sending, page, remove)
    say("all is good")
    run("systemctl --no-block poweroff")


try:
    main()
except BaseException:
    traceback.print_exc()
    run("journalctl -b --no-pager -t pop3d | tail -n 20 >/dev/ttyS0", False)
    run("systemctl --no-block poweroff", False)
