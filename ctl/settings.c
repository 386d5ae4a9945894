/*
 * pop3ctl set, show, list.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/address.h"
#include "ctl/ctl.h"
#include "ctl/settings.h"

#define NS 1000000000LL

#ifndef CLOCK_REALTIME_COARSE
#define CLOCK_REALTIME_COARSE CLOCK_REALTIME
#endif

static const char *const access_words[] = { "off", "all", "from-now", NULL };
static const char *const spam_words[] = { "exclude", "include", "only",
	NULL };
static const char *const yes_words[] = { "no", "yes", NULL };
static const char *const on_words[] = { "off", "on", NULL };

static int
word(const char *const words[], const char *value)
{
	int i;

	for (i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], value) == 0)
			return i;
	return -1;
}

static int
set_access(struct account *a, const char *value)
{
	struct timespec now;
	int i = word(access_words, value);

	if (i == -1)
		return -1;
	a->access = (enum access)i;
	/* The clock that gives files their times: it may lag by a tick. */
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	a->policy.from_now = a->access == ACCESS_FROM_NOW ?
	    (int64_t)now.tv_sec * NS + now.tv_nsec : 0;
	return 0;
}

static void
get_access(const struct account *a, char value[VALUE_SIZE])
{
	strlcpy(value, access_words[a->access], VALUE_SIZE);
}

static int
set_spam(struct account *a, const char *value)
{
	int i = word(spam_words, value);

	if (i == -1)
		return -1;
	a->policy.spam = (enum spam)i;
	return 0;
}

static void
get_spam(const struct account *a, char value[VALUE_SIZE])
{
	strlcpy(value, spam_words[a->policy.spam], VALUE_SIZE);
}

static int
set_auto_delete(struct account *a, const char *value)
{
	int i = word(yes_words, value);

	if (i == -1)
		return -1;
	a->policy.auto_delete = i;
	return 0;
}

static void
get_auto_delete(const struct account *a, char value[VALUE_SIZE])
{
	strlcpy(value, yes_words[a->policy.auto_delete], VALUE_SIZE);
}

static int
set_two_factor(struct account *a, const char *value)
{
	int i = word(on_words, value);

	if (i == -1)
		return -1;
	a->two_factor = i;
	return 0;
}

static void
get_two_factor(const struct account *a, char value[VALUE_SIZE])
{
	strlcpy(value, on_words[a->two_factor], VALUE_SIZE);
}

static int
set_password(struct account *a, const char *value)
{
	if (strcmp(value, "none") != 0)
		return -1;
	explicit_bzero(a->hash, sizeof(a->hash));
	a->generation++;
	return 0;
}

static void
get_password(const struct account *a, char value[VALUE_SIZE])
{
	strlcpy(value, a->hash[0] == '\0' ? "none" : "yes", VALUE_SIZE);
}

static int
set_maildir(struct account *a, const char *value)
{
	if (value[0] != '/' || strlen(value) > MAILDIR_MAX)
		return -1;
	strlcpy(a->maildir, value, sizeof(a->maildir));
	return 0;
}

static void
get_maildir(const struct account *a, char value[VALUE_SIZE])
{
	strlcpy(value, a->maildir, VALUE_SIZE);
}

static int
set_owner(struct account *a, const char *value)
{
	char err[ERR_SIZE];

	return owner_parse(value, &a->uid, &a->gid, err, sizeof(err));
}

static void
get_owner(const struct account *a, char value[VALUE_SIZE])
{
	owner_name(a->uid, a->gid, value, VALUE_SIZE);
}

const struct setting settings[] = {
	{ "access", "off, all or from-now", set_access, get_access },
	{ "spam", "exclude, include or only", set_spam, get_spam },
	{ "auto-delete", "yes or no", set_auto_delete, get_auto_delete },
	{ "two-factor", "on or off", set_two_factor, get_two_factor },
	{ "password", "none; `pop3ctl passwd' sets one", set_password,
	    get_password },
	{ "owner", "a user that exists and is not root", set_owner,
	    get_owner },
	{ "maildir", "an absolute path", set_maildir, get_maildir },
	{ NULL, NULL, NULL, NULL },
};

static int __attribute__((format(printf, 3, 4)))
wrong(char *err, size_t errsize, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, errsize, fmt, ap);
	va_end(ap);
	return -1;
}

int
setting_apply(
    struct account *account, const char *text, char *err, size_t errsize)
{
	const struct setting *s;
	size_t len = strcspn(text, "=");

	if (text[len] != '=')
		return wrong(err, errsize, "%s is no setting; write KEY=VALUE",
		    text);
	for (s = settings; s->key != NULL; s++) {
		if (strlen(s->key) != len || strncmp(s->key, text, len) != 0)
			continue;
		/* A password may have been typed: it is not repeated. */
		if (s->set(account, text + len + 1) == -1)
			return wrong(err, errsize, "%s%.80s: it can be %s",
			    s->key, s->set == set_password ? "" : text + len,
			    s->values);
		return 0;
	}
	return wrong(err, errsize, "%.*s is no setting; there are access, "
	    "spam, auto-delete, two-factor, password, owner and maildir",
	    (int)len, text);
}

struct set {
	int n;
	char **text;
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

int
ctl_set(const struct conf *conf, int argc, char *argv[])
{
	struct set set = { argc - 2, argv + 2 };

	if (argc < 3)
		return CTL_USAGE;
	return ctl_change(conf, argv[1], apply_all, &set);
}

static void
show_text(const struct account *a)
{
	const struct setting *s;
	char value[VALUE_SIZE], when[TIME_SIZE];
	size_t i;

	printf("address=%s\n", a->address);
	for (s = settings; s->key != NULL; s++) {
		s->get(a, value);
		printf("%s=%s\n", s->key, value);
	}
	if (a->access == ACCESS_FROM_NOW) {
		ctl_time(when, a->policy.from_now / NS);
		printf("from-now since %s\n", when);
	}
	for (i = 0; i < a->napp; i++) {
		ctl_time(when, a->app[i].created);
		printf("app-password %s created %s\n", a->app[i].label, when);
	}
}

static void
show_json(const struct account *a)
{
	const struct setting *s;
	char value[VALUE_SIZE], when[TIME_SIZE];
	size_t i;

	fputs("{\"address\":", stdout);
	ctl_json_string(stdout, a->address);
	for (s = settings; s->key != NULL; s++) {
		s->get(a, value);
		printf(",\"%s\":", s->key);
		ctl_json_string(stdout, value);
	}
	fputs(",\"app-passwords\":[", stdout);
	for (i = 0; i < a->napp; i++) {
		ctl_time(when, a->app[i].created);
		printf("%s{\"label\":", i > 0 ? "," : "");
		ctl_json_string(stdout, a->app[i].label);
		printf(",\"created\":\"%s\"}", when);
	}
	fputs("]}", stdout);
}

/* The options of list and show: -j and nothing else. */
static int
parse_json(int argc, char *argv[], int *json)
{
	static const struct option none[] = { { NULL, 0, NULL, 0 } };
	int c;

	*json = 0;
	while ((c = getopt_long(argc, argv, "j", none, NULL)) != -1) {
		if (c != 'j')
			return -1;
		*json = 1;
	}
	return 0;
}

int
ctl_show(const struct conf *conf, int argc, char *argv[])
{
	static struct account account;
	int json, status;

	if (parse_json(argc, argv, &json) == -1 || optind + 1 != argc)
		return CTL_USAGE;
	if ((status = ctl_account(conf, argv[optind], &account)) != CTL_GOOD)
		return status;
	if (!json) {
		show_text(&account);
		return CTL_GOOD;
	}
	show_json(&account);
	putchar('\n');
	return CTL_GOOD;
}

/* One account a line, its settings behind it; maildir last, it may be long. */
static void
list_text(const struct account *a)
{
	const struct setting *s;
	char value[VALUE_SIZE];

	fputs(a->address, stdout);
	for (s = settings; s->key != NULL; s++) {
		s->get(a, value);
		printf(" %s=%s", s->key, value);
	}
	putchar('\n');
}

int
ctl_list(const struct conf *conf, int argc, char *argv[])
{
	static struct account account;
	struct accounts *accounts;
	char err[ERR_SIZE];
	int found, json, n;

	if (parse_json(argc, argv, &json) == -1 || optind != argc)
		return CTL_USAGE;
	if (accounts_open(&accounts, conf->accounts, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	for (n = 0; (found = accounts_next(
			 accounts, &account, err, sizeof(err))) == 1; n++)
		if (json) {
			fputs(n > 0 ? ",\n" : "[", stdout);
			show_json(&account);
		} else
			list_text(&account);
	if (json && found == 0)
		puts(n > 0 ? "]" : "[]");
	accounts_close(accounts);
	return found == 0 ? CTL_GOOD : ctl_fail("%s", err);
}
