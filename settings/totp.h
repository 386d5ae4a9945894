/*
 * Codes of authenticator apps (RFC 6238: SHA-1, six digits, 30 seconds), by
 * liboath.
 */
#ifndef SETTINGS_TOTP_H
#define SETTINGS_TOTP_H

#include <stdint.h>

#include "auth/factors.h"
#include "common/self_service.h"

/* Before the sandbox is entered.  Returns 0, or -1 after a line in the log. */
int totp_begin(void);

/*
 * Is it a code of this secret at that time (seconds since the epoch), or of
 * the step before or behind?  Blanks and hyphens in it do not matter.  Returns
 * 1 and the step, which nobody else's code has, or 0.
 */
int totp_check(const unsigned char secret[TOTP_OCTETS], const char *code,
    int64_t now, uint64_t *step);

/* The secret as apps take it: base32 (RFC 4648, 6). */
void totp_text(const unsigned char secret[TOTP_OCTETS],
    char text[SELF_SECRET_MAX + 1]);

/* Which secret it is, for a process that is not told the secret. */
void totp_digest(const unsigned char secret[TOTP_OCTETS],
    unsigned char digest[DIGEST_OCTETS]);

#endif
