#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <stddef.h>

#include "common/client.h"

/*
 * A host that vanished without a word is noticed after two minutes: by its
 * silence when it is asked for a sign of life, four times from the first
 * minute on, or when it acknowledges nothing of what it was sent.
 */
#define ALIVE_IDLE_S	 60
#define ALIVE_INTERVAL_S 15
#define ALIVE_PROBES	 4
#define VANISHED_S	 (ALIVE_IDLE_S + ALIVE_PROBES * ALIVE_INTERVAL_S)

static const struct {
	int level, name, value;
} socket_options[] = {
	{ SOL_SOCKET, SO_KEEPALIVE, 1 },
	/* Replies must not wait for acknowledgements. */
	{ IPPROTO_TCP, TCP_NODELAY, 1 },
#ifdef TCP_KEEPIDLE
	{ IPPROTO_TCP, TCP_KEEPIDLE, ALIVE_IDLE_S },
	{ IPPROTO_TCP, TCP_KEEPINTVL, ALIVE_INTERVAL_S },
	{ IPPROTO_TCP, TCP_KEEPCNT, ALIVE_PROBES },
#endif
#ifdef TCP_USER_TIMEOUT
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, VANISHED_S * 1000 },
#endif
};

/* A test may hand us a socket that is not TCP: then options fail. */
int
client_prepare(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	size_t i;

	for (i = 0; i < sizeof(socket_options) / sizeof(socket_options[0]);
	    i++)
		(void)setsockopt(fd, socket_options[i].level,
		    socket_options[i].name, &socket_options[i].value,
		    sizeof(socket_options[i].value));
	/* Deadlines need a descriptor that never blocks. */
	if (flags == -1)
		return -1;
	return fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}
