/*
 * The system's own password hashes: hash_crypt.c (libxcrypt), or
 * hash_openbsd.c (bcrypt).  Whoever owns a buffer wipes it.
 */
#ifndef AUTH_HASH_H
#define AUTH_HASH_H

#include <stddef.h>

/* How many octets of a password count; longer ones are not hashed. */
size_t hash_longest(void);

/* Hashes a new password in the system's way.  Returns 0, or -1. */
int hash_make(const char *password, char *hash, size_t size);

/*
 * Is it the password of hash?  1 or 0, and the work of one slow hash in any
 * case: for a hash that nobody's password can have, and for NULL, too.  -1:
 * the system could not do it.
 */
int hash_check(const char *password, const char *hash);

/* Can the system check a password against it, by its looks? */
int hash_known(const char *hash);

/* The same by trying, which may take long: there may be too little memory. */
int hash_works(const char *hash);

#endif
