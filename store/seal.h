/*
 * The seal of a mailbox: what the index was like when it was closed.
 *
 * It is the text of the file `lock' while nobody has the mailbox open:
 *	seal 2 HOST/BOOT INODE SIZE CTIME TOTALS SHA-256
 * TOTALS is the encoding of entry.h in hexadecimal.  Under a seal a login
 * need not open the database at all.  It is believed only if it is whole
 * (the checksum tells), was made by this host in this boot (after a crash of
 * the machine the file behind it may be older), and index.db is the very
 * file it was made for: same inode, size and time of change, which nobody
 * can set.  Whoever is going to change the index breaks the seal first.
 *
 * All act on the descriptor of the lock that is held (lock.h).  Without
 * boot_learn() (boot.h) no seal is believed or made.
 */
#ifndef STORE_SEAL_H
#define STORE_SEAL_H

#include "store/entry.h"

enum seal_state {
	SEAL_NONE,  /* the index has to be recovered; version 1's counts so */
	SEAL_GOOD,
	SEAL_SUSPECT, /* a session failed to read the index: read all first */
	SEAL_NEWER    /* written by a newer version: hands off */
};

/* index is the path of index.db.  Fills t if the seal is good. */
enum seal_state seal_read(int fd, const char *index, struct totals *t);

/*
 * Seals for index.db as it is now.  0, or an errno value; where the boot is
 * not known there is no seal, which is no error.
 */
int seal_write(int fd, const char *index, const struct totals *t);
int seal_break(int fd);

/*
 * Takes the breaking back, after nothing was changed: ESTALE unless the seal
 * is of these totals and index.db is still the very file that it was made
 * for.
 */
int seal_mend(int fd, const char *index, const struct totals *t);

/* In place of a seal: reading failed, the next one reads all of it first. */
int seal_write_suspicion(int fd);

/*
 * How many names each folder had by the seal in the lock file of dir: a guess,
 * which decides nothing but whether a watch is worth its price.  Before the
 * lock is taken.  0 where there is no seal.
 */
void seal_peek(const char *dir, uint64_t names[FOLDERS]);

#endif
