#include <sys/resource.h>

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auth/accounts.h"
#include "auth/auth.h"
#include "auth/guesses.h"
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
#include "common/stop.h"

/*
 * A client waits for the answer to one refusal before the next is looked at;
 * those of several clients would wait side by side.
 */
#define REFUSAL_PLACES 1

/*
 * An SMTP server asks again and again.  After so many questions, and when
 * the accounts have changed, it is to connect anew, which costs it nothing
 * between two questions: so we look also while it has none.  Only one that
 * never rests is hung up on while it waits for an answer.
 */
#define QUESTIONS_MAX  100
#define QUESTIONS_MOST 200
#define LOOK_MS	       2000

/* More than the slow hashes of a connection take. */
#define CPU_SECONDS	    20
#define CPU_SECONDS_SENDING QUESTIONS_MOST
#define GUESSER_BITS 64	 /* of an IPv6 address: what one customer has */

struct auth {
	const struct conf *conf;
	const struct connection *connection;
	enum service service;
	int channel;
	int verdict; /* -1: nobody becomes a store */
	int failures;
	int questions;
	struct refusals refusals;
	struct guesses guesses;
	struct repeat repeat;
	struct accounts *accounts; /* NULL: they are not asked */
	int system;		   /* channel to that process; -1: none */
};

/* sasl is to say so to the SMTP server, and to end. */
static void
auth_tell_end(const struct auth *a, const char *reason)
{
	struct msg_end end = { .retrieved = 0 };

	strlcpy(end.reason, reason, sizeof(end.reason));
	(void)channel_send(a->channel, MSG_END, &end, sizeof(end));
	_exit(0);
}

/*
 * Waits until there is something to be read from fd, or for so many ms: 1,
 * or 0.  When the session or the parent has gone, all is over.
 */
static int
auth_wait(const struct auth *a, int fd, int ms)
{
	struct pollfd p[3] = { { a->channel, 0, 0 }, { a->verdict, 0, 0 },
		{ fd, POLLIN, 0 } };
	int n = a->service == SERVICE_SEND ? stop_poll(p, 3, ms) :
					     poll(p, 3, ms);

	if (n == -1 && errno != EINTR)
		_exit(1);
	if (n == -1 && a->service == SERVICE_SEND && stop_requested())
		auth_tell_end(a, STOP_STOPPED);
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
	if (strcmp(login->mechanism, "PLAIN") == 0)
		return "PLAIN";
	return login->service == SERVICE_SEND ? "LOGIN" : "USER";
}

/* What the SMTP server has told of its client: fields for the log, or "". */
static const char *
told(const struct msg_login *login, char fields[LOG_SAFE_MAX])
{
	const struct {
		const char *name, *value;
	} list[] = { { "service", login->program }, { "lip", login->local },
		{ "local-name", login->local_name } };
	char safe[LOG_SAFE_MAX];
	size_t i, used = 0;

	fields[0] = '\0';
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (list[i].value[0] != '\0' && used < LOG_SAFE_MAX)
			used += (size_t)snprintf(fields + used,
			    LOG_SAFE_MAX - used, " %s=%s", list[i].name,
			    log_safe(safe, sizeof(safe), list[i].value));
	return fields;
}

/* An SMTP server may let the user send from now on. */
static void
auth_let_send(const struct auth *a, const struct msg_login *login,
    const struct msg_verdict *v)
{
	struct msg_granted granted = { .id = login->id };
	char label[LOG_SAFE_MAX], fields[LOG_SAFE_MAX];

	strlcpy(granted.address, v->address, sizeof(granted.address));
	log_safe(label, sizeof(label), v->label);
	log_info("may send: user=%s peer=%s mechanism=%s%s%s%s", v->address,
	    login->peer, mechanism_word(login), told(login, fields),
	    label[0] != '\0' ? " app-password=" : "", label);
	if (channel_send(a->channel, MSG_GRANTED, &granted,
		sizeof(granted)) == -1)
		_exit(0);
}

static void
auth_grant(const struct auth *a, const struct msg_login *login,
    struct msg_verdict *v)
{
	struct msg_granted granted = { .id = login->id };

	strlcpy(granted.address, v->address, sizeof(granted.address));
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
	char user[LOG_SAFE_MAX], fields[LOG_SAFE_MAX];

	if (!again)
		a->failures++;
	log_info("login refused%s: peer=%s user=%s mechanism=%s%s reason=%s",
	    again ? " again" : "", login->peer,
	    log_safe(user, sizeof(user), login->user), mechanism_word(login),
	    told(login, fields), denial_word(denial));
	/* An SMTP server asks for many, and counts itself. */
	refusal.last = a->service == SERVICE_POP &&
	    a->failures >= a->conf->max_failures;
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

/* Whom guesses are counted for: of IPv6, a whole network. */
static const char *
guesser(const struct msg_login *login, char text[NETWORK_TEXT_SIZE])
{
	struct network n;

	return network_around(&n, login->peer, 32, GUESSER_BITS) == -1 ?
	    login->peer : network_text(&n, text);
}

/*
 * Whoever has guessed too often is refused without a look at the password:
 * but for application passwords, which nobody can guess.
 */
static int
auth_is_guessed(const struct auth *a, const struct msg_login *login)
{
	char text[NETWORK_TEXT_SIZE];

	return a->service == SERVICE_SEND &&
	    guesses_many(&a->guesses, guesser(login, text), clock_ms());
}

static void
auth_note_guess(struct auth *a, const struct msg_login *login)
{
	char text[NETWORK_TEXT_SIZE];

	if (a->service == SERVICE_SEND &&
	    guesses_note(&a->guesses, guesser(login, text), clock_ms()))
		log_info("too many refusals: peer=%s, now without a look at "
		    "passwords, for ten minutes at most", login->peer);
}

/*
 * The accounts' word, or the system's on whom they do not know: 1 and the
 * verdict, 0 and why, or -1 when there is none.
 */
static int
auth_judge(struct auth *a, const struct msg_login *login, int guessed,
    struct msg_verdict *v, enum denial *denial)
{
	static struct account account; /* large */
	const struct attempt attempt = { login->password, login->peer,
		a->service, (int64_t)time(NULL) };
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
		return guessed ? 0 : auth_ask_system(a, login, v);
	good = (guessed ? password_check_application : password_check)(
	    found == 1 ? &account : NULL, &attempt, &app, denial);
	if (good == 1)
		auth_fill_verdict(v, &account, app);
	else if (good == -1)
		log_warn("auth: crypt(3) fails: is there too little memory?");
	explicit_bzero(&account, sizeof(account));
	return good;
}

/* The accounts have changed: what is open is what was. */
static int
auth_is_stale(const struct auth *a)
{
	return a->accounts != NULL && accounts_replaced(a->accounts);
}

/* Stale, or there was enough work for one process. */
static int
auth_is_over(const struct auth *a, int questions)
{
	return auth_is_stale(a) ||
	    (a->service == SERVICE_SEND && a->questions >= questions);
}

/* Somebody else answers what has not been taken out of the channel yet. */
static void
auth_end(const struct auth *a)
{
	struct msg_anew anew = { a->failures };

	if (a->service == SERVICE_SEND)
		auth_tell_end(a, "connect-anew");
	(void)channel_send(a->verdict, MSG_ANEW, &anew, sizeof(anew));
	_exit(0);
}

/*
 * Who is at the other end?  Another address than the connection's may be
 * claimed where a proxy is, and by an SMTP server, which has the client's
 * connection itself; it is written anew, since the word of the process that
 * talks to the network is not trusted for its form.
 */
static void
settle_peer(const struct auth *a, struct msg_login *login)
{
	const struct conf *conf = a->conf;
	const char *peer = a->connection->peer;
	const int proxy = network_has(conf->proxy, conf->nproxy, peer);
	struct network claimed;

	login->via[0] = '\0';
	if (login->peer[0] != '\0' && strchr(login->peer, '/') == NULL &&
	    (proxy || a->service == SERVICE_SEND) &&
	    network_parse(&claimed, login->peer) == 0) {
		(void)network_text(&claimed, login->peer);
		if (proxy)
			strlcpy(login->via, peer, sizeof(login->via));
	} else
		strlcpy(login->peer, peer, sizeof(login->peer));
	log_via(login->via);
}

/* As far as it was filled: wiping the rest would only make its pages. */
static void
wipe_message(struct message *m)
{
	explicit_bzero(m, offsetof(struct message, data) + m->len);
}

/*
 * A session's question stays in the channel until it is answered, where
 * another auth would find it.
 */
static void
auth_take_away(const struct auth *a)
{
	static struct message m;

	if (a->service != SERVICE_POP)
		return;
	(void)channel_recv(a->channel, &m);
	wipe_message(&m);
}

static void
auth_answer(struct auth *a, struct msg_login *login)
{
	struct msg_verdict verdict;
	enum denial denial;
	int64_t asked = clock_ms();
	int good, guessed, stale, again = 0;

	if (a->service == SERVICE_SEND &&
	    auth_is_over(a, QUESTIONS_MOST + 1))
		auth_end(a);
	settle_peer(a, login);
	guessed = auth_is_guessed(a, login);
	good = auth_judge(a, login, guessed, &verdict, &denial);
	if (good == 0)
		again = repeat_note(&a->repeat, login->user,
		    login->password, mechanism_word(login));
	explicit_bzero(login->password, sizeof(login->password));
	/* Whom pop3ctl has shut out meanwhile is not let in. */
	stale = good == 1 && auth_is_stale(a);
	if (stale && a->service == SERVICE_POP)
		auth_end(a);
	auth_take_away(a);
	if (good == -1 || stale)
		auth_trouble(a, login->id, TROUBLE_TEMP);
	if (good && a->service == SERVICE_SEND)
		auth_let_send(a, login, &verdict);
	else if (good)
		auth_grant(a, login, &verdict);
	if (good)
		return;
	auth_deny(a, login, guessed ? DENIAL_GUESSES : denial, again, asked);
	if (!again && !guessed)
		auth_note_guess(a, login);
}

static void
auth_take_question(struct auth *a)
{
	static struct message m;
	struct msg_login login;
	struct msg_end end;
	int rv = (a->service == SERVICE_POP ? channel_peek : channel_recv)(
	    a->channel, &m);

	a->questions++;
	if (rv == 1 && message_get(&m, MSG_END, &end, sizeof(end)))
		_exit(0);
	/* The parent tells of the session, and sasl says MSG_END first. */
	if (rv == 0 && a->service == SERVICE_SEND)
		log_warn("sasl died: the kernel's log should tell why");
	if (rv == 0)
		_exit(0);
	if (rv == -1 || !message_get(&m, MSG_LOGIN, &login, sizeof(login)) ||
	    login.service != a->service) {
		log_warn("auth: not a question: peer=%s",
		    a->connection->peer);
		_exit(1);
	}
	wipe_message(&m);
	auth_answer(a, &login);
	explicit_bzero(&login, sizeof(login));
}

/* How long to wait for a question: until a refusal is due, or to look. */
static int
auth_patience(const struct auth *a)
{
	int ms = refusals_wait(&a->refusals, clock_ms());

	if (a->service == SERVICE_POP || (ms != -1 && ms < LOOK_MS))
		return ms;
	return LOOK_MS;
}

/* Answers questions until somebody hangs up. */
static void __attribute__((noreturn))
auth_serve(struct auth *a)
{
	int readable, full;

	for (;;) {
		full = refusals_full(&a->refusals);
		readable =
		    auth_wait(a, full ? -1 : a->channel, auth_patience(a));
		auth_send_refusals(a);
		/* sasl is told; a session's question waits for its auth. */
		if (readable &&
		    (a->service == SERVICE_SEND || !auth_is_stale(a)))
			auth_take_question(a);
		else if (a->refusals.n == 0 && auth_is_over(a, QUESTIONS_MAX))
			auth_end(a);
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

static void __attribute__((noreturn))
auth_begin(struct auth *a, const struct identity *as)
{
	const rlim_t seconds =
	    a->service == SERVICE_POP ? CPU_SECONDS : CPU_SECONDS_SENDING;
	const struct rlimit cpu = { seconds, seconds };
	int file = -1;

	/* A damaged database may make Berkeley DB run for ever. */
	(void)setrlimit(RLIMIT_CPU, &cpu);
	if (auth_start(a) == -1)
		auth_trouble(a, 0, TROUBLE_TEMP);
	if (a->accounts != NULL)
		file = accounts_file(a->accounts);
	if ((as->root && privdrop(as->uid, as->gid, EMPTY_DIR) == -1) ||
	    sandbox_auth(a->channel, a->verdict, a->system, file,
		a->conf->sandbox_required) == -1)
		auth_trouble(a, 0, TROUBLE_TEMP);
	auth_serve(a);
}

void
auth_run(const struct conf *conf, const struct identity *as, int channel,
    int verdict, int failures, const struct connection *connection)
{
	static struct auth a; /* large, and zeroed */

	a.failures = failures;
	a.conf = conf;
	a.connection = connection;
	a.service = SERVICE_POP;
	a.channel = channel;
	a.verdict = verdict;
	a.refusals.places = REFUSAL_PLACES;
	auth_begin(&a, as);
}

void
auth_run_sending(const struct conf *conf, const struct identity *as,
    int channel, const struct connection *connection)
{
	static struct auth a;

	a.conf = conf;
	a.connection = connection;
	a.service = SERVICE_SEND;
	a.channel = channel;
	a.verdict = -1;
	a.refusals.places = REFUSALS_MAX;
	auth_begin(&a, as);
}
