/*
 * Taking messages out of the maildrop, and bringing them back.
 */
#ifndef STORE_UPDATE_H
#define STORE_UPDATE_H

#include "store/mailbox.h"

/*
 * The UPDATE of RFC 1939, section 6.  One transaction takes the marked
 * messages out of their queues; its commit is the atomic point.  Then
 * the files of those to be expunged are unlinked, and what could not be
 * unlinked, or was not because the process or the machine died, is left to
 * update_finish().  Errors as in index.h; after one, nothing has changed.
 */
int update_commit(struct mailbox *mb,
    int (*marked)(const void *, uint64_t n), const void *marks,
    uint64_t highest, uint64_t *deleted);

/* Finishes interrupted unlinking: before the folders are looked at. */
int update_finish(struct mailbox *mb);

/*
 * Puts retained messages into their queues again: the one with this UIDL,
 * or all if uidl is NULL.  *requeued counts them.
 */
int update_requeue(struct mailbox *mb, const char *uidl, uint64_t *requeued);

#endif
