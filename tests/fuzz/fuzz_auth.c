/*
 * Auth and a hostile session, or a hostile sasl: whatever it is asked, it lets
 * in whoever has the right password and nobody else, answers once, and gives
 * up in time.
 */
#include "tests/fuzz/process.h"

#include <crypt.h>
#include <ctype.h>

#include "common/clock.h"
#include "common/stop.h"

#define REFUSAL_MS  1000
#define PATIENCE_MS 2000 /* of who looks for new accounts meanwhile */

/* Time passes without anybody waiting, when there is nothing else to do. */
static int64_t passed; /* ms */

static inline int
skip_wait(struct pollfd *p, nfds_t n, int ms)
{
	int ready = poll(p, n, 0);

	/* All that will be asked waits already. */
	MUST(ready > 0 || (ms >= 0 && ms <= PATIENCE_MS));
	if (ready == 0)
		passed += ms;
	return ready;
}
#define clock_ms()	passed
#define poll(p, n, ms)	skip_wait(p, n, ms)
#define stop_poll(p, n, ms) skip_wait(p, n, ms)
#include "auth/auth.c"
#undef clock_ms
#undef poll
#undef stop_poll

USES_BERKELEY_DB

#define FAILURES 3
#define MESSAGES 5 /* in one session */

static struct conf conf = { .max_failures = FAILURES, .auth_accounts = 1,
	.proxy = { { 4, 24, { 192, 0, 2 } } } };
static const struct connection connection = { "0badc0de", "192.0.2.1" };
static struct auth a;
static struct message got;
static char app_password[APP_PASSWORD_SIZE];

enum { ONE, OFF, MUTE, TWO_FACTOR, NONE, NOBODY };
static const struct {
	const char *address, *password;
	int in, sends; /* may log in, may send, with that password */
} people[] = {
	{ "one@example.com", "secret", 1, 1 },
	{ "off@example.com", "secret", 0, 1 },
	{ "mute@example.com", "secret", 1, 0 },
	{ "two-factor@example.com", "secret", 0, 0 },
	{ "none@example.com", "", 0, 0 },
	{ "", "secret", 0, 0 },
};

/* The same application password every time, for findings to be repeated. */
uint32_t
arc4random_uniform(uint32_t bound)
{
	static uint32_t n;

	return n++ % bound;
}

/* Stands for the system's: at once, and NULL for what it does not know. */
char *
crypt_rn(const char *phrase, const char *setting, void *data, int size)
{
	MUST(strlen(phrase) <= PASSWORD_MAX);
	if (strncmp(setting, "$fuzz$", 6) != 0 && setting[0] != '$')
		return NULL;
	snprintf(data, (size_t)size, "$fuzz$%.100s", phrase);
	return data;
}

static void
furnish(void)
{
	static struct account account; /* large */
	struct accounts_edit *edit;
	char err[512];
	size_t i;

	conf.accounts = strdup(scratch_path("accounts.db"));
	MUST(accounts_edit_begin(&edit, conf.accounts, err, sizeof(err)) ==
	    0);
	for (i = 0; i < NOBODY; i++) {
		memset(&account, 0, sizeof(account));
		strlcpy(account.address, people[i].address,
		    sizeof(account.address));
		strlcpy(account.maildir, "/var/vmail",
		    sizeof(account.maildir));
		account.uid = account.gid = 1000;
		account.access = i == OFF ? ACCESS_OFF : ACCESS_ALL;
		account.send = i != MUTE;
		account.two_factor = i == TWO_FACTOR;
		if (people[i].password[0] != '\0')
			snprintf(account.hash, sizeof(account.hash),
			    "$fuzz$%s", people[i].password);
		account.napp = 1;
		account.app[0].services = SERVICE_BOTH;
		strlcpy(account.app[0].label, "phone",
		    sizeof(account.app[0].label));
		if (i == TWO_FACTOR)
			app_password_make(
			    app_password, account.app[0].digest);
		MUST(accounts_edit_put(edit, &account, err, sizeof(err)) ==
		    0);
	}
	MUST(accounts_edit_commit(edit, err, sizeof(err)) == 0);
	MUST(accounts_open(&a.accounts, conf.accounts, err, sizeof(err)) ==
	    0);
}

/* Blanks, hyphens and case are no part of an application password. */
static int
is_app_password(const char *typed)
{
	const char *s = app_password;

	for (;; typed++, s++) {
		typed += strspn(typed, " -");
		s += strspn(s, " -");
		if (*s == '\0' || tolower((unsigned char)*typed) != *s)
			return *s == *typed;
	}
}

/* What the answer to a question must be. */
static int
is_right(const struct msg_login *asked)
{
	struct msg_login login = *asked;
	size_t i;

	login.user[ADDRESS_MAX] = login.password[PASSWORD_MAX] = '\0';
	for (i = 0; i < sizeof(people) / sizeof(people[0]); i++)
		if (strcasecmp(login.user, people[i].address) == 0)
			break;
	if (i == TWO_FACTOR && is_app_password(login.password))
		return 1;
	return i < sizeof(people) / sizeof(people[0]) &&
	    (a.service == SERVICE_POP ? people[i].in : people[i].sends) &&
	    strcmp(login.password, people[i].password) == 0;
}

static int
answered(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return (poll)(&p, 1, 0) == 1 && channel_recv(fd, &got) == 1;
}

/* Whatever was claimed: who else it can be, only a proxy may say. */
static void
check_peer(const struct msg_verdict *v)
{
	char text[NETWORK_TEXT_SIZE];
	struct network n;

	if (v->via[0] == '\0') {
		MUST(strcmp(v->peer, connection.peer) == 0);
		return;
	}
	MUST(conf.nproxy > 0 && strcmp(v->via, connection.peer) == 0);
	MUST(network_parse(&n, v->peer) == 0 && strchr(v->peer, '/') == NULL);
	MUST(strcmp(network_text(&n, text), v->peer) == 0);
}

static void
check_grant(int session, int parent, uint32_t id)
{
	struct msg_granted granted;
	struct msg_verdict v;

	MUST(answered(session));
	MUST(message_get(&got, MSG_GRANTED, &granted, sizeof(granted)));
	MUST(granted.id == id);
	MUST(answered(parent));
	MUST(message_get(&got, MSG_VERDICT, &v, sizeof(v)));
	MUST(v.uid == 1000 && v.gid == 1000 && v.address[0] != '\0');
	MUST(strcmp(v.maildir, "/var/vmail") == 0);
	check_peer(&v);
	MUST(strcmp(v.id, connection.id) == 0);
}

static void
check_denial(int session, uint32_t id, int last)
{
	struct msg_denied denied;

	MUST(answered(session));
	MUST(message_get(&got, MSG_DENIED, &denied, sizeof(denied)));
	MUST(denied.id == id && denied.last == last);
}

static const char *const claims[] = { "2001:DB8::7", "::ffff:198.51.100.7",
	"198.51.100.0/24", "198.51.100.7 user=you@example.com" };
#define CLAIMS (sizeof(claims) / sizeof(claims[0]))

/* Puts somebody's name and password together, right, wrong or overlong. */
static void
make_login(struct input *in, unsigned int how, struct msg_login *login)
{
	unsigned int person = take8(in) % (sizeof(people) / sizeof(people[0]));
	uint8_t *text;
	size_t len;

	memset(login, how & 1 ? 'x' : 0, sizeof(*login));
	login->service = a.service;
	strlcpy(login->user, people[person].address, sizeof(login->user));
	strlcpy(login->password, how & 2 ? app_password :
	    people[person].password, sizeof(login->password));
	if (how & 4)
		login->user[0] ^= 0x20;
	if (how & 32)
		strlcpy(login->peer, claims[person % CLAIMS],
		    sizeof(login->peer));
	text = take(in, take8(in), &len);
	if (how & 32 && person == NOBODY)
		memcpy(login->peer, text, len < PEER_MAX ? len : PEER_MAX);
	if (how & 8)
		memcpy(login->password + 3, text, len);
	if (how & 16)
		memcpy(login->user, text,
		    len < ADDRESS_MAX ? len : ADDRESS_MAX);
	free(text);
}

/* The question before, and whether it came by USER, by PLAIN. */
static struct {
	struct msg_login login;
	int tried[2];
} asked;

/*
 * The name and password of the question before, for the first time with the
 * other of the two mechanisms: one failure with it.
 */
static int
is_repeated(const struct msg_login *login)
{
	int which = strncmp(login->mechanism, "PLAIN", 6) == 0;
	const struct msg_login *before = &asked.login;
	int same = strncmp(login->user, before->user, ADDRESS_MAX) == 0 &&
	    strncmp(login->password, before->password, PASSWORD_MAX) == 0;

	asked.login = *login;
	if (!same || asked.tried[which])
		asked.tried[0] = asked.tried[1] = 0;
	same = asked.tried[!which];
	asked.tried[which] = 1;
	return same;
}

/*
 * Asks one question; 1 if it is one at all, 2 if it repeats one, -1 if it
 * must be let in.
 */
static int
ask(struct input *in, int session, uint32_t *id)
{
	static unsigned char buf[RAW_MAX];
	const uint32_t type = MSG_LOGIN;
	unsigned int how = take8(in), nfd = 0;
	struct msg_login login;
	size_t len = sizeof(type) + sizeof(login);
	int repeated;

	if (how < 0x80) {
		make_login(in, how, &login);
		memcpy(buf, &type, sizeof(type));
		memcpy(buf + sizeof(type), &login, sizeof(login));
	} else
		len = take_message(in, how & 1 ? type : how, sizeof(login),
		    buf, &nfd);
	MUST(send_raw(session, buf, len, nfd) == 0);
	if (memcmp(buf, &type, sizeof(type)) != 0 ||
	    len != sizeof(type) + sizeof(login) || nfd > 0)
		return 0;
	memcpy(&login, buf + sizeof(type), sizeof(login));
	*id = login.id;
	if (login.service != a.service)
		return 0;
	repeated = is_repeated(&login);
	return is_right(&login) ? -1 : 1 + repeated;
}

/*
 * All questions wait already when auth looks for the first: refusals gather
 * until there is no place for another, and are sent all at once.
 */
static void
run(struct input *in, int session, int parent)
{
	int question[MESSAGES], n = 0, i, waiting = 0, sent = 0, failures = 0;
	uint32_t id[MESSAGES];

	memset(&asked, 0, sizeof(asked));
	while (in->left > 0 && n < MESSAGES) {
		question[n] = ask(in, session, &id[n]);
		n++;
	}
	shutdown(session, SHUT_WR);
	if (setjmp(over) == 0)
		auth_serve(&a);
	for (i = 0; i < n && question[i] > 0 && failures < FAILURES; i++) {
		if (i == 0 || question[i] == 1)
			failures++;
		if (++waiting < (int)a.refusals.places && failures < FAILURES)
			continue;
		for (; waiting > 0; waiting--, sent++)
			check_denial(session, id[sent],
			    failures == FAILURES && waiting == 1);
	}
	if (i < n && question[i] == -1 && failures < FAILURES)
		check_grant(session, parent, id[i]);
	MUST(!answered(session) && !answered(parent));
}

/* Of the first n questions, how many are right (-1), or wrong, with that id? */
static int
asked_so(const int *question, const uint32_t *id, int n, int right,
    uint32_t wanted)
{
	int found = 0;

	while (n-- > 0)
		found += (question[n] == -1) == right && id[n] == wanted;
	return found;
}

/*
 * Sending: it goes on after each answer, up to what is no question.  Whoever
 * is right is let send once, at once; refusals that are not due yet when
 * sasl has gone are never sent.
 */
static void
run_sending(struct input *in, int sasl)
{
	int question[MESSAGES], n = 0, asked_at_all = 0, right = 0;
	uint32_t id[MESSAGES], granted_ids[MESSAGES];
	struct msg_granted granted;
	struct msg_denied denied;
	int ngranted = 0, ndenied = 0;

	while (in->left > 0 && n < MESSAGES) {
		question[n] = ask(in, sasl, &id[n]);
		n++;
	}
	shutdown(sasl, SHUT_WR);
	if (setjmp(over) == 0)
		auth_serve(&a);
	while (asked_at_all < n && question[asked_at_all] != 0)
		right += question[asked_at_all++] == -1;
	while (answered(sasl)) {
		if (message_get(&got, MSG_GRANTED, &granted, sizeof(granted))) {
			MUST(ngranted < right && granted.address[0] != '\0');
			granted_ids[ngranted++] = granted.id;
			continue;
		}
		MUST(message_get(&got, MSG_DENIED, &denied, sizeof(denied)));
		MUST(!denied.last && ++ndenied <= asked_at_all - right);
		MUST(asked_so(question, id, asked_at_all, 0, denied.id) > 0);
	}
	MUST(ngranted == right);
	while (ngranted-- > 0)
		MUST(asked_so(question, id, asked_at_all, 1,
		    granted_ids[ngranted]) > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	int channel[2], verdict[2], fds;
	const int sends = size > 0 && data[size - 1] % 2 != 0;

	if (a.accounts == NULL) {
		scratch_make();
		furnish();
	}
	fds = open_fds();
	MUST(channel_pair(channel) == 0 && channel_pair(verdict) == 0);
	conf.nproxy = size / MESSAGES % 2;
	a.conf = &conf;
	a.connection = &connection;
	a.channel = channel[0];
	a.verdict = verdict[0];
	a.service = sends ? SERVICE_SEND : SERVICE_POP;
	a.system = -1;
	a.failures = a.questions = 0;
	memset(&a.guesses, 0, sizeof(a.guesses));
	memset(&a.repeat, 0, sizeof(a.repeat));
	a.refusals = (struct refusals){ .places = 1 + size % MESSAGES };
	if (sends)
		run_sending(&in, channel[1]);
	else
		run(&in, channel[1], verdict[1]);
	close(channel[0]);
	close(channel[1]);
	close(verdict[0]);
	close(verdict[1]);
	MUST(open_fds() == fds);
	return 0;
}
