/*
 * The messages that an UPDATE took out of the maildrop, in the order of their
 * numbers: what the log and the journal tell of them, after the client has
 * had its answer.  All zeroes at first; memory in proportion to the marks.
 */
#ifndef STORE_TAKEN_H
#define STORE_TAKEN_H

#include <stddef.h>
#include <stdint.h>

struct taken {
	uint64_t n;
	char *records;
	size_t used, room;
};

/* 0, or ENOMEM. */
int taken_add(struct taken *t, const char *uidl, uint64_t octets);

/* The next one; *at is 0 at first.  Returns its UIDL, or NULL at the end. */
const char *taken_next(
    const struct taken *t, size_t *at, uint64_t *octets);

void taken_free(struct taken *t);

#endif
