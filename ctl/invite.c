/*
 * pop3ctl invite.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/factors.h"
#include "auth/symbols.h"
#include "ctl/ctl.h"

#define HOUR	  3600
#define HOURS	  48 /* unless given */
#define HOURS_MAX (24 * 30)

/* +Nh: how many hours; 0: it is none. */
static int64_t
hours_of(const char *value)
{
	char digits[8];
	const char *bad;
	size_t len = strlen(value);

	if (value[0] != '+' || len < 3 || len - 2 >= sizeof(digits) ||
	    value[len - 1] != 'h')
		return 0;
	memcpy(digits, value + 1, len - 2);
	digits[len - 2] = '\0';
	if (strspn(digits, "0123456789") != len - 2)
		return 0;
	return strtonum(digits, 1, HOURS_MAX, &bad);
}

/* The link, which lets in whoever has it, once. */
static void
print_link(const struct conf *conf, const char *address, const char *token)
{
	printf("%s?invitation=%s&address=", conf->self_service, token);
	for (; *address != '\0'; address++)
		if (isalnum((unsigned char)*address) ||
		    strchr("-._~", *address) != NULL)
			putchar(*address);
		else
			printf("%%%02X", (unsigned char)*address);
	putchar('\n');
}

/* In place of an invitation that there was. */
static int
keep(const struct conf *conf, const char *address, const char *token,
    int64_t until)
{
	char symbols[INVITATION_SYMBOLS + 1], err[ERR_SIZE];
	struct factors_edit edit;
	struct factors f;
	int rv;

	if (factors_edit_begin(&edit, conf->accounts, address, &f, err,
		sizeof(err)) == -1)
		return ctl_fail("%s", err);
	(void)symbols_read(token, symbols, INVITATION_SYMBOLS);
	digest_make(f.invitation, NULL, symbols);
	f.invited = until;
	rv = factors_edit_commit(&edit, &f, err, sizeof(err));
	explicit_bzero(symbols, sizeof(symbols));
	explicit_bzero(&f, sizeof(f));
	return rv == 0 ? CTL_GOOD : ctl_fail("%s", err);
}

int
ctl_invite(const struct args *args)
{
	static struct account account; /* large */
	const struct conf *conf = args->conf;
	const char *value = args->option['e'];
	char token[SYMBOLS_SIZE(INVITATION_SYMBOLS)];
	int64_t hours = value == NULL ? HOURS : hours_of(value);
	int status;

	if (conf->self_service == NULL)
		return ctl_fail("where the page is, is not configured; add to "
		    "%s: self-service https://mail.example.com/settings",
		    conf->file);
	if (hours == 0)
		return ctl_fail("-e %s: write +Nh, for N hours from now, at "
		    "most %d", value, HOURS_MAX);
	status = ctl_account(conf, args->word[0], &account);
	explicit_bzero(account.hash, sizeof(account.hash));
	if (status != CTL_GOOD)
		return status;
	if (!account.self_service)
		return ctl_fail("%s may not change settings; `pop3ctl set %s "
		    "self-service=yes' lets its user in", account.address,
		    account.address);
	symbols_make(token, INVITATION_SYMBOLS);
	status = keep(conf, account.address, token,
	    (int64_t)time(NULL) + hours * HOUR);
	if (status == CTL_GOOD)
		print_link(conf, account.address, token);
	explicit_bzero(token, sizeof(token));
	return status;
}
