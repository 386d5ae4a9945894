/*
 * pop3ctl add, passwd.
 */
#include <errno.h>
#include <readpassphrase.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/factors.h"
#include "auth/password.h"
#include "ctl/address.h"
#include "ctl/ctl.h"
#include "ctl/holders.h"
#include "ctl/maildirs.h"
#include "ctl/new_account.h"

#define TYPED_SIZE (PASSWORD_MAX + 2) /* one more than allowed, and the NUL */

/* The first line of standard input, as scripts and ssh give it. */
static int
read_typed(char typed[TYPED_SIZE])
{
	size_t len = 0;
	ssize_t n;
	char c;

	/* One octet at a time: what follows is not ours to take. */
	while ((n = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n') {
		if (c == '\0')
			return ctl_fail("the password has a NUL in it");
		if (len < TYPED_SIZE - 1)
			typed[len++] = c;
	}
	typed[len] = '\0';
	if (n == -1 || (n == 0 && len == 0))
		return ctl_fail("no password on standard input");
	return CTL_GOOD;
}

static int
ask_twice(char typed[TYPED_SIZE])
{
	char again[TYPED_SIZE];
	int status = CTL_GOOD;

	if (readpassphrase("Password: ", typed, TYPED_SIZE, RPP_REQUIRE_TTY) ==
		NULL ||
	    readpassphrase("The same again: ", again, sizeof(again),
		RPP_REQUIRE_TTY) == NULL)
		status = ctl_fail("no password was typed");
	else if (strcmp(typed, again) != 0)
		status = ctl_fail("the two are not the same; try again");
	explicit_bzero(again, sizeof(again));
	return status;
}

/* Asks for a new password and hashes it. */
static int
new_hash(char hash[HASH_MAX + 1])
{
	char typed[TYPED_SIZE], err[ERR_SIZE];
	int status;

	typed[0] = '\0';
	status = isatty(STDIN_FILENO) ? ask_twice(typed) : read_typed(typed);
	if (status == CTL_GOOD &&
	    password_hash(typed, hash, HASH_MAX + 1, err, sizeof(err)) == -1)
		status = ctl_fail("%s", err);
	explicit_bzero(typed, sizeof(typed));
	return status;
}

/* The options in the order in which they depend on each other. */
static int
make_account(
    struct account *a, const char *address, const struct args *args)
{
	const struct conf *conf = args->conf;
	const char *maildir = args->option['m'], *owner = args->option['o'];
	char err[ERR_SIZE];

	if (account_init(a, address, conf, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	if (owner != NULL &&
	    owner_parse(owner, &a->uid, &a->gid, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	if (a->uid == 0)
		return ctl_fail("whose is the mailbox? say -o OWNER, or owner "
				"USER in %s",
		    conf->file);
	if (maildir == NULL) {
		if (account_maildir(a, conf, NULL, err, sizeof(err)) == -1)
			return ctl_fail("%s", err);
	} else if (!maildir_good(maildir) ||
	    strlcpy(a->maildir, maildir, sizeof(a->maildir)) >=
		sizeof(a->maildir))
		return ctl_fail("-m %s: give an absolute path below /, of at "
				"most %d octets",
		    maildir, MAILDIR_MAX);
	return CTL_GOOD;
}

static int
exists(const char *address)
{
	return ctl_fail("there is an account %s already; `pop3ctl set' and "
			"`passwd' change it", address);
}

static int
is_alias(const struct account *alias)
{
	return ctl_fail("%s is an alias of %s; `pop3ctl alias remove' it "
	    "first", alias->address, alias->alias_of);
}

/* It gets the Maildir of another account only if it is told to. */
static int
check_holder(struct accounts_edit *edit, const struct account *account,
    int told)
{
	char holder[ADDRESS_MAX + 1], err[ERR_SIZE];
	int found = holders_ask(accounts_edit_accounts(edit), account, holder,
	    err, sizeof(err));

	if (found == -1)
		return ctl_fail("%s", err);
	if (found == 1 && !told)
		return ctl_fail("%s would have the Maildir of %s, %s; give it "
		    "another one by -m MAILDIR", account->address, holder,
		    account->maildir);
	if (found == 1)
		holders_warn(account, holder);
	return CTL_GOOD;
}

static int
put_new(struct accounts_edit *edit, const struct account *account,
    const struct args *args)
{
	static struct account old;
	char err[ERR_SIZE];
	int found;

	found =
	    accounts_edit_get(edit, account->address, &old, err, sizeof(err));
	if (found == ACCOUNTS_ALIAS)
		return is_alias(&old);
	if (found == 1)
		return exists(account->address);
	if (found == 0 && check_holder(edit, account,
		args->option['m'] != NULL) != CTL_GOOD)
		return CTL_FAILED;
	/* What may be left of another one of that address is not its. */
	if (found == -1 || factors_remove(args->conf->accounts,
		account->address, err, sizeof(err)) == -1 ||
	    accounts_edit_put(edit, account, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	return CTL_GOOD;
}

/*
 * Of an account that is there already nothing is changed, but a Maildir that
 * is missing is made: its disk may be a new one.
 */
static int
add_maildir(const struct account *account, const struct args *args)
{
	struct maildirs maildirs = { NULL, 0, 0 };

	if (account->alias_of[0] != '\0')
		return is_alias(account);
	if (args->option['m'] != NULL || args->option['o'] != NULL ||
	    args->option['P'] != NULL || !maildirs_is_missing(account))
		return exists(account->address);
	maildirs_note(&maildirs, account);
	if (maildirs_make(&maildirs) != CTL_GOOD)
		return CTL_FAILED;
	printf("%s: there is this account already, and it stays as it was; its "
	       "Maildir %s was missing, and is made\n", account->address,
	    account->maildir);
	return CTL_GOOD;
}

static int
add_new(struct account *account, const struct args *args)
{
	struct maildirs maildirs = { NULL, 0, 0 };
	struct accounts_edit *edit;
	int status = CTL_GOOD;

	if (args->option['P'] == NULL)
		status = new_hash(account->hash);
	if (status != CTL_GOOD)
		return status;
	if ((edit = ctl_edit(args->conf)) == NULL)
		return CTL_FAILED;
	status = ctl_edit_end(edit, put_new(edit, account, args));
	explicit_bzero(account->hash, sizeof(account->hash));
	if (status != CTL_GOOD)
		return status;
	/* Perhaps of another one of that address, who is gone. */
	if (!maildirs_is_missing(account))
		printf("%s: its Maildir %s was there already; what is in it is "
		       "its mail\n", account->address,
		    account->maildir);
	maildirs_note(&maildirs, account);
	(void)maildirs_make(&maildirs);
	return status;
}

/* Before a password is asked for it is known whether one is wanted. */
int
ctl_add(const struct args *args)
{
	static struct account account;
	char address[ADDRESS_MAX + 1], err[ERR_SIZE];
	int found = 0, status;

	if (address_parse(args->word[0], address, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	/* The first account makes the database. */
	if (access(args->conf->accounts, F_OK) == 0 || errno != ENOENT)
		found = ctl_look_up(args->conf, address, &account);
	if (found == -1)
		return CTL_FAILED;
	if (found != 0) {
		explicit_bzero(account.hash, sizeof(account.hash));
		return add_maildir(&account, args);
	}
	status = make_account(&account, address, args);
	return status == CTL_GOOD ? add_new(&account, args) : status;
}

static int
put_hash(struct account *account, void *hash)
{
	memcpy(account->hash, hash, sizeof(account->hash));
	account->generation++;
	return CTL_GOOD;
}

/*
 * Asked of another process: this one is to know no hash when it has sessions
 * ended.
 */
static int
has_password(const struct args *args)
{
	struct targets targets;
	struct target target;

	if (targets_open(&targets, args->conf, 1, args->word) != CTL_GOOD)
		return CTL_FAILED;
	(void)targets_next(&targets, &target);
	return targets_close(&targets);
}

int
ctl_passwd(const struct args *args)
{
	char hash[HASH_MAX + 1];
	int status;

	/* Before the password is asked for. */
	if ((status = has_password(args)) == CTL_GOOD &&
	    (status = new_hash(hash)) == CTL_GOOD)
		status = ctl_change(args->conf, args->word[0], put_hash, hash);
	explicit_bzero(hash, sizeof(hash));
	return status;
}
