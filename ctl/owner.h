/*
 * Processes that are a mailbox's owner.
 *
 * A mailbox may be read, and what is in it may have been forged, by nobody
 * but its owner.  So what pop3ctl does there is done by a process of its own
 * that has nothing else: no account, no terminal but to write to, no file
 * but standard output, standard error and the log.
 */
#ifndef CTL_OWNER_H
#define CTL_OWNER_H

#include <sys/types.h>

/*
 * From now on SIGINT, SIGTERM and SIGHUP do not end pop3ctl: they are passed
 * on to the owner's process, which stops in good order.
 */
void owner_pass_signals(void);

/* Has there been one of these signals?  In either process. */
int owner_interrupted(void);

/* The process of an owner, and what it is to have; set before its start. */
struct owner {
	const char *name; /* who is named when something is wrong */
	uid_t uid;
	gid_t gid;
	int in;	 /* its standard input; -1: nothing to be read */
	int out; /* its standard output; -1: pop3ctl's */
	int (*run)(void *arg);
	void *arg;
	pid_t pid;
};

/*
 * Starts one, which calls run() as uid and gid, where pop3ctl is root; it
 * stays who it is where it is not.  CTL_GOOD, or CTL_FAILED, told.
 */
int owner_start(struct owner *owner);

/*
 * Waits for its end: what run() returned, or CTL_FAILED, told, when the
 * process could not do that.
 */
int owner_wait(struct owner *owner);

/* Starts one with in and out -1, and waits for it. */
int owner_run(
    const char *name, uid_t uid, gid_t gid, int (*run)(void *arg), void *arg);

#endif
