#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/mbox_file.h"

#define TO_READ	  (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define LINKS_MAX 32

/* On the way to a file: where we are, and what is left to be walked. */
struct way {
	const char *file; /* as it was named */
	char rest[PATH_MAX];
	int dir;
	int links; /* that were followed */
};

static int
failed(const struct way *w)
{
	(void)ctl_fail("%s: %s", w->file, strerror(errno));
	return -1;
}

/* Can root alone put something into this directory? */
static int
is_roots(const struct stat *dir)
{
	return dir->st_uid == 0 && (dir->st_mode & S_IWOTH) == 0;
}

/* No link is followed here. */
static int
enter(struct way *w, const char *name)
{
	int next = openat(w->dir, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (next == -1)
		return -1;
	close(w->dir);
	w->dir = next;
	return 0;
}

/* What a link of root's leads to is walked as well, before the rest. */
static int
follow(struct way *w, const char *name)
{
	char path[PATH_MAX];
	struct stat dir, st;
	ssize_t len;

	if (fstat(w->dir, &dir) == -1 ||
	    fstatat(w->dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return failed(w);
	if (!S_ISLNK(st.st_mode))
		errno = ENOTDIR;
	else if (!is_roots(&dir) || st.st_uid != 0) {
		(void)ctl_fail("%s: %s on the way to it is a symbolic link "
		    "that is not root's, who would be led by others; name "
		    "the file by the path without it", w->file, name);
		return -1;
	} else if (++w->links > LINKS_MAX)
		errno = ELOOP;
	else if ((len = readlinkat(w->dir, name, path, sizeof(path) - 1)) > 0) {
		path[len] = '\0';
		strlcat(path, "/", sizeof(path));
		if (strlcat(path, w->rest, sizeof(path)) < sizeof(path)) {
			strlcpy(w->rest, path, sizeof(w->rest));
			return path[0] != '/' || enter(w, "/") == 0 ? 0 :
								failed(w);
		}
		errno = ENAMETOOLONG;
	}
	return failed(w);
}

/* Up to the directory that has the file, whose name is left in rest. */
static int
walk(struct way *w)
{
	char name[PATH_MAX], *slash;

	while ((slash = strchr(w->rest, '/')) != NULL) {
		*slash = '\0';
		strlcpy(name, w->rest, sizeof(name));
		memmove(w->rest, slash + 1, strlen(slash + 1) + 1);
		if (name[0] == '\0' || enter(w, name) == 0)
			continue;
		/* A link is one of these, by the system. */
		if (errno != ELOOP && errno != ENOTDIR && errno != EMLINK)
			return failed(w);
		if (follow(w, name) == -1)
			return -1;
	}
	return 0;
}

/*
 * In a directory of others a name may be one more of a file that its maker
 * cannot read; and where the first is gone meanwhile, its owner tells.
 */
static int
is_led(int dir, const struct stat *st)
{
	struct stat in;

	if (dir == AT_FDCWD)
		return 0;
	return fstat(dir, &in) == -1 || (!is_roots(&in) &&
	    (st->st_nlink > 1 ||
		(st->st_uid != 0 && st->st_uid != in.st_uid)));
}

static int
open_in(int dir, const char *name, const char *file)
{
	struct stat st;
	int fd = openat(dir, name, TO_READ);

	if (fd == -1 && (errno == ELOOP || errno == EMLINK))
		(void)ctl_fail("%s is a symbolic link: name the file that it "
		    "leads to", file);
	else if (fd == -1 || fstat(fd, &st) == -1)
		(void)ctl_fail("%s: %s", file, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		(void)ctl_fail("%s is not a regular file", file);
	else if (is_led(dir, &st))
		(void)ctl_fail("%s: it has another name as well, or is not of "
		    "the directory's owner, who could have put somebody "
		    "else's mail there; copy it to a directory of root's",
		    file);
	else
		return fd;
	if (fd != -1)
		close(fd);
	return -1;
}

int
mbox_file_open(const char *file)
{
	struct way w = { .file = file };
	int fd = -1;

	/* Others are led no further than they may go. */
	if (geteuid() != 0)
		return open_in(AT_FDCWD, file, file);
	if (strlcpy(w.rest, file, sizeof(w.rest)) >= sizeof(w.rest)) {
		errno = ENAMETOOLONG;
		return failed(&w);
	}
	w.dir = open(file[0] == '/' ? "/" : ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w.dir == -1)
		return failed(&w);
	if (walk(&w) == 0)
		fd = open_in(w.dir, w.rest, file);
	close(w.dir);
	return fd;
}
