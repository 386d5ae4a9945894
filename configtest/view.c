#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>

#include <linux/capability.h>
#endif

#include "configtest/tell.h"
#include "configtest/view.h"

/* What the unit hides (InaccessiblePaths=). */
static const char *const hidden[] = { "/root/", "/run/user/" };

#ifdef __linux__
/* Over files; of these the unit's CapabilityBoundingSet= has none. */
#define OVER_FILES                                               \
	(1U << CAP_DAC_OVERRIDE | 1U << CAP_DAC_READ_SEARCH |   \
	    1U << CAP_FOWNER | 1U << CAP_CHOWN)

static struct __user_cap_data_struct had[_LINUX_CAPABILITY_U32S_3];

static void
set_rights(struct __user_cap_data_struct *data)
{
	struct __user_cap_header_struct head = {
		_LINUX_CAPABILITY_VERSION_3, 0
	};

	(void)syscall(SYS_capset, &head, data);
}

void
view_enter(void)
{
	struct __user_cap_header_struct head = {
		_LINUX_CAPABILITY_VERSION_3, 0
	};
	struct __user_cap_data_struct less[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, had) == -1)
		return;
	memcpy(less, had, sizeof(less));
	less[0].effective &= ~OVER_FILES;
	set_rights(less);
}

void
view_leave(void)
{
	set_rights(had);
}
#else
void
view_enter(void)
{
}

void
view_leave(void)
{
}
#endif

static const char *
hider(const char *path)
{
	char real[PATH_MAX];
	size_t i;

	if (geteuid() != 0 || realpath(path, real) == NULL)
		return NULL;
	for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (strncmp(real, hidden[i], strlen(hidden[i])) == 0)
			return hidden[i];
	return NULL;
}

int
view_readable(const char *where, const char *what, const char *path)
{
	const char *under;
	struct stat st;
	int error;

	/* A pipe would be waited for. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return tell_wrong("%s: %s %s is not a regular file", where,
		    what, path);
	if ((under = hider(path)) != NULL)
		return tell_wrong("%s: %s %s: systemd's unit hides all below "
		    "%s; move it elsewhere", where, what, path, under);
	/* By the rights of this moment, which access(2) may not mean. */
	if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0)
		return 0;
	error = errno;
	if (error != EACCES || geteuid() != 0)
		return tell_wrong("%s: %s %s: %s", where, what, path,
		    strerror(error));
	return tell_wrong("%s: %s %s: root without the right to read what is "
	    "not its own, as in systemd's unit, cannot read it; chown root "
	    "the file and the directories that are closed to it", where, what,
	    path);
}

int
view_ours(const char *where, const char *what, const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return tell_wrong("%s: %s %s: %s", where, what, path,
		    strerror(errno));
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return tell_wrong("%s: %s %s can be changed by others; chmod "
		    "go-w %s", where, what, path, path);
	if (geteuid() == 0 && st.st_uid != 0)
		return tell_wrong("%s: %s %s is not root's, and its owner can "
		    "change it; chown root %s", where, what, path, path);
	return 0;
}

/* Of each directory above it, whoever may write there may rename in it. */
void
view_directory(const char *where, const char *what, const char *path)
{
	char dir[PATH_MAX], *slash;
	struct stat st;

	if (realpath(path, dir) == NULL)
		return;
	while ((slash = strrchr(dir, '/')) != NULL && slash > dir) {
		*slash = '\0';
		if (stat(dir, &st) == -1 || (st.st_mode & S_IWOTH) == 0 ||
		    (st.st_mode & S_ISVTX) != 0)
			continue;
		(void)tell_wrong("%s: %s %s: anybody can put another file in "
		    "its place; chmod o-w %s", where, what, path, dir);
		return;
	}
}
