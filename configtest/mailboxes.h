/*
 * Whether accounts can use their mailboxes: each is tried as its owner.
 */
#ifndef CONFIGTEST_MAILBOXES_H
#define CONFIGTEST_MAILBOXES_H

#include "auth/account.h"
#include "common/conf.h"

/*
 * A line for a mailbox that cannot be used, or its index or its junk folder
 * where spam is shown; where is FILE:LINE of the accounts.  Root becomes the
 * owner for that, in a process of its own.
 */
void mailboxes_try(const struct conf *conf, const char *where,
    const struct account *account);

#endif
