#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/owner.h"
#include "ctl/pipe.h"
#include "ctl/targets.h"

void
target_of(struct target *target, const struct account *a)
{
	memset(target, 0, sizeof(*target));
	strlcpy(target->address, a->address, sizeof(target->address));
	strlcpy(target->maildir, a->maildir, sizeof(target->maildir));
	target->uid = a->uid;
	target->gid = a->gid;
	target->policy = a->policy;
	if (a->access != ACCESS_FROM_NOW)
		target->policy.from_now = 0;
}

/* Less than PIPE_BUF octets, which a pipe takes at once or not at all. */
static int
hand_on(const struct account *account, void *arg)
{
	const int *fd = arg;
	struct target target;

	target_of(&target, account);
	if (write(*fd, &target, sizeof(target)) == (ssize_t)sizeof(target))
		return CTL_GOOD;
	return ctl_fail("pipe: %s", strerror(errno));
}

static int
look_up_named(const struct conf *conf, int fd, int n, char *address[])
{
	static struct account account;
	int i, status = CTL_GOOD;

	for (i = 0; i < n; i++)
		if (ctl_user(conf, address[i], &account) != CTL_GOOD ||
		    hand_on(&account, &fd) != CTL_GOOD)
			status = CTL_FAILED;
	return status;
}

int
targets_open(struct targets *t, const struct conf *conf, int n, char *address[])
{
	int fd[2];

	fflush(stdout);
	if (pipe(fd) == -1 || (t->pid = fork()) == -1)
		return ctl_fail("fork: %s", strerror(errno));
	if (t->pid == 0) {
		close(fd[0]);
		/* The one who reads decides whether there is more to do. */
		signal(SIGINT, SIG_IGN);
		_exit(address == NULL ? ctl_each_account(
						conf, hand_on, &fd[1])
				      : look_up_named(conf, fd[1], n, address));
	}
	close(fd[1]);
	t->fd = fd[0];
	return CTL_GOOD;
}

int
targets_next(struct targets *t, struct target *target)
{
	return pipe_read(t->fd, target, sizeof(*target));
}

int
targets_close(struct targets *t)
{
	int status;

	close(t->fd);
	while (waitpid(t->pid, &status, 0) == -1)
		if (errno != EINTR)
			return ctl_fail("wait: %s", strerror(errno));
	if (WIFSIGNALED(status) && !owner_interrupted())
		return ctl_fail("listing the accounts: ended by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	return WIFEXITED(status) && WEXITSTATUS(status) == CTL_GOOD
	    ? CTL_GOOD
	    : CTL_FAILED;
}

int
targets_each(const struct conf *conf, int n, char *address[],
    int (*each)(const struct target *target, void *arg), void *arg)
{
	struct targets targets = { .fd = -1 };
	struct target target;
	int status = CTL_GOOD;

	owner_pass_signals();
	if (targets_open(&targets, conf, n, address) != CTL_GOOD)
		return CTL_FAILED;
	while (!owner_interrupted() && targets_next(&targets, &target))
		if (each(&target, arg) != CTL_GOOD)
			status = CTL_FAILED;
	if (targets_close(&targets) != CTL_GOOD || owner_interrupted())
		status = CTL_FAILED;
	return status;
}

void
batch_init(struct batch *b,
    int (*each)(const struct target *target, size_t n, void *arg), void *arg)
{
	b->each = each;
	b->arg = arg;
	b->status = CTL_GOOD;
	b->n = 0;
}

/* As many as can be of the owner whose mailbox has waited longest. */
static void
run_together(struct batch *b)
{
	const struct target *t;
	size_t i, left = 0, n = 0;

	for (i = 0; i < b->n; i++) {
		t = &b->waiting[i];
		if (n == 0 || (n < TARGETS_AT_ONCE &&
			t->uid == b->together[0].uid &&
			t->gid == b->together[0].gid))
			b->together[n++] = *t;
		else
			b->waiting[left++] = *t;
	}
	b->n = left;
	if (!owner_interrupted() &&
	    b->each(b->together, n, b->arg) != CTL_GOOD)
		b->status = CTL_FAILED;
}

void
batch_add(struct batch *b, const struct target *t)
{
	if (b->n == TARGETS_WAITING)
		run_together(b);
	b->waiting[b->n++] = *t;
}

int
batch_end(struct batch *b)
{
	while (b->n > 0)
		run_together(b);
	return b->status;
}

static int
add_to_batch(const struct target *t, void *arg)
{
	batch_add(arg, t);
	return CTL_GOOD;
}

int
targets_each_batch(const struct conf *conf, int n, char *address[],
    int (*each)(const struct target *target, size_t n, void *arg), void *arg)
{
	static struct batch batch; /* large */
	int status;

	batch_init(&batch, each, arg);
	status = targets_each(conf, n, address, add_to_batch, &batch);
	return batch_end(&batch) == CTL_GOOD ? status : CTL_FAILED;
}
