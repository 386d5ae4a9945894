/*
 * The time, as whole numbers.  Any process, sandboxed or not.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>

#define CLOCK_NS 1000000000LL /* nanoseconds in a second */

/* Milliseconds since some moment in the past: for deadlines and delays. */
int64_t clock_ms(void);

/* Nanoseconds since the epoch: for what is written down. */
int64_t clock_ns(void);

/*
 * The same by the clock that a local file system stamps its files with,
 * which may be a tick behind: a file that is made after this call is never
 * older than the result.
 */
int64_t clock_file_ns(void);

/* Seconds since the epoch as RFC 3339, UTC; "unknown" if it is no time. */
#define CLOCK_TEXT_SIZE 32
void clock_text(char text[CLOCK_TEXT_SIZE], int64_t seconds);

/*
 * The opposite; or the end of a day, YYYY-MM-DD.  Returns -1 where it is
 * neither, or no such day.
 */
int64_t clock_parse(const char *text);

#endif
