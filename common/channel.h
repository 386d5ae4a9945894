/*
 * The channels between the processes of one connection.
 *
 * A channel is a pair of SOCK_SEQPACKET sockets: the kernel keeps messages
 * apart, so there is no framing.  A message is a type and a payload of at
 * most CHANNEL_MAX octets, and may carry descriptors.  Both ends are the
 * same program, so payloads are plain structures, copied in and out; the
 * receiver trusts neither type nor length and checks both: message_get() in
 * messages.h.
 */
#ifndef COMMON_CHANNEL_H
#define COMMON_CHANNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CHANNEL_MAX     16384
#define CHANNEL_MAX_FDS 16

struct message {
	uint32_t type;
	size_t len;	       /* of data, in octets */
	int fd[CHANNEL_MAX_FDS]; /* the receiver owns them */
	size_t nfd;
	unsigned char data[CHANNEL_MAX];
};

/* Makes both ends, close-on-exec.  Returns 0, or -1 with errno set. */
int channel_pair(int fd[2]);

/*
 * Sends one message, waiting while the channel is full.  The descriptors
 * in fds stay the caller's.  Returns 0, or -1 with errno set (EPIPE: the
 * other end is gone).
 */
int channel_send(int fd, uint32_t type, const void *data, size_t len);
int channel_send_fds(int fd, uint32_t type, const void *data, size_t len,
    const int *fds, size_t nfd);

/*
 * Receives one message, waiting for it.  Returns 1; 0 when the other end is
 * gone; -1 with errno set (EBADMSG: not a message of ours, and its
 * descriptors are closed again).  channel_recv() refuses a message with
 * descriptors in this way; channel_recv_fds() is for callers who expect some.
 * channel_peek() does as channel_recv(), and leaves the message where it is.
 */
int channel_recv(int fd, struct message *m);
int channel_peek(int fd, struct message *m);
int channel_recv_fds(int fd, struct message *m);

/* Closes the descriptors that came with a message, and forgets them. */
void channel_close_fds(struct message *m);

/* Is this message of that type, its payload of exactly that size? */
int channel_is(const struct message *m, uint32_t type, size_t len);

/*
 * How many octets of what was sent the other end has not received yet, as
 * the kernel counts the memory for them: 0 when it has received all.  Where
 * that cannot be told (not Linux), always 0.
 */
size_t channel_unread(int fd);

#endif
