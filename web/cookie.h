/*
 * The cookie: what pop3settings has sealed, which means nothing here.  Pure
 * computation.
 */
#ifndef WEB_COOKIE_H
#define WEB_COOKIE_H

#include <stddef.h>

/*
 * A browser takes a cookie of this name only over TLS, from this very host,
 * and for all of its paths (RFC 6265bis, 4.1.3.2).
 */
#define COOKIE_NAME "__Host-pop3"

/*
 * Finds our cookie in the header line Cookie and copies its value.  Where
 * there is none, or none that could be ours, or more than one, that is "".
 */
void cookie_read(const char *line, char *value, size_t size);

/* Letters, digits, - and _ alone, and not empty? */
int cookie_is_good(const char *value);

#endif
