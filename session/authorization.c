#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/sasl.h"
#include "session/authorization.h"
#include "session/capa.h"
#include "session/talk.h"
#include "session/transaction.h"

/* Clients show it: most have room for 55 characters behind the code. */
static const char refused[] = "-ERR [AUTH] login refused: wrong name or "
			      "password, or POP is off";

static enum outcome
open_maildrop(struct pop3 *p)
{
	struct msg_maildrop maildrop;
	struct msg_open open;

	memset(&open, 0, sizeof(open));
	snprintf(open.tls, sizeof(open.tls), "%s %s",
	    tls_conn_version(p->stream.tls), tls_conn_cipher(p->stream.tls));
	/* From the verdict on, a mailbox may take its time. */
	p->stream.deadline = 0;
	if (talk_ask(p, MSG_OPEN, &open, sizeof(open)) == -1)
		return OUTCOME_END;
	if (!message_get(&p->message, MSG_MAILDROP, &maildrop,
		sizeof(maildrop))) {
		/* The account is known, auth has gone: no second try. */
		talk_trouble(p);
		p->reason = "maildrop-not-available";
		return OUTCOME_END;
	}
	p->count = maildrop.count;
	p->read_only = maildrop.read_only != 0;
	p->mark_read = maildrop.mark_read != 0;
	p->octets = p->all_octets = maildrop.octets;
	p->table = transaction_commands;
	p->logged_in = 1;
	talk_reply(p, "+OK %llu messages (%llu octets)",
	    (unsigned long long)p->count, (unsigned long long)p->octets);
	return OUTCOME_GOOD;
}

/* Asks auth.  login is wiped. */
static enum outcome
log_in(struct pop3 *p, struct msg_login *login)
{
	struct msg_granted granted;
	struct msg_denied denied;
	uint32_t id;
	int rv;

	login->id = id = ++p->logins;
	login->service = SERVICE_POP;
	if (p->via[0] != '\0') {
		strlcpy(login->peer, p->peer, sizeof(login->peer));
		strlcpy(login->via, p->via, sizeof(login->via));
	}
	rv = talk_ask(p, MSG_LOGIN, login, sizeof(*login));
	explicit_bzero(login, sizeof(*login));
	if (rv == -1)
		return OUTCOME_END;
	if (message_get(&p->message, MSG_GRANTED, &granted,
		sizeof(granted)) && granted.id == id)
		return open_maildrop(p);
	if (!message_get(&p->message, MSG_DENIED, &denied, sizeof(denied)) ||
	    denied.id != id) {
		talk_trouble(p);
		p->reason = "accounts-not-available";
		return OUTCOME_END;
	}
	talk_reply(p, "%s", refused);
	if (!denied.last)
		return OUTCOME_GOOD;
	p->reason = "too-many-failures";
	return OUTCOME_END;
}

static enum outcome
run_user(struct pop3 *p, struct args *args)
{
	/* A name longer than any account's becomes one that no account has. */
	if (strlcpy(p->user, args->text, sizeof(p->user)) >= sizeof(p->user))
		p->user[0] = '\0';
	p->user_given = 1;
	talk_reply(p, "+OK now the password");
	return OUTCOME_GOOD;
}

static enum outcome
run_pass(struct pop3 *p, struct args *args)
{
	struct msg_login login;

	if (!p->user_given) {
		talk_reply(p, "-ERR send USER first");
		return OUTCOME_BAD;
	}
	p->user_given = 0;
	memset(&login, 0, sizeof(login));
	strlcpy(login.user, p->user, sizeof(login.user));
	strlcpy(login.mechanism, "USER", sizeof(login.mechanism));
	/* Fits: a command line has 255 octets at the most. */
	strlcpy(login.password, args->text, sizeof(login.password));
	return log_in(p, &login);
}

static enum outcome
respond_plain(struct pop3 *p, char *response)
{
	struct msg_login login;

	if (strcmp(response, "*") == 0) {
		talk_reply(p, "-ERR AUTH cancelled");
		return OUTCOME_GOOD;
	}
	memset(&login, 0, sizeof(login));
	strlcpy(login.mechanism, "PLAIN", sizeof(login.mechanism));
	if (sasl_plain(response, &login) == 0)
		return log_in(p, &login);
	explicit_bzero(&login, sizeof(login));
	talk_reply(p, "-ERR this is not a PLAIN response in base64");
	return OUTCOME_BAD;
}

const struct mechanism authorization_mechanisms[] = {
	{ "PLAIN", respond_plain },
	{ NULL, NULL },
};

/* AUTH alone asks which there are; clients that try are not misled. */
static enum outcome
list_mechanisms(struct pop3 *p)
{
	const struct mechanism *m;

	talk_reply(p, "+OK the mechanisms follow");
	for (m = authorization_mechanisms; m->name != NULL; m++)
		talk_reply(p, "%s", m->name);
	talk_reply(p, ".");
	return OUTCOME_GOOD;
}

static enum outcome
run_auth(struct pop3 *p, struct args *args)
{
	char *response = args->text + strcspn(args->text, " ");
	const struct mechanism *m = authorization_mechanisms;

	if (args->text[0] == '\0')
		return list_mechanisms(p);
	if (*response != '\0')
		*response++ = '\0';
	while (m->name != NULL && strcasecmp(args->text, m->name) != 0)
		m++;
	if (m->name == NULL) {
		talk_reply(p, "-ERR no such mechanism, AUTH alone lists them");
		return OUTCOME_GOOD;
	}
	if (*response == '\0') {
		p->next_line = m->respond;
		talk_reply(p, "+ ");
		return OUTCOME_GOOD;
	}
	/* "=" is an initial response of no octets (RFC 5034, section 4). */
	if (strcmp(response, "=") == 0)
		*response = '\0';
	return m->respond(p, response);
}

static enum outcome
authorization_quit(struct pop3 *p, struct args *args)
{
	(void)args;
	talk_reply(p, "+OK bye");
	p->reason = "quit";
	return OUTCOME_END;
}

const struct command authorization_commands[] = {
	{ "USER", TAKES_TEXT, run_user, "USER" },
	{ "PASS", TAKES_TEXT, run_pass, NULL },
	{ "AUTH", TAKES_WORDS, run_auth, NULL }, /* the mechanisms tell */
	{ "CAPA", TAKES_NOTHING, capa_run, NULL },
	{ "QUIT", TAKES_NOTHING, authorization_quit, NULL },
	{ NULL, TAKES_NOTHING, NULL, NULL },
};
