/*
 * pop3ctl export, import: accounts as text, one a line.
 *
 *	address KEY=VALUE ... [from-now=NS] [hash=H]
 *	    [app-password=DIGEST,TIME[;LIMIT ...],LABEL] ...
 *
 * In values blanks, percent signs and control characters are %XX.  Import
 * also takes address:crypt-hash[:...], as Dovecot's passwd-file and shadow
 * files have it, for a new account or the password of an old one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/hash.h"
#include "common/error.h"
#include "ctl/address.h"
#include "ctl/ctl.h"
#include "ctl/limits.h"
#include "ctl/maildirs.h"
#include "ctl/settings.h"

#define LINE_SIZE   65536 /* room for every application password */
#define DIGEST_SIZE sizeof(((struct app_password *)0)->digest)

static void
put_escaped(const char *value)
{
	const unsigned char *p = (const unsigned char *)value;

	for (; *p != '\0'; p++)
		if (*p <= 0x20 || *p == '%' || *p == 0x7f)
			printf("%%%02X", *p);
		else
			putchar(*p);
}

static void
put_value(const char *key, const char *value)
{
	printf(" %s=", key);
	put_escaped(value);
}

static void
put_app_password(const struct app_password *app)
{
	size_t i;

	fputs(" app-password=", stdout);
	for (i = 0; i < DIGEST_SIZE; i++)
		printf("%02x", app->digest[i]);
	printf(",%lld", (long long)app->created);
	limits_print(";", app);
	putchar(',');
	put_escaped(app->label);
}

static void
put_account(const struct account *a)
{
	const struct setting *s;
	char value[VALUE_SIZE];
	size_t i;

	fputs(a->address, stdout);
	for (s = settings; s->key != NULL; s++) {
		setting_value(s, a, value);
		if (strcmp(s->key, "password") != 0)
			put_value(s->key, value);
	}
	if (a->access == ACCESS_FROM_NOW)
		printf(" from-now=%lld", (long long)a->policy.from_now);
	if (a->hash[0] != '\0')
		put_value("hash", a->hash);
	for (i = 0; i < a->napp; i++)
		put_app_password(&a->app[i]);
	putchar('\n');
}

static int
export_one(const struct account *account, void *arg)
{
	(void)arg;
	put_account(account);
	return CTL_GOOD;
}

int
ctl_export(const struct args *args)
{
	return ctl_each_account(args->conf, export_one, NULL);
}

/* What is being imported. */
struct import {
	const struct conf *conf;
	struct accounts_edit *edit;
	const char *file;
	unsigned long line, accounts, added;
	struct maildirs maildirs;
	char err[ERR_SIZE];
};

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
import_hash_value(struct import *im, struct account *a, const char *hash)
{
	/* A locked or missing password lets nobody in. */
	if (hash[0] == '\0' || hash[0] == '!' || hash[0] == '*')
		hash = "";
	else if (!hash_known(hash))
		return error_set(im->err, ERR_SIZE,
		    "that is not a hash of this system's crypt(3); "
		    "is it a password in the clear?");
	if (strlcpy(a->hash, hash, sizeof(a->hash)) >= sizeof(a->hash))
		return error_set(im->err, ERR_SIZE,
		    "the hash is longer than %d octets", HASH_MAX);
	return 0;
}

/* TIME[;LIMIT ...], cut into pieces. */
static int
set_terms(struct import *im, struct app_password *app, char *text)
{
	const char *bad, *word = strsep(&text, ";");
	char why[ERR_SIZE / 2];

	app->services = SERVICE_BOTH;
	app->created = strtonum(word, 0, INT64_MAX, &bad);
	if (bad != NULL)
		return error_set(im->err, ERR_SIZE,
		    "app-password: the time is %s", bad);
	while ((word = strsep(&text, ";")) != NULL)
		if (limit_word(app, word, why, sizeof(why)) == -1)
			return error_set(im->err, ERR_SIZE,
			    "app-password: %s", why);
	return 0;
}

static int
set_app_password(struct import *im, struct account *a, char *text)
{
	struct app_password *app = &a->app[a->napp];
	char *terms;
	size_t i;

	if (a->napp == APP_PASSWORDS_MAX)
		return error_set(im->err, ERR_SIZE,
		    "more than %d application passwords", APP_PASSWORDS_MAX);
	memset(app, 0, sizeof(*app));
	for (i = 0; i < DIGEST_SIZE; i++, text += 2)
		if (hex(text, &app->digest[i]) == -1)
			return error_set(im->err, ERR_SIZE,
			    "app-password: the digest is short");
	terms = text + (*text == ',');
	if (*text == ',')
		text = terms + strcspn(terms, ",");
	if (text == terms || *text != ',' || !label_good(text + 1))
		return error_set(
		    im->err, ERR_SIZE, "app-password: write DIGEST,TIME,LABEL");
	*text++ = '\0';
	if (set_terms(im, app, terms) == -1)
		return -1;
	if (label_find(a, text) < a->napp)
		return error_set(im->err, ERR_SIZE,
		    "app-password: the label %s twice", text);
	strlcpy(app->label, text, sizeof(app->label));
	a->napp++;
	return 0;
}

static int
set_value(struct import *im, struct account *a, char *text)
{
	const char *bad;

	if (unescape(text) == -1)
		return error_set(im->err, ERR_SIZE,
		    "%s: write %%25 for a percent sign", text);
	if (strncmp(text, "hash=", 5) == 0)
		return import_hash_value(im, a, text + 5);
	if (strncmp(text, "app-password=", 13) == 0)
		return set_app_password(im, a, text + 13);
	if (strncmp(text, "from-now=", 9) == 0) {
		a->policy.from_now = strtonum(text + 9, 1, INT64_MAX, &bad);
		return bad == NULL
		    ? 0
		    : error_set(im->err, ERR_SIZE, "%s is %s", text, bad);
	}
	return setting_apply(a, text, im->err, ERR_SIZE);
}

static int
new_account(struct import *im, struct account *a, const char *address)
{
	return account_init(a, address, im->conf, im->err, ERR_SIZE);
}

/* Owner and maildir, where the line did not give them. */
static int
complete_account(struct import *im, struct account *a)
{
	if (a->uid == 0)
		return error_set(im->err, ERR_SIZE,
		    "whose is the mailbox? say owner=USER here, "
		    "or owner USER in %s",
		    im->conf->file);
	if (a->maildir[0] != '\0')
		return 0;
	return account_maildir(a, im->conf, im->err, ERR_SIZE);
}

/* address:hash:... ; what follows the hash is other programs'. */
static int
import_hash(struct import *im, struct account *a, char *line)
{
	static const char *const schemes[] = { "{CRYPT}", "{SHA512-CRYPT}",
		"{SHA256-CRYPT}", "{BLF-CRYPT}", "{MD5-CRYPT}", "{DES-CRYPT}" };
	char address[ADDRESS_MAX + 1], *hash = line;
	size_t i;
	int found;

	line = strsep(&hash, ":");
	hash[strcspn(hash, ":")] = '\0';
	if (address_parse(line, address, im->err, ERR_SIZE) == -1)
		return -1;
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncmp(hash, schemes[i], strlen(schemes[i])) == 0)
			hash += strlen(schemes[i]);
	found = accounts_edit_get(im->edit, address, a, im->err, ERR_SIZE);
	if (found == -1 || (found != 1 && new_account(im, a, address) == -1))
		return -1;
	return import_hash_value(im, a, hash);
}

static int
import_settings(struct import *im, struct account *a, char *line)
{
	char address[ADDRESS_MAX + 1], *word = strsep(&line, " \t");

	if (address_parse(word, address, im->err, ERR_SIZE) == -1 ||
	    new_account(im, a, address) == -1)
		return -1;
	while ((word = strsep(&line, " \t")) != NULL)
		if (*word != '\0' && set_value(im, a, word) == -1)
			return -1;
	return 0;
}

static int
import_line(struct import *im, char *line)
{
	static struct account account, old;
	size_t len;
	int found, rv;

	line += strspn(line, " \t");
	len = strcspn(line, "\r\n");
	line[len] = '\0';
	if (line[0] == '\0' || line[0] == '#')
		return 0;
	if (line[strcspn(line, ": \t")] == ':')
		rv = import_hash(im, &account, line);
	else
		rv = import_settings(im, &account, line);
	if (rv == -1 || complete_account(im, &account) == -1)
		return -1;
	found = accounts_edit_get(
	    im->edit, account.address, &old, im->err, ERR_SIZE);
	if (found == ACCOUNTS_ALIAS)
		return error_set(im->err, ERR_SIZE, "%s is an alias of %s",
		    account.address, old.alias_of);
	im->added += found != 1;
	account.generation = found == 1 ? old.generation + 1 : 0;
	im->accounts++;
	maildirs_note(&im->maildirs, &account);
	return accounts_edit_put(im->edit, &account, im->err, ERR_SIZE);
}

static int
import_file(struct import *im, FILE *f)
{
	static char line[LINE_SIZE];
	size_t len;

	while (fgets(line, sizeof(line), f) != NULL) {
		im->line++;
		len = strlen(line);
		if (len == 0 || (line[len - 1] != '\n' && !feof(f)))
			return ctl_fail("%s:%lu: the line is too long, or has "
					"a NUL in it; nothing was imported",
			    im->file, im->line);
		if (import_line(im, line) == -1)
			return ctl_fail("%s:%lu: %s; nothing was imported",
			    im->file, im->line, im->err);
	}
	explicit_bzero(line, sizeof(line));
	if (ferror(f))
		return ctl_fail("%s: %s", im->file, strerror(errno));
	return CTL_GOOD;
}

int
ctl_import(const struct args *args)
{
	static struct import im;
	FILE *f = stdin;
	int status = CTL_FAILED;

	im.conf = args->conf;
	im.file = args->word[0];
	if (strcmp(im.file, "-") != 0 && (f = fopen(im.file, "re")) == NULL)
		return ctl_fail("%s: %s", im.file, strerror(errno));
	if ((im.edit = ctl_edit(im.conf)) != NULL)
		status = ctl_edit_end(im.edit, import_file(&im, f));
	if (f != stdin)
		fclose(f);
	if (status != CTL_GOOD)
		return status;
	(void)maildirs_make(&im.maildirs);
	printf("%lu accounts, %lu of them new\n", im.accounts, im.added);
	return CTL_GOOD;
}
