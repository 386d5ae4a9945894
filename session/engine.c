#include <string.h>

#include "common/clock.h"
#include "session/authorization.h"
#include "session/engine.h"
#include "session/talk.h"
#include "session/transaction.h"

#define COMMAND_OCTETS	 255 /* of a line but AUTH, its CRLF counted */
#define BAD_COMMANDS_MAX 20

static enum outcome
run_line(struct pop3 *p, char *line, size_t len, size_t octets)
{
	enum outcome (*taker)(struct pop3 *, char *) = p->next_line;
	const struct command *c;
	struct args args;
	const char *why;

	p->next_line = NULL;
	if (taker != NULL && strlen(line) == len)
		return taker(p, line);
	if (taker != NULL) {
		talk_reply(p, "-ERR a response has no NUL in it");
		return OUTCOME_BAD;
	}
	c = command_parse(p->table, line, len, &args, &why);
	if (c == NULL) {
		talk_reply(p, "-ERR %s", why);
		return OUTCOME_BAD;
	}
	if (octets > COMMAND_OCTETS && c->takes != TAKES_WORDS) {
		talk_reply(p, "-ERR the line is too long");
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
	/* For the whole of a command: single octets do not extend it. */
	if (p->idle_deadline == 0)
		p->idle_deadline =
		    clock_ms() + (int64_t)p->conf->idle_timeout * 1000;
	buf = line_room(&p->lines, &room);
	room = stream_read(&p->stream, buf, room, p->idle_deadline);
	if (room == 0)
		return OUTCOME_END;
	line_fed(&p->lines, room);
	return OUTCOME_GOOD;
}

static enum outcome
engine_next(struct pop3 *p, int *bad)
{
	size_t len, octets;
	enum outcome outcome = OUTCOME_BAD;
	char *line;

	switch (line_next(&p->lines, &line, &len, &octets)) {
	case LINE_NONE:
		return feed(p);
	case LINE_FLOOD:
		talk_reply(p, "-ERR a line without an end");
		p->reason = "line-too-long";
		return OUTCOME_END;
	case LINE_TOO_LONG:
		p->next_line = NULL;
		talk_reply(p, "-ERR the line is too long");
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
	talk_reply(p, "-ERR too many bad commands");
	p->reason = "too-many-bad-commands";
	return OUTCOME_END;
}

void
engine_run(struct pop3 *p)
{
	static const struct command *const states[] = { transaction_commands,
		authorization_commands, NULL };
	int bad = 0;

	p->states = states;
	p->mechanisms = authorization_mechanisms;
	p->table = authorization_commands;
	talk_reply(p, "+OK POP3 server ready on %s", p->conf->hostname);
	while (engine_next(p, &bad) != OUTCOME_END)
		continue;
	if (p->reason == NULL)
		p->reason = talk_why_ended(p);
	stream_flush(&p->stream);
}
