#include <sys/socket.h>

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/connection.h"

#define MAPPED "::ffff:"

void
connection_new_id(char id[CONNECTION_ID_SIZE])
{
	snprintf(id, CONNECTION_ID_SIZE, "%08lx", (unsigned long)arc4random());
}

void
connection_set_peer(struct connection *c, const char *address)
{
	if (strncmp(address, MAPPED, strlen(MAPPED)) == 0)
		address += strlen(MAPPED);
	strlcpy(c->peer, address, sizeof(c->peer));
}

int
connection_find_peer(
    struct connection *c, const struct sockaddr *address, socklen_t len)
{
	char host[NI_MAXHOST];

	if (getnameinfo(address, len, host, sizeof(host), NULL, 0,
		NI_NUMERICHOST) != 0 || host[0] == '\0')
		return -1;
	connection_set_peer(c, host);
	return 0;
}
