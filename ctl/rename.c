/*
 * pop3ctl delete, rename: what takes aliases and factors along.
 */
#include <string.h>

#include "auth/factors.h"
#include "ctl/address.h"
#include "ctl/aliases.h"
#include "ctl/ctl.h"
#include "ctl/revoke.h"

/* The account's aliases lead to another one now, or are deleted: NULL. */
static int
move_aliases(struct accounts_edit *edit, const struct alias *alias, size_t n,
    const char *to)
{
	static struct account new; /* large */
	char err[ERR_SIZE];
	size_t i;
	int rv = 0;

	for (i = 0; rv == 0 && i < n; i++) {
		memset(&new, 0, sizeof(new));
		strlcpy(new.address, alias[i].name, sizeof(new.address));
		if (to == NULL) {
			rv = accounts_edit_delete(
			    edit, alias[i].name, err, sizeof(err));
			continue;
		}
		strlcpy(new.alias_of, to, sizeof(new.alias_of));
		rv = accounts_edit_put(edit, &new, err, sizeof(err));
	}
	return rv == 0 ? CTL_GOOD : ctl_fail("%s", err);
}

static int
delete_with_aliases(struct accounts_edit *edit, const char *address,
    const struct alias *alias, size_t n)
{
	char err[ERR_SIZE];

	if (move_aliases(edit, alias, n, NULL) != CTL_GOOD)
		return CTL_FAILED;
	if (accounts_edit_delete(edit, address, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	return CTL_GOOD;
}

/* What was done to the account, and that its aliases went with it. */
static void
tell_aliases(const char *address, const char *done, const struct alias *alias,
    size_t n)
{
	size_t i;

	if (n == 0)
		return;
	printf("%s: its aliases are %s:", address, done);
	for (i = 0; i < n; i++)
		printf(" %s", alias[i].name);
	putchar('\n');
}

/* To delete it, a damaged one will do, of which the address alone is known. */
static int
find_account(struct accounts_edit *edit, const char *address,
    struct account *account, int damaged_too)
{
	char err[ERR_SIZE], name[ADDRESS_MAX + 1];
	int found;

	memset(account, 0, sizeof(*account));
	found = accounts_edit_get(edit, address, account, err, sizeof(err));
	if (found == ACCOUNTS_ALIAS)
		return ctl_fail("%s is an alias; `pop3ctl alias remove %s %s' "
		    "removes it", address, account->alias_of, address);
	if (found == 0)
		return ctl_fail(
		    "no account %s; `pop3ctl list' shows them", address);
	if (found == 1)
		return CTL_GOOD;
	if (!damaged_too || account->address[0] == '\0')
		return ctl_fail("%s", err);
	strlcpy(name, account->address, sizeof(name));
	memset(account, 0, sizeof(*account));
	strlcpy(account->address, name, sizeof(account->address));
	return CTL_GOOD;
}

/* The account with its aliases, n of them from *alias on. */
static int
find_with_aliases(struct accounts_edit *edit, const char *address,
    struct account *account, int damaged_too, struct aliases *aliases,
    const struct alias **alias, size_t *n)
{
	char err[ERR_SIZE];

	if (find_account(edit, address, account, damaged_too) != CTL_GOOD)
		return CTL_FAILED;
	if (aliases_read(aliases, accounts_edit_accounts(edit), err,
		sizeof(err)) == -1)
		return ctl_fail("%s", err);
	*alias = aliases_of(aliases, account->address, n);
	return CTL_GOOD;
}

/* What proved who the user of an address was. */
static int
forget_factors(const struct conf *conf, const char *address)
{
	char err[ERR_SIZE];

	if (factors_remove(conf->accounts, address, err, sizeof(err)) == 0)
		return CTL_GOOD;
	return ctl_fail("%s", err);
}

static int
delete_account(const struct args *args, struct revocation *r)
{
	static struct account account; /* large */
	const struct alias *alias = NULL;
	struct aliases aliases = { NULL, 0, 0 };
	struct accounts_edit *edit;
	size_t n = 0;
	int status;

	if ((edit = ctl_edit(args->conf)) == NULL)
		return CTL_FAILED;
	status = find_with_aliases(
	    edit, args->word[0], &account, 1, &aliases, &alias, &n);
	if (status == CTL_GOOD)
		status = delete_with_aliases(
		    edit, account.address, alias, n);
	/* A damaged record has no maildir, and nobody's session. */
	if (status == CTL_GOOD && account.maildir[0] == '/')
		revocation_note(r, &account, NULL);
	explicit_bzero(account.hash, sizeof(account.hash));
	status = ctl_edit_end(edit, status);
	if (status == CTL_GOOD) {
		status = forget_factors(args->conf, account.address);
		tell_aliases(account.address, "deleted, too", alias, n);
	}
	aliases_free(&aliases);
	return status;
}

int
ctl_delete(const struct args *args)
{
	struct revocation r;

	if (revocation_open(&r, args->conf) != CTL_GOOD)
		return CTL_FAILED;
	return revocation_close(&r, delete_account(args, &r));
}

static int
is_free(struct accounts_edit *edit, const char *address)
{
	static struct account other; /* large */
	char err[ERR_SIZE];
	int found =
	    accounts_edit_get(edit, address, &other, err, sizeof(err));

	explicit_bzero(other.hash, sizeof(other.hash));
	if (found == ACCOUNTS_ALIAS)
		return ctl_fail("%s is an alias of %s; `pop3ctl alias remove' "
		    "it first", address, other.alias_of);
	if (found == 1)
		return ctl_fail("there is an account %s already", address);
	return found == 0 ? CTL_GOOD : ctl_fail("%s", err);
}

/* Under its new address it is put, and its aliases lead there. */
static int
rename_account(struct accounts_edit *edit, struct account *account,
    const char *new, const struct alias *alias, size_t n)
{
	char old[ADDRESS_MAX + 1], err[ERR_SIZE];

	if (is_free(edit, new) != CTL_GOOD)
		return CTL_FAILED;
	strlcpy(old, account->address, sizeof(old));
	strlcpy(account->address, new, sizeof(account->address));
	if (accounts_edit_put(edit, account, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	if (move_aliases(edit, alias, n, new) != CTL_GOOD)
		return CTL_FAILED;
	return delete_with_aliases(edit, old, NULL, 0);
}

int
ctl_rename(const struct args *args)
{
	static struct account account; /* large */
	const struct alias *alias = NULL;
	struct aliases aliases = { NULL, 0, 0 };
	struct accounts_edit *edit;
	char old[ADDRESS_MAX + 1], new[ADDRESS_MAX + 1], err[ERR_SIZE];
	size_t n = 0;
	int status;

	if (address_parse(args->word[1], new, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	if ((edit = ctl_edit(args->conf)) == NULL)
		return CTL_FAILED;
	status = find_with_aliases(
	    edit, args->word[0], &account, 0, &aliases, &alias, &n);
	strlcpy(old, account.address, sizeof(old));
	if (status == CTL_GOOD)
		status = rename_account(edit, &account, new, alias, n);
	/* Never without its second factor: a copy first, for a moment two. */
	if (status == CTL_GOOD && factors_copy(args->conf->accounts, old,
		account.address, err, sizeof(err)) == -1)
		status = ctl_fail("%s", err);
	status = ctl_edit_end(edit, status);
	if (status == CTL_GOOD)
		status = forget_factors(args->conf, old);
	if (status == CTL_GOOD) {
		tell_aliases(new, "moved, too", alias, n);
		printf("%s: its mail stays in %s\n", new, account.maildir);
	}
	explicit_bzero(&account, sizeof(account));
	aliases_free(&aliases);
	return status;
}
