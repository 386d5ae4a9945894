#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "common/stop.h"

static const int signals[] = { SIGTERM, SIGUSR1 };

static volatile sig_atomic_t stopped; /* the signal that came first */
static sigset_t waiting; /* the signals that are blocked in stop_poll() */

static void
stop_note(int number)
{
	if (!stopped)
		stopped = number;
}

void
stop_block(void)
{
	struct sigaction action = { .sa_handler = stop_note };
	sigset_t stop;
	size_t i;

	sigemptyset(&stop);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&stop, signals[i]);
	action.sa_mask = stop;
	(void)sigprocmask(SIG_BLOCK, &stop, &waiting);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigdelset(&waiting, signals[i]);
		(void)sigaction(signals[i], &action, NULL);
	}
}

int
stop_poll(struct pollfd *fds, nfds_t nfds, int timeout_ms)
{
	struct timespec t = { timeout_ms / 1000,
		timeout_ms % 1000 * 1000000L };

	if (stopped) {
		errno = EINTR;
		return -1;
	}
	return ppoll(fds, nfds, timeout_ms < 0 ? NULL : &t, &waiting);
}

int
stop_requested(void)
{
	if (!stopped)
		(void)stop_poll(NULL, 0, 0);
	return stopped != 0;
}

const char *
stop_word(const char *said)
{
	return strcmp(said, STOP_KICKED) == 0 ? STOP_KICKED : STOP_STOPPED;
}

const char *
stop_reason(void)
{
	return stopped == SIGUSR1 ? STOP_KICKED : STOP_STOPPED;
}
