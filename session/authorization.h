/*
 * The AUTHORIZATION state (RFC 1939, section 4; RFC 5034).
 */
#ifndef SESSION_AUTHORIZATION_H
#define SESSION_AUTHORIZATION_H

#include "session/pop3.h"

extern const struct command authorization_commands[];
extern const struct mechanism authorization_mechanisms[];

#endif
