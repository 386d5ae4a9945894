/*
 * Passwords: checking what was typed, making what is stored.
 *
 * Checking runs in auth alone; the rest is pop3ctl's.  Whoever owns a
 * buffer with a password in it wipes it with explicit_bzero(3).
 */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include <stddef.h>

#include "auth/accounts.h"
#include "auth/denial.h"
#include "auth/symbols.h"

#define APP_PASSWORD_SIZE SYMBOLS_SIZE(20)

/* What somebody wants to be let in with. */
struct attempt {
	const char *password;
	const char *peer; /* the client's address */
	enum service service;
	int64_t now; /* seconds since the epoch */
};

/*
 * Does it let its owner into account?  account may be NULL (no such user):
 * the work is the same, one slow hash for every refusal (I9), and the
 * settings of the account and what an application password is good for are
 * taken into account here, so that they cannot be told from a wrong password.
 * Returns 1, with *app the application password that was used (within
 * account) or NULL for the account's own; 0, with *denial why; or -1 when the
 * system could not hash.
 */
int password_check(const struct account *account,
    const struct attempt *attempt, const struct app_password **app,
    enum denial *denial);

/* The same by application passwords alone, which cost no slow hash. */
int password_check_application(const struct account *account,
    const struct attempt *attempt, const struct app_password **app,
    enum denial *denial);

/*
 * Does it let its owner change the settings of account (which may be NULL)?
 * That takes the account's own password, and the right to do so; the work is
 * one slow hash in any case.  Returns as password_check().
 */
int password_check_own(const struct account *account, const char *password,
    enum denial *denial);

/*
 * Hashes a new password with the system's crypt(3).  Returns 0, or -1 with
 * err filled (too long, empty, the system refuses).
 */
int password_hash(const char *password, char *hash, size_t size, char *err,
    size_t errsize);

/*
 * Makes an application password from the system's generator: the text to
 * show once, and the digest to keep.
 */
void app_password_make(
    char text[APP_PASSWORD_SIZE], unsigned char digest[32]);

#endif
