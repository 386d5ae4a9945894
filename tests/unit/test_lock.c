/*
 * The lock: one process at a time; and its mark, believed only if all about
 * it is as it was when it was made.
 */
#include <errno.h>
#include <signal.h>

#include "tests/unit/unit.h"

#include "store/lock.h"

#define SOON_MS 60000 /* longer than anybody holds the lock here */

static const struct meta some_meta = { .next_sequence = UINT64_MAX - 1,
	.expunging = 3,
	.folder = { { 1, UINT64_MAX, { INT64_MAX, -1 }, 5, INT64_MIN },
	    { 7, 8, { 9, 10 }, 11, 12 } } };

static struct lock
take(const char *dir)
{
	struct lock l;

	assert_int_equal(lock_take(&l, dir, 0), 0);
	assert_true(l.fd != -1);
	return l;
}

/* What lock_take() says to another process. */
static int
others_try(const char *dir, int wait_ms)
{
	struct lock l;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(lock_take(&l, dir, wait_ms));
	assert_true(pid != -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_exclusion(void **state)
{
	struct lock l = take(*state);

	assert_int_equal(others_try(*state, 0), EAGAIN);
	assert_int_equal(others_try(*state, 50), EAGAIN);
	lock_release(&l);
	assert_int_equal(l.fd, -1);
	lock_release(&l);
	assert_int_equal(others_try(*state, 0), 0);
	/* It ended without a word: the lock is free. */
	l = take(*state);
	assert_int_equal(fcntl(l.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	lock_release(&l);
}

/* A process that holds the lock until it is told to end, or is killed. */
static pid_t
hold(const char *dir, int *tell)
{
	struct lock l;
	int to[2], from[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	pid = fork();
	if (pid == 0) {
		close(to[1]);
		if (lock_take(&l, dir, 0) != 0 || write(from[1], "x", 1) != 1)
			_exit(1);
		_exit(read(to[0], &c, 1) == -1);
	}
	assert_true(pid != -1);
	close(from[1]);
	assert_int_equal(read(from[0], &c, 1), 1);
	close(from[0]);
	close(to[0]);
	*tell = to[1];
	return pid;
}

static void
test_wait(void **state)
{
	struct lock l;
	int tell, status;
	pid_t pid = hold(*state, &tell);

	assert_int_equal(lock_take(&l, *state, 0), EAGAIN);
	assert_int_equal(l.fd, -1);
	close(tell);
	assert_int_equal(lock_take(&l, *state, SOON_MS), 0);
	lock_release(&l);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* I8: whoever is killed leaves it free. */
static void
test_killed(void **state)
{
	struct lock l;
	int tell, status;
	pid_t pid = hold(*state, &tell);

	assert_int_equal(lock_take(&l, *state, 0), EAGAIN);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(lock_take(&l, *state, 0), 0);
	lock_release(&l);
	close(tell);
}

static void
test_no_place(void **state)
{
	char path[PATH_MAX + 16];
	struct lock l;

	assert_int_equal(
	    lock_take(&l, scratch_path(*state, "none"), 0), ENOENT);
	assert_int_equal(l.fd, -1);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(lock_take(&l, path, 0), ENAMETOOLONG);
	assert_int_equal(l.fd, -1);
	/* No symbolic link leads elsewhere. */
	assert_int_equal(
	    symlink("elsewhere", scratch_path(*state, "lock")), 0);
	assert_int_equal(lock_take(&l, *state, 0), ELOOP);
	assert_int_equal(l.fd, -1);
	assert_int_equal(lock_read_mark(&l, &(struct meta){ 0 }), 0);
	assert_int_equal(lock_write_mark(&l, &some_meta), 0);
	assert_int_equal(lock_clear_mark(&l), 0);
}

/* The lock taken, an index.db, and a mark for it that is believed. */
static struct lock
make_mark(const char *dir)
{
	struct lock l;

	lock_learn_boot();
	scratch_write(dir, "index.db", "index");
	l = take(dir);
	assert_int_equal(lock_write_mark(&l, &some_meta), 0);
	return l;
}

static int
believed(const struct lock *l)
{
	struct meta meta;

	memset(&meta, 0x5a, sizeof(meta));
	if (!lock_read_mark(l, &meta))
		return 0;
	assert_memory_equal(&meta, &some_meta, sizeof(meta));
	return 1;
}

static void
test_mark(void **state)
{
	struct lock l = make_mark(*state);
	struct meta meta = some_meta;

	assert_true(believed(&l));
	assert_true(believed(&l));
	/* It stays for the next who takes the lock. */
	lock_release(&l);
	assert_false(believed(&l));
	l = take(*state);
	assert_true(believed(&l));
	/* A shorter one leaves nothing of the longer one behind. */
	memset(&meta, 0, sizeof(meta));
	assert_int_equal(lock_write_mark(&l, &meta), 0);
	meta = some_meta;
	assert_true(lock_read_mark(&l, &meta));
	assert_true(meta.next_sequence == 0);
	assert_int_equal(lock_clear_mark(&l), 0);
	assert_false(believed(&l));
	lock_release(&l);
}

static void
test_no_mark(void **state)
{
	struct lock l;

	lock_learn_boot();
	l = take(*state);
	assert_false(believed(&l));
	/* No index: no mark is made, and that is no error. */
	assert_int_equal(lock_write_mark(&l, &some_meta), 0);
	assert_false(believed(&l));
	lock_release(&l);
}

static size_t
read_text(const struct lock *l, char *text, size_t size)
{
	ssize_t n = pread(l->fd, text, size, 0);

	assert_true(n > 0 && (size_t)n < size);
	return (size_t)n;
}

static void
write_text(const struct lock *l, const char *text, size_t len)
{
	assert_int_equal(ftruncate(l->fd, 0), 0);
	assert_int_equal(pwrite(l->fd, text, len, 0), len);
}

/* Torn anywhere, or with anything behind it, it is no mark. */
static void
test_torn(void **state)
{
	struct lock l = make_mark(*state);
	char text[2048];
	size_t len = read_text(&l, text, sizeof(text)), n;

	for (n = 0; n < len; n++) {
		write_text(&l, text, n);
		assert_false(believed(&l));
	}
	write_text(&l, text, len);
	assert_true(believed(&l));
	text[len] = '\n';
	write_text(&l, text, len + 1);
	assert_false(believed(&l));
	memset(text + len, '\0', sizeof(text) - len);
	write_text(&l, text, sizeof(text));
	assert_false(believed(&l));
	lock_release(&l);
}

/* No octet of it can be another: not the boot, nor a number, nor the sum. */
static void
test_changed_text(void **state)
{
	struct lock l = make_mark(*state);
	char text[2048];
	size_t len = read_text(&l, text, sizeof(text)), n;
	struct meta meta;

	for (n = 0; n < len; n++) {
		text[n] ^= 1;
		write_text(&l, text, len);
		assert_false(lock_read_mark(&l, &meta));
		text[n] ^= 1;
	}
	memset(text, 'x', sizeof(text));
	write_text(&l, text, sizeof(text));
	assert_false(lock_read_mark(&l, &meta));
	lock_release(&l);
}

static void
test_changed_size(void **state)
{
	struct lock l = make_mark(*state);

	scratch_write(*state, "index.db", "longer index");
	assert_false(believed(&l));
	lock_release(&l);
}

/* Same size, and the time of modification put back: ctime tells. */
static void
test_changed_in_place(void **state)
{
	struct lock l = make_mark(*state);
	struct stat before, after;

	assert_int_equal(stat(l.index, &before), 0);
	do {
		scratch_write(*state, "index.db", "INDEX");
		assert_int_equal(stat(l.index, &after), 0);
	} while (after.st_ctim.tv_sec == before.st_ctim.tv_sec &&
	    after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
	assert_int_equal(utimensat(AT_FDCWD, l.index,
			     (struct timespec[2]){ before.st_atim,
				 before.st_mtim }, 0), 0);
	assert_false(believed(&l));
	lock_release(&l);
}

/* A copy with the same contents is another file. */
static void
test_other_inode(void **state)
{
	struct lock l = make_mark(*state);

	scratch_write(*state, "copy", "index");
	assert_int_equal(rename(scratch_path(*state, "copy"), l.index), 0);
	assert_false(believed(&l));
	lock_release(&l);
}

static void
test_index_gone(void **state)
{
	struct lock l = make_mark(*state);

	assert_int_equal(unlink(l.index), 0);
	assert_false(believed(&l));
	lock_release(&l);
}

/*
 * Without knowing the boot no mark is made or believed.  This one has to run
 * before any other learns it, and there is no way to forget: in the program,
 * it is the first.
 */
static void
test_boot_not_known(void **state)
{
	struct lock l;

	scratch_write(*state, "index.db", "index");
	l = take(*state);
	assert_int_equal(lock_write_mark(&l, &some_meta), 0);
	assert_false(believed(&l));
	write_text(&l, "clean ", 6);
	assert_false(believed(&l));
	lock_release(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_boot_not_known),
		IN_SCRATCH(test_exclusion),
		IN_SCRATCH(test_wait),
		IN_SCRATCH(test_killed),
		IN_SCRATCH(test_no_place),
		IN_SCRATCH(test_mark),
		IN_SCRATCH(test_no_mark),
		IN_SCRATCH(test_torn),
		IN_SCRATCH(test_changed_text),
		IN_SCRATCH(test_changed_size),
		IN_SCRATCH(test_changed_in_place),
		IN_SCRATCH(test_other_inode),
		IN_SCRATCH(test_index_gone),
	};

	return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
