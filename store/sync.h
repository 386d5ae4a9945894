/*
 * Bringing the index up to date with the Maildir.
 *
 * A directory is read only when its time is not the one recorded.  New mail
 * (new/) is sized, moved to cur/ and queued in order of delivery, then of
 * base name; a sequence once given never changes.  When others changed
 * cur/, it is read once and merged with the names; no known message is
 * opened for it.
 */
#ifndef STORE_SYNC_H
#define STORE_SYNC_H

#include "store/mailbox.h"

/*
 * 0, ECANCELED when mb->progress said so, or an error of index.h.  What was
 * done until then is kept.
 */
int sync_folder(struct mailbox *mb, enum folder folder);

/*
 * The same in two steps, so that a login need not wait for the second.
 * sync_look() finds and sizes new mail, or, where more than that has
 * happened, does all that sync_folder() does.  sync_settle() moves and
 * records what was found, no less and no more; sync_forget() gives it up.
 */
int sync_look(struct mailbox *mb, enum folder folder);
int sync_settle(struct mailbox *mb, enum folder folder);
void sync_forget(struct mailbox *mb, enum folder folder);

#endif
