/*
 * CAPA (RFC 2449, section 5).
 */
#ifndef SESSION_CAPA_H
#define SESSION_CAPA_H

#include "session/pop3.h"

/*
 * Tells what the tables of all states and the mechanisms say of themselves,
 * and what is true of the whole server.  It is the same before and after the
 * login, as the RFC wants: a client need not ask twice.
 */
enum outcome capa_run(struct pop3 *p, struct args *args);

#endif
