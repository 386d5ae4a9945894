#include <endian.h>
#include <string.h>

#include "auth/record.h"

/*
 * Version 1 had no kinds, fewer flags, and of an application password
 * nothing but label, time of creation and digest.
 */
#define VERSION 2

enum kind { ACCOUNT, ALIAS };

/*
 * An account's flags.  A new one goes into the octet that is there, in
 * FLAGS_2, flags_of() and get_flags(), and VERSION stays as it is, as long as
 * 0 means what every account did before: an older pop3d then refuses those
 * accounts alone that have the flag set, as written by a newer one.
 */
#define AUTO_DELETE  1
#define TWO_FACTOR   2
#define SEND	     4
#define MARK_READ    8
#define SELF_SERVICE 16
#define FLAGS_1	     (AUTO_DELETE | TWO_FACTOR)
#define FLAGS_2	     (FLAGS_1 | SEND | MARK_READ | SELF_SERVICE)

/* Does not compile unless the largest account fits RECORD_MAX. */
#define STRING_MAX(max) (2 + (max))
#define APP_PASSWORD_OCTETS \
	(STRING_MAX(LABEL_MAX) + 8 + 8 + 1 + 1 + 32 + 1 + NETWORKS_MAX * 18)
typedef char largest_account_fits
    [5 + 5 * 8 + STRING_MAX(HASH_MAX) + STRING_MAX(MAILDIR_MAX) + 1 +
		    APP_PASSWORDS_MAX * APP_PASSWORD_OCTETS <=
		RECORD_MAX ?
	    1 :
	    -1];

/* Where the next octet goes to, or comes from. */
struct writer {
	unsigned char *at;
};

struct reader {
	const unsigned char *at;
	size_t left;
	int bad;   /* once set, everything reads as zero */
	int newer; /* it has a flag that is not known here */
};

static void
put(struct writer *w, const void *data, size_t len)
{
	memcpy(w->at, data, len);
	w->at += len;
}

static void
put8(struct writer *w, int n)
{
	*w->at++ = (unsigned char)n;
}

static void
put64(struct writer *w, int64_t n)
{
	uint64_t big = htobe64((uint64_t)n);

	put(w, &big, sizeof(big));
}

static void
put_string(struct writer *w, const char *s)
{
	size_t len = strlen(s);
	uint16_t big = htobe16((uint16_t)len);

	put(w, &big, sizeof(big));
	put(w, s, len);
}

static void
get(struct reader *r, void *data, size_t len)
{
	if (r->bad || len > r->left) {
		r->bad = 1;
		memset(data, 0, len);
		return;
	}
	memcpy(data, r->at, len);
	r->at += len;
	r->left -= len;
}

static unsigned int
get8(struct reader *r, unsigned int max)
{
	unsigned char n;

	get(r, &n, sizeof(n));
	if (n > max)
		r->bad = 1;
	return r->bad ? 0 : n;
}

static int64_t
get64(struct reader *r)
{
	uint64_t big;

	get(r, &big, sizeof(big));
	return (int64_t)be64toh(big);
}

/* size is that of the array, its NUL counted. */
static void
get_string(struct reader *r, char *s, size_t size)
{
	uint16_t big;
	size_t len;

	get(r, &big, sizeof(big));
	len = be16toh(big);
	if (len >= size)
		r->bad = 1;
	if (r->bad)
		len = 0;
	get(r, s, len);
	s[len] = '\0';
	if (strlen(s) != len)
		r->bad = 1;
}

static void
put_app_password(struct writer *w, const struct app_password *app)
{
	size_t i;

	put_string(w, app->label);
	put64(w, app->created);
	put64(w, app->expires);
	put8(w, (int)app->services);
	put8(w, app->read_only);
	put(w, app->digest, sizeof(app->digest));
	put8(w, (int)app->nnetwork);
	for (i = 0; i < app->nnetwork; i++) {
		put8(w, app->network[i].family);
		put8(w, app->network[i].prefix);
		put(w, app->network[i].address,
		    sizeof(app->network[i].address));
	}
}

static int
flags_of(const struct account *a)
{
	return (a->policy.auto_delete ? AUTO_DELETE : 0) |
	    (a->two_factor ? TWO_FACTOR : 0) | (a->send ? SEND : 0) |
	    (a->policy.mark_read ? MARK_READ : 0) |
	    (a->self_service ? SELF_SERVICE : 0);
}

static void
put_account(struct writer *w, const struct account *a)
{
	size_t i;

	put8(w, (int)a->access);
	put8(w, (int)a->policy.spam);
	put8(w, flags_of(a));
	put64(w, a->uid);
	put64(w, a->gid);
	put64(w, a->policy.from_now);
	put64(w, a->policy.keep);
	put64(w, a->generation);
	put_string(w, a->hash);
	put_string(w, a->maildir);
	put8(w, (int)a->napp);
	for (i = 0; i < a->napp; i++)
		put_app_password(w, &a->app[i]);
}

size_t
record_encode(const struct account *a, unsigned char *record)
{
	struct writer w = { record };

	put8(&w, VERSION);
	if (a->alias_of[0] != '\0') {
		put8(&w, ALIAS);
		put_string(&w, a->alias_of);
	} else {
		put8(&w, ACCOUNT);
		put_account(&w, a);
	}
	return (size_t)(w.at - record);
}

static void
get_network(struct reader *r, struct network *n)
{
	n->family = (unsigned char)get8(r, 6);
	n->prefix = (unsigned char)get8(r, n->family == 4 ? 32 : 128);
	get(r, n->address, sizeof(n->address));
	if (n->family != 4 && n->family != 6)
		r->bad = 1;
}

static void
get_app_password(struct reader *r, int version, struct app_password *app)
{
	size_t i;

	get_string(r, app->label, sizeof(app->label));
	app->created = get64(r);
	app->expires = FOR_EVER;
	app->services = SERVICE_BOTH;
	if (version > 1) {
		app->expires = get64(r);
		app->services = (enum service)get8(r, SERVICE_BOTH);
		if (app->services == 0)
			r->bad = 1;
		app->read_only = (int)get8(r, 1);
	}
	get(r, app->digest, sizeof(app->digest));
	if (version > 1)
		app->nnetwork = get8(r, NETWORKS_MAX);
	for (i = 0; i < app->nnetwork; i++)
		get_network(r, &app->network[i]);
}

static void
get_flags(struct reader *r, int version, struct account *a)
{
	unsigned int flags = get8(r, version == 1 ? FLAGS_1 : UINT8_MAX);

	r->newer = (flags & ~(unsigned int)FLAGS_2) != 0;
	/* What every account had before it could be said. */
	if (version == 1)
		flags |= SEND | SELF_SERVICE;
	a->policy.auto_delete = (flags & AUTO_DELETE) != 0;
	a->policy.mark_read = (flags & MARK_READ) != 0;
	a->two_factor = (flags & TWO_FACTOR) != 0;
	a->send = (flags & SEND) != 0;
	a->self_service = (flags & SELF_SERVICE) != 0;
}

/* Nobody's mailbox is root's, and -1 is no user at all. */
static void
get_owner(struct reader *r, struct account *a)
{
	int64_t uid = get64(r), gid = get64(r);

	if (uid <= 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		r->bad = 1;
	a->uid = (uid_t)uid;
	a->gid = (gid_t)gid;
}

static void
get_account(struct reader *r, int version, struct account *a)
{
	int64_t keep = FOR_EVER;
	size_t i;

	a->access = (enum access)get8(r, ACCESS_FROM_NOW);
	a->policy.spam = (enum spam)get8(r, SPAM_ONLY);
	get_flags(r, version, a);
	get_owner(r, a);
	a->policy.from_now = get64(r);
	if (version > 1) {
		keep = get64(r);
		a->generation = get64(r);
	}
	if (keep < 0 || keep > UINT32_MAX)
		r->bad = 1;
	a->policy.keep = (uint32_t)keep;
	get_string(r, a->hash, sizeof(a->hash));
	get_string(r, a->maildir, sizeof(a->maildir));
	if (a->maildir[0] != '/')
		r->bad = 1;
	a->napp = get8(r, APP_PASSWORDS_MAX);
	for (i = 0; i < a->napp; i++)
		get_app_password(r, version, &a->app[i]);
}

static void
get_alias(struct reader *r, struct account *a)
{
	get_string(r, a->alias_of, sizeof(a->alias_of));
	if (a->alias_of[0] == '\0')
		r->bad = 1;
}

enum record_result
record_decode(struct account *a, const unsigned char *record, size_t len)
{
	struct reader r = { record, len, 0, 0 };
	int version;

	memset(a, 0, sizeof(*a));
	if (len > 0 && record[0] > VERSION)
		return RECORD_NEWER;
	version = (int)get8(&r, VERSION);
	if (version == 0)
		return RECORD_DAMAGED;
	if (version > 1 && get8(&r, ALIAS) == ALIAS)
		get_alias(&r, a);
	else
		get_account(&r, version, a);
	if (r.bad || r.left != 0)
		return RECORD_DAMAGED;
	return r.newer ? RECORD_NEWER : RECORD_GOOD;
}
