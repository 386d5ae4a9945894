/*
 * The quota of a Maildir++: its file `maildirsize', where it has one.
 *
 * Delivery agents add a line for what they deliver, and bounce when the sum
 * is over the limit in the first line; whoever unlinks takes it off again.
 */
#ifndef STORE_QUOTA_H
#define STORE_QUOTA_H

#include <stdint.h>

/* Is there such a file? */
int quota_is_kept(const char *maildir);

/* The octets that count for a message: its name's ",S=", or its size. */
uint64_t quota_octets(const char *name, uint64_t size);

/*
 * Takes messages and octets off, or adds them, in one appended line; nothing
 * where there is no such file.  0, or an errno value.
 */
int quota_take_off(const char *maildir, uint64_t messages, uint64_t octets);
int quota_add(const char *maildir, uint64_t messages, uint64_t octets);

#endif
