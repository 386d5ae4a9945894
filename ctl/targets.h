/*
 * The mailboxes that a command is for.
 *
 * They are looked up by a process of its own, which alone opens the accounts
 * and hands on what is asked for here: so the processes that are forked for
 * mailboxes have no password's hash in their memory.
 */
#ifndef CTL_TARGETS_H
#define CTL_TARGETS_H

#include <sys/types.h>

#include "auth/accounts.h"
#include "common/conf.h"
#include "common/policy.h"

struct target {
	char address[ADDRESS_MAX + 1];
	char maildir[MAILDIR_MAX + 1];
	uid_t uid;
	gid_t gid;
	struct policy policy; /* from_now is 0 unless it counts */
};

/* What an account has that its mailbox needs. */
void target_of(struct target *target, const struct account *account);

struct targets {
	int fd;
	pid_t pid;
};

/*
 * Begins to look up n addresses, or all accounts if address is NULL.
 * Returns CTL_GOOD, or CTL_FAILED, told.
 */
int targets_open(
    struct targets *targets, const struct conf *conf, int n, char *address[]);

/* The next one: 1, or 0 at the end. */
int targets_next(struct targets *targets, struct target *target);

/*
 * Ends it, early as well.  Returns CTL_GOOD, or CTL_FAILED if there was an
 * account that could not be looked up, which was told.
 */
int targets_close(struct targets *targets);

/*
 * All of this: each() is called for each of them, until a signal comes.
 * Returns CTL_GOOD if it did so for all that were meant, and every time.
 */
int targets_each(const struct conf *conf, int n, char *address[],
    int (*each)(const struct target *target, void *arg), void *arg);

/*
 * The same for commands that a process for each mailbox would cost too much:
 * each() gets some of one owner together.  They come in their order, but for
 * those of other owners that stood between them.
 */
#define TARGETS_AT_ONCE 64
#define TARGETS_WAITING 1024 /* for others of the same owner */

struct batch {
	int (*each)(const struct target *target, size_t n, void *arg);
	void *arg;
	int status; /* CTL_FAILED: one of these calls was in vain */
	size_t n;
	struct target waiting[TARGETS_WAITING];
	struct target together[TARGETS_AT_ONCE];
};

void batch_init(struct batch *batch,
    int (*each)(const struct target *target, size_t n, void *arg), void *arg);
void batch_add(struct batch *batch, const struct target *target);

/* The last ones; returns the status of all. */
int batch_end(struct batch *batch);

/* targets_each() by batches. */
int targets_each_batch(const struct conf *conf, int n, char *address[],
    int (*each)(const struct target *target, size_t n, void *arg), void *arg);

#endif
