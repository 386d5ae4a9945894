/*
 * An index that is damaged: proving it, putting it aside, and saving what
 * can still be read of it.
 *
 * As the mailbox's owner, under the lock, with the index closed.  Errors as
 * in index.h.
 */
#ifndef STORE_REPAIR_H
#define STORE_REPAIR_H

#include "store/index.h"

/* Is index.db well-formed?  INDEX_DAMAGED: it is not. */
int repair_verify(const char *dir);

/*
 * Was index.db written by a newer version?  By its pages, and without
 * Berkeley DB, which may search for ever in a file that was not recovered.
 */
int repair_is_newer(const char *dir);

/*
 * Puts index.db aside as index.bad and takes its log away, so that a new one
 * can be made.  Refuses with the error of the disk where no new one could
 * be made to last: what looks like damage may be trouble that passes.
 */
int repair_discard(const char *dir);

/*
 * Is there an index.bad that nobody has read yet?  Then a new index that
 * nothing was ever committed to is to be filled from it first.
 * repair_done() says that it was: it is kept, as index.saved.
 */
int repair_is_pending(const char *dir);
int repair_done(const char *dir);

/*
 * Reads index.bad page by page, without Berkeley DB's searches, and calls
 * save() for each name on a leaf page whose checksum is right; it changes
 * nothing.  Takes a few seconds at most, however the file looks; *saved
 * counts the names.  A non-zero answer of save() ends it and is returned.
 */
int repair_salvage(const char *dir, visit_fn save, void *arg,
    uint64_t *saved);

#endif
