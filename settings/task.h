/*
 * What the processes of pop3settings say to each other.
 *
 *	desk -> auth		REQUEST
 *	auth -> desk		RULING
 *	auth -> clerk		ORDER
 *	clerk -> auth		DONE, one for each order; with FACTORS perhaps
 *				a descriptor
 *	auth -> owner		VISIT, or TOLD
 *	owner -> auth		DONE
 *	clerk, owner -> desk	PAGE, before DONE
 *
 * owner is the parent, which is root until it is told whose mailbox it is
 * about.  The clerk tells it on a stream of its own whose sessions are to end
 * (ctl/revoke.h).  Each of these is a structure and the whole payload; who
 * receives one ends its strings by task_settle().
 */
#ifndef SETTINGS_TASK_H
#define SETTINGS_TASK_H

#include <stdint.h>
#include <sys/types.h>

#include "auth/digest.h"
#include "common/channel.h"
#include "common/policy.h"
#include "common/self_service.h"
#include "settings/deed.h"

/* To whom each has a channel; between clerk and owner it is a stream. */
struct judge_fds {
	int desk, clerk, owner;
};

struct clerk_fds {
	int auth, desk, owner;
};

struct owner_fds {
	int auth, clerk, desk;
};

/* Beside those of common/messages.h. */
enum task_type {
	TASK_REQUEST = 1000, /* struct self_request */
	TASK_RULING,	     /* struct ruling */
	TASK_ORDER,	     /* struct order */
	TASK_DONE,	     /* struct done */
	TASK_VISIT,	     /* struct visit */
	TASK_TOLD,	     /* struct told */
	TASK_PAGE	     /* union page */
};

/* As in an answer: the largest of them counts. */
union page {
	struct self_overview overview;
	struct self_apps apps;
	struct self_made made;
	struct self_kept kept;
	struct self_activity activity;
	struct self_secret secret;
	struct self_recovery recovery;
	uint64_t count;
};

/* What auth has found out, and what the browser is to have for it. */
struct ruling {
	uint32_t result; /* enum self_result */
	uint32_t seconds;
	char cookie[SELF_COOKIE_MAX + 1];
	struct self_account account;
};

/* What the clerk does; of one account, in auth's words. */
enum act {
	ACT_FACTORS,	/* hand its factors over, to be read */
	ACT_TRY,	/* a code, or a password: may it be tried? */
	ACT_STEP,	/* it was right: step was not used before, and is now */
	ACT_RECOVERY,	/* it was one of the recovery codes: digest is gone */
	ACT_INVITATION, /* the same of the invitation */
	ACT_PROVED,	/* the password was right: the tries are forgotten */
	ACT_SIGN_OUT,	/* all cookies until now are void */
	ACT_CHANGE	/* what asked wants */
};

struct order {
	uint32_t act; /* enum act */
	char address[ADDRESS_MAX + 1];
	char peer[PEER_MAX + 1]; /* for the log */
	int64_t generation;	 /* of the account that was judged */
	uint64_t step;
	unsigned char digest[DIGEST_OCTETS]; /* of what was typed, or of the
						secret whose code it was */
	struct self_request asked; /* of ACT_CHANGE */
};

struct done {
	uint32_t result; /* enum self_result */
	int64_t generation; /* of ACT_CHANGE: the account's, from now on */
	struct self_account account; /* the same */
	struct deed deed;	     /* the same: what was done */
};

/* What is done in a mailbox, as its owner. */
struct visit {
	struct policy policy;
	uid_t uid; /* never 0 */
	gid_t gid;
	char address[ADDRESS_MAX + 1];
	char peer[PEER_MAX + 1]; /* for its journal */
	char maildir[MAILDIR_MAX + 1];
	uint32_t want; /* enum self_want */
	uint32_t from;
	char uidl[SELF_UIDL_MAX + 1];
	struct self_apps apps; /* for their last use */
};

/* What was done on the page, for the mailbox's journal: by its owner, too. */
struct told {
	uid_t uid; /* never 0 */
	gid_t gid;
	uint32_t signed_in; /* by what deed says; 0: that was changed */
	char address[ADDRESS_MAX + 1];
	char peer[PEER_MAX + 1];
	char maildir[MAILDIR_MAX + 1];
	struct deed deed;
};

/*
 * Takes a payload out of a message, as message_get() does: 1, or 0 where it is
 * not of that type and size.
 */
int task_get(
    const struct message *m, uint32_t type, void *out, size_t size);

/*
 * As channel_send(), but that it takes no more than write(2), which each
 * sandbox has.  Returns 0 or -1.
 */
int task_send(int fd, uint32_t type, const void *data, size_t len);

#endif
