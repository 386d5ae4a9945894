/*
 * Who guesses: addresses whose logins were refused too often of late.
 *
 * For a process that many clients are judged by, each with the address that
 * an SMTP server names.  Pure computation: times are the caller's, in ms.
 */
#ifndef AUTH_GUESSES_H
#define AUTH_GUESSES_H

#include <stddef.h>
#include <stdint.h>

#include "common/policy.h"

#define GUESSES_MANY	  10 /* refusals of one address */
#define GUESSES_MS	  600000
#define GUESSES_ADDRESSES 64

struct guesses {
	struct guesser {
		char peer[PEER_MAX + 1];
		int64_t refused[GUESSES_MANY]; /* the last ones, a ring */
		size_t n;		       /* all there were */
	} list[GUESSES_ADDRESSES];
	size_t used;
};

/* Had this address GUESSES_MANY refusals in the last GUESSES_MS? */
int guesses_many(const struct guesses *g, const char *peer, int64_t now);

/*
 * Takes note of a refusal.  Where too many addresses are known, the one that
 * was quiet for the longest time is forgotten.  Returns 1 if guesses_many()
 * becomes true by it.
 */
int guesses_note(struct guesses *g, const char *peer, int64_t now);

#endif
