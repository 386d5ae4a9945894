#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/privdrop.h"
#include "common/sandbox.h"
#include "common/stop.h"
#include "sasl/exchange.h"
#include "sasl/reply.h"
#include "sasl/sasl.h"

#define MS 1000 /* in a second */

/* Of the lines that are there, as many as have a place. */
static void
take_lines(struct server *s)
{
	enum line_result result = LINE_READY;
	size_t len, octets;
	char *line;

	while (s->reason == NULL && !requests_full(&s->requests) &&
	    result == LINE_READY) {
		result = line_next(&s->lines, &line, &len, &octets);
		if (result == LINE_READY)
			exchange_line(s, line, len);
		else if (result != LINE_NONE)
			s->reason = "line-too-long";
	}
}

static void
read_more(struct server *s)
{
	size_t room;
	char *buf = line_room(&s->lines, &room);
	ssize_t n = read(s->fd, buf, room);

	if (n > 0)
		line_fed(&s->lines, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		s->reason = requests_count(&s->requests) > 0 ? "disconnected" :
							       "hung-up";
}

/* How long to wait, and for what reason the connection ends then. */
static int
time_left(const struct server *s, int64_t idle, const char **late)
{
	int64_t deadline = requests_deadline(&s->requests), left;

	*late = "timeout";
	if (deadline == 0 && s->greeted)
		*late = "idle";
	if (deadline == 0)
		deadline = idle;
	left = deadline - clock_ms();
	return left > 0 ? (int)left : 0;
}

static void
wait_for_both(struct server *s, int64_t idle)
{
	struct pollfd fds[2] = { { s->channel, POLLIN, 0 },
		{ s->fd, POLLIN, 0 } };
	const char *late;
	int ms = time_left(s, idle, &late), n;

	/* Auth has them all: nothing more is taken, but a hang-up is seen. */
	if (requests_full(&s->requests))
		fds[1].events = 0;
	n = stop_poll(fds, 2, ms);
	if (n == -1 && stop_requested())
		s->reason = "stopped";
	else if (n == -1 && errno != EINTR)
		s->reason = "poll-failed";
	else if (n == 0)
		s->reason = late;
	if (n > 0 && fds[0].revents != 0)
		exchange_answer(s);
	if (n > 0 && fds[1].revents != 0 && s->reason == NULL) {
		if (requests_full(&s->requests))
			s->reason = "disconnected";
		else
			read_more(s);
	}
}

static void
serve(struct server *s)
{
	const int64_t handshake = clock_ms() + s->patience;
	int64_t idle;

	exchange_greet(s);
	while (s->reason == NULL) {
		idle = s->greeted ?
		    clock_ms() + (int64_t)s->conf->idle_timeout * MS :
		    handshake;
		wait_for_both(s, idle);
		take_lines(s);
	}
}

/* An SMTP server that hangs up, or is to come anew, is nothing to tell of. */
static void
report_end(const char *reason)
{
	static const char *const quiet[] = { "hung-up", "idle",
		"connect-anew" };
	size_t i;

	for (i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++)
		if (strcmp(reason, quiet[i]) == 0)
			return;
	if (strcmp(reason, "internal-failure") == 0)
		log_warn("the SMTP server was left: reason=%s", reason);
	else
		log_info("the SMTP server was left: reason=%s", reason);
}

/*
 * Who still waits gets no answer: Postfix and Exim tell their client to come
 * again when we hang up, but after FAIL that his password is wrong, whatever
 * we say of the reason.
 */
static void
end(struct server *s)
{
	struct msg_end done = { .reason = "" };

	report_end(s->reason);
	(void)channel_send(s->channel, MSG_END, &done, sizeof(done));
}

void
sasl_run(const struct conf *conf, const struct identity *as, int channel)
{
	static struct server s; /* large, and zeroed */
	int flags = fcntl(0, F_GETFL);

	if (as->root && privdrop(as->uid, as->gid, EMPTY_DIR) == -1)
		_exit(1);
	/* Deadlines need a descriptor that never blocks. */
	if (flags == -1 || fcntl(0, F_SETFL, flags | O_NONBLOCK) == -1)
		_exit(1);
	if (sandbox_sasl(channel, conf->sandbox_required) == -1)
		_exit(1);
	s.conf = conf;
	s.fd = 0;
	s.channel = channel;
	s.patience = (int64_t)conf->login_timeout * MS;
	serve(&s);
	end(&s);
	explicit_bzero(&s, sizeof(s));
	_exit(0);
}
