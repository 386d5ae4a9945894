/*
 * All that the listener knows, for its files: renewal.c (which keys serve),
 * reception.c (clients on their way in, sessions on theirs to a login) and
 * listener.c (what is waited for, and the end), each of which calls those
 * before it.
 */
#ifndef LISTENER_STATE_H
#define LISTENER_STATE_H

#include <sys/resource.h>

#include <poll.h>
#include <stdint.h>

#include "common/inherit.h"
#include "listener/acceptor.h"
#include "listener/keyring.h"
#include "listener/parent.h"
#include "listener/place.h"
#include "listener/setup.h"

/* What is waited for: sockets, keys, and sessions before their login. */
#define FIRST_KEYS    INHERIT_SOCKETS_MAX
#define FIRST_SESSION (FIRST_KEYS + KEYS_MAX)

struct listener {
	const char *file;
	listener_parent *parent;
	struct acceptor acceptor;
	struct setup setup[2];
	struct setup *serving; /* NULL: nobody is served */
	struct setup *tried;   /* the last one that was read, good or not */
	struct keyring keyring;
	struct places places;
	struct rlimit files; /* as they were given to us */
	int64_t looked;	     /* at tried's files */
	int64_t idle_since;  /* when the last session ended */
	struct pollfd wait[FIRST_SESSION + CONF_SESSIONS_MAX];
	struct place *session[CONF_SESSIONS_MAX]; /* of wait[] */
	nfds_t nwait;
};

/* Something of that session has ended, perhaps the last of it. */
void state_settle(struct listener *l, struct place *place);

/*
 * Makes a channel, of which fd[1] is the listener's to hold.  Returns 0, or -1
 * after a line in the log.
 */
int state_open_channel(int fd[2]);

/* Closes that of a session, if it is the listener's still. */
void state_close_channel(struct place *place);

#endif
