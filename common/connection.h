/*
 * What the parent knows of a connection before anybody has spoken.
 */
#ifndef COMMON_CONNECTION_H
#define COMMON_CONNECTION_H

#include "common/policy.h"

/* 8 hexadecimal digits, at random, and the NUL. */
#define CONNECTION_ID_SIZE 9

#define PEER_UNKNOWN "unknown"

struct connection {
	char id[CONNECTION_ID_SIZE]; /* tells it from others in the log */
	char peer[PEER_MAX + 1]; /* the client's address, or PEER_UNKNOWN */
};

#endif
