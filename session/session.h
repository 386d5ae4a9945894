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

/*
 * The same in a child of the keys process, which has done all but the last of
 * this: certificates and keys are in server, root is given up, the client's
 * socket is prepared.
 */
struct tls;
void session_run_kept(const struct conf *conf, struct tls *server,
    int channel, const char *peer) __attribute__((noreturn));

#endif
