#include <string.h>

#include "auth/password.h"
#include "common/clock.h"
#include "common/log.h"
#include "settings/signin.h"
#include "settings/totp.h"
#include "settings/view.h"

static void
tell_signed_in(struct court *c, const char *by)
{
	log_info("signed in: user=%s peer=%s by=%s", c->account.address,
	    c->peer, by);
	deed_add(&c->deed, by, "");
	court_tell(c, TELL_SIGNED_IN);
}

static void __attribute__((noreturn))
refuse(struct court *c, const char *user, enum denial denial)
{
	court_log_refusal(c, user, denial);
	court_rule(c, SELF_REFUSED);
}

/* The first factor was right. */
static void __attribute__((noreturn))
let_in(struct court *c, const char *by, int invited)
{
	memset(&c->cookie, 0, sizeof(c->cookie));
	c->cookie.since = c->now;
	c->cookie.invited = invited;
	if (view_asks_code(&c->account, &c->factors)) {
		court_admit(c, COOKIE_HALF);
		court_rule(c, SELF_SECOND_FACTOR);
	}
	tell_signed_in(c, by);
	court_admit(c, COOKIE_WHOLE);
	court_rule(c, SELF_GOOD);
}

void
signin_password(struct court *c)
{
	const char *user = c->request.address;
	enum denial denial;
	int good;

	(void)court_find(c, user);
	good = password_check_own(
	    c->known ? &c->account : NULL, c->request.password, &denial);
	if (good == -1) {
		log_warn("auth: crypt(3) fails: is there too little memory?");
		court_trouble(c);
	}
	if (!good)
		refuse(c, user, denial);
	court_factors(c);
	let_in(c, "password", 0);
}

/* The symbols of what was typed, as a digest: 1, or 0. */
static int
digest_typed(const char *typed, size_t n, const char *whose,
    unsigned char digest[DIGEST_OCTETS])
{
	char symbols[INVITATION_SYMBOLS + 1];
	int good = symbols_read(typed, symbols, n) == 0;

	if (good)
		digest_make(digest, whose, symbols);
	explicit_bzero(symbols, sizeof(symbols));
	return good;
}

/*
 * Seen before anything is to be written: what cannot be would tell of another
 * name than one that is unknown (I9).
 */
static int
is_invited(struct court *c, const struct order *o)
{
	court_factors(c);
	return c->factors.invited > c->now / 1000 &&
	    digest_same(c->factors.invitation, o->digest);
}

void
signin_invitation(struct court *c)
{
	const char *user = c->request.address;
	struct order o;

	memset(&o, 0, sizeof(o));
	if (!court_find(c, user))
		refuse(c, user, DENIAL_UNKNOWN);
	if (!c->account.self_service)
		refuse(c, user, DENIAL_OFF);
	if (!digest_typed(
		c->request.token, INVITATION_SYMBOLS, NULL, o.digest) ||
	    !is_invited(c, &o) ||
	    court_order(c, &o, ACT_INVITATION) != SELF_GOOD)
		refuse(c, user, DENIAL_INVITATION);
	court_factors(c);
	let_in(c, "invitation", 1);
}

void
signin_cookie(struct court *c, enum cookie_kind kind)
{
	const struct cookie *k = &c->cookie;

	if (!cookie_open(&c->cookie, c->key, c->request.cookie) ||
	    k->kind != kind || c->now >= k->until || c->now < k->since ||
	    !court_find(c, k->address) || !c->account.self_service ||
	    strcmp(c->account.address, k->address) != 0 || /* an alias */
	    c->account.generation != k->generation)
		court_rule(c, SELF_SIGNED_OUT);
	court_factors(c);
	/* One of a clock that was ahead would keep everybody out. */
	if (k->since <= c->factors.signed_out &&
	    c->factors.signed_out <= c->now)
		court_rule(c, SELF_SIGNED_OUT);
	/* Two-factor that was switched on since then is a credential, too. */
	if (kind == COOKIE_HALF && !view_asks_code(&c->account, &c->factors))
		court_rule(c, SELF_SIGNED_OUT);
}

/* By an app's code, or by a recovery code: its word for the log, or NULL. */
static const char *
check_code(struct court *c)
{
	const struct factors *f = &c->factors;
	const char *code = c->request.code;
	char secret[SELF_SECRET_MAX + 1];
	struct order o;
	int typed;

	memset(&o, 0, sizeof(o));
	if (totp_check(f->secret, code, c->now / 1000, &o.step))
		return court_order(c, &o, ACT_STEP) == SELF_GOOD ? "code" :
								   NULL;
	totp_text(f->secret, secret);
	typed = digest_typed(code, RECOVERY_SYMBOLS, secret, o.digest);
	explicit_bzero(secret, sizeof(secret));
	if (typed && court_order(c, &o, ACT_RECOVERY) == SELF_GOOD)
		return "recovery-code";
	return NULL;
}

int
signin_may_try(struct court *c)
{
	struct order o;

	memset(&o, 0, sizeof(o));
	if (court_order(c, &o, ACT_TRY) == SELF_GOOD)
		return 1;
	court_log_refusal(c, c->account.address, DENIAL_GUESSES);
	return 0;
}

void
signin_code(struct court *c)
{
	const char *by;

	signin_cookie(c, COOKIE_HALF);
	if (!signin_may_try(c)) {
		strlcpy(c->ruling.cookie, c->request.cookie,
		    sizeof(c->ruling.cookie));
		court_rule(c, SELF_GUESSES);
	}
	if ((by = check_code(c)) == NULL) {
		court_log_refusal(c, c->account.address, DENIAL_CODE);
		strlcpy(c->ruling.cookie, c->request.cookie,
		    sizeof(c->ruling.cookie));
		court_rule(c, SELF_CODE_WRONG);
	}
	court_factors(c);
	tell_signed_in(c, by);
	court_admit(c, COOKIE_WHOLE);
	court_rule(c, SELF_GOOD);
}

void
signin_prove(struct court *c)
{
	struct order o;
	enum denial denial;
	int good;

	court_admit(c, COOKIE_WHOLE);
	if (c->ruling.account.prove == SELF_PROVE_INVITATION)
		return;
	if (c->ruling.account.prove == SELF_PROVE_NONE)
		court_rule(c, SELF_INVITATION_NEEDED);
	if (!signin_may_try(c))
		court_rule(c, SELF_GUESSES);
	good = password_check_own(
	    &c->account, c->request.password, &denial);
	if (good == -1) {
		log_warn("auth: crypt(3) fails: is there too little memory?");
		court_trouble(c);
	}
	if (!good) {
		court_log_refusal(c, c->account.address, denial);
		court_rule(c, SELF_WRONG_PASSWORD);
	}
	memset(&o, 0, sizeof(o));
	(void)court_order(c, &o, ACT_PROVED);
}
