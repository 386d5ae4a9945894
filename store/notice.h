/*
 * A message in the mailbox that tells its user of a login: the first one from
 * a network, or with an application password.  What was seen before is what
 * the mailbox's journal knows.
 *
 * It is delivered as any mail is.  The maildrop of the session that it is
 * about does not have it, so that whoever has logged in cannot delete it
 * there.  As the mailbox's owner, under the lock; errors are those of
 * journal.h.
 */
#ifndef STORE_NOTICE_H
#define STORE_NOTICE_H

#include "common/messages.h"
#include "store/maildir.h"

/* What is new about a login: bits.  0: nothing, and no message. */
enum news { NEWS_NETWORK = 1, NEWS_LABEL = 2 };

/*
 * Before the journal gets the line of this login: what is new about it, by
 * the journal in dir.
 */
int notice_look(const char *dir, const struct msg_verdict *verdict, int *news);

/*
 * Puts the message into new/ of the folder at path; host is the name of this
 * server.
 */
int notice_deliver(const struct msg_verdict *verdict, int news,
    const char *host, const char *path, const struct maildir *maildir);

#endif
