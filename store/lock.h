/*
 * Who has the mailbox: <Maildir>/pop3d/lock, held by fcntl(2), exclusively,
 * for as long as the mailbox is open; on NFS too.
 *
 * The file is opened once in a process, for closing any descriptor of it
 * would give the lock away.  The lock belongs to the file that the path
 * still leads to (I11): a file that was removed or replaced locks nobody
 * out.
 */
#ifndef STORE_LOCK_H
#define STORE_LOCK_H

#include <limits.h>

struct lock {
	int fd; /* -1: not held */
	int read_only; /* shared, on a file system that takes no changes */
	char path[PATH_MAX];
};

/*
 * Takes the lock in the index's directory, waiting for at most wait_ms.
 * EAGAIN: somebody else has it.  May be called again after that.  Where
 * nothing can be written, the lock is shared with others who only read.
 */
int lock_take(struct lock *lock, const char *dir, int wait_ms);
void lock_release(struct lock *lock);

/* 0 while the path leads to the file that is locked; ESTALE afterwards. */
int lock_check(const struct lock *lock);

/*
 * Proves, where a server may have given our lock to somebody else, that it
 * is still ours: the (empty) file is written to and synced.  0, or an errno
 * value, after which nothing may be committed.
 */
int lock_prove(const struct lock *lock);

#endif
