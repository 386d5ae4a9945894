"""Accounts under other names: alias, rename, delete, default-domain; and
settings of many accounts at once, and of those that are still to be made."""

import json
import os
import re
import subprocess

import pytest

from daemon import POP3D
from maildir import message
from pop3 import plain


def lines(server, *words):
    return server.ctl(*words).stdout.splitlines()


def failed(server, *words):
    """Nothing was changed; returns what was told."""
    before = server.ctl("export").stdout
    done = server.ctl(*words, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert server.ctl("export").stdout == before
    return done.stderr


def lets_in(server, name, password="secret"):
    """Returns how many messages there are."""
    with server.connect() as pop:
        pop.login(name, password)
        count = pop.stat()[0]
        pop.quit()
    return count


def keeps_out(server, name, password="secret"):
    with server.connect() as pop:
        pop.err(b"AUTH PLAIN " + plain(name, password), "AUTH")


# Aliases.

def test_a_login_under_an_alias_is_one_to_the_account(server, account):
    account.maildir.deliver(message())
    server.ctl("alias", "add", account.address.upper(), "Info@Alias.example")
    code = server.ctl("app-password", "add", account.address,
                      "phone").stdout.strip()
    for name in "info@alias.example", "INFO@alias.EXAMPLE":
        for password in "secret", code:
            assert lets_in(server, name, password) == 1
            server.wait_log("^login: user=%s " % account.address)
            server.mark_log()
    keeps_out(server, "info@alias.example", "wrong")
    server.wait_log("^login refused: .* user=info@alias.example ")
    server.ctl("set", account.address, "access=off")
    keeps_out(server, "info@alias.example")
    server.ctl("set", account.address, "access=all")
    server.ctl("alias", "remove", account.address, "INFO@alias.example")
    keeps_out(server, "info@alias.example")
    assert lets_in(server, account.address) == 1


def test_aliases_are_shown(server, account):
    other = server.add_account().address
    names = ["a@list.example", "b@list.example", "c@list.example"]
    for name in reversed(names):
        server.ctl("alias", "add", account.address, name)
    server.ctl("alias", "add", other, "d@list.example")
    assert lines(server, "alias", "list", account.address) == [
        account.address + " " + name for name in names]
    assert other + " d@list.example" in lines(server, "alias", "list")
    assert ["alias " + name for name in names] == [
        line for line in lines(server, "show", account.address)
        if line.startswith("alias ")]
    assert json.loads(server.ctl("show", "-j", account.address).stdout)[
        "aliases"] == names
    listed = {item["address"]: item["aliases"] for item in json.loads(
        server.ctl("list", "-j").stdout)}
    assert (listed[account.address], listed[other]) == (
        names, ["d@list.example"])
    assert not any(name in server.ctl("list").stdout for name in names)
    assert "no account" in failed(server, "alias", "list", "no@no.example")


def test_what_cannot_be_an_alias(server, account):
    other = server.add_account().address
    server.ctl("alias", "add", account.address, "taken@taken.example")
    for words, why in (
            (["add", account.address, "taken@taken.example"],
             "an alias of %s already" % account.address),
            (["add", other, "taken@taken.example"], "an alias of"),
            (["add", other, account.address], "is an account"),
            (["add", other, other], "is an account"),
            (["add", "taken@taken.example", "x@taken.example"],
             "an alias of"),
            (["add", "nobody@taken.example", "x@taken.example"],
             "no account"),
            (["add", other, "no-address"], "LOCAL@DOMAIN"),
            (["add", other, "a/b@taken.example"], "before the @"),
            (["remove", other, "taken@taken.example"], "has no alias"),
            (["remove", other, other], "has no alias"),
            (["remove", account.address, "x@taken.example"],
             "has no alias")):
        assert why in failed(server, "alias", *words)
    for words in (["passwd", "taken@taken.example"],
                  ["set", "taken@taken.example", "spam=only"],
                  ["delete", "taken@taken.example"],
                  ["rename", "taken@taken.example", "x@taken.example"],
                  ["rename", other, "taken@taken.example"],
                  ["add", "-P", "taken@taken.example"],
                  ["app-password", "add", "taken@taken.example", "x"]):
        assert "alias" in failed(server, *words)


def test_delete_takes_aliases_along(server, account):
    other = server.add_account().address
    for name in "a@gone.example", "b@gone.example":
        server.ctl("alias", "add", account.address, name)
    server.ctl("alias", "add", other, "c@gone.example")
    done = server.ctl("delete", account.address)
    assert done.stdout == ("%s: its aliases are deleted, too: a@gone.example "
                           "b@gone.example\n" % account.address)
    assert [line for line in lines(server, "alias", "list")
            if "gone.example" in line] == [other + " c@gone.example"]
    keeps_out(server, "a@gone.example")
    assert os.path.isdir(account.maildir.path)
    # Nobody gets another's mail by a name that is left.
    server.add_account(account.address, "new")
    keeps_out(server, "a@gone.example", "new")


# Rename.

def test_rename(server, account):
    account.maildir.deliver(message())
    code = server.ctl("app-password", "add", account.address,
                      "phone").stdout.strip()
    server.ctl("alias", "add", account.address, "alias@old.example")
    server.ctl("set", account.address, "spam=only", "spam=exclude", "keep=9")
    before = server.ctl("show", account.address).stdout
    done = server.ctl("rename", account.address, "New@Named.example")
    assert done.stdout == (
        "new@named.example: its aliases are moved, too: alias@old.example\n"
        "new@named.example: its mail stays in %s\n" % account.maildir.path)
    assert server.ctl("show", "new@named.example").stdout == before.replace(
        "address=" + account.address, "address=new@named.example")
    for name in "new@named.example", "alias@old.example":
        assert lets_in(server, name) == lets_in(server, name, code) == 1
    keeps_out(server, account.address)
    # A client that has the old name still gets in by an alias.
    server.ctl("alias", "add", "new@named.example", account.address)
    assert lets_in(server, account.address) == 1
    server.ctl("delete", "new@named.example")


def test_nobody_gets_what_a_renamed_account_has(server, account):
    """Its mail stays at the path that is made of its old address."""
    old, new = account.address, "new." + account.address
    server.ctl("rename", old, new)
    path = account.maildir.path
    refusal = "%s would have the Maildir of %s, %s; " % (old, new, path)
    before = server.ctl("export").stdout
    assert refusal in failed(server, "add", "-P", old)
    for line in old, old + " spam=only", old + ":*", old + ":*:::::/x":
        done = server.ctl("import", "-", stdin=line + "\n", check=False)
        assert done.returncode == 1 and refusal in done.stderr
    assert server.ctl("export").stdout == before
    other = path.replace("/Maildir", "/other")
    assert server.ctl("add", "-P", old, "-m", other).stdout == ""
    server.ctl("delete", old)
    done = server.ctl("add", "-P", old, "-m", other)
    assert done.stderr == "" and done.stdout == \
        "%s: its Maildir %s was there already; what is in it is its mail\n" \
        % (old, other)
    server.ctl("delete", old)
    server.ctl("rename", new, old)
    # A bare line for the account itself is no other account.
    assert server.ctl("import", "-", stdin=old + "\n").stderr == ""


def test_accounts_that_are_to_share_a_maildir(server, account):
    """Whoever says so is told what that means, once."""
    path, other = account.maildir.path, "other@example.com"
    warning = "its Maildir is that of %s, too: each has the other's mail\n" \
        % account.address

    def warned(*words, stdin=None):
        error = server.ctl(*words, stdin=stdin).stderr
        assert error.startswith("pop3ctl: warning: ")
        return error.endswith(other + ": " + warning)
    assert warned("add", "-P", other, "-m", path.replace("/", "//") + "/")
    server.ctl("set", other, "maildir=/elsewhere")
    assert warned("set", other, "spam=only", "maildir=" + path)
    # These two alone: what became of others' Maildirs is not asked here.
    exported = [line for line in server.ctl("export").stdout.splitlines()
                if line.split()[0] in (account.address, other)]
    assert len(exported) == 2
    done = server.ctl("import", "-", stdin="\n".join(exported) + "\n")
    assert done.stderr == ""
    for line in (" maildir=" + path, ":::::::userdb_mail=" + path):
        server.ctl("delete", other)
        assert warned("import", "-", stdin=other + line + "\n")
        assert "maildir=%s\n" % path in server.ctl("show", other).stdout
    server.ctl("delete", other)
    done = server.ctl("import", "-n", "-", stdin="%s maildir=%s\n%s\n" % (
        other, path, "third@example.com maildir=" + path))
    assert done.stderr == "" and done.stdout.count(": added; its Maildir "
                                                   "is that of ") == 2


def test_what_cannot_be_renamed(server, account):
    other = server.add_account().address
    for words, why in (
            (["nobody@named.example", "x@named.example"], "no account"),
            ([account.address, other], "there is an account"),
            ([account.address, account.address], "there is an account"),
            ([account.address, "named"], "LOCAL@DOMAIN")):
        assert why in failed(server, "rename", *words)


# A domain for those who give none.

def test_default_domain(make_server):
    server = make_server(extra="default-domain Example.ORG\n")
    account = server.add_account("someone@example.org")
    server.add_account("someone@example.com", "other")
    server.ctl("alias", "add", account.address, "some@example.org")
    for name in "someone", "SomeOne", "some", "someone@example.org":
        lets_in(server, name)
    for name in "someone@", "@", "nobody", "someone@example", 300 * "x":
        keeps_out(server, name)
    keeps_out(server, "someone", "other")
    lets_in(server, "someone@example.com", "other")


def test_no_default_domain(server):
    server.add_account("someone@example.org")
    keeps_out(server, "someone")


# Many accounts.

def test_set_of_a_domain(server):
    for i in range(3):
        server.add_account("set%d@one.example" % i)
        server.add_account("set%d@two.example" % i)
    server.add_account("x@sub.one.example")
    server.ctl("alias", "add", "set0@two.example", "alias@one.example")
    done = server.ctl("set", "*@One.example", "spam=only", "keep=7")
    assert done.stdout == "3 accounts changed\n"
    for line in lines(server, "list"):
        address = line.split()[0]
        if address.endswith(("one.example", "two.example")):
            assert ("spam=only" in line) == ("keep=7" in line) == (
                address.endswith("@one.example"))
    done = server.ctl("set", "*", "self-service=no")
    assert done.stdout == "%d accounts changed\n" % len(lines(server, "list"))
    assert all("self-service=no" in line for line in lines(server, "list"))
    server.ctl("set", "*", "self-service=yes", "spam=exclude")
    assert lets_in(server, "set0@one.example") == 0


def test_set_of_none(server, account):
    for words, why in (
            (["*@nowhere.example", "spam=only"], "no such account"),
            (["*@", "spam=only"], "no such account"),
            (["*@example.com", "spam=some"], "it can be"),
            (["*", "maildir=/same"], "the same mailbox"),
            (["*", "spam=only", "colour=red"], "not a setting"),
            (["s*@example.com", "spam=only"], "no account"),
            (["**", "spam=only"], "no account")):
        assert why in failed(server, "set", *words)


# Settings of those to come.

def test_defaults(make_server):
    server = make_server(extra="default spam=include\ndefault keep=30\n"
                         "default access=from-now\ndefault spam=only\n")
    server.ctl("add", "-P", "a@new.example")
    server.ctl("import", "-", stdin="b@new.example keep=31\nc@new.example:\n")
    for line in lines(server, "list"):
        assert " spam=only " in line and " access=from-now " in line
        assert (" keep=%d " % (31 if line[0] == "b" else 30)) in line
    text = server.ctl("export").stdout
    server.configure("default auto-delete=no\n")
    assert " auto-delete=yes " in lines(server, "list")[0]
    server.ctl("import", "-", stdin=text)
    assert server.ctl("export").stdout == text


def test_bad_defaults_are_told_where_they_are(make_server):
    server = make_server()
    number = open(server.conf).read().count("\n")
    server.configure("default keep=abc\ndefault spam=only\n"
                     "default mark-read=ja\n")
    done = subprocess.run([POP3D, "-n", "-f", server.conf], text=True,
                          capture_output=True)
    assert done.returncode == 1
    assert re.findall(r"^\S+:(\d+): default: (\S+)=", done.stderr, re.M) == [
        (str(number + 1), "keep"), (str(number + 3), "mark-read")]


@pytest.mark.parametrize("line, why", [
    ("default", "write: default KEY=VALUE"),
    ("default spam", "spam is not a setting; write KEY=VALUE"),
    ("default =x", "not a setting"),
    ("default spam=some", "it can be exclude, include or only"),
    ("default colour=red", "colour is not a setting"),
    ("default password=none", "password has none"),
    ("default maildir=/x", "maildir has none"),
    ("default owner=daemon", "owner has none"),
    ("default spam=only spam=include", "write: default KEY=VALUE"),
    ("default-domain", "write: default-domain DOMAIN"),
    ("default-domain a@example.com", "is not a domain"),
    ("default-domain .example.com", "is not a domain"),
    ("default-domain example..com", "is not a domain"),
    ("default-domain example.com.", "is not a domain"),
])
def test_bad_keywords(make_server, line, why):
    """pop3d -n and pop3ctl say where, and what is wrong."""
    server = make_server()
    number = open(server.conf).read().count("\n") + 1
    server.configure(line + "\n")
    done = subprocess.run([POP3D, "-n", "-f", server.conf], text=True,
                          capture_output=True)
    assert done.returncode == 1
    assert "%s:%d: " % (server.conf, number) in done.stderr
    assert why in done.stderr
    done = server.ctl("add", "-P", "a@new.example", check=False)
    assert done.returncode == 1 and why in done.stderr
    assert "%s:%d: " % (server.conf, number) in done.stderr


def test_newlines(server, account):
    for value in "maildir=/a\nb", "maildir=/a\rb", "spam=only\n":
        assert "newline" in failed(server, "set", account.address, value)
    assert "absolute path" in failed(server, "add", "-P", "-m", "/a\nb",
                                     "nl@new.example")
