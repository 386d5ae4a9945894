/*
 * The session process: all that talks to the network.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "common/conf.h"
#include "common/identity.h"

/*
 * Loads certificates and keys while it is still root, leaves root for "as",
 * locks itself in, and only then serves the client on descriptors 0 and 1,
 * asking over channel.  Never returns.
 */
void session_run(const struct conf *conf, const struct identity *as,
    int channel, const char *peer) __attribute__((noreturn));

#endif
