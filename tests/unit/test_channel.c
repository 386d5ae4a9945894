/*
 * Channels: payloads and descriptors at their limits, the other end's end,
 * and messages that are not ours.
 */
#include <sys/socket.h>

#include <errno.h>

#include "tests/unit/unit.h"

#include "common/channel.h"

#define FDS_FOREIGN (CHANNEL_MAX_FDS + 1)

static struct message m;
static unsigned char payload[CHANNEL_MAX + 1];

struct ends {
	int fd[2];
};

static int
make(void **state)
{
	static struct ends ends;
	size_t i;

	for (i = 0; i < sizeof(payload); i++)
		payload[i] = (unsigned char)(i * 7);
	*state = &ends;
	return channel_pair(ends.fd);
}

static int
unmake(void **state)
{
	struct ends *e = *state;
	int i;

	for (i = 0; i < 2; i++)
		if (e->fd[i] != -1)
			close(e->fd[i]);
	return 0;
}

static void
close_end(struct ends *e, int which)
{
	assert_int_equal(close(e->fd[which]), 0);
	e->fd[which] = -1;
}

/* How many descriptors this process has. */
static int
open_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void
test_lengths(void **state)
{
	static const size_t lengths[] = { 0, 1, 4, CHANNEL_MAX - 1,
		CHANNEL_MAX };
	struct ends *e = *state;
	size_t i;

	for (i = 0; i < NITEMS(lengths); i++) {
		assert_int_equal(channel_send(e->fd[0], 7 + (uint32_t)i,
				     payload, lengths[i]), 0);
		assert_int_equal(channel_recv(e->fd[1], &m), 1);
		assert_int_equal(m.type, 7 + i);
		assert_int_equal(m.len, lengths[i]);
		assert_int_equal(m.nfd, 0);
		assert_memory_equal(m.data, payload, m.len);
		assert_true(channel_is(&m, 7 + (uint32_t)i, lengths[i]));
		assert_false(channel_is(&m, 6 + (uint32_t)i, lengths[i]));
		assert_false(channel_is(&m, 7 + (uint32_t)i, lengths[i] + 1));
	}
	assert_int_equal(channel_send(e->fd[0], 0, NULL, 0), 0);
	assert_int_equal(channel_recv(e->fd[1], &m), 1);
	assert_true(channel_is(&m, 0, 0));
}

/* Messages stay apart, whatever waits in the channel. */
static void
test_framing(void **state)
{
	struct ends *e = *state;
	uint32_t i;

	for (i = 0; i < 8; i++)
		assert_int_equal(channel_send(e->fd[0], i, payload, i), 0);
	for (i = 0; i < 8; i++) {
		assert_int_equal(channel_recv(e->fd[1], &m), 1);
		assert_true(channel_is(&m, i, i));
	}
}

static void
test_too_large_to_send(void **state)
{
	struct ends *e = *state;
	int fds[CHANNEL_MAX_FDS + 1] = { 0 };

	errno = 0;
	assert_int_equal(
	    channel_send(e->fd[0], 1, payload, CHANNEL_MAX + 1), -1);
	assert_int_equal(errno, EMSGSIZE);
	errno = 0;
	assert_int_equal(channel_send_fds(e->fd[0], 1, NULL, 0, fds,
			     CHANNEL_MAX_FDS + 1), -1);
	assert_int_equal(errno, EMSGSIZE);
	/* Nothing of it was sent. */
	close_end(e, 0);
	assert_int_equal(channel_recv(e->fd[1], &m), 0);
}

/* Is a descriptor that came the one that was sent? */
static void
same_file(int a, int b)
{
	struct stat x, y;

	assert_int_equal(fstat(a, &x), 0);
	assert_int_equal(fstat(b, &y), 0);
	assert_int_equal(x.st_dev, y.st_dev);
	assert_int_equal(x.st_ino, y.st_ino);
}

static void
test_descriptors(void **state)
{
	struct ends *e = *state;
	int pipes[CHANNEL_MAX_FDS], before = open_fds();
	size_t n, i;

	for (i = 0; i < CHANNEL_MAX_FDS; i += 2)
		assert_int_equal(pipe(pipes + i), 0);
	for (n = 1; n <= CHANNEL_MAX_FDS; n++) {
		assert_int_equal(channel_send_fds(e->fd[0], 3, payload, 5,
				     pipes, n), 0);
		assert_int_equal(channel_recv_fds(e->fd[1], &m), 1);
		assert_true(channel_is(&m, 3, 5));
		assert_int_equal(m.nfd, n);
		for (i = 0; i < n; i++) {
			assert_true(m.fd[i] != pipes[i]);
			same_file(m.fd[i], pipes[i]);
			assert_int_equal(
			    fcntl(m.fd[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
			close(m.fd[i]);
		}
	}
	for (i = 0; i < CHANNEL_MAX_FDS; i++)
		close(pipes[i]);
	assert_int_equal(open_fds(), before);
}

/* Nobody asked for descriptors: they are closed, the channel stays. */
static void
test_unwanted_descriptors(void **state)
{
	struct ends *e = *state;
	int pipes[CHANNEL_MAX_FDS], before;
	size_t i;

	for (i = 0; i < CHANNEL_MAX_FDS; i += 2)
		assert_int_equal(pipe(pipes + i), 0);
	before = open_fds();
	for (i = 1; i <= CHANNEL_MAX_FDS; i++) {
		assert_int_equal(channel_send_fds(e->fd[0], 3, payload, 5,
				     pipes, i), 0);
		errno = 0;
		assert_int_equal(channel_recv(e->fd[1], &m), -1);
		assert_int_equal(errno, EBADMSG);
		assert_int_equal(m.nfd, 0);
		assert_int_equal(open_fds(), before);
	}
	assert_int_equal(channel_send(e->fd[0], 3, payload, 5), 0);
	assert_int_equal(channel_recv(e->fd[1], &m), 1);
	assert_true(channel_is(&m, 3, 5));
	for (i = 0; i < CHANNEL_MAX_FDS; i++)
		close(pipes[i]);
}

static void
test_close_fds(void **state)
{
	struct ends *e = *state;
	int before = open_fds(), fds[3] = { 0, 0, 0 };

	assert_int_equal(channel_send_fds(e->fd[0], 3, NULL, 0, fds, 3), 0);
	assert_int_equal(channel_recv_fds(e->fd[1], &m), 1);
	assert_int_equal(open_fds(), before + 3);
	channel_close_fds(&m);
	assert_int_equal(m.nfd, 0);
	assert_int_equal(open_fds(), before);
}

static void
test_ends_are_close_on_exec(void **state)
{
	struct ends *e = *state;

	assert_int_equal(fcntl(e->fd[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fcntl(e->fd[1], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

static void
test_other_end_gone(void **state)
{
	struct ends *e = *state;

	assert_int_equal(channel_send(e->fd[0], 9, payload, 3), 0);
	close_end(e, 0);
	/* What it said before is still heard. */
	assert_int_equal(channel_recv(e->fd[1], &m), 1);
	assert_true(channel_is(&m, 9, 3));
	assert_int_equal(channel_recv(e->fd[1], &m), 0);
	assert_int_equal(channel_recv(e->fd[1], &m), 0);
	/* No SIGPIPE, or this were the end of the test. */
	errno = 0;
	assert_int_equal(channel_send(e->fd[1], 1, payload, 3), -1);
	assert_int_equal(errno, EPIPE);
}

/* It went with a message of ours unread. */
static void
test_other_end_gone_unread(void **state)
{
	struct ends *e = *state;

	assert_int_equal(channel_send(e->fd[1], 9, payload, 3), 0);
	close_end(e, 0);
	assert_int_equal(channel_recv(e->fd[1], &m), 0);
}

/* What is not from channel_send(): len octets and so many descriptors. */
static void
send_foreign(int fd, size_t len, size_t nfd)
{
	static unsigned char data[CHANNEL_MAX + 64];
	union {
		struct cmsghdr hdr;
		unsigned char buf[CMSG_SPACE(sizeof(int) * FDS_FOREIGN)];
	} control;
	struct iovec iov = { data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[FDS_FOREIGN];
	size_t i;

	memset(&control, 0, sizeof(control));
	if (nfd > 0) {
		assert_true(nfd <= FDS_FOREIGN);
		for (i = 0; i < nfd; i++)
			fds[i] = fd;
		msg.msg_control = control.buf;
		msg.msg_controllen =
		    (socklen_t)CMSG_SPACE(sizeof(int) * nfd);
		control.hdr.cmsg_len =
		    (socklen_t)CMSG_LEN(sizeof(int) * nfd);
		control.hdr.cmsg_level = SOL_SOCKET;
		control.hdr.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.hdr), fds, sizeof(int) * nfd);
	}
	assert_int_equal(sendmsg(fd, &msg, MSG_NOSIGNAL), len);
}

/* Refused, and no descriptor of it stays. */
static void
test_foreign(void **state)
{
	static const struct {
		size_t len, nfd;
	} foreign[] = { { 1, 0 }, { 3, 0 }, { 3, 2 },
		{ sizeof(uint32_t) + CHANNEL_MAX + 1, 0 },
		{ sizeof(uint32_t) + CHANNEL_MAX + 1, CHANNEL_MAX_FDS },
		{ 8, CHANNEL_MAX_FDS + 1 } };
	struct ends *e = *state;
	int before = open_fds();
	size_t i;

	for (i = 0; i < 2 * NITEMS(foreign); i++) {
		send_foreign(
		    e->fd[0], foreign[i / 2].len, foreign[i / 2].nfd);
		errno = 0;
		assert_int_equal((i % 2 ? channel_recv : channel_recv_fds)(
				     e->fd[1], &m), -1);
		assert_int_equal(errno, EBADMSG);
		assert_int_equal(m.nfd, 0);
		assert_int_equal(open_fds(), before);
	}
	/* The channel is none the worse for it. */
	assert_int_equal(channel_send(e->fd[0], 2, payload, 6), 0);
	assert_int_equal(channel_recv(e->fd[1], &m), 1);
	assert_true(channel_is(&m, 2, 6));
}

#ifdef SO_PASSCRED
/* Another kind of control message: credentials, which we never ask for. */
static void
test_foreign_control(void **state)
{
	struct ends *e = *state;
	int on = 1;

	assert_int_equal(setsockopt(e->fd[1], SOL_SOCKET, SO_PASSCRED, &on,
			     sizeof(on)), 0);
	assert_int_equal(channel_send(e->fd[0], 2, payload, 6), 0);
	errno = 0;
	assert_int_equal(channel_recv(e->fd[1], &m), -1);
	assert_int_equal(errno, EBADMSG);
}
#endif

/* What lies there unread, and nothing of what the other end has sent. */
static void
test_unread(void **state)
{
	struct ends *e = *state;
	size_t one;

	assert_int_equal(channel_unread(e->fd[0]), 0);
	assert_int_equal(channel_send(e->fd[1], 1, payload, 100), 0);
	assert_int_equal(channel_unread(e->fd[0]), 0);
	assert_int_equal(channel_send(e->fd[0], 1, payload, 100), 0);
	one = channel_unread(e->fd[0]);
	assert_true(one >= 100);
	assert_int_equal(channel_send_fds(e->fd[0], 1, NULL, 0, e->fd, 1), 0);
	assert_true(channel_unread(e->fd[0]) > one);
	assert_int_equal(channel_recv(e->fd[1], &m), 1);
	assert_true(channel_unread(e->fd[0]) > 0);
	assert_int_equal(channel_recv_fds(e->fd[1], &m), 1);
	assert_int_equal(channel_unread(e->fd[0]), 0);
	close(m.fd[0]);
	assert_int_equal(channel_unread(-1), 0);
}

/* Whoever goes with something unread has said what it has said. */
static void
test_last_word_of_one_gone_unread(void **state)
{
	struct ends *e = *state;

	assert_int_equal(channel_send(e->fd[0], 1, payload, 1), 0);
	assert_int_equal(channel_send(e->fd[1], 2, payload, 2), 0);
	close_end(e, 1);
	assert_int_equal(channel_recv(e->fd[0], &m), 1);
	assert_true(channel_is(&m, 2, 2));
	assert_int_equal(channel_recv(e->fd[0], &m), 0);
}

static void
test_no_channel(void **state)
{
	(void)state;
	assert_int_equal(channel_recv(-1, &m), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(m.nfd, 0);
	assert_int_equal(channel_send(-1, 1, payload, 1), -1);
	assert_int_equal(errno, EBADF);
}

#define WITH_ENDS(test) cmocka_unit_test_setup_teardown(test, make, unmake)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ENDS(test_lengths),
		WITH_ENDS(test_framing),
		WITH_ENDS(test_too_large_to_send),
		WITH_ENDS(test_descriptors),
		WITH_ENDS(test_unwanted_descriptors),
		WITH_ENDS(test_close_fds),
		WITH_ENDS(test_ends_are_close_on_exec),
		WITH_ENDS(test_other_end_gone),
		WITH_ENDS(test_other_end_gone_unread),
		WITH_ENDS(test_last_word_of_one_gone_unread),
		WITH_ENDS(test_foreign),
#ifdef SO_PASSCRED
		WITH_ENDS(test_foreign_control),
#endif
		WITH_ENDS(test_unread),
		cmocka_unit_test(test_no_channel),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
