/*
 * Times and sizes, as people read them.  Pure computation.
 */
#ifndef WEB_WHEN_H
#define WEB_WHEN_H

#include <stdint.h>

#define WHEN_SIZE 40

/* Seconds since the epoch: "2026-11-28 23:41 UTC".  Returns text. */
char *when_text(char text[WHEN_SIZE], int64_t seconds);

/* The day alone. */
char *when_day(char text[WHEN_SIZE], int64_t seconds);

/* Octets: "17 kB".  Returns text. */
char *when_octets(char text[WHEN_SIZE], uint64_t octets);

#endif
