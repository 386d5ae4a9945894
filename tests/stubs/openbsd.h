/*
 * What OpenBSD's <unistd.h> has and Linux' has not, to compile
 * common/sandbox_openbsd.c elsewhere:
 *
 *	cc -std=c99 -I. -D_GNU_SOURCE -include tests/stubs/openbsd.h \
 *	    -o sandbox_openbsd tests/stubs/openbsd.c \
 *	    common/sandbox_openbsd.c && ./sandbox_openbsd
 */
#ifndef TESTS_STUBS_OPENBSD_H
#define TESTS_STUBS_OPENBSD_H

int pledge(const char *promises, const char *execpromises);
int unveil(const char *path, const char *permissions);

#endif
