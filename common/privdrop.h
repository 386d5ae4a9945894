/*
 * Leaving root for good.
 */
#ifndef COMMON_PRIVDROP_H
#define COMMON_PRIVDROP_H

#include <sys/types.h>

/*
 * Where session and auth are locked in: a directory that is root's, empty
 * and writable for nobody.  Made when it is missing.
 */
#ifndef EMPTY_DIR
#define EMPTY_DIR "/var/empty"
#endif

/* Is there such a directory, or could it be made?  1 or 0. */
int privdrop_empty_dir(const char *path);

/*
 * Root only: locks the process in root (unless that is NULL), takes the
 * given uid and gid and no other group, and proves that there is no way
 * back.  Returns 0, or -1 after a line in the log: the caller must end.
 * uid and gid 0 are refused.
 */
int privdrop(uid_t uid, gid_t gid, const char *root);

#endif
