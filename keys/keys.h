/*
 * The keys process: it loads certificates and keys once, and forks a session
 * for each connection that the listener hands to it.
 *
 * It reads nothing from the network, and knows of its sessions no more than
 * which process each one is.  It ends when the listener has no more for it
 * (that is, closes its end for writing), and its last session has ended.
 */
#ifndef KEYS_KEYS_H
#define KEYS_KEYS_H

#include "common/conf.h"
#include "common/identity.h"

/*
 * Loads certificates and keys while it is still root, leaves root for "as",
 * locks itself in, and says so (MSG_READY) on channel, which leads to the
 * listener.  After children_watch().  Never returns.
 */
void keys_run(const struct conf *conf, const struct identity *as,
    int channel) __attribute__((noreturn));

#endif
