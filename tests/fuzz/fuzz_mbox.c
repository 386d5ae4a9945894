/*
 * Reading an mbox: it ends, nothing is read twice, and the same messages are
 * found wherever in the file they stand, and so at whatever place in the
 * buffer.
 */
#include <sys/mman.h>

#include "tests/fuzz/fuzz.h"

#include "store/mbox.h"

#define FROM  "From a Tue Jan  2 10:00:00 2024\n"
#define SHIFT 70000 /* over the end of the buffer and back */

struct told {
	char *text;
	size_t used, room;
};

static void
tell(struct told *t, const void *data, size_t len)
{
	if (t->room - t->used < len) {
		t->room = t->room * 2 + len;
		MUST((t->text = realloc(t->text, t->room)) != NULL);
	}
	if (len > 0)
		memcpy(t->text + t->used, data, len);
	t->used += len;
}

/* All but the first message; the octets of the bodies. */
static void
read_all(int fd, enum mbox_by by, uint64_t size, struct told *t)
{
	struct mbox_message message;
	struct mbox *m = mbox_new(fd, by, NULL, NULL);
	uint64_t octets = 0, last = 0;
	const char *data;
	size_t len, n;

	MUST(m != NULL);
	for (n = 0; mbox_next(m, &message) == 0; n++) {
		MUST(message.offset >= last && message.offset < size);
		last = message.offset + 1;
		while (mbox_piece(m, &message, &data, &len) == 0 && len > 0) {
			octets += len;
			if (n > 0)
				tell(t, data, len);
		}
		if (n == 0)
			continue;
		tell(t, &message.date, sizeof(message.date));
		tell(t, &message.uid, sizeof(message.uid));
		tell(t, message.flags, strlen(message.flags));
		tell(t, message.seen_before ? "+\n" : "-\n", 2);
	}
	tell(t, mbox_odd(m), sizeof(*mbox_odd(m)));
	MUST(mbox_offset(m) == size && octets <= size);
	MUST(by == MBOX_ANYBODY || mbox_odd(m)->bare == 0);
	MUST(mbox_next(m, &message) == MBOX_END);
	mbox_free(m);
}

/* Behind a message with so many octets. */
static void
read_behind(size_t octets, enum mbox_by by, const uint8_t *data, size_t size,
    struct told *t)
{
	static char pad[SHIFT + 2];
	int fd = memfd_create("mbox", 0);

	memset(pad, 'x', octets);
	memcpy(pad + octets, "\n\n", 2);
	MUST(fd != -1);
	MUST(write(fd, FROM, strlen(FROM)) != -1);
	MUST(write(fd, pad, octets + 2) != -1);
	MUST(write(fd, FROM, strlen(FROM)) != -1);
	MUST(write(fd, data, size) == (ssize_t)size);
	read_all(fd, by, 2 * strlen(FROM) + octets + 2 + size, t);
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told here = { NULL, 0, 0 }, there = { NULL, 0, 0 };
	struct input in = { data, size };
	size_t shift = take8(&in);
	enum mbox_by by = (shift & 1) != 0 ? MBOX_AGENTS : MBOX_ANYBODY;

	shift = (shift << 8 | take8(&in)) % SHIFT;
	read_behind(1, by, in.at, in.left, &here);
	read_behind(shift, by, in.at, in.left, &there);
	MUST(here.used == there.used);
	MUST(here.used == 0 || memcmp(here.text, there.text, here.used) == 0);
	free(here.text);
	free(there.text);
	return 0;
}
