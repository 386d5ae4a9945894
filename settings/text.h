/*
 * Text that others wrote, as it can be shown.  Pure computation.
 */
#ifndef SETTINGS_TEXT_H
#define SETTINGS_TEXT_H

#include <stddef.h>
#include <stdint.h>

/*
 * Copies what is UTF-8 of src and no control character; anything else becomes
 * a question mark, blanks that follow each other one, and what does not fit is
 * cut between two characters.
 */
void text_clean(char *dst, size_t size, const char *src);

/*
 * Sender and subject from the beginning of a message, decoded (RFC 2047, of
 * UTF-8, US-ASCII and ISO 8859-1), as text_clean() has them; empty where there
 * is none.
 */
void text_headers(const char *octets, size_t len, char *from, char *subject,
    size_t size);

/* A time of RFC 3339 in UTC, as clock_text() writes it; 0: it is none. */
int64_t text_time(const char *text);

#endif
