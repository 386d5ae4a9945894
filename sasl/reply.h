/*
 * Lines to the SMTP server.  The sasl process, in its sandbox.
 */
#ifndef SASL_REPLY_H
#define SASL_REPLY_H

#include "sasl/server.h"

/*
 * Sends a line, or several with newlines between them; the last newline is
 * added.  Waits for an SMTP server that does not read, with a deadline; when
 * it has gone, the connection's reason says so, and nothing more is sent.
 */
void reply_line(struct server *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
