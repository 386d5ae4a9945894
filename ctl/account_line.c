#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/hash.h"
#include "common/error.h"
#include "ctl/account_line.h"
#include "ctl/address.h"
#include "ctl/ctl.h"
#include "ctl/hash_cost.h"
#include "ctl/label.h"
#include "ctl/limits.h"
#include "ctl/new_account.h"
#include "ctl/settings.h"

static int
hex(const char *s, unsigned char *octet)
{
	char digits[3] = { s[0], s[0] != '\0' ? s[1] : '\0', '\0' };

	if (strlen(digits) != 2 ||
	    strspn(digits, "0123456789abcdefABCDEF") != 2)
		return -1;
	*octet = (unsigned char)strtoul(digits, NULL, 16);
	return 0;
}

/* Turns %XX back, in place. */
static int
unescape(char *s)
{
	unsigned char octet;
	char *to = s;

	for (; *s != '\0'; s++) {
		if (*s != '%') {
			*to++ = *s;
			continue;
		}
		if (hex(s + 1, &octet) == -1 || octet == '\0')
			return -1;
		*to++ = (char)octet;
		s += 2;
	}
	*to = '\0';
	return 0;
}

static int
set_hash(struct account *a, const char *hash, char *err, size_t errsize)
{
	const char *fault;

	/* A locked or missing password lets nobody in. */
	if (hash[0] == '\0' || hash[0] == '!' || hash[0] == '*')
		hash = "";
	else if (!hash_known(hash))
		return error_set(err, errsize,
		    "that is not a hash of this system's crypt(3); "
		    "is it a password in the clear?");
	else if ((fault = hash_cost_fault(hash)) != NULL)
		return error_set(err, errsize,
		    "the hash %s; give a cheaper one", fault);
	if (strlcpy(a->hash, hash, sizeof(a->hash)) >= sizeof(a->hash))
		return error_set(err, errsize,
		    "the hash is longer than %d octets", HASH_MAX);
	return 0;
}

/* TIME[;LIMIT ...], cut into pieces. */
static int
set_terms(struct app_password *app, char *text, char *err, size_t errsize)
{
	const char *bad, *word = strsep(&text, ";");
	char why[ERR_SIZE / 2];

	app->services = SERVICE_BOTH;
	app->created = strtonum(word, 0, INT64_MAX, &bad);
	if (bad != NULL)
		return error_set(err, errsize,
		    "app-password: the time is %s", bad);
	while ((word = strsep(&text, ";")) != NULL)
		if (limit_word(app, word, why, sizeof(why)) == -1)
			return error_set(err, errsize,
			    "app-password: %s", why);
	return 0;
}

static int
set_app_password(
    struct account *a, char *text, char *err, size_t errsize)
{
	struct app_password *app = &a->app[a->napp];
	char *terms;
	size_t i;

	if (a->napp == APP_PASSWORDS_MAX)
		return error_set(err, errsize,
		    "more than %d application passwords", APP_PASSWORDS_MAX);
	memset(app, 0, sizeof(*app));
	for (i = 0; i < sizeof(app->digest); i++, text += 2)
		if (hex(text, &app->digest[i]) == -1)
			return error_set(err, errsize,
			    "app-password: the digest is short");
	terms = text + (*text == ',');
	if (*text == ',')
		text = terms + strcspn(terms, ",");
	if (text == terms || *text != ',' || !label_readable(text + 1))
		return error_set(
		    err, errsize, "app-password: write DIGEST,TIME,LABEL");
	*text++ = '\0';
	if (set_terms(app, terms, err, errsize) == -1)
		return -1;
	if (label_find(a, text) < a->napp)
		return error_set(err, errsize,
		    "app-password: the label %s twice", text);
	strlcpy(app->label, text, sizeof(app->label));
	a->napp++;
	return 0;
}

static int
set_value(struct account *a, char *text, char *err, size_t errsize)
{
	const char *bad;

	if (unescape(text) == -1)
		return error_set(err, errsize,
		    "%.*s: write %%25 for a percent sign",
		    (int)strcspn(text, "="), text);
	if (strncmp(text, "hash=", 5) == 0)
		return set_hash(a, text + 5, err, errsize);
	if (strncmp(text, "app-password=", 13) == 0)
		return set_app_password(a, text + 13, err, errsize);
	if (strncmp(text, "from-now=", 9) == 0) {
		a->policy.from_now = strtonum(text + 9, 1, INT64_MAX, &bad);
		return bad == NULL
		    ? 0
		    : error_set(err, errsize, "%s is %s", text, bad);
	}
	return setting_apply(a, text, err, errsize);
}

/* Owner and maildir, where the line did not give them. */
static int
complete(struct account *a, const struct conf *conf, char *err, size_t errsize)
{
	if (a->uid == 0)
		return error_set(err, errsize,
		    "whose is the mailbox? say owner=USER here, "
		    "or owner USER in %s",
		    conf->file);
	if (a->maildir[0] != '\0')
		return 0;
	return account_maildir(a, conf, NULL, err, errsize);
}

/* export writes two characters so that a line is no comment, and is itself. */
static int
parse_address(char *word, char address[ADDRESS_MAX + 1], char *err,
    size_t errsize)
{
	if (strncmp(word, "%23", 3) == 0 || strncmp(word, "%25", 3) == 0) {
		word += 2;
		*word = *word == '3' ? '#' : '%';
	}
	return address_parse(word, address, err, errsize);
}

int
account_line(struct account *a, const struct conf *conf, char *text,
    char *err, size_t errsize)
{
	char address[ADDRESS_MAX + 1], *word = strsep(&text, " \t");

	if (parse_address(word, address, err, errsize) == -1 ||
	    account_init(a, address, conf, err, errsize) == -1)
		return -1;
	while ((word = strsep(&text, " \t")) != NULL)
		if (*word != '\0' &&
		    set_value(a, word, err, errsize) == -1)
			return -1;
	return complete(a, conf, err, errsize);
}

int
account_line_is_alias(const char *text)
{
	text += strcspn(text, " \t");
	text += strspn(text, " \t");
	return strncmp(text, "alias-of=", 9) == 0;
}

int
account_line_places(const char *text)
{
	static const char key[] = "maildir=";

	while (*(text += strcspn(text, " \t")) != '\0') {
		text += strspn(text, " \t");
		if (strncmp(text, key, strlen(key)) == 0)
			return 1;
	}
	return 0;
}

int
account_line_alias(struct account *a, char *text, char *err, size_t errsize)
{
	char *name = strsep(&text, " \t");
	const char *more = NULL;

	memset(a, 0, sizeof(*a));
	text = strchr(text, '=') + 1;
	more = text + strcspn(text, " \t");
	if (more[strspn(more, " \t")] != '\0')
		return error_set(err, errsize,
		    "an alias has nothing but alias-of=ADDRESS");
	text[strcspn(text, " \t")] = '\0';
	if (parse_address(name, a->address, err, errsize) == -1)
		return -1;
	return address_parse(text, a->alias_of, err, errsize);
}
