/*
 * The lists in which other servers keep the unique-ids of a Maildir.
 *
 *	dovecot-uidlist		"3 V<uidvalidity> N<next> G<guid>", and lines
 *				"<uid> [X<value> ...] :<name>": P<uidl> is what
 *				pop3_save_uidl saved (nothing: the base name),
 *				G<guid> one that is not the base name; else it
 *				is as pop3_uidl_format says
 *	courierpop3dsizelist	"/3 <next> <uidv>" or "/2 ...", and lines
 *				"<name> <size> <uid>:<uidv>[:<n>]": UID<uid>
 *				and, unless it is 0, -<uidv>; where uid is 0,
 *				the base name with some octets as +XX
 *
 * As the mailbox's owner.  Errors are errno values, 0 is success.
 */
#ifndef STORE_FOREIGN_H
#define STORE_FOREIGN_H

#include <stdio.h>

#include "store/maildir.h"

enum foreign { FOREIGN_NONE, FOREIGN_DOVECOT, FOREIGN_COURIER };

/* The name of the file. */
const char *foreign_name(enum foreign list);

/*
 * The list in a folder that was written last, and, if there is one, the
 * other one.  0 also where there is none.  Of an error *list is the cause:
 * EINVAL, it is no regular file; EFBIG, it is too large.
 */
int foreign_look(const struct maildir *m, enum foreign *list,
    enum foreign *other);

/*
 * Reads a list: take() gets each line's number, base name and unique-id,
 * whatever octets they have; base is NULL for a line that is none.  Where
 * it returns other than 0 that is returned.  EINVAL: of no version that is
 * known, or another kind of file.  format is a good one (uidl_format.h).
 */
typedef int (*foreign_fn)(
    void *arg, size_t number, const char *base, const char *uidl);
int foreign_read(const struct maildir *m, enum foreign list,
    const char *format, foreign_fn take, void *arg);

#endif
