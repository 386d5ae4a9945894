#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "store/copies.h"

/* By a base name, if it is one of ours. */
static void
add(struct copies *c, const char *base, size_t len, const char *name)
{
	struct copy *k = &c->copy[c->n];
	size_t tail = strlen(c->ending), digits = 0;

	while (len > 0 && base[len - 1] == '+')
		len--;
	if (len < tail || memcmp(base + len - tail, c->ending, tail) != 0)
		return;
	len -= tail;
	while (digits < len && isxdigit((unsigned char)base[len - 1 - digits]))
		digits++;
	if (digits == len || digits > UNPACK_HASH ||
	    base[len - 1 - digits] != 'H')
		return;
	memcpy(k->hash, base + len - digits, digits);
	k->hash[digits] = '\0';
	k->date = c->dated ? maildir_delivered(base) : 0;
	k->name = name;
	c->n++;
}

/* Those that are the same are together, and first what is here. */
static int
compare(const void *va, const void *vb)
{
	const struct copy *a = va, *b = vb;
	int c = strcmp(a->hash, b->hash);

	if (c != 0 || a->date != b->date)
		return c != 0 ? c : a->date < b->date ? -1 : 1;
	if (a->name == NULL || b->name == NULL)
		return (a->name != NULL) - (b->name != NULL);
	return strcmp(a->name, b->name);
}

static int
add_all(struct copies *c, const struct listing *files)
{
	const struct uidls_line *line;
	size_t i;

	c->copy = calloc(files->n + c->uidls.n + 1, sizeof(*c->copy));
	if (c->copy == NULL)
		return ENOMEM;
	for (i = 0; i < files->n; i++)
		add(c, files->entry[i].name, files->entry[i].base, NULL);
	for (i = 0; i < c->uidls.n; i++) {
		line = &c->uidls.line[i];
		if (line->folder == INBOX &&
		    listing_find(files, line->base) == NULL)
			add(c, line->base, strlen(line->base), line->base);
	}
	if (c->n > 1)
		qsort(c->copy, c->n, sizeof(*c->copy), compare);
	return 0;
}

int
copies_learn(struct copies *c, const struct maildir *maildir, const char *dir)
{
	struct listing files = { .n = 0 };
	int error = 0;

	if (dir != NULL && (error = uidls_read(&c->uidls, dir, NULL)) != 0 &&
	    error != ENOENT)
		return error;
	if ((error = listing_read(&files, maildir, NEW)) == 0)
		error = listing_read(&files, maildir, CUR);
	listing_sort(&files);
	if (error == 0)
		error = add_all(c, &files);
	listing_free(&files);
	return error;
}

static int
is_same(const struct copy *k, int64_t date, const char *hash)
{
	return k->date == date && strcmp(k->hash, hash) == 0;
}

const struct copy *
copies_next(struct copies *c, int64_t date, const char *hash)
{
	struct copy wanted = { .date = c->dated ? date : 0 }, *first, *k;
	size_t low = 0, high = c->n, i;

	(void)strlcpy(wanted.hash, hash, sizeof(wanted.hash));
	while (low < high) {
		i = low + (high - low) / 2;
		if (compare(&c->copy[i], &wanted) < 0)
			low = i + 1;
		else
			high = i;
	}
	if (low == c->n || !is_same(&c->copy[low], wanted.date, hash))
		return NULL;
	first = &c->copy[low];
	k = first + first->met;
	if (k == c->copy + c->n || !is_same(k, wanted.date, hash))
		return NULL;
	first->met++;
	return k;
}

/* The time of the run tells it from all names that were given before. */
void
copies_name(const struct copies *c, int64_t date, uint64_t place,
    const char *hash, char base[NAME_OCTETS])
{
	static int64_t began;

	if (began == 0)
		began = clock_ns() / 1000;
	snprintf(base, NAME_OCTETS, "%lld.T%llxN%010lluH%s%s",
	    (long long)date, (unsigned long long)began,
	    (unsigned long long)place, hash, c->ending);
}

void
copies_free(struct copies *c)
{
	free(c->copy);
	uidls_free(&c->uidls);
}
