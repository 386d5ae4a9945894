/*
 * Revocation that means now: whoever changes an account so that some could
 * not log in any more ends their sessions as well.
 *
 * A process that is forked before the accounts are opened, and so knows no
 * hash, is told what changes.  When the change is made it has all sessions
 * ended that it concerns, by processes that are the mailboxes' owners.
 */
#ifndef CTL_REVOKE_H
#define CTL_REVOKE_H

#include <sys/types.h>

#include "auth/account.h"
#include "common/conf.h"

struct revocation {
	int fd;
	pid_t pid;
};

/* Before any account is read.  CTL_GOOD, or CTL_FAILED, told. */
int revocation_open(struct revocation *r, const struct conf *conf);

/*
 * What that process does, at the other end of the descriptor: it waits for
 * the end of the change, and ends sessions.  Returns CTL_GOOD or CTL_FAILED,
 * told.
 */
int revocation_serve(const struct conf *conf, int fd);

/* An account is about to change, or (NULL) to be deleted. */
void revocation_note(struct revocation *r, const struct account *before,
    const struct account *after);

/* The change is made: revocation_serve() goes on. */
void revocation_made(struct revocation *r);

/*
 * The end, with the status of the change.  If that is CTL_GOOD it waits until
 * the sessions have ended, and two seconds more.  Returns the worse of both.
 */
int revocation_close(struct revocation *r, int status);

#endif
