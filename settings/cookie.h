/*
 * Cookies: what the browser of somebody who is signed in sends along.
 *
 * A cookie says whose it is and since when, and is sealed under a key that
 * auth alone has (HMAC-SHA256, RFC 2104): whoever has none of ours can make
 * none.  Nothing in it is secret.  Pure computation.
 */
#ifndef SETTINGS_COOKIE_H
#define SETTINGS_COOKIE_H

#include <stdint.h>

#include "common/policy.h"
#include "common/self_service.h"

#define COOKIE_KEY 32 /* octets */

enum cookie_kind {
	COOKIE_WHOLE = 1, /* signed in */
	COOKIE_HALF	  /* the code of two-factor is missing */
};

struct cookie {
	enum cookie_kind kind;
	int invited; /* it began with an invitation */
	char address[ADDRESS_MAX + 1];
	int64_t generation; /* of the account's credentials */
	int64_t since;	    /* ms since the epoch */
	int64_t until;	    /* the same: from then on it is void */
};

void cookie_seal(const struct cookie *cookie,
    const unsigned char key[COOKIE_KEY], char text[SELF_COOKIE_MAX + 1]);

/* Returns 1, or 0: it is none that was sealed under this key. */
int cookie_open(struct cookie *cookie, const unsigned char key[COOKIE_KEY],
    const char *text);

/* RFC 2104 with SHA-256; for both of the above, and for its test. */
#define HMAC_OCTETS 32
void hmac_sha256(const unsigned char key[COOKIE_KEY],
    const unsigned char *data, size_t len, unsigned char mac[HMAC_OCTETS]);

#endif
