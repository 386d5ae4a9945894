#include <sys/resource.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auth/accounts.h"
#include "auth/auth.h"
#include "auth/password.h"
#include "auth/refusals.h"
#include "auth/repeat.h"
#include "auth/system.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/messages.h"
#include "common/network.h"
#include "common/privdrop.h"
#include "common/sandbox.h"

/*
 * A client waits for the answer to one refusal before the next is looked at;
 * those of several clients would wait side by side.
 */
#define REFUSAL_PLACES 1

#define CPU_SECONDS 20 /* more than any number of slow hashes takes */

struct auth {
	const struct conf *conf;
	const struct connection *connection;
	int channel;
	int verdict;
	int failures;
	struct refusals refusals;
	struct repeat repeat;
	struct accounts *accounts; /* NULL: they are not asked */
	int system;		   /* channel to that process; -1: none */
};

/*
 * Waits until there is something to be read from fd, or for so many ms: 1,
 * or 0.  When the session or the parent has gone, all is over.
 */
static int
auth_wait(const struct auth *a, int fd, int ms)
{
	struct pollfd p[3] = { { a->channel, 0, 0 }, { a->verdict, 0, 0 },
		{ fd, POLLIN, 0 } };
	int n = poll(p, 3, ms);

	if (n == -1 && errno != EINTR)
		_exit(1);
	if (n <= 0)
		return 0;
	if (p[2].revents == 0)
		_exit(0);
	return 1;
}

static void
auth_trouble(const struct auth *a, uint32_t id, enum trouble which)
{
	struct msg_trouble t = { id, (int32_t)which };

	(void)channel_send(a->channel, MSG_TROUBLE, &t, sizeof(t));
	_exit(1);
}

/* What the session calls the mechanism is for the log: a word of ours. */
static const char *
mechanism_word(const struct msg_login *login)
{
	return strcmp(login->mechanism, "PLAIN") == 0 ? "PLAIN" : "USER";
}

static void
auth_grant(const struct auth *a, const struct msg_login *login,
    struct msg_verdict *v)
{
	struct msg_granted granted = { login->id };

	strlcpy(v->id, a->connection->id, sizeof(v->id));
	strlcpy(v->mechanism, mechanism_word(login), sizeof(v->mechanism));
	strlcpy(v->peer, login->peer, sizeof(v->peer));
	strlcpy(v->via, login->via, sizeof(v->via));
	if (channel_send(a->verdict, MSG_VERDICT, v, sizeof(*v)) == -1 ||
	    channel_send(a->channel, MSG_GRANTED, &granted,
		sizeof(granted)) == -1)
		_exit(1);
	_exit(0);
}

static void
auth_fill_verdict(struct msg_verdict *v, const struct account *account,
    const struct app_password *app)
{
	memset(v, 0, sizeof(*v));
	strlcpy(v->address, account->address, sizeof(v->address));
	strlcpy(v->maildir, account->maildir, sizeof(v->maildir));
	if (app != NULL) {
		strlcpy(v->label, app->label, sizeof(v->label));
		v->read_only = app->read_only;
	}
	v->uid = account->uid;
	v->gid = account->gid;
	v->policy = account->policy;
	if (account->access != ACCESS_FROM_NOW)
		v->policy.from_now = 0;
}

static void
auth_deny(struct auth *a, const struct msg_login *login, enum denial denial,
    int again, int64_t asked)
{
	struct refusal refusal = { asked + REFUSAL_MS, login->id, 0 };
	char user[LOG_SAFE_MAX];

	if (!again)
		a->failures++;
	log_info("login refused%s: peer=%s user=%s mechanism=%s reason=%s",
	    again ? " again" : "", login->peer,
	    log_safe(user, sizeof(user), login->user),
	    mechanism_word(login), denial_word(denial));
	refusal.last = a->failures >= a->conf->max_failures;
	refusals_add(&a->refusals, &refusal);
}

/* Answers what is due now. */
static void
auth_send_refusals(struct auth *a)
{
	struct refusal refusal;
	struct msg_denied denied;

	while (refusals_take(&a->refusals, clock_ms(), &refusal)) {
		denied.id = refusal.id;
		denied.last = refusal.last;
		if (channel_send(a->channel, MSG_DENIED, &denied,
			sizeof(denied)) == -1 ||
		    denied.last)
			_exit(0);
	}
}

/* The system's word: 1 and the verdict, 0, or -1 when there is none. */
static int
auth_ask_system(const struct auth *a, const struct msg_login *login,
    struct msg_verdict *v)
{
	if (system_ask(a->system, login) == -1)
		return -1;
	while (!auth_wait(a, a->system, -1))
		continue;
	return system_answer(a->system, v);
}

/*
 * The accounts' word, or the system's on whom they do not know: 1 and the
 * verdict, 0 and why, or -1 when there is none.
 */
static int
auth_judge(struct auth *a, const struct msg_login *login,
    struct msg_verdict *v, enum denial *denial)
{
	static struct account account; /* large */
	const struct attempt attempt = { login->password, login->peer,
		SERVICE_POP, (int64_t)time(NULL) };
	const struct app_password *app;
	char err[512];
	int found = 0, good;

	if (a->accounts != NULL)
		found = accounts_find(a->accounts, login->user,
		    a->conf->default_domain, &account, err, sizeof(err));
	if (found == -1) {
		log_warn("%s", err);
		return -1;
	}
	*denial = DENIAL_SYSTEM;
	if (found == 0 && a->system != -1)
		return auth_ask_system(a, login, v);
	good = password_check(
	    found == 1 ? &account : NULL, &attempt, &app, denial);
	if (good == 1)
		auth_fill_verdict(v, &account, app);
	else if (good == -1)
		log_warn("auth: crypt(3) fails: is there too little memory?");
	explicit_bzero(&account, sizeof(account));
	return good;
}

/*
 * Who is at the other end?  Another address than the connection's may be
 * claimed where a proxy is, and nowhere else; it is written anew, since the
 * session's word is not trusted for its form.
 */
static void
settle_peer(const struct auth *a, struct msg_login *login)
{
	const struct conf *conf = a->conf;
	const char *peer = a->connection->peer;
	struct network claimed;

	login->via[0] = '\0';
	if (login->peer[0] != '\0' && strchr(login->peer, '/') == NULL &&
	    network_has(conf->proxy, conf->nproxy, peer) &&
	    network_parse(&claimed, login->peer) == 0) {
		(void)network_text(&claimed, login->peer);
		strlcpy(login->via, peer, sizeof(login->via));
	} else
		strlcpy(login->peer, peer, sizeof(login->peer));
	log_via(login->via);
}

static void
auth_answer(struct auth *a, struct msg_login *login)
{
	struct msg_verdict verdict;
	enum denial denial;
	int64_t asked = clock_ms();
	int good, again = 0;

	settle_peer(a, login);
	good = auth_judge(a, login, &verdict, &denial);
	if (good == 0)
		again = repeat_note(&a->repeat, login->user,
		    login->password, mechanism_word(login));
	explicit_bzero(login->password, sizeof(login->password));
	if (good == -1)
		auth_trouble(a, login->id, TROUBLE_TEMP);
	if (good)
		auth_grant(a, login, &verdict);
	auth_deny(a, login, denial, again, asked);
}

static void
auth_take_question(struct auth *a)
{
	static struct message m;
	struct msg_login login;
	int rv = channel_recv(a->channel, &m);

	if (rv == 0)
		_exit(0);
	if (rv == -1 || !message_get(&m, MSG_LOGIN, &login, sizeof(login)) ||
	    login.service != SERVICE_POP) {
		log_warn("auth: not a question: peer=%s",
		    a->connection->peer);
		_exit(1);
	}
	explicit_bzero(&m, sizeof(m));
	auth_answer(a, &login);
	explicit_bzero(&login, sizeof(login));
}

/* Answers questions until somebody hangs up. */
static void __attribute__((noreturn))
auth_serve(struct auth *a)
{
	int readable, full;

	for (;;) {
		full = refusals_full(&a->refusals);
		readable = auth_wait(a, full ? -1 : a->channel,
		    refusals_wait(&a->refusals, clock_ms()));
		auth_send_refusals(a);
		if (readable)
			auth_take_question(a);
	}
}

/* What needs root, before it is given up. */
static int
auth_start(struct auth *a)
{
	const int keep_out[] = { a->channel, a->verdict };
	char err[512];

	a->system = -1;
	if (a->conf->auth_system &&
	    (a->system = system_start(a->conf, keep_out, 2)) == -1)
		return -1;
	if (a->conf->auth_accounts &&
	    accounts_open(&a->accounts, a->conf->accounts, err,
		sizeof(err)) == -1) {
		log_warn("%s", err);
		return -1;
	}
	return 0;
}

void
auth_run(const struct conf *conf, const struct identity *as, int channel,
    int verdict, const struct connection *connection)
{
	const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS };
	struct auth a = { .conf = conf, .connection = connection,
		.channel = channel, .verdict = verdict,
		.refusals = { .places = REFUSAL_PLACES } };

	repeat_init(&a.repeat);
	/* A damaged database may make Berkeley DB run for ever. */
	(void)setrlimit(RLIMIT_CPU, &cpu);
	if (auth_start(&a) == -1 ||
	    (as->root && privdrop(as->uid, as->gid, EMPTY_DIR) == -1) ||
	    sandbox_auth(channel, verdict, a.system,
		conf->sandbox_required) == -1)
		auth_trouble(&a, 0, TROUBLE_TEMP);
	auth_serve(&a);
}
