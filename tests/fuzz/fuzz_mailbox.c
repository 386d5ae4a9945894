/*
 * A mailbox whose index is sound as a database, and garbage as an index:
 * it is opened or refused, read, updated and checked without a crash, no
 * file outside new/ and cur/ is touched; and once it was checked, it is
 * right in all it says.
 */
#include "tests/fuzz/scratch.h"

#include "store/check.h"
#include "store/index.c"
#include "store/mailbox.h"
#include "tests/fuzz/garbage.h"
#include "tests/fuzz/lines.h"

USES_BERKELEY_DB

#define MESSAGES 4
#define NUMBERS	 12 /* messages looked at */

static struct view view = { .junk = ".Junk" };
static struct mailbox mb; /* large */

static void
make_file(const char *name)
{
	int fd = open(scratch_path(name), O_WRONLY | O_CREAT, 0600);

	MUST(fd != -1 && write(fd, "Subject: x\n\n.\n", 14) == 14);
	close(fd);
}

static void
furnish(void)
{
	static const char *const dirs[] = { "m", "m/new", "m/cur", "m/tmp",
		"m/.Junk", "m/.Junk/new", "m/.Junk/cur", "m/pop3d" };
	static const char *const files[] = { "m/cur/1.a:2,", "m/cur/2.b:2,S",
		"m/new/3.c", "m/.Junk/cur/4.d:2,", "m/tmp/canary", "canary" };
	size_t i;

	scratch_clear();
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		MUST(mkdir(scratch_path(dirs[i]), 0700) == 0);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		make_file(files[i]);
}

/* The index of the input; with a mark that vouches for it, if asked to. */
static void
damage(struct input *in, int records, int vouched)
{
	struct index *ix;
	struct lock lock;
	struct meta meta;
	int good;

	MUST(index_open(&ix, scratch_path("m/pop3d"), INDEX_WRITE) == 0);
	MUST(index_begin(ix) == 0);
	while (records-- > 0 && in->left > 0)
		MUST(put_garbage(ix, in) == 0);
	MUST(index_commit(ix, 0) == 0);
	good = index_get_meta(ix, &meta) == 0;
	MUST(index_close(ix) == 0);
	if (!good || !vouched)
		return;
	MUST(lock_take(&lock, scratch_path("m/pop3d"), 0) == 0);
	MUST(lock_write_mark(&lock, &meta) == 0);
	lock_release(&lock);
}

static void
look(uint64_t n)
{
	char uidl[UIDL_MAX + 1];
	struct entry e;
	int fd;

	if (mailbox_entry(&mb, n, &e) == TROUBLE_NONE) {
		mailbox_uidl(&e, uidl);
		MUST(uidl[0] != '\0');
	}
	if (mailbox_file(&mb, n, &fd) == TROUBLE_NONE)
		close(fd);
}

static int
is_marked(const void *arg, uint64_t n)
{
	const unsigned int *marks = arg;

	return n <= 8 && (*marks >> (n - 1) & 1) != 0;
}

static void
use(struct input *in)
{
	unsigned int marks = take8(in);
	uint64_t n, deleted, count = mailbox_count(&mb);

	for (n = 0; n <= NUMBERS; n++)
		look(n);
	look(count);
	look(count + 1);
	look(take8(in));
	if (marks != 0)
		(void)mailbox_update(&mb, is_marked, &marks,
		    count < 8 ? count : 8, &deleted);
}

static void
ignore(void *arg, const char *sentence)
{
	(void)arg;
	MUST(sentence[0] != '\0');
}

/* STAT is the sum of LIST (I3), UIDLs differ (I4), messages can be read. */
static void
must_be_right(void)
{
	char uidl[MESSAGES][UIDL_MAX + 1];
	uint64_t n, i, octets = 0, count = mailbox_count(&mb);
	struct entry e;
	int fd;

	MUST(count <= MESSAGES);
	for (n = 0; n < count; n++) {
		MUST(mailbox_entry(&mb, n + 1, &e) == TROUBLE_NONE);
		octets += e.octets;
		mailbox_uidl(&e, uidl[n]);
		for (i = 0; i < n; i++)
			MUST(strcmp(uidl[i], uidl[n]) != 0);
		MUST(mailbox_file(&mb, n + 1, &fd) == TROUBLE_NONE);
		close(fd);
	}
	MUST(octets == mailbox_octets(&mb));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	unsigned int how = take8(&in), records = take8(&in) % 32;
	uint64_t mended = 0;

	if (scratch[0] == '\0') {
		scratch_make();
		lock_learn_boot();
	}
	furnish();
	view.maildir = scratch_path("m");
	view.spam = (enum spam)(how % 3);
	view.auto_delete = (how & 4) != 0;
	view.from_now = how & 8 ? (int64_t)take64(&in) : 0;
	damage(&in, (int)records, (how & 16) != 0);
	if (mailbox_open(&mb, &view, 0, NULL, NULL) == TROUBLE_NONE) {
		use(&in);
		mailbox_close(&mb);
	}
	MUST(mailbox_open(&mb, &view, 0, NULL, NULL) == TROUBLE_NONE);
	MUST(mailbox_check(&mb, ignore, NULL, &mended) == TROUBLE_NONE);
	must_be_right();
	MUST(mailbox_check(&mb, ignore, NULL, &mended) == TROUBLE_NONE);
	must_be_right();
	mailbox_close(&mb);
	MUST(access(scratch_path("canary"), F_OK) == 0);
	MUST(access(scratch_path("m/tmp/canary"), F_OK) == 0);
	return 0;
}
