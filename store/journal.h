/*
 * The journal of a mailbox: <Maildir>/pop3d/journal, who came, what they
 * deleted, how they left.
 *
 * Text: a line with the version, and then the lines of journal_line.h.  It is
 * appended to, one write for each event, without a sync: it is a memory, and
 * no transaction depends on it.  A file of more than 64 kB is kept as
 * journal.old, in place of the one before it, and a new one begins with what
 * was known (known.h).  A line that a crash has torn is passed over.
 *
 * As the mailbox's owner.  Errors are errno values, 0 is success, and
 * INDEX_NEWER: it was written by a newer version, and is left untouched.
 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include <stddef.h>

#include "store/index_error.h"
#include "store/journal_line.h"
#include "store/known.h"

#define JOURNAL_FILE "journal"
#define JOURNAL_OLD  "journal.old"
#define JOURNAL_NEW  "journal.new" /* until it takes the journal's place */

#define JOURNAL_TURN ((size_t)64 * 1024)  /* octets, from which on it is old */
#define JOURNAL_READ ((size_t)128 * 1024) /* of a file that are looked at */

/*
 * Begins a line of what happens now, in the session or visit that id tells;
 * "": in none.
 */
void journal_begin_now(
    struct journal_text *t, const char *event, const char *id);

/*
 * Appends whole lines to the journal in dir.  Who holds the mailbox's lock
 * makes it where it is missing, and turns it over; others leave that.
 */
int journal_append(
    const char *dir, const char *lines, size_t len, int locked);

/*
 * Calls visit() for each line, the oldest first, of both files; of a longer
 * one for the last 128 kB.  Without the lock as well.  No journal at all is
 * no error.
 */
typedef void (*journal_fn)(void *arg, const struct journal_line *line);
int journal_read(const char *dir, journal_fn visit, void *arg);

/* What it knows, by reading all of it. */
int journal_known(const char *dir, struct known *known);

#endif
