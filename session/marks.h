/*
 * The deletion marks of a session: one bit for each message, in memory that
 * grows with the highest number marked (I7).
 */
#ifndef SESSION_MARKS_H
#define SESSION_MARKS_H

#include <stddef.h>
#include <stdint.h>

struct marks {
	unsigned char *bits; /* message n is bit n - 1 */
	size_t size;	     /* octets */
	uint64_t count;	     /* marks that are set */
};

int marks_test(const struct marks *m, uint64_t n);

/* Returns 0, or -1 when there is no memory for it. */
int marks_set(struct marks *m, uint64_t n);

/* Takes all marks away and frees the memory. */
void marks_clear(struct marks *m);

#endif
