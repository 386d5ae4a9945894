/*
 * Preloaded into a program: its calendar is DAYS days ahead.  The stamps of
 * files are the system's, as ever.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int
clock_gettime(clockid_t id, struct timespec *t)
{
	static int (*real)(clockid_t, struct timespec *);
	const char *days = getenv("DAYS");
	int rv;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	rv = real(id, t);
	if (rv == 0 && id == CLOCK_REALTIME && days != NULL)
		t->tv_sec += 86400L * atol(days);
	return rv;
}
