/*
 * UPDATE (RFC 1939, section 6): taking messages out of the maildrop.
 */
#ifndef STORE_UPDATE_H
#define STORE_UPDATE_H

#include "store/ledger.h"
#include "store/listing.h"

/*
 * Takes the messages with these base names (sorted listings, one for each
 * folder) out of their queues.  One transaction does, and its commit is the
 * atomic point (I2).  Then, with auto_delete, their files are unlinked; what
 * could not be, or was not because the process or the machine died, is left
 * to update_finish().  Without it, they are retained.
 *
 * On a full disk the reserve is given up for it.  Errors as in ledger.h;
 * after one, nothing has changed.
 */
int update_commit(struct ledger *l, const struct listing names[FOLDERS],
    int auto_delete, uint64_t *deleted);

/*
 * Finishes interrupted unlinking: before the folders are looked at.  What
 * was restored meanwhile (another inode) stays; with auto-delete off by now,
 * nothing is unlinked any more, and all is retained.
 */
int update_finish(struct ledger *l, int auto_delete);

#endif
