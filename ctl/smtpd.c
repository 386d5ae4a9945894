/*
 * pop3ctl export -t smtpd: a credentials table of OpenSMTPD's, table(5).
 *
 *	address <tab> hash
 *
 * smtpd(8) checks the hashes itself, so only what the account's own password
 * opens can be there.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/smtpd.h"

static int
export_one(const struct account *a, void *arg)
{
	int *status = arg;

	if (a->hash[0] == '\0' || a->two_factor || !a->send)
		return CTL_GOOD;
	/* The table ends a key there, and takes a line for a comment. */
	if (a->address[0] == '#' ||
	    a->address[strcspn(a->address, " \t:")] != '\0') {
		*status = ctl_fail("%s: a table of OpenSMTPD cannot have this "
		    "address; it is left out", a->address);
		return CTL_GOOD;
	}
	printf("%s\t%s\n", a->address, a->hash);
	return CTL_GOOD;
}

int
smtpd_export(const struct conf *conf)
{
	int left_out = CTL_GOOD;
	int status = ctl_each_account(conf, export_one, &left_out);

	return status == CTL_GOOD ? left_out : status;
}
