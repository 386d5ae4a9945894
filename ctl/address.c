#include <ctype.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "ctl/address.h"

#define LOCAL_MAX 64 /* octets: RFC 5321, 4.5.3.1.1 */

/* Dot-atoms of these characters only, no dot at an end or doubled. */
static int
is_dotted(const char *s, size_t len, const char *others)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (isalnum((unsigned char)s[i]))
			continue;
		if (s[i] == '.' && i > 0 && i + 1 < len && s[i + 1] != '.')
			continue;
		if (s[i] == '.' || strchr(others, s[i]) == NULL)
			return 0;
	}
	return len > 0;
}

int
address_parse(
    const char *text, char address[ADDRESS_MAX + 1], char *err, size_t errsize)
{
	const char *at = strrchr(text, '@');
	char *p;

	if (at == NULL)
		return error_set(err, errsize,
		    "%s is not a valid "
		    "address; write LOCAL@DOMAIN",
		    text);
	if (strlcpy(address, text, ADDRESS_MAX + 1) > ADDRESS_MAX)
		return error_set(err, errsize,
		    "an address has at most %d octets", ADDRESS_MAX);
	/* A slash would lead the maildir elsewhere. */
	if (at - text > LOCAL_MAX ||
	    !is_dotted(text, (size_t)(at - text), "!#$%&'*+-=?^_`{|}~"))
		return error_set(err, errsize,
		    "%s: before the @, use at most %d "
		    "letters, digits, dots and !#$%%&'*+-=?^_`{|}~",
		    text, LOCAL_MAX);
	if (!is_dotted(at + 1, strlen(at + 1), "-") || at[1] == '-')
		return error_set(err, errsize,
		    "%s: after the @, use letters, "
		    "digits, hyphens and dots (a domain in its xn-- form)",
		    text);
	for (p = address; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return 0;
}

static int
parse_numbers(const char *text, uid_t *uid, gid_t *gid)
{
	char copy[32];
	const char *uid_wrong, *gid_wrong;
	char *colon;

	if (strlcpy(copy, text, sizeof(copy)) >= sizeof(copy) ||
	    (colon = strchr(copy, ':')) == NULL)
		return -1;
	*colon = '\0';
	*uid = (uid_t)strtonum(copy, 0, UINT32_MAX - 1, &uid_wrong);
	*gid = (gid_t)strtonum(colon + 1, 0, UINT32_MAX - 1, &gid_wrong);
	return uid_wrong == NULL && gid_wrong == NULL ? 0 : -1;
}

int
owner_parse(const char *text, uid_t *uid, gid_t *gid, char *err, size_t errsize)
{
	struct passwd *pw;

	if ((pw = getpwnam(text)) != NULL) {
		*uid = pw->pw_uid;
		*gid = pw->pw_gid;
	} else if (parse_numbers(text, uid, gid) == -1)
		return error_set(err, errsize,
		    "there is no user %s; create it, "
		    "or name another owner",
		    text);
	if (*uid == 0 || *gid == 0)
		return error_set(err, errsize,
		    "%s is root, and root owns no "
		    "mailbox; name another owner",
		    text);
	return 0;
}

void
owner_name(uid_t uid, gid_t gid, char *text, size_t size)
{
	struct passwd *pw = getpwuid(uid);

	if (pw != NULL && pw->pw_gid == gid)
		strlcpy(text, pw->pw_name, size);
	else
		snprintf(text, size, "%lu:%lu", (unsigned long)uid,
		    (unsigned long)gid);
}

/* A growing text in a buffer; once it did not fit, it never does. */
struct text {
	char *buf;
	size_t size, used;
	int cut;
};

static void
append(struct text *t, const char *s, size_t len)
{
	if (len >= t->size - t->used) {
		t->cut = 1;
		return;
	}
	memcpy(t->buf + t->used, s, len);
	t->used += len;
	t->buf[t->used] = '\0';
}

static void
expand(struct text *t, char c, const char *address)
{
	const char *at = strrchr(address, '@');

	switch (c) {
	case 'a':
		append(t, address, strlen(address));
		break;
	case 'd':
		append(t, at + 1, strlen(at + 1));
		break;
	case 'u':
		append(t, address, (size_t)(at - address));
		break;
	default: /* the configuration lets nothing pass but %% */
		append(t, "%", 1);
		break;
	}
}

int
account_maildir(
    struct account *a, const struct conf *conf, char *err, size_t errsize)
{
	struct text t = { a->maildir, sizeof(a->maildir), 0, 0 };
	const char *p = conf->maildir;
	struct passwd *pw;

	if (*p == '~') {
		if ((pw = getpwuid(a->uid)) == NULL)
			return error_set(err, errsize,
			    "uid %lu has no home; say "
			    "-m MAILDIR",
			    (unsigned long)a->uid);
		append(&t, pw->pw_dir, strlen(pw->pw_dir));
		p++;
	}
	for (; *p != '\0'; p++)
		if (*p != '%')
			append(&t, p, 1);
		else
			expand(&t, *++p, a->address);
	if (t.cut || a->maildir[0] != '/')
		return error_set(err, errsize,
		    "%s: maildir %s gives %s no usable "
		    "path; say -m MAILDIR",
		    conf->file, conf->maildir, a->address);
	return 0;
}

int
account_init(struct account *a, const char *address, const struct conf *conf,
    char *err, size_t errsize)
{
	char place[CONF_PLACE_SIZE];

	memset(a, 0, sizeof(*a));
	strlcpy(a->address, address, sizeof(a->address));
	a->access = ACCESS_ALL;
	a->policy.spam = SPAM_EXCLUDE;
	a->policy.auto_delete = 1;
	a->send = 1;
	a->self_service = 1;
	if (conf->owner != NULL) {
		if (getpwnam(conf->owner) == NULL)
			return error_set(err, errsize,
			    "%s: owner: there is "
			    "no user %s; create it, or name another",
			    conf_place(conf, "owner", place), conf->owner);
		return owner_parse(conf->owner, &a->uid, &a->gid, err, errsize);
	}
	a->uid = getuid();
	a->gid = getgid();
	return 0;
}
