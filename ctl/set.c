/*
 * pop3ctl set.
 */
#include <string.h>
#include <strings.h>

#include "ctl/ctl.h"
#include "ctl/holders.h"
#include "ctl/revoke.h"
#include "ctl/settings.h"

struct set {
	const char *domain; /* of whom it is about; NULL: all */
	int n;
	char **text;
	unsigned long changed;
	struct revocation revocation;
};

/* All of them or none. */
static int
apply_all(struct account *account, void *arg)
{
	const struct set *set = arg;
	char err[ERR_SIZE];
	int i;

	for (i = 0; i < set->n; i++)
		if (setting_apply(account, set->text[i], err, sizeof(err)) ==
		    -1)
			return ctl_fail("%s", err);
	return CTL_GOOD;
}

static int
is_meant(const struct set *set, const struct account *account)
{
	return set->domain == NULL ||
	    strcasecmp(strrchr(account->address, '@') + 1, set->domain) == 0;
}

static int
change_one(struct accounts_edit *edit, struct account *account,
    struct set *set)
{
	static struct account before; /* large */
	char err[ERR_SIZE];

	if (!is_meant(set, account))
		return CTL_GOOD;
	before = *account;
	if (apply_all(account, set) != CTL_GOOD)
		return CTL_FAILED;
	if (accounts_edit_put(edit, account, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	revocation_note(&set->revocation, &before, account);
	explicit_bzero(&before, sizeof(before));
	set->changed++;
	return CTL_GOOD;
}

/* A record that cannot be read is told of, and stays as it is: *bad. */
static int
change_all(struct accounts_edit *edit, struct set *set, int *bad)
{
	static struct account account; /* large */
	char err[ERR_SIZE];
	int found, status = CTL_GOOD;

	do {
		found = accounts_next(accounts_edit_accounts(edit), &account,
		    err, sizeof(err));
		if (found == ACCOUNTS_BAD)
			*bad = ctl_fail("%s", err);
		else if (found == -1)
			status = ctl_fail("%s", err);
		else if (found == 1)
			status = change_one(edit, &account, set);
	} while (found > 0 && status == CTL_GOOD);
	explicit_bzero(&account, sizeof(account));
	return status;
}

static int
change_file(const struct args *args, struct set *set, int *bad)
{
	struct accounts_edit *edit;
	int status;

	if ((edit = ctl_edit(args->conf)) == NULL)
		return CTL_FAILED;
	status = change_all(edit, set, bad);
	if (status == CTL_GOOD && set->changed == 0)
		status = ctl_fail("%s: there is no such account; `pop3ctl "
		    "list' shows them", args->word[0]);
	return ctl_edit_end(edit, status);
}

static int
set_many(const struct args *args, struct set *set)
{
	int i, status, bad = CTL_GOOD;

	for (i = 0; i < set->n; i++)
		if (strncmp(set->text[i], "maildir=", 8) == 0)
			return ctl_fail("%s: all would have the same mailbox; "
			    "set it for one account", set->text[i]);
	if (revocation_open(&set->revocation, args->conf) != CTL_GOOD)
		return CTL_FAILED;
	status = change_file(args, set, &bad);
	if (status == CTL_GOOD) {
		printf("%lu accounts changed\n", set->changed);
		fflush(stdout);
	}
	status = revocation_close(&set->revocation, status);
	return status == CTL_GOOD ? bad : status;
}

/* Somebody said so, and may not have known. */
static int
warn_of_sharing(const struct conf *conf, const char *address)
{
	static struct account account; /* large */
	struct accounts *accounts;
	char holder[ADDRESS_MAX + 1], err[ERR_SIZE];
	int found;

	if (accounts_open(&accounts, conf->accounts, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	found = accounts_get(accounts, address, &account, err, sizeof(err));
	if (found == 1)
		found = holders_ask(
		    accounts, &account, holder, err, sizeof(err));
	if (found == 1)
		holders_warn(&account, holder);
	accounts_close(accounts);
	explicit_bzero(&account, sizeof(account));
	return found == -1 ? ctl_fail("%s", err) : CTL_GOOD;
}

int
ctl_set(const struct args *args)
{
	const char *address = args->word[0];
	struct set set = { .n = args->n - 1, .text = args->word + 1 };
	int i, status;

	if (strncmp(address, "*@", 2) == 0)
		set.domain = address + 2;
	if (set.domain != NULL || strcmp(address, "*") == 0)
		return set_many(args, &set);
	status = ctl_change(args->conf, address, apply_all, &set);
	for (i = 0; status == CTL_GOOD && i < set.n; i++)
		if (strncmp(set.text[i], "maildir=", 8) == 0)
			status = warn_of_sharing(args->conf, address);
	return status;
}
