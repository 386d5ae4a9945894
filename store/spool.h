/*
 * A local user's mbox, where delivery agents put his mail (/var/mail/NAME):
 * at a login it is emptied into his Maildir.
 *
 * Under the lock that delivery agents take, fcntl(2)'s; where they use a
 * file beside the mbox (NAME.lock), that one is heeded, and none is made:
 * the directory is not the user's.  All is written and synced first, then
 * moved to new/, then the mbox is cut; whoever is interrupted is met by the
 * next, in this order, and nothing is lost or doubled.
 *
 * As the mailbox's owner, errors as in mbox.h.
 */
#ifndef STORE_SPOOL_H
#define STORE_SPOOL_H

#include <limits.h>

#include "store/ledger.h"

struct spool {
	int fd; /* -1: there is nothing in it, or it cannot be opened */
	char path[PATH_MAX];
	char lock[PATH_MAX]; /* the file beside it */
};

/*
 * Opens the mbox at path, before the sandbox is entered.  What keeps it from
 * that is told in the log; an mbox that is missing or empty is fine.
 */
void spool_open(struct spool *spool, const char *path);
void spool_close(struct spool *spool);

/*
 * Empties it into the ledger's Maildir, under the mailbox's lock and before
 * the index is opened.  EAGAIN: somebody else has the mbox; ECANCELED: nobody
 * waits for it any more.  Where *begun is not set after another error,
 * everything is as it was; else the mail is in both.
 */
int spool_empty(struct spool *spool, struct ledger *l, int *begun);

#endif
