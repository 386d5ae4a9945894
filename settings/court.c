#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "auth/refusals.h"
#include "common/clock.h"
#include "common/log.h"
#include "settings/court.h"
#include "settings/view.h"

#define MINUTE_MS	 (60 * 1000)
#define COOKIE_MS	 (30 * MINUTE_MS)     /* without use */
#define COOKIE_LONGEST_MS (8 * 60 * MINUTE_MS) /* however it is used */
#define HALF_MS		 (5 * MINUTE_MS)
#define INVITED_MS	 (15 * MINUTE_MS)

/* Refusals come so long after the question, whatever the reason (I9). */
static int
is_refusal(enum self_result result)
{
	return result == SELF_REFUSED || result == SELF_CODE_WRONG ||
	    result == SELF_GUESSES || result == SELF_WRONG_PASSWORD;
}

/* When the desk has gone, too: who hangs up is not to guess any faster. */
static void
wait_until_due(const struct court *c)
{
	int64_t left;

	while ((left = c->asked + REFUSAL_MS - clock_ms()) > 0)
		(void)poll(NULL, 0, (int)left);
}

void
court_rule(struct court *c, enum self_result result)
{
	c->ruling.result = result;
	if (is_refusal(result))
		wait_until_due(c);
	(void)channel_send(
	    c->fds.desk, TASK_RULING, &c->ruling, sizeof(c->ruling));
	explicit_bzero(c, sizeof(*c));
	_exit(0);
}

void
court_trouble(struct court *c)
{
	memset(&c->ruling, 0, sizeof(c->ruling));
	court_rule(c, SELF_TROUBLE);
}

void
court_log_refusal(const struct court *c, const char *user, enum denial denial)
{
	char safe[LOG_SAFE_MAX];

	log_info("login refused: peer=%s user=%s mechanism=PAGE reason=%s",
	    c->peer, log_safe(safe, sizeof(safe), user), denial_word(denial));
}

int
court_find(struct court *c, const char *address)
{
	char err[512];
	int found = accounts_find(c->accounts, address,
	    c->conf->default_domain, &c->account, err, sizeof(err));

	if (found == -1) {
		log_warn("%s", err);
		court_trouble(c);
	}
	c->known = found == 1;
	return c->known;
}

/* The answer of clerk or owner, with a descriptor perhaps. */
static enum self_result
hear(struct court *c, int fd, struct message *m, struct done *done)
{
	if (channel_recv_fds(fd, m) == 1 &&
	    task_get(m, TASK_DONE, done, sizeof(*done)))
		return (enum self_result)done->result;
	log_warn("pop3settings' %s has failed; a line before this one, or the "
	    "kernel's log, should tell why",
	    fd == c->fds.clerk ? "clerk" : "owner");
	court_trouble(c);
}

static enum self_result
order(struct court *c, struct order *o, enum act act, struct message *m,
    struct done *done)
{
	enum self_result result;

	o->act = act;
	strlcpy(o->address, c->account.address, sizeof(o->address));
	strlcpy(o->peer, c->peer, sizeof(o->peer));
	o->generation = c->account.generation;
	if (channel_send(c->fds.clerk, TASK_ORDER, o, sizeof(*o)) == -1)
		court_trouble(c);
	explicit_bzero(o, sizeof(*o));
	result = hear(c, c->fds.clerk, m, done);
	if (result == SELF_TROUBLE)
		court_trouble(c);
	return result;
}

void
court_factors(struct court *c)
{
	static struct message m;
	struct order o;
	struct done done;
	char err[512];
	int rv;

	memset(&o, 0, sizeof(o));
	(void)order(c, &o, ACT_FACTORS, &m, &done);
	rv = factors_read(m.nfd == 1 ? m.fd[0] : -1, c->account.address,
	    &c->factors, err, sizeof(err));
	channel_close_fds(&m);
	if (rv == 0)
		return;
	log_warn("%s", err);
	court_trouble(c);
}

enum self_result
court_order(struct court *c, struct order *o, enum act act)
{
	static struct message m;
	struct done done;
	enum self_result result = order(c, o, act, &m, &done);

	channel_close_fds(&m);
	if (act == ACT_CHANGE && result == SELF_GOOD) {
		c->account.generation = done.generation;
		c->ruling.account = done.account;
		c->deed = done.deed;
	}
	return result;
}

enum self_result
court_visit(struct court *c)
{
	static struct message m;
	static struct visit v;
	const struct account *a = &c->account;
	struct done done;

	v.policy = a->policy;
	if (a->access != ACCESS_FROM_NOW)
		v.policy.from_now = 0;
	v.uid = a->uid;
	v.gid = a->gid;
	strlcpy(v.address, a->address, sizeof(v.address));
	strlcpy(v.peer, c->peer, sizeof(v.peer));
	strlcpy(v.maildir, a->maildir, sizeof(v.maildir));
	v.want = c->request.want;
	v.from = c->request.from;
	strlcpy(v.uidl, c->request.uidl, sizeof(v.uidl));
	if (v.want == SELF_APPS_LIST)
		view_apps(&v.apps, a, v.from);
	if (channel_send(c->fds.owner, TASK_VISIT, &v, sizeof(v)) == -1)
		court_trouble(c);
	return hear(c, c->fds.owner, &m, &done);
}

void
court_tell(struct court *c, enum telling telling)
{
	static struct message m;
	static struct told t;
	const struct account *a = &c->account;

	if (c->deed.n == 0)
		return;
	t.uid = a->uid;
	t.gid = a->gid;
	t.signed_in = telling == TELL_SIGNED_IN;
	strlcpy(t.address, a->address, sizeof(t.address));
	strlcpy(t.peer, c->peer, sizeof(t.peer));
	strlcpy(t.maildir, a->maildir, sizeof(t.maildir));
	t.deed = c->deed;
	/* The page that comes next is to show it. */
	if (channel_send(c->fds.owner, TASK_TOLD, &t, sizeof(t)) == 0)
		(void)channel_recv(c->fds.owner, &m);
}

static enum self_prove
prove_of(const struct court *c)
{
	if (c->cookie.invited && c->now - c->cookie.since < INVITED_MS)
		return SELF_PROVE_INVITATION;
	return c->ruling.account.has_password ? SELF_PROVE_PASSWORD :
						SELF_PROVE_NONE;
}

void
court_admit(struct court *c, enum cookie_kind kind)
{
	struct cookie *k = &c->cookie;
	const int64_t life = kind == COOKIE_HALF ? HALF_MS : COOKIE_MS;

	k->kind = kind;
	k->generation = c->account.generation;
	strlcpy(k->address, c->account.address, sizeof(k->address));
	k->until = c->now + life;
	if (k->until > k->since + COOKIE_LONGEST_MS)
		k->until = k->since + COOKIE_LONGEST_MS;
	c->ruling.seconds = (uint32_t)((k->until - c->now) / 1000);
	cookie_seal(k, c->key, c->ruling.cookie);
	/* Half of it shows nobody's account. */
	if (kind == COOKIE_HALF)
		return;
	if (c->ruling.account.address[0] == '\0')
		view_account(&c->ruling.account, &c->account, &c->factors);
	c->ruling.account.prove = prove_of(c);
}
