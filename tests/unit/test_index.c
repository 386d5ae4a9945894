/*
 * The index: what is put is found, in order, by number, in bulk; what is
 * committed survives, and what is not leaves no trace, whoever is killed.
 */
#include <db.h>
#include <errno.h>
#include <signal.h>

#include "tests/unit/unit.h"

#include "store/index.h"

#define MANY	1000 /* messages: more than one bulk buffer holds */
#define UNKNOWN "nobody"

/* Aborts the test with the error's name. */
static void
good(int error)
{
	if (error != 0)
		fail_msg("%s", index_strerror(error));
}

static struct index *
open_index(const char *dir, enum index_mode mode)
{
	struct index *ix = NULL;

	good(index_open(&ix, dir, mode));
	assert_non_null(ix);
	return ix;
}

/* Message n, whose name, octets and suffix follow from n. */
static struct entry
make_entry(enum folder folder, uint64_t n)
{
	struct entry e;

	memset(&e, 0, sizeof(e));
	e.folder = folder;
	e.state = (enum state)(n % 4);
	e.sub = n % 2 == 0 ? NEW : CUR;
	e.sequence = n;
	e.octets = n << 32 | n;
	snprintf(e.base, sizeof(e.base), "%06llu.%0*d",
	    (unsigned long long)n, (int)(n % 200) + 1, 0);
	snprintf(e.suffix, sizeof(e.suffix), n % 3 == 0 ? "" : ":2,S");
	return e;
}

static void
same_queued(const struct entry *e, const struct entry *wanted)
{
	assert_int_equal(e->folder, wanted->folder);
	assert_int_equal(e->sequence, wanted->sequence);
	assert_true(e->octets == wanted->octets);
	assert_string_equal(e->base, wanted->base);
}

static void
same_name(const struct entry *e, const struct entry *wanted)
{
	same_queued(e, wanted);
	assert_int_equal(e->state, wanted->state);
	assert_int_equal(e->sub, wanted->sub);
	assert_string_equal(e->suffix, wanted->suffix);
}

static void
add(struct index *ix, enum folder folder, uint64_t n)
{
	struct entry e = make_entry(folder, n);

	good(index_put_name(ix, &e));
	good(index_enqueue(ix, &e));
}

/* Messages from first to last, each other number, in one transaction. */
static void
fill(struct index *ix, enum folder folder, uint64_t first, uint64_t last)
{
	good(index_begin(ix));
	for (; first <= last; first += 2)
		add(ix, folder, first);
	good(index_commit(ix, 1));
}

static int
known(struct index *ix, enum folder folder, uint64_t n)
{
	struct entry e = make_entry(folder, n);
	int error = index_get_name(ix, &e);

	assert_true(error == 0 || error == DB_NOTFOUND);
	return error == 0;
}

static uint64_t
count(struct index *ix, enum folder folder)
{
	uint64_t n = UINT64_MAX;

	good(index_count(ix, folder, &n));
	return n;
}

static const struct meta some_meta = { .next_sequence = UINT64_MAX - 1,
	.expunging = 3,
	.folder = { { 1, UINT64_MAX, { INT64_MAX, -1 }, 5, -6 },
	    { 7, 8, { 9, 10 }, 11, 12 } } };

static void
same_meta(const struct meta *a, const struct meta *b)
{
	int f;

	assert_true(a->next_sequence == b->next_sequence);
	assert_true(a->expunging == b->expunging);
	for (f = 0; f < FOLDERS; f++)
		assert_memory_equal(
		    &a->folder[f], &b->folder[f], sizeof(a->folder[f]));
}

static void
check_meta(struct index *ix)
{
	struct meta meta;

	assert_int_equal(index_get_meta(ix, &meta), DB_NOTFOUND);
	good(index_begin(ix));
	good(index_put_meta(ix, &some_meta));
	good(index_commit(ix, 1));
	memset(&meta, 0x5a, sizeof(meta));
	good(index_get_meta(ix, &meta));
	same_meta(&meta, &some_meta);
}

static void
check_names(struct index *ix)
{
	struct entry e = make_entry(INBOX, 1), wanted;

	good(index_begin(ix));
	assert_int_equal(index_get_name(ix, &e), DB_NOTFOUND);
	good(index_put_name(ix, &e));
	/* The same name in the other folder is another message. */
	e.folder = JUNK;
	assert_int_equal(index_get_name(ix, &e), DB_NOTFOUND);
	wanted = make_entry(JUNK, 2);
	strlcpy(wanted.base, e.base, sizeof(wanted.base));
	good(index_put_name(ix, &wanted));
	good(index_get_name(ix, &e));
	same_name(&e, &wanted);
	e.folder = INBOX;
	good(index_get_name(ix, &e));
	wanted = make_entry(INBOX, 1);
	same_name(&e, &wanted);
	/* Put again: changed, not doubled. */
	wanted.state = EXPUNGING;
	strlcpy(wanted.suffix, ":2,FS", sizeof(wanted.suffix));
	good(index_put_name(ix, &wanted));
	good(index_get_name(ix, &e));
	same_name(&e, &wanted);
	good(index_delete_name(ix, &e));
	assert_int_equal(index_get_name(ix, &e), DB_NOTFOUND);
	assert_int_equal(index_delete_name(ix, &e), DB_NOTFOUND);
	good(index_commit(ix, 0));
}

static void
check_longest_names(struct index *ix)
{
	struct entry e = make_entry(INBOX, 5), wanted;

	memset(e.base, 'b', NAME_MAX);
	e.base[NAME_MAX] = '\0';
	memset(e.suffix, 's', NAME_MAX);
	e.suffix[0] = ':';
	e.suffix[NAME_MAX] = '\0';
	wanted = e;
	good(index_begin(ix));
	good(index_put_name(ix, &e));
	good(index_enqueue(ix, &e));
	good(index_commit(ix, 1));
	memset(e.suffix, 0, sizeof(e.suffix));
	good(index_get_name(ix, &e));
	same_name(&e, &wanted);
	good(index_number(ix, INBOX, 1, &e));
	same_queued(&e, &wanted);
	good(index_begin(ix));
	good(index_delete_name(ix, &wanted));
	good(index_dequeue(ix, &wanted));
	good(index_commit(ix, 1));
}

/* 1, 3, 5 ... of the inbox; the numbers close up behind what is taken. */
static void
check_numbers(struct index *ix)
{
	struct entry e, wanted;
	uint64_t n;

	fill(ix, INBOX, 1, 99);
	fill(ix, JUNK, 2, 6);
	assert_int_equal(count(ix, INBOX), 50);
	assert_int_equal(count(ix, JUNK), 3);
	for (n = 1; n <= 50; n++) {
		good(index_number(ix, INBOX, n, &e));
		wanted = make_entry(INBOX, 2 * n - 1);
		same_queued(&e, &wanted);
		e.base[0] = '\0';
		good(index_get_queued(ix, &e));
		same_queued(&e, &wanted);
	}
	assert_int_equal(index_number(ix, INBOX, 0, &e), DB_NOTFOUND);
	assert_int_equal(index_number(ix, INBOX, 51, &e), DB_NOTFOUND);
	/* 2^32 + 1 is not 1. */
	assert_int_equal(
	    index_number(ix, INBOX, UINT32_MAX + 2ULL, &e), DB_NOTFOUND);
	assert_int_equal(index_number(ix, INBOX, UINT64_MAX, &e), DB_NOTFOUND);
	good(index_begin(ix));
	wanted = make_entry(INBOX, 3);
	good(index_dequeue(ix, &wanted));
	assert_int_equal(index_dequeue(ix, &wanted), DB_NOTFOUND);
	good(index_commit(ix, 0));
	assert_int_equal(index_get_queued(ix, &wanted), DB_NOTFOUND);
	good(index_number(ix, INBOX, 2, &e));
	assert_int_equal(e.sequence, 5);
	assert_int_equal(count(ix, INBOX), 49);
	/* Sequences sort as numbers do, on every machine. */
	fill(ix, INBOX, 0x100, 0x100);
	fill(ix, INBOX, 0xffffffff00ULL, 0xffffffff00ULL);
	good(index_number(ix, INBOX, 51, &e));
	assert_true(e.sequence == 0xffffffff00ULL);
	good(index_number(ix, INBOX, 50, &e));
	assert_int_equal(e.sequence, 0x100);
}

static void
check_clear(struct index *ix)
{
	good(index_begin(ix));
	good(index_clear_queue(ix, INBOX));
	good(index_commit(ix, 1));
	assert_int_equal(count(ix, INBOX), 0);
	assert_int_equal(count(ix, JUNK), 3);
	assert_true(known(ix, INBOX, 1));
	good(index_trim(ix));
}

static void
check_all(struct index *ix)
{
	check_meta(ix);
	check_names(ix);
	check_longest_names(ix);
	check_numbers(ix);
	check_clear(ix);
	good(index_close(ix));
}

static void
test_on_disk(void **state)
{
	check_all(open_index(*state, INDEX_WRITE));
	assert_int_equal(index_verify(*state), 0);
}

/* The same things in memory, and nothing on the disk. */
static void
test_in_memory(void **state)
{
	check_all(open_index(UNKNOWN, INDEX_MEMORY));
	check_all(open_index(*state, INDEX_MEMORY));
	assert_int_equal(rmdir(*state), 0);
	assert_int_equal(mkdir(*state, 0700), 0);
}

static void
expect_queue(
    struct index *ix, enum folder folder, uint64_t from, uint64_t last)
{
	struct walk *walk;
	struct entry e, wanted;
	uint64_t n;

	good(index_walk_queue(ix, folder, from, &walk));
	for (n = from * 2 - 1; n <= last; n += 2) {
		good(index_walk_next(walk, &e));
		wanted = make_entry(folder, n);
		same_queued(&e, &wanted);
	}
	assert_int_equal(index_walk_next(walk, &e), DB_NOTFOUND);
	index_walk_end(walk);
}

static void
expect_names(struct index *ix, enum folder folder, uint64_t last)
{
	struct walk *walk;
	struct entry e, wanted;
	uint64_t n;

	good(index_walk_names(ix, folder, &walk));
	for (n = 1; n <= last; n += 2) {
		good(index_walk_next(walk, &e));
		wanted = make_entry(folder, n);
		same_name(&e, &wanted);
	}
	assert_int_equal(index_walk_next(walk, &e), DB_NOTFOUND);
	index_walk_end(walk);
}

static void
expect_walks(struct index *ix)
{
	struct walk *walk;

	expect_queue(ix, INBOX, 1, 2 * MANY - 1);
	expect_queue(ix, INBOX, 2, 2 * MANY - 1);
	expect_queue(ix, INBOX, MANY / 2, 2 * MANY - 1);
	expect_queue(ix, INBOX, MANY, 2 * MANY - 1);
	expect_queue(ix, JUNK, 1, 9);
	expect_names(ix, INBOX, 2 * MANY - 1);
	expect_names(ix, JUNK, 9);
	assert_int_equal(
	    index_walk_queue(ix, INBOX, MANY + 1, &walk), DB_NOTFOUND);
	assert_null(walk);
	assert_int_equal(index_walk_queue(ix, INBOX, 0, &walk), DB_NOTFOUND);
	assert_null(walk);
	index_walk_end(NULL);
}

/* All three ways to open it walk alike. */
static void
test_walks(void **state)
{
	struct index *ix = open_index(*state, INDEX_WRITE);
	struct walk *walk;
	struct entry e;

	assert_int_equal(index_walk_queue(ix, INBOX, 1, &walk), DB_NOTFOUND);
	good(index_walk_names(ix, INBOX, &walk));
	assert_int_equal(index_walk_next(walk, &e), DB_NOTFOUND);
	index_walk_end(walk);
	good(index_begin(ix));
	good(index_put_meta(ix, &some_meta));
	good(index_commit(ix, 0));
	fill(ix, JUNK, 1, 9);
	fill(ix, INBOX, 1, 2 * MANY - 1);
	expect_walks(ix);
	good(index_close(ix));
	ix = open_index(*state, INDEX_READ);
	expect_walks(ix);
	good(index_close(ix));
	ix = open_index(*state, INDEX_MEMORY);
	fill(ix, JUNK, 1, 9);
	fill(ix, INBOX, 1, 2 * MANY - 1);
	expect_walks(ix);
	good(index_close(ix));
}

static void
test_abort(void **state)
{
	struct index *ix = open_index(*state, INDEX_WRITE);
	struct meta meta;
	struct entry e = make_entry(INBOX, 1);

	fill(ix, INBOX, 1, 5);
	good(index_begin(ix));
	add(ix, INBOX, 7);
	good(index_dequeue(ix, &e));
	good(index_delete_name(ix, &e));
	good(index_put_meta(ix, &some_meta));
	assert_int_equal(count(ix, INBOX), 3);
	index_abort(ix);
	index_abort(ix); /* there is none: nothing happens */
	expect_queue(ix, INBOX, 1, 5);
	expect_names(ix, INBOX, 5);
	assert_int_equal(index_get_meta(ix, &meta), DB_NOTFOUND);
	good(index_begin(ix));
	good(index_clear_queue(ix, INBOX));
	index_abort(ix);
	assert_int_equal(count(ix, INBOX), 3);
	/* Closing in the middle is an abort as well. */
	good(index_begin(ix));
	add(ix, INBOX, 9);
	good(index_close(ix));
	ix = open_index(*state, INDEX_WRITE);
	expect_queue(ix, INBOX, 1, 5);
	expect_names(ix, INBOX, 5);
	good(index_close(ix));
}

/* How many files of the log there are. */
static int
logs(const char *dir)
{
	char name[32];
	struct stat st;
	int i, n = 0;

	for (i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "log.%010d", i);
		n += stat(scratch_path(dir, name), &st) == 0;
	}
	return n;
}

/* After closing, all is in index.db: it is read without the log. */
static void
test_reopen(void **state)
{
	struct index *ix = open_index(*state, INDEX_WRITE);
	int grown;

	fill(ix, INBOX, 1, 2 * MANY - 1);
	grown = logs(*state);
	assert_true(grown > 1);
	good(index_trim(ix));
	assert_true(logs(*state) < grown);
	good(index_close(ix));
	ix = open_index(*state, INDEX_READ);
	assert_int_equal(count(ix, INBOX), MANY);
	expect_queue(ix, INBOX, 1, 2 * MANY - 1);
	good(index_close(ix));
	ix = open_index(*state, INDEX_WRITE);
	expect_names(ix, INBOX, 2 * MANY - 1);
	good(index_close(ix));
	assert_int_equal(index_verify(*state), 0);
}

/*
 * What a child makes of an index; its exit status.  A child, because
 * Berkeley DB leaks when it fails.
 */
enum finding { FOUND, REFUSED, ODD };

static enum finding
look(const char *dir, enum index_mode mode)
{
	struct index *ix;
	struct entry e = make_entry(INBOX, 1);

	if (index_open(&ix, dir, mode) != 0)
		return ix == NULL ? REFUSED : ODD;
	if (index_get_name(ix, &e) == 0 || index_number(ix, INBOX, 1, &e) == 0)
		return FOUND;
	return REFUSED;
}

static enum finding
verify(const char *dir, enum index_mode mode)
{
	(void)mode;
	return index_verify(dir) == 0 ? FOUND : REFUSED;
}

static int
refused(enum finding (*by)(const char *, enum index_mode), const char *dir,
    enum index_mode mode)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(60); /* a search without an end */
		_exit((int)by(dir, mode));
	}
	assert_true(pid != -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < ODD);
	return WEXITSTATUS(status) == REFUSED;
}

/* Nothing to read, nowhere to write. */
static void
test_missing(void **state)
{
	char *none = scratch_path(*state, "none");

	assert_true(refused(look, none, INDEX_READ));
	assert_true(refused(look, none, INDEX_WRITE));
	assert_int_equal(index_discard(none), ENOENT);
	assert_int_equal(index_close(NULL), 0);
}

/* What a killed process was at. */
enum crime {
	IN_TRANSACTION, /* many changes, not committed */
	AFTER_COMMIT,   /* durable */
	AFTER_SOFT_COMMIT,
	IN_THE_NEXT /* one committed, another on its way */
};

static void
be_killed(const char *dir, enum crime crime)
{
	struct index *ix;
	uint64_t n;
	int error = index_open(&ix, dir, INDEX_WRITE);

	if (error == 0)
		error = index_begin(ix);
	for (n = 7; n <= 2 * MANY - 1; n += 2)
		add(ix, INBOX, n);
	if (error == 0 && crime != IN_TRANSACTION)
		error = index_commit(ix, crime != AFTER_SOFT_COMMIT);
	if (error == 0 && crime == IN_THE_NEXT) {
		error = index_begin(ix);
		if (error == 0)
			error = index_clear_queue(ix, INBOX);
		for (n = 1; n <= MANY; n++)
			add(ix, JUNK, n);
	}
	if (error == 0)
		raise(SIGKILL);
	_exit(1);
}

static void
test_killed(void **state)
{
	enum crime crime;
	struct index *ix;
	int status;
	pid_t pid;

	for (crime = IN_TRANSACTION; crime <= IN_THE_NEXT; crime++) {
		ix = open_index(*state, INDEX_WRITE);
		fill(ix, INBOX, 1, 5);
		good(index_close(ix));
		pid = fork();
		assert_true(pid != -1);
		if (pid == 0)
			be_killed(*state, crime);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGKILL);
		ix = open_index(*state, INDEX_WRITE);
		expect_queue(ix, INBOX, 1,
		    crime == IN_TRANSACTION ? 5 : 2 * MANY - 1);
		expect_names(ix, INBOX,
		    crime == IN_TRANSACTION ? 5 : 2 * MANY - 1);
		assert_int_equal(count(ix, JUNK), 0);
		good(index_close(ix));
		assert_int_equal(index_verify(*state), 0);
		good(index_discard(*state));
	}
}

/* Everything is gone but the evidence; a new one can be made. */
static void
test_discard(void **state)
{
	struct index *ix = open_index(*state, INDEX_WRITE);
	struct stat st;

	fill(ix, INBOX, 1, 5);
	good(index_close(ix));
	scratch_write(*state, "lock", "not to be touched");
	good(index_discard(*state));
	assert_int_equal(stat(scratch_path(*state, "index.db"), &st), -1);
	assert_int_equal(stat(scratch_path(*state, "index.bad"), &st), 0);
	assert_int_equal(stat(scratch_path(*state, "lock"), &st), 0);
	assert_int_equal(logs(*state), 0);
	good(index_discard(*state)); /* once more: nothing to do */
	ix = open_index(*state, INDEX_WRITE);
	assert_int_equal(count(ix, INBOX), 0);
	assert_false(known(ix, INBOX, 1));
	fill(ix, INBOX, 1, 5);
	good(index_close(ix));
	assert_int_equal(index_verify(*state), 0);
}

/* What a disk may do to index.db. */
enum damage { ONE_OCTET, ALL_BUT_THE_FIRST_PAGE, EVERYTHING, DAMAGES };

static void
damage(const char *dir, enum damage how)
{
	const char *path = scratch_path(dir, "index.db");
	struct stat st;
	char *data, *at;
	FILE *f = fopen(path, "r+");

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	data = malloc((size_t)st.st_size);
	assert_non_null(data);
	assert_int_equal(fread(data, (size_t)st.st_size, 1, f), 1);
	at = how == ALL_BUT_THE_FIRST_PAGE ? data + 4096 : data;
	if (how != ONE_OCTET)
		memset(at, 'x', (size_t)(data + st.st_size - at));
	/* Of the first message's name, wherever it is. */
	while (how == ONE_OCTET && (at = memmem(at,
	    (size_t)(data + st.st_size - at), "000001.", 7)) != NULL)
		*at = '1';
	assert_int_equal(fseek(f, 0, SEEK_SET), 0);
	assert_int_equal(fwrite(data, (size_t)st.st_size, 1, f), 1);
	assert_int_equal(fclose(f), 0);
	free(data);
}

/* Never taken for good, whichever way it is opened. */
static void
test_damaged(void **state)
{
	struct index *ix;
	enum damage how;

	for (how = 0; how < DAMAGES; how++) {
		ix = open_index(*state, INDEX_WRITE);
		fill(ix, INBOX, 1, 99);
		good(index_close(ix));
		assert_false(refused(look, *state, INDEX_READ));
		damage(*state, how);
		/* It notices, but Berkeley DB 5.3 counts to 2^32 then. */
		if (how != ONE_OCTET)
			assert_true(refused(verify, *state, INDEX_READ));
		assert_true(refused(look, *state, INDEX_READ));
		assert_true(refused(look, *state, INDEX_WRITE));
		good(index_discard(*state));
	}
}

/* Makes a page of index.db one of a type, and without a checksum. */
static void
take_checksum(const char *dir, long page, char type)
{
	FILE *f = fopen(scratch_path(dir, "index.db"), "r+");
	const char octets[] = { 2, type, 0 }; /* its level, its kind, flags */

	assert_non_null(f);
	assert_int_equal(fseek(f, page * 4096 + 24, SEEK_SET), 0);
	assert_int_equal(fwrite(octets, sizeof(octets), 1, f), 1);
	assert_int_equal(fclose(f), 0);
}

static enum finding
check_pages(const char *dir, enum index_mode mode)
{
	struct index *ix;

	if (index_open(&ix, dir, mode) != 0)
		return ODD;
	return index_check_pages(ix) == 0 ? FOUND : REFUSED;
}

/* Berkeley DB takes them as they are, and searches in some for ever. */
static void
test_no_checksum(void **state)
{
	static const char types[] = { 8, 9, 10, 14 };
	struct index *ix;
	size_t type;
	long page;

	for (type = 0; type < sizeof(types); type++)
		for (page = 0; page < 12; page++) {
			ix = open_index(*state, INDEX_WRITE);
			fill(ix, INBOX, 1, 199);
			good(index_check_pages(ix));
			good(index_close(ix));
			take_checksum(*state, page, types[type]);
			if (page >= 8) /* behind the roots */
				assert_true(refused(
				    check_pages, *state, INDEX_WRITE));
			else {
				assert_true(
				    refused(look, *state, INDEX_READ));
				assert_true(
				    refused(look, *state, INDEX_WRITE));
			}
			good(index_discard(*state));
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_on_disk),
		IN_SCRATCH(test_in_memory),
		IN_SCRATCH(test_walks),
		IN_SCRATCH(test_abort),
		IN_SCRATCH(test_reopen),
		IN_SCRATCH(test_missing),
		IN_SCRATCH(test_killed),
		IN_SCRATCH(test_discard),
		IN_SCRATCH(test_damaged),
		IN_SCRATCH(test_no_checksum),
	};

	return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
