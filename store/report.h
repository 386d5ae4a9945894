/*
 * What the administrator's log and the mailbox's journal are told of a
 * session.  The log is told in any case; where the journal cannot be written,
 * that is one more line in the log, and changes nothing else.
 */
#ifndef STORE_REPORT_H
#define STORE_REPORT_H

#include <stdint.h>

#include "common/messages.h"
#include "store/journal_line.h"
#include "store/mailbox.h"
#include "store/taken.h"

/*
 * Puts whole lines into the journal of a mailbox, which is open or closed, but
 * not freed; locked as for journal_append().  0, or what went wrong, which has
 * been told.
 */
int report_lines(
    struct mailbox *mb, const struct journal_text *t, int locked);

struct report {
	const struct msg_verdict *verdict;
	const char *peer;
	struct mailbox *mailbox; /* closed or not, but not freed */
	const char *notices; /* the user is told of new logins, in the name of
				this host; NULL: he is not */
	int silent; /* the journal could not be written: no more is tried */
};

/*
 * The mailbox is open, and its lock held; tls is as the session told it, and
 * is changed.
 */
void report_login(struct report *r, char *tls);

/* An UPDATE took these. */
void report_taken(struct report *r, const struct taken *taken);

void report_end(struct report *r, const struct msg_end *end,
    uint64_t deleted, uint64_t left);

#endif
