/*
 * Is a refused login the very one that was refused before?
 *
 * Clients that know several mechanisms try the same name and password with
 * one after the other: they have failed once.  What is remembered for that
 * is a hash under a key that this process alone has: no password, and nothing
 * that one could be guessed from without it.
 */
#ifndef AUTH_REPEAT_H
#define AUTH_REPEAT_H

#define REPEAT_OCTETS 32 /* of the key, and of a hash */

struct repeat {
	unsigned char key[REPEAT_OCTETS];
	unsigned char hash[REPEAT_OCTETS]; /* of the refusal before */
	int any;			   /* there was one */
};

/* Makes the key. */
void repeat_init(struct repeat *r);

/*
 * Takes note of a refused login.  Returns 1 if the one before had the same
 * name, octet by octet, and the same password; else 0.
 */
int repeat_note(struct repeat *r, const char *user, const char *password);

#endif
