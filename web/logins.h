/*
 * A login, in lists of them.  On standard output.
 */
#ifndef WEB_LOGINS_H
#define WEB_LOGINS_H

#include <stdint.h>

/* A time, as an element of its own. */
void logins_time(int64_t seconds);

/* An item: when, from where, and by which password ("": the account's). */
void logins_item(int64_t seconds, const char *peer, const char *label);

#endif
