/*
 * Aliases, and pop3ctl alias.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/error.h"
#include "ctl/address.h"
#include "ctl/aliases.h"
#include "ctl/ctl.h"

static int
compare(const void *a, const void *b)
{
	const struct alias *x = a, *y = b;
	int differ = strcmp(x->account, y->account);

	return differ != 0 ? differ : strcmp(x->name, y->name);
}

static int
add(struct aliases *aliases, const struct account *account)
{
	struct alias *new;
	size_t room = aliases->room == 0 ? 64 : 2 * aliases->room;

	if (aliases->n == aliases->room) {
		new = reallocarray(aliases->list, room, sizeof(*new));
		if (new == NULL)
			return -1;
		aliases->list = new;
		aliases->room = room;
	}
	new = &aliases->list[aliases->n++];
	strlcpy(new->name, account->address, sizeof(new->name));
	strlcpy(new->account, account->alias_of, sizeof(new->account));
	return 0;
}

int
aliases_read(struct aliases *aliases, struct accounts *accounts, char *err,
    size_t errsize)
{
	static struct account account; /* large */
	int found;

	memset(aliases, 0, sizeof(*aliases));
	do {
		found = accounts_next(accounts, &account, err, errsize);
		if (found == ACCOUNTS_ALIAS && add(aliases, &account) == -1)
			found = error_set(err, errsize, "out of memory");
	} while (found > 0);
	explicit_bzero(&account, sizeof(account));
	if (found == -1)
		aliases_free(aliases);
	else if (aliases->n > 0)
		qsort(aliases->list, aliases->n, sizeof(*aliases->list),
		    compare);
	return found;
}

int
aliases_load(struct aliases *aliases, const struct conf *conf)
{
	struct accounts *accounts;
	char err[ERR_SIZE];
	int rv;

	memset(aliases, 0, sizeof(*aliases));
	if (accounts_open(&accounts, conf->accounts, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	rv = aliases_read(aliases, accounts, err, sizeof(err));
	accounts_close(accounts);
	return rv == 0 ? CTL_GOOD : ctl_fail("%s", err);
}

const struct alias *
aliases_of(const struct aliases *aliases, const char *address, size_t *n)
{
	size_t low = 0, high = aliases->n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (strcmp(aliases->list[middle].account, address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (*n = 0; low + *n < aliases->n; ++*n)
		if (strcmp(aliases->list[low + *n].account, address) != 0)
			break;
	return *n > 0 ? &aliases->list[low] : NULL;
}

void
aliases_free(struct aliases *aliases)
{
	free(aliases->list);
	memset(aliases, 0, sizeof(*aliases));
}

/* There must be the account, and nothing by the name of the alias. */
static int
put_alias(struct accounts_edit *edit, const char *address,
    const char *name)
{
	static struct account account; /* large */
	char err[ERR_SIZE], whose[ADDRESS_MAX + 1];
	int found;

	found = accounts_edit_get(edit, address, &account, err, sizeof(err));
	strlcpy(whose, account.address, sizeof(whose));
	if (found == 0)
		return ctl_fail(
		    "no account %s; `pop3ctl list' shows them", address);
	if (found == ACCOUNTS_ALIAS)
		return ctl_fail("no account %s: it is an alias of %s", address,
		    account.alias_of);
	if (found == 1)
		found = accounts_edit_get(
		    edit, name, &account, err, sizeof(err));
	if (found == ACCOUNTS_ALIAS)
		return ctl_fail("%s is an alias of %s already", name,
		    account.alias_of);
	if (found == 1)
		return ctl_fail("%s is an account", name);
	memset(&account, 0, sizeof(account));
	strlcpy(account.address, name, sizeof(account.address));
	strlcpy(account.alias_of, whose, sizeof(account.alias_of));
	if (found == -1 ||
	    accounts_edit_put(edit, &account, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	return CTL_GOOD;
}

int
ctl_alias_add(const struct args *args)
{
	struct accounts_edit *edit;
	char name[ADDRESS_MAX + 1], err[ERR_SIZE];

	if (address_parse(args->word[1], name, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	if ((edit = ctl_edit(args->conf)) == NULL)
		return CTL_FAILED;
	return ctl_edit_end(edit, put_alias(edit, args->word[0], name));
}

int
ctl_alias_list(const struct args *args)
{
	static struct account account; /* large */
	struct aliases aliases;
	size_t i;
	int status = CTL_GOOD;

	if (args->n > 0)
		status = ctl_account(args->conf, args->word[0], &account);
	if (status == CTL_GOOD)
		status = aliases_load(&aliases, args->conf);
	if (status != CTL_GOOD)
		return status;
	for (i = 0; i < aliases.n; i++)
		if (args->n == 0 ||
		    strcmp(aliases.list[i].account, account.address) == 0)
			printf("%s %s\n", aliases.list[i].account,
			    aliases.list[i].name);
	aliases_free(&aliases);
	return CTL_GOOD;
}

int
ctl_alias_remove(const struct args *args)
{
	static struct account account; /* large */
	const char *address = args->word[0], *name = args->word[1];
	struct accounts_edit *edit;
	char err[ERR_SIZE];
	int found, status = CTL_GOOD;

	if ((edit = ctl_edit(args->conf)) == NULL)
		return CTL_FAILED;
	found = accounts_edit_get(edit, name, &account, err, sizeof(err));
	if (found == -1)
		status = ctl_fail("%s", err);
	else if (found != ACCOUNTS_ALIAS ||
	    strcasecmp(account.alias_of, address) != 0)
		status = ctl_fail("%s has no alias %s; `pop3ctl alias list "
		    "%s' shows them", address, name, address);
	else if (accounts_edit_delete(edit, name, err, sizeof(err)) == -1)
		status = ctl_fail("%s", err);
	explicit_bzero(&account, sizeof(account));
	return ctl_edit_end(edit, status);
}
