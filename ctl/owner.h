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

/*
 * Calls run() in a process that is uid and gid, where pop3ctl is root; it
 * stays who it is where it is not.  Returns what run() does, or CTL_FAILED,
 * told, when the process could not do that; name is who is named then.
 */
int owner_run(
    const char *name, uid_t uid, gid_t gid, int (*run)(void *arg), void *arg);

#endif
