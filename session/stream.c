#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/stop.h"
#include "common/wire.h"
#include "session/stream.h"

/* Of a TLS record (RFC 8446, section 5.1): its octets, and types. */
#define TLS_HEADER	     5
#define TLS_ALERT	     21
#define TLS_APPLICATION_DATA 23

static int
stream_ended(struct stream *s, const char *reason)
{
	if (s->reason == NULL)
		s->reason = reason;
	return -1;
}

/*
 * Waits until TLS can go on.  The only message that comes on the channel
 * unasked is the one that the session is to end.
 */
static int
stream_wait(struct stream *s, ssize_t want, int64_t deadline)
{
	struct pollfd p[2] = { { s->fd, POLLIN, 0 },
		{ s->channel, POLLIN, 0 } };
	int64_t left;
	int n;

	if (want == TLS_WANT_POLLOUT)
		p[0].events = POLLOUT;
	do {
		left = deadline - clock_ms();
		n = left <= 0 ? 0 : stop_poll(p, 2, (int)left);
	} while (n == -1 && errno == EINTR && !stop_requested());
	if (n == -1)
		return stream_ended(
		    s, errno == EINTR ? stop_reason() : "poll-failed");
	if (n == 0)
		return stream_ended(s, "timeout");
	if (p[1].revents == 0)
		return 0;
	s->hung_up = 1;
	return stream_ended(s, "internal-failure");
}

static int
wants(ssize_t n)
{
	return n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT;
}

void
stream_open(struct stream *s, int fd, int channel, int64_t deadline)
{
	s->fd = fd;
	s->channel = channel;
	s->reason = NULL;
	s->hung_up = 0;
	s->deadline = deadline;
	s->used = 0;
	s->tls = NULL;
}

int
stream_read_plain(struct stream *s, void *buf, size_t len)
{
	unsigned char *at = buf;
	ssize_t n;

	while (len > 0) {
		n = read(s->fd, at, len);
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return stream_ended(s, "disconnected");
		else if (stream_wait(s, TLS_WANT_POLLIN, s->deadline) == -1)
			return -1;
	}
	return 0;
}

int
stream_accept(struct stream *s, struct tls *server)
{
	int n;

	if (tls_accept_fds(server, &s->tls, s->fd, s->fd) == -1)
		return stream_ended(s, "no-handshake");
	while (wants(n = tls_handshake(s->tls)))
		if (stream_wait(s, n, s->deadline) == -1)
			return -1;
	return n == 0 ? 0 : stream_ended(s, "handshake-failed");
}

size_t
stream_read(struct stream *s, char *buf, size_t size, int64_t idle_deadline)
{
	int64_t deadline = s->deadline != 0 ? s->deadline : idle_deadline;
	ssize_t n;

	if (s->reason != NULL)
		return 0;
	/* A client that never lets us wait does not escape the deadline. */
	if (s->deadline != 0 && clock_ms() >= s->deadline) {
		stream_ended(s, "timeout");
		return 0;
	}
	while (wants(n = tls_read(s->tls, buf, size)))
		if (stream_wait(s, n, deadline) == -1)
			return 0;
	if (n > 0)
		return (size_t)n;
	/* A bare EOF is 0 with one library, an error with the other. */
	stream_ended(s, "disconnected");
	return 0;
}

/*
 * Looks at the header of the first record that waits in the socket.  Alerts
 * have a type of their own; in TLS 1.3 only their length shows: two octets,
 * one for the type within, and 16 of the cipher's.
 */
int
stream_has_unread(const struct stream *s)
{
	unsigned char head[TLS_HEADER];
	struct iovec iov = { head, sizeof(head) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int encrypted_alert;

	if (recvmsg(s->fd, &msg, MSG_PEEK | MSG_DONTWAIT) != TLS_HEADER)
		return 0;
	encrypted_alert = head[0] == TLS_APPLICATION_DATA && head[3] == 0 &&
	    head[4] == 2 + 1 + 16;
	return head[0] != TLS_ALERT && !encrypted_alert;
}

/* Until when the client must take something. */
static int64_t
write_deadline(const struct stream *s)
{
	return s->deadline != 0 ? s->deadline : clock_ms() + s->patience;
}

int
stream_flush(struct stream *s)
{
	size_t sent = 0;
	ssize_t n;

	while (s->reason == NULL && sent < s->used) {
		n = tls_write(s->tls, s->out + sent, s->used - sent);
		if (wants(n))
			stream_wait(s, n, write_deadline(s));
		else if (n == -1)
			stream_ended(s, "disconnected");
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
	/* One try: it fits the socket's buffer, or nobody reads. */
	if (s->reason == NULL)
		(void)tls_close(s->tls);
	tls_free(s->tls);
	s->tls = NULL;
}
