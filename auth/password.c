#include <sys/types.h>

#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/hash.h"
#include "auth/password.h"

#define SYMBOLS	     20 /* of an application password */
#define GROUP	     4  /* symbols between two separators */

/* 32 symbols, five bits each; none of them looks like another. */
static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";

/* Equal?  In a time that does not tell where they differ. */
static int
same(const void *a, const void *b, size_t len)
{
	const unsigned char *x = a, *y = b;
	unsigned char differ = 0;

	while (len-- > 0)
		differ |= *x++ ^ *y++;
	return differ == 0;
}

/* Without separators, in lower case; -1: no application password. */
static int
normalize(const char *typed, char symbols[SYMBOLS + 1])
{
	size_t n = 0;
	char c;

	for (; *typed != '\0'; typed++) {
		if (*typed == '-' || *typed == ' ')
			continue;
		c = *typed >= 'A' && *typed <= 'Z' ?
		    (char)(*typed - 'A' + 'a') : *typed;
		if (n == SYMBOLS || strchr(alphabet, c) == NULL)
			return -1;
		symbols[n++] = c;
	}
	symbols[n] = '\0';
	return n == SYMBOLS ? 0 : -1;
}

/*
 * With 100 bits from the system's generator a slow hash protects nothing:
 * SHA-256 it is.
 */
static void
digest_symbols(const char symbols[SYMBOLS + 1], unsigned char digest[32])
{
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, (const unsigned char *)symbols, SYMBOLS);
	SHA256Final(digest, &ctx);
	explicit_bzero(&ctx, sizeof(ctx));
}

static const struct app_password *
find_app_password(const struct account *account, const char *password)
{
	const struct app_password *found = NULL;
	char symbols[SYMBOLS + 1];
	unsigned char digest[32];
	size_t i;

	if (normalize(password, symbols) == 0) {
		digest_symbols(symbols, digest);
		for (i = 0; i < account->napp; i++)
			if (same(digest, account->app[i].digest,
				sizeof(digest)))
				found = &account->app[i];
		explicit_bzero(digest, sizeof(digest));
	}
	explicit_bzero(symbols, sizeof(symbols));
	return found;
}

/* Is the application password good for this? */
static enum denial
why_outside(const struct app_password *app, const struct attempt *attempt)
{
	if (app->expires != FOR_EVER && attempt->now >= app->expires)
		return DENIAL_EXPIRED;
	if ((app->services & attempt->service) == 0)
		return DENIAL_SERVICE;
	return app->nnetwork == 0 ||
		network_has(app->network, app->nnetwork, attempt->peer) ?
	    DENIAL_NONE : DENIAL_NETWORK;
}

/* Is the account, whatever the password? */
static enum denial
why_unusable(const struct account *account, const struct attempt *attempt)
{
	if (account == NULL)
		return DENIAL_UNKNOWN;
	if (attempt->service == SERVICE_SEND)
		return account->send ? DENIAL_NONE : DENIAL_OFF;
	return account->access != ACCESS_OFF ? DENIAL_NONE : DENIAL_OFF;
}

int
password_check_application(const struct account *account,
    const struct attempt *attempt, const struct app_password **app,
    enum denial *denial)
{
	*app = NULL;
	*denial = why_unusable(account, attempt);
	if (*denial != DENIAL_NONE)
		return 0;
	*denial = DENIAL_PASSWORD;
	*app = find_app_password(account, attempt->password);
	if (*app != NULL &&
	    (*denial = why_outside(*app, attempt)) == DENIAL_NONE)
		return 1;
	*app = NULL;
	return 0;
}

/*
 * A right application password lets in at once.  Everything else costs one
 * slow hash before it is refused, and the refusal is sent a fixed time
 * after the question (auth.c): neither tells an unknown user, a wrong
 * password, POP switched off, a password where an application password is
 * wanted and an application password that is not good for this from each
 * other (I9).
 */
int
password_check(const struct account *account, const struct attempt *attempt,
    const struct app_password **app, enum denial *denial)
{
	int good;

	if (password_check_application(account, attempt, app, denial))
		return 1;
	good = hash_check(
	    attempt->password, account != NULL ? account->hash : NULL);
	if (good == 1 && why_unusable(account, attempt) == DENIAL_NONE)
		*denial =
		    account->two_factor ? DENIAL_APP_PASSWORD : DENIAL_NONE;
	return good == -1 ? -1 : *denial == DENIAL_NONE;
}

int
password_hash(const char *password, char *hash, size_t size, char *err,
    size_t errsize)
{
	int rv = -1;

	if (password[0] == '\0')
		snprintf(err, errsize, "the password is empty; give one, or "
		    "say that the account has none: password=none");
	else if (strlen(password) > hash_longest())
		snprintf(err, errsize, "the password is longer than %zu "
		    "octets; choose a shorter one", hash_longest());
	else if (hash_make(password, hash, size) == -1)
		snprintf(err, errsize, "crypt(3) cannot hash the password");
	else
		rv = 0;
	return rv;
}

void
app_password_make(char text[APP_PASSWORD_SIZE], unsigned char digest[32])
{
	char symbols[SYMBOLS + 1];
	size_t i;

	for (i = 0; i < SYMBOLS; i++) {
		symbols[i] = alphabet[arc4random_uniform(sizeof(alphabet) - 1)];
		if (i > 0 && i % GROUP == 0)
			*text++ = '-';
		*text++ = symbols[i];
	}
	symbols[SYMBOLS] = *text = '\0';
	digest_symbols(symbols, digest);
	explicit_bzero(symbols, sizeof(symbols));
}
