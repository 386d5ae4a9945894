#include <sys/stat.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/reserve.h"

#define CHUNK 16384

static int
reserve_path(const char *dir, char path[PATH_MAX])
{
	return (size_t)snprintf(path, PATH_MAX, "%s/reserve", dir) <
	    PATH_MAX ? 0 : ENAMETOOLONG;
}

/* Random, since zeroes take no room on file systems that compress. */
static int
fill(int fd, size_t octets)
{
	unsigned char buf[CHUNK];
	size_t len;

	for (; octets > 0; octets -= len) {
		len = octets < sizeof(buf) ? octets : sizeof(buf);
		arc4random_buf(buf, len);
		if (write(fd, buf, len) != (ssize_t)len)
			return -1;
	}
	return 0;
}

void
reserve_make(const char *dir, size_t octets)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	if (reserve_path(dir, path) != 0 ||
	    (lstat(path, &st) == 0 && (size_t)st.st_size >= octets))
		return;
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return;
	if (fill(fd, octets) == -1)
		(void)unlink(path);
	close(fd);
}

#ifdef O_TMPFILE
/* A file without a name tells, whatever limits there are. */
int
reserve_room(const char *dir, size_t octets)
{
	int error, fd;

	fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (fd == -1)
		return 0;
	error = fallocate(fd, 0, 0, (off_t)octets) == -1 ? errno : 0;
	close(fd);
	return error == ENOSPC || error == EDQUOT ? error : 0;
}
#else
int
reserve_room(const char *dir, size_t octets)
{
	struct statvfs fs;

	if (statvfs(dir, &fs) == -1)
		return 0;
	return octets / fs.f_frsize >= fs.f_bavail ? ENOSPC : 0;
}
#endif

int
reserve_give_up(const char *dir)
{
	char path[PATH_MAX];
	int error;

	if ((error = reserve_path(dir, path)) != 0)
		return error;
	return unlink(path) == -1 ? errno : 0;
}
