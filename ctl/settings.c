/*
 * The settings of an account.  pop3d -n looks at the configuration's with
 * this, too: nothing of pop3ctl's commands is here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "ctl/address.h"
#include "ctl/settings.h"

#define ERR_SIZE  1024
#define WORD_SIZE 32

static void *
member(const struct setting *s, struct account *a)
{
	return (char *)a + s->where;
}

static int
number(const struct setting *s, const struct account *a)
{
	int n;

	memcpy(&n, (const char *)a + s->where, sizeof(n));
	return n;
}

/* Word n of words that are set apart by bars; 0: there are fewer. */
static int
word(const char *words, int n, char text[WORD_SIZE])
{
	for (; n > 0; n--) {
		words += strcspn(words, "|");
		if (*words++ == '\0')
			return 0;
	}
	snprintf(text, WORD_SIZE, "%.*s", (int)strcspn(words, "|"), words);
	return 1;
}

/* Which of these words it is; -1: none. */
static int
find_word(const char *words, const char *value)
{
	char text[WORD_SIZE];
	int n;

	for (n = 0; word(words, n, text); n++)
		if (strcmp(text, value) == 0)
			return n;
	return -1;
}

/* A member that is the number of the word. */
static int
set_word(const struct setting *s, struct account *a, const char *value)
{
	int n = find_word(s->values, value);

	if (n == -1)
		return -1;
	memcpy(member(s, a), &n, sizeof(n));
	return 0;
}

static void
get_word(
    const struct setting *s, const struct account *a, char value[VALUE_SIZE])
{
	(void)word(s->values, number(s, a), value);
}

/* A member that is true for the first word and false for the second. */
static int
set_flag(const struct setting *s, struct account *a, const char *value)
{
	int n = find_word(s->values, value), flag = n == 0;

	if (n == -1)
		return -1;
	memcpy(member(s, a), &flag, sizeof(flag));
	return 0;
}

static void
get_flag(
    const struct setting *s, const struct account *a, char value[VALUE_SIZE])
{
	(void)word(s->values, !number(s, a), value);
}

/*
 * It counts as a credential: whoever is signed in to the settings page is not
 * any more, also when it is as it was before.
 */
static int
set_key_flag(const struct setting *s, struct account *a, const char *value)
{
	const int before = number(s, a);

	if (set_flag(s, a, value) == -1)
		return -1;
	a->generation += number(s, a) != before;
	return 0;
}

static int
set_access(const struct setting *s, struct account *a, const char *value)
{
	if (set_word(s, a, value) == -1)
		return -1;
	/* By the clock of files: mail that comes from now on is not older. */
	a->policy.from_now = a->access == ACCESS_FROM_NOW ? clock_file_ns() : 0;
	return 0;
}

static int
set_keep(const struct setting *s, struct account *a, const char *value)
{
	const char *wrong;

	(void)s;
	a->policy.keep = FOR_EVER;
	if (strcmp(value, "forever") == 0)
		return 0;
	a->policy.keep = (uint32_t)strtonum(value, 1, DAYS_MAX, &wrong);
	return wrong == NULL ? 0 : -1;
}

static void
get_keep(
    const struct setting *s, const struct account *a, char value[VALUE_SIZE])
{
	(void)s;
	if (a->policy.keep == FOR_EVER)
		strlcpy(value, "forever", VALUE_SIZE);
	else
		snprintf(value, VALUE_SIZE, "%lu",
		    (unsigned long)a->policy.keep);
}

static int
set_password(const struct setting *s, struct account *a, const char *value)
{
	if (strcmp(value, s->values) != 0)
		return -1;
	explicit_bzero(a->hash, sizeof(a->hash));
	a->generation++;
	return 0;
}

static void
get_password(
    const struct setting *s, const struct account *a, char value[VALUE_SIZE])
{
	/* A user of the system has no domain, and his password is there. */
	strlcpy(value, strchr(a->address, '@') == NULL ? "system" :
	    a->hash[0] == '\0' ? s->values : "yes", VALUE_SIZE);
}

static int
set_maildir(const struct setting *s, struct account *a, const char *value)
{
	(void)s;
	if (!maildir_good(value))
		return -1;
	strlcpy(a->maildir, value, sizeof(a->maildir));
	return 0;
}

static void
get_maildir(
    const struct setting *s, const struct account *a, char value[VALUE_SIZE])
{
	(void)s;
	strlcpy(value, a->maildir, VALUE_SIZE);
}

static int
set_owner(const struct setting *s, struct account *a, const char *value)
{
	char err[128]; /* describe_values() says it */

	(void)s;
	return owner_parse(value, &a->uid, &a->gid, err, sizeof(err));
}

static void
get_owner(
    const struct setting *s, const struct account *a, char value[VALUE_SIZE])
{
	(void)s;
	owner_name(a->uid, a->gid, value, VALUE_SIZE);
}

#define AT(member) offsetof(struct account, member)

const struct setting settings[] = {
	{ "access", "off|all|from-now", NULL,
	    "which mail POP may fetch: none, all, or what comes from now on",
	    "all", AT(access), set_access, get_word },
	{ "spam", "exclude|include|only", NULL,
	    "the junk folder: left out, shown behind the inbox, or shown alone",
	    "exclude", AT(policy.spam), set_word, get_word },
	{ "auto-delete", "yes|no", NULL,
	    "whether what a client deletes is deleted, or kept back", "yes",
	    AT(policy.auto_delete), set_flag, get_flag },
	{ "keep", "DAYS|forever", NULL,
	    "how long purge spares what a client deleted and was kept back",
	    "forever", AT(policy.keep), set_keep, get_keep },
	{ "mark-read", "yes|no", NULL,
	    "whether what a client retrieved is marked as read", "no",
	    AT(policy.mark_read), set_flag, get_flag },
	{ "two-factor", "on|off", NULL,
	    "whether only application passwords let in", "off",
	    AT(two_factor), set_key_flag, get_flag },
	{ "send", "yes|no", NULL,
	    "whether the account's passwords are good for sending mail", "yes",
	    AT(send), set_flag, get_flag },
	{ "self-service", "yes|no", NULL,
	    "whether the user may change settings", "yes", AT(self_service),
	    set_key_flag, get_flag },
	{ "password", "none", "none; `pop3ctl passwd' sets one",
	    "takes the account's own password away", NULL, AT(hash),
	    set_password, get_password },
	{ "owner", "USER", "a user that exists and is not root",
	    "whose the mailbox is", NULL, AT(uid), set_owner, get_owner },
	{ "maildir", "PATH", "an absolute path below /",
	    "where the mailbox is", NULL,
	    AT(maildir), set_maildir, get_maildir },
	{ NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL },
};

void
setting_value(
    const struct setting *s, const struct account *a, char value[VALUE_SIZE])
{
	s->get(s, a, value);
}

/* Writes the next of several as a list in a sentence: a, b and c. */
static void
enumerate(char *list, size_t size, const char *next, const char *last)
{
	if (list[0] != '\0')
		strlcat(list, last != NULL ? last : ", ", size);
	strlcat(list, next, size);
}

/* The values that a setting can have, in words. */
static void
describe_values(const struct setting *s, char *list, size_t size)
{
	char text[WORD_SIZE], more[WORD_SIZE];
	int n;

	list[0] = '\0';
	if (s->mend != NULL)
		strlcpy(list, s->mend, size);
	else
		for (n = 0; word(s->values, n, text); n++)
			enumerate(list, size, text,
			    word(s->values, n + 1, more) ? NULL : " or ");
}

static void
describe_keys(char *list, size_t size)
{
	const struct setting *s;

	list[0] = '\0';
	for (s = settings; s->key != NULL; s++)
		enumerate(
		    list, size, s->key, s[1].key != NULL ? NULL : " and ");
}

int
setting_apply(
    struct account *account, const char *text, char *err, size_t errsize)
{
	const struct setting *s;
	size_t len = strcspn(text, "=");
	char list[256];

	if (text[len] != '=')
		return error_set(err, errsize,
		    "%s is not a setting; write "
		    "KEY=VALUE",
		    text);
	/* Accounts are listed and exported one a line. */
	if (strpbrk(text, "\r\n") != NULL)
		return error_set(err, errsize, "%.*s: the value has a newline "
		    "in it", (int)len, text);
	for (s = settings; s->key != NULL; s++) {
		if (strlen(s->key) != len || strncmp(s->key, text, len) != 0)
			continue;
		if (s->set(s, account, text + len + 1) == 0)
			return 0;
		describe_values(s, list, sizeof(list));
		/* A password may have been typed: it is not repeated. */
		return error_set(err, errsize, "%s%.80s: it can be %s", s->key,
		    s->set == set_password ? "" : text + len, list);
	}
	describe_keys(list, sizeof(list));
	return error_set(err, errsize, "%.*s is not a setting; there are %s",
	    (int)len, text, list);
}

/* The setting, where a default may be given for it. */
static const struct setting *
find_preset(const char *text)
{
	size_t len = strcspn(text, "=");
	const struct setting *s;

	for (s = settings; s->key != NULL; s++)
		if (strlen(s->key) == len && strncmp(s->key, text, len) == 0)
			break;
	return s;
}

int
settings_preset_one(struct account *account, const struct conf *conf,
    const struct preset *preset, char *err, size_t errsize)
{
	const struct setting *s = find_preset(preset->text);
	char why[ERR_SIZE];

	if (s->key != NULL && s->preset == NULL)
		return error_set(err, errsize, "%s:%d: default: %s has none; "
		    "each account has its own", conf->file, preset->line,
		    s->key);
	if (setting_apply(account, preset->text, why, sizeof(why)) == -1)
		return error_set(err, errsize, "%s:%d: default: %s",
		    conf->file, preset->line, why);
	return 0;
}

int
settings_preset(
    struct account *account, const struct conf *conf, char *err, size_t errsize)
{
	size_t i;

	for (i = 0; i < conf->npreset; i++)
		if (settings_preset_one(account, conf, &conf->preset[i], err,
			errsize) == -1)
			return -1;
	return 0;
}

void
settings_help(void)
{
	const struct setting *s;

	putchar('\n');
	for (s = settings; s->key != NULL; s++)
		printf("  %s=%s\n      %s\n%s%s%s", s->key, s->values,
		    s->what, s->preset != NULL ? "      Default: " : "",
		    s->preset != NULL ? s->preset : "",
		    s->preset != NULL ? "\n" : "");
}
