/*
 * pop3ctl show, list.
 */
#include <stdio.h>

#include "common/clock.h"
#include "ctl/aliases.h"
#include "ctl/ctl.h"
#include "ctl/limits.h"
#include "ctl/settings.h"

static void
show_text(const struct account *a, const struct aliases *aliases)
{
	const struct alias *alias;
	const struct setting *s;
	char value[VALUE_SIZE], when[CLOCK_TEXT_SIZE];
	size_t i, n;

	printf("address=%s\n", a->address);
	for (s = settings; s->key != NULL; s++) {
		setting_value(s, a, value);
		printf("%s=%s\n", s->key, value);
	}
	if (a->access == ACCESS_FROM_NOW) {
		clock_text(when, a->policy.from_now / CLOCK_NS);
		printf("from-now since %s\n", when);
	}
	for (i = 0; i < a->napp; i++) {
		clock_text(when, a->app[i].created);
		printf("app-password %s created %s", a->app[i].label, when);
		limits_print(" ", &a->app[i]);
		putchar('\n');
	}
	alias = aliases_of(aliases, a->address, &n);
	for (i = 0; i < n; i++)
		printf("alias %s\n", alias[i].name);
}

static void
show_json(const struct account *a, const struct aliases *aliases)
{
	const struct alias *alias;
	const struct setting *s;
	char value[VALUE_SIZE], when[CLOCK_TEXT_SIZE];
	size_t i, n;

	fputs("{\"address\":", stdout);
	ctl_json_string(stdout, a->address);
	for (s = settings; s->key != NULL; s++) {
		setting_value(s, a, value);
		printf(",\"%s\":", s->key);
		ctl_json_string(stdout, value);
	}
	fputs(",\"app-passwords\":[", stdout);
	for (i = 0; i < a->napp; i++) {
		clock_text(when, a->app[i].created);
		printf("%s{\"label\":", i > 0 ? "," : "");
		ctl_json_string(stdout, a->app[i].label);
		printf(",\"created\":\"%s\"", when);
		limits_json(&a->app[i]);
		putchar('}');
	}
	fputs("],\"aliases\":[", stdout);
	alias = aliases_of(aliases, a->address, &n);
	for (i = 0; i < n; i++) {
		fputs(i > 0 ? "," : "", stdout);
		ctl_json_string(stdout, alias[i].name);
	}
	fputs("]}", stdout);
}

int
ctl_show(const struct args *args)
{
	static struct account account;
	struct aliases aliases;
	int status;

	status = ctl_user(args->conf, args->word[0], &account);
	if (status != CTL_GOOD)
		return status;
	/* What is damaged elsewhere has been told then: this is good. */
	(void)aliases_load(&aliases, args->conf);
	if (args->option['j'] == NULL)
		show_text(&account, &aliases);
	else {
		show_json(&account, &aliases);
		putchar('\n');
	}
	aliases_free(&aliases);
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
		setting_value(s, a, value);
		printf(" %s=%s", s->key, value);
	}
	putchar('\n');
}

struct list {
	int json;
	unsigned long n;
	struct aliases aliases; /* for JSON */
};

static int
list_one(const struct account *account, void *arg)
{
	struct list *list = arg;

	if (list->json) {
		fputs(list->n > 0 ? ",\n" : "[", stdout);
		show_json(account, &list->aliases);
	} else
		list_text(account);
	list->n++;
	return CTL_GOOD;
}

int
ctl_list(const struct args *args)
{
	struct list list = { args->option['j'] != NULL, 0, { NULL, 0, 0 } };
	int status = CTL_GOOD;

	if (list.json)
		status = aliases_load(&list.aliases, args->conf);
	if (status != CTL_GOOD)
		return status;
	status = ctl_each_account(args->conf, list_one, &list);
	aliases_free(&list.aliases);
	if (list.json && list.n > 0)
		puts("]");
	else if (list.json && status == CTL_GOOD)
		puts("[]");
	return status;
}
