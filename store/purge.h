/*
 * Ending the time for which deleted mail is kept.
 */
#ifndef STORE_PURGE_H
#define STORE_PURGE_H

#include "store/ledger.h"

/* What was unlinked: files, and their octets as LIST showed them. */
struct purged {
	uint64_t messages, octets;
};

/*
 * Unlinks the messages that clients deleted, and that have been retained for
 * so many days or longer; 0: all of them.  One that nobody knows the time of
 * counts from the day on which its index was brought forward.  What is older
 * than "from now on" was deleted by nobody, and stays.  It is done as an
 * UPDATE is (update.h): one transaction, and then the files.
 *
 * Errors as in ledger.h; after one, nothing has changed.
 */
int purge(struct ledger *l, int64_t days, struct purged *purged);

#endif
