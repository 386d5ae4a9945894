/*
 * Verifying the index of a mailbox against itself and against the Maildir,
 * and mending what is wrong: pop3ctl check.
 */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include "store/mailbox.h"

/*
 * Checks an open mailbox; calls say() with a sentence for whatever was
 * wrong and is mended now, and counts them in *mended.  It opens every
 * message (to measure it) and reports progress as mailbox_open() does.
 */
enum trouble mailbox_check(struct mailbox *mb,
    void (*say)(void *arg, const char *sentence), void *arg,
    uint64_t *mended);

#endif
