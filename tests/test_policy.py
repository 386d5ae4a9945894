"""What the users of an account are promised: access, application passwords,
spam, auto-delete.  Settings count from the next login on."""

import json
import os
import re

import pytest

from maildir import message


def settings(account, *pairs):
    account.server.ctl("set", account.address, *pairs)


def app_password(account, label):
    """Adds an application password and returns it."""
    done = account.server.ctl("app-password", "add", account.address, label)
    return done.stdout.splitlines()[-1]


def refused(server, address, password):
    """Not let in; returns the two answers."""
    with server.connect() as pop:
        return pop.ok("USER " + address), pop.err("PASS " + password, "AUTH")


def login(account, password):
    return account.server.connect().login(account.address, password)


def earlier(account, name, folder=None):
    """The file was delivered an hour ago."""
    path = account.maildir.find(name, folder)
    then = os.stat(path).st_mtime - 3600
    os.utime(path, (then, then))


def mails(pop):
    """The bodies of all messages, in the order of their numbers."""
    return [pop.retr(n).split(b"\r\n\r\n", 1)[1].rstrip().decode()
            for n in sorted(pop.list())]


def maildrop(account):
    """What a session sees: the bodies in order."""
    with account.login() as pop:
        found = mails(pop)
        pop.quit()
    return found


def uidls(account):
    with account.login() as pop:
        found = list(pop.uidl().values())
        pop.quit()
    return found


def deliver(account, *bodies, folder=None):
    return [account.maildir.deliver(message(body=body + "\n"), folder=folder)
            for body in bodies]


def queue(account, *options):
    done = account.server.ctl("queue", *options, "-j", account.address)
    return json.loads(done.stdout)


# Addresses.

def test_the_same_local_part_in_several_domains(server):
    domains = ["one.example", "two.example", "sub.one.example"]
    accounts = {}
    for domain in domains:
        accounts[domain] = server.add_account("info@" + domain,
                                              "secret of " + domain)
        deliver(accounts[domain], "mail of " + domain)
    for domain in domains:
        assert maildrop(accounts[domain]) == ["mail of " + domain]
        for other in domains:
            if other != domain:
                refused(server, "info@" + domain, "secret of " + other)


@pytest.mark.parametrize("user", [
    "local", "local@", "@bare.example", "local@bare", "bare.example",
    "local@bare.example.", "local@@bare.example", "local@bare.example@",
    "x@local@bare.example", "ocal@bare.example", "local@bare.exampl",
    "local%bare.example", "*", "%"])
def test_no_other_name_is_the_user(server, user):
    if server.ctl("show", "local@bare.example", check=False).returncode != 0:
        server.add_account("local@bare.example")
    refused(server, user, "secret")
    server.connect().login("local@bare.example").quit()


@pytest.mark.parametrize("added", ["mixed1@case.example",
                                   "MiXeD2@CASE.example"])
def test_case_does_not_matter(server, added):
    account = server.add_account(added)
    mailbox = "%s/case.example/%s/Maildir" % (
        server.mail, added.split("@")[0].lower())
    for typed in (added, added.lower(), added.upper(), added.swapcase()):
        server.connect().login(typed).quit()
        assert "address=%s\n" % added.lower() in \
            server.ctl("show", typed).stdout
    assert "maildir=%s\n" % mailbox in server.ctl("show", added).stdout
    refused(server, account.address, "SECRET")


# Access.

def test_access_off_and_on_again(server, account):
    deliver(account, "mail")
    wrong = refused(server, account.address, "wrong")
    code = app_password(account, "phone")
    settings(account, "access=off")
    assert refused(server, account.address, "secret") == wrong
    assert refused(server, account.address, code) == wrong
    settings(account, "access=all")
    assert maildrop(account) == ["mail"]
    login(account, code)


def test_from_now_on(server, account):
    old = deliver(account, "old 1", "old 2")
    for name in old:
        earlier(account, name)
    settings(account, "access=from-now")
    deliver(account, "new 1")
    assert maildrop(account) == ["new 1"]
    deliver(account, "new 2")
    assert maildrop(account) == ["new 1", "new 2"]
    assert len(account.maildir.files()) == 4


def test_from_now_on_of_a_known_mailbox_and_back(server, account):
    """Messages that POP has shown go too, and come back as they were."""
    old = deliver(account, "old 1", "old 2")
    for name in old:
        earlier(account, name)
    before = uidls(account)
    settings(account, "access=from-now")
    assert maildrop(account) == []
    deliver(account, "new")
    assert maildrop(account) == ["new"]
    assert [e["state"] for e in queue(account, "-a")].count("earlier") == 2
    settings(account, "access=all")
    assert maildrop(account) == ["old 1", "old 2", "new"]
    assert uidls(account)[:2] == before


def test_from_now_on_counts_anew_each_time(server, account):
    first = deliver(account, "1")
    earlier(account, first[0])
    settings(account, "access=from-now")
    second = deliver(account, "2")
    assert maildrop(account) == ["2"]
    earlier(account, second[0])
    settings(account, "access=from-now")
    assert maildrop(account) == []
    deliver(account, "3")
    assert maildrop(account) == ["3"]
    settings(account, "access=all")
    assert maildrop(account) == ["1", "2", "3"]


def test_from_now_on_and_mail_that_came_before_but_was_never_seen(
        server, account):
    """In cur/, put there by another program, and in new/."""
    account.maildir.put(message(body="read\n"), "1600000000.read.host")
    earlier(account, "1600000000.read.host")
    account.maildir.deliver(message(body="unread\n"), "1600000001.new.host")
    earlier(account, "1600000001.new.host")
    settings(account, "access=from-now")
    assert maildrop(account) == []
    settings(account, "access=all")
    assert maildrop(account) == ["read", "unread"]


def test_from_now_on_is_not_moved_by_other_settings(server, account):
    old = deliver(account, "old")
    earlier(account, old[0])
    settings(account, "access=from-now")
    deliver(account, "new")
    settings(account, "spam=include", "auto-delete=no")
    assert maildrop(account) == ["new"]


def test_deleting_from_now_on_spares_what_came_before(server, account):
    old = deliver(account, "old")
    earlier(account, old[0])
    settings(account, "access=from-now")
    deliver(account, "new")
    with account.login() as pop:
        pop.ok("DELE 1")
        pop.err("DELE 2")
        pop.quit()
    assert list(account.maildir.contents()) == old
    settings(account, "access=all")
    assert maildrop(account) == ["old"]


# Two factors and no password.

def test_two_factor(server, account):
    wrong = refused(server, account.address, "wrong")
    settings(account, "two-factor=on")
    assert refused(server, account.address, "secret") == wrong
    code = app_password(account, "laptop")
    assert refused(server, account.address, "secret") == wrong
    login(account, code).quit()
    settings(account, "two-factor=off")
    account.login().quit()
    login(account, code).quit()


def test_no_password(server):
    """Federated users: an application password is all they have."""
    server.ctl("add", "-P", "federated@example.com")
    account = server.add_account("with@example.com")
    wrong = refused(server, account.address, "wrong")
    for guess in ("x", "secret", "none", "yes", "*", "!"):
        assert refused(server, "federated@example.com", guess) == wrong
    done = server.ctl("app-password", "add", "federated@example.com", "a")
    code = done.stdout.splitlines()[-1]
    maildir = re.search("^maildir=(.*)$", server.ctl(
        "show", "federated@example.com").stdout, re.M).group(1)
    type(account.maildir)(maildir, server.owner.pw_uid, server.owner.pw_gid)
    server.connect().login("federated@example.com", code).quit()


def test_password_taken_away_and_given_again(server, account):
    settings(account, "password=none")
    refused(server, account.address, "secret")
    server.ctl("passwd", account.address, stdin="another\n")
    refused(server, account.address, "secret")
    login(account, "another").quit()


# Application passwords.

def test_form(account):
    """About 100 bits, without look-alikes; a new one each time."""
    codes = [app_password(account, "label %d" % i) for i in range(20)]
    for code in codes:
        assert re.fullmatch("[a-km-np-z2-9]{4}(-[a-km-np-z2-9]{4}){4}", code)
    assert len(set(codes)) == 20
    assert len(set("".join(codes))) > 25


TYPED = [
    ("as shown", lambda s: s),
    ("upper case", str.upper),
    ("mixed case", lambda s: s[:9].upper() + s[9:]),
    ("no separators", lambda s: s.replace("-", "")),
    ("upper, none", lambda s: s.replace("-", "").upper()),
    ("blanks", lambda s: s.replace("-", " ")),
    ("some", lambda s: s.replace("-", "", 2)),
    ("both", lambda s: s.replace("-", " - ")),
    ("in pairs", lambda s: "-".join(re.findall("..", s.replace("-", "")))),
    ("a blank behind", lambda s: s + " "),
    ("a blank before", lambda s: " " + s),
]


@pytest.fixture(scope="module")
def coded(shared_server):
    account = shared_server.add_account()
    return account, app_password(account, "phone")


@pytest.mark.parametrize("typed", [t[1] for t in TYPED],
                         ids=[t[0] for t in TYPED])
def test_typed(coded, typed):
    account, code = coded
    with login(account, typed(code)) as pop:
        pop.quit()


@pytest.mark.parametrize("typed", [
    lambda s: s[:-1], lambda s: s + "a", lambda s: s[1:],
    lambda s: s.replace("-", "_"), lambda s: s + "-" + s,
    lambda s: ("b" if s[0] == "a" else "a") + s[1:],
    lambda s: s[:-1] + ("b" if s[-1] == "a" else "a")],
    ids=["short", "long", "no first", "other separators", "twice",
         "first symbol", "last symbol"])
def test_typed_wrong(coded, typed):
    account, code = coded
    refused(account.server, account.address, typed(code))


def test_of_one_account_only(server):
    one, other = server.add_account(), server.add_account()
    code = app_password(one, "phone")
    login(one, code)
    refused(server, other.address, code)


def test_several_labels_and_the_log_names_them(server, account):
    codes = {label: app_password(account, label)
             for label in ("phone", "Jo's laptop", "/=&")}
    for label, code in codes.items():
        server.mark_log()
        login(account, code).quit()
        line = server.wait_log("^login: ").string
        # Blanks are escaped, they separate fields.
        assert line.endswith(" app-password=" + label.replace(" ", r"\040"))
        assert code not in server.log()
        assert code.replace("-", "") not in server.log()
    server.mark_log()
    account.login().quit()
    assert "app-password" not in server.wait_log("^login: ").string


def test_list_shows_labels_not_passwords(server, account):
    codes = [app_password(account, label) for label in ("b", "a label")]
    lines = server.ctl("app-password", "list", account.address).stdout
    assert [line.split("\t")[0] for line in lines.splitlines()] == \
        ["b", "a label"]
    for line in lines.splitlines():
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
                            line.split("\t")[1])
    everything = lines + server.ctl("show", account.address).stdout + \
        server.ctl("list").stdout + server.ctl("export").stdout
    for code in codes:
        assert code not in everything
        assert code.replace("-", "") not in everything


def test_revoked_at_once(server, account):
    deliver(account, "mail")
    phone, laptop = [app_password(account, x) for x in ("phone", "laptop")]
    pop = login(account, phone)
    server.ctl("app-password", "revoke", account.address, "phone")
    pop.rest()
    server.wait_empty()  # the session is over
    refused(server, account.address, phone)
    login(account, laptop).quit()
    assert app_password(account, "phone") != phone
    refused(server, account.address, phone)


def test_revoked_for_a_connection_that_is_open(server, account):
    """The connection is there, the question is not yet asked."""
    code = app_password(account, "phone")
    pop = server.connect()
    server.ctl("app-password", "revoke", account.address, "phone")
    pop.ok("USER " + account.address)
    pop.err("PASS " + code, "AUTH")


def test_64_application_passwords(server, account):
    codes = [app_password(account, "%d" % i) for i in range(64)]
    done = server.ctl("app-password", "add", account.address, "one more",
                      check=False)
    assert done.returncode == 1 and "revoke one" in done.stderr
    for code in (codes[0], codes[63]):
        login(account, code).quit()


# Spam.

@pytest.fixture
def spammed(account):
    deliver(account, "inbox 1", "inbox 2")
    deliver(account, "junk 1", "junk 2", folder=".Junk")
    deliver(account, "inbox 3")
    return account


INBOX = ["inbox 1", "inbox 2", "inbox 3"]
JUNK = ["junk 1", "junk 2"]


@pytest.mark.parametrize("spam, seen", [
    (None, INBOX), ("exclude", INBOX), ("include", INBOX + JUNK),
    ("only", JUNK)])
def test_spam(spammed, spam, seen):
    if spam is not None:
        settings(spammed, "spam=" + spam)
    for _ in range(2):
        assert maildrop(spammed) == seen


def test_spam_stat_and_list_agree(spammed):
    settings(spammed, "spam=include")
    with spammed.login() as pop:
        assert pop.stat() == (5, sum(pop.list().values()))
        assert sorted(pop.list()) == sorted(pop.uidl()) == [1, 2, 3, 4, 5]
        pop.quit()


def test_uidls_do_not_depend_on_the_setting(spammed):
    settings(spammed, "spam=include")
    both = uidls(spammed)
    settings(spammed, "spam=only")
    assert uidls(spammed) == both[3:]
    settings(spammed, "spam=exclude")
    assert uidls(spammed) == both[:3]
    settings(spammed, "spam=include")
    assert uidls(spammed) == both


def test_the_same_base_name_in_both_folders(account):
    name = "1600000000.same.host"
    account.maildir.deliver(message(body="inbox\n"), name)
    account.maildir.deliver(message(body="junk\n"), name, folder=".Junk")
    settings(account, "spam=include")
    assert maildrop(account) == ["inbox", "junk"]
    both = uidls(account)
    assert both[0] != both[1]
    with account.login() as pop:
        pop.ok("DELE 1")
        pop.quit()
    assert maildrop(account) == ["junk"]
    assert uidls(account) == both[1:]
    assert account.maildir.files() == []
    settings(account, "spam=only")
    assert uidls(account) == both[1:]


def test_new_mail_is_numbered_within_its_folder(spammed):
    settings(spammed, "spam=include")
    before = uidls(spammed)
    deliver(spammed, "inbox 4")
    deliver(spammed, "junk 3", folder=".Junk")
    assert maildrop(spammed) == INBOX + ["inbox 4"] + JUNK + ["junk 3"]
    after = uidls(spammed)
    assert after[:3] + after[4:6] == before


def test_deleting_in_both_folders(spammed):
    settings(spammed, "spam=include")
    with spammed.login() as pop:
        pop.ok("DELE 2")
        pop.ok("DELE 4")
        pop.quit()
    assert maildrop(spammed) == ["inbox 1", "inbox 3", "junk 2"]
    assert len(spammed.maildir.files()) == 2
    assert len(spammed.maildir.files(".Junk")) == 1


def test_no_junk_folder(account):
    deliver(account, "mail")
    settings(account, "spam=include")
    assert maildrop(account) == ["mail"]
    settings(account, "spam=only")
    assert maildrop(account) == []
    deliver(account, "spam", folder=".Junk")
    assert maildrop(account) == ["spam"]


def test_other_folders_are_not_shown(spammed):
    for folder in (".Sent", ".Junk.Sub", "Junk", ".junk"):
        deliver(spammed, "never", folder=folder)
    settings(spammed, "spam=include")
    assert maildrop(spammed) == INBOX + JUNK


def test_another_junk_folder(make_server):
    server = make_server(extra="junk .Spam\n")
    account = server.add_account()
    deliver(account, "inbox")
    deliver(account, "spam", folder=".Spam")
    deliver(account, "junk", folder=".Junk")
    settings(account, "spam=include")
    assert maildrop(account) == ["inbox", "spam"]


def test_from_now_on_for_spam_too(spammed):
    for folder in (None, ".Junk"):
        for name in spammed.maildir.contents(folder):
            earlier(spammed, name, folder)
    settings(spammed, "spam=include", "access=from-now")
    assert maildrop(spammed) == []
    deliver(spammed, "new junk", folder=".Junk")
    deliver(spammed, "new")
    assert maildrop(spammed) == ["new", "new junk"]


# Auto-delete.

@pytest.fixture
def kept(account):
    """Five messages, 2 and 4 deleted by POP and kept."""
    deliver(account, "1", "2", "3", "4", "5")
    settings(account, "auto-delete=no")
    account.uidls = uidls(account)
    account.before = account.maildir.snapshot()
    with account.login() as pop:
        pop.ok("DELE 2")
        pop.ok("DELE 4")
        pop.quit()
    return account


def test_kept_files_stay(kept):
    assert maildrop(kept) == ["1", "3", "5"]
    assert kept.maildir.snapshot() == kept.before
    deliver(kept, "6")
    assert maildrop(kept) == ["1", "3", "5", "6"]


def test_queue_shows_what_was_kept(kept):
    numbers = [(e["number"], e["uidl"]) for e in queue(kept)]
    assert numbers == list(zip((1, 2, 3), kept.uidls[0::2]))
    everything = queue(kept, "-a")
    assert {e["uidl"]: e["state"] for e in everything} == dict(zip(
        kept.uidls, ["queued", "retained"] * 2 + ["queued"]))
    assert [e["number"] for e in everything if e["state"] == "retained"] == \
        [None, None]
    text = kept.server.ctl("queue", "-a", kept.address).stdout
    assert len(text.splitlines()) == 5
    assert len(re.findall(r"^- .* retained$", text, re.M)) == 2


def test_requeue_one(kept):
    """It comes back to its own place, with its own UIDL."""
    kept.server.ctl("requeue", kept.address, kept.uidls[1])
    assert maildrop(kept) == ["1", "2", "3", "5"]
    assert uidls(kept) == kept.uidls[:3] + kept.uidls[4:]


def test_requeue_several(kept):
    done = kept.server.ctl("requeue", kept.address, kept.uidls[3],
                           kept.uidls[1])
    assert ": 2 in the queue again" in done.stdout
    assert uidls(kept) == kept.uidls


def test_requeue_all(kept):
    done = kept.server.ctl("requeue", "-a", kept.address)
    assert ": 2 in the queue again" in done.stdout
    assert maildrop(kept) == ["1", "2", "3", "4", "5"]
    assert uidls(kept) == kept.uidls
    assert kept.server.ctl("requeue", "-a", kept.address).stdout == \
        kept.address + ": 0 in the queue again\n"


def test_requeue_what_was_not_kept(kept):
    for uidl in ("nonsense", kept.uidls[0]):
        done = kept.server.ctl("requeue", kept.address, uidl, check=False)
        assert done.returncode == 1
        assert "kept no message " + uidl in done.stderr
        assert "queue -a" in done.stderr
    assert uidls(kept) == kept.uidls[0::2]


def test_requeue_a_mistake_does_not_hide_the_others(kept):
    """What is known comes back, what is not is told."""
    done = kept.server.ctl("requeue", kept.address, kept.uidls[1],
                           "nonsense", kept.uidls[3], check=False)
    assert done.returncode == 1 and "nonsense" in done.stderr
    assert uidls(kept) == kept.uidls


def test_requeued_can_be_deleted_for_good(kept):
    kept.server.ctl("requeue", "-a", kept.address)
    settings(kept, "auto-delete=yes")
    with kept.login() as pop:
        pop.ok("DELE 2")
        pop.quit()
    assert maildrop(kept) == ["1", "3", "4", "5"]
    assert len(kept.maildir.files()) == 4
    done = kept.server.ctl("requeue", kept.address, kept.uidls[1],
                           check=False)
    assert done.returncode == 1


def test_kept_stays_kept_when_auto_delete_is_on_again(kept):
    settings(kept, "auto-delete=yes")
    with kept.login() as pop:
        pop.ok("DELE 1")
        pop.quit()
    assert maildrop(kept) == ["3", "5"]
    assert len(kept.maildir.files()) == 4
    states = [e["state"] for e in queue(kept, "-a")]
    assert states.count("retained") == 2
    assert len(states) == 4


def test_kept_file_renamed_by_others_stays_kept(kept):
    path = kept.maildir.find(kept.uidls[1])
    os.rename(path, path.split(":2,")[0] + ":2,FS")
    assert maildrop(kept) == ["1", "3", "5"]
    kept.server.ctl("requeue", "-a", kept.address)
    assert uidls(kept) == kept.uidls


def test_kept_file_removed_by_others(kept):
    os.unlink(kept.maildir.find(kept.uidls[1]))
    assert maildrop(kept) == ["1", "3", "5"]
    done = kept.server.ctl("requeue", "-a", kept.address)
    assert ": 1 in the queue again" in done.stdout
    assert maildrop(kept) == ["1", "3", "4", "5"]


def test_keeping_spam(spammed):
    settings(spammed, "spam=include", "auto-delete=no")
    all_uidls = uidls(spammed)
    with spammed.login() as pop:
        pop.ok("DELE 1")
        pop.ok("DELE 4")
        pop.quit()
    assert maildrop(spammed) == INBOX[1:] + JUNK[1:]
    assert len(spammed.maildir.files(".Junk")) == 2
    kept = [e for e in queue(spammed, "-a") if e["state"] == "retained"]
    assert [e["folder"] for e in kept] == ["inbox", "junk"]
    spammed.server.ctl("requeue", "-a", spammed.address)
    assert uidls(spammed) == all_uidls


def test_requeue_overrides_from_now_on(server, account):
    """What the administrator asks for is shown, early or not."""
    old = deliver(account, "old 1", "old 2")
    for name in old:
        earlier(account, name)
    before = uidls(account)
    settings(account, "access=from-now")
    assert maildrop(account) == []
    server.ctl("requeue", account.address, before[1])
    assert maildrop(account) == ["old 2"]
    assert uidls(account) == before[1:]


def test_no_quit_keeps_the_queue(account):
    deliver(account, "1", "2")
    settings(account, "auto-delete=no")
    pop = account.login()
    pop.ok("DELE 1")
    pop.reset()
    assert maildrop(account) == ["1", "2"]
    assert [e["state"] for e in queue(account, "-a")] == ["queued"] * 2


# Settings and sessions.

def test_a_session_keeps_the_settings_of_its_login(spammed):
    """A change of what is seen, and kept, begins with the next login."""
    pop = spammed.login()
    settings(spammed, "spam=only", "auto-delete=no")
    assert mails(pop) == INBOX
    pop.ok("DELE 1")
    pop.quit()
    assert len(spammed.maildir.files()) == 2
    assert maildrop(spammed) == JUNK


def test_maildir_changed(server, account):
    deliver(account, "there")
    path = server.mail + "/elsewhere/Maildir"
    other = type(account.maildir)(path, server.owner.pw_uid,
                                  server.owner.pw_gid)
    other.deliver(message(body="elsewhere\n"))
    settings(account, "maildir=" + path)
    assert maildrop(account) == ["elsewhere"]


def test_deleted_account(server, account):
    deliver(account, "mail")
    wrong = refused(server, account.address, "wrong")
    server.ctl("delete", account.address)
    assert refused(server, account.address, "secret") == wrong
    assert len(account.maildir.files()) == 1
    server.ctl("add", account.address, stdin="new secret\n")
    refused(server, account.address, "secret")
    account.password = "new secret"
    assert maildrop(account) == ["mail"]
