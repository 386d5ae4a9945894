#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "auth/factors.h"
#include "auth/hash.h"
#include "auth/password.h"
#include "common/log.h"
#include "ctl/ctl.h"
#include "ctl/label.h"
#include "ctl/pipe.h"
#include "ctl/revoke.h"
#include "ctl/settings.h"
#include "settings/change.h"
#include "settings/totp.h"
#include "settings/view.h"

#define DAY		86400
#define PENDING_SECONDS 1800 /* for a secret to be confirmed */

/* What of the factors is written, and when: before the account, or behind. */
enum writes { NOTHING, BEFORE, BEHIND };

struct change {
	const struct conf *conf;
	const struct order *order;
	const struct self_request *asked;
	int desk;
	int64_t now; /* seconds since the epoch */
	struct revocation revocation;
	struct factors_edit edit;
	struct factors before, factors; /* as they were, and will be */
	int wrote; /* factors, before the account */
	enum self_result result;
	struct self_account account; /* as it is behind it */
	int64_t generation;
	int shows; /* there is a page */
	union page page;
	struct deed deed; /* what is to be told of it */
};

static const char *
on(int64_t value)
{
	return value != 0 ? "yes" : "no";
}

/* KEY=VALUE, as pop3ctl sets it; -1: there is no such value, or setting. */
static int
setting_text(uint32_t setting, int64_t v, char text[64])
{
	static const char *const access[] = { "off", "all", "from-now" };
	static const char *const spam[] = { "exclude", "include", "only" };

	if (v < 0 || v > DAYS_MAX)
		return -1;
	if (setting == SELF_SET_ACCESS && v < 3)
		snprintf(text, 64, "access=%s", access[v]);
	else if (setting == SELF_SET_SPAM && v < 3)
		snprintf(text, 64, "spam=%s", spam[v]);
	else if (setting == SELF_SET_AUTO_DELETE && v < 2)
		snprintf(text, 64, "auto-delete=%s", on(v));
	else if (setting == SELF_SET_MARK_READ && v < 2)
		snprintf(text, 64, "mark-read=%s", on(v));
	else if (setting == SELF_SET_KEEP && v == FOR_EVER)
		strlcpy(text, "keep=forever", 64);
	else if (setting == SELF_SET_KEEP)
		snprintf(text, 64, "keep=%lld", (long long)v);
	else
		return -1;
	return 0;
}

static int
set_one(struct account *a, struct deed *deed, uint32_t setting, int64_t v)
{
	char text[64], err[256], *value;

	if (setting_text(setting, v, text) == -1 ||
	    setting_apply(a, text, err, sizeof(err)) == -1)
		return -1;
	value = strchr(text, '=');
	*value++ = '\0';
	deed_add(deed, text, value);
	return 0;
}

/* One that cannot be set, and none is: the account is written as a whole. */
static enum self_result
set(struct account *a, struct change *c)
{
	const uint32_t which = c->asked->settings;
	uint32_t i;

	if (which == 0 || which >> SELF_SETTINGS != 0)
		return SELF_BAD_VALUE;
	for (i = 0; i < SELF_SETTINGS; i++)
		if ((which >> i & 1) != 0 &&
		    set_one(a, &c->deed, i, c->asked->value[i]) == -1)
			return SELF_BAD_VALUE;
	return SELF_GOOD;
}

static enum self_result
check_app(const struct account *a, const struct change *c)
{
	const struct self_request *r = c->asked;

	if (!label_good(r->label))
		return SELF_BAD_LABEL;
	if (label_find(a, r->label) < a->napp)
		return SELF_LABEL_TAKEN;
	if (a->napp == APP_PASSWORDS_MAX)
		return SELF_TOO_MANY;
	if (r->services == 0 || r->services > SERVICE_BOTH || r->read_only > 1)
		return SELF_BAD_VALUE;
	if (r->expires != FOR_EVER && (r->expires <= c->now ||
		r->expires > c->now + (int64_t)DAYS_MAX * DAY))
		return SELF_BAD_DATE;
	return SELF_GOOD;
}

static enum self_result
make_app(struct account *a, struct change *c)
{
	const struct self_request *r = c->asked;
	struct self_made *made = &c->page.made;
	enum self_result result = check_app(a, c);
	struct app_password *new;

	if (result != SELF_GOOD)
		return result;
	new = &a->app[a->napp++];
	memset(new, 0, sizeof(*new));
	strlcpy(new->label, r->label, sizeof(new->label));
	new->created = c->now;
	new->expires = r->expires;
	new->services = (enum service)r->services;
	new->read_only = (int)r->read_only;
	app_password_make(made->password, new->digest);
	a->generation++;
	view_app(&made->app, new);
	c->shows = 1;
	deed_add(&c->deed, "app-password", new->label);
	return SELF_GOOD;
}

static enum self_result
revoke_app(struct account *a, struct change *c)
{
	const size_t i = label_find(a, c->asked->label);

	if (i == a->napp)
		return SELF_NO_SUCH;
	deed_add(&c->deed, "revoked", a->app[i].label);
	label_remove(a, i);
	return SELF_GOOD;
}

/* Whoever has one that was not used has no use for it any more. */
static void
void_invitation(struct factors *f)
{
	f->invited = 0;
	memset(f->invitation, 0, sizeof(f->invitation));
}

/* "That was not me": whoever it was is out, by whatever way. */
static enum self_result
throw_out(struct account *a, struct change *c)
{
	revocation_note(&c->revocation, a, NULL);
	c->page.count = a->napp;
	c->shows = 1;
	while (a->napp > 0)
		label_remove(a, a->napp - 1);
	void_invitation(&c->factors);
	a->generation++;
	deed_add(&c->deed, "not-me", "");
	return SELF_GOOD;
}

/* Of UTF-8: as the page says it. */
static size_t
characters(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

/* One character, the address or its beginning, the password that it was. */
static int
is_easy(const struct account *a, const char *password)
{
	const size_t len = strlen(password);

	return strspn(password, (char[2]){ password[0], '\0' }) == len ||
	    strncasecmp(a->address, password, len) == 0 ||
	    (a->hash[0] != '\0' && hash_check(password, a->hash) == 1);
}

static enum self_result
set_password(struct account *a, struct change *c)
{
	const char *password = c->asked->new_password;
	char hash[HASH_MAX + 1], err[256];

	if (characters(password) < SELF_PASSWORD_MIN)
		return SELF_SHORT;
	if (strlen(password) > hash_longest())
		return SELF_LONG;
	if (is_easy(a, password))
		return SELF_EASY;
	if (password_hash(password, hash, sizeof(hash), err, sizeof(err)) ==
	    -1) {
		log_warn("%s", err);
		return SELF_TROUBLE;
	}
	strlcpy(a->hash, hash, sizeof(a->hash));
	explicit_bzero(hash, sizeof(hash));
	void_invitation(&c->factors);
	a->generation++;
	deed_add(&c->deed, "password", "");
	return SELF_GOOD;
}

static enum self_result
start_totp(struct account *a, struct change *c)
{
	struct factors *f = &c->factors;

	(void)a;
	arc4random_buf(f->pending_secret, sizeof(f->pending_secret));
	f->pending = c->now;
	totp_text(f->pending_secret, c->page.secret.secret);
	c->shows = 1;
	return SELF_GOOD;
}

/* Digests go with the secret, which goes where the account goes. */
static void
make_recovery(struct change *c)
{
	struct self_recovery *r = &c->page.recovery;
	struct factors *f = &c->factors;
	char symbols[RECOVERY_SYMBOLS + 1], secret[SELF_SECRET_MAX + 1];
	size_t i;

	totp_text(f->secret, secret);
	for (i = 0; i < RECOVERY_CODES; i++) {
		symbols_make(r->code[i], RECOVERY_SYMBOLS);
		(void)symbols_read(r->code[i], symbols, RECOVERY_SYMBOLS);
		digest_make(f->recovery[i], secret, symbols);
	}
	explicit_bzero(symbols, sizeof(symbols));
	explicit_bzero(secret, sizeof(secret));
	f->nrecovery = r->n = RECOVERY_CODES;
	c->shows = 1;
}

/* Auth has found that the code is one of this secret. */
static enum self_result
confirm_totp(struct account *a, struct change *c)
{
	struct factors *f = &c->factors;
	unsigned char digest[DIGEST_OCTETS];

	if (f->pending == 0 || c->now - f->pending > PENDING_SECONDS)
		return SELF_NO_SUCH;
	/* Another one may have been made since the code was judged. */
	totp_digest(f->pending_secret, digest);
	if (!digest_same(digest, c->order->digest))
		return SELF_CHANGED;
	memcpy(f->secret, f->pending_secret, sizeof(f->secret));
	explicit_bzero(f->pending_secret, sizeof(f->pending_secret));
	f->pending = 0;
	f->has_secret = 1;
	f->step = c->order->step;
	f->tries = 0;
	make_recovery(c);
	a->two_factor = 1;
	a->generation++;
	deed_add(&c->deed, "two-factor", "on");
	return SELF_GOOD;
}

static enum self_result
end_totp(struct account *a, struct change *c)
{
	struct factors *f = &c->factors;

	if (!a->two_factor)
		return SELF_NO_SUCH;
	f->has_secret = 0;
	f->pending = 0;
	f->nrecovery = 0;
	explicit_bzero(f->secret, sizeof(f->secret));
	explicit_bzero(f->pending_secret, sizeof(f->pending_secret));
	explicit_bzero(f->recovery, sizeof(f->recovery));
	a->two_factor = 0;
	a->generation++;
	deed_add(&c->deed, "two-factor", "off");
	return SELF_GOOD;
}

static enum self_result
renew_recovery(struct account *a, struct change *c)
{
	if (!view_asks_code(a, &c->factors))
		return SELF_NO_SUCH;
	make_recovery(c);
	a->generation++;
	deed_add(&c->deed, "recovery-codes", "");
	return SELF_GOOD;
}

static const struct {
	enum self_result (*make)(struct account *, struct change *);
	enum writes writes;
} changes[SELF_WANTS] = {
	[SELF_SET] = { set, NOTHING },
	[SELF_APP_MAKE] = { make_app, NOTHING },
	[SELF_APP_REVOKE] = { revoke_app, NOTHING },
	[SELF_NOT_ME] = { throw_out, BEFORE },
	[SELF_PASSWORD] = { set_password, BEFORE },
	[SELF_TOTP_START] = { start_totp, BEFORE },
	[SELF_TOTP_CONFIRM] = { confirm_totp, BEFORE },
	[SELF_TOTP_OFF] = { end_totp, BEHIND },
	[SELF_RECOVERY] = { renew_recovery, BEFORE },
};

static enum writes
writes_of(const struct change *c)
{
	return changes[c->asked->want].writes;
}

static int
write_factors(struct change *c)
{
	char err[512];
	const int rv = factors_edit_commit(
	    &c->edit, &c->factors, err, sizeof(err));

	c->edit.lock = -1;
	return rv == 0 ? CTL_GOOD : ctl_fail("%s", err);
}

/* Behind the accounts' lock, as whoever changes both takes them. */
static int
open_factors(struct change *c)
{
	char err[512];

	if (factors_edit_begin(&c->edit, c->conf->accounts,
		c->order->address, &c->factors, err, sizeof(err)) == -1)
		return ctl_fail("%s", err);
	c->before = c->factors;
	return CTL_GOOD;
}

static int
are_same(const struct change *c, const struct factors *a,
    const struct factors *b)
{
	unsigned char x[FACTORS_OCTETS], y[FACTORS_OCTETS];
	int same;

	factors_encode(a, c->order->address, x);
	factors_encode(b, c->order->address, y);
	same = memcmp(x, y, sizeof(x)) == 0;
	explicit_bzero(x, sizeof(x));
	explicit_bzero(y, sizeof(y));
	return same;
}

/* The account did not change: no more do they, unless others did it since. */
static void
restore_factors(struct change *c)
{
	struct factors now;
	char err[512];
	int rv;

	rv = factors_edit_begin(&c->edit, c->conf->accounts,
	    c->order->address, &now, err, sizeof(err));
	if (rv == 0 && are_same(c, &now, &c->factors))
		rv = factors_edit_commit(
		    &c->edit, &c->before, err, sizeof(err));
	else if (rv == 0)
		factors_edit_abandon(&c->edit);
	c->edit.lock = -1;
	explicit_bzero(&now, sizeof(now));
	if (rv == -1)
		log_warn("%s", err);
}

/*
 * The lock may have been waited for longer than the web server waits, and then
 * its user has been told to try again.
 */
static int
nobody_waits(const struct change *c)
{
	struct pollfd p = { c->desk, 0, 0 };

	if (poll(&p, 1, 0) != 1)
		return 0;
	log_warn("not changed: user=%s peer=%s: the web server has not waited; "
	    "who holds the accounts' lock for so long?", c->order->address,
	    c->order->peer);
	return 1;
}

/* Of the account as it is now, which may not be what auth saw. */
static int
make(struct account *a, void *arg)
{
	struct change *c = arg;

	c->result = SELF_TROUBLE;
	if (nobody_waits(c))
		return CTL_FAILED;
	c->result = SELF_CHANGED;
	if (a->generation != c->order->generation || !a->self_service)
		return CTL_FAILED;
	c->result = SELF_TROUBLE;
	if (open_factors(c) != CTL_GOOD)
		return CTL_FAILED;
	c->result = changes[c->asked->want].make(a, c);
	if (c->result != SELF_GOOD)
		return CTL_FAILED;
	if (writes_of(c) == BEFORE && write_factors(c) != CTL_GOOD) {
		c->result = SELF_TROUBLE;
		return CTL_FAILED;
	}
	c->wrote = writes_of(c) == BEFORE;
	c->generation = a->generation;
	view_account(&c->account, a, &c->factors);
	return CTL_GOOD;
}

/* Others are not to wait for what comes behind it. */
static void
release_factors(struct change *c)
{
	if (c->edit.lock != -1)
		factors_edit_abandon(&c->edit);
	c->edit.lock = -1;
}

/* Until the sessions are over, and nobody gets in who was judged before. */
static void
end_sessions(struct change *c)
{
	int ended;

	revocation_made(&c->revocation);
	if (!pipe_read(c->revocation.fd, &ended, sizeof(ended)) ||
	    ended != CTL_GOOD)
		log_warn("sessions of %s may be left; `pop3ctl kick' ends "
		    "them", c->order->address);
}

static void
change_both(const struct conf *conf, const struct clerk_fds *fds,
    struct change *c)
{
	int status = ctl_change_noting(conf, c->order->address, make, c,
	    &c->revocation);
	char text[DEED_TEXT];

	if (status == CTL_GOOD && writes_of(c) == BEHIND)
		(void)write_factors(c);
	release_factors(c);
	if (status != CTL_GOOD && c->wrote)
		restore_factors(c);
	if (status != CTL_GOOD) {
		if (c->result == SELF_GOOD)
			c->result = SELF_TROUBLE;
		return;
	}
	deed_text(&c->deed, text);
	if (c->deed.n > 0)
		log_info("changed: user=%s peer=%s %s", c->order->address,
		    c->order->peer, text);
	end_sessions(c);
	if (c->shows && channel_send(fds->desk, TASK_PAGE, &c->page,
		sizeof(c->page)) == -1)
		c->result = SELF_TROUBLE;
}

void
change_run(const struct conf *conf, const struct clerk_fds *fds,
    const struct order *order, struct done *done)
{
	static struct change c; /* large */

	memset(&c, 0, sizeof(c));
	c.conf = conf;
	c.desk = fds->desk;
	c.edit.lock = -1;
	c.order = order;
	c.asked = &order->asked;
	c.now = (int64_t)time(NULL);
	c.revocation.fd = fds->owner;
	c.result = SELF_TROUBLE;
	done->result = SELF_TROUBLE;
	if (order->asked.want == 0 || order->asked.want >= SELF_WANTS ||
	    changes[order->asked.want].make == NULL)
		return;
	change_both(conf, fds, &c);
	done->result = c.result;
	done->generation = c.generation;
	done->account = c.account;
	done->deed = c.deed;
	explicit_bzero(&c, sizeof(c));
}
