/*
 * A mailbox of forty messages and what a hostile session asks of it: who
 * marked what, and whether just that is gone (I1).
 */
#ifndef TESTS_FUZZ_MAILDROP_H
#define TESTS_FUZZ_MAILDROP_H

#include "common/messages.h"
#include "tests/fuzz/raw.h"
#include "tests/fuzz/scratch.h"

#define MESSAGES 40 /* more than fit one answer of any kind */

#define OCTETS(n) (16u + (n)) /* of message n, as on the wire */

static int marked[MESSAGES + 1], updated;

static inline char *
message_path(int n)
{
	char name[64];

	snprintf(name, sizeof(name), "Maildir/%s/1700000%03d.M1P1.fuzz%s",
	    n % 2 ? "cur" : "new", n, n % 2 ? ":2," : "");
	return scratch_path(name);
}

/* A new mailbox. */
static inline void
furnish(void)
{
	static const char *const dirs[] = { "Maildir", "Maildir/new",
		"Maildir/cur", "Maildir/tmp" };
	char *path;
	size_t i;
	int fd, n;

	scratch_clear();
	for (i = 0; i < 4; i++)
		MUST(mkdir(scratch_path(dirs[i]), 0700) == 0);
	for (n = 1; n <= MESSAGES; n++) {
		path = message_path(n);
		MUST((fd = open(path, O_WRONLY | O_CREAT, 0600)) != -1);
		MUST(dprintf(fd, "Subject: x\n\n%0*d\n", n, 0) == 13 + n);
		close(fd);
	}
}

/* Is the file there, whatever its suffix is now? */
static inline int
is_there(int n)
{
	char name[128];

	if (access(message_path(n), F_OK) == 0)
		return 1;
	snprintf(name, sizeof(name), "Maildir/cur/1700000%03d.M1P1.fuzz:2,",
	    n);
	return access(scratch_path(name), F_OK) == 0;
}

/* Exactly those that an UPDATE was to take away are gone. */
static inline int
check_files(void)
{
	int n, gone = 0;

	for (n = 1; n <= MESSAGES; n++) {
		MUST(is_there(n) == !(updated && marked[n]));
		gone += !is_there(n);
	}
	return gone;
}

/* What the store will take as marks, by the words of messages.h. */
static inline void
note_marks(const unsigned char *buf, size_t len)
{
	struct msg_marks m;
	uint32_t type;
	uint64_t n;

	memcpy(&type, buf, sizeof(type));
	if (type != MSG_MARKS || len != sizeof(type) + sizeof(m))
		return;
	memcpy(&m, buf + sizeof(type), sizeof(m));
	for (n = 1; m.first == 1 && m.kind == MARK_DELETE && n <= MESSAGES; n++)
		marked[n] |= m.bits[(n - 1) / 8] >> (n - 1) % 8 & 1;
}

static inline void
forget_marks(void)
{
	memset(marked, 0, sizeof(marked));
	updated = 0;
}

static inline size_t
payload_size(uint32_t type)
{
	switch (type) {
	case MSG_OPEN:
		return sizeof(struct msg_open);
	case MSG_MARKS:
		return sizeof(struct msg_marks);
	case MSG_END:
		return sizeof(struct msg_end);
	case MSG_UPDATE:
		return 0;
	default:
		return sizeof(struct msg_number);
	}
}

/* The next request of the input, as it is to be sent; its length. */
static inline size_t
take_request(struct input *in, unsigned char buf[RAW_MAX], unsigned int *nfd)
{
	static const uint8_t types[] = { MSG_OPEN, MSG_SIZES, MSG_UIDLS,
		MSG_FETCH, MSG_MARKS, MSG_UPDATE, MSG_END };
	uint32_t type = take8(in);

	type = type < 0xf0 ? types[type % sizeof(types)] : type << 24 | type;
	return take_message(in, type, payload_size(type), buf, nfd);
}

#endif
