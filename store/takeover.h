/*
 * pop3ctl import-uidls: makes the file uidls (uidls.h) from the list of
 * another server that had the Maildir before.
 *
 * A name keeps the id that it has from elsewhere.  Once there is a file
 * uidls, a message that the index knows without such an id keeps its own,
 * too: it came when pop3d served the mailbox, and has been shown under it.
 */
#ifndef STORE_TAKEOVER_H
#define STORE_TAKEOVER_H

#include "store/foreign.h"
#include "store/mailbox.h"

struct takeover {
	/* What is wanted. */
	const char *format; /* of Dovecot's ids; a good one (uidl_format.h) */
	enum foreign wanted; /* this list; none: the newest that is there */
	int dry;	    /* nothing is written */

	/* Is told, in a sentence, of each id that is not taken over; ... */
	void (*say)(void *arg, const char *sentence);
	/* ... and of each that is; junk's names as uidls has them. */
	void (*show)(void *arg, const char *uidl, const char *name);
	void *arg;

	/* What came of it. */
	enum foreign list[FOLDERS]; /* that was read */
	uint64_t taken; /* ids */
	uint64_t had;	/* that were there already */
	uint64_t own;	/* that are the UIDL in any case, as base names */
	uint64_t left;	/* of which say() was told */
};

/*
 * mb is new (mailbox_new()), and is locked by this; the caller closes it.
 * The next login, or pop3ctl index, brings the index up to date.
 */
enum trouble mailbox_take_over(
    struct mailbox *mb, int wait_ms, struct takeover *t);

#endif
