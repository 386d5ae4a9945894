#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "store/dir.h"
#include "store/lock.h"

#define RETRY_MS 20

/* How much of the file is locked: by who works there, and by who keeps out. */
#define WHOLE 0
#define OCTET 1

/* Only a regular file; anything else in its place neither blocks nor locks. */
static int
open_file(struct lock *l)
{
	struct stat st;
	int error = 0;

	l->read_only = 0;
	l->fd = open(l->path, O_RDWR | O_CREAT | NO_WAITING, 0600);
	if (l->fd == -1 && (errno == EROFS || errno == EACCES)) {
		error = errno;
		l->read_only = 1;
		if ((l->fd = open(l->path, O_RDONLY | NO_WAITING)) == -1)
			return error;
		error = 0;
	}
	if (l->fd == -1)
		return errno == EISDIR || errno == ENXIO ? EINVAL : errno;
	if (fstat(l->fd, &st) == -1)
		error = errno;
	else if (!S_ISREG(st.st_mode))
		error = EINVAL;
	if (error != 0)
		lock_release(l);
	return error;
}

/*
 * The file is opened anew for each try: while we wait, whoever removes it
 * makes the next one, and that is then the lock.
 */
static int
try_lock(struct lock *l, int command, off_t len)
{
	struct flock fl = { .l_whence = SEEK_SET, .l_len = len };
	int error;

	if ((error = open_file(l)) != 0)
		return error;
	fl.l_type = l->read_only ? F_RDLCK : F_WRLCK;
	if (fcntl(l->fd, command, &fl) == -1)
		error = errno == EACCES ? EAGAIN : errno;
	else
		error = lock_check(l);
	if (error != 0)
		lock_release(l);
	return error;
}

static int
set_path(struct lock *l, const char *dir)
{
	l->fd = -1;
	return (size_t)snprintf(l->path, sizeof(l->path), "%s/lock", dir) <
	    sizeof(l->path) ? 0 : ENAMETOOLONG;
}

int
lock_take(struct lock *l, const char *dir, int wait_ms)
{
	static const struct timespec pause = { 0, RETRY_MS * 1000000 };
	int64_t deadline = clock_ms() + wait_ms;
	int error;

	if ((error = set_path(l, dir)) != 0)
		return error;
	for (;;) {
		error = try_lock(l, F_SETLK, WHOLE);
		if (error != EAGAIN && error != ESTALE)
			return error;
		if (clock_ms() >= deadline)
			return error;
		nanosleep(&pause, NULL);
	}
}

int
lock_keep_out(struct lock *l, const char *dir)
{
	int error = set_path(l, dir);

	return error != 0 ? error : try_lock(l, F_SETLK, OCTET);
}

int
lock_queue(struct lock *l, const char *dir)
{
	int error = set_path(l, dir);

	return error != 0 ? error : try_lock(l, F_SETLKW, OCTET);
}

static pid_t
holder_of(int fd, int *error)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	*error = fcntl(fd, F_GETLK, &fl) == -1 ? errno : 0;
	if (*error != 0 || fl.l_type == F_UNLCK || fl.l_len == OCTET)
		return 0;
	return fl.l_pid > 0 ? fl.l_pid : LOCK_ELSEWHERE;
}

int
lock_look(const char *dir, pid_t *pid)
{
	char path[PATH_MAX];
	int fd, error;

	*pid = 0;
	if ((size_t)snprintf(path, sizeof(path), "%s/lock", dir) >=
	    sizeof(path))
		return ENAMETOOLONG;
	if ((fd = open(path, O_RDONLY | NO_WAITING)) == -1)
		return errno == ENOENT || errno == ENOTDIR ? 0 : errno;
	*pid = holder_of(fd, &error);
	close(fd);
	return error;
}

void
lock_release(struct lock *l)
{
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
}

int
lock_check(const struct lock *l)
{
	struct stat held, there;

	if (fstat(l->fd, &held) == -1)
		return errno;
	if (lstat(l->path, &there) == -1)
		return errno == ENOENT || errno == ENOTDIR ? ESTALE : errno;
	return held.st_dev == there.st_dev && held.st_ino == there.st_ino ?
	    0 : ESTALE;
}

/*
 * An NFS client does not bother its server with cutting a file that is empty
 * already.  With one octet it does: the write, and the cut that follows, go
 * out under the state of this lock, and fail where server or client lost it.
 */
int
lock_prove(const struct lock *l)
{
	if (ftruncate(l->fd, 0) == -1 || pwrite(l->fd, "\n", 1, 0) == -1 ||
	    fsync(l->fd) == -1 || ftruncate(l->fd, 0) == -1 ||
	    fsync(l->fd) == -1)
		return errno;
	return 0;
}
