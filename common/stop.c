#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#include "common/stop.h"

static volatile sig_atomic_t stopped;
static sigset_t waiting; /* the signals that are blocked in stop_poll() */

static void
stop_note(int number)
{
	(void)number;
	stopped = 1;
}

void
stop_block(void)
{
	struct sigaction action = { .sa_handler = stop_note };
	sigset_t stop;

	sigemptyset(&action.sa_mask);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &stop, &waiting);
	sigdelset(&waiting, SIGTERM);
	(void)sigaction(SIGTERM, &action, NULL);
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
	return stopped;
}
