#include <string.h>

#include "ctl/ctl.h"
#include "ctl/revoke.h"

int
ctl_change_noting(const struct conf *conf, const char *address,
    int (*change)(struct account *account, void *arg), void *arg,
    struct revocation *r)
{
	static struct account account, before; /* large */
	struct accounts_edit *edit;
	char err[ERR_SIZE];
	int found, status;

	if ((edit = ctl_edit(conf)) == NULL)
		return CTL_FAILED;
	found = accounts_edit_get(edit, address, &account, err, sizeof(err));
	before = account;
	if (found == -1)
		status = ctl_fail("%s", err);
	else if (found != 1)
		status = ctl_no_account(conf, address,
		    found == ACCOUNTS_ALIAS ? &account : NULL);
	else if ((status = change(&account, arg)) == CTL_GOOD &&
	    accounts_edit_put(edit, &account, err, sizeof(err)) == -1)
		status = ctl_fail("%s", err);
	if (status == CTL_GOOD)
		revocation_note(r, &before, &account);
	explicit_bzero(&account, sizeof(account));
	explicit_bzero(&before, sizeof(before));
	return ctl_edit_end(edit, status);
}

int
ctl_change(const struct conf *conf, const char *address,
    int (*change)(struct account *account, void *arg), void *arg)
{
	struct revocation r;

	if (revocation_open(&r, conf) != CTL_GOOD)
		return CTL_FAILED;
	return revocation_close(
	    &r, ctl_change_noting(conf, address, change, arg, &r));
}
