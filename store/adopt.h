/*
 * Giving messages the unique-ids that they brought along (uidls.h).
 *
 * An id of the file uidls beats the base name, and for ever: whoever else
 * has, or gets, a base name that is the same gets a hash of it.  The file is
 * read by the login that finds another one than the totals have the stamp
 * of, and hardly ever after that.
 *
 * Errors as in ledger.h, and those of uidls.h.
 */
#ifndef STORE_ADOPT_H
#define STORE_ADOPT_H

#include "store/ledger.h"

/*
 * At a login, before new mail is looked for: brings the index up to date
 * with the file, where that has changed.  What is interrupted is done by the
 * next login, before it shows anything.  A file that cannot be read is an
 * error if it never was read before; otherwise the index knows what it said.
 */
int adopt(struct ledger *l);

/* The UIDL of a message that comes into the index now. */
int adopt_uidl(struct ledger *l, struct entry *e);

/* Once new mail has been taken in, the file's lines need no memory. */
void adopt_end(struct ledger *l);

#endif
