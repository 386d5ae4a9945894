/*
 * A mailbox whose index is sound as a database, and garbage as an index:
 * it is opened or refused, read, updated and checked without a crash, no
 * file outside new/ and cur/ is touched; and once it was checked, it is
 * right in all it says.  Where a record is of a newer version, it may be
 * refused for ever, and what it may not do is to lose mail or the record.
 */
#include "tests/fuzz/scratch.h"

#include "store/check.h"
#include "store/index.c"
#include "store/mailbox.h"
#include "store/boot.h"
#include "store/seal.h"
#include "tests/fuzz/garbage.h"
#include "tests/fuzz/lines.h"

USES_BERKELEY_DB

#define MESSAGES 4
#define OCTETS	 17 /* of each, as on the wire */
#define NUMBERS	 12 /* messages looked at */

static struct view view = { .junk = ".Junk" };
static struct mailbox *mb;

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

/* Vouches for the index, as whoever closes it cleanly does. */
static void
seal(const struct totals *t)
{
	int fd = open(scratch_path("m/pop3d/lock"), O_RDWR | O_CREAT, 0600);

	MUST(fd != -1);
	MUST(seal_write(fd, scratch_path("m/pop3d/index.db"), t) == 0);
	close(fd);
}

/* The index of the input; with a seal, if asked to. */
static void
damage(struct input *in, int records, int sealed)
{
	struct index *ix;
	struct totals t;
	int good, version;

	MUST(index_open(&ix, scratch_path("m/pop3d"), INDEX_WRITE) == 0);
	MUST(index_begin(ix) == 0);
	while (records-- > 0 && in->left > 0)
		MUST(put_garbage(ix, in) == 0);
	MUST(index_commit(ix, 0) == 0);
	good = index_get_totals(ix, &t, &version) == 0 && version == 2;
	MUST(index_close(ix) == 0);
	if (good && sealed)
		seal(&t);
}

static void
look(uint64_t n)
{
	char uidl[UIDL_MAX + 1];
	struct entry e;
	uint64_t octets;
	int fd;

	if (mailbox_entry(mb, n, &e) == TROUBLE_NONE)
		MUST(entry_uidl(&e, uidl) == strlen(uidl) && uidl[0] != '\0');
	if (mailbox_file(mb, n, &fd, &octets) == TROUBLE_NONE)
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
	uint64_t n, count = mailbox_count(mb);
	struct taken taken = { 0 };

	for (n = 0; n <= NUMBERS; n++)
		look(n);
	look(count);
	look(count + 1);
	look(take8(in));
	if (marks != 0)
		(void)mailbox_update(mb, is_marked, &marks,
		    count < 8 ? count : 8, &taken);
	taken_free(&taken);
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
	uint64_t n, i, has, octets = 0, count = mailbox_count(mb);
	struct entry e;
	int fd;

	MUST(count <= MESSAGES);
	for (n = 0; n < count; n++) {
		MUST(mailbox_entry(mb, n + 1, &e) == TROUBLE_NONE);
		MUST(e.octets == OCTETS);
		octets += e.octets;
		(void)entry_uidl(&e, uidl[n]);
		for (i = 0; i < n; i++)
			MUST(foreign_garbage ||
			    strcmp(uidl[i], uidl[n]) != 0);
		MUST(mailbox_file(mb, n + 1, &fd, &has) == TROUBLE_NONE);
		MUST(has == e.octets);
		close(fd);
	}
	MUST(octets == mailbox_octets(mb));
}

/* Opens it, as a login does. */
static enum trouble
start_session(void)
{
	enum trouble trouble;

	MUST((mb = mailbox_new(&view, NULL, NULL)) != NULL);
	if ((trouble = mailbox_open(mb, 0)) != TROUBLE_NONE)
		return trouble;
	return mailbox_settle(mb);
}

static void
check(void)
{
	uint64_t mended = 0;

	MUST(start_session() == TROUBLE_NONE);
	MUST(mailbox_check(mb, ignore, NULL, &mended) == TROUBLE_NONE);
	must_be_right();
	MUST(mailbox_check(mb, ignore, NULL, &mended) == TROUBLE_NONE);
	must_be_right();
	mailbox_free(mb);
	/* And the next login finds it so. */
	MUST(start_session() == TROUBLE_NONE);
	must_be_right();
	mailbox_free(mb);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	unsigned int how = take8(&in), records = take8(&in) % 32;

	if (scratch[0] == '\0') {
		scratch_make();
		boot_learn();
	}
	furnish();
	view.maildir = scratch_path("m");
	view.policy.spam = (enum spam)(how % 3);
	view.policy.auto_delete = (how & 4) != 0;
	view.policy.from_now = how & 8 ? (int64_t)take64(&in) : 0;
	newer_garbage = foreign_garbage = 0;
	damage(&in, (int)records, (how & 16) != 0);
	if (start_session() == TROUBLE_NONE)
		use(&in);
	mailbox_free(mb);
	if (!newer_garbage)
		check();
	MUST(access(scratch_path("canary"), F_OK) == 0);
	MUST(access(scratch_path("m/tmp/canary"), F_OK) == 0);
	return 0;
}
