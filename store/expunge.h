/*
 * Unlinking the files of messages that an UPDATE has taken out.
 *
 * The UPDATE is committed when this begins: from here on there is no
 * failure, only delay.  What could not be unlinked, or was not because the
 * process or the machine died, is left to the next session's
 * expunge_finish().  Errors as in ledger.h.
 */
#ifndef STORE_EXPUNGE_H
#define STORE_EXPUNGE_H

#include "common/policy.h"
#include "store/ledger.h"
#include "store/listing.h"

/*
 * Unlinks these files (whole names as the index has them, one listing for
 * each folder), takes them off the quota, and forgets their names.
 */
int expunge(struct ledger *l, struct listing names[FOLDERS]);

/*
 * Finishes an interrupted unlinking: before the folders are looked at.  What
 * was restored meanwhile (it has another inode) stays, as new mail; with
 * auto-delete off by now what a QUIT took out is not unlinked any more: it is
 * retained.  What was purged is unlinked all the same.
 */
int expunge_finish(struct ledger *l, const struct policy *policy);

void expunge_free(struct listing names[FOLDERS]);

#endif
