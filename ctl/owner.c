#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privdrop.h"
#include "ctl/ctl.h"
#include "ctl/owner.h"

#define PATIENCE_SECONDS 10

static const int passed[] = { SIGINT, SIGTERM, SIGHUP };

static volatile sig_atomic_t interrupted;
static volatile sig_atomic_t worker; /* the owner's process; 0: none */

/*
 * Who is told to end may be busy with what an owner has put in its way, and
 * not hear it: then it is killed, which a mailbox survives at any moment.
 */
static void
pass_on(int sig)
{
	const int saved = errno;

	interrupted = 1;
	if (worker > 0) {
		(void)kill((pid_t)worker, sig == SIGALRM ? SIGKILL : sig);
		if (sig != SIGALRM)
			(void)alarm(PATIENCE_SECONDS);
	}
	errno = saved;
}

static void
all_passed(sigset_t *set)
{
	size_t i;

	sigemptyset(set);
	for (i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		sigaddset(set, passed[i]);
}

void
owner_pass_signals(void)
{
	struct sigaction sa = { .sa_handler = pass_on, .sa_flags = SA_RESTART };
	size_t i;

	all_passed(&sa.sa_mask);
	for (i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		(void)sigaction(passed[i], &sa, NULL);
	(void)sigaction(SIGALRM, &sa, NULL);
}

int
owner_interrupted(void)
{
	return interrupted;
}

/*
 * A session of its own has no controlling terminal, so nothing can be put
 * into the administrator's input; and the log is opened anew, because it is
 * closed with the rest.
 */
static int
leave_all_behind(const struct owner *o)
{
	int in = o->in;

	(void)setsid();
	if (in == -1 && (in = open("/dev/null", O_RDONLY)) == -1)
		return ctl_fail("/dev/null: %s", strerror(errno));
	if (dup2(in, STDIN_FILENO) == -1 ||
	    (o->out != -1 && dup2(o->out, STDOUT_FILENO) == -1))
		return ctl_fail("dup2: %s", strerror(errno));
	log_close();
	closefrom(STDERR_FILENO + 1);
	log_reopen();
	/* Our working directory may be gone, and Berkeley DB needs one. */
	if (chdir("/") == -1)
		return ctl_fail("/: %s", strerror(errno));
	return CTL_GOOD;
}

/*
 * When pop3ctl is killed its owner's process ends with it, where the system
 * sees to that; elsewhere it finishes this one mailbox.
 */
static int
end_with(pid_t parent)
{
#ifdef PR_SET_PDEATHSIG
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1)
		return ctl_fail("prctl: %s", strerror(errno));
#endif
	return getppid() == parent ? CTL_GOOD : CTL_FAILED;
}

static int
be_owner(pid_t parent, const struct owner *o)
{
	int status;

	if ((status = leave_all_behind(o)) != CTL_GOOD)
		return status;
	if (geteuid() == 0 && privdrop(o->uid, o->gid, NULL) == -1)
		return ctl_fail("%s: %s", o->name, log_last_warning());
	/* Becoming another user would have undone it. */
	if ((status = end_with(parent)) != CTL_GOOD)
		return status;
	status = o->run(o->arg);
	if (fflush(stdout) != 0)
		status = ctl_fail("standard output: %s", strerror(errno));
	return status;
}

int
owner_start(struct owner *o)
{
	const pid_t parent = getpid();
	sigset_t set, old;

	fflush(stdout);
	all_passed(&set);
	/* A signal that comes now is delivered when it is known to whom. */
	sigprocmask(SIG_BLOCK, &set, &old);
	o->pid = fork();
	worker = o->pid > 0 ? (sig_atomic_t)o->pid : 0;
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (o->pid == -1)
		return ctl_fail("fork: %s", strerror(errno));
	if (o->pid == 0)
		_exit(be_owner(parent, o));
	return CTL_GOOD;
}

int
owner_wait(struct owner *o)
{
	int status;

	while (waitpid(o->pid, &status, 0) == -1)
		if (errno != EINTR)
			return ctl_fail("wait: %s", strerror(errno));
	worker = 0;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	/* Nobody reads what is written, and nobody misses it. */
	if (WTERMSIG(status) == SIGPIPE)
		return CTL_FAILED;
	return ctl_fail("%s: ended by signal %d (%s)", o->name,
	    WTERMSIG(status), strsignal(WTERMSIG(status)));
}

int
owner_run(
    const char *name, uid_t uid, gid_t gid, int (*run)(void *arg), void *arg)
{
	struct owner o = { .name = name, .uid = uid, .gid = gid, .in = -1,
		.out = -1, .run = run, .arg = arg };

	if (owner_start(&o) != CTL_GOOD)
		return CTL_FAILED;
	return owner_wait(&o);
}
