/*
 * Bringing the index up to date with the Maildir.
 *
 * New mail (new/) is measured, moved to cur/ and queued in order of
 * delivery, then of base name; a sequence once given never changes.  When
 * others changed cur/, it is merged with the names (scan.h).
 *
 * Errors as in ledger.h; what was done until then is kept.
 */
#ifndef STORE_SYNC_H
#define STORE_SYNC_H

#include "store/ledger.h"
#include "store/scan.h"

struct sync;

/* New mail of a folder: counted, and not in the index yet. */
struct coming {
	struct sync *sync; /* NULL: there is none */
	uint64_t count, octets;
};

/*
 * In two steps, so that a login need not wait for the second.  sync_look()
 * finds and measures new mail, or, where more than that has happened, does
 * all that there is to do.  sync_settle() moves and records what was found,
 * no less and no more; sync_forget() gives it up.  from_now: what was
 * delivered earlier stays out of the maildrop (ns; 0: nothing).
 */
int sync_look(struct ledger *l, enum folder folder, int64_t from_now,
    struct coming *coming);
int sync_settle(struct coming *coming);
void sync_forget(struct coming *coming);

/* Reads both directories, whatever their times say. */
int sync_all(struct ledger *l, enum folder folder, int64_t from_now);

#endif
