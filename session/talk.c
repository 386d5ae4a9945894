#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/stop.h"
#include "session/talk.h"

#ifndef POLLRDHUP
#define POLLRDHUP 0 /* then only a full hang-up is noticed */
#endif

#define VANISHED_GRACE_MS 500

/* An answer that is waited for. */
struct wait {
	struct pollfd fds[2]; /* the channel, the client */
	nfds_t nfds;	      /* 1: the client does not matter any more */
	int64_t until;	      /* clock_ms(); 0: as long as it takes */
	const char *late;     /* the reason if there is none by then */
};

void
talk_reply(struct pop3 *p, const char *fmt, ...)
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
 * The client has closed its half of the connection: it has sent everything
 * at once, and is served to the end.  But one that has gone looks the same,
 * until it is sent something, when a reset comes back: so what was gathered
 * is sent now.  And a client that said nothing after the command in hand, not
 * even QUIT, could do nothing with the answer: that one has gone.
 */
static int
has_gone(struct pop3 *p)
{
	return stream_flush(&p->stream) == -1 ||
	    (!line_has_more(&p->lines) && !stream_has_unread(&p->stream));
}

/*
 * Something has become of the client's connection.  A client that has gone
 * gets a moment's grace: it may have said all that it wanted before.
 */
static void
look_at_client(struct pop3 *p, struct wait *w)
{
	int64_t grace;

	w->fds[1].events = 0;
	if ((w->fds[1].revents & ~POLLRDHUP) == 0 && !has_gone(p))
		return;
	w->nfds = 1;
	grace = clock_ms() + VANISHED_GRACE_MS;
	if (w->until != 0 && w->until <= grace)
		return;
	w->until = grace;
	w->late = "disconnected";
}

static int
time_left(const struct wait *w)
{
	int64_t left = w->until - clock_ms();

	if (w->until == 0)
		return -1;
	return left > 0 ? (int)left : 0;
}

/* Returns NULL when there is an answer, or why there is none. */
static const char *
wait_answer(struct pop3 *p, uint32_t request)
{
	struct wait w = { { { p->channel, POLLIN, 0 },
			      { p->stream.fd, POLLRDHUP, 0 } },
		2, 0, "timeout" };
	int n;

	if (request == MSG_LOGIN)
		w.until = p->stream.deadline;
	for (;;) {
		n = stop_poll(w.fds, w.nfds, time_left(&w));
		if (n == -1 && stop_requested())
			return stop_reason();
		if (n == -1 && errno != EINTR)
			return "poll-failed";
		if (n == 0)
			return w.late;
		if (n > 0 && w.fds[0].revents != 0)
			return NULL;
		if (n > 0)
			look_at_client(p, &w);
	}
}

static void
tell_end(struct pop3 *p, const char *reason, const char *why)
{
	p->reason = reason;
	if (strcmp(reason, STOP_STOPPED) == 0)
		why = "the server is being stopped";
	if (strcmp(reason, STOP_KICKED) == 0)
		why = "the administrator has ended this session";
	talk_reply(p, "-ERR [SYS/TEMP] %s, try again later", why);
}

int
talk_ask(struct pop3 *p, uint32_t type, const void *data, size_t len)
{
	const char *reason;

	if (channel_send(p->channel, type, data, len) == 0) {
		/* An UPDATE gets all the time that it takes. */
		reason = type == MSG_UPDATE ? NULL : wait_answer(p, type);
		if (reason != NULL) {
			tell_end(p, reason, "this takes too long");
			return -1;
		}
		if ((type == MSG_FETCH ? channel_recv_fds : channel_recv)(
			p->channel, &p->message) == 1 &&
		    p->message.type != MSG_END)
			return 0;
	}
	talk_failure(p);
	return -1;
}

/* Or is about to: a word of stop.h if it left one. */
static const char *
talk_hung_up(struct pop3 *p)
{
	struct pollfd fd = { p->channel, POLLIN, 0 };
	struct msg_end end;

	if (!channel_is(&p->message, MSG_END, sizeof(end)) &&
	    poll(&fd, 1, 0) > 0)
		(void)channel_recv(p->channel, &p->message);
	if (message_get(&p->message, MSG_END, &end, sizeof(end)))
		return stop_word(end.reason);
	return stop_requested() ? stop_reason() : "internal-failure";
}

const char *
talk_why_ended(struct pop3 *p)
{
	return p->stream.hung_up ? talk_hung_up(p) : p->stream.reason;
}

enum outcome
talk_failure(struct pop3 *p)
{
	if (p->reason == NULL)
		tell_end(p, talk_hung_up(p), "internal failure");
	return OUTCOME_END;
}

enum outcome
talk_trouble(struct pop3 *p)
{
	struct msg_trouble t;

	if (!message_get(&p->message, MSG_TROUBLE, &t, sizeof(t)))
		return talk_failure(p);
	switch (t.trouble) {
	case TROUBLE_GONE:
		talk_reply(p, "-ERR this message is no longer there");
		break;
	case TROUBLE_IN_USE:
		talk_reply(p, "-ERR [IN-USE] another session has the "
		    "maildrop open, try again later");
		break;
	case TROUBLE_PERM:
		talk_reply(p, "-ERR [SYS/PERM] the maildrop cannot be used, "
		    "ask the postmaster");
		break;
	default:
		talk_reply(p, "-ERR [SYS/TEMP] the maildrop cannot be used "
		    "now, try again later");
		break;
	}
	return OUTCOME_GOOD;
}
