/*
 * Bringing back what was taken out of the maildrop and kept.
 */
#ifndef STORE_REQUEUE_H
#define STORE_REQUEUE_H

#include "store/ledger.h"

/*
 * Puts retained messages, and those from before "from now on", into their
 * queues again: the one with this UIDL, or all if uidl is NULL.  *requeued
 * counts them.  Errors as in ledger.h; after one, nothing has changed.
 */
int requeue(struct ledger *l, const char *uidl, uint64_t *requeued);

#endif
