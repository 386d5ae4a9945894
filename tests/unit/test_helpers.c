/*
 * The small helpers of common/: clocks, sentences, directories, and what
 * Berkeley DB is told before it opens a file.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <time.h>

#include "common/bdb.h"
#include "common/clock.h"
#include "common/directory.h"
#include "common/error.h"
#include "common/log.h"

static void
test_clocks(void **state)
{
	const struct timespec pause = { 0, 20 * 1000 * 1000 };
	int64_t ms = clock_ms(), ns = clock_ns(), file = clock_file_ns();
	struct stat st;
	int64_t made;

	assert_in_range(ns / CLOCK_NS, time(NULL) - 1, time(NULL));
	assert_true(file <= ns && ns - file < CLOCK_NS / 10);
	scratch_write(*state, "file", "");
	assert_int_equal(stat(scratch_path(*state, "file"), &st), 0);
	made = (int64_t)st.st_mtim.tv_sec * CLOCK_NS + st.st_mtim.tv_nsec;
	assert_true(made >= file);
	assert_int_equal(nanosleep(&pause, NULL), 0);
	assert_in_range(clock_ms() - ms, 20, 10000);
	assert_in_range(clock_ns() - ns, 20 * 1000 * 1000, 10 * CLOCK_NS);
}

static void
test_error(void **state)
{
	char err[8];

	(void)state;
	memset(err, 'x', sizeof(err));
	assert_int_equal(error_set(err, 6, "%s %d", "no", 7), -1);
	assert_string_equal(err, "no 7");
	assert_int_equal(error_set(err, 6, "1234567890"), -1);
	assert_string_equal(err, "12345");
	assert_int_equal(err[6], 'x');
}

static mode_t
mode_of(const char *dir, const char *name)
{
	struct stat st;

	assert_int_equal(stat(scratch_path(dir, name), &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	return st.st_mode & 07777;
}

static void
test_directory(void **state)
{
	char path[PATH_MAX];

	umask(022);
	strlcpy(path, scratch_path(*state, "a/b/c"), sizeof(path));
	assert_int_equal(directory_make(path, 0755, 0700), 0);
	assert_int_equal(mode_of(*state, "a"), 0755);
	assert_int_equal(mode_of(*state, "a/b"), 0755);
	assert_int_equal(mode_of(*state, "a/b/c"), 0700);
	/* What is there stays as it is. */
	assert_int_equal(directory_make(path, 0777, 0777), 0);
	assert_int_equal(mode_of(*state, "a/b/c"), 0700);
	strlcat(path, "/d/", sizeof(path));
	assert_int_equal(directory_make(path, 0700, 0711), 0);
	assert_int_equal(mode_of(*state, "a/b/c/d"), 0711);
}

static void
test_no_directory(void **state)
{
	char path[PATH_MAX + 8];

	scratch_write(*state, "file", "");
	assert_int_equal(directory_make(
			     scratch_path(*state, "file/sub"), 0700, 0700), -1);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(directory_make("/proc/none/sub", 0700, 0700), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(directory_make("", 0700, 0700), -1);
	assert_int_equal(errno, ENOENT);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(directory_make(path, 0700, 0700), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

/* A damaged page is an error, and the words about it are in the log. */
static void
test_bdb(void **state)
{
	char *path = scratch_path(*state, "file.db");
	DB *db;
	DBT key = { .data = "key", .size = 3 }, data = { .data = "value",
		.size = 5 };
	int fd;

	assert_int_equal(db_create(&db, NULL, 0), 0);
	assert_int_equal(bdb_prepare(db), 0);
	assert_int_equal(db->open(db, NULL, path, NULL, DB_BTREE, DB_CREATE,
			     0600), 0);
	assert_int_equal(db->put(db, NULL, &key, &data, 0), 0);
	assert_int_equal(db->sync(db, 0), 0);
	assert_int_equal(bdb_check_pages(db, UINT32_MAX), 0);
	assert_int_equal(db->close(db, 0), 0);

	assert_true((fd = open(path, O_RDWR)) != -1);
	assert_int_equal(pwrite(fd, "damaged", 7, 4096 + 2048), 7);
	close(fd);
	assert_int_equal(db_create(&db, NULL, 0), 0);
	db->set_errpfx(db, "accounts");
	assert_int_equal(bdb_prepare(db), 0);
	assert_int_equal(db->open(db, NULL, path, NULL, DB_BTREE, DB_RDONLY,
			     0600), 0);
	assert_string_equal(log_last_warning(), "");
	assert_int_not_equal(db->get(db, NULL, &key, &data, 0), 0);
	assert_ptr_equal(strstr(log_last_warning(), "accounts: "),
	    log_last_warning());
	(void)db->close(db, DB_NOSYNC);
}

/* Larger than the cache: verifying it takes temporary files. */
static void
make_large(const char *path)
{
	char text[64];
	DB *db;
	DBT key = { .data = text }, data = { .data = text };
	int i;

	assert_int_equal(db_create(&db, NULL, 0), 0);
	assert_int_equal(bdb_prepare(db), 0);
	assert_int_equal(db->set_cachesize(db, 0, 32 * 1024 * 1024, 1), 0);
	assert_int_equal(db->open(db, NULL, path, NULL, DB_BTREE, DB_CREATE,
			     0600), 0);
	for (i = 0; i < 40000; i++) {
		snprintf(text, sizeof(text), "%063d", i);
		key.size = data.size = sizeof(text);
		assert_int_equal(db->put(db, NULL, &key, &data, 0), 0);
	}
	assert_int_equal(db->close(db, 0), 0);
}

static void
test_verify(void **state)
{
	const struct timespec old[2] = { { 1, 0 }, { 1, 0 } };
	char *path = scratch_path(*state, "file.db");
	char *tmp = scratch_path(*state, "tmp");
	struct stat st;
	int fd;

	make_large(path);
	assert_int_equal(mkdir(tmp, 0700), 0);
	assert_int_equal(utimensat(AT_FDCWD, tmp, old, 0), 0);
	assert_int_equal(bdb_verify(path, tmp, bdb_report), 0);
	/* Its files were there, and are gone. */
	assert_int_equal(stat(tmp, &st), 0);
	assert_int_not_equal(st.st_mtim.tv_sec, old[1].tv_sec);
	assert_int_equal(rmdir(tmp), 0);

	assert_true((fd = open(path, O_RDWR)) != -1);
	assert_int_equal(pwrite(fd, "damaged", 7, 100 * 4096 + 2048), 7);
	close(fd);
	assert_int_not_equal(bdb_verify(path, *state, bdb_report), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_clocks),
		cmocka_unit_test(test_error),
		IN_SCRATCH(test_directory),
		IN_SCRATCH(test_no_directory),
		IN_SCRATCH(test_bdb),
		IN_SCRATCH(test_verify),
	};

	return cmocka_run_group_tests_name("helpers", tests, NULL, NULL);
}
