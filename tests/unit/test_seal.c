/*
 * The seal: believed only if all about it is as it was when it was made.
 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "tests/unit/unit.h"

#include "store/boot.h"
#include "store/seal.h"

static const struct totals some_totals = { .identity = "0123456789abcdef",
	.generation = 99,
	.next_sequence = UINT64_MAX - 1,
	.expunging = 3,
	.forwarded = 1700000000,
	.uidls_inode = 17,
	.uidls_size = 18,
	.uidls_changed = INT64_MAX,
	.folder = { { 1, UINT64_MAX, 6, 2, 1, 5, { INT64_MAX, 1 }, 5,
			INT64_MIN },
	    { 7, 8, 70, 3, 0, 0, { 9, 10 }, 11, 12 } } };

static char index_db[PATH_MAX];

static int
open_lock(const char *dir)
{
	int fd = open(scratch_path(dir, "lock"), O_RDWR | O_CREAT, 0600);

	assert_true(fd != -1);
	strlcpy(index_db, scratch_path(dir, "index.db"), sizeof(index_db));
	return fd;
}

/* An index.db, and a seal for it that is believed. */
static int
make_seal(const char *dir)
{
	int fd = open_lock(dir);

	boot_learn();
	scratch_write(dir, "index.db", "index");
	assert_int_equal(seal_write(fd, index_db, &some_totals), 0);
	return fd;
}

static enum seal_state
state_of(int fd)
{
	struct totals t;
	enum seal_state seen;

	memset(&t, 0, sizeof(t));
	seen = seal_read(fd, index_db, &t);
	if (seen == SEAL_GOOD)
		assert_memory_equal(&t, &some_totals, sizeof(t));
	return seen;
}

static size_t
read_text(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size, 0);

	assert_true(n > 0 && (size_t)n < size);
	return (size_t)n;
}

static void
write_text(int fd, const char *text, size_t len)
{
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, text, len, 0), len);
}

static void
test_seal(void **state)
{
	int fd = make_seal(*state);
	struct totals t;

	assert_int_equal(state_of(fd), SEAL_GOOD);
	assert_int_equal(state_of(fd), SEAL_GOOD);
	/* It stays for the next who takes the lock. */
	close(fd);
	fd = open_lock(*state);
	assert_int_equal(state_of(fd), SEAL_GOOD);
	/* Another one takes its place. */
	memset(&t, 0, sizeof(t));
	t.next_sequence = 5;
	assert_int_equal(seal_write(fd, index_db, &t), 0);
	assert_int_equal(seal_read(fd, index_db, &t), SEAL_GOOD);
	assert_true(t.next_sequence == 5);
	assert_int_equal(seal_break(fd), 0);
	assert_int_equal(state_of(fd), SEAL_NONE);
	/* What somebody has appended does not make it whole when it is cut. */
	assert_int_equal(seal_write(fd, index_db, &t), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END) > 0, 1);
	assert_int_equal(write(fd, "\n", 1), 1);
	assert_int_equal(seal_break(fd), 0);
	assert_int_equal(state_of(fd), SEAL_NONE);
	close(fd);
}

/* Nothing was changed, perhaps on a full disk: it takes no room to mend. */
static void
test_mend(void **state)
{
	int fd = make_seal(*state);
	struct totals others = some_totals;
	struct stat st;
	off_t size;

	assert_int_equal(fstat(fd, &st), 0);
	size = st.st_size;
	assert_int_equal(seal_break(fd), 0);
	assert_int_equal(state_of(fd), SEAL_NONE);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_size == size - 1);
	others.generation++;
	assert_int_equal(seal_mend(fd, index_db, &others), ESTALE);
	assert_int_equal(seal_mend(fd, index_db, &some_totals), 0);
	assert_int_equal(state_of(fd), SEAL_GOOD);
	/* It is not broken, so there is nothing to mend. */
	assert_int_equal(seal_mend(fd, index_db, &some_totals), ESTALE);
	/* An index that was written to meanwhile is another one. */
	assert_int_equal(seal_break(fd), 0);
	scratch_write(*state, "index.db", "longer index");
	assert_int_equal(seal_mend(fd, index_db, &some_totals), ESTALE);
	assert_int_equal(state_of(fd), SEAL_NONE);
	assert_int_equal(seal_break(fd), 0);
	assert_int_equal(seal_mend(fd, index_db, &some_totals), ESTALE);
	assert_int_equal(seal_mend(-1, index_db, &some_totals), EBADF);
	close(fd);
}

/* I14: it says which version it is, in words that a person can read. */
static void
test_text(void **state)
{
	int fd = make_seal(*state);
	char text[2048], host[65], expected[256];
	struct stat st;
	size_t len = read_text(fd, text, sizeof(text) - 1);

	text[len] = '\0';
	assert_int_equal(gethostname(host, sizeof(host)), 0);
	assert_int_equal(stat(index_db, &st), 0);
	snprintf(expected, sizeof(expected), "seal 2 %s/", host);
	assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
	snprintf(expected, sizeof(expected), " %llu 5 %lld.%09ld ",
	    (unsigned long long)st.st_ino, (long long)st.st_ctim.tv_sec,
	    st.st_ctim.tv_nsec);
	assert_non_null(strstr(text, expected));
	assert_int_equal(text[len - 1], '\n');
	assert_null(memchr(text, '\n', len - 1));
	close(fd);
}

static void
test_none(void **state)
{
	int fd = open_lock(*state);
	struct stat st;

	boot_learn();
	assert_int_equal(state_of(fd), SEAL_NONE);
	/* There is nothing to seal. */
	assert_int_equal(seal_write(fd, index_db, &some_totals), ENOENT);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	close(fd);
	assert_int_equal(state_of(-1), SEAL_NONE);
	assert_int_equal(seal_break(-1), EBADF);
	assert_int_equal(seal_write_suspicion(-1), EBADF);
}

/* Torn anywhere, or with anything behind it, it is no seal. */
static void
test_torn(void **state)
{
	int fd = make_seal(*state);
	char text[2048];
	size_t len = read_text(fd, text, sizeof(text)), n;

	for (n = 0; n < len; n++) {
		write_text(fd, text, n);
		assert_int_equal(state_of(fd), SEAL_NONE);
	}
	write_text(fd, text, len);
	assert_int_equal(state_of(fd), SEAL_GOOD);
	text[len] = '\n';
	write_text(fd, text, len + 1);
	assert_int_equal(state_of(fd), SEAL_NONE);
	memset(text + len, '\0', sizeof(text) - len);
	write_text(fd, text, sizeof(text));
	assert_int_equal(state_of(fd), SEAL_NONE);
	close(fd);
}

/*
 * No octet of it can be another: not the boot, nor a number, nor the sum.
 * The version's may make it a newer one's; believed it is never.
 */
static void
test_changed_text(void **state)
{
	int fd = make_seal(*state);
	char text[2048];
	size_t len = read_text(fd, text, sizeof(text)), n;

	for (n = 0; n < len; n++) {
		text[n] ^= 1;
		write_text(fd, text, len);
		assert_int_equal(state_of(fd),
		    n == strlen("seal ") ? SEAL_NEWER : SEAL_NONE);
		text[n] ^= 1;
	}
	memset(text, 'x', sizeof(text));
	write_text(fd, text, sizeof(text));
	assert_int_equal(state_of(fd), SEAL_NONE);
	close(fd);
}

static const struct {
	const char *text;
	enum seal_state state;
} texts[] = {
	{ "seal 3 ", SEAL_NEWER },
	{ "seal 3 whatever a later version wants\n", SEAL_NEWER },
	{ "seal 10 \n", SEAL_NEWER },
	{ "seal 99999999999999999999999 \n", SEAL_NEWER },
	{ "seal 3", SEAL_NONE },
	{ "seal 3\n", SEAL_NONE },
	{ "seal ", SEAL_NONE },
	{ "seal  ", SEAL_NONE },
	{ "seal -3 ", SEAL_NONE },
	{ "seal 0 ", SEAL_NONE },
	{ "seal 1 ", SEAL_NONE },
	{ "seal 2 ", SEAL_NONE },
	{ "seal 02 ", SEAL_NONE },
	{ "seal 2 suspicious\n", SEAL_SUSPECT },
	{ "seal 2 suspicious", SEAL_NONE },
	/* What version 1 wrote. */
	{ "suspicious\n", SEAL_SUSPECT },
	{ "suspicious\nx", SEAL_NONE },
	{ "clean host/boot 1 2 3.000000004 5 0 1 100 7 8 9 0 0 0 1 1 0 0 "
	  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
	    SEAL_NONE },
};

static void
test_versions(void **state)
{
	int fd = make_seal(*state);
	size_t i;

	for (i = 0; i < NITEMS(texts); i++) {
		write_text(fd, texts[i].text, strlen(texts[i].text));
		assert_int_equal(state_of(fd), texts[i].state);
	}
	close(fd);
}

static void
test_suspicion(void **state)
{
	int fd = make_seal(*state);

	assert_int_equal(seal_write_suspicion(fd), 0);
	assert_int_equal(state_of(fd), SEAL_SUSPECT);
	assert_int_equal(seal_write(fd, index_db, &some_totals), 0);
	assert_int_equal(state_of(fd), SEAL_GOOD);
	close(fd);
}

static void
test_changed_size(void **state)
{
	int fd = make_seal(*state);

	scratch_write(*state, "index.db", "longer index");
	assert_int_equal(state_of(fd), SEAL_NONE);
	close(fd);
}

/* Same size, and the time of modification put back: ctime tells. */
static void
test_changed_in_place(void **state)
{
	int fd = make_seal(*state);
	struct stat before, after;

	assert_int_equal(stat(index_db, &before), 0);
	do {
		scratch_write(*state, "index.db", "INDEX");
		assert_int_equal(stat(index_db, &after), 0);
	} while (after.st_ctim.tv_sec == before.st_ctim.tv_sec &&
	    after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
	assert_int_equal(utimensat(AT_FDCWD, index_db,
			     (struct timespec[2]){ before.st_atim,
				 before.st_mtim }, 0), 0);
	assert_int_equal(state_of(fd), SEAL_NONE);
	close(fd);
}

/* A copy with the same contents is another file. */
static void
test_other_inode(void **state)
{
	int fd = make_seal(*state);

	scratch_write(*state, "copy", "index");
	assert_int_equal(rename(scratch_path(*state, "copy"), index_db), 0);
	assert_int_equal(state_of(fd), SEAL_NONE);
	close(fd);
}

static void
test_index_gone(void **state)
{
	int fd = make_seal(*state);

	assert_int_equal(unlink(index_db), 0);
	assert_int_equal(state_of(fd), SEAL_NONE);
	close(fd);
}

/* A disk that is full in the middle of it leaves none, not half of one. */
static void
test_disk_full(void **state)
{
	int fd = make_seal(*state);
	struct rlimit little, before;
	struct stat st;

	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	little = before;
	little.rlim_cur = 100;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	assert_int_equal(seal_write(fd, index_db, &some_totals), ENOSPC);
	little.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	assert_int_equal(seal_write(fd, index_db, &some_totals), EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(state_of(fd), SEAL_NONE);
	close(fd);
}

static void
expect_names(const char *dir, uint64_t inbox, uint64_t junk)
{
	uint64_t names[FOLDERS] = { 4711, 4711 };

	seal_peek(dir, names);
	assert_true(names[INBOX] == inbox && names[JUNK] == junk);
}

static void
test_peek(void **state)
{
	char *path = scratch_path(*state, "lock"), text[2048];
	int fd;

	expect_names(*state, 0, 0);
	fd = make_seal(*state);
	expect_names(*state, 6, 70);
	/* For another index it still tells. */
	scratch_write(*state, "index.db", "longer index");
	expect_names(*state, 6, 70);
	memset(text, 'a', sizeof(text));
	write_text(fd, text, sizeof(text));
	expect_names(*state, 0, 0);
	assert_int_equal(seal_break(fd), 0);
	expect_names(*state, 0, 0);
	close(fd);
	/* Nothing but a regular file is read, and nothing is waited for. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(60);
	expect_names(*state, 0, 0);
	alarm(0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("index.db", path), 0);
	expect_names(*state, 0, 0);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	expect_names(text, 0, 0);
}

/*
 * Without knowing the boot no seal is made or believed.  This one has to run
 * before any other learns it, and there is no way to forget: in the program,
 * it is the first.
 */
static void
test_boot_not_known(void **state)
{
	int fd = open_lock(*state);
	struct stat st;

	scratch_write(*state, "index.db", "index");
	write_text(fd, "an older seal", 13);
	assert_int_equal(seal_write(fd, index_db, &some_totals), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(state_of(fd), SEAL_NONE);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_boot_not_known),
		IN_SCRATCH(test_seal),
		IN_SCRATCH(test_mend),
		IN_SCRATCH(test_text),
		IN_SCRATCH(test_none),
		IN_SCRATCH(test_torn),
		IN_SCRATCH(test_changed_text),
		IN_SCRATCH(test_versions),
		IN_SCRATCH(test_suspicion),
		IN_SCRATCH(test_changed_size),
		IN_SCRATCH(test_changed_in_place),
		IN_SCRATCH(test_other_inode),
		IN_SCRATCH(test_index_gone),
		IN_SCRATCH(test_disk_full),
		IN_SCRATCH(test_peek),
	};

	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
