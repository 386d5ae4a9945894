/*
 * For the targets that are a process taken over by a hostile session: they
 * include its source, so that its requests can be served one by one, and
 * end it many times a second.
 */
#ifndef TESTS_FUZZ_PROCESS_H
#define TESTS_FUZZ_PROCESS_H

#include <poll.h>
#include <setjmp.h>
#include <time.h>

#include "tests/fuzz/raw.h"
#include "tests/fuzz/scratch.h"
#include "tests/fuzz/lines.h"

/* _exit(2) leads back to where the process was started. */
static jmp_buf over;

static inline void __attribute__((noreturn))
leave(int status)
{
	(void)status;
	longjmp(over, 1);
}
#define _exit(status) leave(status)

/*
 * How many descriptors this process has: none may be left behind.  Pipes
 * are not ours, the sanitizers talk through them.
 */
static inline int
open_fds(void)
{
	struct stat st;
	int fd, n = 0;

	for (fd = 0; fd < 128; fd++)
		n += fstat(fd, &st) == 0 && !S_ISFIFO(st.st_mode);
	return n;
}

#endif
