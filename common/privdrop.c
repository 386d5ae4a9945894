#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privdrop.h"

static int
is_empty(const char *path)
{
	struct dirent *d;
	DIR *dir;
	int empty = 1;

	if ((dir = opendir(path)) == NULL)
		return 0;
	while ((d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			empty = 0;
	closedir(dir);
	return empty;
}

int
privdrop_empty_dir(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return errno == ENOENT;
	return S_ISDIR(st.st_mode) && st.st_uid == 0 &&
	    (st.st_mode & 022) == 0 && is_empty(path);
}

static int
lock_in(const char *root)
{
	if (mkdir(root, 0555) == -1 && errno != EEXIST) {
		log_warn("mkdir %s: %s", root, strerror(errno));
		return -1;
	}
	if (!privdrop_empty_dir(root)) {
		log_warn("%s must be an empty directory that only root can "
		    "write to", root);
		return -1;
	}
	if (chroot(root) == -1 || chdir("/") == -1) {
		log_warn("chroot %s: %s", root, strerror(errno));
		return -1;
	}
	return 0;
}

int
privdrop(uid_t uid, gid_t gid, const char *root)
{
	if (uid == 0 || gid == 0) {
		log_warn("refused to run as uid %lu, gid %lu",
		    (unsigned long)uid, (unsigned long)gid);
		return -1;
	}
	if (root != NULL && lock_in(root) == -1)
		return -1;
	if (setgroups(1, &gid) == -1 || setresgid(gid, gid, gid) == -1 ||
	    setresuid(uid, uid, uid) == -1) {
		log_warn("could not become uid %lu, gid %lu: %s",
		    (unsigned long)uid, (unsigned long)gid, strerror(errno));
		return -1;
	}
	if (setuid(0) != -1 || seteuid(0) != -1 || setgid(0) != -1) {
		log_warn("root came back after it was given up");
		return -1;
	}
	return 0;
}
