/*
 * Messages whose files changed after they were measured.
 *
 * Maildir forbids it, and it happens: a script that writes into new/
 * without tmp/, an editor in cur/.  What LIST shows follows at the next
 * login; within a session it stays.  Errors as in ledger.h.
 */
#ifndef STORE_RESIZE_H
#define STORE_RESIZE_H

#include "store/ledger.h"
#include "store/listing.h"

/* May a file, changed at modified, still be being written?  Both in ns. */
int resize_is_young(int64_t modified, int64_t now);

/* Is the file behind a descriptor of another size than the entry says? */
int resize_is_due(const struct entry *e, int fd);

/*
 * Looks again at the messages of a folder that were young when they were
 * measured, and mends those that have changed.
 */
int resize_young(struct ledger *l, enum folder folder);

/*
 * Another file has taken an entry's name: the entry gets its measures, if
 * they can be had and its size is another one.  now in ns.
 */
int resize_replaced(struct ledger *l, struct entry *e, int64_t now);

/* Measures the messages with these names anew, in one transaction. */
int resize_names(
    struct ledger *l, enum folder folder, const struct listing *names);

#endif
