/*
 * The lock: one process at a time, whatever becomes of the file.
 */
#include <sys/resource.h>

#include <errno.h>
#include <signal.h>

#include "tests/unit/unit.h"

#include "common/clock.h"
#include "store/index_error.h"
#include "store/lock.h"

#define PATIENCE 60 /* seconds until what blocks for ever is a failure */
#define SOON_MS 60000 /* longer than anybody holds the lock here */

static struct lock
take(const char *dir)
{
	struct lock l;

	assert_int_equal(lock_take(&l, dir, 0), 0);
	assert_true(l.fd != -1);
	return l;
}

/* What lock_take() says to another process. */
static int
others_try(const char *dir, int wait_ms)
{
	struct lock l;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(lock_take(&l, dir, wait_ms));
	assert_true(pid != -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
test_exclusion(void **state)
{
	struct lock l = take(*state);

	assert_int_equal(others_try(*state, 0), EAGAIN);
	assert_int_equal(others_try(*state, 50), EAGAIN);
	lock_release(&l);
	assert_int_equal(l.fd, -1);
	lock_release(&l);
	assert_int_equal(others_try(*state, 0), 0);
	/* It ended without a word: the lock is free. */
	l = take(*state);
	assert_int_equal(fcntl(l.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	lock_release(&l);
}

/* A process that holds the lock until it is told to end, or is killed. */
static pid_t
hold(const char *dir, int *tell)
{
	struct lock l;
	int to[2], from[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	pid = fork();
	if (pid == 0) {
		close(to[1]);
		if (lock_take(&l, dir, 0) != 0 || write(from[1], "x", 1) != 1)
			_exit(1);
		_exit(read(to[0], &c, 1) == -1);
	}
	assert_true(pid != -1);
	close(from[1]);
	assert_int_equal(read(from[0], &c, 1), 1);
	close(from[0]);
	close(to[0]);
	*tell = to[1];
	return pid;
}

static void
test_wait(void **state)
{
	struct lock l;
	int tell, status;
	pid_t pid = hold(*state, &tell);

	assert_int_equal(lock_take(&l, *state, 0), EAGAIN);
	assert_int_equal(l.fd, -1);
	close(tell);
	assert_int_equal(lock_take(&l, *state, SOON_MS), 0);
	lock_release(&l);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* I8: whoever is killed leaves it free. */
static void
test_killed(void **state)
{
	struct lock l;
	int tell, status;
	pid_t pid = hold(*state, &tell);

	assert_int_equal(lock_take(&l, *state, 0), EAGAIN);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(lock_take(&l, *state, 0), 0);
	lock_release(&l);
	close(tell);
}

static void
test_no_place(void **state)
{
	char path[PATH_MAX + 16];
	struct lock l;

	assert_int_equal(
	    lock_take(&l, scratch_path(*state, "none"), 0), ENOENT);
	assert_int_equal(l.fd, -1);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(lock_take(&l, path, 0), ENAMETOOLONG);
	assert_int_equal(l.fd, -1);
	/* No symbolic link leads elsewhere. */
	assert_int_equal(
	    symlink("elsewhere", scratch_path(*state, "lock")), 0);
	assert_int_equal(lock_take(&l, *state, 0), ELOOP);
	assert_int_equal(l.fd, -1);
}

/* What is no regular file locks nobody out, and nobody waits for it. */
static void
test_other_kinds(void **state)
{
	char *path = scratch_path(*state, "lock");
	struct lock l;

	alarm(PATIENCE);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(lock_take(&l, *state, SOON_MS), EINVAL);
	assert_int_equal(l.fd, -1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(lock_take(&l, *state, SOON_MS), EINVAL);
	assert_int_equal(l.fd, -1);
	alarm(0);
}

/* I11: a file that was removed or replaced locks nobody out. */
static void
test_check(void **state)
{
	struct lock l = take(*state);
	char *path = scratch_path(*state, "lock");
	char *aside = scratch_path(*state, "aside");

	assert_int_equal(lock_check(&l), 0);
	assert_int_equal(rename(path, aside), 0);
	assert_int_equal(lock_check(&l), ESTALE);
	assert_int_equal(others_try(*state, 0), 0); /* makes another one */
	assert_int_equal(lock_check(&l), ESTALE);
	/* A name that leads to the very file is not enough. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("aside", path), 0);
	assert_int_equal(lock_check(&l), ESTALE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rename(aside, path), 0);
	assert_int_equal(lock_check(&l), 0);
	assert_int_equal(others_try(*state, 0), EAGAIN);
	lock_release(&l);
}

/* With its directory, which another session makes again. */
static void
test_directory_removed(void **state)
{
	char *dir = scratch_path(*state, "pop3d"), lock[PATH_MAX];
	struct lock l;

	assert_int_equal(mkdir(dir, 0700), 0);
	l = take(dir);
	strlcpy(lock, scratch_path(dir, "lock"), sizeof(lock));
	assert_int_equal(unlink(lock), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(lock_check(&l), ESTALE);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(lock_check(&l), ESTALE);
	lock_release(&l);
}

/*
 * Whoever waits while the file is removed gets the new one at once; the
 * holder of the old one has nothing to say any more.
 */
static void
test_removed_meanwhile(void **state)
{
	struct lock l;
	int tell, status;
	pid_t holder = hold(*state, &tell), remover;

	if ((remover = fork()) == 0) {
		usleep(50000);
		_exit(unlink(scratch_path(*state, "lock")) == -1);
	}
	alarm(PATIENCE);
	assert_int_equal(lock_take(&l, *state, SOON_MS), 0);
	alarm(0);
	assert_int_equal(lock_check(&l), 0);
	assert_int_equal(waitpid(remover, &status, 0), remover);
	assert_int_equal(status, 0);
	assert_int_equal(others_try(*state, 0), EAGAIN);
	close(tell);
	assert_int_equal(waitpid(holder, &status, 0), holder);
	lock_release(&l);
}

/* Many take it, and some remove it: no two hold what the path leads to. */
static void
contend(const char *dir, unsigned int seed)
{
	char *inside = scratch_path(dir, "inside");
	struct lock l;
	int i, fd;

	for (i = 0; i < 300; i++) {
		if (lock_take(&l, dir, SOON_MS) != 0)
			_exit(1);
		if ((fd = open(inside, O_CREAT | O_EXCL | O_WRONLY, 0600)) ==
		    -1)
			_exit(2);
		close(fd);
		if (lock_check(&l) != 0 || unlink(inside) == -1)
			_exit(3);
		/* Only the holder removes: so nobody else is inside. */
		if (rand_r(&seed) % 4 == 0)
			(void)unlink(l.path);
		lock_release(&l);
	}
	_exit(0);
}

static void
test_contention(void **state)
{
	int i, status;
	pid_t pid[4];

	for (i = 0; i < 4; i++)
		if ((pid[i] = fork()) == 0)
			contend(*state, (unsigned int)i);
	for (i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
}

/* It waits as long as it was told, by the clock. */
static void
test_deadline(void **state)
{
	struct lock l;
	int tell, status;
	pid_t pid = hold(*state, &tell);
	int64_t begin = clock_ms();

	assert_int_equal(lock_take(&l, *state, 300), EAGAIN);
	assert_true(clock_ms() - begin >= 300);
	close(tell);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* What was in the file is gone, and the lock is not. */
static void
test_prove(void **state)
{
	struct lock l = take(*state);
	char text[LOCK_TOKEN + 1];
	ssize_t n;

	assert_int_equal(pwrite(l.fd, "a seal", 6, 0), 6);
	assert_int_equal(lock_prove(&l), 0);
	n = pread(l.fd, text, sizeof(text), 0);
	assert_true(n > 0 && (size_t)n == strlen(l.token));
	assert_memory_equal(text, l.token, (size_t)n);
	assert_int_equal(lock_prove(&l), 0);
	assert_int_equal(others_try(*state, 0), EAGAIN);
	lock_release(&l);
	assert_int_equal(lock_prove(&l), LOCK_LOST);
	assert_int_equal(lock_check(&l), EBADF);
}

/* A server has forgotten the lock, and somebody else has it, or had it. */
static void
test_prove_lost(void **state)
{
	struct flock none = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
	struct lock l = take(*state);
	int tell, status;
	pid_t pid;

	assert_int_equal(lock_prove(&l), 0);
	assert_int_equal(fcntl(l.fd, F_SETLK, &none), 0);
	pid = hold(*state, &tell);
	assert_int_equal(lock_prove(&l), LOCK_LOST);
	close(tell);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(lock_prove(&l), 0);
	assert_int_equal(pwrite(l.fd, "seal", 4, 0), 4);
	assert_int_equal(lock_prove(&l), LOCK_LOST);
	lock_release(&l);
}

/* Where nothing can be written any more, as on a server that has gone. */
static void
test_prove_fails(void **state)
{
	struct rlimit none = { 0, RLIM_INFINITY }, before;
	struct lock l = take(*state);

	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(lock_prove(&l), EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(lock_prove(&l), 0);
	lock_release(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_exclusion),
		IN_SCRATCH(test_wait),
		IN_SCRATCH(test_killed),
		IN_SCRATCH(test_no_place),
		IN_SCRATCH(test_other_kinds),
		IN_SCRATCH(test_check),
		IN_SCRATCH(test_directory_removed),
		IN_SCRATCH(test_removed_meanwhile),
		IN_SCRATCH(test_contention),
		IN_SCRATCH(test_deadline),
		IN_SCRATCH(test_prove),
		IN_SCRATCH(test_prove_lost),
		IN_SCRATCH(test_prove_fails),
	};

	return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
