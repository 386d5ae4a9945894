#include <endian.h>
#include <string.h>

#include "auth/record.h"

#define VERSION	    1
#define AUTO_DELETE 1
#define TWO_FACTOR  2

/* Where the next octet goes to, or comes from. */
struct writer {
	unsigned char *at;
};

struct reader {
	const unsigned char *at;
	size_t left;
	int bad; /* once set, everything reads as zero */
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

size_t
record_encode(const struct account *a, unsigned char *record)
{
	struct writer w = { record };
	size_t i;

	put8(&w, VERSION);
	put8(&w, (int)a->access);
	put8(&w, (int)a->spam);
	put8(&w, (a->auto_delete ? AUTO_DELETE : 0) |
	    (a->two_factor ? TWO_FACTOR : 0));
	put64(&w, a->uid);
	put64(&w, a->gid);
	put64(&w, a->from_now);
	put_string(&w, a->hash);
	put_string(&w, a->maildir);
	put8(&w, (int)a->napp);
	for (i = 0; i < a->napp; i++) {
		put_string(&w, a->app[i].label);
		put64(&w, a->app[i].created);
		put(&w, a->app[i].digest, sizeof(a->app[i].digest));
	}
	return (size_t)(w.at - record);
}

static void
get_app_password(struct reader *r, struct app_password *app)
{
	get_string(r, app->label, sizeof(app->label));
	app->created = get64(r);
	get(r, app->digest, sizeof(app->digest));
}

enum record_result
record_decode(struct account *a, const unsigned char *record, size_t len)
{
	struct reader r = { record, len, 0 };
	int64_t uid, gid;
	unsigned int flags;
	size_t i;

	memset(a, 0, sizeof(*a));
	if (len > 0 && record[0] > VERSION)
		return RECORD_NEWER;
	if (get8(&r, VERSION) != VERSION)
		return RECORD_DAMAGED;
	a->access = (enum access)get8(&r, ACCESS_FROM_NOW);
	a->spam = (enum spam)get8(&r, SPAM_ONLY);
	flags = get8(&r, AUTO_DELETE | TWO_FACTOR);
	a->auto_delete = (flags & AUTO_DELETE) != 0;
	a->two_factor = (flags & TWO_FACTOR) != 0;
	uid = get64(&r);
	gid = get64(&r);
	a->from_now = get64(&r);
	get_string(&r, a->hash, sizeof(a->hash));
	get_string(&r, a->maildir, sizeof(a->maildir));
	a->napp = get8(&r, APP_PASSWORDS_MAX);
	for (i = 0; i < a->napp; i++)
		get_app_password(&r, &a->app[i]);
	/* Nobody's mailbox is root's, and -1 is no user at all. */
	if (uid <= 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX ||
	    a->maildir[0] != '/')
		r.bad = 1;
	a->uid = (uid_t)uid;
	a->gid = (gid_t)gid;
	return r.bad || r.left != 0 ? RECORD_DAMAGED : RECORD_GOOD;
}
