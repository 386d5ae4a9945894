/*
 * The store process: the mailbox's owner, and that one mailbox.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "common/conf.h"
#include "common/identity.h"
#include "common/messages.h"

/*
 * Becomes the owner that auth's verdict names (when as->root), and looks at
 * what of the mailbox cannot be seen from the sandbox.  verdict and peer must
 * last.  Where that fails the session is told, and the process ends.
 */
void store_begin(const struct conf *conf, const struct identity *as,
    const struct msg_verdict *verdict, int channel, const char *peer);

/*
 * Then: enters the sandbox, and serves the session on channel until it hangs
 * up.  The caller has closed every other descriptor.  Never returns.
 */
void store_run(const struct conf *conf) __attribute__((noreturn));

#endif
