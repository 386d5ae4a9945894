#include <sys/time.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/account.h"
#include "auth/hash.h"
#include "auth/refusals.h"
#include "ctl/hash_cost.h"

#define SCRYPT_COST 14 /* octets: $7$, and N, r and p in its base64 */
#define BSDI_COST   5  /* octets: _, and the count */

/* The end of the next field behind s, its $ counted; or of all. */
static size_t
field(const char *s)
{
	size_t len = strcspn(s, "$");

	return s[len] == '$' ? len + 1 : len;
}

/* How much of a hash says what it costs: its method, and how much of that. */
static size_t
cost_octets(const char *hash)
{
	static const char *const with_cost[] = { "$2a$", "$2b$", "$2x$",
		"$2y$", "$y$", "$gy$", "$sha1$" };
	size_t i, method;

	if (hash[0] != '$')
		return hash[0] == '_' ? BSDI_COST : 0;
	if (strncmp(hash, "$7$", 3) == 0)
		return SCRYPT_COST;
	method = 1 + field(hash + 1);
	if (strncmp(hash + method, "rounds=", 7) == 0)
		return method + field(hash + method);
	for (i = 0; i < sizeof(with_cost) / sizeof(with_cost[0]); i++)
		if (strncmp(hash, with_cost[i], strlen(with_cost[i])) == 0)
			return method + field(hash + method);
	return method;
}

enum cost { COST_GOOD, COST_TOO_LONG, COST_FAILED };

/* In a process of its own, which the timer may end. */
static enum cost
try(const char *hash)
{
	const struct itimerval limit = { .it_value = {
		.tv_usec = REFUSAL_MS / 2 * 1000L } };
	int status;
	pid_t pid;

	fflush(stdout);
	fflush(stderr);
	if ((pid = fork()) == -1)
		return COST_TOO_LONG;
	if (pid == 0) {
		(void)signal(SIGPROF, SIG_DFL);
		if (setitimer(ITIMER_PROF, &limit, NULL) == -1)
			_exit(COST_TOO_LONG);
		_exit(hash_works(hash) ? COST_GOOD : COST_FAILED);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return COST_TOO_LONG;
	return WIFEXITED(status) ? (enum cost)WEXITSTATUS(status) :
				   COST_TOO_LONG;
}

const char *
hash_cost_fault(const char *hash)
{
	static const char *const faults[] = { NULL,
		"takes so long that the time of an answer would tell who has "
		"an account",
		"asks for more than crypt(3) has here, so that no password "
		"would ever be the right one" };
	static char last[HASH_MAX + 1];
	static enum cost cost;
	static int tried;
	size_t len = cost_octets(hash);

	if (len > strlen(hash) || len >= sizeof(last))
		return faults[COST_FAILED];
	if (!tried || strlen(last) != len || memcmp(last, hash, len) != 0) {
		cost = try(hash);
		tried = 1;
		memcpy(last, hash, len);
		last[len] = '\0';
	}
	return faults[cost];
}
