#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/error.h"
#include "ctl/ctl.h"
#include "ctl/limits.h"
#include "ctl/settings.h"

#define DAY (24 * 60 * 60)

static const char *const uses[] = { NULL, "pop", "send", "both" };

static int
set_expires(struct app_password *app, const char *value)
{
	char days[8];
	const char *bad;
	size_t len = strspn(value + (value[0] == '+'), "0123456789");

	if (value[0] != '+') {
		app->expires = clock_parse(value);
		return app->expires == -1 ? -1 : 0;
	}
	if (len == 0 || len >= sizeof(days) ||
	    strcmp(value + 1 + len, "d") != 0)
		return -1;
	memcpy(days, value + 1, len);
	days[len] = '\0';
	app->expires = (int64_t)time(NULL) +
	    strtonum(days, 1, DAYS_MAX, &bad) * DAY;
	return bad == NULL ? 0 : -1;
}

/* 1: there is no room for another. */
static int
add_network(struct app_password *app, const char *value)
{
	if (app->nnetwork == NETWORKS_MAX)
		return 1;
	if (network_parse(&app->network[app->nnetwork], value) == -1)
		return -1;
	app->nnetwork++;
	return 0;
}

static int
set_use(struct app_password *app, const char *value)
{
	int use;

	for (use = SERVICE_POP; use <= SERVICE_BOTH; use++)
		if (strcmp(uses[use], value) == 0) {
			app->services = (enum service)use;
			return 0;
		}
	return -1;
}

int
limit_option(struct app_password *app, int letter, const char *value,
    char *err, size_t errsize)
{
	int rv = 0;

	if (letter == 'e' && set_expires(app, value) == -1)
		return error_set(err, errsize, "a day is written YYYY-MM-DD, "
		    "or +Nd for N days from now, at most %d", DAYS_MAX);
	if (letter == 'n' && (rv = add_network(app, value)) == 1)
		return error_set(err, errsize, "there are %d networks at "
		    "most", NETWORKS_MAX);
	if (rv == -1)
		return error_set(err, errsize, "a network is written "
		    "192.0.2.0/24 or 2001:db8::/32, or as one address");
	if (letter == 'u' && set_use(app, value) == -1)
		return error_set(err, errsize, "it can be pop, send or both");
	if (letter == 'r')
		app->read_only = 1;
	return 0;
}

int
limit_word(struct app_password *app, const char *word, char *err,
    size_t errsize)
{
	static const struct {
		const char *name;
		int letter;
	} words[] = { { "expires=", 'e' }, { "from=", 'n' }, { "for=", 'u' } };
	size_t i, len;

	if (strcmp(word, "read-only") == 0)
		return limit_option(app, 'r', "", err, errsize);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		len = strlen(words[i].name);
		if (strncmp(word, words[i].name, len) == 0)
			return limit_option(app, words[i].letter, word + len,
			    err, errsize);
	}
	return error_set(err, errsize, "%s: there are expires=, from=, "
	    "read-only and for=", word);
}

void
limits_print(const char *separator, const struct app_password *app)
{
	char text[NETWORK_TEXT_SIZE], when[CLOCK_TEXT_SIZE];
	size_t i;

	if (app->expires != FOR_EVER) {
		clock_text(when, app->expires);
		printf("%sexpires=%s", separator, when);
	}
	for (i = 0; i < app->nnetwork; i++)
		printf("%sfrom=%s", separator,
		    network_text(&app->network[i], text));
	if (app->read_only)
		printf("%sread-only", separator);
	if (app->services != SERVICE_BOTH)
		printf("%sfor=%s", separator, uses[app->services]);
}

void
limits_json(const struct app_password *app)
{
	char text[NETWORK_TEXT_SIZE], when[CLOCK_TEXT_SIZE];
	size_t i;

	clock_text(when, app->expires);
	if (app->expires == FOR_EVER)
		fputs(",\"expires\":null", stdout);
	else
		printf(",\"expires\":\"%s\"", when);
	fputs(",\"from\":[", stdout);
	for (i = 0; i < app->nnetwork; i++)
		printf("%s\"%s\"", i > 0 ? "," : "",
		    network_text(&app->network[i], text));
	printf("],\"read-only\":%s,\"for\":\"%s\"",
	    app->read_only ? "true" : "false", uses[app->services]);
}
