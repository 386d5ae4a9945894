/*
 * The mark in the lock: garbage in the file is never believed, a mark that
 * was written is, for as long as neither it nor index.db changes.
 */
#include "tests/fuzz/scratch.h"

#include "store/lock.h"

static void
start(struct lock *l)
{
	int fd;

	scratch_make();
	lock_learn_boot();
	MUST(lock_take(l, scratch, 0) == 0);
	MUST((fd = open(l->index, O_WRONLY | O_CREAT, 0600)) != -1);
	close(fd);
}

static struct meta
take_meta(struct input *in)
{
	struct meta m;
	struct folder_meta *f;

	memset(&m, 0, sizeof(m));
	m.next_sequence = take64(in);
	m.expunging = take64(in);
	for (f = m.folder; f < m.folder + FOLDERS; f++)
		*f = (struct folder_meta){ take64(in), take64(in),
			{ (int64_t)take64(in), (int64_t)take64(in) },
			(int64_t)take64(in), (int64_t)take64(in) };
	return m;
}

/* A true mark is read back; with anything done to it, it is none. */
static void
try_mark(const struct lock *l, struct input *in)
{
	struct meta wrote = take_meta(in), got;
	struct stat st;
	char old, octet;
	off_t at;

	MUST(lock_write_mark(l, &wrote) == 0);
	MUST(lock_read_mark(l, &got) == 1);
	MUST(memcmp(&wrote, &got, sizeof(got)) == 0);
	MUST(fstat(l->fd, &st) == 0 && st.st_size > 0);
	at = (off_t)(take64(in) % (uint64_t)st.st_size);
	octet = (char)take8(in);
	MUST(pread(l->fd, &old, 1, at) == 1);
	if (in->left > 0)
		MUST(pwrite(l->fd, in->at, in->left, st.st_size) != -1);
	else if (octet != old)
		MUST(pwrite(l->fd, &octet, 1, at) == 1);
	else
		MUST(ftruncate(l->fd, at) == 0);
	MUST(lock_read_mark(l, &got) == 0);
}

static void
try_garbage(const struct lock *l, struct input *in)
{
	struct meta meta;

	MUST(lock_clear_mark(l) == 0);
	MUST(pwrite(l->fd, in->at, in->left, 0) == (ssize_t)in->left);
	MUST(lock_read_mark(l, &meta) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct lock lock = { .fd = -1 };
	struct input in = { data, size };

	if (lock.fd == -1)
		start(&lock);
	if (take8(&in) % 2 == 0)
		try_garbage(&lock, &in);
	else
		try_mark(&lock, &in);
	return 0;
}
