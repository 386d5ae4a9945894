#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conf.h"

#define WORDS_MAX 17 /* a keyword and, of proxy, 16 networks */

struct line;

/*
 * A keyword, or two words where the second tells what the line is about
 * (timeout login): then all with the same first word are beside each other,
 * and have the same usage and as many words.
 */
struct keyword {
	const char *name;
	const char *second; /* NULL: a value follows at once */
	const char *usage;  /* what stands behind the name */
	int least, most;    /* words of the line, the name counted */
	int (*kind)(struct line *);
	size_t where;	    /* in struct conf */
	const char *preset; /* the value when no line has one; NULL: none */
	int largest;	    /* a number is at most this */
};

/* One line being read, for the kinds of keywords and their messages. */
struct line {
	struct conf *conf;
	const struct keyword *keyword;
	int number;
	int nwords;
	const char *word[WORDS_MAX];
	const char *value; /* the first word behind the name */
	char *err;
	size_t errsize;
};

static int __attribute__((format(printf, 2, 3)))
line_wrong(const struct line *l, const char *fmt, ...)
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

/* The member of the struct conf that the keyword is about. */
static void *
member(const struct line *l)
{
	return (char *)l->conf + l->keyword->where;
}

static int
parse_number(struct line *l, const char *word, int least, int *value)
{
	const int largest = l->keyword->largest;
	const char *bad;
	const int number = (int)strtonum(word, least, largest, &bad);

	if (bad != NULL)
		return line_wrong(l, "%s: %s is %s; give a number from %d to "
		    "%d", l->word[0], word, bad, least, largest);
	*value = number;
	return 0;
}

static int
set_number(struct line *l)
{
	return parse_number(l, l->value, 1, member(l));
}

/* 0 is for ever. */
static int
set_patience(struct line *l)
{
	return parse_number(l, l->value, 0, member(l));
}

/* The second word has chosen the member, which becomes true. */
static int
set_flag(struct line *l)
{
	*(int *)member(l) = 1;
	return 0;
}

static int
set_string(struct line *l)
{
	char **string = member(l);

	free(*string);
	*string = copy(l->value);
	return 0;
}

static int
set_path(struct line *l)
{
	if (l->value[0] != '/')
		return line_wrong(l,
		    "%s: %s is not an absolute path; begin it "
		    "with a slash",
		    l->word[0], l->value);
	return set_string(l);
}

/* The name of the host goes into every greeting. */
static int
set_hostname(struct line *l)
{
	const char *s;

	if (strlen(l->value) > CONF_HOSTNAME_MAX)
		return line_wrong(l, "%s: the name of a host has at most %d "
		    "octets", l->word[0], CONF_HOSTNAME_MAX);
	for (s = l->value; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~')
			return line_wrong(l,
			    "%s: \"%s\" is not the name of a "
			    "host; give it like mail.example.com",
			    l->word[0], l->value);
	return set_string(l);
}

/* Is every % in the value followed by one of these letters?  By how many? */
static int
count_letters(const struct line *l, const char *letters)
{
	const char *s = l->value;
	int n = 0;

	while ((s = strchr(s, '%')) != NULL) {
		if (s[1] == '\0' || strchr(letters, s[1]) == NULL)
			return -1;
		n += s[1] != '%';
		s += 2;
	}
	return n;
}

static int
set_template(struct line *l)
{
	if (count_letters(l, "dua%") == -1)
		return line_wrong(l,
		    "%s: %s: only %%d, %%u, %%a and %%%% "
		    "are known",
		    l->word[0], l->value);
	if (l->value[0] != '~')
		return set_path(l);
	if (l->value[1] != '/')
		return line_wrong(l,
		    "%s: %s: the home of the owner is written ~/",
		    l->word[0], l->value);
	return set_string(l);
}

/* Without the user in it, one user's mail would be another's. */
static int
set_spool(struct line *l)
{
	if (count_letters(l, "u%") <= 0)
		return line_wrong(l,
		    "%s: %s: write %%u for the user, as in /var/mail/%%u; "
		    "nothing else is known but %%%%",
		    l->word[0], l->value);
	return set_path(l);
}

/* Maildir++: a folder is one directory, and its name begins with a dot. */
static int
set_folder(struct line *l)
{
	const char *name = l->value;

	if (name[0] != '.' || name[1] == '\0' || strcmp(name, "..") == 0 ||
	    strchr(name, '/') != NULL)
		return line_wrong(l,
		    "%s: %s is not a Maildir++ folder; name it "
		    "like .Junk",
		    l->word[0], name);
	return set_string(l);
}

static int
add_keypair(struct line *l)
{
	struct keypair *k;
	int i;

	if (l->conf->nkeypair == CONF_KEYPAIRS_MAX)
		return line_wrong(
		    l, "keypair: more than %d; remove some", CONF_KEYPAIRS_MAX);
	for (i = 1; i < l->nwords; i++)
		if (l->word[i][0] != '/')
			return line_wrong(l,
			    "keypair: %s is not an absolute path; "
			    "begin it with a slash",
			    l->word[i]);
	k = &l->conf->keypair[l->conf->nkeypair++];
	k->cert = copy(l->word[1]);
	k->key = copy(l->word[2]);
	k->staple = l->nwords > 3 ? copy(l->word[3]) : NULL;
	k->line = l->number;
	return 0;
}

static int
add_outgoing(struct line *l)
{
	struct outgoing *o;

	if (l->conf->noutgoing == CONF_OUTGOING_MAX)
		return line_wrong(l, "outgoing: more than %d; remove some",
		    CONF_OUTGOING_MAX);
	o = &l->conf->outgoing[l->conf->noutgoing];
	if (parse_number(l, l->word[2], 1, &o->port) == -1)
		return -1;
	o->starttls = strcmp(l->word[3], "starttls") == 0;
	if (!o->starttls && strcmp(l->word[3], "tls") != 0)
		return line_wrong(l,
		    "outgoing: %s is neither tls (port 465) nor "
		    "starttls (port 587)",
		    l->word[3]);
	o->host = copy(l->word[1]);
	l->conf->noutgoing++;
	return 0;
}

static int
add_proxies(struct line *l)
{
	struct network *n;
	int i;

	for (i = 1; i < l->nwords; i++) {
		if (l->conf->nproxy == CONF_PROXIES_MAX)
			return line_wrong(l,
			    "proxy: more than %d networks; put some "
			    "together",
			    CONF_PROXIES_MAX);
		n = &l->conf->proxy[l->conf->nproxy];
		if (network_parse(n, l->word[i]) == -1)
			return line_wrong(l,
			    "proxy: %s is not a network; give it like "
			    "10.0.0.0/8 or 2001:db8::/32",
			    l->word[i]);
		l->conf->nproxy++;
	}
	return 0;
}

/* What the settings are, pop3ctl knows. */
static int
add_preset(struct line *l)
{
	const char *equals = strchr(l->value, '=');

	if (equals == NULL || equals == l->value)
		return line_wrong(l, "default: %s is not a setting; write "
		    "KEY=VALUE", l->value);
	if (l->conf->npreset == CONF_PRESETS_MAX)
		return line_wrong(l, "default: more than %d; remove some",
		    CONF_PRESETS_MAX);
	l->conf->preset[l->conf->npreset].text = copy(l->value);
	l->conf->preset[l->conf->npreset++].line = l->number;
	return 0;
}

/* It becomes a part of addresses. */
static int
set_domain(struct line *l)
{
	const char *s = l->value;
	const size_t len = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789.-");

	if (s[len] != '\0' || s[0] == '.' || s[0] == '-' ||
	    s[len - 1] == '.' || strstr(s, "..") != NULL)
		return line_wrong(l, "%s: %s is not a domain; give it like "
		    "example.com", l->word[0], s);
	return set_string(l);
}

/* A page to which a question mark and parameters can be added. */
static int
set_url(struct line *l)
{
	const char *s = l->value;

	if (strncmp(s, "https://", 8) == 0 && s[8] != '\0' && s[8] != '/')
		for (s += 8; *s > ' ' && *s <= '~' && *s != '?' && *s != '#';
		     s++)
			continue;
	if (*s != '\0')
		return line_wrong(l, "%s: %s is not the address of a page; "
		    "give it like https://mail.example.com/settings",
		    l->word[0], l->value);
	return set_string(l);
}

#define AT(member) offsetof(struct conf, member)
#define NOWHERE	   0 /* the functions whose names begin with add_ know where */

static const struct keyword keywords[] = {
	{ "accounts", NULL, "FILE", 2, 2, set_path, AT(accounts),
	    "/var/db/pop3d/accounts.db", 0 },
	{ "auth", "accounts", "accounts|system", 2, 2, set_flag,
	    AT(auth_accounts), NULL, 0 },
	{ "auth", "system", "accounts|system", 2, 2, set_flag, AT(auth_system),
	    NULL, 0 },
	{ "cookie-key", NULL, "FILE", 2, 2, set_path, AT(cookie_key),
	    "/var/db/pop3d/cookie.key", 0 },
	{ "default", NULL, "KEY=VALUE", 2, 2, add_preset, NOWHERE, NULL, 0 },
	{ "default-domain", NULL, "DOMAIN", 2, 2, set_domain,
	    AT(default_domain), NULL, 0 },
	{ "hostname", NULL, "NAME", 2, 2, set_hostname, AT(hostname), NULL, 0 },
	{ "junk", NULL, ".FOLDER", 2, 2, set_folder, AT(junk), ".Junk", 0 },
	{ "keypair", NULL, "CERTIFICATE KEY [STAPLE]", 3, 4, add_keypair,
	    NOWHERE, NULL, 0 },
	{ "maildir", NULL, "TEMPLATE", 2, 2, set_template, AT(maildir),
	    "/var/vmail/%d/%u/Maildir", 0 },
	{ "max-failures", NULL, "NUMBER", 2, 2, set_number, AT(max_failures),
	    "3", 100 },
	{ "max-sessions", NULL, "NUMBER", 2, 2, set_number, AT(max_sessions),
	    "200", 10000 },
	{ "max-sessions-per-address", NULL, "NUMBER", 2, 2, set_number,
	    AT(max_sessions_per_address), "20", 10000 },
	{ "notify", "new-login", "new-login", 2, 2, set_flag,
	    AT(notify_new_login), NULL, 0 },
	{ "outgoing", NULL, "HOST PORT tls|starttls", 4, 4, add_outgoing,
	    NOWHERE, NULL, 65535 },
	{ "owner", NULL, "USER", 2, 2, set_string, AT(owner), NULL, 0 },
	{ "proxy", NULL, "NETWORK ...", 2, 17, add_proxies, NOWHERE,
	    NULL, 0 },
	{ "sandbox", "required", "required", 2, 2, set_flag,
	    AT(sandbox_required), NULL, 0 },
	{ "self-service", NULL, "URL", 2, 2, set_url, AT(self_service), NULL,
	    0 },
	{ "spool", NULL, "TEMPLATE", 2, 2, set_spool, AT(spool), NULL, 0 },
	{ "timeout", "login", "login|idle|listener SECONDS", 3, 3, set_number,
	    AT(login_timeout), "60", 3600 },
	{ "timeout", "idle", "login|idle|listener SECONDS", 3, 3, set_number,
	    AT(idle_timeout), "600", 86400 },
	{ "timeout", "listener", "login|idle|listener SECONDS", 3, 3,
	    set_patience, AT(listener_timeout), "300", 86400 },
	{ "user", NULL, "USER", 2, 2, set_string, AT(user), "_pop3d", 0 },
};

#define NKEYWORDS (sizeof(keywords) / sizeof(keywords[0]))

/* struct conf has a line number for each. */
typedef char room_for_keywords[NKEYWORDS <= CONF_KEYWORDS_MAX ? 1 : -1];

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
			return line_wrong(l,
			    "more than %d words; put a word with "
			    "blanks in quotes",
			    WORDS_MAX);
		if (*s == '"') {
			l->word[l->nwords] = ++s;
			s += strcspn(s, "\"\n");
			if (*s != '"')
				return line_wrong(l, "the quote is not closed");
		} else {
			l->word[l->nwords] = s;
			s += strcspn(s, " \t\r\n");
		}
		if (*s != '\0')
			*s++ = '\0';
	}
}

/* The second word of the line is none that the keyword may have. */
static int
refuse_second(const struct line *l, const struct keyword *k)
{
	char words[128] = "";
	const struct keyword *first = k;

	for (; k < keywords + NKEYWORDS && strcmp(k->name, first->name) == 0;
	     k++) {
		strlcat(words, k == first ? "" : " nor ", sizeof(words));
		strlcat(words, k->second, sizeof(words));
	}
	if (k == first + 1)
		return line_wrong(l,
		    "%s: %s is not known; say %s, or remove the "
		    "line",
		    l->word[0], l->word[1], words);
	return line_wrong(
	    l, "%s: %s is neither %s", l->word[0], l->word[1], words);
}

/* Finds the keyword of the line, and sees to its number of words. */
static int
find_keyword(struct line *l)
{
	const struct keyword *k = keywords, *end = keywords + NKEYWORDS, *first;

	while (k < end && strcmp(k->name, l->word[0]) != 0)
		k++;
	if (k == end)
		return line_wrong(l,
		    "%s is not a keyword; pop3d.conf(5) lists "
		    "them",
		    l->word[0]);
	if (l->nwords < k->least || l->nwords > k->most)
		return line_wrong(l, "write: %s %s", k->name, k->usage);
	if (l->word[1][0] == '\0')
		return line_wrong(l, "%s: the value is empty", k->name);
	for (first = k; k < end && strcmp(k->name, first->name) == 0; k++)
		if (k->second == NULL || strcmp(k->second, l->word[1]) == 0) {
			l->keyword = k;
			return 0;
		}
	return refuse_second(l, first);
}

static int
read_line(struct line *l, char *text)
{
	if (split(l, text) == -1)
		return -1;
	if (l->nwords == 0)
		return 0;
	if (find_keyword(l) == -1)
		return -1;
	l->value = l->word[l->keyword->second == NULL ? 1 : l->nwords - 1];
	l->conf->line[l->keyword - keywords] = l->number;
	return l->keyword->kind(l);
}

/* fgets(3) does not tell how much it has read, if there is a NUL in that. */
static int
has_nul(const char *text, size_t size)
{
	while (size > 0 && text[size - 1] != '\0')
		size--;
	return strlen(text) + 1 < size;
}

/* What is wrong with a line ends it all, unless there is tell. */
static int
read_file(struct conf *conf, FILE *f, char *err, size_t errsize,
    void (*tell)(const char *what))
{
	struct line l = { .conf = conf, .err = err, .errsize = errsize };
	char text[4096];
	size_t len;

	while (memset(text, '\n', sizeof(text)),
	    fgets(text, sizeof(text), f) != NULL) {
		l.number++;
		len = strlen(text);
		if (has_nul(text, sizeof(text)))
			return line_wrong(&l, "there is a NUL in the line");
		if (len == sizeof(text) - 1 && text[len - 1] != '\n')
			return line_wrong(&l,
			    "the line is longer than %zu octets",
			    sizeof(text) - 2);
		if (read_line(&l, text) == 0)
			continue;
		if (tell == NULL)
			return -1;
		tell(err);
	}
	if (ferror(f))
		return line_wrong(&l, "%s", strerror(errno));
	return 0;
}

static void
set_presets(struct conf *conf, const char *file)
{
	struct line l = { .conf = conf };
	char name[HOST_NAME_MAX + 1];

	memset(conf, 0, sizeof(*conf));
	conf->file = file;
	for (l.keyword = keywords; l.keyword < keywords + NKEYWORDS;
	     l.keyword++)
		if ((l.value = l.keyword->preset) != NULL)
			(void)l.keyword->kind(&l);
	if (gethostname(name, sizeof(name)) == -1 || name[0] == '\0')
		strlcpy(name, "localhost", sizeof(name));
	name[sizeof(name) - 1] = '\0';
	conf->hostname = copy(name);
}

static int
load(struct conf *conf, const char *file, char *err, size_t errsize,
    void (*tell)(const char *what))
{
	FILE *f;
	int rv;

	set_presets(conf, file);
	if ((f = fopen(file, "re")) == NULL) {
		snprintf(err, errsize,
		    "%s: %s; pop3d.conf(5) tells what goes "
		    "into it",
		    file, strerror(errno));
		return -1;
	}
	rv = read_file(conf, f, err, errsize, tell);
	fclose(f);
	if (!conf->auth_system)
		conf->auth_accounts = 1;
	return rv;
}

int
conf_load(struct conf *conf, const char *file, char *err, size_t errsize)
{
	return load(conf, file, err, errsize, NULL);
}

/* Of the kinds, only these put no string where the row says. */
static int
is_string(const struct keyword *k)
{
	return k->where != NOWHERE && k->kind != set_number &&
	    k->kind != set_patience && k->kind != set_flag;
}

void
conf_free(struct conf *conf)
{
	size_t i;

	for (i = 0; i < NKEYWORDS; i++)
		if (is_string(&keywords[i]))
			free(*(char **)((char *)conf + keywords[i].where));
	for (i = 0; i < conf->nkeypair; i++) {
		free(conf->keypair[i].cert);
		free(conf->keypair[i].key);
		free(conf->keypair[i].staple);
	}
	for (i = 0; i < conf->noutgoing; i++)
		free(conf->outgoing[i].host);
	for (i = 0; i < conf->npreset; i++)
		free(conf->preset[i].text);
	memset(conf, 0, sizeof(*conf));
}

int
conf_load_all(
    struct conf *conf, const char *file, void (*tell)(const char *what))
{
	char err[1024];

	if (load(conf, file, err, sizeof(err), tell) == 0)
		return 0;
	tell(err);
	return -1;
}

int
conf_spool(const struct conf *conf, const char *user, char path[PATH_MAX])
{
	const char *p;
	size_t used = 0;

	if (conf->spool == NULL || user[0] == '.' ||
	    strchr(user, '/') != NULL)
		return 0;
	for (p = conf->spool; *p != '\0' && used < PATH_MAX - 1; p++)
		if (*p != '%')
			path[used++] = *p;
		else if (*++p == '%')
			path[used++] = '%';
		else
			used += strlcpy(path + used, user, PATH_MAX - used);
	if (*p != '\0' || used >= PATH_MAX)
		return 0;
	path[used] = '\0';
	return 1;
}

const char *
conf_place(
    const struct conf *conf, const char *keyword, char place[CONF_PLACE_SIZE])
{
	int line = 0;
	size_t i;

	for (i = 0; i < NKEYWORDS; i++)
		if (strcmp(keywords[i].name, keyword) == 0 &&
		    conf->line[i] > line)
			line = conf->line[i];
	if (line == 0)
		snprintf(place, CONF_PLACE_SIZE, "%s", conf->file);
	else
		snprintf(place, CONF_PLACE_SIZE, "%s:%d", conf->file, line);
	return place;
}
