/*
 * Errors that are told in a sentence, to the administrator.
 *
 * A function that can fail in many ways takes err, a buffer of errsize
 * octets, and fills it with what is wrong and how to mend it.  It does not
 * know who reads the sentence: its caller prints it, or logs it.
 */
#ifndef COMMON_ERROR_H
#define COMMON_ERROR_H

#include <stddef.h>

/* Writes the sentence, cut where it does not fit.  Returns -1, always. */
int error_set(char *err, size_t errsize, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
