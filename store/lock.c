#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "store/dir.h"
#include "store/index_error.h"
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
	l->token[0] = '\0';
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

	/* A server that has forgotten the file has forgotten the lock. */
	if (fstat(l->fd, &held) == -1)
		return errno == EBADF ? errno : LOCK_LOST;
	if (lstat(l->path, &there) == -1)
		return errno == ENOENT || errno == ENOTDIR ? ESTALE : errno;
	return held.st_dev == there.st_dev && held.st_ino == there.st_ino ?
	    0 : ESTALE;
}

/* Others cannot guess it: a host that had the lock meanwhile has another. */
static void
make_token(struct lock *l)
{
	snprintf(l->token, sizeof(l->token), "open %08x%08x%08x%08x\n",
	    arc4random(), arc4random(), arc4random(), arc4random());
}

/*
 * Is what we wrote still there?  Whoever opens the index for writing on
 * another host writes, and some servers lose locks without a word.
 */
static int
check_token(const struct lock *l)
{
	char text[LOCK_TOKEN + 1];
	ssize_t n = pread(l->fd, text, sizeof(text), 0);

	if (n == -1)
		return LOCK_LOST;
	return (size_t)n == strlen(l->token) &&
	    memcmp(text, l->token, (size_t)n) == 0 ? 0 : LOCK_LOST;
}

/* Goes out to the server under the state of this lock. */
static int
write_token(const struct lock *l)
{
	size_t len = strlen(l->token);
	ssize_t n = pwrite(l->fd, l->token, len, 0);

	if (n != -1 && (size_t)n != len)
		return ENOSPC;
	if (n != -1 && fsync(l->fd) == 0)
		return 0;
	return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? errno :
	    LOCK_LOST;
}

/*
 * In place of what is there, most of which keeps its room on the disk.  One
 * that could not be written is not expected to be found the next time.
 */
static int
begin_token(struct lock *l)
{
	int error;

	make_token(l);
	if ((error = write_token(l)) == 0 &&
	    ftruncate(l->fd, (off_t)strlen(l->token)) == -1)
		error = errno;
	if (error != 0)
		l->token[0] = '\0';
	return error;
}

int
lock_prove(struct lock *l)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int error;

	if (fcntl(l->fd, F_SETLK, &fl) == -1)
		return LOCK_LOST;
	if (l->token[0] == '\0')
		return begin_token(l);
	if ((error = check_token(l)) != 0)
		return error;
	return write_token(l);
}
