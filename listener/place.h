/*
 * The places of the listener: what each session takes up, from accept(2) to
 * the end of the last of its processes, and how many there are.
 */
#ifndef LISTENER_PLACE_H
#define LISTENER_PLACE_H

#include <stddef.h>
#include <sys/types.h>

#include "common/conf.h"
#include "common/connection.h"
#include "common/network.h"

struct place {
	int taken;
	int channel;  /* to the session, until it wants to log in; then -1 */
	pid_t parent; /* its parent, and later its store; 0: none */
	int keys;     /* the keys process that has the session; -1: none */
	struct network from; /* whom it counts for; family 0: nobody */
	struct connection connection;
};

struct places {
	struct place *place; /* CONF_SESSIONS_MAX; in no child */
	size_t taken;
	size_t top; /* behind the last that is taken */
};

/* Returns 0, or -1 with errno set. */
int places_init(struct places *p);

/*
 * Takes a place, which nothing has yet, for a connection, counted for its
 * network (or nobody, if that is NULL).  There must be one: p->taken tells.
 */
struct place *places_take(struct places *p,
    const struct connection *connection, const struct network *from);

/* How many places has that network? */
size_t places_of(const struct places *p, const struct network *from);

/* The place with that process, or NULL. */
struct place *places_find(const struct places *p, pid_t parent);

/* Gives the place up if nothing of its session is left. */
void places_settle(struct places *p, struct place *place);

#endif
