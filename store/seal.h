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
 * All act on the descriptor of the lock that is held (lock.h).
 */
#ifndef STORE_SEAL_H
#define STORE_SEAL_H

#include <stddef.h>

#include "store/entry.h"

#define SEAL_OCTETS 1024 /* no seal is longer */

/* A seal's text, kept by who breaks it; len 0: there is none. */
struct seal {
	size_t len;
	char text[SEAL_OCTETS];
};

enum seal_state {
	SEAL_NONE,  /* the index has to be recovered; version 1's counts so */
	SEAL_GOOD,
	SEAL_SUSPECT, /* somebody failed to read the index: read all of it */
	SEAL_NEWER    /* written by a newer version: hands off */
};

/*
 * Reads what tells this boot from any other.  Before the sandbox is
 * entered; without it no seal is believed or made.
 */
void seal_learn_boot(void);

/* index is the path of index.db.  Fills t if the seal is good. */
enum seal_state seal_read(int fd, const char *index, struct totals *t);

/*
 * Seals for index.db as it is now.  0, or an errno value; where the boot is
 * not known there is no seal, which is no error.
 */
int seal_write(int fd, const char *index, const struct totals *t);

/*
 * It loses its last octet and keeps its room on the disk, which may be full
 * when it is to be put back.
 */
int seal_break(int fd);

/*
 * Keeps the text of a good seal; and puts it back, when nothing was committed
 * after all.  It is believed again if index.db has not been written to.
 */
void seal_keep(int fd, struct seal *kept);
int seal_put_back(int fd, const struct seal *kept);

/* In place of a seal: reading failed, the next one reads all of it first. */
int seal_write_suspicion(int fd);

/*
 * How many names each folder had by the seal in the lock file of dir, to be
 * believed by nobody: it only tells whether a watch is worth its price.
 * Before the lock is taken.  0 where there is no seal.
 */
void seal_peek(const char *dir, uint64_t names[FOLDERS]);

#endif
