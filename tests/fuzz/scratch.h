/*
 * A directory of the process's own, for the targets that need files.
 */
#ifndef TESTS_FUZZ_SCRATCH_H
#define TESTS_FUZZ_SCRATCH_H

#include <sys/stat.h>

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>

#include "tests/fuzz/fuzz.h"

static char scratch[PATH_MAX];

static inline int
scratch_unlink(
    const char *path, const struct stat *st, int what, struct FTW *ftw)
{
	(void)st;
	(void)what;
	return ftw->level == 0 ? 0 : remove(path);
}

/* Removes all that is in it. */
static inline void
scratch_clear(void)
{
	(void)nftw(scratch, scratch_unlink, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void
scratch_remove(void)
{
	scratch_clear();
	(void)rmdir(scratch);
}

static inline void
scratch_make(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(scratch, sizeof(scratch), "%s/pop3d-fuzz.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	MUST(mkdtemp(scratch) != NULL);
	MUST(atexit(scratch_remove) == 0);
}

/* Its path with name behind, in one of four buffers that take turns. */
static inline char *
scratch_path(const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned int turn;

	turn = (turn + 1) % 4;
	MUST((size_t)snprintf(path[turn], PATH_MAX, "%.2000s/%s", scratch,
		 name) < PATH_MAX);
	return path[turn];
}

#endif
