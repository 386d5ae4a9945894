/*
 * Sessions that are under way.
 *
 * There is no register of them: a session holds the lock of its mailbox, and
 * the kernel knows who does.  What else is known stands in the mailbox's
 * journal, which its owner can forge: so it is read by a process of the
 * owner's, in the sandbox, and decides only what is shown, and which
 * processes the owner signals.  All that is done here is done as the owner.
 */
#ifndef CTL_SESSIONS_H
#define CTL_SESSIONS_H

#include "auth/account.h"
#include "ctl/targets.h"

#define HOST_MAX  255 /* octets of a host's name */
#define SINCE_MAX 31  /* of a time in the journal */
#define ID_MAX	  31  /* of a connection */

struct session {
	pid_t pid; /* of its store; as lock_look() says it */
	int known; /* the journal tells of this very one, what follows: */
	char id[ID_MAX + 1];
	char since[SINCE_MAX + 1];
	char peer[PEER_MAX + 1];
	char label[LABEL_MAX + 1];
	char host[HOST_MAX + 1]; /* the last one that the journal names */
};

/*
 * Who has the mailbox?  CTL_GOOD and fills session, whose pid is 0 if nobody
 * has; CTL_FAILED, told.
 */
int session_look(const struct conf *conf, const struct target *target,
    struct session *session);

/*
 * Which of n mailboxes of one owner, at most TARGETS_AT_ONCE, does somebody
 * have?  Fills held, by one process for all of them, since it is mostly none.
 */
int sessions_held(const struct target *target, size_t n, char *held);

/* Which sessions of a mailbox are to end. */
struct concerned {
	int all;
	int password; /* those that logged in with the account's password */
	size_t n;     /* and those with these application passwords */
	char label[APP_PASSWORDS_MAX][LABEL_MAX + 1];
};

struct hunt {
	const struct conf *conf;
	struct target target;
	struct concerned concerned;
	int hold_ms; /* so long nobody gets in, who was let in before */
};

/*
 * Ends the sessions that are concerned: run() of an owner, whose arg is a
 * struct hunt.  They end without an UPDATE, within a second, and it is told
 * on standard output which did.  What the journal does not tell of is
 * concerned.  Then the lock is held, or those who take it meanwhile are
 * judged as well, so that whoever waits for it by a password that is not good
 * any more hears [IN-USE].  With no hold_ms it is told if nobody was there.
 */
int session_hunt(void *hunt);

#endif
