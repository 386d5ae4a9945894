/*
 * The store process: the mailbox's owner, and that one mailbox.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "common/conf.h"
#include "common/identity.h"
#include "common/messages.h"

/*
 * Becomes the owner that auth's verdict names (when as->root), and serves
 * the session on channel until it hangs up.  The caller has closed every
 * other descriptor.  Never returns.
 */
void store_run(const struct conf *conf, const struct identity *as,
    const struct msg_verdict *verdict, int channel, const char *peer)
    __attribute__((noreturn));

#endif
