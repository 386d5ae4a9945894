/*
 * The mailbox's journal is told what was done on the page, so that its user
 * can see it there.  In the owner's process.
 *
 * Nothing depends on it: what cannot be written is told in the log, and a
 * mailbox that is not there yet has no journal.
 */
#ifndef SETTINGS_TELL_H
#define SETTINGS_TELL_H

#include "common/conf.h"
#include "settings/task.h"
#include "store/mailbox.h"

/*
 * Locks the process in as a store and tells what auth says.  The journal is
 * made where it is missing, and turned over, unless a session has the mailbox.
 */
void tell_told(const struct conf *conf, const struct told *told);

/* In the mailbox, which is open, under its lock: n are back. */
void tell_requeued(struct mailbox *mb, const struct visit *v, uint64_t n);

#endif
