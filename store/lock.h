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
#include <sys/types.h>

#define LOCK_TOKEN 64 /* octets at most */

struct lock {
	int fd; /* -1: not held */
	int read_only; /* shared, on a file system that takes no changes */
	char path[PATH_MAX];
	char token[LOCK_TOKEN + 1]; /* what we wrote to it; "": nothing */
};

/*
 * Takes the lock in the index's directory, waiting for at most wait_ms.
 * EAGAIN: somebody else has it.  May be called again after that.  Where
 * nothing can be written, the lock is shared with others who only read.
 */
int lock_take(struct lock *lock, const char *dir, int wait_ms);
void lock_release(struct lock *lock);

/*
 * The same, without waiting, for who keeps others out and does nothing in
 * the mailbox: lock_look() does not tell of him.
 */
int lock_keep_out(struct lock *lock, const char *dir);

/*
 * The same, but queued for it: it is ours at the moment when it is released,
 * before others who try now and then.  EINTR: a signal came first; the caller
 * has seen to it that one does.
 */
int lock_queue(struct lock *lock, const char *dir);

/*
 * Looks who works under the lock, and takes nothing: *pid is the holder's, 0
 * where there is none, LOCK_ELSEWHERE for one on another host, or among other
 * processes than ours (in a container).  Several who only read share it: then
 * it is one of them.  Never in a process that has the lock itself, which
 * would lose it.  0, or an errno value.
 */
#define LOCK_ELSEWHERE ((pid_t)-1)
int lock_look(const char *dir, pid_t *pid);

/*
 * 0 while the path leads to the file that is locked; ESTALE afterwards, or
 * LOCK_LOST.
 */
int lock_check(const struct lock *lock);

/*
 * Proves, where a server may have given our lock to somebody else, that it
 * is still ours, and was all the time: it is asked for again, and the file
 * has what we wrote to it the last time, which is written once more, and
 * synced.  The first time whatever was in the file goes.  LOCK_LOST, or
 * another error: nothing may be written any more.
 */
int lock_prove(struct lock *lock);

#endif
