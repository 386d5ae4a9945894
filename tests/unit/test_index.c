/*
 * The index: what is put is found, in order, by number, in bulk; what is
 * committed survives, and what is not leaves no trace, whoever is killed.
 */
#undef _FORTIFY_SOURCE /* it has these functions inline: see failing */

#include <sys/resource.h>
#include <sys/syscall.h>

#include <db.h>
#include <errno.h>
#include <signal.h>

#include "tests/unit/unit.h"

#include "common/log.h"
#include "store/index.h"
#include "store/repair.h"

#define MANY	1000 /* messages: more than one bulk buffer holds */
#define UNKNOWN "nobody"

/* What the system answers from now on, to what Berkeley DB asks of it. */
static struct {
	int open, pread, pwrite, fdatasync;
} failing;

int
open(const char *path, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, int) : 0;
	va_end(ap);
	if (failing.open == 0)
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	errno = failing.open;
	return -1;
}

ssize_t
pread(int fd, void *buf, size_t len, off_t offset)
{
	if (failing.pread == 0)
		return syscall(SYS_pread64, fd, buf, len, offset);
	errno = failing.pread;
	return -1;
}

ssize_t
pwrite(int fd, const void *buf, size_t len, off_t offset)
{
	if (failing.pwrite == 0)
		return syscall(SYS_pwrite64, fd, buf, len, offset);
	errno = failing.pwrite;
	return -1;
}

/* To which the library turns when pread(2) and pwrite(2) have failed. */
ssize_t
read(int fd, void *buf, size_t len)
{
	if (failing.pread == 0)
		return syscall(SYS_read, fd, buf, len);
	errno = failing.pread;
	return -1;
}

ssize_t
write(int fd, const void *buf, size_t len)
{
	if (failing.pwrite == 0)
		return syscall(SYS_write, fd, buf, len);
	errno = failing.pwrite;
	return -1;
}

int
fdatasync(int fd)
{
	if (failing.fdatasync == 0)
		return (int)syscall(SYS_fdatasync, fd);
	errno = failing.fdatasync;
	return -1;
}

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
	e.size = e.octets - 1;
	if (n % 5 == 0)
		snprintf(e.uidl, sizeof(e.uidl), "uidl-%llu",
		    (unsigned long long)n);
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
	assert_string_equal(e->uidl, wanted->uidl);
}

static void
same_name(const struct entry *e, const struct entry *wanted)
{
	same_queued(e, wanted);
	assert_int_equal(e->state, wanted->state);
	assert_int_equal(e->sub, wanted->sub);
	assert_true(e->size == wanted->size);
	assert_int_equal(e->young, wanted->young);
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

	assert_true(error == 0 || error == INDEX_NOT_FOUND);
	return error == 0;
}

static uint64_t
count(struct index *ix, enum folder folder)
{
	uint64_t n = UINT64_MAX;

	good(index_count(ix, folder, &n));
	return n;
}

static const struct totals some_totals = { .identity = "fifteen octets!",
	.generation = 7, .next_sequence = UINT64_MAX - 1, .expunging = 3,
	.folder = { { .count = 1, .octets = UINT64_MAX,
			.time = { INT64_MAX, -1 }, .from_now = -6 },
	    { .names = 7, .young = 8 } } };

static void
check_totals(struct index *ix)
{
	struct totals t;
	int version;

	assert_int_equal(
	    index_get_totals(ix, &t, &version), INDEX_NOT_FOUND);
	good(index_begin(ix));
	good(index_put_totals(ix, &some_totals));
	good(index_commit(ix, 1));
	memset(&t, 0x5a, sizeof(t));
	good(index_get_totals(ix, &t, &version));
	assert_memory_equal(&t, &some_totals, sizeof(t));
	assert_int_equal(version, 2);
}

static void
check_names(struct index *ix)
{
	struct entry e = make_entry(INBOX, 1), wanted;

	good(index_begin(ix));
	assert_int_equal(index_get_name(ix, &e), INDEX_NOT_FOUND);
	good(index_put_name(ix, &e));
	/* The same name in the other folder is another message. */
	e.folder = JUNK;
	assert_int_equal(index_get_name(ix, &e), INDEX_NOT_FOUND);
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
	assert_int_equal(index_get_name(ix, &e), INDEX_NOT_FOUND);
	assert_int_equal(index_delete_name(ix, &e), INDEX_NOT_FOUND);
	good(index_commit(ix, 0));
}

static void
check_longest_names(struct index *ix)
{
	struct entry e = make_entry(INBOX, 5), wanted;

	memset(e.base, 'b', NAME_MAX - 5);
	e.base[NAME_MAX - 5] = '\0';
	memset(e.suffix, 's', 5);
	e.suffix[0] = ':';
	e.suffix[5] = '\0';
	memset(e.uidl, 'u', UIDL_MAX);
	e.uidl[UIDL_MAX] = '\0';
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

static void
expect_uidl(struct index *ix, const char *uidl, enum folder folder,
    const char *base)
{
	struct entry e;

	memset(&e, 0x5a, sizeof(e));
	good(index_find_uidl(ix, uidl, &e));
	assert_int_equal(e.folder, folder);
	assert_string_equal(e.base, base);
}

/* UIDLs that are not base names lead to their names, and to no others. */
static void
check_uidls(struct index *ix)
{
	struct entry a = make_entry(INBOX, 5), b = make_entry(JUNK, 10), e;

	assert_int_equal(index_find_uidl(ix, "uidl-5", &e), INDEX_NOT_FOUND);
	good(index_begin(ix));
	good(index_put_name(ix, &a));
	good(index_put_name(ix, &b));
	expect_uidl(ix, "uidl-5", INBOX, a.base);
	expect_uidl(ix, "uidl-10", JUNK, b.base);
	assert_int_equal(index_find_uidl(ix, a.base, &e), INDEX_NOT_FOUND);
	a.state = EXPUNGING;
	good(index_put_name(ix, &a)); /* once more, changed */
	expect_uidl(ix, "uidl-5", INBOX, a.base);
	/* Who comes second with a UIDL neither gets nor takes it. */
	e = make_entry(INBOX, 15);
	strlcpy(e.uidl, "uidl-10", sizeof(e.uidl));
	good(index_put_name(ix, &e));
	expect_uidl(ix, "uidl-10", JUNK, b.base);
	good(index_delete_name(ix, &e));
	expect_uidl(ix, "uidl-10", JUNK, b.base);
	/* It goes by what is recorded, and not by what the caller thinks. */
	a.uidl[0] = '\0';
	good(index_delete_name(ix, &a));
	assert_int_equal(index_find_uidl(ix, "uidl-5", &e), INDEX_NOT_FOUND);
	good(index_delete_name(ix, &b));
	assert_int_equal(index_find_uidl(ix, "uidl-10", &e), INDEX_NOT_FOUND);
	good(index_commit(ix, 1));
}

/* 1, 3, 5 ... of the inbox; the numbers close up behind what is taken. */
static void
check_numbers(struct index *ix)
{
	struct entry e, wanted;
	uint64_t n, number;

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
		number = 0;
		good(index_number_of(ix, INBOX, 2 * n - 1, &number));
		assert_int_equal(number, n);
		good(index_number_of(ix, INBOX, 2 * n - 2, &number));
		assert_int_equal(number, n);
	}
}

static void
check_no_numbers(struct index *ix)
{
	uint64_t number;
	struct entry e;

	assert_int_equal(
	    index_number_of(ix, INBOX, 100, &number), INDEX_NOT_FOUND);
	assert_int_equal(index_number(ix, INBOX, 0, &e), INDEX_NOT_FOUND);
	assert_int_equal(index_number(ix, INBOX, 51, &e), INDEX_NOT_FOUND);
	/* 2^32 + 1 is not 1. */
	assert_int_equal(
	    index_number(ix, INBOX, UINT32_MAX + 2ULL, &e), INDEX_NOT_FOUND);
	assert_int_equal(
	    index_number(ix, INBOX, UINT64_MAX, &e), INDEX_NOT_FOUND);
}

static void
check_dequeue(struct index *ix)
{
	struct entry e, wanted = make_entry(INBOX, 3);

	good(index_begin(ix));
	good(index_dequeue(ix, &wanted));
	assert_int_equal(index_dequeue(ix, &wanted), INDEX_NOT_FOUND);
	good(index_commit(ix, 0));
	assert_int_equal(index_get_queued(ix, &wanted), INDEX_NOT_FOUND);
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
	check_totals(ix);
	check_uidls(ix);
	check_names(ix);
	check_longest_names(ix);
	check_numbers(ix);
	check_no_numbers(ix);
	check_dequeue(ix);
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
	assert_int_equal(index_walk_next(walk, &e), INDEX_NOT_FOUND);
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
	assert_int_equal(index_walk_next(walk, &e), INDEX_NOT_FOUND);
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
	    index_walk_queue(ix, INBOX, MANY + 1, &walk), INDEX_NOT_FOUND);
	assert_null(walk);
	assert_int_equal(
	    index_walk_queue(ix, INBOX, 0, &walk), INDEX_NOT_FOUND);
	assert_null(walk);
	index_walk_end(NULL);
}

/* What visit() has seen, and when it has seen enough. */
struct seen {
	uint64_t last, count, enough;
};

static int
see(void *arg, struct entry *e)
{
	struct seen *seen = arg;

	assert_true(e->sequence > seen->last);
	seen->last = e->sequence;
	return ++seen->count == seen->enough ? -5 : 0;
}

static void
test_each(void **state)
{
	struct index *ix = open_index(*state, INDEX_WRITE);
	struct seen seen = { 0, 0, 0 };

	good(index_each_name(ix, INBOX, see, &seen));
	good(index_each_queued(ix, INBOX, 1, see, &seen));
	assert_int_equal(seen.count, 0);
	fill(ix, INBOX, 1, 199);
	good(index_each_name(ix, INBOX, see, &seen));
	assert_int_equal(seen.count, 100);
	seen.last = 0;
	good(index_each_queued(ix, INBOX, 41, see, &seen));
	assert_int_equal(seen.count, 160);
	good(index_each_queued(ix, INBOX, 101, see, &seen));
	good(index_each_name(ix, JUNK, see, &seen));
	assert_int_equal(seen.count, 160);
	memset(&seen, 0, sizeof(seen));
	seen.enough = 3;
	assert_int_equal(index_each_name(ix, INBOX, see, &seen), -5);
	assert_int_equal(seen.last, 5);
	good(index_close(ix));
}

/* All three ways to open it walk alike. */
static void
test_walks(void **state)
{
	struct index *ix = open_index(*state, INDEX_WRITE);
	struct walk *walk;
	struct entry e;

	assert_int_equal(
	    index_walk_queue(ix, INBOX, 1, &walk), INDEX_NOT_FOUND);
	good(index_walk_names(ix, INBOX, &walk));
	assert_int_equal(index_walk_next(walk, &e), INDEX_NOT_FOUND);
	index_walk_end(walk);
	good(index_begin(ix));
	good(index_put_totals(ix, &some_totals));
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
	struct totals t;
	int version;
	struct entry e = make_entry(INBOX, 1);

	fill(ix, INBOX, 1, 5);
	good(index_begin(ix));
	add(ix, INBOX, 7);
	good(index_dequeue(ix, &e));
	good(index_delete_name(ix, &e));
	good(index_put_totals(ix, &some_totals));
	assert_int_equal(count(ix, INBOX), 3);
	index_abort(ix);
	index_abort(ix); /* there is none: nothing happens */
	expect_queue(ix, INBOX, 1, 5);
	expect_names(ix, INBOX, 5);
	assert_int_equal(
	    index_get_totals(ix, &t, &version), INDEX_NOT_FOUND);
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

/* What was looked at is changed in its place, whatever was put since. */
static void
test_changed_later(void **state)
{
	struct index *ix = open_index(*state, INDEX_WRITE);
	struct entry e = make_entry(INBOX, MANY), wanted = e;
	uint64_t n;

	good(index_begin(ix));
	add(ix, INBOX, MANY);
	good(index_get_name(ix, &e));
	for (n = 1; n < (uint64_t)2 * MANY; n += 2)
		add(ix, INBOX, n);
	wanted.state = EXPUNGING;
	wanted.sub = CUR;
	strlcpy(wanted.suffix, ":2,FRS", sizeof(wanted.suffix));
	good(index_put_name(ix, &wanted));
	for (n = 1; n < (uint64_t)2 * MANY; n += 2)
		assert_true(known(ix, INBOX, n));
	good(index_get_name(ix, &e));
	same_name(&e, &wanted);
	index_abort(ix);
	assert_false(known(ix, INBOX, MANY));
	good(index_close(ix));
	assert_int_equal(index_verify(*state), 0);
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

	int error;

	if ((error = index_open(&ix, dir, mode)) != 0)
		return ix != NULL ? ODD : REFUSED;
	error = index_get_name(ix, &e);
	if (error == 0)
		return FOUND;
	if (error != INDEX_DAMAGED)
		return error == INDEX_NOT_FOUND ? REFUSED : ODD;
	error = index_number(ix, INBOX, 1, &e);
	index_abandon(ix);
	return error == 0 ? FOUND : REFUSED;
}

static enum finding
verify(const char *dir, enum index_mode mode)
{
	(void)mode;
	return repair_verify(dir) == 0 ? FOUND : REFUSED;
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
		good(repair_discard(*state));
	}
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
		assert_true(refused(verify, *state, INDEX_READ));
		assert_true(refused(look, *state, INDEX_READ));
		assert_true(refused(look, *state, INDEX_WRITE));
		good(repair_discard(*state));
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
		for (page = 0; page < 14; page++) {
			ix = open_index(*state, INDEX_WRITE);
			fill(ix, INBOX, 1, 199);
			good(index_check_pages(ix));
			good(index_close(ix));
			take_checksum(*state, page, types[type]);
			if (page >= 10) /* behind the roots */
				assert_true(refused(
				    check_pages, *state, INDEX_WRITE));
			else {
				assert_true(
				    refused(look, *state, INDEX_READ));
				assert_true(
				    refused(look, *state, INDEX_WRITE));
			}
			good(repair_discard(*state));
		}
}

static int
error_of_commit(struct index *ix, uint64_t messages)
{
	uint64_t n;
	int error = index_begin(ix);

	for (n = 1; error == 0 && n <= messages; n++) {
		struct entry e = make_entry(INBOX, 2 * n - 1);

		error = index_put_name(ix, &e);
		if (error == 0)
			error = index_enqueue(ix, &e);
	}
	return error != 0 ? error : index_commit(ix, 1);
}

/* Whatever Berkeley DB makes of an error, we hear of that one. */
static void
check_write_causes(const char *dir, int error)
{
	struct index *ix = open_index(dir, INDEX_WRITE);

	failing.pwrite = error;
	assert_int_equal(error_of_commit(ix, MANY), error);
	/* The environment is useless now, for the same reason. */
	assert_int_equal(index_trim(ix), error);
	index_abandon(ix);
	failing.pwrite = 0;
	ix = open_index(dir, INDEX_WRITE);
	failing.fdatasync = error;
	assert_int_equal(error_of_commit(ix, 3), error);
	assert_int_equal(index_close(ix), error);
	failing.fdatasync = 0;
}

static void
check_read_causes(const char *dir, int error)
{
	struct index *ix;
	struct totals t;
	int version;

	failing.open = error;
	assert_int_equal(index_open(&ix, dir, INDEX_WRITE), error);
	assert_null(ix);
	failing.open = 0;
	failing.pread = error;
	good(index_open(&ix, dir, INDEX_READ));
	failing.pread = 0;
	good(index_close(ix));
	ix = open_index(dir, INDEX_READ);
	failing.pread = error;
	assert_int_equal(index_get_totals(ix, &t, &version), error);
	failing.pread = 0;
	index_abandon(ix);
}

static void
test_causes(void **state)
{
	static const int errors[] = { ENOSPC, EDQUOT, EIO, EROFS, EFBIG,
		ENOTCONN, ECONNABORTED, EHOSTDOWN };
	struct index *ix;
	size_t i;

	fill(ix = open_index(*state, INDEX_WRITE), INBOX, 1, 5);
	good(index_close(ix));
	for (i = 0; i < NITEMS(errors); i++) {
		check_write_causes(*state, errors[i]);
		check_read_causes(*state, errors[i]);
	}
	assert_string_equal(log_last_warning(), "");
	ix = open_index(*state, INDEX_WRITE);
	expect_queue(ix, INBOX, 1, 5);
	good(index_close(ix));
	assert_int_equal(repair_verify(*state), 0);
}

/* A limit of the system's own: no call is tampered with. */
static void
test_file_size(void **state)
{
	struct rlimit limit = { 600 * 1024, 600 * 1024 };
	struct index *ix = open_index(*state, INDEX_WRITE);
	int status;
	pid_t pid;

	fill(ix, INBOX, 1, 5);
	good(index_close(ix));
	if ((pid = fork()) == 0) {
		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &limit) == -1 ||
		    index_open(&ix, *state, INDEX_WRITE) != 0)
			_exit(1);
		_exit(error_of_commit(ix, 10 * MANY) == 0 &&
		    index_trim(ix) == EFBIG ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	ix = open_index(*state, INDEX_WRITE);
	expect_queue(ix, INBOX, 1, 20 * MANY - 1);
	good(index_close(ix));
}

/* Wrong modes and kinds of files; as root a mode stops nobody. */
static void
test_kinds_of_files(void **state)
{
	struct index *ix;

	assert_int_equal(index_open(&ix, *state, INDEX_READ), ENOENT);
	assert_int_equal(index_open(&ix, scratch_path(*state, "none"),
	    INDEX_WRITE), ENOENT);
	assert_int_equal(
	    mkfifo(scratch_path(*state, "index.db"), 0600), 0);
	assert_int_equal(index_open(&ix, *state, INDEX_READ), INDEX_DAMAGED);
	assert_int_equal(index_open(&ix, *state, INDEX_WRITE), INDEX_DAMAGED);
	assert_null(ix);
	assert_int_equal(unlink(scratch_path(*state, "index.db")), 0);
	scratch_write(*state, "index.db", "");
	assert_int_equal(
	    chmod(scratch_path(*state, "index.db"), 0400), 0);
	if (geteuid() != 0)
		assert_int_equal(
		    index_open(&ix, *state, INDEX_WRITE), EACCES);
}

/* Puts a record into a table of index.db as somebody else would. */
static void
put_raw(const char *dir, const char *table, int numbered, const void *key,
    size_t keylen, const void *data, size_t len)
{
	DBT k, d;
	DB *db;

	memset(&k, 0, sizeof(k));
	memset(&d, 0, sizeof(d));
	k.data = (void *)(uintptr_t)key;
	k.size = (uint32_t)keylen;
	d.data = (void *)(uintptr_t)data;
	d.size = (uint32_t)len;
	assert_int_equal(db_create(&db, NULL, 0), 0);
	assert_int_equal(db->set_flags(
	    db, DB_CHKSUM | (numbered ? (uint32_t)DB_RECNUM : 0)), 0);
	assert_int_equal(db->open(db, NULL, scratch_path(dir, "index.db"),
	    table, DB_BTREE, DB_CREATE, 0600), 0);
	assert_int_equal(db->put(db, NULL, &k, &d, 0), 0);
	assert_int_equal(db->close(db, 0), 0);
}

#define BASE_1 "1792345678.M1P2.host"

/* An index as version 1 left it: three tables, and one message of junk. */
static void
write_version_1(const char *dir)
{
	static const unsigned char name[] = { RETAINED, CUR, 0, 0, 0, 0, 0, 0,
		1, 44, 0, 0, 0, 0, 0, 1, 17, 112, ':', '2', ',', 'S' };
	static const unsigned char seq[] = { 0, 0, 0, 0, 0, 0, 1, 44 };
	static const unsigned char queue[] = { 0, 0, 0, 0, 0, 1, 17, 112, 'b',
		'a', 's', 'e' };
	unsigned char totals[120] = { 0, 0, 0, 0, 0, 0, 0, 1 };

	totals[15] = 45;
	put_raw(dir, "inbox", 1, seq, sizeof(seq), queue, sizeof(queue));
	put_raw(dir, "junk", 1, seq, sizeof(seq), queue, sizeof(queue));
	put_raw(dir, "names", 0, "j" BASE_1, 1 + strlen(BASE_1), name,
	    sizeof(name));
	put_raw(dir, "names", 0, "m", 1, totals, sizeof(totals));
}

static void
expect_version_1(struct index *ix)
{
	char uidl[UIDL_MAX + 1];
	struct totals t;
	struct entry e;
	int version;

	good(index_get_totals(ix, &t, &version));
	assert_int_equal(version, 1);
	assert_int_equal(t.next_sequence, 45);
	memset(&e, 0, sizeof(e));
	e.folder = JUNK;
	strlcpy(e.base, BASE_1, sizeof(e.base));
	good(index_get_name(ix, &e));
	assert_int_equal(e.state, RETAINED);
	assert_true(e.size == SIZE_UNKNOWN);
	maildir_uidl(BASE_1, 1, uidl);
	assert_string_equal(e.uidl, uidl);
	good(index_number(ix, JUNK, 1, &e));
	assert_int_equal(e.sequence, 300);
	assert_int_equal(e.octets, 70000);
	good(index_read_all(ix));
}

/* Read as it is, without a table of UIDLs; written, it gets one. */
static void
test_version_1(void **state)
{
	struct index *ix;
	struct entry e;

	write_version_1(*state);
	ix = open_index(*state, INDEX_READ);
	expect_version_1(ix);
	assert_int_equal(index_find_uidl(ix, "x", &e), INDEX_NOT_FOUND);
	good(index_close(ix));
	ix = open_index(*state, INDEX_WRITE);
	expect_version_1(ix);
	memset(&e, 0, sizeof(e));
	e.folder = JUNK;
	strlcpy(e.base, BASE_1, sizeof(e.base));
	good(index_get_name(ix, &e));
	good(index_begin(ix));
	good(index_put_name(ix, &e)); /* forward */
	good(index_put_totals(ix, &some_totals));
	expect_uidl(ix, e.uidl, JUNK, BASE_1);
	good(index_delete_name(ix, &e));
	assert_int_equal(index_find_uidl(ix, e.uidl, &e), INDEX_NOT_FOUND);
	good(index_commit(ix, 1));
	good(index_close(ix));
	assert_int_equal(repair_verify(*state), 0);
}

/* Seen at a glance, and not touched. */
static void
test_newer(void **state)
{
	struct index *ix;
	struct totals t;
	struct entry e;
	struct stat before, after;
	unsigned char totals[600] = { 0, 0, 0, 0, 0, 0, 0, 3 };
	int version;

	write_version_1(*state);
	put_raw(*state, "names", 0, "m", 1, totals, sizeof(totals));
	put_raw(*state, "names", 0, "inew", 4, "\x83 and more", 10);
	assert_int_equal(stat(scratch_path(*state, "index.db"), &before), 0);
	ix = open_index(*state, INDEX_READ);
	assert_int_equal(index_get_totals(ix, &t, &version), INDEX_NEWER);
	memset(&e, 0, sizeof(e));
	strlcpy(e.base, "new", sizeof(e.base));
	assert_int_equal(index_get_name(ix, &e), INDEX_NEWER);
	assert_int_equal(
	    index_each_name(ix, INBOX, see, NULL), INDEX_NEWER);
	good(index_close(ix));
	assert_int_equal(stat(scratch_path(*state, "index.db"), &after), 0);
	assert_memory_equal(&before.st_ctim, &after.st_ctim,
	    sizeof(before.st_ctim));
	assert_int_equal(logs(*state), 0);
}

/* Damage is told of once, in the words of Berkeley DB. */
static void
test_told(void **state)
{
	struct entry e = make_entry(INBOX, 1);
	struct index *ix = open_index(*state, INDEX_WRITE);
	uint64_t count;
	int status;

	fill(ix, INBOX, 1, 99);
	good(index_close(ix));
	damage(*state, ONE_OCTET);
	if (fork() == 0) { /* what it loses is not ours */
		if (index_open(&ix, *state, INDEX_READ) != 0 ||
		    index_get_name(ix, &e) != INDEX_DAMAGED ||
		    strstr(log_last_warning(), "checksum error") == NULL)
			_exit(1);
		log_warn("nothing more");
		(void)index_get_name(ix, &e);
		(void)index_count(ix, INBOX, &count);
		index_abandon(ix);
		_exit(strcmp(log_last_warning(), "nothing more") != 0);
	}
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_on_disk),
		IN_SCRATCH(test_in_memory),
		IN_SCRATCH(test_each),
		IN_SCRATCH(test_walks),
		IN_SCRATCH(test_abort),
		IN_SCRATCH(test_changed_later),
		IN_SCRATCH(test_reopen),
		IN_SCRATCH(test_missing),
		IN_SCRATCH(test_killed),
		IN_SCRATCH(test_damaged),
		IN_SCRATCH(test_no_checksum),
		IN_SCRATCH(test_causes),
		IN_SCRATCH(test_file_size),
		IN_SCRATCH(test_kinds_of_files),
		IN_SCRATCH(test_version_1),
		IN_SCRATCH(test_newer),
		IN_SCRATCH(test_told),
	};

	return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
