/*
 * What a hash costs whoever is refused by it.
 */
#ifndef CTL_HASH_COST_H
#define CTL_HASH_COST_H

/*
 * Can the system check a password against a hash of this method and cost, and
 * in half the time after which a refusal is answered?  Else the answers for
 * this account came later than others', and would tell that it exists (I9).
 * It is tried, in a process that is ended when the time is over; once for all
 * hashes of one method and cost that follow each other.  Returns NULL, or
 * what is wrong: half a sentence behind "the hash".
 */
const char *hash_cost_fault(const char *hash);

#endif
