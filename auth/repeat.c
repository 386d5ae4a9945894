#include <sys/types.h>

#include <sha2.h>
#include <stdlib.h>
#include <string.h>

#include "auth/repeat.h"

static void
repeat_hash(const struct repeat *r, const char *user, const char *password,
    unsigned char hash[REPEAT_OCTETS])
{
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, r->key, sizeof(r->key));
	/* With its NUL: where the name ends counts, too. */
	SHA256Update(&ctx, (const unsigned char *)user, strlen(user) + 1);
	SHA256Update(
	    &ctx, (const unsigned char *)password, strlen(password));
	SHA256Final(hash, &ctx);
	explicit_bzero(&ctx, sizeof(ctx));
}

static int
was_tried(const struct repeat *r, const char *mechanism)
{
	size_t i;

	for (i = 0; i < r->ntried; i++)
		if (strcmp(r->tried[i], mechanism) == 0)
			return 1;
	return 0;
}

int
repeat_note(struct repeat *r, const char *user, const char *password,
    const char *mechanism)
{
	unsigned char hash[REPEAT_OCTETS];
	int again;

	if (r->ntried == 0)
		arc4random_buf(r->key, sizeof(r->key));
	repeat_hash(r, user, password, hash);
	again = r->ntried > 0 && r->ntried < REPEAT_WAYS &&
	    memcmp(hash, r->hash, sizeof(hash)) == 0 &&
	    !was_tried(r, mechanism);
	if (!again)
		r->ntried = 0;
	memcpy(r->hash, hash, sizeof(hash));
	r->tried[r->ntried++] = mechanism;
	return again;
}
