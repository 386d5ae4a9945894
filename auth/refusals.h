/*
 * Refusals that wait until they are due, in the order of their questions.
 *
 * Pure computation: times are the caller's, in ms.
 */
#ifndef AUTH_REFUSALS_H
#define AUTH_REFUSALS_H

#include <stddef.h>
#include <stdint.h>

/*
 * A refusal is answered so long after the question came, whatever the reason
 * was: it slows guessing, and hides what the work for it took (I9).
 */
#define REFUSAL_MS 1000

#define REFUSALS_MAX 16

struct refusal {
	int64_t due;
	uint32_t id; /* of the question */
	int last;    /* after this one the connection ends */
};

struct refusals {
	struct refusal list[REFUSALS_MAX]; /* a ring */
	size_t first, n;
	size_t places; /* at most so many wait, 1 to REFUSALS_MAX */
};

/*
 * Is there no place left?  Also after the last one: nothing is asked behind
 * that.
 */
int refusals_full(const struct refusals *r);

/*
 * Adds one, which must not be due before those that wait already, while
 * there is a place.
 */
void refusals_add(struct refusals *r, const struct refusal *refusal);

/* How long until the first is due, 0 if it is; -1 when there is none. */
int refusals_wait(const struct refusals *r, int64_t now);

/* Takes the first out if it is due: 1, or 0. */
int refusals_take(struct refusals *r, int64_t now, struct refusal *refusal);

#endif
