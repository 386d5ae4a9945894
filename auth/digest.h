/*
 * SHA-256 of secrets that have so many random bits of their own that a slow
 * hash would protect nothing.  Pure computation.
 */
#ifndef AUTH_DIGEST_H
#define AUTH_DIGEST_H

#include <stddef.h>

#define DIGEST_OCTETS 32

/*
 * The digest of a secret, or, where whose is not NULL, of that and the secret:
 * so that what is kept of different accounts has to be guessed one by one.
 */
void digest_make(unsigned char digest[DIGEST_OCTETS], const char *whose,
    const char *secret);

/* Equal?  In a time that does not tell where they differ. */
int digest_same(const unsigned char a[DIGEST_OCTETS],
    const unsigned char b[DIGEST_OCTETS]);

#endif
