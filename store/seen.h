/*
 * Messages that a client has retrieved become seen: flag S of Maildir, for
 * who reads the same mailbox in another way.
 */
#ifndef STORE_SEEN_H
#define STORE_SEEN_H

#include "store/ledger.h"
#include "store/listing.h"

/*
 * Marks those with these names in a folder, in one transaction.  One that
 * others have renamed or removed meanwhile stays as they left it.  Errors as
 * in ledger.h.
 */
int seen_names(
    struct ledger *l, enum folder folder, const struct listing *names);

/*
 * A suffix with the flag S: 1, or 0 where it has that, or is of a kind that
 * has no flags.
 */
int seen_suffix(const char *suffix, char seen[NAME_OCTETS]);

#endif
