/*
 * Addresses and owners as the administrator writes them.
 *
 * All return 0, or -1 with a sentence in err.
 */
#ifndef CTL_ADDRESS_H
#define CTL_ADDRESS_H

#include <stddef.h>

#include "auth/accounts.h"
#include "common/conf.h"

/*
 * LOCAL@DOMAIN, in lower case.  What could be anything but a name in a path
 * or a field in a file is refused.
 */
int address_parse(
    const char *text, char address[ADDRESS_MAX + 1], char *err, size_t errsize);

/* A user's name, or UID:GID in numbers; never root. */
int owner_parse(
    const char *text, uid_t *uid, gid_t *gid, char *err, size_t errsize);

/* The same the other way round. */
void owner_name(uid_t uid, gid_t gid, char *text, size_t size);

/*
 * A new account for address, with defaults for all that the configuration
 * does not say: its owner first, then the maildir by the template.
 */
int account_init(struct account *account, const char *address,
    const struct conf *conf, char *err, size_t errsize);

/* The maildir that the configuration's template gives the account. */
int account_maildir(struct account *account, const struct conf *conf, char *err,
    size_t errsize);

#endif
