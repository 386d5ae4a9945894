/*
 * Why a mailbox cannot be reached: for the administrator, who has to find
 * the one directory of several that is not as it should be.
 */
#ifndef STORE_PASSAGE_H
#define STORE_PASSAGE_H

#include <stddef.h>
#include <sys/types.h>

#define PASSAGE_SIZE 1280 /* a path, and a few words */

/*
 * Goes down the path of a Maildir, as this process, which is uid, to its new,
 * cur and pop3d, and tells which part cannot be passed, or not be written to
 * where it must: half a sentence with uid, path and mode.  Returns 1; or 0
 * when nothing of it is in the way, or a part does not exist.  Opens nothing,
 * and so works in the sandbox.
 */
int passage_blocked(
    const char *maildir, uid_t uid, char text[PASSAGE_SIZE]);

#endif
