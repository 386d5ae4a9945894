/*
 * pop3ctl export: accounts as text, one a line, and their aliases.
 *
 *	address KEY=VALUE ... [from-now=NS] [hash=H]
 *	    [app-password=DIGEST,TIME[;LIMIT ...],LABEL] ...
 *	address alias-of=ADDRESS
 *
 * In values blanks, percent signs and control characters are %XX, and so is
 * # or % at the beginning of an address.
 * ctl/account_line.c reads it.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/aliases.h"
#include "ctl/ctl.h"
#include "ctl/limits.h"
#include "ctl/settings.h"
#include "ctl/smtpd.h"

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

/* One that begins with # would be a comment. */
static void
put_address(const char *address)
{
	if (address[0] == '#' || address[0] == '%')
		printf("%%%02X", (unsigned char)*address++);
	fputs(address, stdout);
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
	for (i = 0; i < sizeof(app->digest); i++)
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

	put_address(a->address);
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

static int
export_aliases(const struct conf *conf)
{
	struct aliases aliases;
	size_t i;

	if (aliases_load(&aliases, conf) != CTL_GOOD)
		return CTL_FAILED;
	for (i = 0; i < aliases.n; i++) {
		put_address(aliases.list[i].name);
		printf(" alias-of=%s\n", aliases.list[i].account);
	}
	aliases_free(&aliases);
	return CTL_GOOD;
}

int
ctl_export(const struct args *args)
{
	const char *format = args->option['t'];
	int status;

	if (format != NULL && strcmp(format, "smtpd") != 0)
		return ctl_fail("%s is not known; say -t smtpd, or nothing for "
		    "what import reads", format);
	if (format != NULL)
		return smtpd_export(args->conf);
	status = ctl_each_account(args->conf, export_one, NULL);
	return export_aliases(args->conf) == CTL_GOOD ? status : CTL_FAILED;
}
