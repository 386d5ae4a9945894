/*
 * What pop3d -n says: a line for each thing that is wrong, on standard error.
 */
#ifndef CONFIGTEST_TELL_H
#define CONFIGTEST_TELL_H

/* FILE:LINE: what is wrong; the mend.  Returns -1. */
int tell_wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same for what may be meant so: it begins with where, "FILE:LINE". */
void tell_warning(const char *where, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* How many things were wrong so far. */
int tell_count(void);

#endif
