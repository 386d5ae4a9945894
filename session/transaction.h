/*
 * The TRANSACTION state, and UPDATE (RFC 1939, sections 5 and 6).
 */
#ifndef SESSION_TRANSACTION_H
#define SESSION_TRANSACTION_H

#include "session/pop3.h"

extern const struct command transaction_commands[];

#endif
