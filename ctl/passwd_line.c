#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/hash.h"
#include "common/error.h"
#include "ctl/address.h"
#include "ctl/ctl.h"
#include "ctl/hash_cost.h"
#include "ctl/new_account.h"
#include "ctl/passwd_line.h"

#define SHADOW_FIELDS 7 /* behind the password, numbers all */
#define TIMES_FIELD   3 /* of master.passwd(5): fields before, from the uid */

/* {SCHEME} before the password, which is all of it where there is none. */
static void
cut_scheme(struct passwd_line *p)
{
	char *end = strchr(p->password, '}'), *c;

	p->scheme = p->password + strlen(p->password);
	if (p->password[0] != '{' || end == NULL)
		return;
	p->scheme = p->password + 1;
	*end = '\0';
	p->password = end + 1;
	for (c = p->scheme; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
}

static int
is_shadow(const char *rest)
{
	int fields = 1;
	const char *c;

	for (c = rest; *c != '\0'; c++)
		fields += *c == ':';
	return fields == SHADOW_FIELDS &&
	    strspn(rest, "0123456789:-") == strlen(rest);
}

/* Its times are where Dovecot has the home and a shell. */
static int
is_master_passwd(const char *rest)
{
	const char *times = rest;
	size_t i, len;

	for (i = 0; i < TIMES_FIELD; i++)
		if (*(times += strcspn(times, ":")) != '\0')
			times++;
	len = strspn(times, "0123456789");
	return len > 0 && times[len] == ':' && times[len + 1] != ':' &&
	    times[len + 1 + strspn(times + len + 1, "0123456789")] == ':';
}

void
passwd_line_cut(struct passwd_line *p, char *text)
{
	char *none = text + strlen(text), *other = none;
	char **const dovecot[] = { &p->uid, &p->gid, &other, &p->home,
		&other, NULL };
	char **const master[] = { &p->uid, &p->gid, &other, &other, &other,
		&other, &p->home, &other, &other, NULL };
	char **const *field = dovecot;

	p->uid = p->gid = p->home = none;
	p->user = strsep(&text, ":");
	p->password = strsep(&text, ":");
	cut_scheme(p);
	if (text != NULL && is_shadow(text))
		text = NULL;
	if (text != NULL && is_master_passwd(text))
		field = master;
	for (; text != NULL && *field != NULL; field++)
		**field = strsep(&text, ":");
	p->extra = text != NULL ? text : none;
}

int
passwd_line_address(const struct passwd_line *p, const struct conf *conf,
    char address[ADDRESS_MAX + 1], char *err, size_t errsize)
{
	char whole[2 * ADDRESS_MAX];

	if (strchr(p->user, '@') != NULL)
		return address_parse(p->user, address, err, errsize);
	if (conf->default_domain == NULL)
		return error_set(err, errsize, "%s is not a valid address; "
		    "write LOCAL@DOMAIN, or the domain as default-domain into "
		    "%s", p->user, conf->file);
	if ((size_t)snprintf(whole, sizeof(whole), "%s@%s", p->user,
		conf->default_domain) >= sizeof(whole))
		return error_set(err, errsize, "the name is too long");
	return address_parse(whole, address, err, errsize);
}

static int
is_one_of(const char *scheme, const char *const *schemes)
{
	for (; *schemes != NULL; schemes++)
		if (strcmp(scheme, *schemes) == 0)
			return 1;
	return 0;
}

enum passwd_kind
passwd_line_kind(const struct passwd_line *p, char *why, size_t size)
{
	static const char *const clear[] = { "PLAIN", "CLEAR", "CLEARTEXT",
		"PLAIN-TRUNC", NULL };
	static const char *const crypt[] = { "", "CRYPT", "SHA512-CRYPT",
		"SHA256-CRYPT", "BLF-CRYPT", "MD5-CRYPT", "MD5", "DES-CRYPT",
		NULL };
	const char c = p->password[0], *fault;

	if (c == '\0')
		return PASSWD_NONE;
	if (is_one_of(p->scheme, clear))
		return PASSWD_CLEAR;
	if (c == '!' || c == '*')
		return PASSWD_NONE;
	if (p->scheme[0] == '\0' && c != '$' && hash_known(p->password)) {
		(void)error_set(why, size, "without a scheme that may be an "
		    "old hash or a password in the clear; write {CRYPT} or "
		    "{PLAIN} before it");
		return PASSWD_BAD;
	}
	if (is_one_of(p->scheme, crypt) && hash_known(p->password) &&
	    strlen(p->password) <= HASH_MAX) {
		if ((fault = hash_cost_fault(p->password)) == NULL)
			return PASSWD_HASH;
		(void)error_set(why, size, "its hash %s", fault);
		return PASSWD_USELESS;
	}
	if (p->scheme[0] == '\0') {
		(void)error_set(why, size, "that is not a hash of this "
		    "system's crypt(3); is it a password in the clear?");
		return PASSWD_BAD;
	}
	(void)error_set(why, size, "crypt(3) cannot check its hash, {%.40s}",
	    p->scheme);
	return PASSWD_USELESS;
}

/*
 * The value of an extra field (KEY=VALUE, or KEY alone, blanks between): 1,
 * or 0 if there is none.  -1: it does not fit.
 */
static int
extra_value(const struct passwd_line *p, const char *key, char *value,
    size_t size)
{
	const size_t keylen = strlen(key);
	const char *s = p->extra;
	size_t len;

	for (;; s += len) {
		s += strspn(s, " \t");
		if (*s == '\0')
			return 0;
		len = strcspn(s, " \t");
		if (len < keylen || strncmp(s, key, keylen) != 0)
			continue;
		if (len == keylen || s[keylen] == '=')
			break;
	}
	s += keylen;
	len -= keylen;
	if (*s == '=') {
		s++;
		len--;
	}
	if (len >= size)
		return -1;
	memcpy(value, s, len);
	value[len] = '\0';
	return 1;
}

/* An extra field, userdb_KEY, comes before a field of the line. */
static int
get_value(const struct passwd_line *p, const char *key, const char *field,
    char value[MAILDIR_MAX + 1], char *err, size_t errsize)
{
	int found = extra_value(p, key, value, MAILDIR_MAX + 1);

	if (found == 0 &&
	    strlcpy(value, field, MAILDIR_MAX + 1) > MAILDIR_MAX)
		found = -1;
	if (found == -1)
		return error_set(err, errsize, "%s: it is too long", key);
	return 0;
}

/* A name or a number of a user, and then perhaps of a group. */
static int
set_owner(const struct passwd_line *p, struct account *a, char *err,
    size_t errsize)
{
	char user[MAILDIR_MAX + 1], group[MAILDIR_MAX + 1], both[64];
	const struct passwd *pw;
	const struct group *gr;
	const char *bad;
	uid_t uid;

	if (get_value(p, "userdb_uid", p->uid, user, err, errsize) == -1 ||
	    get_value(p, "userdb_gid", p->gid, group, err, errsize) == -1)
		return -1;
	if (user[0] == '\0')
		return 0;
	uid = (uid_t)strtonum(user, 0, UINT32_MAX - 1, &bad);
	pw = bad == NULL ? getpwuid(uid) : getpwnam(user);
	if (bad != NULL && pw == NULL)
		return error_set(err, errsize, "there is no user %s; create "
		    "it, or name another owner", user);
	if (pw != NULL)
		uid = pw->pw_uid;
	if (group[0] == '\0' && pw == NULL)
		return error_set(err, errsize, "there is no user with uid %s "
		    "whose group it could be; write the gid, too", user);
	if (group[0] == '\0')
		snprintf(group, sizeof(group), "%lu",
		    (unsigned long)pw->pw_gid);
	else if ((gr = getgrnam(group)) != NULL)
		snprintf(group, sizeof(group), "%lu",
		    (unsigned long)gr->gr_gid);
	snprintf(both, sizeof(both), "%lu:%.32s", (unsigned long)uid, group);
	return owner_parse(both, &a->uid, &a->gid, err, errsize);
}

/* What %u, %n, %d and %h stand for in the place of mail; NULL: unknown. */
static const char *
variable(const char **at, const char *address, const char *home,
    char value[ADDRESS_MAX + 1])
{
	static const struct {
		const char *name;
		char what;
	} names[] = { { "u", 'u' }, { "n", 'n' }, { "d", 'd' }, { "h", 'h' },
		{ "%", '%' }, { "{user}", 'u' }, { "{username}", 'n' },
		{ "{user|username}", 'n' }, { "{domain}", 'd' },
		{ "{user|domain}", 'd' }, { "{home}", 'h' }, { NULL, 0 } };
	const char *domain = strrchr(address, '@') + 1;
	size_t i = 0;

	while (names[i].name != NULL &&
	    strncmp(*at, names[i].name, strlen(names[i].name)) != 0)
		i++;
	if (names[i].name == NULL)
		return NULL;
	*at += strlen(names[i].name);
	if (names[i].what == 'h')
		return home;
	if (names[i].what == '%')
		return "%";
	if (names[i].what == 'd')
		return domain;
	strlcpy(value, address, ADDRESS_MAX + 1);
	if (names[i].what == 'n')
		value[domain - 1 - address] = '\0';
	return value;
}

#define NO_PATH "gives no absolute path; write it without variables but %u, " \
		"%n, %d and %h"
#define NO_HOME "needs a home, which the line does not have; write the home " \
		"into its sixth field, or the path without it"

/*
 * Writes where the mail is, a path with variables, into the account.  NULL,
 * or what is wrong with it: half a sentence.
 */
static const char *
expand(const char *path, const char *home, struct account *a)
{
	char value[ADDRESS_MAX + 1], one[2] = "";
	const char *piece;

	if (path[0] == '~' && path[1] != '/' && path[1] != '\0')
		return "is in the home of somebody else; write the path";
	a->maildir[0] = '\0';
	while (*path != '\0') {
		if (*path == '%') {
			path++;
			piece = variable(&path, a->address, home, value);
		} else if (*path == '~' && a->maildir[0] == '\0') {
			path++;
			piece = home;
		} else {
			one[0] = *path++;
			piece = one;
		}
		/* All who have none would have one mailbox. */
		if (piece == home && home[0] == '\0')
			return NO_HOME;
		if (piece == NULL || strlcat(a->maildir, piece,
			sizeof(a->maildir)) >= sizeof(a->maildir))
			return NO_PATH;
	}
	return maildir_good(a->maildir) ? NULL : NO_PATH;
}

/* maildir:PATH[:OPTION ...], or PATH alone; NULL: it is no Maildir. */
static const char *
path_of(char *mail)
{
	char *path = mail, *option;

	if (strncmp(mail, "maildir:", 8) == 0)
		path = mail + 8;
	else if (mail[0] != '/' && mail[0] != '~' && mail[0] != '%')
		return NULL;
	option = path;
	mail = strsep(&option, ":");
	while (option != NULL) {
		path = strsep(&option, ":");
		if (strncmp(path, "INBOX=", 6) == 0)
			mail = path + 6;
	}
	return mail;
}

/* "" where there is none, or the one that has no users' directories. */
static int
get_home(const struct passwd_line *p, char home[MAILDIR_MAX + 1], char *err,
    size_t errsize)
{
	if (get_value(p, "userdb_home", p->home, home, err, errsize) == -1)
		return -1;
	if (home[0] != '\0' && home[0] != '/')
		return error_set(err, errsize, "home %s is not an absolute "
		    "path", home);
	if (strchr(home, '%') != NULL)
		return error_set(err, errsize, "home %s: write it without "
		    "variables", home);
	if (home[strspn(home, "/")] == '\0')
		home[0] = '\0';
	return 0;
}

static int
set_maildir(const struct passwd_line *p, const struct conf *conf,
    struct account *a, char *err, size_t errsize)
{
	char mail[MAILDIR_MAX + 1], home[MAILDIR_MAX + 1];
	char driver[16] = "";
	const char *path, *fault;

	if (get_home(p, home, err, errsize) == -1 ||
	    get_value(p, "userdb_mail", "", mail, err, errsize) == -1 ||
	    (mail[0] == '\0' && get_value(p, "userdb_mail_path", "", mail,
		err, errsize) == -1))
		return -1;
	if (mail[0] == '\0')
		return account_maildir(a, conf, home[0] != '\0' ? home : NULL,
		    err, errsize);
	if (extra_value(p, "userdb_mail_driver", driver, sizeof(driver)) != 0 &&
	    strcmp(driver, "maildir") != 0)
		return error_set(err, errsize, "userdb_mail_driver: it is no "
		    "Maildir; convert it first, as with doveadm backup");
	if ((path = path_of(mail)) == NULL)
		return error_set(err, errsize, "userdb_mail=%s is no Maildir; "
		    "convert it first, as with doveadm backup", mail);
	if ((fault = expand(path, home, a)) != NULL)
		return error_set(err, errsize, "userdb_mail=%s %s", mail,
		    fault);
	return 0;
}

int
passwd_line_apply(const struct passwd_line *p, const struct conf *conf,
    struct account *a, char *err, size_t errsize)
{
	char value[MAILDIR_MAX + 1];

	if (set_owner(p, a, err, errsize) == -1)
		return -1;
	if (a->uid == 0)
		return error_set(err, errsize, "whose is the mailbox? say uid "
		    "and gid here, or owner USER in %s", conf->file);
	if (extra_value(p, "nologin", value, sizeof(value)) != 0)
		a->access = ACCESS_OFF;
	return set_maildir(p, conf, a, err, errsize);
}

int
passwd_line_places(const struct passwd_line *p)
{
	char value[MAILDIR_MAX + 1];

	return extra_value(p, "userdb_mail", value, sizeof(value)) != 0 ||
	    extra_value(p, "userdb_mail_path", value, sizeof(value)) != 0;
}

int
passwd_line_has_networks(const struct passwd_line *p)
{
	char value[MAILDIR_MAX + 1];

	return extra_value(p, "allow_nets", value, sizeof(value)) != 0;
}
