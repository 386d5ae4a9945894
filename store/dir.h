/*
 * Directories of the mailbox: paths in them, and making changes in them last.
 *
 * As the mailbox's owner.  0, or an errno value.
 */
#ifndef STORE_DIR_H
#define STORE_DIR_H

#include <fcntl.h>
#include <limits.h>

/*
 * For open(2) of what others may have put there: no link is followed, no FIFO
 * waited for.  What it is has still to be asked.
 */
#define NO_WAITING (O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/* The path of a name in a directory; ENAMETOOLONG where it does not fit. */
int dir_path(char path[PATH_MAX], const char *dir, const char *name);

/*
 * Makes a directory's changes last.  One that is gone (-1) has none, and not
 * all file systems can, and need to (EINVAL).
 */
int dir_sync(int fd);
int dir_sync_path(const char *dir);

#endif
