/*
 * What can be shown of a text that need not be one.  Pure computation.
 */
#ifndef COMMON_SHOWN_H
#define COMMON_SHOWN_H

#include <stddef.h>

/*
 * How many octets the character at the beginning of s has, which ends with a
 * NUL; or 0 where it is none that can be shown: not UTF-8, a control
 * character, or one that turns the direction of what stands around it, by
 * which a name can be made to look like another.
 */
size_t shown_octets(const char *s);

/* Is there nothing to be seen in it: blanks alone, or nothing at all? */
int shown_is_blank(const char *s);

#endif
