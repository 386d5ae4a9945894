#include <endian.h>
#include <errno.h>
#include <string.h>

#include "store/entry.h"

/*
 * Names, version 1:	state 1, place 1, sequence 8, octets 8, suffix
 *	version 2:	MARK 1, state 1, flags 1, sequence, octets and size
 *			(numbers of as many octets as they need), retained or
 *			inode 8, length of the suffix 1, suffix, UIDL
 * Queues, version 1:	octets 8, base
 *	version 2:	MARK 1, octets (number), length of the base 1, base,
 *			UIDL
 * Totals, both:	version 8, ...
 *
 * The first octet of version 1 is a state, or the highest one of a message's
 * octets: never a mark.  What is written again and again in a record of
 * version 2, its state and what that brings along, keeps its length: the
 * page is changed in place, and never split by deletions.
 */
#define MARK	   0x80 /* and the version */
#define VERSION	   2
#define VERSION_1  1
#define VERSIONS   0xff /* of totals: a greater one is no version */
#define FLAG_CUR   1
#define FLAG_YOUNG 2
#define FLAG_PURGED 4
#define FLAGS	   (FLAG_CUR | FLAG_YOUNG | FLAG_PURGED)

#define NAME_1_FIXED  18
#define QUEUE_1_FIXED 8
#define TOTALS_1      120
#define NUMBER_MAX    10 /* octets: 7 bits in each */

/* Octets to be decoded; bad once more was wanted than there are. */
struct reader {
	const unsigned char *p;
	size_t left;
	int bad;
};

static const unsigned char letters[] = { 'i', 'j' };

static unsigned char *
put64(unsigned char *p, uint64_t n)
{
	n = htobe64(n);
	memcpy(p, &n, sizeof(n));
	return p + sizeof(n);
}

static unsigned char *
put_number(unsigned char *p, uint64_t n)
{
	for (; n > 0x7f; n >>= 7)
		*p++ = (unsigned char)(0x80 | (n & 0x7f));
	*p++ = (unsigned char)n;
	return p;
}

static unsigned char *
put_text(unsigned char *p, const char *text, size_t len)
{
	memcpy(p, text, len);
	return p + len;
}

static inline const unsigned char *
take(struct reader *r, size_t len)
{
	static const unsigned char none[IDENTITY_OCTETS];
	const unsigned char *p = r->p;

	if (r->bad || r->left < len) {
		r->bad = 1;
		return none;
	}
	r->p += len;
	r->left -= len;
	return p;
}

static uint64_t
take64(struct reader *r)
{
	uint64_t n;

	memcpy(&n, take(r, sizeof(n)), sizeof(n));
	return be64toh(n);
}

/* In its only form: no octet that adds nothing, no bit too many. */
static uint64_t
take_number(struct reader *r)
{
	unsigned int octet, shift = 0;
	uint64_t n = 0;

	for (; r->left > 0 && shift < NUMBER_MAX * 7; shift += 7) {
		octet = *r->p++;
		r->left--;
		n |= (uint64_t)(octet & 0x7f) << shift;
		if (octet > 0x7f)
			continue;
		if ((octet == 0 && shift > 0) || (octet > 1 && shift == 63))
			r->bad = 1;
		return n;
	}
	r->bad = 1;
	return 0;
}

/*
 * A part of a file name as a directory has it: what else a damaged record
 * may hold must never reach open(2) or unlink(2).
 */
static void
take_text(struct reader *r, size_t len, char text[NAME_OCTETS])
{
	const unsigned char *p = r->p;

	if (r->bad || len > NAME_MAX || len > r->left ||
	    memchr(p, '\0', len) != NULL || memchr(p, '/', len) != NULL) {
		r->bad = 1;
		len = 0;
	}
	if (len > 0)
		memcpy(text, take(r, len), len);
	text[len] = '\0';
}

static void
take_base(struct reader *r, size_t len, char base[NAME_OCTETS])
{
	take_text(r, len, base);
	if (len == 0 || maildir_base(base) != len)
		r->bad = 1;
}

static void
take_suffix(struct reader *r, size_t len, struct entry *e)
{
	take_text(r, len, e->suffix);
	if ((len > 0 && e->suffix[0] != ':') ||
	    strlen(e->base) + len > NAME_MAX)
		r->bad = 1;
}

/* All that is left; none is fine. */
static void
take_uidl(struct reader *r, char uidl[UIDL_MAX + 1])
{
	size_t i, len = r->left;

	if (r->bad || len > UIDL_MAX)
		r->bad = 1;
	for (i = 0; !r->bad && i < len; i++)
		if (r->p[i] < 0x21 || r->p[i] > 0x7e)
			r->bad = 1;
	if (r->bad)
		len = 0;
	if (len > 0)
		memcpy(uidl, take(r, len), len);
	uidl[len] = '\0';
}

static enum entry_result
result(const struct reader *r)
{
	return r->bad || r->left > 0 ? ENTRY_DAMAGED : ENTRY_GOOD;
}

/* A record that begins as none of ours does: newer, or damaged? */
static enum entry_result
unknown(unsigned char mark)
{
	return mark > (MARK | VERSION) ? ENTRY_NEWER : ENTRY_DAMAGED;
}

void
entry_cut(struct entry *e, const char *name)
{
	size_t len = maildir_base(name);

	(void)strlcpy(e->base, name, len < NAME_MAX ? len + 1 : NAME_OCTETS);
	(void)strlcpy(e->suffix, name + len, NAME_OCTETS);
}

int
entry_name(const struct entry *e, char name[NAME_OCTETS])
{
	size_t len = strlcpy(name, e->base, NAME_OCTETS);

	if (len >= NAME_OCTETS || strlcpy(name + len, e->suffix,
				      NAME_OCTETS - len) >= NAME_OCTETS - len)
		return ENAMETOOLONG;
	return 0;
}

size_t
entry_uidl(const struct entry *e, char uidl[UIDL_MAX + 1])
{
	if (e->uidl[0] != '\0')
		return strlcpy(uidl, e->uidl, UIDL_MAX + 1);
	return maildir_uidl(e->base, 0, uidl);
}

void
entry_set_uidl(struct entry *e, int hashed)
{
	(void)maildir_uidl(e->base, hashed, e->uidl);
	if (strcmp(e->uidl, e->base) == 0)
		e->uidl[0] = '\0';
}

int
entry_is_foreign(const struct entry *e)
{
	char own[UIDL_MAX + 1];

	if (e->uidl[0] == '\0')
		return 0;
	(void)maildir_uidl(e->base, 0, own);
	if (strcmp(own, e->uidl) == 0)
		return 0;
	(void)maildir_uidl(e->base, 1, own);
	return strcmp(own, e->uidl) != 0;
}

int
entry_is_kept(const struct entry *e)
{
	return e->state == RETAINED || e->state == EARLIER;
}

unsigned char
entry_folder_letter(enum folder folder)
{
	return letters[folder];
}

size_t
entry_encode_key(const struct entry *e, unsigned char *buf)
{
	size_t len = strlen(e->base);

	buf[0] = letters[e->folder];
	memcpy(buf + 1, e->base, len);
	return 1 + len;
}

enum entry_result
entry_decode_key(struct entry *e, const unsigned char *p, size_t len)
{
	struct reader r = { p, len, 0 };
	unsigned char letter = *take(&r, 1);

	e->folder = letter == letters[JUNK] ? JUNK : INBOX;
	if (letter != letters[e->folder])
		r.bad = 1;
	take_base(&r, r.left, e->base);
	return result(&r);
}

size_t
entry_encode_name(const struct entry *e, unsigned char *buf)
{
	size_t suffix = strlen(e->suffix);
	unsigned char *p = buf;
	uint64_t extra = 0;

	if (e->state == RETAINED)
		extra = (uint64_t)e->retained;
	else
		extra = e->inode;
	*p++ = MARK | VERSION;
	*p++ = (unsigned char)e->state;
	*p++ = (unsigned char)((e->sub == CUR ? FLAG_CUR : 0) |
	    (e->young ? FLAG_YOUNG : 0) |
	    (e->state == EXPUNGING && e->purged ? FLAG_PURGED : 0));
	p = put_number(p, e->sequence);
	p = put_number(p, e->octets);
	p = put_number(p, e->size);
	p = put64(p, extra);
	*p++ = (unsigned char)suffix;
	p = put_text(p, e->suffix, suffix);
	p = put_text(p, e->uidl, strlen(e->uidl));
	return (size_t)(p - buf);
}

static enum entry_result
decode_name_1(struct entry *e, const unsigned char *p, size_t len)
{
	struct reader r = { p, len, 0 };
	unsigned char state, sub;

	state = *take(&r, 1);
	sub = *take(&r, 1);
	if (state > EXPUNGING || sub > CUR)
		return ENTRY_DAMAGED;
	e->state = (enum state)state;
	e->sub = (enum subdir)sub;
	e->young = 0;
	e->purged = 0;
	e->sequence = take64(&r);
	e->octets = take64(&r);
	e->size = SIZE_UNKNOWN;
	e->inode = 0;
	e->retained = 0;
	take_suffix(&r, r.left, e);
	entry_set_uidl(e, e->folder == JUNK);
	return result(&r);
}

enum entry_result
entry_decode_name(struct entry *e, const unsigned char *p, size_t len)
{
	struct reader r = { p, len, 0 };
	unsigned char mark = *take(&r, 1), state, flags;
	uint64_t extra;

	if (mark <= EXPUNGING)
		return decode_name_1(e, p, len);
	if (mark != (MARK | VERSION))
		return unknown(mark);
	state = *take(&r, 1);
	flags = *take(&r, 1);
	if (state > LEFT_OUT || (flags & ~FLAGS) != 0 ||
	    (state != EXPUNGING && (flags & FLAG_PURGED) != 0))
		return ENTRY_DAMAGED;
	e->state = (enum state)state;
	e->sub = (flags & FLAG_CUR) != 0 ? CUR : NEW;
	e->young = (flags & FLAG_YOUNG) != 0;
	e->purged = (flags & FLAG_PURGED) != 0;
	e->sequence = take_number(&r);
	e->octets = take_number(&r);
	e->size = take_number(&r);
	extra = take64(&r);
	e->inode = e->state != RETAINED ? extra : 0;
	e->retained = e->state == RETAINED ? (int64_t)extra : 0;
	take_suffix(&r, *take(&r, 1), e);
	take_uidl(&r, e->uidl);
	return result(&r);
}

void
entry_encode_sequence(uint64_t sequence, unsigned char *buf)
{
	(void)put64(buf, sequence);
}

size_t
entry_encode_queue(const struct entry *e, unsigned char *buf)
{
	size_t base = strlen(e->base);
	unsigned char *p = buf;

	*p++ = MARK | VERSION;
	p = put_number(p, e->octets);
	*p++ = (unsigned char)base;
	p = put_text(p, e->base, base);
	p = put_text(p, e->uidl, strlen(e->uidl));
	return (size_t)(p - buf);
}

static enum entry_result
decode_queue_1(struct entry *e, const unsigned char *p, size_t len)
{
	struct reader r = { p, len, 0 };

	e->octets = take64(&r);
	take_base(&r, r.left, e->base);
	entry_set_uidl(e, e->folder == JUNK);
	return result(&r);
}

enum entry_result
entry_decode_queue(struct entry *e, const unsigned char *key, size_t keylen,
    const unsigned char *p, size_t len)
{
	struct reader k = { key, keylen, 0 }, r = { p, len, 0 };
	unsigned char mark = *take(&r, 1);

	e->sequence = take64(&k);
	if (result(&k) != ENTRY_GOOD)
		return ENTRY_DAMAGED;
	if (mark == 0)
		return decode_queue_1(e, p, len);
	if (mark != (MARK | VERSION))
		return unknown(mark);
	e->octets = take_number(&r);
	take_base(&r, *take(&r, 1), e->base);
	take_uidl(&r, e->uidl);
	return result(&r);
}

static unsigned char *
put_folder(unsigned char *p, const struct folder_totals *f)
{
	p = put64(p, f->count);
	p = put64(p, f->octets);
	p = put64(p, f->names);
	p = put64(p, f->in_new);
	p = put64(p, f->left_out);
	p = put64(p, f->young);
	p = put64(p, (uint64_t)f->time[NEW]);
	p = put64(p, (uint64_t)f->time[CUR]);
	p = put64(p, (uint64_t)f->read);
	return put64(p, (uint64_t)f->from_now);
}

void
totals_encode(const struct totals *t, unsigned char buf[TOTALS_OCTETS])
{
	unsigned char *p = buf;

	memset(buf, 0, TOTALS_OCTETS);
	p = put64(p, VERSION);
	memcpy(p, t->identity, IDENTITY_OCTETS);
	p = put64(p + IDENTITY_OCTETS, t->generation);
	p = put64(p, t->next_sequence);
	p = put64(p, t->expunging);
	p = put64(p, (uint64_t)t->expunged);
	p = put64(p, (uint64_t)t->forwarded);
	p = put64(p, t->uidls_inode);
	p = put64(p, t->uidls_size);
	p = put64(p, (uint64_t)t->uidls_changed);
	p = put_folder(p, &t->folder[INBOX]);
	(void)put_folder(p, &t->folder[JUNK]);
}

static void
take_folder(struct reader *r, struct folder_totals *f, int version)
{
	f->count = take64(r);
	f->octets = take64(r);
	if (version > VERSION_1) {
		f->names = take64(r);
		f->in_new = take64(r);
		f->left_out = take64(r);
		f->young = take64(r);
	}
	f->time[NEW] = (int64_t)take64(r);
	f->time[CUR] = (int64_t)take64(r);
	f->read = (int64_t)take64(r);
	f->from_now = (int64_t)take64(r);
}

/* Room that we leave empty and that is filled was filled by a newer version. */
static enum entry_result
decode_room(struct reader *r)
{
	while (!r->bad && r->left > 0)
		if (*take(r, 1) != 0)
			return ENTRY_NEWER;
	return result(r);
}

enum entry_result
totals_decode(
    struct totals *t, const unsigned char *p, size_t len, int *version)
{
	struct reader r = { p, len, 0 };
	uint64_t v = take64(&r);

	memset(t, 0, sizeof(*t));
	*version = v == VERSION_1 ? VERSION_1 : VERSION;
	if (v > VERSION && v <= VERSIONS)
		return ENTRY_NEWER;
	if (v < VERSION_1 || v > VERSION ||
	    len != (v == VERSION_1 ? TOTALS_1 : TOTALS_OCTETS))
		return ENTRY_DAMAGED;
	if (v == VERSION) {
		memcpy(t->identity, take(&r, IDENTITY_OCTETS),
		    IDENTITY_OCTETS);
		t->generation = take64(&r);
	}
	t->next_sequence = take64(&r);
	t->expunging = take64(&r);
	if (v == VERSION) {
		t->expunged = (int64_t)take64(&r);
		t->forwarded = (int64_t)take64(&r);
		t->uidls_inode = take64(&r);
		t->uidls_size = take64(&r);
		t->uidls_changed = (int64_t)take64(&r);
	}
	take_folder(&r, &t->folder[INBOX], *version);
	take_folder(&r, &t->folder[JUNK], *version);
	return v == VERSION ? decode_room(&r) : result(&r);
}
