#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/ioctl.h>

#include <linux/sockios.h>
#endif

#include "common/channel.h"

/* Room for a control message with all the descriptors, well aligned. */
union control {
	struct cmsghdr hdr;
	unsigned char buf[CMSG_SPACE(sizeof(int) * CHANNEL_MAX_FDS)];
};

/*
 * The kernel fills that room: it must not hold one descriptor more than
 * struct message does.  Padding would, if their number were odd.
 */
typedef char control_has_no_room_for_one_more
    [CMSG_SPACE(sizeof(int) * CHANNEL_MAX_FDS) ==
		CMSG_LEN(sizeof(int) * CHANNEL_MAX_FDS) ?
	    1 :
	    -1];

/*
 * A system can be set to give sockets less room than one message needs.
 * OpenBSD wants it on both sides where descriptors come with the message.
 */
static int
make_room(int fd, int side)
{
	int have = 0, want = 2 * CHANNEL_MAX;
	socklen_t len = sizeof(have);

	if (getsockopt(fd, SOL_SOCKET, side, &have, &len) == -1)
		return -1;
	if (have >= want)
		return 0;
	return setsockopt(fd, SOL_SOCKET, side, &want, sizeof(want));
}

int
channel_pair(int fd[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) == -1)
		return -1;
	if (make_room(fd[0], SO_SNDBUF) == 0 &&
	    make_room(fd[1], SO_SNDBUF) == 0 &&
	    make_room(fd[0], SO_RCVBUF) == 0 &&
	    make_room(fd[1], SO_RCVBUF) == 0)
		return 0;
	close(fd[0]);
	close(fd[1]);
	return -1;
}

int
channel_send(int fd, uint32_t type, const void *data, size_t len)
{
	return channel_send_fds(fd, type, data, len, NULL, 0);
}

int
channel_send_fds(int fd, uint32_t type, const void *data, size_t len,
    const int *fds, size_t nfd)
{
	struct iovec iov[2] = { { &type, sizeof(type) },
		{ (void *)(uintptr_t)data, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	union control control;
	ssize_t n;

	if (len > CHANNEL_MAX || nfd > CHANNEL_MAX_FDS) {
		errno = EMSGSIZE;
		return -1;
	}
	if (nfd > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.buf;
		/* Both are size_t on one system and socklen_t on another. */
		msg.msg_controllen = (socklen_t)CMSG_SPACE(sizeof(int) * nfd);
		control.hdr.cmsg_len = (socklen_t)CMSG_LEN(sizeof(int) * nfd);
		control.hdr.cmsg_level = SOL_SOCKET;
		control.hdr.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.hdr), fds, sizeof(int) * nfd);
	}
	do
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n == -1 ? -1 : 0;
}

void
channel_close_fds(struct message *m)
{
	while (m->nfd > 0)
		close(m->fd[--m->nfd]);
}

/* Takes the descriptors over; any other control message is refused. */
static int
take_fds(struct message *m, struct msghdr *msg)
{
	struct cmsghdr *c;
	size_t len;
	int good = (msg->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SCM_RIGHTS || m->nfd != 0) {
			good = 0;
			continue;
		}
		len = c->cmsg_len - CMSG_LEN(0);
		memcpy(m->fd, CMSG_DATA(c), len);
		m->nfd = len / sizeof(int);
	}
	return good;
}

static int
receive(int fd, struct message *m, int flags)
{
	struct iovec iov[2] = { { &m->type, sizeof(m->type) },
		{ m->data, sizeof(m->data) } };
	union control control;
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf) };
	int resets = 0;
	ssize_t n;

	m->nfd = 0;
	m->len = 0;
	/* A reset is told before the last words of whoever has gone. */
	do
		n = recvmsg(fd, &msg, flags | MSG_CMSG_CLOEXEC);
	while (n == -1 && (errno == EINTR ||
	    (errno == ECONNRESET && resets++ == 0)));
	if (n == -1)
		return errno == ECONNRESET ? 0 : -1;
	if (!take_fds(m, &msg) || (n > 0 && (size_t)n < sizeof(m->type))) {
		channel_close_fds(m);
		errno = EBADMSG;
		return -1;
	}
	if (n == 0)
		return 0;
	m->len = (size_t)n - sizeof(m->type);
	return 1;
}

int
channel_recv_fds(int fd, struct message *m)
{
	return receive(fd, m, 0);
}

static int
receive_no_fds(int fd, struct message *m, int flags)
{
	int rv = receive(fd, m, flags);

	if (rv != 1 || m->nfd == 0)
		return rv;
	channel_close_fds(m);
	errno = EBADMSG;
	return -1;
}

int
channel_recv(int fd, struct message *m)
{
	return receive_no_fds(fd, m, 0);
}

int
channel_peek(int fd, struct message *m)
{
	return receive_no_fds(fd, m, MSG_PEEK);
}

int
channel_is(const struct message *m, uint32_t type, size_t len)
{
	return m->type == type && m->len == len;
}

size_t
channel_unread(int fd)
{
#ifdef SIOCOUTQ
	int octets;

	if (ioctl(fd, SIOCOUTQ, &octets) == 0 && octets > 0)
		return (size_t)octets;
#else
	(void)fd;
#endif
	return 0;
}
