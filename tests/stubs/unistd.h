/*
 * OpenBSD's <unistd.h> declares what Linux' does not: with this one before
 * it, common/sandbox_openbsd.c compiles on Linux, and runs against
 * openbsd.c:
 *
 *	cc -std=c99 -I. -Itests/stubs -D_GNU_SOURCE -o sandbox_openbsd \
 *	    tests/stubs/openbsd.c common/sandbox_openbsd.c &&
 *	    ./sandbox_openbsd
 */
#ifndef TESTS_STUBS_UNISTD_H
#define TESTS_STUBS_UNISTD_H

#include_next <unistd.h>

int crypt_checkpass(const char *password, const char *hash);
int crypt_newhash(const char *password, const char *preference, char *hash,
    size_t size);
int pledge(const char *promises, const char *execpromises);
int unveil(const char *path, const char *permissions);

#endif
