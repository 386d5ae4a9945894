#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "common/wire.h"
#include "session/stream.h"

int64_t
stream_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int
ended(struct stream *s, const char *reason)
{
	if (s->reason == NULL)
		s->reason = reason;
	return -1;
}

/*
 * Waits until TLS can go on.  The channel is watched for its end only:
 * nobody sends on it unasked.
 */
static int
wait_for(struct stream *s, ssize_t want, int64_t deadline)
{
	struct pollfd p[2] = { { s->fd, POLLIN, 0 }, { s->channel, 0, 0 } };
	int64_t left;
	int n;

	if (want == TLS_WANT_POLLOUT)
		p[0].events = POLLOUT;
	do {
		left = deadline - stream_now();
		n = left <= 0 ? 0 : poll(p, 2, (int)left);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return ended(s, "poll-failed");
	if (n == 0)
		return ended(s, "timeout");
	if (p[1].revents != 0)
		return ended(s, "internal-failure");
	return 0;
}

static int
wants(ssize_t n)
{
	return n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT;
}

int
stream_accept(struct stream *s, struct tls *server, int fd, int channel,
    int64_t deadline)
{
	int n;

	s->fd = fd;
	s->channel = channel;
	s->reason = NULL;
	s->used = 0;
	s->tls = NULL;
	if (tls_accept_fds(server, &s->tls, fd, fd) == -1)
		return ended(s, "no-handshake");
	while (wants(n = tls_handshake(s->tls)))
		if (wait_for(s, n, deadline) == -1)
			return -1;
	return n == 0 ? 0 : ended(s, "handshake-failed");
}

size_t
stream_read(struct stream *s, char *buf, size_t size, int64_t deadline)
{
	ssize_t n;

	if (s->reason != NULL)
		return 0;
	while (wants(n = tls_read(s->tls, buf, size)))
		if (wait_for(s, n, deadline) == -1)
			return 0;
	if (n > 0)
		return (size_t)n;
	/* A bare EOF is 0 with one library, an error with the other. */
	ended(s, "disconnected");
	return 0;
}

int
stream_flush(struct stream *s)
{
	size_t sent = 0;
	ssize_t n;

	while (s->reason == NULL && sent < s->used) {
		n = tls_write(s->tls, s->out + sent, s->used - sent);
		if (wants(n))
			wait_for(s, n,
			    stream_now() + STREAM_WRITE_SECONDS * 1000);
		else if (n == -1)
			ended(s, "disconnected");
		else
			sent += (size_t)n;
	}
	s->used = 0;
	return s->reason == NULL ? 0 : -1;
}

char *
stream_room(struct stream *s, size_t *room)
{
	if (sizeof(s->out) - s->used < WIRE_ROOM_MIN && stream_flush(s) == -1)
		return NULL;
	*room = sizeof(s->out) - s->used;
	return s->out + s->used;
}

void
stream_wrote(struct stream *s, size_t len)
{
	s->used += len;
}

void
stream_write(struct stream *s, const char *data, size_t len)
{
	size_t room;

	while (len > 0) {
		room = sizeof(s->out) - s->used;
		if (room > len)
			room = len;
		memcpy(s->out + s->used, data, room);
		s->used += room;
		data += room;
		len -= room;
		if (s->used == sizeof(s->out) && stream_flush(s) == -1)
			return;
	}
}

void
stream_close(struct stream *s)
{
	if (s->tls == NULL)
		return;
	/* One try: the close_notify fits the socket's buffer or nobody reads. */
	if (s->reason == NULL)
		(void)tls_close(s->tls);
	tls_free(s->tls);
	s->tls = NULL;
}
