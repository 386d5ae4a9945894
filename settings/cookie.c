#include <sys/types.h>
#include <netinet/in.h>

#include <endian.h>
#include <resolv.h>
#include <sha2.h>
#include <stddef.h>
#include <string.h>

#include "auth/digest.h"
#include "settings/cookie.h"

#define VERSION 1
#define BLOCK	64 /* octets of SHA-256's */

/* Of a cookie: all but the address, which is the last of it. */
#define FIXED  (3 + 3 * 8)
#define OCTETS (FIXED + ADDRESS_MAX + HMAC_OCTETS)
#define SPARE  3 /* octets that b64_pton(3) wants behind what it fills */
#define TEXT   ((OCTETS + 2) / 3 * 4 + 1) /* base64, and a NUL */

typedef char longest_cookie_fits[TEXT <= SELF_COOKIE_MAX + 1 ? 1 : -1];

/* What the seal is for: a key is good for nothing else that way. */
static const char purpose[] = "pop3settings cookie";

static void
hash_padded(SHA2_CTX *ctx, const unsigned char key[COOKIE_KEY],
    unsigned char pad)
{
	unsigned char block[BLOCK];
	size_t i;

	memset(block, pad, sizeof(block));
	for (i = 0; i < COOKIE_KEY; i++)
		block[i] ^= key[i];
	SHA256Init(ctx);
	SHA256Update(ctx, block, sizeof(block));
	explicit_bzero(block, sizeof(block));
}

void
hmac_sha256(const unsigned char key[COOKIE_KEY], const unsigned char *data,
    size_t len, unsigned char mac[HMAC_OCTETS])
{
	SHA2_CTX ctx;

	hash_padded(&ctx, key, 0x36);
	SHA256Update(&ctx, data, len);
	SHA256Final(mac, &ctx);
	hash_padded(&ctx, key, 0x5c);
	SHA256Update(&ctx, mac, HMAC_OCTETS);
	SHA256Final(mac, &ctx);
	explicit_bzero(&ctx, sizeof(ctx));
}

/* The seal of len octets of a cookie. */
static void
seal(const unsigned char key[COOKIE_KEY], const unsigned char *octets,
    size_t len, unsigned char mac[HMAC_OCTETS])
{
	unsigned char data[sizeof(purpose) + OCTETS];

	memcpy(data, purpose, sizeof(purpose));
	memcpy(data + sizeof(purpose), octets, len);
	hmac_sha256(key, data, sizeof(purpose) + len, mac);
}

static void
put64(unsigned char *at, int64_t n)
{
	const uint64_t big = htobe64((uint64_t)n);

	memcpy(at, &big, sizeof(big));
}

static int64_t
get64(const unsigned char *at)
{
	uint64_t big;

	memcpy(&big, at, sizeof(big));
	return (int64_t)be64toh(big);
}

/* The alphabet of RFC 4648, 5, which needs no quotes in a cookie. */
static void
swap(char *text, const char *from, const char *to)
{
	for (; *text != '\0'; text++)
		if (*text == from[0] || *text == from[1])
			*text = to[*text == from[1]];
}

void
cookie_seal(const struct cookie *c, const unsigned char key[COOKIE_KEY],
    char text[SELF_COOKIE_MAX + 1])
{
	const size_t len = FIXED + strlen(c->address);
	unsigned char octets[OCTETS];

	octets[0] = VERSION;
	octets[1] = (unsigned char)c->kind;
	octets[2] = c->invited != 0;
	put64(octets + 3, c->generation);
	put64(octets + 11, c->since);
	put64(octets + 19, c->until);
	memcpy(octets + FIXED, c->address, len - FIXED);
	seal(key, octets, len, octets + len);
	if (b64_ntop(octets, len + HMAC_OCTETS, text, SELF_COOKIE_MAX + 1) ==
	    -1)
		text[0] = '\0';
	swap(text, "+/", "-_");
	text[strcspn(text, "=")] = '\0';
}

/* The octets of a text; 0: it is no base64, or too much or too little. */
static size_t
octets_of(const char *text, unsigned char octets[OCTETS + SPARE])
{
	char padded[TEXT + 3];
	size_t len = strlen(text);
	int n;

	if (len >= TEXT || strpbrk(text, "+/= \t\r\n\v\f") != NULL)
		return 0;
	memcpy(padded, text, len);
	while (len % 4 != 0)
		padded[len++] = '=';
	padded[len] = '\0';
	swap(padded, "-_", "+/");
	n = b64_pton(padded, octets, OCTETS + SPARE);
	return n <= FIXED + HMAC_OCTETS || n > OCTETS ?
	    0 : (size_t)n - HMAC_OCTETS;
}

int
cookie_open(struct cookie *c, const unsigned char key[COOKIE_KEY],
    const char *text)
{
	unsigned char octets[OCTETS + SPARE], mac[HMAC_OCTETS];
	const size_t len = octets_of(text, octets);

	memset(c, 0, sizeof(*c));
	if (len == 0)
		return 0;
	seal(key, octets, len, mac);
	if (!digest_same(mac, octets + len) || octets[0] != VERSION)
		return 0;
	c->kind = (enum cookie_kind)octets[1];
	c->invited = octets[2];
	c->generation = get64(octets + 3);
	c->since = get64(octets + 11);
	c->until = get64(octets + 19);
	memcpy(c->address, octets + FIXED, len - FIXED);
	return strlen(c->address) == len - FIXED;
}
