#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "ctl/address.h"
#include "ctl/new_account.h"
#include "ctl/settings.h"

#define MS_NS 1000000 /* nanoseconds */

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
account_maildir(struct account *a, const struct conf *conf,
    const char *home, char *err, size_t errsize)
{
	struct text t = { a->maildir, sizeof(a->maildir), 0, 0 };
	const char *p = conf->maildir;
	struct passwd *pw;

	if (*p == '~') {
		if (home == NULL && (pw = getpwuid(a->uid)) == NULL)
			return error_set(err, errsize,
			    "uid %lu has no home; say "
			    "-m MAILDIR",
			    (unsigned long)a->uid);
		if (home == NULL)
			home = pw->pw_dir;
		append(&t, home, strlen(home));
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
	/* Not that of another one of this address, which there was. */
	a->generation = clock_ns() / MS_NS;
	if (settings_preset(a, conf, err, errsize) == -1)
		return -1;
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
