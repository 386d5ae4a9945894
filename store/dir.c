#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "store/dir.h"

int
dir_path(char path[PATH_MAX], const char *dir, const char *name)
{
	return (size_t)snprintf(path, PATH_MAX, "%s/%s", dir, name) <
	    PATH_MAX ? 0 : ENAMETOOLONG;
}

int
dir_sync(int fd)
{
	return fd == -1 || fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
}

int
dir_sync_path(const char *dir)
{
	int error, fd;

	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return errno;
	error = dir_sync(fd);
	close(fd);
	return error;
}
