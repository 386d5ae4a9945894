#include <sha2.h>
#include <stdlib.h>
#include <string.h>

#include "auth/repeat.h"

void
repeat_init(struct repeat *r)
{
	arc4random_buf(r->key, sizeof(r->key));
	r->any = 0;
}

int
repeat_note(struct repeat *r, const char *user, const char *password)
{
	unsigned char hash[REPEAT_OCTETS];
	SHA2_CTX ctx;
	int same;

	SHA256Init(&ctx);
	SHA256Update(&ctx, r->key, sizeof(r->key));
	/* With its NUL: where the name ends counts, too. */
	SHA256Update(&ctx, (const unsigned char *)user, strlen(user) + 1);
	SHA256Update(
	    &ctx, (const unsigned char *)password, strlen(password));
	SHA256Final(hash, &ctx);
	explicit_bzero(&ctx, sizeof(ctx));
	same = r->any && memcmp(hash, r->hash, sizeof(hash)) == 0;
	memcpy(r->hash, hash, sizeof(hash));
	r->any = 1;
	return same;
}
