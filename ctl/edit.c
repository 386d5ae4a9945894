#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "auth/system.h"
#include "ctl/ctl.h"

int
ctl_no_account(const struct conf *conf, const char *address,
    const struct account *alias)
{
	static struct account user; /* large */

	if (alias != NULL)
		return ctl_fail("no account %s: it is an alias of %s",
		    alias->address, alias->alias_of);
	if (conf->auth_system && system_account(conf, address, &user))
		return ctl_fail("%s is a user of the system, whose password "
				"and settings are not kept here", address);
	return ctl_fail("no account %s; `pop3ctl list' shows them", address);
}

int
ctl_look_up(
    const struct conf *conf, const char *address, struct account *account)
{
	struct accounts *accounts;
	char err[ERR_SIZE];
	int found;

	if (accounts_open(&accounts, conf->accounts, err, sizeof(err)) == -1) {
		(void)ctl_fail("%s", err);
		return -1;
	}
	found = accounts_check(accounts, err, sizeof(err));
	if (found == 0)
		found =
		    accounts_get(accounts, address, account, err, sizeof(err));
	accounts_close(accounts);
	if (found == -1)
		(void)ctl_fail("%s", err);
	return found;
}

int
ctl_account(
    const struct conf *conf, const char *address, struct account *account)
{
	int found = ctl_look_up(conf, address, account);

	if (found == -1)
		return CTL_FAILED;
	return found == 1 ? CTL_GOOD : ctl_no_account(conf, address,
	    found == ACCOUNTS_ALIAS ? account : NULL);
}

int
ctl_user(const struct conf *conf, const char *name, struct account *account)
{
	int found = 0;

	/* Who lets in the system's users alone need not have any accounts. */
	if (conf->auth_accounts || access(conf->accounts, F_OK) == 0 ||
	    errno != ENOENT)
		found = ctl_look_up(conf, name, account);
	if (found == -1)
		return CTL_FAILED;
	if (found == 1 ||
	    (conf->auth_system && system_account(conf, name, account)))
		return CTL_GOOD;
	return ctl_no_account(
	    conf, name, found == ACCOUNTS_ALIAS ? account : NULL);
}

static int
walk(struct accounts *accounts,
    int (*each)(const struct account *account, void *arg), void *arg)
{
	static struct account account; /* large */
	char err[ERR_SIZE];
	int found, status = CTL_GOOD;

	do {
		found = accounts_next(
		    accounts, &account, err, sizeof(err));
		if (found == ACCOUNTS_ALIAS)
			continue;
		if (found == ACCOUNTS_BAD || found == -1)
			status = ctl_fail("%s", err);
		else if (found == 1 && each(&account, arg) != CTL_GOOD) {
			status = CTL_FAILED;
			break;
		}
	} while (found > 0);
	explicit_bzero(&account, sizeof(account));
	return status;
}

int
ctl_each_account(const struct conf *conf,
    int (*each)(const struct account *account, void *arg), void *arg)
{
	struct accounts *accounts;
	char err[ERR_SIZE];
	int status;

	if (accounts_open(&accounts, conf->accounts, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	status = walk(accounts, each, arg);
	accounts_close(accounts);
	return status;
}

struct accounts_edit *
ctl_edit(const struct conf *conf)
{
	struct accounts_edit *edit;
	char err[ERR_SIZE];

	if (accounts_edit_begin(&edit, conf->accounts, err, sizeof(err)) ==
	    -1) {
		(void)ctl_fail("%s", err);
		return NULL;
	}
	return edit;
}

void
ctl_interrupts(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	(void)sigprocmask(how, &set, NULL);
}

int
ctl_edit_end(struct accounts_edit *edit, int status)
{
	char err[ERR_SIZE];

	if (status != CTL_GOOD) {
		accounts_edit_abandon(edit);
		return status;
	}
	ctl_interrupts(SIG_BLOCK);
	if (accounts_edit_commit(edit, err, sizeof(err)) == 0)
		return CTL_GOOD;
	ctl_interrupts(SIG_UNBLOCK);
	return ctl_fail("%s", err);
}
