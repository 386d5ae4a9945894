#include <liboath/oath.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "settings/totp.h"

#define DIGITS	     6
#define STEP_SECONDS 30
#define STEPS_BESIDE 1

int
totp_begin(void)
{
	int rc = oath_init();

	if (rc == OATH_OK)
		return 0;
	log_warn("liboath: %s", oath_strerror(rc));
	return -1;
}

/* Its digits alone: 1, or 0 where there are not so many. */
static int
digits_of(const char *code, char digits[DIGITS + 1])
{
	size_t n = 0;

	for (; *code != '\0'; code++) {
		if (*code == ' ' || *code == '-')
			continue;
		if (n == DIGITS || *code < '0' || *code > '9')
			return 0;
		digits[n++] = *code;
	}
	digits[n] = '\0';
	return n == DIGITS;
}

int
totp_check(const unsigned char secret[TOTP_OCTETS], const char *code,
    int64_t now, uint64_t *step)
{
	char digits[DIGITS + 1];
	int at, rc;

	if (!digits_of(code, digits))
		return 0;
	rc = oath_totp_validate4((const char *)secret, TOTP_OCTETS,
	    (time_t)now, STEP_SECONDS, 0, STEPS_BESIDE, &at, step, 0, digits);
	explicit_bzero(digits, sizeof(digits));
	return rc >= 0;
}

void
totp_text(const unsigned char secret[TOTP_OCTETS],
    char text[SELF_SECRET_MAX + 1])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint32_t bits = 0;
	size_t i, nbits = 0;

	for (i = 0; i < TOTP_OCTETS; i++) {
		bits = bits << 8 | secret[i];
		for (nbits += 8; nbits >= 5; nbits -= 5)
			*text++ = alphabet[bits >> (nbits - 5) & 31];
	}
	*text = '\0';
}

void
totp_digest(const unsigned char secret[TOTP_OCTETS],
    unsigned char digest[DIGEST_OCTETS])
{
	char text[SELF_SECRET_MAX + 1];

	totp_text(secret, text);
	digest_make(digest, NULL, text);
	explicit_bzero(text, sizeof(text));
}
