/*
 * The Maildirs of new accounts: made by pop3ctl, because a login makes none.
 * Where a file system is not mounted, a login that made one would show an
 * empty mailbox in the place of the full one.
 */
#ifndef CTL_MAILDIRS_H
#define CTL_MAILDIRS_H

#include <stddef.h>

#include "ctl/targets.h"

/* Those that are missing; all zero at first. */
struct maildirs {
	struct missing *missing;
	size_t n, room;
};

/* Is there no Maildir of the account that a login could open? */
int maildirs_is_missing(const struct account *account);

/* Notes that the account's Maildir is to be made, unless it is there. */
void maildirs_note(struct maildirs *maildirs, const struct account *account);

/*
 * Makes them, each as its owner, who has to have the right to make what is
 * missing of the path; where it fails a warning on standard error tells why,
 * and the accounts are none the worse.  Forgets them all.  Returns CTL_GOOD,
 * or CTL_FAILED if one was not made.
 */
int maildirs_make(struct maildirs *maildirs);

#endif
