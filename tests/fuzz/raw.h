/*
 * Messages as a hostile session would send them: of any type and length,
 * with any descriptors, as channel_send() never would.
 */
#ifndef TESTS_FUZZ_RAW_H
#define TESTS_FUZZ_RAW_H

#include <sys/socket.h>

#include "common/messages.h"
#include "tests/fuzz/fuzz.h"

#define RAW_MAX (CHANNEL_MAX + 512) /* octets: some more than are taken */

/* Sends one message as it is: 0, or -1 when nobody is there any more. */
static inline int
send_raw(int fd, const void *data, size_t len, unsigned int nfd)
{
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	union {
		struct cmsghdr hdr;
		unsigned char buf[CMSG_SPACE(sizeof(int) * 64)];
	} control;
	unsigned int i;

	MUST(nfd <= 64);
	memset(&control, 0, sizeof(control));
	if (nfd > 0) {
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * nfd);
		control.hdr.cmsg_len = CMSG_LEN(sizeof(int) * nfd);
		control.hdr.cmsg_level = SOL_SOCKET;
		control.hdr.cmsg_type = SCM_RIGHTS;
	}
	for (i = 0; i < nfd; i++)
		memcpy(CMSG_DATA(&control.hdr) + i * sizeof(fd), &fd,
		    sizeof(fd));
	return sendmsg(fd, &msg, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -1;
}

/*
 * Takes a message out of the input: its type, how long it is compared with
 * what that type wants (size), descriptors, and its payload, which is
 * repeated as far as needed.  Returns its length.
 */
static inline size_t
take_message(struct input *in, uint32_t type, size_t size,
    unsigned char buf[RAW_MAX], unsigned int *nfd)
{
	unsigned int how = take8(in), i;
	size_t len, got;
	uint8_t *payload;

	*nfd = how & 0x40 ? take8(in) % 65 : 0;
	if (how & 0x80) /* some other length: short, long, odd */
		size = how & 0x20 ? take8(in) : take8(in) * 65u;
	len = take8(in);
	payload = take(in, len, &got);
	memcpy(buf, &type, sizeof(type));
	for (i = 0; i < size; i++)
		buf[sizeof(type) + i] = i < got || how & 0x10 ?
		    payload[got > 0 ? i % got : 0] : 0;
	free(payload);
	/* Now and then not even a type: no octet is an end of the channel. */
	return how & 0x80 && size < 4 ? size + 1 : sizeof(type) + size;
}

#endif
