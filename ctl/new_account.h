/*
 * What a new account is, before anything is said of it.
 *
 * Both return 0, or -1 with a sentence in err.
 */
#ifndef CTL_NEW_ACCOUNT_H
#define CTL_NEW_ACCOUNT_H

#include <stddef.h>

#include "auth/account.h"
#include "common/conf.h"

/*
 * A new account for address, with defaults for all that the configuration
 * does not say: its owner first, then the maildir by the template.
 */
int account_init(struct account *account, const char *address,
    const struct conf *conf, char *err, size_t errsize);

/*
 * The maildir that the configuration's template gives the account; ~ in it is
 * home, or the owner's where that is NULL.
 */
int account_maildir(struct account *account, const struct conf *conf,
    const char *home, char *err, size_t errsize);

#endif
