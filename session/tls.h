/*
 * The server side of TLS, configured once (RFC 8314: implicit TLS only).
 */
#ifndef SESSION_TLS_H
#define SESSION_TLS_H

#include <stddef.h>
#include <tls.h>

#include "common/conf.h"

/*
 * A server context with the given keypairs of the configuration: the first
 * is the default, the others are chosen by SNI.  Reads their files, so it
 * needs root; the private keys' text is wiped before it returns.  Returns
 * NULL with "FILE:LINE: what is wrong" in err; file is the configuration's.
 */
struct tls *tls_setup(const char *file, const struct keypair *keypairs,
    size_t nkeypair, char *err, size_t errsize);

/*
 * All keypairs of the configuration, as above; of those after the first, each
 * that is no good is left out after a line in the log.
 */
struct tls *tls_setup_good(
    const struct conf *conf, char *err, size_t errsize);

/*
 * Has the library do what it does once in a process, at the first connection,
 * by a connection from this process to itself: for who forks others that have
 * one each.  Whether it worked is seen by the next.
 */
void tls_warm_up(struct tls *server);

#endif
