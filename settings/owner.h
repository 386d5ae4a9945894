/*
 * The owner: the parent, which becomes the owner of the one mailbox that it
 * is told of, and looks or works in it.
 */
#ifndef SETTINGS_OWNER_H
#define SETTINGS_OWNER_H

#include "common/conf.h"
#include "common/identity.h"
#include "settings/task.h"

/*
 * Waits, as root, for auth's word whose mailbox it is about, and then becomes
 * its owner for good, to look, to work, or to write into the journal; or for
 * the clerk's, whose sessions are to end, which their owners' processes do.
 * Returns, as root still, when those two have gone.
 */
void owner_serve(const struct conf *conf, const struct identity *as,
    const struct owner_fds *fds);

#endif
