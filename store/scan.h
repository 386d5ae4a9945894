/*
 * What is new in a folder's directories, what has moved and what is missing,
 * against what the index knows: reads, and changes nothing.
 *
 * A directory is read only when its time is not the one recorded.  new/
 * alone is cheap to look at; when others changed cur/, both are read once
 * and merged with the names, and no known message is opened for it.
 *
 * Errors as in index.h.
 */
#ifndef STORE_SCAN_H
#define STORE_SCAN_H

#include "store/index.h"
#include "store/listing.h"

/* A file that the index does not know yet. */
struct found {
	int64_t delivered; /* seconds */
	const struct listed *listed;
	int renew; /* its base name is another message's: it needs a new one */
	enum { UNMEASURED, MEASURED, MISSED, BARRED } is; /* see sync.c */
	struct measured size;
};

struct scan {
	/* To be filled first; all stay the caller's. */
	struct index *index;
	const struct maildir *maildir;
	enum folder folder;
	int clock; /* a file to learn the file system's time from; -1: none */

	/* What was found, in terms of listing's names. */
	struct listing listing;
	struct found *found;
	size_t nfound;
	size_t twins; /* of them, those to be renewed */
	struct listing changed; /* known names with another place or suffix,
				   or in new/ */
	struct listing missing; /* base names without a file */
	int exact; /* what is not in the listing is not there */
	int tries; /* of scan_find(), to get such a listing */
	int64_t now;	 /* when it was made, by the file system's clock */
	int64_t time[2]; /* of the directories, to be recorded; 0: unknown */
};

/* Both directories against all names. */
int scan_all(struct scan *s);

/*
 * new/ alone, against the names of what is in it.  Where s->twins is not 0,
 * only scan_all() can tell which file is which.
 */
int scan_new(struct scan *s);

/*
 * The file with this base name, whatever others call it, in the listing,
 * which is made when it is needed; NULL: none.  A file may be renamed while
 * the directories are read: that there is none is believed only of an exact
 * listing.  EAGAIN: others do not let us have one.
 */
int scan_find(struct scan *s, const char *base, const struct listed **found);

/*
 * Does an entry stay in the index though files, in which cur/ is listed, has
 * no file of it?  A cur/ without any file may be one that is not mounted, or
 * not restored yet: what was taken out of the maildrop must not be in it
 * again when the files are back (I13).
 */
int scan_keeps(const struct listing *files, const struct entry *e);

/* In order of delivery, then of base name: as they are to be queued. */
void scan_sort(struct scan *s);

void scan_free(struct scan *s);

#endif
