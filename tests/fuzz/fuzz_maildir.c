/*
 * Maildir names: whatever a directory holds, base names, times and UIDLs
 * (I4) are as maildir.h says, and a listing has everything once, in order.
 */
#include <limits.h>

#include "tests/fuzz/fuzz.h"

#include "store/listing.h"
#include "store/maildir.h"

static void
check_uidl(const char *base, int hashed)
{
	char uidl[UIDL_MAX + 1], again[UIDL_MAX + 1];
	size_t i, len;

	memset(uidl, 0x55, sizeof(uidl));
	len = maildir_uidl(base, hashed, uidl);
	MUST(len >= 1 && len <= UIDL_MAX);
	MUST(len == strnlen(uidl, sizeof(uidl)));
	for (i = 0; i < len; i++)
		MUST(uidl[i] >= 0x21 && uidl[i] <= 0x7e);
	maildir_uidl(base, hashed, again);
	MUST(strcmp(uidl, again) == 0);
	/* A name is its own UIDL, or cannot be mistaken for another's. */
	MUST(uidl[0] == '=' ? len == 65 && strcmp(uidl, base) != 0 :
	    !hashed && strcmp(uidl, base) == 0);
}

/* A name as readdir(3) gives it, at the very end of its memory. */
static void
check_name(const char *name)
{
	size_t base = maildir_base(name);
	char *copy;

	MUST(base <= strlen(name));
	MUST(name[base] == '\0' || name[base] == ':' || name[0] == '.');
	MUST((copy = strndup(name, base)) != NULL);
	MUST(strchr(copy, ':') == NULL);
	MUST(maildir_delivered(name) >= 0);
	MUST(maildir_delivered(copy) == maildir_delivered(name) || !base);
	check_uidl(copy, 0);
	check_uidl(copy, 1);
	free(copy);
}

static void
check_order(const struct listing *l)
{
	const struct listed *a, *b;
	size_t i;
	int c;

	for (i = 1; i < l->n; i++) {
		a = &l->entry[i - 1];
		b = &l->entry[i];
		c = listing_compare(a->name, a->base, b->name, b->base);
		MUST(c <= 0);
		MUST(listing_compare(b->name, b->base, a->name, a->base) ==
			0 ? c == 0 : c < 0);
		if (c == 0)
			MUST(a->sub > b->sub || (a->sub == b->sub &&
			    strcmp(a->name + a->base, b->name + b->base) <=
				0));
	}
}

static void
add(struct listing *l, const uint8_t *data, size_t len, enum subdir sub)
{
	char *name;

	/* As many as a directory has them: no NUL, no slash, 255 octets. */
	if (len == 0 || len > NAME_MAX || memchr(data, '\0', len) != NULL ||
	    memchr(data, '/', len) != NULL)
		return;
	MUST((name = strndup((const char *)data, len)) != NULL);
	check_name(name);
	if (maildir_base(name) != 0)
		MUST(listing_add(l, name, sub) == 0);
	free(name);
}

/* Lines of the input are names: those that begin with a tab are in cur/. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct listing l;
	const uint8_t *end = data + size, *newline;
	size_t names, i;
	enum subdir sub;

	memset(&l, 0, sizeof(l));
	for (; data < end; data = newline + 1) {
		newline = memchr(data, '\n', (size_t)(end - data));
		if (newline == NULL)
			newline = end;
		sub = *data == '\t' ? CUR : NEW;
		data += sub == CUR;
		add(&l, data, (size_t)(newline - data), sub);
	}
	names = l.n;
	listing_sort(&l);
	MUST(l.n == names);
	for (i = 0; i < l.n; i++)
		MUST(l.entry[i].base == maildir_base(l.entry[i].name));
	check_order(&l);
	listing_free(&l);
	return 0;
}
