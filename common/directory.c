#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "common/directory.h"

/*
 * From the end of the path upwards, no further than needed: OpenBSD's
 * unveil(2) answers ENOENT, not EEXIST, for a parent that exists but lies
 * outside of what may be seen.
 */
int
directory_make(const char *path, mode_t parents, mode_t mode)
{
	char parent[PATH_MAX];
	char *slash;

	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT)
		return -1;
	if (strlcpy(parent, path, sizeof(parent)) >= sizeof(parent)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((slash = strrchr(parent, '/')) == NULL || slash == parent)
		return -1; /* errno is still ENOENT */
	*slash = '\0';
	if (directory_make(parent, parents, parents) == -1)
		return -1;
	return mkdir(path, mode) == 0 || errno == EEXIST ? 0 : -1;
}
