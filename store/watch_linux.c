/*
 * Linux: inotify(7).  Events are counted, not compared: every change of a
 * directory's names makes one (a rename within it two), so there were others
 * if and only if more events came than our own changes make.
 *
 * That it is enough to look once, at the end, rests on the order in which
 * the kernel does things.  Whoever makes, removes, links or renames a name
 * holds the directory's lock (inode->i_rwsem) from before the directory gets
 * its new time until after the event has been put into our queue (fs/namei.c
 * calls fsnotify_create(), fsnotify_delete() and fsnotify_move() before its
 * callers unlock), and futimens(2) takes the same lock (vfs_utimes()).  So
 * once maildir_stamp() has set the directory's time, there are two kinds of
 * changes: those that had it before, which are in the queue by now and are
 * counted by watch_end(); and those that get it afterwards, which give the
 * directory another time.  None is hidden.
 *
 * Two equal events in a row (same name, same kind) become one in the queue.
 * Ours are never the second of such a pair, for maildir_move() replaces no
 * name.  If others move a file onto a name that we have just made, no name
 * comes or goes by that, and reading the directory would show nothing either.
 */
#include <sys/inotify.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "store/watch.h"

#define NAMES (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)

/* How many events of ours may wait: the queue has room for 16,384. */
#define OURS_MAX 1000

/*
 * A queue that is full is read in fewer reads than this, even if all names
 * are of the longest; whoever makes more meanwhile is somebody else.
 */
#define READS_MAX 1024

static const struct watch none = WATCH_NONE;

int
watch_is_local(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) == -1)
		return 0;
	switch ((unsigned long)fs.f_type) {
	case EXT4_SUPER_MAGIC: /* and that of ext2 and ext3 */
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case TMPFS_MAGIC:
		return 1;
	default:
		return 0;
	}
}

/*
 * By the descriptor's own name in /proc, which leads to that very directory,
 * whatever its path leads to by now (I11).
 */
void
watch_open(struct watch *w, int fd)
{
	char path[64];

	*w = none;
	if (!watch_is_local(fd))
		return;
	if ((w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) == -1)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (inotify_add_watch(w->fd, path,
		NAMES | IN_MOVE_SELF | IN_ONLYDIR) == -1)
		watch_close(w);
}

void
watch_close(struct watch *w)
{
	if (w->fd != -1)
		close(w->fd);
	*w = none;
}

/*
 * Takes the events in buf off ours.  0 when the directory itself was moved,
 * or its file system unmounted: it is then no more what its path leads to.
 */
static int
count_events(struct watch *w, const char *buf, size_t len)
{
	const struct inotify_event *e;
	size_t at;

	for (at = 0; at < len; at += sizeof(*e) + e->len) {
		e = (const struct inotify_event *)(const void *)(buf + at);
		if ((e->mask & NAMES) != 0)
			w->ours--;
		else if ((e->mask & IN_Q_OVERFLOW) != 0)
			w->others = 1; /* some were lost */
		else
			return 0;
	}
	return 1;
}

/* Reads the queue to its end.  0 where that is not to be reached. */
static int
empty_queue(struct watch *w)
{
	union {
		struct inotify_event aligned;
		char octets[16384];
	} buf;
	ssize_t n;
	int i;

	for (i = 0; i < READS_MAX; i++) {
		n = read(w->fd, buf.octets, sizeof(buf.octets));
		if (n == -1 && errno == EAGAIN)
			return 1;
		if (n <= 0)
			break;
		if (!count_events(w, buf.octets, (size_t)n)) {
			watch_close(w);
			break;
		}
	}
	return 0;
}

/* What is in the queue now must be ours, and all of it. */
static void
compare(struct watch *w)
{
	if (!empty_queue(w) || w->ours != 0)
		w->others = 1;
}

void
watch_begin(struct watch *w)
{
	if (w->fd == -1)
		return;
	w->others = !empty_queue(w); /* whatever it has lost so far */
	w->ours = 0;
}

void
watch_changed(struct watch *w, int events)
{
	if (w->others)
		return; /* it is too late to tell */
	w->ours += events;
	if (w->ours >= OURS_MAX)
		compare(w);
}

int
watch_end(struct watch *w)
{
	if (!w->others)
		compare(w);
	return !w->others;
}
