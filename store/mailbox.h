/*
 * A mailbox, open and locked: the maildrop that one account sees.
 *
 * Used by the store process and by pop3ctl, as the mailbox's owner.  What
 * goes wrong is told once, in the log (log.h), in words for the
 * administrator; the functions return 0 or which trouble it is, in terms of
 * POP3.
 */
#ifndef STORE_MAILBOX_H
#define STORE_MAILBOX_H

#include <stdint.h>

#include "common/messages.h"
#include "store/index.h"
#include "store/lock.h"
#include "store/maildir.h"

/* What the account's settings make of the mailbox. */
struct view {
	const char *maildir;
	const char *junk; /* the folder's directory within it */
	enum spam spam;
	int64_t from_now; /* ns since the epoch; 0: all mail */
	int auto_delete;
};

/*
 * Called now and then during long work, with how much of it is done; when
 * it returns other than 0, the work stops where it is: nothing is lost, the
 * next one goes on from there.
 */
typedef int (*progress_fn)(void *, uint64_t done, uint64_t all);

/* New mail of a folder: counted, and not in the index yet (sync.h). */
struct coming {
	struct sync *sync;
	uint64_t count, octets;
};

struct mailbox {
	struct view view;
	char dir[PATH_MAX]; /* of the index */
	struct maildir maildir[FOLDERS];
	struct lock lock;
	struct index *index; /* NULL: not needed so far */
	enum index_mode mode;
	int clean; /* the mark vouches for index.db, or may be made to */
	int dirty; /* a change failed: only a recovery may vouch for it */
	int rebuilt; /* the index was damaged, and is made anew */
	int thorough; /* somebody failed to read it: it is read whole first */
	int suspicious; /* it was us */
	struct meta meta;
	struct meta mark; /* what the mark says */
	struct coming coming[FOLDERS];
	enum folder order[FOLDERS]; /* the folders of the maildrop */
	int folders;
	progress_fn progress;
	void *progress_arg;

	struct walk *walk;    /* stands before message walk_number */
	uint64_t walk_number;
};

/*
 * Opens the mailbox and finds out what is in it; waits at most wait_ms for
 * another session to leave.  progress may be NULL.  mailbox_settle() must
 * follow before anything but the count and the octets is asked for: it
 * brings the index up to date where that was left to do, and fails when
 * count and octets turn out to be others.
 */
enum trouble mailbox_open(struct mailbox *mb, const struct view *view,
    int wait_ms, progress_fn progress, void *progress_arg);
enum trouble mailbox_settle(struct mailbox *mb);

/* Closes cleanly, and releases the lock.  May be called twice. */
void mailbox_close(struct mailbox *mb);

uint64_t mailbox_count(const struct mailbox *mb);
uint64_t mailbox_octets(const struct mailbox *mb);

/*
 * The entry of message n: sequence, octets and base are filled.  Fast for
 * one message after the other.
 */
enum trouble mailbox_entry(struct mailbox *mb, uint64_t n, struct entry *e);

/* The UIDL of an entry; returns its length. */
size_t mailbox_uidl(const struct entry *e, char uidl[UIDL_MAX + 1]);

/* Opens message n for reading: *fd is the caller's. */
enum trouble mailbox_file(struct mailbox *mb, uint64_t n, int *fd);

/*
 * UPDATE: takes the messages for which marked() is true out of the maildrop,
 * all of them or (on trouble) none; *deleted tells how many.
 */
enum trouble mailbox_update(struct mailbox *mb,
    int (*marked)(const void *, uint64_t n), const void *marks,
    uint64_t highest, uint64_t *deleted);

/*
 * For the files of the store room: the index in a mode that can answer, or
 * that can be changed.  0, or an error of index.h.
 */
int mailbox_readable(struct mailbox *mb);
int mailbox_writable(struct mailbox *mb);

/* Has the database itself checked, page by page; then it is writable. */
int mailbox_verify(struct mailbox *mb);

/* Is there nobody who waits for the long work that is being done? */
int mailbox_given_up(const struct mailbox *mb);

/* Is it an error that only making the index anew can mend?  Does so. */
int mailbox_is_damage(int error);
int mailbox_rebuild(struct mailbox *mb);

/* Message n by its place in the queues alone. */
int mailbox_number(struct mailbox *mb, uint64_t n, struct entry *e);

/*
 * Around changes in cur/ of our own: begin tells when that was, end gives
 * cur/ a time from which changes by others can be told (or none, when it
 * took so long that some may be among ours).
 */
int64_t mailbox_changes_begin(struct mailbox *mb, enum folder folder);
void mailbox_changes_end(
    struct mailbox *mb, enum folder folder, int64_t began);

/* The index can not be vouched for: the next one to open it recovers it. */
void mailbox_unclean(struct mailbox *mb, const char *what, int error);

/*
 * Finds the file of an entry; its sub and suffix are corrected.  ENOENT:
 * there is none, or no regular one.
 */
int mailbox_find(struct mailbox *mb, struct entry *e, int *fd);

/* Says what went wrong in the log, and which trouble that is. */
enum trouble mailbox_trouble(
    const struct mailbox *mb, const char *what, int error);

#endif
