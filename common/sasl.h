/*
 * SASL in base64: PLAIN (RFC 4616), as AUTH carries it (RFC 5034), and the
 * strings of LOGIN.  Pure computation, in the processes that talk to the
 * network.
 */
#ifndef COMMON_SASL_H
#define COMMON_SASL_H

#include "common/messages.h"

/*
 * Decodes a response in place (text is wiped) into login's user and
 * password.  Returns 0, or -1 when it is not well-formed base64 of
 * [authzid] NUL authcid NUL password.  A client that asks to act for somebody
 * else, or has a name or password longer than any account's, becomes the empty
 * user, who does not exist: it is refused like any other (I9).
 */
int sasl_plain(char *text, struct msg_login *login);

/*
 * Decodes one string in place (text is wiped) into string.  Returns 0, or -1
 * when it is not well-formed base64 or has a NUL in it.  What is longer than
 * size allows becomes the empty string: nobody has that name or password.
 */
int sasl_string(char *text, char *string, size_t size);

#endif
