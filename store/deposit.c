#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/directory.h"
#include "store/deposit.h"
#include "store/dir.h"
#include "store/quota.h"

#define PREFIX	 "pop3d."
#define NUMBERED 32 /* octets of a name in tmp/ */
#define FEW	 32 /* files that are sooner synced one by one than all */

static void
tmp_name(char name[NUMBERED], size_t number)
{
	snprintf(name, NUMBERED, PREFIX "%zu", number);
}

/* What an interrupted run has left. */
static int
remove_leftovers(int tmp)
{
	struct dirent *d;
	DIR *dir;
	int fd;

	if ((fd = openat(tmp, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return errno;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return ENOMEM;
	}
	while ((d = readdir(dir)) != NULL)
		if (strncmp(d->d_name, PREFIX, strlen(PREFIX)) == 0)
			(void)unlinkat(tmp, d->d_name, 0);
	closedir(dir);
	return 0;
}

int
deposit_open(
    struct deposit *d, const char *path, const struct maildir *maildir)
{
	char tmp[PATH_MAX];

	memset(d, 0, offsetof(struct deposit, buf));
	d->path = path;
	d->maildir = maildir;
	d->fd = d->tmp = -1;
	if ((size_t)snprintf(tmp, sizeof(tmp), "%s/tmp", path) >= sizeof(tmp))
		return ENAMETOOLONG;
	if (directory_make(tmp, 0700, 0700) == -1 ||
	    (d->tmp = open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return errno;
	return remove_leftovers(d->tmp);
}

void
deposit_close(struct deposit *d)
{
	char name[NUMBERED];
	size_t i;

	if (d->tmp == -1)
		return;
	/* The one in hand, too. */
	for (i = d->placed; i <= d->names.n; i++) {
		tmp_name(name, i);
		(void)unlinkat(d->tmp, name, 0);
	}
	if (d->fd != -1)
		close(d->fd);
	close(d->tmp);
	listing_free(&d->names);
	d->fd = d->tmp = -1;
}

/* Not before there is something to write: what is discarded costs nothing. */
static int
open_file(struct deposit *d)
{
	char name[NUMBERED];

	tmp_name(name, d->names.n);
	d->fd = openat(d->tmp, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return d->fd == -1 ? errno : 0;
}

static int
flush(struct deposit *d)
{
	size_t done = 0;
	ssize_t n;
	int error;

	if (d->fd == -1 && (error = open_file(d)) != 0)
		return error;
	while (done < d->used) {
		n = write(d->fd, d->buf + done, d->used - done);
		if (n == -1 && errno != EINTR)
			return errno;
		done += n > 0 ? (size_t)n : 0;
	}
	d->used = 0;
	return 0;
}

int
deposit_write(struct deposit *d, const char *data, size_t len)
{
	size_t n;
	int error;

	for (d->octets += len; len > 0; len -= n, data += n) {
		n = sizeof(d->buf) - d->used;
		if (n > len)
			n = len;
		memcpy(d->buf + d->used, data, n);
		d->used += n;
		if (d->used == sizeof(d->buf) && (error = flush(d)) != 0)
			return error;
	}
	return 0;
}

static int
sync_file(struct deposit *d)
{
#ifdef __linux__
	if (d->names.n >= FEW) {
		d->unsynced++;
		return 0; /* deposit_sync() */
	}
#endif
	return fsync(d->fd) == -1 ? errno : 0;
}

static int
finish_file(struct deposit *d, int64_t date)
{
	const struct timespec t[2] = { { (time_t)date, 0 },
		{ (time_t)date, 0 } };
	int error;

	if ((error = flush(d)) != 0)
		return error;
	if (date > 0 && futimens(d->fd, t) == -1)
		return errno;
	if ((error = sync_file(d)) != 0)
		return error;
	error = close(d->fd) == -1 ? errno : 0;
	d->fd = -1;
	return error;
}

int
deposit_keep(
    struct deposit *d, const char *name, enum subdir sub, int64_t date)
{
	int error;

	if ((error = finish_file(d, date)) != 0 ||
	    (error = listing_add(&d->names, name, sub)) != 0)
		return error;
	d->total += d->octets;
	d->octets = 0;
	return 0;
}

int
deposit_discard(struct deposit *d)
{
	char name[NUMBERED];

	d->used = 0;
	d->octets = 0;
	if (d->fd == -1)
		return 0;
	close(d->fd);
	d->fd = -1;
	tmp_name(name, d->names.n);
	return unlinkat(d->tmp, name, 0) == -1 ? errno : 0;
}

int
deposit_sync(struct deposit *d)
{
#ifdef __linux__
	/* Much faster than one after the other, each with its own commit. */
	if (d->unsynced > 0 && syncfs(d->tmp) == -1)
		return errno;
#endif
	d->unsynced = 0;
	return 0;
}

static int
place_all(struct deposit *d)
{
	const char *name = d->names.names;
	char tmp[NUMBERED];
	int error, to;

	for (d->placed = 0; d->placed < d->names.n; d->placed++) {
		tmp_name(tmp, d->placed);
		to = d->maildir->dir[d->names.entry[d->placed].sub];
		if ((error = maildir_place(d->tmp, tmp, to, name)) != 0)
			return error;
		name += strlen(name) + 1;
	}
	return 0;
}

int
deposit_place(struct deposit *d)
{
	int error, rv;

	if (d->names.n == 0)
		return 0;
	error = place_all(d);
	/* Those that were placed before an error are to last as well. */
	rv = dir_sync(d->maildir->dir[NEW]);
	if (rv == 0)
		rv = dir_sync(d->maildir->dir[CUR]);
	if (error == 0)
		error = rv;
	/* Whoever counts anew does so without us. */
	if (error == 0)
		(void)quota_add(d->path, d->names.n, d->total);
	return error;
}
