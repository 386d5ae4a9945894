/*
 * The listener's way in: its sockets, and whom it lets in.
 */
#ifndef LISTENER_ACCEPTOR_H
#define LISTENER_ACCEPTOR_H

#include <stddef.h>
#include <stdint.h>

#include "common/connection.h"

struct acceptor {
	const int *socket;
	size_t count;
	int64_t pause; /* nothing is accepted before (clock_ms()) */
	/* What was told in the log, and when. */
	int64_t told_full;
	int64_t told_refused;
	unsigned long refused; /* since then */
};

/* The sockets never block from now on; they are held. */
void acceptor_init(struct acceptor *a, const int *socket, size_t count);

/*
 * Takes a connection off a socket: returns the client's descriptor, prepared,
 * and fills c; or -1, perhaps after a line in the log and with a pause.
 */
int acceptor_take(struct acceptor *a, int socket, struct connection *c);

/* For the log, which a stranger is not to fill: there are no places left. */
void acceptor_tell_full(struct acceptor *a, int max);

/* The same: this address has all the places that one may have. */
void acceptor_tell_refused(struct acceptor *a, const char *peer);

#endif
