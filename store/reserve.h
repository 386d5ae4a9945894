/*
 * Room that is kept for the day on which the disk is full: then deleting is
 * needed most, and takes some.
 */
#ifndef STORE_RESERVE_H
#define STORE_RESERVE_H

#include <stddef.h>

/*
 * Makes the reserve in the index's directory where it is missing.  What
 * fails is no error: there is no room, and the next one tries again.
 */
void reserve_make(const char *dir, size_t octets);

/*
 * Is there room for so many octets now?  ENOSPC, EDQUOT, or 0, which is also
 * the answer where it cannot be told.
 */
int reserve_room(const char *dir, size_t octets);

/* Gives it up.  0, or an errno value (ENOENT: there was none). */
int reserve_give_up(const char *dir);

#endif
