/*
 * Reading an mbox: one file with many messages, each behind a From_ line.
 *
 * Nobody ever wrote down what an mbox is.  Here a message ends before a line
 * that begins with "From " and has a date as asctime(3) writes it; or where
 * its Content-Length says, if there really is the end of the file or such a
 * line.  The empty line before is not the message's.  Of a line that begins
 * with ">From ", or with more of these brackets, one is taken off (mboxrd;
 * mboxo, which brackets less, reads the same); not where Content-Length told
 * the end, for then nothing had to be bracketed.
 *
 * In an mbox that only delivery agents write to, an empty line has to come
 * before such a line, and no length counts: agents bracket that, and nothing
 * else, and whoever sends a message could write the rest.
 *
 * What mail programs noted down in header fields of their own is taken out
 * and told apart: Status, X-Status, X-UID, X-IMAPbase, X-IMAP, X-Keywords
 * and Content-Length.  So what is left of a message is the same whenever it
 * is read.
 *
 * The file is read as a stream, with a buffer of fixed size.  As the
 * mailbox's owner; errors are errno values, 0 is success.
 */
#ifndef STORE_MBOX_H
#define STORE_MBOX_H

#include <stddef.h>
#include <stdint.h>

#define MBOX_END   (-1) /* no error: there is no further message */
#define MBOX_FLAGS 6	/* octets, with a NUL */

/* Who wrote the file. */
enum mbox_by {
	MBOX_ANYBODY,
	MBOX_AGENTS /* delivery agents, and readers that note things down */
};

struct mbox_message {
	uint64_t offset;	/* of its From_ line */
	int64_t date;		/* of that line, seconds; or 0 */
	/* Not complete until the message was read to its end. */
	char flags[MBOX_FLAGS]; /* Maildir's letters, in their order */
	int seen_before;	/* by a mail program: not new any more */
	int internal;		/* a mail program's notes, no message */
	uint32_t uid;		/* of IMAP, greater than the last; or 0 */
};

struct mbox;

/* Lines "From " that may be another thing than they were taken for. */
struct mbox_odd {
	uint64_t joined; /* with an empty line before, and they end no message:
			    they have no date that is known here, or stand in
			    what Content-Length spans */
	uint64_t bare;	 /* that begin a message without an empty line */
};

/*
 * Begins to read what is in fd, a regular file that stays the caller's.
 * given_up (may be NULL) is asked every megabyte: where it returns other
 * than 0, reading fails with ECANCELED.  NULL: out of memory.  mbox_free()
 * takes NULL.
 */
struct mbox *mbox_new(
    int fd, enum mbox_by by, int (*given_up)(void *), void *arg);
void mbox_free(struct mbox *m);

/*
 * Goes to the next message: 0, or MBOX_END, or an errno value.  EINVAL: the
 * file does not begin with a From_ line, and is no mbox.
 */
int mbox_next(struct mbox *m, struct mbox_message *message);

/*
 * The next piece of that message: *data is good until the next call, *len
 * is 0 at its end.
 */
int mbox_piece(struct mbox *m, struct mbox_message *message,
    const char **data, size_t *len);

/* The offset of what was not read yet; and the lines, in what was. */
uint64_t mbox_offset(const struct mbox *m);
const struct mbox_odd *mbox_odd(const struct mbox *m);

/*
 * When all was read: is that what is in the file now?  EAGAIN: somebody
 * writes to it without a lock, and the last message may be half of one.
 */
int mbox_unchanged(const struct mbox *m);

/*
 * The UIDVALIDITY that the UIDs belong to; 0: there is none.  Known when the
 * first message was read.
 */
uint32_t mbox_uidvalidity(const struct mbox *m);

#endif
