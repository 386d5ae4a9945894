/*
 * What the unit tests share: cmocka, and a directory of each test's own
 * that is gone when the test is over, whatever became of it.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NITEMS(array) (sizeof(array) / sizeof((array)[0]))

/* A test that has a directory: its path is *state. */
#define IN_SCRATCH(test) \
	cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

static inline int
scratch_make(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = malloc(PATH_MAX);

	if (dir == NULL)
		return -1;
	snprintf(dir, PATH_MAX, "%s/pop3d-unit.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	*state = mkdtemp(dir);
	if (*state == NULL)
		free(dir);
	return *state == NULL ? -1 : 0;
}

static inline int
scratch_unlink(
    const char *path, const struct stat *st, int what, struct FTW *ftw)
{
	(void)st;
	(void)what;
	(void)ftw;
	return remove(path);
}

static inline int
scratch_remove(void **state)
{
	int rv = nftw(*state, scratch_unlink, 8, FTW_DEPTH | FTW_PHYS);

	free(*state);
	return rv;
}

/* dir/name, in one of four buffers that take turns. */
static inline char *
scratch_path(const char *dir, const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned int turn;

	turn = (turn + 1) % NITEMS(path);
	strlcpy(path[turn], dir, PATH_MAX);
	strlcat(path[turn], "/", PATH_MAX);
	assert_true(strlcat(path[turn], name, PATH_MAX) < PATH_MAX);
	return path[turn];
}

/* Makes the file dir/name, or changes what is in it. */
static inline void
scratch_write(const char *dir, const char *name, const char *text)
{
	FILE *f = fopen(scratch_path(dir, name), "w");

	assert_non_null(f);
	assert_int_equal(fputs(text, f) < 0, 0);
	assert_int_equal(fclose(f), 0);
}

#endif
