#include <sys/types.h>

#include <sha2.h>
#include <string.h>

#include "auth/digest.h"

void
digest_make(unsigned char digest[DIGEST_OCTETS], const char *whose,
    const char *secret)
{
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	/* With its NUL: where the name ends counts, too. */
	if (whose != NULL)
		SHA256Update(&ctx, (const unsigned char *)whose,
		    strlen(whose) + 1);
	SHA256Update(&ctx, (const unsigned char *)secret, strlen(secret));
	SHA256Final(digest, &ctx);
	explicit_bzero(&ctx, sizeof(ctx));
}

int
digest_same(const unsigned char a[DIGEST_OCTETS],
    const unsigned char b[DIGEST_OCTETS])
{
	unsigned char differ = 0;
	size_t i;

	for (i = 0; i < DIGEST_OCTETS; i++)
		differ |= a[i] ^ b[i];
	return differ == 0;
}
