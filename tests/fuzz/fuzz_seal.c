/*
 * The seal in the lock file: garbage is never believed, a seal that was
 * written is, for as long as neither it nor index.db changes.
 */
#include "tests/fuzz/scratch.h"

#include "store/boot.h"
#include "store/seal.h"

#define NEWER "seal 3 "

static int lock = -1;
static char index_db[PATH_MAX];

static void
start(void)
{
	int fd;

	scratch_make();
	boot_learn();
	snprintf(index_db, sizeof(index_db), "%s", scratch_path("index.db"));
	MUST((fd = open(index_db, O_WRONLY | O_CREAT, 0600)) != -1);
	close(fd);
	lock = open(scratch_path("lock"), O_RDWR | O_CREAT, 0600);
	MUST(lock != -1);
}

static struct totals
take_totals(struct input *in)
{
	struct totals t;
	struct folder_totals *f;
	int i;

	memset(&t, 0, sizeof(t));
	for (i = 0; i < IDENTITY_OCTETS; i++)
		t.identity[i] = (unsigned char)take8(in);
	t.generation = take64(in);
	t.next_sequence = take64(in);
	t.expunging = take64(in);
	t.forwarded = (int64_t)take64(in);
	t.uidls_inode = take64(in);
	t.uidls_size = take64(in);
	t.uidls_changed = (int64_t)take64(in);
	for (f = t.folder; f < t.folder + FOLDERS; f++)
		*f = (struct folder_totals){ take64(in), take64(in),
			take64(in), take64(in), take64(in), take64(in),
			{ (int64_t)take64(in), (int64_t)take64(in) },
			(int64_t)take64(in), (int64_t)take64(in) };
	return t;
}

/* It takes hints from anything, and believes nothing. */
static void
peek(const struct totals *expected)
{
	uint64_t names[FOLDERS];
	int i;

	seal_peek(scratch, names);
	for (i = 0; expected != NULL && i < FOLDERS; i++)
		MUST(names[i] == expected->folder[i].names);
}

/* A true seal is read back; with anything done to it, it is none. */
static void
try_seal(struct input *in)
{
	struct totals wrote = take_totals(in), got;
	struct stat st;
	char old, octet;
	off_t at;

	MUST(seal_write(lock, index_db, &wrote) == 0);
	MUST(seal_read(lock, index_db, &got) == SEAL_GOOD);
	MUST(memcmp(&wrote, &got, sizeof(got)) == 0);
	peek(&wrote);
	MUST(fstat(lock, &st) == 0 && st.st_size > 0);
	at = (off_t)(take64(in) % (uint64_t)st.st_size);
	octet = (char)take8(in);
	MUST(pread(lock, &old, 1, at) == 1);
	if (in->left > 0)
		MUST(pwrite(lock, in->at, in->left, st.st_size) != -1);
	else if (octet != old)
		MUST(pwrite(lock, &octet, 1, at) == 1);
	else
		MUST(ftruncate(lock, at) == 0);
	MUST(seal_read(lock, index_db, &got) != SEAL_GOOD);
	peek(NULL);
}

/* And what says that it is newer is left alone. */
static void
try_garbage(struct input *in)
{
	struct totals got;
	enum seal_state state;

	MUST(seal_break(lock) == 0);
	MUST(pwrite(lock, in->at, in->left, 0) == (ssize_t)in->left);
	state = seal_read(lock, index_db, &got);
	MUST(state != SEAL_GOOD);
	if (in->left >= strlen(NEWER) &&
	    memcmp(in->at, NEWER, strlen(NEWER)) == 0)
		MUST(state == SEAL_NEWER);
	peek(NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	if (lock == -1)
		start();
	if (take8(&in) % 2 == 0)
		try_garbage(&in);
	else
		try_seal(&in);
	return 0;
}
