/*
 * Messages whose files could not be read when they came: a wrong mode, a bad
 * sector.  The index knows them (LEFT_OUT), so that no login has to find
 * them again; the maildrop does not.
 */
#ifndef STORE_LEFT_OUT_H
#define STORE_LEFT_OUT_H

#include "store/ledger.h"

/*
 * Takes those that can be read by now into the maildrop, behind all others.
 * from_now as in sync.h; errors as in ledger.h.
 */
int left_out_take_in(
    struct ledger *l, enum folder folder, int64_t from_now);

#endif
