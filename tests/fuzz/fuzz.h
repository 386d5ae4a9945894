/*
 * What the fuzz targets share: what libFuzzer calls, and how a target takes
 * its input apart and says that something is wrong.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Berkeley DB finds its memory by offsets, which the leak checker cannot
 * follow: neither its own calls (__os_malloc() and its like) nor what notes
 * for us whether they failed (store/cause.c).  What we allocate ourselves is
 * still counted.  A target that uses it says so.
 */
const char *__lsan_default_suppressions(void);
#define USES_BERKELEY_DB                               \
	const char *                                   \
	__lsan_default_suppressions(void)              \
	{                                              \
		return "leak:__os_\nleak:noting_\n"; \
	}

/* abort(3) is a finding: libFuzzer keeps the input. */
#define MUST(what)                                                     \
	do {                                                           \
		if (!(what)) {                                         \
			fprintf(stderr, "%s:%d: not so: %s\n",         \
			    __FILE__, __LINE__, #what);                \
			abort();                                       \
		}                                                      \
	} while (0)

/* The input, taken from its beginning; zeroes behind its end. */
struct input {
	const uint8_t *at;
	size_t left;
};

static inline unsigned int
take8(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

static inline uint64_t
take64(struct input *in)
{
	uint64_t n = 0;
	int i;

	for (i = 0; i < 8; i++)
		n = n << 8 | take8(in);
	return n;
}

/* At most len octets, in memory that ends where they end; free() it. */
static inline uint8_t *
take(struct input *in, size_t len, size_t *got)
{
	uint8_t *copy;

	*got = len < in->left ? len : in->left;
	MUST((copy = malloc(*got + 1)) != NULL);
	memcpy(copy, in->at, *got);
	copy[*got] = '\0';
	in->at += *got;
	in->left -= *got;
	return copy;
}

#endif
