/*
 * What the parent knows of a connection before anybody has spoken.
 */
#ifndef COMMON_CONNECTION_H
#define COMMON_CONNECTION_H

#include <sys/socket.h>

#include "common/policy.h"

/* 8 hexadecimal digits, at random, and the NUL. */
#define CONNECTION_ID_SIZE 9

#define PEER_UNKNOWN "unknown"

struct connection {
	char id[CONNECTION_ID_SIZE]; /* tells it from others in the log */
	char peer[PEER_MAX + 1]; /* the client's address, or PEER_UNKNOWN */
};

void connection_new_id(char id[CONNECTION_ID_SIZE]);

/*
 * An address as text.  IPv4 on an IPv6 socket is written as IPv4: the same
 * peer has one name in the log.
 */
void connection_set_peer(struct connection *c, const char *address);

/* The same from the socket's.  Returns 0, or -1: it is no address. */
int connection_find_peer(
    struct connection *c, const struct sockaddr *address, socklen_t len);

#endif
