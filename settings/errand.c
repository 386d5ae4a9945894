#include <string.h>

#include "common/log.h"
#include "settings/errand.h"
#include "settings/signin.h"
#include "settings/totp.h"

static enum self_result
do_nothing(struct court *c)
{
	(void)c;
	return SELF_GOOD;
}

static enum self_result
change(struct court *c)
{
	static struct order o;

	o.asked = c->request;
	return court_order(c, &o, ACT_CHANGE);
}

/* Somebody who came by an invitation has a password now, and is asked. */
static enum self_result
change_password(struct court *c)
{
	enum self_result result = change(c);

	if (result == SELF_GOOD)
		c->cookie.invited = 0;
	return result;
}

/* With the code of the secret that waits to be confirmed. */
static enum self_result
confirm(struct court *c)
{
	static struct order o;

	if (c->factors.pending == 0)
		return SELF_NO_SUCH;
	if (!signin_may_try(c))
		return SELF_GUESSES;
	if (!totp_check(c->factors.pending_secret, c->request.code,
		c->now / 1000, &o.step)) {
		court_log_refusal(c, c->account.address, DENIAL_CODE);
		return SELF_CODE_WRONG;
	}
	o.asked = c->request;
	totp_digest(c->factors.pending_secret, o.digest);
	return court_order(c, &o, ACT_CHANGE);
}

/* The browser is to have no cookie after this. */
static enum self_result
sign_out(struct court *c)
{
	struct order o;

	memset(&o, 0, sizeof(o));
	(void)court_order(c, &o, ACT_SIGN_OUT);
	memset(&c->ruling, 0, sizeof(c->ruling));
	log_info("signed out: user=%s peer=%s", c->account.address, c->peer);
	court_rule(c, SELF_GOOD);
}

static enum self_result (*const errands[SELF_WANTS])(struct court *) = {
	[SELF_SIGN_OUT] = sign_out,
	[SELF_OVERVIEW] = court_visit,
	[SELF_SET] = change,
	[SELF_APPS_LIST] = court_visit,
	[SELF_APP_MAKE] = change,
	[SELF_APP_REVOKE] = change,
	[SELF_KEPT_LIST] = court_visit,
	[SELF_REQUEUE] = court_visit,
	[SELF_ACTIVITY] = court_visit,
	[SELF_CLIENT] = do_nothing,
	[SELF_SECURITY] = do_nothing,
	[SELF_NOT_ME] = change,
	[SELF_PASSWORD] = change_password,
	[SELF_TOTP_START] = change,
	[SELF_TOTP_CONFIRM] = confirm,
	[SELF_TOTP_OFF] = change,
	[SELF_RECOVERY] = change,
};

void
errand_run(struct court *c)
{
	enum self_result result;

	signin_cookie(c, COOKIE_WHOLE);
	if (SELF_OPENS_DOORS(c->request.want))
		signin_prove(c);
	result = errands[c->request.want](c);
	court_tell(c, TELL_CHANGED);
	court_admit(c, COOKIE_WHOLE);
	court_rule(c, result);
}
