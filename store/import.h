/*
 * The messages of an mbox file into a mailbox: pop3ctl import-mbox.
 *
 * All of them are written to tmp/ and synced before the first is seen.  What
 * is in the mailbox already stays as it is: the names of imported messages
 * tell their hashes, so that a second run, or one after an interruption,
 * adds what is missing and doubles nothing, wherever in the file it stands
 * by then.
 *
 * As the mailbox's owner, under its lock; errors as in mbox.h, and EAGAIN
 * where somebody else writes to the file, ECANCELED where progress said so.
 */
#ifndef STORE_IMPORT_H
#define STORE_IMPORT_H

#include <stdint.h>

#include "store/ledger.h"
#include "store/mbox.h"

struct import {
	int fd;	 /* the mbox, open for reading */
	int ids; /* keep the unique-ids of Dovecot */
	progress_fn progress; /* in octets of the file; may be NULL */
	void *progress_arg;

	/* What became of it. */
	int error;
	uint64_t added, present;
	size_t with_id;
	struct mbox_odd odd;
};

/* Returns im->error. */
int import_mbox(struct import *im, struct ledger *l);

#endif
