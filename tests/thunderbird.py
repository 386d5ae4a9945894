"""Thunderbird, without a screen, as one of the clients that leave mail on the
server: told what to do by its own remote protocol, Marionette.
"""

import json
import os
import re
import signal
import subprocess

from daemon import free_port, wait_until
from marionette import Marionette
import processes
from test_clients import Poller, unix

PREFERENCES = {
    "mail.accountmanager.accounts": "account1",
    "mail.accountmanager.defaultaccount": "account1",
    "mail.account.account1.identities": "id1",
    "mail.account.account1.server": "server1",
    "mail.identity.id1.useremail": "you@example.com",
    "mail.identity.id1.valid": True,
    "mail.server.server1.type": "pop3",
    "mail.server.server1.hostname": "localhost",
    "mail.server.server1.name": "here",
    "mail.server.server1.socketType": 3,  # TLS from the first octet
    "mail.server.server1.authMethod": 3,  # a password in the clear within
    "mail.server.server1.delete_mail_left_on_server": False,
    "mail.server.server1.check_new_mail": False,
    "mail.server.server1.login_at_startup": False,
    "mail.server.server1.download_on_biff": False,
    "mail.shell.checkDefaultClient": False,
    "mail.spotlight.firstRunDone": True,
    "mail.biff.show_alert": False,
    "mailnews.start_page.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "network.proxy.type": 0,
    "remote.prefs.recommended": False,
}

# It trusts this certificate; the folder's file is where the mail is.
GET = """
    const [password, port, certificate] = args;
    const { MailServices } = ChromeUtils.importESModule(
        "resource:///modules/MailServices.sys.mjs");
    const server = MailServices.accounts.accounts[0].incomingServer;
    const database = Cc["@mozilla.org/security/x509certdb;1"]
        .getService(Ci.nsIX509CertDB);
    Cc["@mozilla.org/security/certoverride;1"]
        .getService(Ci.nsICertOverrideService)
        .rememberValidityOverride("localhost", port, {},
            database.constructX509FromBase64(certificate), true);
    server.password = password;
    const inbox = server.rootFolder.getFolderWithFlags(
        Ci.nsMsgFolderFlags.Inbox);
    const status = await new Promise(done =>
        MailServices.pop3.GetNewMail(null, {
            QueryInterface: ChromeUtils.generateQI(["nsIUrlListener"]),
            OnStartRunningUrl() {},
            OnStopRunningUrl(url, code) { done(code); },
        }, inbox, server));
    return [status, inbox.filePath.path];
"""


class Thunderbird(Poller):
    """One profile, for which it is started at each poll."""

    def __init__(self, account, home):
        super().__init__(account, home)
        self.profile = home + "/profile"
        os.mkdir(self.profile)
        self.read = 0
        self.box = None

    def start(self, delete):
        port = free_port()
        values = {**PREFERENCES, "marionette.port": port,
                  "mail.server.server1.leave_on_server": not delete,
                  "mail.server.server1.userName": self.account.address,
                  "mail.server.server1.port": self.server.port}
        with open(self.profile + "/user.js", "w") as f:
            f.writelines("user_pref(%s, %s);\n" % (
                json.dumps(name), json.dumps(value))
                for name, value in values.items())
        process = subprocess.Popen(
            ["thunderbird", "--headless", "--marionette",
             "--remote-allow-system-access", "--no-remote", "--profile",
             self.profile], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": self.home,
                 "LANG": "C.UTF-8", "MOZ_HEADLESS": "1",
                 "MOZ_CRASHREPORTER_DISABLE": "1"})
        return process, port

    def poll(self, delete):
        process, port = self.start(delete)
        try:
            wait_until(lambda: processes.listening(port),
                       "Thunderbird does not start", 120)
            self.get(port)
            process.wait(120)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(60)

    def get(self, port):
        with open(self.server.keypair[0]) as f:
            certificate = "".join(f.read().split("\n")[1:-2])
        remote = Marionette(port, 300)
        status, self.box = remote.run(GET, self.account.password,
                                      self.server.port, certificate)
        assert status == 0, status
        remote.command("Marionette:Quit", {"flags": ["eAttemptQuit"]})
        remote.close()

    def fetched(self):
        """What has come to its inbox, an mbox, since the last call."""
        with open(self.box, "rb") as f:
            f.seek(self.read)
            data = f.read()
        self.read += len(data)
        found = re.split(rb"(?m)^From - .*\n(?=X-)", data)[1:]
        return [re.sub(rb"(?m)^>(>*From )", rb"\1", re.sub(
            rb"\A(X-(Account-Key|UIDL|Mozilla-\S*): .*\n)*", b"", message))
            for message in found]

    @staticmethod
    def stored(data):
        """With an empty line behind it, as an mbox has."""
        return unix(data) + b"\r\n"
