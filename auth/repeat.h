/*
 * Is a refused login the very one that was refused before, by another way?
 *
 * Clients that know several mechanisms try the same name and password with
 * one after the other: they have failed once.  (Who says the same twice by
 * the same way has failed twice.)  What is remembered for that is a hash
 * under a key that this process alone has: no password, and nothing that one
 * could be guessed from without it.
 */
#ifndef AUTH_REPEAT_H
#define AUTH_REPEAT_H

#include <stddef.h>

#define REPEAT_OCTETS 32 /* of the key, and of a hash */
#define REPEAT_WAYS   4  /* mechanisms that are remembered */

struct repeat {
	unsigned char key[REPEAT_OCTETS];  /* made by the first refusal */
	unsigned char hash[REPEAT_OCTETS]; /* of the refusal before */
	const char *tried[REPEAT_WAYS];    /* mechanisms it was tried with */
	size_t ntried;			   /* 0: nothing was refused yet */
};

/*
 * Takes note of a refused login; r is all zeros before the first.  Returns 1
 * if the one before had the same name, octet by octet, and the same password,
 * and was not tried with this mechanism yet (a string that stays); else 0: it
 * is a failure of its own.
 */
int repeat_note(struct repeat *r, const char *user, const char *password,
    const char *mechanism);

#endif
