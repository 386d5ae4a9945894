#include <sys/wait.h>

#include <signal.h>
#include <string.h>
#include <time.h>

#include "common/children.h"
#include "common/log.h"

/* That it was called is all. */
static void
children_note(int number)
{
	(void)number;
}

static void
set(void (*handler)(int), int how)
{
	struct sigaction action = { .sa_handler = handler };
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigemptyset(&action.sa_mask);
	(void)sigaction(SIGCHLD, &action, NULL);
	(void)sigprocmask(how, &child, NULL);
}

void
children_watch(void)
{
	set(children_note, SIG_BLOCK);
}

void
children_unwatch(void)
{
	set(SIG_DFL, SIG_UNBLOCK);
}

int
children_poll(struct pollfd *fds, nfds_t nfds, int timeout_ms)
{
	struct timespec t = { timeout_ms / 1000,
		timeout_ms % 1000 * 1000000L };
	sigset_t mask;

	(void)sigprocmask(SIG_BLOCK, NULL, &mask);
	sigdelset(&mask, SIGCHLD);
	return ppoll(fds, nfds, timeout_ms < 0 ? NULL : &t, &mask);
}

pid_t
children_next(int *status)
{
	pid_t pid = waitpid(-1, status, WNOHANG);

	return pid > 0 ? pid : 0;
}

void
children_report(const char *name, int status)
{
	if (WIFSIGNALED(status))
		log_warn("%s was ended by signal %d (%s)", name,
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
}
