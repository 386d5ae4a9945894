/*
 * Memory that children do not have: what a process knows of its children is
 * nothing for them to see, whoever takes them over.
 */
#ifndef COMMON_UNSHARED_H
#define COMMON_UNSHARED_H

#include <stddef.h>

/*
 * So many octets, all zero, of which only those that are written to take
 * memory.  In a child of fork(2) they are not there: it must not look.
 * Returns NULL with errno set.
 */
void *unshared_new(size_t size);

#endif
