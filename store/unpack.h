/*
 * A message out of an mbox, as a file of a Maildir.
 *
 * As the mailbox's owner, under its lock; errors as in mbox.h.
 */
#ifndef STORE_UNPACK_H
#define STORE_UNPACK_H

#include "store/deposit.h"
#include "store/mbox.h"
#include "store/uidls.h"

#define UNPACK_HASH 24 /* hexadecimal digits */

/*
 * Writes the message that mbox_next() told to d, where it is in hand then.
 * hash says what message it is: of all octets but mail programs' notes.
 */
int unpack_message(struct mbox *m, struct mbox_message *message,
    struct deposit *d, char hash[UNPACK_HASH + 1]);

/*
 * Keeps the message in hand under that base name, among new mail or, with
 * its flags, among what was seen before.
 */
int unpack_keep(const struct mbox_message *message, struct deposit *d,
    const char *base);

/*
 * Adds the unique-id that Dovecot's POP3 server gave this message, in the
 * format that is its default, if it did: before the message is seen, uidls is
 * to be sorted and written.
 */
int unpack_id(struct uidls *uidls, const struct mbox *m,
    const struct mbox_message *message, const char *base);

#endif
