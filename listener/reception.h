/*
 * Clients on their way in, and sessions on theirs to a login.
 */
#ifndef LISTENER_RECEPTION_H
#define LISTENER_RECEPTION_H

#include "listener/state.h"

/* Are all places taken? */
int reception_is_full(const struct listener *l);

/*
 * A connection waits on this socket.  It is handed to keys, refused, or left
 * to wait until keys can take it.
 */
void reception_hear_socket(struct listener *l, int socket);

/*
 * A session, which has not logged in yet, has said something, for which its
 * parent is started, or hung up.
 */
void reception_hear_session(
    struct listener *l, struct place *place, short events);

#endif
