/*
 * The quota of a Maildir++: what counts for a message, and how it is taken
 * off where there is a file for it, and nowhere else.
 */
#include <sys/resource.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>

#include "tests/unit/unit.h"

#include "store/quota.h"

#define LIMITS "10000000S,1000C\n"

static const struct {
	const char *name;
	uint64_t octets; /* of a file of 77 */
} names[] = {
	{ "1700000000.M1P2.host,S=1234:2,S", 1234 },
	{ "1700000000.M1P2.host,S=1234", 1234 },
	{ "1700000000.M1P2.host,S=1234,W=1300:2,", 1234 },
	{ "1.x,W=1300,S=5", 5 },
	{ "1.x,S=0:2,", 0 },
	{ "1.x,S=1,S=2:2,", 2 },
	{ "1.x,S=9223372036854775807", 77 },
	{ "1.x,S=922337203685477579", 922337203685477579 },
	{ "1.x,S=99999999999999999999999", 77 },
	{ "1.x,S=:2,", 77 },
	{ "1.x,S=", 77 },
	{ "1.x,S=-5", 77 },
	{ "1.x,S", 77 },
	{ "1.x:2,S=5", 77 },
	{ "1.x", 77 },
	{ "", 77 },
};

static void
test_octets(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(names); i++)
		if (quota_octets(names[i].name, 77) != names[i].octets)
			fail_msg("%s: %" PRIu64, names[i].name,
			    quota_octets(names[i].name, 77));
}

static void
expect_text(const char *dir, const char *expected)
{
	char text[1024];
	FILE *f = fopen(scratch_path(dir, "maildirsize"), "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	assert_string_equal(text, expected);
}

static void
test_take_off(void **state)
{
	scratch_write(*state, "maildirsize", LIMITS "5000 3\n");
	assert_int_equal(quota_take_off(*state, 2, 4096), 0);
	expect_text(*state, LIMITS "5000 3\n-4096 -2\n");
	assert_int_equal(quota_take_off(*state, 0, 0), 0);
	assert_int_equal(quota_take_off(*state, 1, 0), 0);
	expect_text(*state, LIMITS "5000 3\n-4096 -2\n-0 -1\n");
	assert_int_equal(quota_add(*state, 0, 0), 0);
	assert_int_equal(quota_add(*state, 2, 77), 0);
	expect_text(*state, LIMITS "5000 3\n-4096 -2\n-0 -1\n77 2\n");
}

/* It is not made where it is missing, nor is anything else written to. */
static void
test_no_file(void **state)
{
	char *path = scratch_path(*state, "maildirsize"), dir[PATH_MAX];
	struct stat st;
	int fd;

	alarm(60);
	assert_int_equal(quota_take_off(*state, 1, 1), 0);
	assert_int_equal(lstat(path, &st), -1);
	assert_int_equal(quota_take_off(scratch_path(*state, "x"), 1, 1), 0);
	scratch_write(*state, "elsewhere", "");
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_int_equal(quota_take_off(*state, 1, 1), 0);
	assert_int_equal(stat(scratch_path(*state, "elsewhere"), &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(quota_take_off(*state, 1, 1), 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(quota_take_off(*state, 1, 1), 0);
	assert_true((fd = open(path, O_RDONLY | O_NONBLOCK)) != -1);
	assert_int_equal(quota_take_off(*state, 1, 1), 0);
	assert_int_equal(read(fd, dir, 1), 0);
	close(fd);
	alarm(0);
	memset(dir, 'x', sizeof(dir) - 1);
	dir[sizeof(dir) - 1] = '\0';
	assert_int_equal(quota_take_off(dir, 1, 1), ENAMETOOLONG);
}

static void
test_error(void **state)
{
	struct rlimit none, before;

	scratch_write(*state, "maildirsize", LIMITS);
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = before;
	none.rlim_cur = strlen(LIMITS);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(quota_take_off(*state, 1, 1), EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	expect_text(*state, LIMITS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_octets),
		IN_SCRATCH(test_take_off),
		IN_SCRATCH(test_no_file),
		IN_SCRATCH(test_error),
	};

	return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}
