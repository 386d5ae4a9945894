/*
 * What is in a folder's directories right now, sorted by base name.
 *
 * Takes memory in proportion to the directory, freed before the mailbox is
 * open: it is read only when somebody changed it.
 */
#ifndef STORE_LISTING_H
#define STORE_LISTING_H

#include <stddef.h>
#include <stdint.h>

#include "store/maildir.h"

struct listed {
	const char *name; /* within the listing */
	uint64_t inode;	  /* as the directory says; 0: not read there */
	unsigned char base; /* octets of the name that are its base */
	unsigned char sub;  /* enum subdir */
};

struct listing {
	struct listed *entry;
	size_t n, size;
	char *names;
	size_t used, room;
	size_t in_cur; /* of what was read from directories */
};

/* Adds the mail in a directory: 0, or an errno value. */
int listing_read(struct listing *l, const struct maildir *m, enum subdir sub);

/* Adds one name; or one that another listing has. */
int listing_add(struct listing *l, const char *name, enum subdir sub);
int listing_copy(struct listing *l, const struct listed *listed);

/*
 * Sorts by base name, then cur/ before new/, then suffix.  To be called
 * after the last name was added, before any entry is looked at.
 */
void listing_sort(struct listing *l);

/* In a sorted one: the entry with this base name, the first; NULL: none. */
const struct listed *listing_find(const struct listing *l, const char *base);

/* Compares base names as the index sorts them: by octets, shorter first. */
int listing_compare(const char *a, size_t alen, const char *b, size_t blen);

void listing_free(struct listing *l);

#endif
