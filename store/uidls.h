/*
 * The unique-ids that messages brought along from another server (I4).
 *
 * <Maildir>/pop3d/uidls is a text, written by pop3ctl's imports and read by
 * the login that finds it changed:
 *	uidls 1
 *	UIDL base-name
 *	UIDL junk/base-name
 * The second form is for the junk folder, whatever directory that is; no
 * base name has a slash.  It is replaced by rename(2), so that it is there
 * as a whole.  Losing it does no harm while there is an index; losing the
 * index does none while it is there.
 *
 * As the mailbox's owner, under the lock.  Errors are errno values, or
 * UIDLS_NEWER and UIDLS_DAMAGED of index_error.h; 0 is success.
 */
#ifndef STORE_UIDLS_H
#define STORE_UIDLS_H

#include <stddef.h>
#include <stdint.h>

#include "store/entry.h"
#include "store/index_error.h"

struct uidls_line {
	const char *uidl, *base; /* within the uidls */
	uint32_t order; /* in which they came: of a file's, their numbers */
	enum folder folder;
};

struct uidls_text;

/* Zeroes are an empty one.  To be freed. */
struct uidls {
	struct uidls_line *line; /* sorted by folder and base name */
	struct uidls_line **by_uidl;
	size_t n, room;
	uint32_t last;	/* order that was given */
	size_t bad;	/* lines of the file that are none */
	size_t first;	/* the number of the first of these */
	struct uidls_text *text;
	/* Does nobody wait any more?  NULL: read on, however long it is. */
	int (*given_up)(void *arg);
	void *arg;
};

/* Which file it is, and in which state: totals have it (entry.h). */
struct uidls_stamp {
	uint64_t inode, size;
	int64_t changed; /* ns since the epoch */
};

/*
 * Can this be the unique-id of a message from elsewhere?  1 to 70 octets of
 * 0x21 to 0x7E, and not of the form that our own hashes have.  Returns NULL,
 * or what is wrong with it.
 */
const char *uidls_fault(const char *uidl);

/* The stamp of the file in dir: ENOENT where there is none. */
int uidls_look(const char *dir, struct uidls_stamp *stamp);

/*
 * Reads the file in dir into u, which has no lines, and sorts; stamp, which may
 * be NULL, is of what was read.  Bad lines are counted and left out.  An
 * owner may make the file as long as he likes: ECANCELED after given_up.
 */
int uidls_read(struct uidls *u, const char *dir, struct uidls_stamp *stamp);

/*
 * Adds a line, whose UIDL must be good, behind all that were read or added
 * before; ahead of the others of this header uidls_sort() has to be called.
 * That leaves, of those with the same name, and then of those with the same
 * UIDL, the one that came first; dropped(), which may be NULL, is told of the
 * others and of the one that stays.
 */
int uidls_add(struct uidls *u, enum folder folder, const char *base,
    const char *uidl);
typedef void (*uidls_dropped_fn)(void *arg, const struct uidls_line *line,
    const struct uidls_line *stays);
int uidls_sort(struct uidls *u, uidls_dropped_fn dropped, void *arg);

/* The UIDL of a name, or the line with a UIDL; NULL: there is none. */
const char *uidls_find(
    const struct uidls *u, enum folder folder, const char *base);
const struct uidls_line *uidls_owner(const struct uidls *u, const char *uidl);

/*
 * Makes u, sorted, the file in dir: when it returns 0 the file and its name
 * are on the disk; after an error the old one is as it was.
 */
int uidls_write(const struct uidls *u, const char *dir);

void uidls_free(struct uidls *u);

#endif
