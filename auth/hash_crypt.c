/*
 * The hashes of libxcrypt: yescrypt by default, and whatever else it knows.
 */
#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "auth/accounts.h"
#include "auth/hash.h"

#define SALT_OCTETS 32

/* The salt with which the system hashes new passwords. */
static int
make_salt(char salt[CRYPT_GENSALT_OUTPUT_SIZE])
{
	char random[SALT_OCTETS];

	arc4random_buf(random, sizeof(random));
	return crypt_gensalt_rn(NULL, 0, random, sizeof(random), salt,
	    CRYPT_GENSALT_OUTPUT_SIZE) == NULL ? -1 : 0;
}

/*
 * Hashes password as setting (a salt or a hash) says; 0 when the system
 * cannot: a locked password, a method that it does not have.
 */
static int
hash_as(const char *password, const char *setting, char *hash, size_t size)
{
	static struct crypt_data data; /* 32 kB */
	const char *result;
	int good;

	result = crypt_rn(password, setting, &data, (int)sizeof(data));
	good = result != NULL && result[0] != '*' &&
	    strlcpy(hash, result, size) < size;
	explicit_bzero(&data, sizeof(data));
	return good;
}

/* Of the hashes that hash_make() makes, none has a limit of its own. */
size_t
hash_longest(void)
{
	return PASSWORD_MAX;
}

int
hash_make(const char *password, char *hash, size_t size)
{
	char salt[CRYPT_GENSALT_OUTPUT_SIZE];

	return make_salt(salt) == 0 && hash_as(password, salt, hash, size) ?
	    0 : -1;
}

/* Equal?  In a time that does not tell where they differ. */
static int
same(const char *a, const char *b)
{
	size_t len = strlen(a);
	unsigned char differ = 0;

	if (strlen(b) != len)
		return 0;
	while (len-- > 0)
		differ |= (unsigned char)(*a++ ^ *b++);
	return differ == 0;
}

int
hash_check(const char *password, const char *hash)
{
	char made[HASH_MAX + 1];
	int good;

	if (hash != NULL && hash_as(password, hash, made, sizeof(made)))
		good = same(made, hash);
	else
		/* The same work, in vain; it fails where memory is short. */
		good = hash_make(password, made, sizeof(made));
	explicit_bzero(made, sizeof(made));
	return good;
}

/* What follows the last $ (or the _): crypt_checksalt(3) sees a salt alone. */
static const struct {
	const char *prefix;
	size_t digits;
} methods[] = { { "$1$", 22 }, { "$2", 53 }, { "$5$", 43 }, { "$6$", 86 },
	{ "$7$", 43 }, { "$y$", 43 }, { "$gy$", 43 }, { "_", 19 }, { "", 0 } };

static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz";

int
hash_known(const char *hash)
{
	const char *last = hash[0] == '_' ? hash : strrchr(hash, '$');
	size_t i = 0;

	if (hash[0] != '$' && hash[0] != '_')
		return strlen(hash) == 13 && strspn(hash, digits) == 13;
	if (crypt_checksalt(hash) == CRYPT_SALT_INVALID)
		return 0;
	while (strncmp(hash, methods[i].prefix, strlen(methods[i].prefix)) != 0)
		i++;
	return methods[i].digits == 0 ||
	    (strlen(last + 1) == methods[i].digits &&
	    strspn(last + 1, digits) == methods[i].digits);
}

int
hash_works(const char *hash)
{
	char made[HASH_MAX + 1];

	return hash_as("x", hash, made, sizeof(made));
}
