/*
 * Messages on their way into a Maildir folder: written to tmp/ and synced
 * first, and then moved to where they are seen.
 *
 * Only who holds the mailbox's lock may do this: the files in tmp/ have
 * names by number, and what an interrupted run left there is removed by the
 * next.  As the owner; errors are errno values, 0 is success.
 */
#ifndef STORE_DEPOSIT_H
#define STORE_DEPOSIT_H

#include <stdint.h>

#include "store/listing.h"
#include "store/maildir.h"

#define DEPOSIT_BUFFER 65536

struct deposit {
	const char *path; /* of the folder; the caller's, as maildir is */
	const struct maildir *maildir;
	int tmp;
	int fd;		  /* of the message in hand; -1: nothing written yet */
	uint64_t octets;  /* of that message */
	uint64_t total;	  /* of those that are kept */
	size_t used;
	size_t unsynced;  /* files kept that were not synced one by one */
	size_t placed;
	struct listing names; /* that they get, in the order of their numbers */
	char buf[DEPOSIT_BUFFER];
};

/* Begins; path is the folder's, for its tmp/ and the quota. */
int deposit_open(
    struct deposit *d, const char *path, const struct maildir *maildir);

/* Unlinks what was not placed, and closes. */
void deposit_close(struct deposit *d);

/* Adds octets to the message in hand. */
int deposit_write(struct deposit *d, const char *data, size_t len);

/*
 * The message in hand is complete: it is to have this name in new/ or cur/,
 * and that date (seconds).  Or it is not wanted.
 */
int deposit_keep(
    struct deposit *d, const char *name, enum subdir sub, int64_t date);
int deposit_discard(struct deposit *d);

/* All that is kept is on the disk, after this. */
int deposit_sync(struct deposit *d);

/*
 * Moves all to where they are seen, in a way that lasts, and adds them to
 * the quota.  EEXIST: a name is taken, which stays as it is.
 */
int deposit_place(struct deposit *d);

#endif
