#include <sys/stat.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/passage.h"

/* Is this directory in the way of whoever needs these rights to it? */
static int
is_blocked(
    const char *path, int rights, uid_t uid, char text[PASSAGE_SIZE])
{
	struct stat st;

	if (stat(path, &st) == -1)
		return 0;
	if (S_ISDIR(st.st_mode) && access(path, rights) == 0)
		return 0;
	snprintf(text, PASSAGE_SIZE, "uid %lu cannot %s %s, which is %smode "
	    "%04o of uid %lu and gid %lu", (unsigned long)uid,
	    (rights & W_OK) != 0 ? "read and write" : "pass", path,
	    S_ISDIR(st.st_mode) ? "" : "no directory, and ",
	    (unsigned int)st.st_mode & 07777, (unsigned long)st.st_uid,
	    (unsigned long)st.st_gid);
	return 1;
}

/* The directories that lead to it, from the root on. */
static int
is_way_blocked(const char *path, uid_t uid, char text[PASSAGE_SIZE])
{
	char part[PATH_MAX];
	size_t len;

	for (len = 1; len < sizeof(part) && path[len - 1] != '\0'; len++) {
		if (len > 1 && path[len] != '/')
			continue;
		memcpy(part, path, len);
		part[len] = '\0';
		if (is_blocked(part, X_OK, uid, text))
			return 1;
	}
	return 0;
}

int
passage_blocked(const char *maildir, uid_t uid, char text[PASSAGE_SIZE])
{
	static const char *const used[] = { "", "/new", "/cur", "/pop3d" };
	char path[PATH_MAX];
	size_t i;

	if (is_way_blocked(maildir, uid, text))
		return 1;
	for (i = 0; i < sizeof(used) / sizeof(used[0]); i++)
		if ((size_t)snprintf(path, sizeof(path), "%s%s", maildir,
			used[i]) < sizeof(path) &&
		    is_blocked(path, R_OK | W_OK | X_OK, uid, text))
			return 1;
	return 0;
}
