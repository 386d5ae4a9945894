#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/client.h"
#include "common/clock.h"
#include "common/log.h"
#include "listener/acceptor.h"
#include "listener/held.h"

#define PAUSE_MS	1000 /* when the system is short of something */
#define TELL_REFUSED_MS 10000
#define TELL_FULL_MS	60000

void
acceptor_init(struct acceptor *a, const int *socket, size_t count)
{
	size_t i;
	int flags;

	memset(a, 0, sizeof(*a));
	a->socket = socket;
	a->count = count;
	a->told_refused = -TELL_REFUSED_MS;
	a->told_full = -TELL_FULL_MS;
	for (i = 0; i < count; i++) {
		(void)held_take(socket[i]);
		/* A client may have gone again before it is accepted. */
		if ((flags = fcntl(socket[i], F_GETFL)) != -1)
			(void)fcntl(socket[i], F_SETFL, flags | O_NONBLOCK);
	}
}

/* Of one connection, which is lost; or of the system, which recovers. */
static void
failed(struct acceptor *a)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ||
	    errno == ECONNABORTED || errno == EPROTO)
		return;
	log_warn("accept: %s", strerror(errno));
	a->pause = clock_ms() + PAUSE_MS;
}

int
acceptor_take(struct acceptor *a, int socket, struct connection *c)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd = accept4(socket, (struct sockaddr *)&ss, &len, SOCK_CLOEXEC);

	if (fd == -1) {
		failed(a);
		return -1;
	}
	connection_new_id(c->id);
	if (connection_find_peer(c, (struct sockaddr *)&ss, len) == -1)
		connection_set_peer(c, PEER_UNKNOWN);
	if (client_prepare(fd) == -1) {
		log_warn("fcntl: %s", strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

void
acceptor_tell_full(struct acceptor *a, int max)
{
	const int64_t now = clock_ms();

	if (now - a->told_full < TELL_FULL_MS)
		return;
	a->told_full = now;
	log_warn("all %d places are taken, others wait; see max-sessions",
	    max);
}

void
acceptor_tell_refused(struct acceptor *a, const char *peer)
{
	const int64_t now = clock_ms();

	a->refused++;
	if (now - a->told_refused < TELL_REFUSED_MS)
		return;
	log_info("refused: peer=%s connections=%lu "
	    "reason=max-sessions-per-address", peer, a->refused);
	a->told_refused = now;
	a->refused = 0;
}
