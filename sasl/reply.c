#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/stop.h"
#include "sasl/reply.h"

#define REPLY_SIZE 2048

/* Waits until it takes something: NULL, or why it will not. */
static const char *
wait_writable(const struct server *s, int64_t deadline)
{
	struct pollfd p = { s->fd, POLLOUT, 0 };
	int64_t left = deadline - clock_ms();
	int n = stop_poll(&p, 1, left > 0 ? (int)left : 0);

	if (n == -1 && stop_requested())
		return "stopped";
	return n == 0 ? "timeout" : NULL;
}

static void
send_all(struct server *s, const char *data, size_t len)
{
	const int64_t deadline = clock_ms() + s->patience;
	ssize_t n;

	while (len > 0 && s->reason == NULL) {
		n = write(s->fd, data, len);
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN || errno == EINTR)
			s->reason = wait_writable(s, deadline);
		else
			s->reason = "disconnected";
	}
}

void
reply_line(struct server *s, const char *fmt, ...)
{
	char line[REPLY_SIZE];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line)) {
		s->reason = "internal-failure";
		return;
	}
	line[n] = '\n';
	send_all(s, line, (size_t)n + 1);
}
