/*
 * The hashes of OpenBSD: bcrypt.  Octets of a password behind the 72nd do
 * not count there, so longer ones are refused.
 */
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "auth/hash.h"

#define BCRYPT_OCTETS 72

size_t
hash_longest(void)
{
	return BCRYPT_OCTETS;
}

int
hash_make(const char *password, char *hash, size_t size)
{
	return crypt_newhash(password, "bcrypt,a", hash, size);
}

/* crypt_checkpass(3) does the work for NULL, too. */
int
hash_check(const char *password, const char *hash)
{
	if (hash != NULL && !hash_known(hash))
		hash = NULL;
	return crypt_checkpass(password, hash) == 0 && hash != NULL;
}

int
hash_known(const char *hash)
{
	return strncmp(hash, "$2", 2) == 0 && strlen(hash) == 60;
}

/* The work is done whatever comes of it; bcrypt needs no memory. */
int
hash_works(const char *hash)
{
	return hash_known(hash) && hash_check("x", hash) != -1;
}
