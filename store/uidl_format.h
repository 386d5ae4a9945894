/*
 * Dovecot's pop3_uidl_format: how it makes a unique-id from what it knows of
 * a message.  Pure computation: any process.
 *
 *	%[[-]OFFSET.][0][-]WIDTH[MODIFIERS]VARIABLE
 * as in Dovecot to 2.3, and %{VARIABLE | hex(8) | lower} as from 2.4 on.
 * Variables: u v f g, or uid uidvalidity filename guid.  Modifiers: L U X R
 * T.  (%m, the MD5 of the headers, is made for mboxes only.)
 */
#ifndef STORE_UIDL_FORMAT_H
#define STORE_UIDL_FORMAT_H

#include <stddef.h>

#define UIDL_FORMAT_DEFAULT "%08Xu%08Xv"
#define UIDL_FORMAT_OCTETS  1024 /* longest that is made; larger than ids */

struct uidl_values {
	const char *uid, *uidvalidity, *filename, *guid;
};

/* NULL, or what is wrong with a format. */
const char *uidl_format_fault(const char *format);

/*
 * Makes the unique-id, by a format without a fault.  What is too long for
 * the buffer is cut, and is too long for an id in any case.
 */
void uidl_format(const char *format, const struct uidl_values *values,
    char uidl[UIDL_FORMAT_OCTETS]);

#endif
