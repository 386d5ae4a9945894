/*
 * The ledger of an open mailbox: its index in a mode that can answer, the
 * totals, the transaction, and our own changes in cur/.
 *
 * The files of the store room that change a mailbox (sync, update, ...) all
 * do so through the three functions ledger_add(), ledger_change() and
 * ledger_remove(), which keep names, queues and totals in step.
 *
 * As the mailbox's owner, under the lock.  Errors as in index.h, and
 *	ECANCELED	nobody waits any more (progress)
 *	ESTALE		lock or index are not those of this session any more
 */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include <limits.h>
#include <stdint.h>

#include "store/index.h"
#include "store/lock.h"
#include "store/maildir.h"
#include "store/uidls.h"
#include "store/watch.h"

/*
 * Called now and then during long work, with how much of it is done; when
 * it returns other than 0, the work stops where it is: nothing is lost, the
 * next one goes on from there.
 */
typedef int (*progress_fn)(void *, uint64_t done, uint64_t all);

/* What is written when the mailbox is closed. */
enum closing {
	CLOSING_SEALED,	  /* the seal, where it has to say something new */
	CLOSING_UNSEALED, /* nothing: only a recovery may vouch for the index */
	CLOSING_SUSPECT	  /* that reading failed */
};

struct ledger {
	const char *path;   /* of the Maildir, for the log as well */
	char dir[PATH_MAX]; /* of the index */
	char file[PATH_MAX]; /* index.db */
	struct maildir maildir[FOLDERS];
	struct watch watch[FOLDERS]; /* over cur/ */
	int changed[FOLDERS];	     /* by us, since ledger_changes_begin() */
	int local; /* the file system is of this machine */
	uid_t uid; /* whose process this is */
	struct lock lock;

	struct index *index; /* NULL: not needed so far */
	enum index_mode mode;
	enum closing closing;
	struct totals totals;
	struct totals sealed; /* as the seal says it; zeroes: there is none */
	struct totals broken; /* what the seal said that we broke; zeroes: it
				 said nothing, or something was committed */
	struct totals learnt; /* what we knew when we broke it */
	struct totals before; /* the transaction */
	int version; /* of the index as it was found: 1 is to be forwarded */
	int why;     /* INDEX_MEMORY: the error for which it is not on disk */
	int unsaved; /* it is new, and index.bad is to be read first */
	int remade;  /* the index was damaged, and is made anew */

	struct uidls uidls; /* from elsewhere; read where it is needed */
	int uidls_loaded;

	progress_fn progress; /* may be NULL */
	void *progress_arg;
};

/* Says what went wrong in the log, with the mend; returns error. */
int ledger_complain(const struct ledger *l, const char *what, int error);

/* Trouble that passes, of a disk that has no room? */
int ledger_is_full(int error);

/* Is there nobody who waits for the long work that is being done? */
int ledger_given_up(void *ledger);

/*
 * Between the transactions of long work, each of a thousand changes or so:
 * shortens the log now and then, and asks the same: ECANCELED.
 */
int ledger_progress(struct ledger *l, size_t done, size_t all);

/*
 * Loads the totals: from the seal, or through recovery (INDEX_DAMAGED and
 * INDEX_NEWER are told apart; nothing is mended here).
 */
int ledger_open(struct ledger *l);

/*
 * Recovery alone, whatever the seal says.  New totals for a new index; and
 * INDEX_DAMAGED, with l->unsaved set, where it is to take a damaged one's
 * place and whoever began with that was interrupted.
 */
int ledger_recover(struct ledger *l);

/* Drops the index and recovers it, with the reserve's room if it must be. */
int ledger_recover_full(struct ledger *l);

/*
 * Gives the index up, after an error that made it useless.  Where nothing
 * was changed the seal is as good as it was; otherwise only a recovery
 * vouches for the index.
 */
void ledger_drop(struct ledger *l);

/* Writes what the session learnt, so that the next login need not. */
int ledger_close(struct ledger *l);

/*
 * Where other hosts may have the mailbox one day, while we believe that we
 * have it: closes an index that was open for writing, and seals it, before a
 * wait that may be long.  Nothing is left that this host could write late,
 * over what another one has written.  It is opened again where it is needed.
 */
int ledger_rest(struct ledger *l);

/* The index in a mode in which it can be read, or changed as well. */
int ledger_readable(struct ledger *l);
int ledger_writable(struct ledger *l);

/* The index cannot be vouched for: the next one to open it recovers it. */
void ledger_unvouched(struct ledger *l);

/* Reading failed: the next one to open it reads all of it first. */
void ledger_suspect(struct ledger *l, int error);

/*
 * A transaction: of the index and of the totals.  The begin proves that the
 * index is the one that this session's numbers come from (identity and
 * generation), or says ESTALE.  The end commits if all went well so far
 * (error is 0); otherwise, or where the commit fails, nothing has changed.
 * It returns the first error.  A durable commit survives a power cut; before
 * it the lock is checked as well.
 */
int ledger_begin(struct ledger *l);
int ledger_end(struct ledger *l, int error, int durable);

/*
 * Before many changes, in a transaction or more: is there room for them?
 * ENOSPC or EDQUOT if there is not, and nothing was written: half a log
 * that fills the disk cannot even be recovered.
 */
int ledger_expect(struct ledger *l, uint64_t changes);

/*
 * Within a transaction: an entry comes, changes, goes.  old and e (of
 * ledger_remove()) are as index_get_name() told them.
 */
int ledger_add(struct ledger *l, const struct entry *e);
int ledger_change(
    struct ledger *l, const struct entry *old, const struct entry *new);
int ledger_remove(struct ledger *l, const struct entry *e);

/* What these do to the totals: an entry comes (1) or goes (-1). */
void ledger_tally(struct totals *t, const struct entry *e, int sign);

/*
 * Around changes in cur/ of our own, each told to ledger_changed() with the
 * events that it makes (watch.h).  The end records a time for cur/ from
 * which changes by others can be told, or 0 where they may have been among
 * ours: then the next login reads the names.
 */
void ledger_changes_begin(struct ledger *l, enum folder folder);
void ledger_changed(struct ledger *l, enum folder folder, int events);
void ledger_changes_end(struct ledger *l, enum folder folder);

/*
 * Finds the file of an entry whose folder and base are filled, by what the
 * index knows of it; all of the entry is filled.  ENOENT: there is none, or
 * no regular one.  *fd is the caller's.
 */
int ledger_find(struct ledger *l, struct entry *e, int *fd);

/*
 * The same and measured, for an entry all of which is filled already.  Any
 * error but ECANCELED tells of that one file and of nothing else: ENOENT, or
 * why it cannot be read, which may pass.
 */
int ledger_measure(
    struct ledger *l, struct entry *e, struct measured *measured);

#endif
