#ifdef __linux__
#include <sys/syscall.h>
#endif
#include <sys/stat.h>
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "ctl/ctl.h"
#include "ctl/owner.h"
#include "ctl/sessions.h"
#include "store/boot.h"
#include "store/journal.h"
#include "store/lock.h"
#include "store/watch.h"

#define PAUSE_MS 10
#define SLICE_MS 50
#define END_MS	 900 /* for a session to end; then it is killed */
#define KILL_MS	 2000

struct look {
	const struct conf *conf;
	const struct target *target;
};

static int
index_dir(const struct target *t, char dir[PATH_MAX])
{
	return (size_t)snprintf(dir, PATH_MAX, "%s/pop3d", t->maildir) <
	    PATH_MAX;
}

/* Nobody gets into a mailbox that its owner cannot reach. */
static int
is_out_of_reach(int error)
{
	return error == EACCES || error == ENOENT || error == ENOTDIR ||
	    error == ELOOP || error == ENAMETOOLONG;
}

static int
look_at_lock(const struct target *t, pid_t *pid)
{
	char dir[PATH_MAX];
	int error;

	*pid = 0;
	if (!index_dir(t, dir))
		return CTL_GOOD;
	if ((error = lock_look(dir, pid)) == 0 || is_out_of_reach(error))
		return CTL_GOOD;
	return ctl_fail("%s: %s/lock: %s", t->address, dir, strerror(error));
}

/* What the journal tells of the process that has the mailbox, last of all. */
static void
note_line(void *arg, const struct journal_line *line)
{
	struct session *s = arg;
	const char *event = journal_value(line, "event");
	const char *id = journal_value(line, "id");
	char pid[32];

	if (strcmp(event, "end") == 0 && strcmp(id, s->id) == 0)
		s->known = 0;
	if (strcmp(event, "login") != 0)
		return;
	snprintf(pid, sizeof(pid), "%ld", (long)s->pid);
	strlcpy(s->host, journal_value(line, "host"), sizeof(s->host));
	if (strcmp(journal_value(line, "pid"), pid) != 0 ||
	    strcmp(s->host, boot_host()) != 0 ||
	    strcmp(journal_value(line, "boot"), boot_id()) != 0)
		return;
	s->known = 1;
	strlcpy(s->id, id, sizeof(s->id));
	strlcpy(s->since, journal_value(line, "time"), sizeof(s->since));
	strlcpy(s->peer, journal_value(line, "peer"), sizeof(s->peer));
	strlcpy(s->label, journal_value(line, "label"), sizeof(s->label));
}

/* From here on this process can do no more than read it. */
static int
read_journal(const struct look *l, struct session *s)
{
	char dir[PATH_MAX];
	const char *const only = dir;

	if (!index_dir(l->target, dir))
		return CTL_GOOD;
	boot_learn(); /* reads /proc */
	if (sandbox_reader(&only, 1, l->conf->sandbox_required) == -1)
		return ctl_fail(
		    "%s: %s", l->target->address, log_last_warning());
	(void)journal_read(dir, note_line, s);
	return CTL_GOOD;
}

/*
 * May other hosts have it, too?  Their processes' numbers are told as if they
 * were ours; only the journal knows better (I11).
 */
static int
is_shared(const struct target *t)
{
	int fd, shared;

	fd = open(t->maildir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	shared = !watch_is_local(fd);
	if (fd != -1)
		close(fd);
	return shared;
}

/* In the owner's process: what is found goes to standard output. */
static int
look(void *arg)
{
	const struct look *l = arg;
	struct session s;
	int shared;

	memset(&s, 0, sizeof(s));
	if (look_at_lock(l->target, &s.pid) != CTL_GOOD)
		return CTL_FAILED;
	shared = s.pid > 0 && is_shared(l->target);
	if (s.pid != 0 && read_journal(l, &s) != CTL_GOOD)
		return CTL_FAILED;
	if (shared && !s.known)
		s.pid = LOCK_ELSEWHERE;
	if (write(STDOUT_FILENO, &s, sizeof(s)) != (ssize_t)sizeof(s))
		return ctl_fail("pipe: %s", strerror(errno));
	return CTL_GOOD;
}

/*
 * Has run() called by the owner of a mailbox, and takes what it says on
 * standard output: less than PIPE_BUF octets, all at once or not at all.
 */
static int
ask_owner(const struct target *t, int (*run)(void *), void *arg, void *answer,
    size_t len)
{
	struct owner o = { .name = t->address, .uid = t->uid, .gid = t->gid,
		.in = -1, .run = run, .arg = arg };
	int fd[2], status;
	ssize_t n = 0;

	if (pipe(fd) == -1)
		return ctl_fail("pipe: %s", strerror(errno));
	o.out = fd[1];
	status = owner_start(&o);
	close(fd[1]);
	if (status == CTL_GOOD) {
		while ((n = read(fd[0], answer, len)) == -1 && errno == EINTR)
			continue;
		status = owner_wait(&o);
	}
	close(fd[0]);
	return status == CTL_GOOD && n != (ssize_t)len ? CTL_FAILED : status;
}

int
session_look(
    const struct conf *conf, const struct target *t, struct session *s)
{
	struct look l = { conf, t };
	int status;

	memset(s, 0, sizeof(*s));
	status = ask_owner(t, look, &l, s, sizeof(*s));
	s->id[ID_MAX] = s->since[SINCE_MAX] = s->peer[PEER_MAX] = '\0';
	s->label[LABEL_MAX] = s->host[HOST_MAX] = '\0';
	return status;
}

struct several {
	const struct target *target;
	size_t n;
};

static int
look_at_several(void *arg)
{
	const struct several *s = arg;
	char held[TARGETS_AT_ONCE];
	int status = CTL_GOOD;
	pid_t pid;
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (look_at_lock(&s->target[i], &pid) != CTL_GOOD)
			status = CTL_FAILED;
		held[i] = pid != 0;
	}
	if (write(STDOUT_FILENO, held, s->n) != (ssize_t)s->n)
		return ctl_fail("pipe: %s", strerror(errno));
	return status;
}

int
sessions_held(const struct target *target, size_t n, char *held)
{
	struct several s = { target, n };

	memset(held, 0, n);
	return ask_owner(target, look_at_several, &s, held, n);
}

static int
is_concerned(const struct concerned *c, const struct session *s)
{
	size_t i;

	if (c->all || !s->known || (c->password && s->label[0] == '\0'))
		return 1;
	for (i = 0; i < c->n; i++)
		if (strcmp(c->label[i], s->label) == 0)
			return 1;
	return 0;
}

/*
 * A signal to a process that is sure to be the one that is meant, because the
 * descriptor is its own, and not the next one's that gets its number.
 */
static int
open_process(pid_t pid)
{
#ifdef SYS_pidfd_open
	return (int)syscall(SYS_pidfd_open, pid, 0);
#else
	(void)pid;
	return -1;
#endif
}

static int
signal_process(int fd, pid_t pid, int number)
{
#ifdef SYS_pidfd_open
	if (fd != -1)
		return (int)syscall(
		    SYS_pidfd_send_signal, fd, number, NULL, 0);
#endif
	(void)fd;
	return kill(pid, number);
}

static void
pause_ms(int ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

static void
on_alarm(int number)
{
	(void)number;
}

/*
 * Queues for the lock for so many ms.  The alarm comes again and again: the
 * first may come before we are in the queue.
 */
static int
queue_for(struct lock *lock, const char *dir, int ms)
{
	struct sigaction alarm = { .sa_handler = on_alarm };
	struct itimerval t = { .it_value = { ms / 1000, ms % 1000 * 1000 },
		.it_interval = { 0, PAUSE_MS * 1000 } };
	static const struct itimerval none;
	int error;

	sigemptyset(&alarm.sa_mask);
	(void)sigaction(SIGALRM, &alarm, NULL);
	(void)setitimer(ITIMER_REAL, &t, NULL);
	error = lock_queue(lock, dir);
	(void)setitimer(ITIMER_REAL, &none, NULL);
	return error;
}

/*
 * Until the process has let the lock go, and it is ours: 0.  ESTALE: another
 * one was quicker.  EINTR: it still has it after so many ms.
 */
static int
take_over(
    const struct session *s, const char *dir, struct lock *lock, int ms)
{
	int64_t until = clock_ms() + ms;
	pid_t now;
	int error;

	do {
		error = queue_for(lock, dir, SLICE_MS);
		/* What cannot be written is locked by several at once. */
		if (error == 0 && lock->read_only &&
		    lock_look(dir, &now) == 0 && now == s->pid) {
			lock_release(lock);
			pause_ms(PAUSE_MS);
			error = EINTR;
		}
		if (error != EINTR)
			return error;
		if (lock_look(dir, &now) != 0 || now != s->pid)
			return ESTALE;
	} while (clock_ms() < until);
	return EINTR;
}

/*
 * A store knows the signal that says who ended it.  Whoever else has the
 * lock, pop3ctl perhaps, knows SIGTERM.  One that does not end is killed:
 * nothing is lost by that either (I2).
 */
static int
end_process(const struct session *s, const char *dir, struct lock *lock)
{
	int fd = open_process(s->pid), error = 0;
	pid_t now;

	/* Only now it is sure that this process has the lock. */
	if (lock_look(dir, &now) == 0 && now == s->pid) {
		(void)signal_process(fd, s->pid, s->known ? SIGUSR1 : SIGTERM);
		error = take_over(s, dir, lock, END_MS);
	}
	if (error == EINTR) {
		(void)signal_process(fd, s->pid, SIGKILL);
		error = take_over(s, dir, lock, KILL_MS);
	}
	if (fd != -1)
		close(fd);
	return error;
}

/* What a hunt has seen so far. */
struct chase {
	int64_t until; /* ms: so long it goes on */
	pid_t spared;  /* whom it is no use to judge again */
	int ended;     /* somebody was */
	int others;    /* there may be more: what is read alone, many read */
};

/* Nobody gets in now, who was let in before. */
static void
hold(struct lock *lock, int64_t until)
{
	int64_t left = until - clock_ms();

	if (lock->fd != -1 && left > 0 && !lock->read_only)
		pause_ms((int)left);
	lock_release(lock);
}

static int
end_session(const struct hunt *h, const struct session *s, struct chase *c)
{
	const struct target *t = &h->target;
	struct lock lock = { .fd = -1 };
	char dir[PATH_MAX];

	(void)index_dir(t, dir);
	if (end_process(s, dir, &lock) == EINTR)
		return ctl_fail("%s: process %ld does not end", t->address,
		    (long)s->pid);
	printf("%s: session ended pid=%ld\n", t->address, (long)s->pid);
	fflush(stdout);
	c->ended = 1;
	c->others = access(dir, W_OK) == -1;
	hold(&lock, c->until);
	return CTL_GOOD;
}

static int
held_elsewhere(const struct target *t, const struct session *s)
{
	char safe[LOG_SAFE_MAX];

	return ctl_fail("%s: held on %s, cannot be ended from here",
	    t->address, s->host[0] != '\0' ?
	    log_safe(safe, sizeof(safe), s->host) : "another host");
}

/* Nobody has it; and so it stays, if we get it. */
static int
keep_out(const struct target *t, int64_t until)
{
	struct lock lock = { .fd = -1 };
	char dir[PATH_MAX];

	if (index_dir(t, dir) && (mkdir(dir, 0700) == 0 || errno == EEXIST) &&
	    lock_keep_out(&lock, dir) == 0)
		hold(&lock, until);
	return CTL_GOOD;
}

/* One look at the mailbox. */
static int
hunt_once(const struct hunt *h, struct chase *c)
{
	const struct target *t = &h->target;
	struct session s;
	pid_t pid;

	if (look_at_lock(t, &pid) != CTL_GOOD)
		return CTL_FAILED;
	c->others = 0;
	if (pid == 0 && h->hold_ms > 0)
		return keep_out(t, c->until);
	if (pid == 0 && c->ended)
		return CTL_GOOD;
	if (pid == 0) {
		printf("%s: nobody has the mailbox\n", t->address);
		return CTL_GOOD;
	}
	if (pid == c->spared)
		return CTL_GOOD;
	if (session_look(h->conf, t, &s) != CTL_GOOD)
		return CTL_FAILED;
	if (s.pid == LOCK_ELSEWHERE)
		return held_elsewhere(t, &s);
	if (s.pid <= 0)
		return CTL_GOOD;
	if (is_concerned(&h->concerned, &s))
		return end_session(h, &s, c);
	c->spared = s.pid;
	return CTL_GOOD;
}

int
session_hunt(void *arg)
{
	const struct hunt *h = arg;
	struct chase c = { .until = clock_ms() + h->hold_ms };
	int status;

	while ((status = hunt_once(h, &c)) == CTL_GOOD &&
	    (c.others || clock_ms() < c.until))
		pause_ms(PAUSE_MS);
	return status;
}
