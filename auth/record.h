/*
 * An account, or an alias of one, as the database keeps it: versioned, every
 * length checked.
 *
 * The address is the key, not a part of the record.  Numbers are big-endian,
 * strings and digests as record.c lists them.  Version 2 is written; version
 * 1 is read as what it meant (may send, retained mail kept for ever, every
 * application password good for everything), and becomes version 2 when it
 * is written again.  Pure computation.
 */
#ifndef AUTH_RECORD_H
#define AUTH_RECORD_H

#include <stddef.h>

#include "auth/account.h"

#define RECORD_MAX 16384 /* octets; more than any account needs */

enum record_result {
	RECORD_GOOD,
	RECORD_NEWER,  /* a version or a flag that is not known here */
	RECORD_DAMAGED /* too short, too long, or values that cannot be */
};

/* Returns how many octets of record, of RECORD_MAX, were filled. */
size_t record_encode(const struct account *account, unsigned char *record);

/* Fills all of account but its address, which becomes empty. */
enum record_result record_decode(
    struct account *account, const unsigned char *record, size_t len);

#endif
