#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conf.h"

#define WORDS_MAX 4

/* One line being read, for the handlers and their messages. */
struct line {
	struct conf *conf;
	int number;
	int nwords;
	char *word[WORDS_MAX];
	char *err;
	size_t errsize;
};

static int __attribute__((format(printf, 2, 3)))
wrong(const struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	n = snprintf(l->err, l->errsize, "%s:%d: ", l->conf->file, l->number);
	if (n < 0 || (size_t)n >= l->errsize)
		return -1;
	va_start(ap, fmt);
	vsnprintf(l->err + n, l->errsize - (size_t)n, fmt, ap);
	va_end(ap);
	return -1;
}

static char *
copy(const char *s)
{
	char *c;

	/* A few hundred octets at the start: without them nothing works. */
	if ((c = strdup(s)) == NULL)
		abort();
	return c;
}

static int
set_number(struct line *l, const char *word, int max, int *value)
{
	const char *err;

	*value = (int)strtonum(word, 1, max, &err);
	if (err != NULL)
		return wrong(l, "%s: %s is %s; give a number from 1 to %d",
		    l->word[0], word, err, max);
	return 0;
}

static int
set_string(struct line *l, char **value)
{
	free(*value);
	*value = copy(l->word[1]);
	return 0;
}

static int
set_path(struct line *l, char **value)
{
	if (l->word[1][0] != '/')
		return wrong(l, "%s: %s is not an absolute path; begin it "
		    "with a slash", l->word[0], l->word[1]);
	return set_string(l, value);
}

/* It goes into every greeting. */
static int
set_hostname(struct line *l)
{
	const char *s;

	for (s = l->word[1]; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~')
			return wrong(l, "hostname: \"%s\" is no name of a "
			    "host; give it like mail.example.com", l->word[1]);
	return set_string(l, &l->conf->hostname);
}

static int
set_accounts(struct line *l)
{
	l->conf->accounts_line = l->number;
	return set_path(l, &l->conf->accounts);
}

static int
set_maildir(struct line *l)
{
	const char *template = l->word[1], *s = template;

	while ((s = strchr(s, '%')) != NULL) {
		if (s[1] == '\0' || strchr("dua%", s[1]) == NULL)
			return wrong(l, "maildir: %s: only %%d, %%u, %%a and "
			    "%%%% are known", template);
		s += 2;
	}
	if (template[0] != '~')
		return set_path(l, &l->conf->maildir);
	if (template[1] != '/')
		return wrong(l, "maildir: %s: the home of the owner is "
		    "written ~/", template);
	return set_string(l, &l->conf->maildir);
}

static int
set_owner(struct line *l)
{
	l->conf->owner_line = l->number;
	return set_string(l, &l->conf->owner);
}

static int
set_user(struct line *l)
{
	l->conf->user_line = l->number;
	return set_string(l, &l->conf->user);
}

static int
set_junk(struct line *l)
{
	const char *name = l->word[1];

	/* Maildir++: a folder is one directory, its name begins with a dot. */
	if (name[0] != '.' || name[1] == '\0' || strcmp(name, "..") == 0 ||
	    strchr(name, '/') != NULL)
		return wrong(l, "junk: %s is not a Maildir++ folder; name it "
		    "like .Junk", name);
	return set_string(l, &l->conf->junk);
}

static int
set_keypair(struct line *l)
{
	struct keypair *k;
	int i;

	if (l->conf->nkeypair == CONF_KEYPAIRS_MAX)
		return wrong(l, "keypair: more than %d; remove some",
		    CONF_KEYPAIRS_MAX);
	for (i = 1; i < l->nwords; i++)
		if (l->word[i][0] != '/')
			return wrong(l, "keypair: %s is not an absolute path; "
			    "begin it with a slash", l->word[i]);
	k = &l->conf->keypair[l->conf->nkeypair++];
	k->cert = copy(l->word[1]);
	k->key = copy(l->word[2]);
	k->staple = l->nwords > 3 ? copy(l->word[3]) : NULL;
	k->line = l->number;
	return 0;
}

static int
set_outgoing(struct line *l)
{
	struct outgoing *o;

	if (l->conf->noutgoing == CONF_OUTGOING_MAX)
		return wrong(l, "outgoing: more than %d; remove some",
		    CONF_OUTGOING_MAX);
	o = &l->conf->outgoing[l->conf->noutgoing];
	if (set_number(l, l->word[2], 65535, &o->port) == -1)
		return -1;
	o->starttls = strcmp(l->word[3], "starttls") == 0;
	if (!o->starttls && strcmp(l->word[3], "tls") != 0)
		return wrong(l, "outgoing: %s is neither tls (port 465) nor "
		    "starttls (port 587)", l->word[3]);
	o->host = copy(l->word[1]);
	l->conf->noutgoing++;
	return 0;
}

static int
set_timeout(struct line *l)
{
	if (strcmp(l->word[1], "login") == 0)
		return set_number(
		    l, l->word[2], 3600, &l->conf->login_timeout);
	if (strcmp(l->word[1], "idle") == 0)
		return set_number(
		    l, l->word[2], 86400, &l->conf->idle_timeout);
	return wrong(l, "timeout: %s is neither login nor idle", l->word[1]);
}

static int
set_max_failures(struct line *l)
{
	return set_number(l, l->word[1], 100, &l->conf->max_failures);
}

static int
set_auth(struct line *l)
{
	if (strcmp(l->word[1], "accounts") == 0)
		l->conf->auth_accounts = 1;
	else if (strcmp(l->word[1], "system") == 0)
		l->conf->auth_system = 1;
	else
		return wrong(l, "auth: %s is neither accounts nor system",
		    l->word[1]);
	return 0;
}

static int
set_sandbox(struct line *l)
{
	if (strcmp(l->word[1], "required") != 0)
		return wrong(l, "sandbox: %s is not known; say required, or "
		    "remove the line", l->word[1]);
	l->conf->sandbox_required = 1;
	return 0;
}

static const struct keyword {
	const char *name;
	int min, max; /* words, the keyword counted */
	int (*set)(struct line *);
	const char *usage;
} keywords[] = {
	{ "accounts", 2, 2, set_accounts, "FILE" },
	{ "auth", 2, 2, set_auth, "accounts|system" },
	{ "hostname", 2, 2, set_hostname, "NAME" },
	{ "junk", 2, 2, set_junk, ".FOLDER" },
	{ "keypair", 3, 4, set_keypair, "CERTIFICATE KEY [STAPLE]" },
	{ "maildir", 2, 2, set_maildir, "TEMPLATE" },
	{ "max-failures", 2, 2, set_max_failures, "NUMBER" },
	{ "outgoing", 4, 4, set_outgoing, "HOST PORT tls|starttls" },
	{ "owner", 2, 2, set_owner, "USER" },
	{ "sandbox", 2, 2, set_sandbox, "required" },
	{ "timeout", 3, 3, set_timeout, "login|idle SECONDS" },
	{ "user", 2, 2, set_user, "USER" },
};

/*
 * Cuts the line into words, in place.  A word may be put in double quotes,
 * for blanks; # starts a comment where a word could start.
 */
static int
split(struct line *l, char *s)
{
	for (l->nwords = 0;; l->nwords++) {
		s += strspn(s, " \t\r\n");
		if (*s == '\0' || *s == '#')
			return 0;
		if (l->nwords == WORDS_MAX)
			return wrong(l, "more than %d words; put a word with "
			    "blanks in quotes", WORDS_MAX);
		if (*s == '"') {
			l->word[l->nwords] = ++s;
			s += strcspn(s, "\"\n");
			if (*s != '"')
				return wrong(l, "the quote is not closed");
		} else {
			l->word[l->nwords] = s;
			s += strcspn(s, " \t\r\n");
		}
		if (*s != '\0')
			*s++ = '\0';
	}
}

static int
read_line(struct line *l, char *text)
{
	const struct keyword *k;
	size_t i;

	if (split(l, text) == -1)
		return -1;
	if (l->nwords == 0)
		return 0;
	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
		k = &keywords[i];
		if (strcmp(k->name, l->word[0]) != 0)
			continue;
		if (l->nwords < k->min || l->nwords > k->max)
			return wrong(l, "write: %s %s", k->name, k->usage);
		if (l->word[1][0] == '\0')
			return wrong(l, "%s: the value is empty", k->name);
		return k->set(l);
	}
	return wrong(l, "%s is no keyword; pop3d.conf(5) lists them",
	    l->word[0]);
}

static int
read_file(struct conf *conf, FILE *f, char *err, size_t errsize)
{
	struct line l = { .conf = conf, .err = err, .errsize = errsize };
	char text[4096];
	size_t len;

	while (fgets(text, sizeof(text), f) != NULL) {
		l.number++;
		len = strlen(text);
		if (len == sizeof(text) - 1 && text[len - 1] != '\n')
			return wrong(&l, "the line is longer than %zu octets",
			    sizeof(text) - 2);
		if (read_line(&l, text) == -1)
			return -1;
	}
	if (ferror(f))
		return wrong(&l, "%s", strerror(errno));
	return 0;
}

static void
defaults(struct conf *conf, const char *file)
{
	char name[HOST_NAME_MAX + 1];

	memset(conf, 0, sizeof(*conf));
	conf->file = file;
	if (gethostname(name, sizeof(name)) == -1 || name[0] == '\0')
		strlcpy(name, "localhost", sizeof(name));
	name[sizeof(name) - 1] = '\0';
	conf->hostname = copy(name);
	conf->accounts = copy("/var/db/pop3d/accounts.db");
	conf->maildir = copy("/var/vmail/%d/%u/Maildir");
	conf->junk = copy(".Junk");
	conf->user = copy("_pop3d");
	conf->login_timeout = 60;
	conf->idle_timeout = 600;
	conf->max_failures = 3;
}

int
conf_load(struct conf *conf, const char *file, char *err, size_t errsize)
{
	FILE *f;
	int rv;

	defaults(conf, file);
	if ((f = fopen(file, "re")) == NULL) {
		snprintf(err, errsize, "%s: %s; pop3d.conf(5) tells what goes "
		    "into it", file, strerror(errno));
		return -1;
	}
	rv = read_file(conf, f, err, errsize);
	fclose(f);
	if (rv == 0 && !conf->auth_system)
		conf->auth_accounts = 1;
	return rv;
}
