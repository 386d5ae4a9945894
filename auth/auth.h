/*
 * The auth process: it sees the accounts, and no mail.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "common/conf.h"
#include "common/connection.h"
#include "common/identity.h"

/*
 * Opens the accounts while it is still root, leaves root for "as", locks
 * itself in, and answers the session's MSG_LOGINs on channel.  On success
 * it sends one MSG_VERDICT to the parent over verdict; or MSG_ANEW, when the
 * accounts were replaced: another auth is to go on, from so many failures of
 * this connection.  Never returns.
 */
void auth_run(const struct conf *conf, const struct identity *as, int channel,
    int verdict, int failures, const struct connection *connection)
    __attribute__((noreturn));

/*
 * The same for sasl, which asks for many users, of whom none is kept waiting
 * by the refusal of another.  Whose account it is, it tells sasl itself, and
 * nobody else.
 */
void auth_run_sending(const struct conf *conf, const struct identity *as,
    int channel, const struct connection *connection)
    __attribute__((noreturn));

#endif
