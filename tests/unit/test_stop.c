/*
 * SIGTERM and SIGUSR1: blocked, but where a process waits or asks for it.
 *
 * Each test runs in a process of its own, for a stop cannot be taken back.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "tests/unit/unit.h"

#include "common/stop.h"

#define LONG_MS 20000

/* The exit status of f() in a process of its own; -1: a signal ended it. */
static int
apart(int (*f)(void))
{
	pid_t pid = fork();
	int status;

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(f());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
blocked_in(void)
{
	stop_block();
	return raise(SIGTERM);
}

/* Outside of a wait it does nothing. */
static void
blocked(void **state)
{
	(void)state;
	assert_int_equal(apart(blocked_in), 0);
}

static int
wait_before_in(void)
{
	stop_block();
	raise(SIGTERM);
	if (stop_poll(NULL, 0, LONG_MS) != -1 || errno != EINTR)
		return 1;
	/* And it stays. */
	if (stop_poll(NULL, 0, -1) != -1 || errno != EINTR)
		return 2;
	return !stop_requested();
}

static void
came_before_the_wait(void **state)
{
	(void)state;
	assert_int_equal(apart(wait_before_in), 0);
}

static int
wait_during_in(void)
{
	pid_t parent = getpid();

	stop_block();
	if (fork() == 0) {
		/* Blocked here, too. */
		raise(SIGTERM);
		usleep(100000);
		_exit(kill(parent, SIGTERM));
	}
	if (stop_poll(NULL, 0, -1) != -1 || errno != EINTR)
		return 1;
	return !stop_requested();
}

static void
comes_during_the_wait(void **state)
{
	(void)state;
	assert_int_equal(apart(wait_during_in), 0);
}

static int
asked_in(void)
{
	stop_block();
	if (stop_requested())
		return 1;
	raise(SIGTERM);
	return stop_requested() != 1 || stop_requested() != 1;
}

static void
asked_for(void **state)
{
	(void)state;
	assert_int_equal(apart(asked_in), 0);
}

static int
polls_in(void)
{
	struct pollfd p = { -1, POLLIN, 0 };
	int fd[2];

	stop_block();
	if (pipe(fd) == -1)
		return 1;
	p.fd = fd[0];
	if (stop_poll(&p, 1, 0) != 0 || stop_poll(&p, 1, 1) != 0)
		return 2;
	if (write(fd[1], "x", 1) != 1 || stop_poll(&p, 1, -1) != 1)
		return 3;
	/* Then the stop is told after the event. */
	raise(SIGTERM);
	if (stop_poll(&p, 1, LONG_MS) != 1 || p.revents != POLLIN)
		return 4;
	return stop_requested() != 1;
}

static void
polls(void **state)
{
	(void)state;
	assert_int_equal(apart(polls_in), 0);
}

static int
kicked_in(void)
{
	stop_block();
	if (strcmp(stop_reason(), "stopped") != 0)
		return 1;
	raise(SIGUSR1);
	if (stop_poll(NULL, 0, LONG_MS) != -1 || errno != EINTR)
		return 2;
	raise(SIGTERM); /* what came first counts */
	return stop_requested() != 1 || strcmp(stop_reason(), "kicked") != 0;
}

static void
kicked(void **state)
{
	(void)state;
	assert_int_equal(apart(kicked_in), 0);
	assert_string_equal(stop_word("kicked"), "kicked");
	assert_string_equal(stop_word("forged"), "stopped");
}

/* A parent's odd mask or handler changes nothing. */
static int
odd_parent_in(void)
{
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	signal(SIGTERM, SIG_IGN);
	return wait_before_in();
}

static void
odd_parent(void **state)
{
	(void)state;
	assert_int_equal(apart(odd_parent_in), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocked),
		cmocka_unit_test(came_before_the_wait),
		cmocka_unit_test(comes_during_the_wait),
		cmocka_unit_test(asked_for),
		cmocka_unit_test(polls),
		cmocka_unit_test(kicked),
		cmocka_unit_test(odd_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
