/*
 * Addresses and owners as the administrator writes them.
 *
 * Those that have err return 0, or -1 with a sentence in it.
 */
#ifndef CTL_ADDRESS_H
#define CTL_ADDRESS_H

#include <stddef.h>
#include <sys/types.h>

#include "common/policy.h"

/*
 * LOCAL@DOMAIN, in lower case.  What could be anything but a name in a path
 * or a field in a file is refused.
 */
int address_parse(
    const char *text, char address[ADDRESS_MAX + 1], char *err, size_t errsize);

/* Can it be that of a mailbox: absolute, not /, in one line, not too long? */
int maildir_good(const char *path);

/* A user's name, or UID:GID in numbers; never root. */
int owner_parse(
    const char *text, uid_t *uid, gid_t *gid, char *err, size_t errsize);

/* The same the other way round. */
void owner_name(uid_t uid, gid_t gid, char *text, size_t size);

#endif
