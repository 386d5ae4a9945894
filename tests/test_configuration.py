"""pop3d -n: each thing that can be wrong is named, with its mend."""

import os
import re
import shutil
import subprocess
import time

import pytest

from daemon import (POP3CTL, POP3D, ROOT, STATIC, is_of_libressl, make_certificate,
                    owner, temporary_directory)


class Configuration:
    """Files that are right, until a test spoils one of them."""

    def __init__(self):
        self.directory = temporary_directory()
        self.file = self.path("pop3d.conf")
        self.accounts = self.path("accounts.db")
        self.cert, self.key = make_certificate(self.directory)
        self.lines = ["hostname mail.example.com",
                      "keypair %s %s" % (self.cert, self.key),
                      "accounts " + self.accounts,
                      "maildir %s/mail/%%d/%%u" % self.directory,
                      "owner " + owner().pw_name]
        os.mkdir(self.path("mail"))
        if ROOT:
            os.chown(self.path("mail"), owner().pw_uid, owner().pw_gid)
        self.write()
        subprocess.run([POP3CTL, "-f", self.file, "add", "you@example.com"],
                       input="secret\n", text=True, check=True,
                       capture_output=True)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, *more):
        with open(self.file, "w") as f:
            f.write("\n".join([*self.lines, *more]) + "\n")

    def replace(self, keyword, line):
        self.lines = [line if old.startswith(keyword + " ") else old
                      for old in self.lines]
        self.write()

    def check(self, **keywords):
        """(exit status, standard output, standard error)."""
        done = subprocess.run([POP3D, "-n", "-f", self.file], text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=60, **keywords)
        return done.returncode, done.stdout, done.stderr

    def wrong(self, message, line=None, **keywords):
        """The check fails with this one line, which names file and line."""
        status, out, err = self.check(**keywords)
        assert (status, out) == (1, "")
        where = self.file if line is None else "%s:%d" % (self.file, line)
        assert err == "%s: %s\n" % (where, message)

    def good(self):
        assert self.check() == (0, "configuration OK\n", "")


@pytest.fixture
def conf():
    conf = Configuration()
    yield conf
    shutil.rmtree(conf.directory)


def test_good(conf):
    conf.good()


def test_all_keywords(conf):
    """With comments, blanks, quotes, and CRLF of another system."""
    other = make_certificate(conf.directory, "pop.example.com")
    os.rename(other[0], conf.path("with blank.crt"))
    conf.write(
        "", "# a comment", "\t  # another", 'keypair "%s" %s # the third'
        % (conf.path("with blank.crt"), other[1]),
        "junk .Spam", "user " + ("_pop3d" if ROOT else owner().pw_name),
        "outgoing smtp.example.com 465 tls",
        "outgoing smtp.example.com 587 starttls", "timeout login 60",
        "timeout idle\t600\r", "max-failures 3", "auth accounts",
        "notify new-login",
        '"hostname" mail.example.com', "maildir ~/Maildir")
    conf.good()


def test_longest_name_of_a_host(conf):
    name = ".".join(3 * [63 * "x"] + [61 * "y"])
    conf.replace("hostname", "hostname " + name)
    conf.wrong("the certificate %s is not for %s, which is the hostname; get "
               "one that is, or change hostname" % (conf.cert, name), 2)


def test_no_file(conf):
    conf.file = conf.path("none.conf")
    conf.wrong("No such file or directory; pop3d.conf(5) tells what goes "
               "into it")


def test_directory(conf):
    conf.file = conf.directory
    status, out, err = conf.check()
    assert (status, out) == (1, "")
    assert "Is a directory" in err


def test_mended_step_by_step(conf):
    """One line at a time; when all is mended, it is good."""
    conf.write("nonsense")
    conf.wrong("nonsense is not a keyword; pop3d.conf(5) lists them", 6)
    conf.write()
    conf.good()


# Lines that are wrong in themselves.

LINES = [
    ("hostnaem x", "hostnaem is not a keyword; pop3d.conf(5) lists them"),
    ("HOSTNAME x", "HOSTNAME is not a keyword; pop3d.conf(5) lists them"),
    ("hostname", "write: hostname NAME"),
    ("hostname a b", "write: hostname NAME"),
    ('hostname ""', "hostname: the value is empty"),
    ('hostname "x', "the quote is not closed"),
    ("x" + 17 * " y", "more than 17 words; put a word with blanks in quotes"),
    ("proxy", "write: proxy NETWORK ..."),
    ("proxy 10.0.0.0/8 10.0.0.0/33", "proxy: 10.0.0.0/33 is not a network; "
     "give it like 10.0.0.0/8 or 2001:db8::/32"),
    ("\n".join(["proxy 10.0.0.1 10.0.0.2"] * 32 + ["proxy ::1"]),
     "proxy: more than 64 networks; put some together"),
    ("x" * 5000, "the line is longer than 4094 octets"),
    ("accounts db", "accounts: db is not an absolute path; begin it with a "
     "slash"),
    ("hostname " + 256 * "x", "hostname: the name of a host has at most 255 "
     "octets"),
    ('hostname "mail example"', 'hostname: "mail example" is not the name of '
     "a host; give it like mail.example.com"),
    ("maildir /m/%d/%n", "maildir: /m/%d/%n: only %d, %u, %a and %% are "
     "known"),
    ("maildir /m/%", "maildir: /m/%: only %d, %u, %a and %% are known"),
    ("maildir ~you/Maildir", "maildir: ~you/Maildir: the home of the owner "
     "is written ~/"),
    ("maildir Maildir", "maildir: Maildir is not an absolute path; begin it "
     "with a slash"),
    ("keypair /x", "write: keypair CERTIFICATE KEY [STAPLE]"),
    ("keypair /x y", "keypair: y is not an absolute path; begin it with a "
     "slash"),
    ("keypair /x /y z", "keypair: z is not an absolute path; begin it with "
     "a slash"),
    ("\n".join(["keypair /x /y"] * 32), "keypair: more than 32; remove some"),
    ("junk Junk", "junk: Junk is not a Maildir++ folder; name it like .Junk"),
    ("junk ..", "junk: .. is not a Maildir++ folder; name it like .Junk"),
    ("junk ./a", "junk: ./a is not a Maildir++ folder; name it like .Junk"),
    ("outgoing smtp.example.com", "write: outgoing HOST PORT tls|starttls"),
    ("outgoing x 0 tls", "outgoing: 0 is too small; give a number from 1 to "
     "65535"),
    ("outgoing x 65536 tls", "outgoing: 65536 is too large; give a number "
     "from 1 to 65535"),
    ("outgoing x 25 plain", "outgoing: plain is neither tls (port 465) nor "
     "starttls (port 587)"),
    ("\n".join(["outgoing x 465 tls"] * 5),
     "outgoing: more than 4; remove some"),
    ("timeout login never", "timeout: never is invalid; give a number from 1 "
     "to 3600"),
    ("timeout login 0", "timeout: 0 is too small; give a number from 1 to "
     "3600"),
    ("timeout login 60s", "timeout: 60s is invalid; give a number from 1 to "
     "3600"),
    ("timeout idle 86401", "timeout: 86401 is too large; give a number from "
     "1 to 86400"),
    ("timeout write 60", "timeout: write is neither login nor idle nor "
     "listener"),
    ("timeout idle", "write: timeout login|idle|listener SECONDS"),
    ("timeout listener -1", "timeout: -1 is too small; give a number from 0 "
     "to 86400"),
    ("max-sessions 0", "max-sessions: 0 is too small; give a number from 1 "
     "to 10000"),
    ("max-failures 101", "max-failures: 101 is too large; give a number "
     "from 1 to 100"),
    ("auth pam", "auth: pam is neither accounts nor system"),
    ("notify", "write: notify new-login"),
    ("notify all", "notify: all is not known; say new-login, or remove the "
     "line"),
    ("sandbox on", "sandbox: on is not known; say required, or remove the "
     "line"),
]


@pytest.mark.parametrize("line,message", LINES,
                         ids=[line[:25] for line, _ in LINES])
def test_line(conf, line, message):
    if line.startswith("keypair /x /y\n"):  # and not what is in them
        line = line.replace("/x /y", "%s %s" % (conf.cert, conf.key))
    conf.write(line)
    status, out, err = conf.check()
    lines = [told for told in err.splitlines() if ": warning: " not in told]
    assert (status, out) == (1, "")
    assert lines == ["%s:%d: %s" % (conf.file, 6 + line.count("\n"),
                                    message)]


# Files.

def test_no_keypair(conf):
    conf.replace("keypair", "#")
    conf.wrong("there is no keypair; add: keypair CERTIFICATE KEY")


@pytest.mark.parametrize("what", ["certificate", "key", "OCSP staple"])
def test_missing_file(conf, what):
    none = conf.path("none")
    words = {"certificate": [none, conf.key], "key": [conf.cert, none],
             "OCSP staple": [conf.cert, conf.key, none]}
    conf.replace("keypair", "keypair " + " ".join(words[what]))
    conf.wrong("%s %s: No such file or directory" % (what, none), 2)


def test_second_keypair(conf):
    """The line is its own."""
    conf.write("keypair %s %s" % (conf.path("none"), conf.key))
    conf.wrong("certificate %s: No such file or directory"
               % conf.path("none"), 6)


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o620, 0o666])
def test_key_open_to_others(conf, mode):
    os.chmod(conf.key, mode)
    conf.wrong("key %s can be read or changed by others; chmod 0600 %s"
               % (conf.key, conf.key), 2)
    os.chmod(conf.key, 0o600)
    conf.good()


def test_key_of_a_group(conf):
    """As Debian's ssl-cert has it."""
    os.chmod(conf.key, 0o640)
    conf.good()


@pytest.mark.skipif(not ROOT, reason="only root gives files away")
def test_key_that_is_not_roots(conf):
    """A warning: the unit has no right to read it."""
    os.chown(conf.key, owner().pw_uid, 0)
    status, out, err = conf.check()
    assert (status, out) == (0, "configuration OK\n")
    assert err.startswith("%s:2: warning: key %s is not root's; "
                          % (conf.file, conf.key)) and err.count("\n") == 1


def test_key_of_another_certificate(conf):
    other = make_certificate(conf.directory, "mail.example.org")
    conf.replace("keypair", "keypair %s %s" % (conf.cert, other[1]))
    status, out, err = conf.check()
    assert (status, out) == (1, "")
    assert re.fullmatch(re.escape(conf.file) + ":2: .*; does the key belong "
                        "to the certificate\\?\n", err), err


@pytest.mark.parametrize("which", ["cert", "key"])
def test_not_pem(conf, which):
    path = getattr(conf, which)
    with open(path, "w") as f:
        f.write("nonsense\n")
    status, out, err = conf.check()
    assert (status, out) == (1, "")
    assert err.startswith(conf.file + ":2: ") and err.count("\n") == 1


def test_expired_certificate(conf):
    subprocess.run(
        ["openssl", "x509", "-in", conf.cert, "-signkey", conf.key, "-days",
         "-1", "-out", conf.path("expired.crt")], check=True,
        capture_output=True)
    conf.replace("keypair", "keypair %s %s"
                 % (conf.path("expired.crt"), conf.key))
    conf.wrong("the certificate %s has expired; renew it"
               % conf.path("expired.crt"), 2)


def test_certificate_soon_to_expire(conf):
    """A warning, and yet all is good."""
    cert, key = make_certificate(conf.directory, days=5)
    conf.replace("keypair", "keypair %s %s" % (cert, key))
    status, out, err = conf.check()
    assert (status, out) == (0, "configuration OK\n")
    assert re.fullmatch(
        r"%s:2: warning: the certificate %s expires in 5 days; renew it\n"
        % (re.escape(conf.file), re.escape(cert)), err), err


# Users.

users = pytest.mark.parametrize("keyword", ["owner", pytest.param(
    "user", marks=pytest.mark.skipif(not ROOT, reason="root alone uses it"))])


@users
def test_unknown_user(conf, keyword):
    conf.lines = [line for line in conf.lines
                  if not line.startswith(keyword + " ")]
    conf.write(keyword + " nobody-of-this-name")
    conf.wrong("%s: there is no user nobody-of-this-name; create it, or "
               "name another" % keyword, len(conf.lines) + 1)


@users
def test_root_as_user(conf, keyword):
    conf.lines = [line for line in conf.lines
                  if not line.startswith(keyword + " ")]
    conf.write(keyword + " root")
    conf.wrong("%s: root is root; name another user" % keyword,
               len(conf.lines) + 1)


# Accounts.

def test_no_accounts(conf):
    os.unlink(conf.accounts)
    conf.wrong("accounts %s: No such file or directory; `pop3ctl add' makes "
               "the first" % conf.accounts, 3)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_accounts_open_to_others(conf, mode):
    os.chmod(conf.accounts, mode)
    conf.wrong("accounts %s: others than its owner have access; chmod 0600 "
               "%s" % (conf.accounts, conf.accounts), 3)


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_key_of_cookies_open_to_others(conf, mode):
    key = conf.path("cookie.key")
    conf.write("cookie-key " + key)
    assert conf.check()[0] == 0
    with open(key, "wb") as f:
        f.write(bytes(32))
    os.chmod(key, 0o600)
    assert conf.check()[0] == 0
    os.chmod(key, mode)
    conf.wrong("cookie-key %s: others than its owner have access; remove it, "
               "and a new one is made" % key, 6)


@pytest.mark.parametrize("content", [b"", b"nonsense\n" * 1000,
                                     b"\0" * 8192], ids=len)
def test_accounts_that_are_none(conf, content):
    with open(conf.accounts, "wb") as f:
        f.write(content)
    status, out, err = conf.check()
    assert (status, out) == (1, "")
    assert err.startswith(conf.file + ":3: accounts: " + conf.accounts), err


def test_accounts_with_a_damaged_page(conf):
    """In the middle, where the database can still be opened."""
    text = "".join("user%d@example.com maildir=%s/mail/example.com/you\n" % (
        n, conf.directory) for n in range(300))
    subprocess.run([POP3CTL, "-f", conf.file, "import", "-"], text=True,
                   input=text, check=True, capture_output=True)
    conf.good()
    with open(conf.accounts, "r+b") as f:
        f.seek(os.path.getsize(conf.accounts) // 4096 // 2 * 4096 + 1000)
        f.write(100 * b"x")
    status, out, err = conf.check()
    assert (status, out) == (1, "") and err.count("\n") == 1
    assert err.startswith("%s:3: accounts: %s: damaged (" % (
        conf.file, conf.accounts))


@pytest.mark.skipif(not (STATIC and ROOT),
                    reason="of a pop3d that is linked statically, and root")
@pytest.mark.parametrize("sources,unseen", [
    ("files", None), ("files systemd # sss", None),
    ("files [NOTFOUND=return] sss", "sss"), ("compat ldap", "compat")])
def test_linked_statically(conf, tmp_path, sources, unseen):
    """It loads nothing: users of /etc/passwd are all that it knows."""
    switch = tmp_path / "nsswitch.conf"
    switch.write_text("group: ldap\npasswd:\t%s\n" % sources)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", "mount --bind $1 /etc/nsswitch.conf && "
         "exec $2 -n -f $3", "sh", switch, POP3D, conf.file],
        text=True, capture_output=True)
    assert (done.returncode, done.stdout) == (0, "configuration OK\n")
    assert done.stderr == ("" if unseen is None else
        "/etc/nsswitch.conf: warning: this program is linked statically and "
        "knows no users from %s, only those of /etc/passwd; build it without "
        "STATIC=1\n" % unseen)


def test_system_alone(conf):
    """Where nobody looks at the accounts, none have to be."""
    os.unlink(conf.accounts)
    conf.write("auth system")
    # Other tests beside this one may make it, and remove it.
    there = {os.path.exists("/etc/pam.d/pop3d")}
    status, out, err = conf.check()
    there.add(os.path.exists("/etc/pam.d/pop3d"))
    assert (status, out) == (0, "configuration OK\n")
    if STATIC:
        assert err == (
            "%s: warning: auth system: this program is linked statically and "
            "cannot load PAM; build it without STATIC=1\n" % conf.file)
    else:
        assert (err == "") in there
        assert err in ("", "%s: warning: auth system: there is no "
                       "/etc/pam.d/pop3d, so that PAM's service other "
                       "decides; `make install' puts one there\n" % conf.file)
    conf.write("auth system", "auth accounts")
    status, out, err = conf.check()
    assert (status, out) == (1, "")
    assert err.endswith("%s:3: accounts %s: No such file or directory; "
                        "`pop3ctl add' makes the first\n"
                        % (conf.file, conf.accounts))


def test_the_check_changes_nothing(conf):
    before = sorted((name, os.stat(conf.path(name)).st_mtime_ns)
                    for name in os.listdir(conf.directory))
    conf.good()
    assert before == sorted((name, os.stat(conf.path(name)).st_mtime_ns)
                            for name in os.listdir(conf.directory))


# What clients would not take, or the service would not see.  A line each.

def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True,
                   stdin=subprocess.DEVNULL)


class Authority:
    """A root, an intermediate, and what they issue for NAME."""

    def __init__(self, directory):
        self.directory = directory
        self.issue("root", None, "CA:TRUE")
        self.issue("middle", "root", "CA:TRUE")

    def path(self, name):
        return os.path.join(self.directory, name)

    def issue(self, name, issuer, constraints="CA:FALSE", extra="", days=30):
        """NAME.crt and NAME.key; returns the paths."""
        crt, key, req, ext = (self.path(name + end) for end in (
            ".crt", ".key", ".csr", ".ext"))
        with open(ext, "w") as f:
            f.write("basicConstraints=critical,%s\nsubjectAltName=DNS:%s\n%s"
                    % (constraints, name, extra))
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                "/CN=" + name, "-keyout", key, "-out", req)
        by = ["-signkey", key] if issuer is None else [
            "-CA", self.path(issuer + ".crt"), "-CAkey",
            self.path(issuer + ".key"), "-CAcreateserial"]
        openssl("x509", "-req", "-in", req, "-days", str(days), "-extfile",
                ext, "-out", crt, *by)
        os.chmod(key, 0o600)
        return crt, key

    def chain(self, *names):
        """One file of several, in this order."""
        path = self.path("chain.pem")
        with open(path, "w") as f:
            for name in names:
                with open(self.path(name + ".crt")) as part:
                    f.write(part.read())
        return path


@pytest.fixture
def authority(conf):
    return Authority(conf.directory)


def use(conf, cert, key, *staple):
    conf.replace("keypair", " ".join(["keypair", cert, key, *staple]))


NAME = "mail.example.com"


def warns(conf, message, line=2):
    """Good, but for this."""
    assert conf.check() == (0, "configuration OK\n", "%s:%d: warning: %s\n" % (
        conf.file, line, message))


def test_all_mistakes_at_once(conf):
    os.chmod(conf.accounts, 0o644)
    conf.replace("owner", "owner nobody-of-this-name")
    conf.write("nonsense", "timeout idle never",
               "keypair %s %s" % (conf.path("none"), conf.key))
    status, out, err = conf.check()
    assert (status, out) == (1, "")
    assert [re.match(re.escape(conf.file) + r":(\d+): (\w+)", line).groups()
            for line in err.splitlines()] == [
        ("6", "nonsense"), ("7", "timeout"), ("5", "owner"),
        ("8", "certificate"), ("3", "accounts")]


def test_certificate_without_its_intermediate(conf, authority):
    """certbot's cert.pem; a warning, since a private CA looks the same."""
    cert, key = authority.issue(NAME, "middle")
    use(conf, cert, key)
    warns(conf, "certificate %s: its chain does not lead to an authority that "
          "this system knows; unless yours is private, use the file with the "
          "whole chain (fullchain.pem)" % cert)


def test_whole_chain(conf, authority):
    _, key = authority.issue(NAME, "middle")
    use(conf, authority.chain(NAME, "middle", "root"), key)
    conf.good()


def test_authority_first(conf, authority):
    _, key = authority.issue(NAME, "middle")
    chain = authority.chain("middle", NAME)
    use(conf, chain, key)
    conf.wrong("certificate %s: number 2 did not issue number 1; the server's "
               "goes first, and then whoever issued the one before" % chain, 2)


def test_chain_of_somebody_else(conf, authority):
    _, key = authority.issue(NAME, "middle")
    authority.issue("other", None, "CA:TRUE")
    chain = authority.chain(NAME, "other")
    use(conf, chain, key)
    status, out, err = conf.check()
    assert (status, out) == (1, "") and err.count("\n") == 1
    assert "number 2 did not issue number 1" in err


def test_certificate_for_another_name(conf):
    use(conf, *make_certificate(conf.directory, "www.example.com"))
    conf.wrong("the certificate %s is not for mail.example.com, which is the "
               "hostname; get one that is, or change hostname"
               % conf.path("www.example.com.crt"), 2)
    conf.write("keypair %s %s" % (conf.cert, conf.key))  # it has the name
    conf.good()


def test_wildcard(conf, authority):
    cert, key = authority.issue("*.example.com", None)
    use(conf, cert, key)
    conf.good()


def test_certificate_that_is_not_valid_yet(conf):
    """openssl ca can set its beginning."""
    cert = conf.path("later.crt")
    with open(conf.path("ca.cnf"), "w") as f:
        f.write("[ca]\ndefault_ca=x\n[x]\ndatabase=%s\nnew_certs_dir=%s\n"
                "rand_serial=yes\ndefault_md=sha256\npolicy=p\n"
                "copy_extensions=copy\n[p]\ncommonName=supplied\n"
                % (conf.path("index.txt"), conf.directory))
    open(conf.path("index.txt"), "w").close()
    openssl("req", "-new", "-key", conf.key, "-subj", "/CN=" + NAME,
            "-addext", "subjectAltName=DNS:" + NAME, "-out", conf.path("csr"))
    openssl("ca", "-batch", "-config", conf.path("ca.cnf"), "-selfsign",
            "-keyfile", conf.key, "-in", conf.path("csr"), "-startdate",
            "20490101000000Z", "-enddate", "20491231000000Z", "-out", cert)
    use(conf, cert, conf.key)
    conf.wrong("the certificate %s is not valid yet; look at this system's "
               "clock" % cert, 2)


def test_der(conf):
    der = conf.path("mail.der")
    openssl("x509", "-in", conf.cert, "-outform", "der", "-out", der)
    use(conf, der, conf.key)
    conf.wrong("certificate %s has no certificate in PEM; it is DER: openssl "
               "x509 -inform der -in it -out a new file" % der, 2)


def test_key_in_der(conf):
    der = conf.path("key.der")
    openssl("pkey", "-in", conf.key, "-outform", "der", "-out", der)
    os.chmod(der, 0o600)
    use(conf, conf.cert, der)
    conf.wrong("key %s has no key in PEM; openssl pkey -inform der makes it "
               "of one in DER" % der, 2)


@pytest.mark.parametrize("form", ["pkey", "ec"])
def test_encrypted_key(conf, form):
    key = conf.path("encrypted.key")
    openssl(form, "-in", conf.key, "-aes256", "-passout", "pass:secret",
            "-out", key)
    os.chmod(key, 0o600)
    use(conf, conf.cert, key)
    conf.wrong("key %s is encrypted, and nobody is there to type its "
               "passphrase; openssl pkey -in %s -out a new file makes one "
               "without" % (key, key), 2)


def test_key_and_certificate_swapped(conf):
    os.chmod(conf.cert, 0o600)
    use(conf, conf.key, conf.cert)
    status, out, err = conf.check()
    assert (status, out) == (1, "")
    assert err.splitlines() == [
        "%s:2: key %s has no key in PEM; it has a certificate: swap the two "
        "files" % (conf.file, conf.cert),
        "%s:2: certificate %s has no certificate in PEM; it has a key: swap "
        "the two files" % (conf.file, conf.key)]


def test_must_staple(conf, authority):
    cert, key = authority.issue(NAME, None, extra="tlsfeature=status_request")
    use(conf, cert, key)
    conf.wrong("the certificate %s must be stapled; name a file with an OCSP "
               "response as the third word" % cert, 2)


@pytest.mark.parametrize("content", [b"", b"garbage\n"])
def test_staple_that_is_none(conf, authority, content):
    """libtls takes an empty one, and staples nothing."""
    cert, key = authority.issue(NAME, None, extra="tlsfeature=status_request")
    with open(conf.path("staple"), "wb") as f:
        f.write(content)
    use(conf, cert, key, conf.path("staple"))
    conf.wrong("OCSP staple %s has no OCSP response in DER; is it the right "
               "file?" % conf.path("staple"), 2)


@pytest.fixture(params=("unknown", "known"))
def refused(request, conf):
    """What clients say of it, whether or not the authority is known."""
    known = request.param == "known"
    if known and is_of_libressl():
        pytest.skip("LibreSSL looks for no authorities in SSL_CERT_FILE")

    def refused(chain, number, why):
        status, out, err = conf.check(env=dict(
            os.environ, **({"SSL_CERT_FILE": conf.path("root.crt")}
                           if known else {})))
        assert (status, out) == (1, "")
        assert ("warning" in err) == (not known)
        assert "%s:2: certificate %s: clients refuse it, for number %d in " \
            "its chain: %s" % (conf.file, chain, number, why) in err
    return refused


def test_certificate_that_is_not_for_servers(conf, authority, refused):
    _, key = authority.issue(NAME, "middle",
                             extra="extendedKeyUsage=clientAuth")
    chain = authority.chain(NAME, "middle")
    use(conf, chain, key)
    refused(chain, 1, "un")


def test_issuer_that_is_no_authority(conf, authority, refused):
    authority.issue("middle", "root", "CA:FALSE")
    _, key = authority.issue(NAME, "middle")
    chain = authority.chain(NAME, "middle")
    use(conf, chain, key)
    refused(chain, 2, "invalid CA")


def test_intermediate_that_has_expired(conf, authority):
    authority.issue("middle", "root", "CA:TRUE", days=0)
    _, key = authority.issue(NAME, "middle")
    chain = authority.chain(NAME, "middle")
    use(conf, chain, key)
    time.sleep(1.1)
    status, out, err = conf.check()
    assert (status, out) == (1, "")
    assert "%s:2: certificate %s: number 2 in its chain has expired; get the " \
        "chain anew\n" % (conf.file, chain) in err


def test_name_in_the_subject_alone(conf):
    """Clients of today do not look there."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj",
            "/CN=" + NAME, "-keyout", conf.key, "-out", conf.cert)
    conf.wrong("the certificate %s is not for %s, which is the hostname; get "
               "one that is, or change hostname" % (conf.cert, NAME), 2)


def test_certificate_with_the_key_in_it(conf):
    with open(conf.cert, "a") as f, open(conf.key) as key:
        f.write(key.read())
    conf.wrong("certificate %s has a key in it, too, and can be read by "
               "others; take that out, or chmod 0600 %s" % (
                   conf.cert, conf.cert), 2)
    os.chmod(conf.cert, 0o600)
    conf.good()


def test_two_keypairs_for_one_name(conf, authority):
    cert, key = authority.issue(NAME, None)
    conf.write("keypair %s %s" % (cert, key))
    warns(conf, "the certificate %s is for mail.example.com, as that of line "
          "2 is, and only one of them is ever served; remove the other"
          % cert, 6)


@pytest.mark.skipif(not ROOT, reason="it is root who loses rights")
def test_directory_that_is_closed_to_the_unit(conf):
    """Whoever has CAP_DAC_OVERRIDE does not notice."""
    closed = conf.path("closed")
    os.mkdir(closed, 0o700)
    key = shutil.copy2(conf.key, closed)
    os.chown(closed, owner().pw_uid, owner().pw_gid)
    use(conf, conf.cert, key)
    conf.wrong("key %s: root without the right to read what is not its own, "
               "as in systemd's unit, cannot read it; chown root the file and "
               "the directories that are closed to it" % key, 2)


@pytest.mark.skipif(not ROOT, reason="only root writes there")
def test_key_that_the_unit_hides(conf):
    """Also behind a symbolic link."""
    key = "/root/pop3d-test-%d.key" % os.getpid()
    shutil.copy2(conf.key, key)
    try:
        os.symlink(key, conf.path("link.key"))
        use(conf, conf.cert, conf.path("link.key"))
        conf.wrong("key %s: systemd's unit hides all below /root/; move it "
                   "elsewhere" % conf.path("link.key"), 2)
    finally:
        os.unlink(key)


@pytest.mark.skipif(not ROOT, reason="it is root who loses rights")
def test_accounts_that_the_unit_cannot_read(conf):
    os.chown(conf.accounts, owner().pw_uid, owner().pw_gid)
    conf.wrong("accounts %s: root without the right to read what is not its "
               "own, as in systemd's unit, cannot read it; chown root the file "
               "and the directories that are closed to it" % conf.accounts, 3)


@pytest.mark.parametrize("what, line", [
    ("certificate", 2), ("key", 2), ("accounts", 3)])
def test_fifo_in_its_place(conf, what, line):
    """It would be waited for."""
    path = {"certificate": conf.cert, "key": conf.key,
            "accounts": conf.accounts}[what]
    os.unlink(path)
    os.mkfifo(path, 0o600)
    conf.wrong("%s %s is not a regular file" % (what, path), line)


def test_directory_that_anybody_can_write(conf):
    os.mkdir(conf.path("open"), 0o700)
    os.chmod(conf.path("open"), 0o777)
    accounts = shutil.move(conf.accounts, conf.path("open/accounts.db"))
    conf.replace("accounts", "accounts " + accounts)
    conf.wrong("accounts %s: anybody can put another file in its place; chmod "
               "o-w %s" % (accounts, conf.path("open")), 3)
    os.chmod(conf.path("open"), 0o1777)
    conf.good()


@pytest.mark.parametrize("text", ["sandbox required\0 x\n", "\0\n",
                                  "sandbox required\0", "\0sandbox\n"])
def test_nul_in_a_line(conf, text):
    """It would hide what is behind it."""
    with open(conf.file, "a") as f:
        f.write(text)
    conf.wrong("there is a NUL in the line", 6)


def test_outgoing_that_is_no_name(conf):
    conf.write("outgoing smtp_1..example.com 465 tls")
    conf.wrong("outgoing: smtp_1..example.com is not the name of a host; give "
               "it like smtp.example.com", 6)


@pytest.mark.skipif(not ROOT, reason="root alone uses it")
def test_user_is_owner(conf):
    conf.write("user " + owner().pw_name)
    conf.wrong("owner: %s is user as well, who talks to the network and is "
               "to own nothing; name another" % owner().pw_name, 5)


def test_one_mailbox_for_all(conf):
    template = "/var/vmail/%d"
    conf.replace("maildir", "maildir " + template)
    conf.wrong("maildir: %s is one mailbox for all; put %%u into it, which is "
               "the part before the @" % template, 4)


@pytest.mark.parametrize("name", ["192.0.2.1", "mail_1.example.com",
                                  "-mail.example.com", "mail..example.com",
                                  "mail.example.com.", "mail:995",
                                  64 * "x" + ".example.com"])
def test_hostname_that_is_no_name(conf, name):
    conf.replace("hostname", "hostname " + name)
    status, out, err = conf.check()
    assert (status, out) == (1, "")
    assert err.splitlines()[0] == (
        "%s:1: hostname: %s is not the name of a host; give it like "
        "mail.example.com" % (conf.file, name))


def test_idle_under_600(conf):
    conf.write("timeout idle 599")
    warns(conf, "timeout idle 599: RFC 1939 asks for 600 at least, and "
          "clients rely on it", 6)


def test_more_sessions_than_the_unit_has_room_for(conf):
    conf.write("max-sessions 1000")
    warns(conf, "max-sessions 1000: systemd's unit has room for 200; let it "
          "have TasksMax=5020 and MemoryMax=8512M: systemctl edit "
          "pop3d-listener.service", 6)


def test_the_unit_has_the_room_that_is_told():
    """For the default of max-sessions."""
    with open(os.path.join(os.path.dirname(POP3D), "etc",
                           "pop3d-listener.service")) as f:
        unit = f.read()
    assert "\nTasksMax=%d\n" % (5 * 200 + 20) in unit
    assert "\nMemoryMax=%dM\n" % (8 * 200 + 512) in unit


def test_one_address_may_have_all_places(conf):
    conf.write("max-sessions 100", "max-sessions-per-address 100")
    warns(conf, "max-sessions-per-address 100: one address can take all "
          "places there are, which are 100", 7)


@pytest.mark.parametrize("mode", [0o664, 0o646])
@pytest.mark.parametrize("which", ["file", "cert"])
def test_file_that_others_can_write(conf, which, mode):
    path = getattr(conf, which)
    os.chmod(path, mode)
    what = {"file": "the configuration", "cert": "certificate"}[which]
    message = "%s %s can be changed by others; chmod go-w %s" % (
        what, path, path)
    conf.wrong(message, {"cert": 2}.get(which))


@pytest.mark.skipif(not ROOT, reason="only root gives files away")
def test_configuration_that_is_not_roots(conf):
    os.chown(conf.file, owner().pw_uid, -1)
    conf.wrong("the configuration %s is not root's, and its owner can change "
               "it; chown root %s" % (conf.file, conf.file))


def test_mailbox_that_is_not_there(conf):
    """As where its file system is not mounted; the others are tried, too."""
    box = conf.path("mail/example.com/you")
    os.rename(box, box + ".away")
    conf.wrong("you@example.com: its mailbox %s is not there; is its file "
               "system mounted? Else pop3ctl add you@example.com makes it"
               % box, 3)


@pytest.mark.skipif(not ROOT, reason="only root gives directories away")
@pytest.mark.parametrize("part", ["", "/new", "/..", "/pop3d",
                                  "/pop3d/index.db"])
def test_mailbox_that_its_owner_cannot_use(conf, part):
    box = conf.path("mail/example.com/you")
    make_index(conf)
    os.chown(box + part, 0, 0)
    os.chmod(box + part, 0o700)
    cannot_use(conf, box if part == "/.." else box + part)


def make_index(conf):
    done = subprocess.run([POP3CTL, "-f", conf.file, "index",
                           "you@example.com"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def cannot_use(conf, path):
    conf.wrong("you@example.com: uid %d cannot use its mailbox %s: Permission "
               "denied; it needs read and write access there, and to pass the "
               "directories above" % (owner().pw_uid, path), 3)


@pytest.mark.skipif(not ROOT, reason="only root gives directories away")
def test_junk_folder_that_its_owner_cannot_use(conf):
    """It matters where it is shown."""
    junk = conf.path("mail/example.com/you/.Junk")
    os.makedirs(junk + "/cur", 0o700)
    os.mkdir(junk + "/new", 0o700)
    conf.good()
    subprocess.run([POP3CTL, "-f", conf.file, "set", "you@example.com",
                    "spam=include"], check=True)
    cannot_use(conf, junk)


def test_folder_that_leads_out_of_the_mailbox(conf):
    new = conf.path("mail/example.com/you/new")
    os.rename(new, conf.path("elsewhere"))
    os.symlink(conf.path("elsewhere"), new)
    conf.wrong("you@example.com: %s leads out of the mailbox, where the "
               "sandbox lets no session go; move what it leads to into the "
               "mailbox" % new, 3)


# A keypair after the first that is no good does not end the service.

@pytest.mark.parametrize("how", ["missing", "of another key"])
def test_broken_keypair_after_the_first(make_server, how):
    server = make_server()
    other = make_certificate(server.directory, "pop.example.org")
    third = make_certificate(server.directory, "mail.example.net")
    key = server.keypair[1] if how == "of another key" else other[1] + ".x"
    with open(server.conf, "a") as f:
        f.write("keypair %s %s\nkeypair %s %s\n" % (other[0], key, *third))
    account = server.add_account()
    account.login().quit()
    server.wait_log(r"^%s:7: keypair.*; left out, the others are served"
                    % re.escape(server.conf))
    server.keypair = third[0], None
    account.login(name="mail.example.net").quit()
