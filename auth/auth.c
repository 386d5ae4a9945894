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
#include "auth/system.h"
#include "common/log.h"
#include "common/messages.h"
#include "common/privdrop.h"
#include "common/sandbox.h"

/*
 * A refusal is answered so long after the question came, whatever the
 * reason was: it slows guessing, and hides what the work for it took (I9).
 */
#define REFUSAL_MS 1000

#define CPU_SECONDS 20 /* more than any number of slow hashes takes */

struct auth {
	const struct conf *conf;
	const char *peer;
	int channel;
	int verdict;
	int failures;
	struct accounts *accounts; /* NULL: they are not asked */
	int system;		   /* channel to that process; -1: none */
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until the time has come, or one of the others has gone. */
static void
delay(const struct auth *a, int64_t until)
{
	struct pollfd p[2] = { { a->channel, 0, 0 }, { a->verdict, 0, 0 } };
	int64_t left;

	while ((left = until - now_ms()) > 0)
		if (poll(p, 2, (int)left) > 0)
			_exit(0);
}

static void
trouble(const struct auth *a, enum trouble which)
{
	struct msg_trouble t = { (int32_t)which };

	(void)channel_send(a->channel, MSG_TROUBLE, &t, sizeof(t));
	_exit(1);
}

static void
grant(const struct auth *a, const struct msg_verdict *v)
{
	if (channel_send(a->verdict, MSG_VERDICT, v, sizeof(*v)) == -1 ||
	    channel_send(a->channel, MSG_GRANTED, NULL, 0) == -1)
		_exit(1);
	_exit(0);
}

static void
fill_verdict(struct msg_verdict *v, const struct account *account,
    const char *label)
{
	memset(v, 0, sizeof(*v));
	strlcpy(v->address, account->address, sizeof(v->address));
	strlcpy(v->maildir, account->maildir, sizeof(v->maildir));
	if (label != NULL)
		strlcpy(v->label, label, sizeof(v->label));
	v->uid = account->uid;
	v->gid = account->gid;
	v->spam = (int32_t)account->spam;
	v->auto_delete = account->auto_delete;
	if (account->access == ACCESS_FROM_NOW)
		v->from_now = account->from_now;
}

static void
deny(struct auth *a, const struct msg_login *login, int64_t asked)
{
	struct msg_denied denied;
	char user[LOG_SAFE_MAX];

	a->failures++;
	log_info("login refused: peer=%s user=%s mechanism=%s", a->peer,
	    log_safe(user, sizeof(user), login->user),
	    strcmp(login->mechanism, "PLAIN") == 0 ? "PLAIN" : "USER");
	denied.last = a->failures >= a->conf->max_failures;
	delay(a, asked + REFUSAL_MS);
	if (channel_send(a->channel, MSG_DENIED, &denied, sizeof(denied)) ==
		-1 ||
	    denied.last)
		_exit(0);
}

/*
 * The accounts' word, or the system's on whom they do not know: 1 and the
 * verdict, 0, or -1 when there is none.
 */
static int
judge(struct auth *a, const struct msg_login *login, struct msg_verdict *v)
{
	static struct account account; /* large */
	const char *label;
	char err[512];
	int found = 0, good;

	if (a->accounts != NULL)
		found = accounts_get(a->accounts, login->user, &account, err,
		    sizeof(err));
	if (found == -1) {
		log_warn("%s", err);
		return -1;
	}
	if (found == 0 && a->system != -1)
		return system_check(a->system, login, v);
	good = password_check(
	    found == 1 ? &account : NULL, login->password, &label);
	if (good == 1)
		fill_verdict(v, &account, label);
	else if (good == -1)
		log_warn("auth: crypt(3) fails: is there too little memory?");
	explicit_bzero(&account, sizeof(account));
	return good;
}

static void
answer(struct auth *a, struct msg_login *login)
{
	struct msg_verdict verdict;
	int64_t asked = now_ms();
	int good;

	login->user[sizeof(login->user) - 1] = '\0';
	login->password[sizeof(login->password) - 1] = '\0';
	login->mechanism[sizeof(login->mechanism) - 1] = '\0';
	good = judge(a, login, &verdict);
	explicit_bzero(login->password, sizeof(login->password));
	if (good == -1)
		trouble(a, TROUBLE_TEMP);
	if (good)
		grant(a, &verdict);
	deny(a, login, asked);
}

/* Answers one question after the other, until somebody hangs up. */
static void
serve(struct auth *a)
{
	static struct message m;
	struct msg_login login;

	while (channel_recv(a->channel, &m) == 1) {
		while (m.nfd > 0)
			close(m.fd[--m.nfd]);
		if (!channel_is(&m, MSG_LOGIN, sizeof(login))) {
			log_warn("auth: not a question: peer=%s", a->peer);
			_exit(1);
		}
		memcpy(&login, m.data, sizeof(login));
		explicit_bzero(&m, sizeof(m));
		answer(a, &login);
		explicit_bzero(&login, sizeof(login));
	}
	_exit(0);
}

/* What needs root, before it is given up. */
static int
start(struct auth *a)
{
	const int keep_out[] = { a->channel, a->verdict };
	char err[512];

	a->system = -1;
	if (a->conf->auth_system &&
	    (a->system = system_start(a->conf, a->peer, keep_out, 2)) == -1)
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
    int verdict, const char *peer)
{
	const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS };
	struct auth a = { .conf = conf, .peer = peer, .channel = channel,
		.verdict = verdict };

	/* A damaged database may make Berkeley DB run for ever. */
	(void)setrlimit(RLIMIT_CPU, &cpu);
	if (start(&a) == -1 ||
	    (as->root && privdrop(as->uid, as->gid, EMPTY_DIR) == -1) ||
	    sandbox_auth(channel, verdict, a.system,
		conf->sandbox_required) == -1)
		trouble(&a, TROUBLE_TEMP);
	serve(&a);
	_exit(0);
}
