/*
 * What somebody who is signed in wants: who does it, and what is looked at
 * before.  In auth.
 */
#ifndef SETTINGS_ERRAND_H
#define SETTINGS_ERRAND_H

#include "settings/court.h"

/* Ends with a ruling. */
void errand_run(struct court *c) __attribute__((noreturn));

#endif
