/*
 * Which keys serve: they are started anew when the configuration, a
 * certificate, a key or a staple has changed, or when they have died.
 */
#ifndef LISTENER_RENEWAL_H
#define LISTENER_RENEWAL_H

#include "listener/state.h"

/*
 * Reads the configuration, and starts keys by it.  What is served goes on
 * being served until these are ready; and then, if they cannot be had.
 */
void renewal_begin(struct listener *l);

/*
 * A connection waits: is all as it was?  If not, or if there are no keys,
 * begins a renewal; but not more often than once a second.
 */
void renewal_look(struct listener *l);

/* There is something to be read from the n-th keys. */
void renewal_hear(struct listener *l, int n);

/* The n-th keys have hung up, or are to be given up; if there are any. */
void renewal_lose(struct listener *l, int n);

#endif
