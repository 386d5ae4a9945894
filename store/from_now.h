/*
 * "From now on": what was delivered before the setting was made stays out
 * of the maildrop.
 */
#ifndef STORE_FROM_NOW_H
#define STORE_FROM_NOW_H

#include "store/ledger.h"

/*
 * The setting was changed: what is in the maildrop, and what was kept out
 * of it, is looked at again.  from_now in ns since the epoch; 0: all mail
 * is in.  Errors as in ledger.h.
 */
int from_now_apply(struct ledger *l, enum folder folder, int64_t from_now);

#endif
