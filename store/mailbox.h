/*
 * A mailbox, open and locked: the maildrop that one account sees.
 *
 * Used by the store process and by pop3ctl, as the mailbox's owner.  What
 * goes wrong is told once, in the log (log.h), in words for the
 * administrator; the functions return TROUBLE_NONE or which trouble it is,
 * in terms of POP3.
 */
#ifndef STORE_MAILBOX_H
#define STORE_MAILBOX_H

#include <stdint.h>

#include "common/messages.h"
#include "store/import.h"
#include "store/index.h"
#include "store/ledger.h"
#include "store/taken.h"
#include "store/purge.h"

/* What of the account's settings makes the mailbox: all stays the caller's. */
struct view {
	const char *maildir;
	const char *junk; /* the folder's directory within it */
	const char *spool; /* an mbox to be emptied into it, or NULL */
	struct policy policy;
};

struct mailbox;

/*
 * Prepares to open the mailbox: opens its directories and watches over
 * them.  As the owner, before the sandbox is entered.  progress may be
 * NULL.  NULL: out of memory; what else is wrong, mailbox_open() tells.
 */
struct mailbox *mailbox_new(
    const struct view *view, progress_fn progress, void *progress_arg);

/*
 * Opens the mailbox and finds out what is in it; waits at most wait_ms for
 * another session to leave.  mailbox_settle() must follow before anything
 * but the count and the octets is asked for: it brings the index up to date
 * where that was left to do, and fails when count and octets turn out to be
 * others.
 */
enum trouble mailbox_open(struct mailbox *mb, int wait_ms);
enum trouble mailbox_settle(struct mailbox *mb);

/* In place of both: takes the lock, and looks at nothing. */
enum trouble mailbox_hold(struct mailbox *mb, int wait_ms);

/* Closes cleanly, and releases the lock.  May be called twice. */
void mailbox_close(struct mailbox *mb);

/* Closes, and frees what there is.  NULL is fine. */
void mailbox_free(struct mailbox *mb);

uint64_t mailbox_count(const struct mailbox *mb);
uint64_t mailbox_octets(const struct mailbox *mb);

/* Was the index damaged, and has been made anew? */
int mailbox_was_remade(const struct mailbox *mb);

/* Can the index not be written, so that nothing done here will last? */
int mailbox_is_in_memory(const struct mailbox *mb);

/*
 * The entry of message n: folder, sequence, octets, base and uidl are
 * filled.  Fast for one message after the other.
 */
enum trouble mailbox_entry(struct mailbox *mb, uint64_t n, struct entry *e);

/*
 * Opens message n for reading: *fd is the caller's, *octets are what it has
 * now (which may be others than LIST shows: resize.h).
 */
enum trouble mailbox_file(
    struct mailbox *mb, uint64_t n, int *fd, uint64_t *octets);

/*
 * Notes the messages for which marked() is true, of those up to highest:
 * they become seen when the mailbox is closed.  Before mailbox_update().
 */
enum trouble mailbox_seen(struct mailbox *mb,
    int (*marked)(const void *, uint64_t n), const void *marks,
    uint64_t highest);

/*
 * UPDATE: takes the messages for which marked() is true, of those up to
 * highest, out of the maildrop, all of them or (on trouble) none; taken,
 * which is empty, tells which, and is the caller's to free.
 */
enum trouble mailbox_update(struct mailbox *mb,
    int (*marked)(const void *, uint64_t n), const void *marks,
    uint64_t highest, struct taken *taken);

/* Reads cur/ whatever its time says: pop3ctl index. */
enum trouble mailbox_read_all(struct mailbox *mb);

/*
 * Takes the messages of an mbox file in, and indexes them: import->error is
 * set where that is what went wrong, or somebody else writes to the file
 * (TROUBLE_IN_USE).
 */
enum trouble mailbox_import(struct mailbox *mb, struct import *import);

/*
 * What was taken out of the maildrop and is kept: calls visit() for each
 * entry; and puts it into the queue again, by its UIDL or (NULL) all.
 */
enum trouble mailbox_each_kept(
    struct mailbox *mb, visit_fn visit, void *arg);
enum trouble mailbox_requeue(
    struct mailbox *mb, const char *uidl, uint64_t *requeued);

/* Unlinks what has been retained for so many days (purge.h). */
enum trouble mailbox_purge(
    struct mailbox *mb, int64_t days, struct purged *purged);

/*
 * For check.h and takeover.h: what is under all this, the folders that are
 * seen, trouble.
 */
struct ledger *mailbox_ledger(struct mailbox *mb);
int mailbox_sees(const struct mailbox *mb, enum folder folder);
const struct policy *mailbox_policy(const struct mailbox *mb);
enum trouble mailbox_trouble(
    struct mailbox *mb, const char *what, int error);

#endif
