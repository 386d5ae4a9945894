/*
 * UPDATE (RFC 1939, section 6): taking messages out of the maildrop.
 */
#ifndef STORE_UPDATE_H
#define STORE_UPDATE_H

#include "common/policy.h"
#include "store/ledger.h"
#include "store/listing.h"

/*
 * Takes the messages with these base names (sorted listings, one for each
 * folder) out of their queues.  One transaction does, and its commit is the
 * atomic point (I2).  Then, with auto-delete, their files are unlinked
 * (expunge.h).  Without it, they are retained.
 *
 * On a full disk the reserve is given up for it.  Errors as in ledger.h;
 * after one, nothing has changed.
 */
int update_commit(struct ledger *l, const struct listing names[FOLDERS],
    const struct policy *policy, uint64_t *deleted);

/*
 * The same for retained messages, which no queue has: their files are
 * unlinked, whatever auto-delete says by now.  On the disk only.
 */
int update_purge(struct ledger *l, const struct listing names[FOLDERS],
    uint64_t *purged);

#endif
