/*
 * Which messages of an mbox a mailbox has: by the base names that they were
 * given, TIME.Ttime-of-the-runNplaceHhash and an ending.  (The first ones had
 * other letters before the hash, and a + behind the ending.)
 *
 * Where uidls has a line for such a name, and no file has that name, the
 * message is to come back under it: so its id stays its own, wherever in the
 * mbox it stands by now.
 *
 * As the mailbox's owner, under its lock; errors as in uidls.h.
 */
#ifndef STORE_COPIES_H
#define STORE_COPIES_H

#include "store/listing.h"
#include "store/uidls.h"
#include "store/unpack.h"

struct copy {
	char hash[UNPACK_HASH + 1];
	int64_t date;
	const char *name; /* under which it is to come back; NULL: it is here */
	size_t met; /* of the first that is the same: how many were asked for */
};

/* Zeroes but for ending and dated.  To be freed. */
struct copies {
	const char *ending;
	int dated; /* of the same hash, but another date, is another message */
	struct uidls uidls; /* the file as it is, where that was asked for */
	struct copy *copy;
	size_t n;
};

/* Learns what is here; with dir (pop3d/), not NULL, what is in uidls, too. */
int copies_learn(
    struct copies *c, const struct maildir *maildir, const char *dir);

/*
 * The next copy of a message; NULL: the mbox has it more often than the
 * mailbox.  None is looked at twice, however often one is there.
 */
const struct copy *copies_next(
    struct copies *c, int64_t date, const char *hash);

/* A base name for one that is new; place keeps those of a second in order. */
void copies_name(const struct copies *c, int64_t date, uint64_t place,
    const char *hash, char base[NAME_OCTETS]);

void copies_free(struct copies *c);

#endif
