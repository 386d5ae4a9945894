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

#endif
