#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/sasl.h"
#include "common/stop.h"
#include "sasl/exchange.h"
#include "sasl/protocol.h"
#include "sasl/reply.h"

#define COOKIE_OCTETS 16

/* LOGIN's questions, which clients know by heart: "Username:", "Password:". */
#define ASK_NAME     "VXNlcm5hbWU6"
#define ASK_PASSWORD "UGFzc3dvcmQ6"

/* The SMTP server hands it on to its client. */
static const char refused[] =
    "login refused: wrong name or password, or sending is off";

void
exchange_greet(struct server *s)
{
	unsigned char octets[COOKIE_OCTETS];
	char cookie[2 * COOKIE_OCTETS + 1];
	const long pid = (long)getpid();
	size_t i;

	/* For a protocol of Dovecot's own processes, which is not spoken. */
	arc4random_buf(octets, sizeof(octets));
	for (i = 0; i < sizeof(octets); i++)
		snprintf(cookie + 2 * i, 3, "%02x", octets[i]);
	reply_line(s, "VERSION\t%d\t%d\nMECH\tPLAIN\tplaintext\n"
	    "MECH\tLOGIN\tplaintext\nSPID\t%ld\nCUID\t%ld\nCOOKIE\t%s\nDONE",
	    PROTOCOL_MAJOR, PROTOCOL_MINOR, pid, pid, cookie);
}

/* The client's fault, which has nothing to do with who he is. */
static void
fail_with(struct server *s, struct request *q, const char *reason)
{
	reply_line(s, "FAIL\t%u\treason=%s", (unsigned int)q->id, reason);
	requests_free(q);
}

static void
prompt(struct server *s, struct request *q, enum stage stage, const char *text)
{
	q->stage = stage;
	reply_line(s, "CONT\t%u\t%s", (unsigned int)q->id, text);
}

/* Asks auth.  The password stays with it. */
static void
ask(struct server *s, struct request *q)
{
	q->login.id = ++s->asked;
	q->login.service = SERVICE_SEND;
	q->stage = STAGE_ASKED;
	q->deadline = clock_ms() + s->patience;
	/* If it has gone, what it last said is read from the channel. */
	(void)channel_send(s->channel, MSG_LOGIN, &q->login, sizeof(q->login));
	explicit_bzero(q->login.password, sizeof(q->login.password));
}

/* Takes the client's response to the question that stage stands for. */
static void
respond(struct server *s, struct request *q, char *response)
{
	int good;

	if (q->stage == STAGE_PLAIN)
		good = sasl_plain(response, &q->login) == 0;
	else if (q->stage == STAGE_NAME)
		good = sasl_string(response, q->login.user,
			   sizeof(q->login.user)) == 0;
	else
		good = sasl_string(response, q->login.password,
			   sizeof(q->login.password)) == 0;
	if (!good)
		fail_with(s, q, "this is not a response in base64");
	else if (q->stage == STAGE_NAME)
		prompt(s, q, STAGE_PASSWORD, ASK_PASSWORD);
	else
		ask(s, q);
}

static void
take_auth(struct server *s, const struct question *a)
{
	struct request *q;
	uint32_t gone;

	if (requests_find(&s->requests, a->id) != NULL) {
		s->reason = "id-in-use";
		return;
	}
	q = requests_add(&s->requests, a->id, &gone);
	if (gone != 0)
		reply_line(s, "FAIL\t%u\treason=%s", (unsigned int)gone,
		    "this took too long");
	q->stage = strcasecmp(a->mechanism, "PLAIN") == 0 ? STAGE_PLAIN :
							    STAGE_NAME;
	if (q->stage == STAGE_NAME && strcasecmp(a->mechanism, "LOGIN") != 0) {
		fail_with(s, q, "there are PLAIN and LOGIN");
		return;
	}
	strlcpy(q->login.mechanism, q->stage == STAGE_PLAIN ? "PLAIN" : "LOGIN",
	    sizeof(q->login.mechanism));
	strlcpy(q->login.program, a->service, sizeof(q->login.program));
	strlcpy(q->login.peer, a->rip, sizeof(q->login.peer));
	strlcpy(q->login.local, a->lip, sizeof(q->login.local));
	strlcpy(q->login.local_name, a->local_name,
	    sizeof(q->login.local_name));
	/* Dovecot takes an empty one for none, too. */
	if (a->response != NULL && a->response[0] != '\0')
		respond(s, q, a->response);
	else
		prompt(s, q, q->stage, q->stage == STAGE_PLAIN ? "" : ASK_NAME);
}

static void
take_cont(struct server *s, const struct question *a)
{
	struct request *q = requests_find(&s->requests, a->id);

	if (q == NULL)
		reply_line(s, "FAIL\t%u\treason=%s", (unsigned int)a->id,
		    "this took too long");
	else if (q->stage == STAGE_ASKED)
		s->reason = "not-a-request";
	else
		respond(s, q, a->response);
}

/* Auth answers a question that was asked in any case. */
static void
take_cancel(struct server *s, uint32_t id)
{
	struct request *q = requests_find(&s->requests, id);

	if (q != NULL && q->stage == STAGE_ASKED)
		q->stage = STAGE_CANCELLED;
	else if (q != NULL)
		requests_free(q);
}

static void
take_version(struct server *s, uint32_t major)
{
	if (s->greeted)
		s->reason = "not-a-request";
	else if (major != PROTOCOL_MAJOR) {
		log_warn("the SMTP server speaks version %u of Dovecot's "
		    "authentication protocol, and pop3sasl version %d: is "
		    "there a newer pop3sasl?", (unsigned int)major,
		    PROTOCOL_MAJOR);
		s->reason = "another-version";
	}
	s->greeted = 1;
}

void
exchange_line(struct server *s, char *line, size_t len)
{
	struct question q;

	if (protocol_read(line, len, &q) == -1 ||
	    (!s->greeted && q.kind != QUESTION_VERSION)) {
		s->reason = "not-a-request";
		return;
	}
	switch (q.kind) {
	case QUESTION_VERSION:
		take_version(s, q.major);
		break;
	case QUESTION_CPID:
		break;
	case QUESTION_AUTH:
		take_auth(s, &q);
		break;
	case QUESTION_CONT:
		take_cont(s, &q);
		break;
	case QUESTION_CANCEL:
		take_cancel(s, q.id);
		break;
	}
}

/* Auth's answer to one question. */
static void
settle(struct server *s, uint32_t id, const char *address)
{
	struct request *q = requests_asked(&s->requests, id);
	char user[2 * ADDRESS_MAX + 2];

	if (q == NULL || q->stage == STAGE_CANCELLED) {
		if (q != NULL)
			requests_free(q);
		return;
	}
	protocol_escape(user, sizeof(user),
	    address != NULL ? address : q->login.user);
	if (address != NULL)
		reply_line(s, "OK\t%u\tuser=%s", (unsigned int)q->id, user);
	else
		reply_line(s, "FAIL\t%u\tuser=%s\treason=%s",
		    (unsigned int)q->id, user, refused);
	requests_free(q);
}

void
exchange_answer(struct server *s)
{
	struct msg_granted granted;
	struct msg_denied denied;
	struct msg_trouble t;
	struct msg_end end;
	struct message *m = &s->message;

	if (channel_recv(s->channel, m) != 1)
		s->reason =
		    stop_requested() ? "stopped" : "internal-failure";
	else if (message_get(m, MSG_GRANTED, &granted, sizeof(granted)))
		settle(s, granted.id, granted.address);
	else if (message_get(m, MSG_DENIED, &denied, sizeof(denied)))
		settle(s, denied.id, NULL);
	else if (message_get(m, MSG_TROUBLE, &t, sizeof(t)))
		s->reason = "accounts-not-available";
	else if (message_get(m, MSG_END, &end, sizeof(end)))
		s->reason = strcmp(end.reason, STOP_STOPPED) == 0 ?
		    STOP_STOPPED : "connect-anew";
	else
		s->reason = "internal-failure";
}
