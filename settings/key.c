#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "settings/key.h"

/*
 * Makes a new one.  Two that do so at once: the first link counts, and the
 * other finds it there.
 */
static int
make(const char *path)
{
	unsigned char key[COOKIE_KEY];
	char new[PATH_MAX];
	int fd, rv = -1;

	if ((size_t)snprintf(new, sizeof(new), "%s.XXXXXXXX", path) >=
	    sizeof(new)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((fd = mkstemp(new)) == -1)
		return -1;
	arc4random_buf(key, sizeof(key));
	errno = ENOSPC;
	if (write(fd, key, sizeof(key)) == (ssize_t)sizeof(key) &&
	    fsync(fd) == 0 && (link(new, path) == 0 || errno == EEXIST))
		rv = 0;
	explicit_bzero(key, sizeof(key));
	(void)unlink(new);
	close(fd);
	return rv;
}

static int
no_file(const char *path, char *err, size_t errsize)
{
	return error_set(err, errsize, "%s: the key of cookies is no file; "
	    "remove what is there: a new one is made", path);
}

static int
load(int fd, const char *path, unsigned char key[COOKIE_KEY], char *err,
    size_t errsize)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return error_set(err, errsize, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return no_file(path, err, errsize);
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		return error_set(err, errsize, "%s: others can read the key of "
		    "cookies; chown root, chmod 600, or remove it: a new one "
		    "is made", path);
	if (read(fd, key, COOKIE_KEY) == COOKIE_KEY)
		return 0;
	return error_set(err, errsize, "%s: there are not %d octets in it; "
	    "remove it: a new one is made", path, COOKIE_KEY);
}

int
key_load(const char *path, unsigned char key[COOKIE_KEY], char *err,
    size_t errsize)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	int fd = open(path, flags), rv;

	if (fd == -1 && errno == ENOENT && make(path) == 0)
		fd = open(path, flags);
	if (fd == -1 && errno == ELOOP) /* a symbolic link */
		return no_file(path, err, errsize);
	if (fd == -1)
		return error_set(err, errsize, "%s: %s", path, strerror(errno));
	rv = load(fd, path, key, err, errsize);
	close(fd);
	return rv;
}
