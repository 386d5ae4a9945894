/*
 * The lock of a mailbox, and the mark in it.
 *
 * <Maildir>/pop3d/lock is held by fcntl(2), exclusively, for as long as a
 * mailbox is open: exactly one process uses its index, on NFS too.
 *
 * While nobody holds it, its text may be a mark: "index.db was closed
 * cleanly, and here is its meta record".  Then a login need not open the
 * database at all.  The mark is believed only if it is whole (its SHA-256
 * tells), was made by this host in this boot (after a crash of the machine
 * the file behind it may be older), and index.db is the very file it was
 * made for: same inode, size and time of change, which nobody can set.
 * Whoever is going to change the index takes the mark away first.
 */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H

#include "store/index.h"

struct lock {
	int fd; /* -1: not held */
	char index[PATH_MAX]; /* index.db */
};

/*
 * Reads what tells this boot from any other.  Before the sandbox is
 * entered; without it no mark is believed or made.
 */
void lock_learn_boot(void);

/*
 * Takes the lock in the index's directory, waiting for at most wait_ms.
 * EAGAIN: somebody else has it.
 */
int lock_take(struct lock *lock, const char *dir, int wait_ms);
void lock_release(struct lock *lock);

/* The mark: 1 and meta when it is to be believed, 0 when there is none. */
int lock_read_mark(const struct lock *lock, struct meta *meta);
int lock_write_mark(const struct lock *lock, const struct meta *meta);
int lock_clear_mark(const struct lock *lock);

/*
 * In place of a mark: reading the index failed, the next one to open it is
 * to read all of it first.
 */
int lock_write_suspicion(const struct lock *lock);
int lock_is_suspicious(const struct lock *lock);

#endif
