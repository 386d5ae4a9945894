#include <stdio.h>
#include <string.h>

#include "auth/digest.h"
#include "auth/hash.h"
#include "auth/password.h"
#include "auth/symbols.h"

#define SYMBOLS 20 /* of an application password */

static const struct app_password *
find_app_password(const struct account *account, const char *password)
{
	const struct app_password *found = NULL;
	char symbols[SYMBOLS + 1];
	unsigned char digest[DIGEST_OCTETS];
	size_t i;

	if (symbols_read(password, symbols, SYMBOLS) == 0) {
		digest_make(digest, NULL, symbols);
		for (i = 0; i < account->napp; i++)
			if (digest_same(digest, account->app[i].digest))
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

/*
 * Application passwords and the settings for POP do not count here, and the
 * work is that of any refusal.
 */
int
password_check_own(const struct account *account, const char *password,
    enum denial *denial)
{
	int good =
	    hash_check(password, account != NULL ? account->hash : NULL);

	*denial = account == NULL	? DENIAL_UNKNOWN :
	    !account->self_service	? DENIAL_OFF :
	    good != 1			? DENIAL_PASSWORD :
					  DENIAL_NONE;
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

	symbols_make(text, SYMBOLS);
	(void)symbols_read(text, symbols, SYMBOLS);
	digest_make(digest, NULL, symbols);
	explicit_bzero(symbols, sizeof(symbols));
}
