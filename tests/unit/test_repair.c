/*
 * A damaged index: it is proven to be one, put aside, and what stands on its
 * whole pages is saved, that and nothing else.
 */
#include <errno.h>

#include "tests/unit/unit.h"

#include "store/repair.h"

#define MANY   5000
#define PAGE   4096
#define ROUNDS 20

static void
good(int error)
{
	if (error != 0)
		fail_msg("%s", index_strerror(error));
}

/* Message n of either folder; all that is recorded follows from n. */
static struct entry
make_entry(enum folder folder, uint64_t n)
{
	struct entry e;

	memset(&e, 0, sizeof(e));
	e.folder = folder;
	e.state = (enum state)(n % 4);
	e.sub = n % 2 == 0 ? NEW : CUR;
	e.sequence = n;
	e.octets = n * 1000;
	e.size = e.octets - 1;
	if (e.state == RETAINED)
		e.retained = (int64_t)n + 7;
	snprintf(e.base, sizeof(e.base), "%llu.M%llu.host",
	    (unsigned long long)(n * 7919 % 100003), (unsigned long long)n);
	snprintf(e.suffix, sizeof(e.suffix), n % 3 == 0 ? "" : ":2,S");
	if (n % 5 == 0)
		snprintf(e.uidl, sizeof(e.uidl), "i%llu-of-elsewhere",
		    (unsigned long long)n);
	return e;
}

static int
same(const struct entry *a, const struct entry *b)
{
	return a->folder == b->folder && a->state == b->state &&
	    a->sub == b->sub && a->young == b->young &&
	    a->sequence == b->sequence && a->octets == b->octets &&
	    a->size == b->size && a->retained == b->retained &&
	    a->inode == b->inode && strcmp(a->base, b->base) == 0 &&
	    strcmp(a->suffix, b->suffix) == 0 && strcmp(a->uidl, b->uidl) == 0;
}

static void
fill(const char *dir)
{
	struct index *ix;
	struct entry e;
	uint64_t n;

	good(index_open(&ix, dir, INDEX_WRITE));
	good(index_begin(ix));
	for (n = 1; n <= MANY; n++) {
		e = make_entry(n % 10 == 0 ? JUNK : INBOX, n);
		good(index_put_name(ix, &e));
		good(index_enqueue(ix, &e));
	}
	/* Some are taken out again: their places on the pages stay a while. */
	for (n = 7; n <= MANY; n += 7) {
		e = make_entry(n % 10 == 0 ? JUNK : INBOX, n);
		good(index_delete_name(ix, &e));
		good(index_dequeue(ix, &e));
	}
	good(index_commit(ix, 1));
	good(index_close(ix));
}

/* Which messages were saved. */
struct saved {
	unsigned char have[MANY + 1];
	uint64_t count, enough;
};

static int
save(void *arg, struct entry *e)
{
	struct saved *saved = arg;
	struct entry wanted;

	assert_true(e->sequence >= 1 && e->sequence <= MANY);
	wanted = make_entry(
	    e->sequence % 10 == 0 ? JUNK : INBOX, e->sequence);
	if (!same(e, &wanted))
		fail_msg("invented: %s%s", e->base, e->suffix);
	assert_true(e->sequence % 7 != 0);
	assert_int_equal(saved->have[e->sequence]++, 0);
	return ++saved->count == saved->enough ? -5 : 0;
}

/* The whole file dir/name; free() it. */
static unsigned char *
read_file(const char *dir, const char *name, size_t *len)
{
	FILE *f = fopen(scratch_path(dir, name), "r");
	unsigned char *data;
	struct stat st;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	*len = (size_t)st.st_size;
	data = malloc(*len + 1);
	assert_non_null(data);
	assert_int_equal(fread(data, 1, *len, f), *len);
	assert_int_equal(fclose(f), 0);
	return data;
}

static void
write_file(
    const char *dir, const char *name, const unsigned char *data, size_t len)
{
	FILE *f = fopen(scratch_path(dir, name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* Which messages' names are on a page, found by their looks. */
static void
look_for_names(const unsigned char *page, unsigned char have[MANY + 1])
{
	struct entry e;
	char key[NAME_OCTETS + 1];
	uint64_t n;

	for (n = 1; n <= MANY; n++) {
		e = make_entry(n % 10 == 0 ? JUNK : INBOX, n);
		snprintf(key, sizeof(key), "%c%s",
		    entry_folder_letter(e.folder), e.base);
		if (memmem(page, PAGE, key, strlen(key)) != NULL)
			have[n] = 1;
	}
}

/* How many of the names should be saved, given those that may be lost. */
static void
expect(const struct saved *saved, const unsigned char lost[MANY + 1])
{
	uint64_t n;

	for (n = 1; n <= MANY; n++)
		if (n % 7 != 0 && !saved->have[n] && !lost[n])
			fail_msg("lost: %d", (int)n);
}

static void
test_whole(void **state)
{
	static const unsigned char lost[MANY + 1];
	struct saved *saved = calloc(1, sizeof(*saved));
	uint64_t count = 99;

	assert_non_null(saved);
	fill(*state);
	good(repair_verify(*state));
	good(repair_discard(*state));
	good(repair_salvage(*state, save, saved, &count));
	assert_int_equal(count, saved->count);
	assert_int_equal(count, MANY - MANY / 7);
	expect(saved, lost);
	/* What save() answers ends it. */
	memset(saved, 0, sizeof(*saved));
	saved->enough = 10;
	assert_int_equal(repair_salvage(*state, save, saved, &count), -5);
	assert_int_equal(saved->count, 10);
	free(saved);
}

/* One octet of each of some pages, at random places. */
static void
test_flipped(void **state)
{
	unsigned char *whole, *data, *lost = calloc(1, MANY + 1);
	struct saved *saved = malloc(sizeof(*saved));
	uint64_t count;
	size_t len, at;
	int round, i;

	assert_true(saved != NULL && lost != NULL);
	fill(*state);
	whole = read_file(*state, "index.db", &len);
	data = malloc(len);
	assert_non_null(data);
	srandom(20261128);
	for (round = 0; round < ROUNDS; round++) {
		memcpy(data, whole, len);
		memset(lost, 0, MANY + 1);
		memset(saved, 0, sizeof(*saved));
		for (i = 0; i < 5; i++) {
			at = (size_t)random() % len;
			/* The end of a page of metadata has no checksum. */
			if (round % 2 == 0)
				at = (at / PAGE) * PAGE + at % 512;
			data[at] ^= (unsigned char)(1 << random() % 8);
			look_for_names(whole + at / PAGE * PAGE, lost);
		}
		write_file(*state, "index.db", data, len);
		if (round % 2 == 0)
			assert_int_equal(
			    repair_verify(*state), INDEX_DAMAGED);
		good(repair_discard(*state));
		good(repair_salvage(*state, save, saved, &count));
		assert_int_equal(count, saved->count);
		expect(saved, lost);
	}
	free(lost);
	free(saved);
	free(data);
	free(whole);
}

/* The pages say themselves how long they are. */
static void
test_no_metadata(void **state)
{
	static const unsigned char lost[MANY + 1];
	struct saved *saved = calloc(1, sizeof(*saved));
	unsigned char *data;
	uint64_t count;
	size_t len;

	assert_non_null(saved);
	fill(*state);
	data = read_file(*state, "index.db", &len);
	memset(data, 'x', PAGE);
	write_file(*state, "index.db", data, len);
	assert_int_equal(repair_verify(*state), INDEX_DAMAGED);
	good(repair_discard(*state));
	good(repair_salvage(*state, save, saved, &count));
	expect(saved, lost);
	/* Cut off in the middle of a page. */
	memset(saved, 0, sizeof(*saved));
	write_file(*state, "index.bad", data, len / 2 + 100);
	good(repair_salvage(*state, save, saved, &count));
	assert_true(count > 0 && count < MANY - MANY / 7);
	free(data);
	free(saved);
}

/* Neither a directory, a link nor a FIFO is read, and nothing blocks. */
static void
test_no_file(void **state)
{
	static const unsigned char nothing[3 * PAGE];
	struct saved saved;
	uint64_t count = 9;
	char *bad = scratch_path(*state, "index.bad");

	assert_int_equal(repair_verify(*state), ENOENT);
	assert_int_equal(
	    repair_salvage(*state, save, &saved, &count), ENOENT);
	assert_int_equal(count, 0);
	assert_int_equal(mkfifo(bad, 0600), 0);
	assert_int_equal(
	    repair_salvage(*state, save, &saved, &count), INDEX_DAMAGED);
	assert_int_equal(unlink(bad), 0);
	assert_int_equal(symlink("/etc/passwd", bad), 0);
	assert_int_equal(
	    repair_salvage(*state, save, &saved, &count), INDEX_DAMAGED);
	assert_int_equal(unlink(bad), 0);
	write_file(*state, "index.bad", nothing, sizeof(nothing));
	good(repair_salvage(*state, save, &saved, &count));
	write_file(*state, "index.bad", nothing, 0);
	good(repair_salvage(*state, save, &saved, &count));
	assert_int_equal(count, 0);
	write_file(*state, "index.db", nothing, 100);
	assert_int_equal(repair_verify(*state), INDEX_DAMAGED);
}

/* Everything is gone but the evidence; a new one can be made. */
static void
test_discard(void **state)
{
	char log[] = "log.0000000001";
	struct index *ix;
	struct stat st;
	uint64_t count;

	fill(*state);
	scratch_write(*state, "lock", "not to be touched");
	scratch_write(*state, log, "old");
	good(repair_discard(*state));
	assert_int_equal(stat(scratch_path(*state, "index.db"), &st), -1);
	assert_int_equal(stat(scratch_path(*state, "index.bad"), &st), 0);
	assert_int_equal(stat(scratch_path(*state, "index.try"), &st), -1);
	assert_int_equal(stat(scratch_path(*state, "lock"), &st), 0);
	assert_int_equal(stat(scratch_path(*state, log), &st), -1);
	good(repair_discard(*state)); /* once more: nothing to do */
	assert_int_equal(stat(scratch_path(*state, "index.bad"), &st), 0);
	good(index_open(&ix, *state, INDEX_WRITE));
	good(index_count(ix, INBOX, &count));
	assert_int_equal(count, 0);
	good(index_close(ix));
	good(repair_verify(*state));
	assert_int_equal(
	    repair_discard(scratch_path(*state, "none")), ENOENT);
}

/* Where no new one could be made, the old one stays. */
static void
test_not_discarded(void **state)
{
	struct stat st;

	fill(*state);
	assert_int_equal(mkdir(scratch_path(*state, "index.try"), 0700), 0);
	assert_int_equal(repair_discard(*state), EISDIR);
	assert_int_equal(stat(scratch_path(*state, "index.db"), &st), 0);
	good(repair_verify(*state));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_whole),
		IN_SCRATCH(test_flipped),
		IN_SCRATCH(test_no_metadata),
		IN_SCRATCH(test_no_file),
		IN_SCRATCH(test_discard),
		IN_SCRATCH(test_not_discarded),
	};

	return cmocka_run_group_tests_name("repair", tests, NULL, NULL);
}
