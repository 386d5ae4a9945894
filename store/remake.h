/*
 * An index made of what another one says: of an older version, of a damaged
 * one, or, where the disk takes no changes, of the one on the disk for a
 * session that does without.
 *
 * Errors as in ledger.h.
 */
#ifndef STORE_REMAKE_H
#define STORE_REMAKE_H

#include "store/ledger.h"

/*
 * Brings an index of version 1 forward: it gets an identity, and what the
 * older version did not count is counted.  Its records follow when they are
 * written next (entry.h).
 */
int remake_forward(struct ledger *l);

/*
 * The index is damaged: it is put aside, and a new one made of the names
 * that can still be read, with their states; the Maildir is to be looked at
 * whole after that.  Says so in the log.
 */
int remake_salvaged(struct ledger *l);

/*
 * Nothing can be written, or not enough (why, an error): the mailbox is read
 * all the same, through a copy in memory.  Fails with it where what is on the
 * disk cannot be vouched for: better no answer than retained mail.
 */
int remake_in_memory(struct ledger *l, int why);

#endif
