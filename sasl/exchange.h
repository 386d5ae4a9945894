/*
 * What an SMTP server asks, what auth is asked for it, and what the SMTP
 * server is answered.  The sasl process, in its sandbox.
 */
#ifndef SASL_EXCHANGE_H
#define SASL_EXCHANGE_H

#include "sasl/server.h"

/* Our half of the handshake, at once: some wait for it before they speak. */
void exchange_greet(struct server *s);

/*
 * Takes one line, which is wiped where it has a secret.  May set the reason
 * why the connection ends.  Requests must not be full.
 */
void exchange_line(struct server *s, char *line, size_t len);

/* Takes what auth says, for which the channel is readable. */
void exchange_answer(struct server *s);

#endif
