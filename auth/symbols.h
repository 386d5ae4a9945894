/*
 * Secrets that people read and type: symbols that do not look like each
 * other, five bits each from the system's generator, in groups of four.
 *
 * Pure computation.  Whoever owns a buffer wipes it.
 */
#ifndef AUTH_SYMBOLS_H
#define AUTH_SYMBOLS_H

#include <stddef.h>

#define SYMBOLS_GROUP 4 /* symbols between two hyphens */

/* Octets of n symbols as a text, the NUL counted. */
#define SYMBOLS_SIZE(n) ((n) + ((n) - 1) / SYMBOLS_GROUP + 1)

/* Makes n of them: text has room for SYMBOLS_SIZE(n). */
void symbols_make(char *text, size_t n);

/*
 * What was typed, without blanks and hyphens and in lower case: n symbols and
 * a NUL.  Returns 0, or -1 where it is not n of them.
 */
int symbols_read(const char *typed, char *symbols, size_t n);

#endif
