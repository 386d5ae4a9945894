/*
 * Whether anybody else changes a directory while we do.  The directory's
 * time cannot tell: it is as coarse as the kernel's tick, and our changes
 * set it, too.
 *
 * watch_linux.c (inotify(7)), or watch_openbsd.c, which cannot tell: then
 * the directory is read again by the next login.
 */
#ifndef STORE_WATCH_H
#define STORE_WATCH_H

struct watch {
	int fd;	 /* -1: nothing is watched */
	int ours; /* changes of our own, not yet seen come by */
	int others; /* somebody else changed it, or that cannot be told */
};

#define WATCH_NONE { -1, 0, 1 }

/*
 * Watches the directory in fd if its file system can vouch for it (ext4,
 * xfs, btrfs, tmpfs).  Before the sandbox is entered.  Where there can be
 * no watch, w says so without an error.
 */
void watch_open(struct watch *w, int fd);

/* Can the file system's own times be relied on (those of a local disk)? */
int watch_is_local(int fd);

/* Before changes of our own: forgets what has happened so far. */
void watch_begin(struct watch *w);

/* A change of our own: events it makes (a rename within: 2, others: 1). */
void watch_changed(struct watch *w, int events);

/* After them: 1 if nobody but us changed the directory since the begin. */
int watch_end(struct watch *w);

void watch_close(struct watch *w);

#endif
