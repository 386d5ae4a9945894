#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "session/pop3.h"

#ifndef POLLRDHUP
#define POLLRDHUP 0 /* then only a full hang-up is noticed */
#endif

#define COMMAND_OCTETS	  255 /* of a line but AUTH, its CRLF counted */
#define BAD_COMMANDS_MAX  20
#define VANISHED_GRACE_MS 500

void
pop3_reply(struct pop3 *p, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 2, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line) - 2)
		n = (int)strlcpy(line, "-ERR [SYS/TEMP] the answer is too "
		    "long", sizeof(line));
	memcpy(line + n, "\r\n", 2);
	stream_write(&p->stream, line, (size_t)n + 2);
}

/*
 * Waits for an answer; returns NULL, or why there is none.  A login has its
 * deadline.  A client that has hung up gets a moment's grace, for it may have
 * said all it wanted before; one whose QUIT is being carried out gets all the
 * time that takes.
 */
static const char *
wait_answer(struct pop3 *p, uint32_t request)
{
	struct pollfd fds[2] = { { p->channel, POLLIN, 0 },
		{ p->stream.fd, POLLRDHUP, 0 } };
	nfds_t nfds = request == MSG_UPDATE ? 1 : 2;
	int64_t left = p->login_deadline - stream_now();
	int n, timeout = -1;

	if (request == MSG_LOGIN)
		timeout = left > 0 ? (int)left : 0;
	for (;;) {
		n = poll(fds, nfds, timeout);
		if (n == -1 && errno != EINTR)
			return "poll-failed";
		if (n == 0)
			return nfds == 2 ? "timeout" : "disconnected";
		if (n > 0 && fds[0].revents != 0)
			return NULL;
		if (n > 0 && fds[1].revents != 0) {
			nfds = 1;
			timeout = VANISHED_GRACE_MS;
		}
	}
}

int
pop3_ask(struct pop3 *p, uint32_t type, const void *data, size_t len)
{
	if (channel_send(p->channel, type, data, len) == 0) {
		if ((p->reason = wait_answer(p, type)) != NULL) {
			pop3_reply(p, "-ERR [SYS/TEMP] this takes too long, "
			    "try again later");
			return -1;
		}
		if ((type == MSG_FETCH ? channel_recv_fds : channel_recv)(
			p->channel, &p->message) == 1)
			return 0;
	}
	pop3_internal_failure(p);
	return -1;
}

enum outcome
pop3_internal_failure(struct pop3 *p)
{
	if (p->reason == NULL) {
		p->reason = "internal-failure";
		pop3_reply(p, "-ERR [SYS/TEMP] internal failure, try again "
		    "later");
	}
	return OUTCOME_END;
}

enum outcome
pop3_trouble(struct pop3 *p)
{
	struct msg_trouble t;

	if (!message_get(&p->message, MSG_TROUBLE, &t, sizeof(t)))
		return pop3_internal_failure(p);
	switch (t.trouble) {
	case TROUBLE_GONE:
		pop3_reply(p, "-ERR this message is no longer there");
		break;
	case TROUBLE_IN_USE:
		pop3_reply(p, "-ERR [IN-USE] another session has the "
		    "maildrop open, try again later");
		break;
	case TROUBLE_PERM:
		pop3_reply(p, "-ERR [SYS/PERM] the maildrop cannot be used, "
		    "ask the postmaster");
		break;
	default:
		pop3_reply(p, "-ERR [SYS/TEMP] the maildrop cannot be used "
		    "now, try again later");
		break;
	}
	return OUTCOME_GOOD;
}

enum outcome
pop3_capa(struct pop3 *p, struct args *args)
{
	(void)args;
	pop3_reply(p, "+OK capabilities follow");
	pop3_reply(p, "TOP");
	pop3_reply(p, "UIDL");
	pop3_reply(p, "USER");
	pop3_reply(p, "SASL PLAIN");
	pop3_reply(p, "PIPELINING");
	pop3_reply(p, "RESP-CODES");
	pop3_reply(p, "AUTH-RESP-CODE");
	pop3_reply(p, "EXPIRE NEVER");
	pop3_reply(p, "IMPLEMENTATION pop3d");
	pop3_reply(p, ".");
	return OUTCOME_GOOD;
}

static enum outcome
run_line(struct pop3 *p, char *line, size_t len, size_t octets)
{
	const struct command *c;
	struct args args;
	const char *why;

	if (p->awaiting_sasl) {
		p->awaiting_sasl = 0;
		if (strlen(line) == len)
			return authorization_sasl(p, line);
		pop3_reply(p, "-ERR a response has no NUL in it");
		return OUTCOME_BAD;
	}
	c = command_parse(p->table, line, len, &args, &why);
	if (c == NULL) {
		pop3_reply(p, "-ERR %s", why);
		return OUTCOME_BAD;
	}
	if (octets > COMMAND_OCTETS && strcmp(c->keyword, "AUTH") != 0) {
		pop3_reply(p, "-ERR the line is too long");
		return OUTCOME_BAD;
	}
	return c->run(p, &args);
}

/* No complete line is waiting: now the replies leave, and more is read. */
static enum outcome
feed(struct pop3 *p)
{
	size_t room;
	char *buf;

	if (stream_flush(&p->stream) == -1)
		return OUTCOME_END;
	/* From one command to the next: octets alone win no time. */
	if (p->idle_deadline == 0)
		p->idle_deadline =
		    stream_now() + (int64_t)p->conf->idle_timeout * 1000;
	buf = line_room(&p->lines, &room);
	room = stream_read(&p->stream, buf, room,
	    p->login_deadline != 0 ? p->login_deadline : p->idle_deadline);
	if (room == 0)
		return OUTCOME_END;
	line_fed(&p->lines, room);
	return OUTCOME_GOOD;
}

static enum outcome
next(struct pop3 *p, int *bad)
{
	size_t len, octets;
	enum outcome outcome = OUTCOME_BAD;
	char *line;

	switch (line_next(&p->lines, &line, &len, &octets)) {
	case LINE_NONE:
		return feed(p);
	case LINE_FLOOD:
		pop3_reply(p, "-ERR a line without an end");
		p->reason = "line-too-long";
		return OUTCOME_END;
	case LINE_TOO_LONG:
		p->awaiting_sasl = 0;
		pop3_reply(p, "-ERR the line is too long");
		break;
	case LINE_READY:
		outcome = run_line(p, line, len, octets);
		break;
	}
	p->idle_deadline = 0;
	if (outcome == OUTCOME_GOOD)
		*bad = 0;
	if (outcome != OUTCOME_BAD || ++*bad < BAD_COMMANDS_MAX)
		return outcome == OUTCOME_END ? OUTCOME_END : OUTCOME_GOOD;
	pop3_reply(p, "-ERR too many bad commands");
	p->reason = "too-many-bad-commands";
	return OUTCOME_END;
}

void
pop3_run(struct pop3 *p)
{
	int bad = 0;

	p->table = authorization_commands;
	pop3_reply(p, "+OK POP3 server ready on %s", p->conf->hostname);
	while (next(p, &bad) != OUTCOME_END)
		continue;
	if (p->stream.reason != NULL && p->reason == NULL)
		p->reason = p->stream.reason;
	stream_flush(&p->stream);
}
