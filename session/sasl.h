/*
 * SASL PLAIN (RFC 4616) in base64, as AUTH carries it (RFC 5034).
 */
#ifndef SESSION_SASL_H
#define SESSION_SASL_H

#include "common/messages.h"

/*
 * Decodes a response in place (text is wiped) into login's user and
 * password.  Returns 0, or -1 when it is not well-formed base64 of
 * [authzid] NUL authcid NUL password.  A client that asks to act for somebody
 * else, or has a name or password longer than any account's, becomes the empty
 * user, who does not exist: it is refused like any other (I9).
 */
int sasl_plain(char *text, struct msg_login *login);

#endif
