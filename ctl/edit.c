#include <string.h>
#include <time.h>

#include "ctl/address.h"
#include "ctl/ctl.h"

static int
no_account(const char *address)
{
	return ctl_fail("no account %s; `pop3ctl list' shows them", address);
}

int
ctl_account(
    const struct conf *conf, const char *address, struct account *account)
{
	struct accounts *accounts;
	char err[ERR_SIZE];
	int found;

	if (accounts_open(&accounts, conf->accounts, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	found = accounts_check(accounts, err, sizeof(err));
	if (found == 0)
		found = accounts_get(
		    accounts, address, account, err, sizeof(err));
	accounts_close(accounts);
	if (found == -1)
		return ctl_fail("%s", err);
	return found == 1 ? CTL_GOOD : no_account(address);
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

int
ctl_edit_end(struct accounts_edit *edit, int status)
{
	char err[ERR_SIZE];

	if (status != CTL_GOOD)
		accounts_edit_abandon(edit);
	else if (accounts_edit_commit(edit, err, sizeof(err)) == -1)
		status = ctl_fail("%s", err);
	return status;
}

int
ctl_change(const struct conf *conf, const char *address,
    int (*change)(struct account *account, void *arg), void *arg)
{
	static struct account account; /* large */
	struct accounts_edit *edit;
	char err[ERR_SIZE];
	int found, status;

	if ((edit = ctl_edit(conf)) == NULL)
		return CTL_FAILED;
	found = accounts_edit_get(edit, address, &account, err, sizeof(err));
	if (found == -1)
		status = ctl_fail("%s", err);
	else if (found != 1)
		status = no_account(address);
	else if ((status = change(&account, arg)) == CTL_GOOD &&
	    accounts_edit_put(edit, &account, err, sizeof(err)) == -1)
		status = ctl_fail("%s", err);
	explicit_bzero(&account, sizeof(account));
	return ctl_edit_end(edit, status);
}

/* The octets of the character of UTF-8 at p; 0: there is none. */
static size_t
utf8_octets(const unsigned char *p)
{
	size_t i, n;

	n = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 :
	    *p < 0xf5 ? 4 : 0;
	for (i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than need be, surrogates, and beyond U+10FFFF. */
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* JSON is UTF-8; labels and paths may be anything. */
void
ctl_json_string(FILE *f, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n;

	putc('"', f);
	for (; *p != '\0'; p += n > 0 ? n : 1) {
		n = utf8_octets(p);
		if (n == 0)
			fputs("\\ufffd", f);
		else if (*p == '"' || *p == '\\')
			fprintf(f, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			fprintf(f, "\\u%04x", *p);
		else
			fwrite(p, n, 1, f);
	}
	putc('"', f);
}

void
ctl_time(char text[TIME_SIZE], int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		strlcpy(text, "unknown", TIME_SIZE);
}
