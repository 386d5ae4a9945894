/*
 * UTF-8 (RFC 3629).  Pure computation.
 */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stddef.h>

/* The octets of the character at p, which ends with a NUL; 0: it is none. */
size_t utf8_octets(const unsigned char *p);

#endif
