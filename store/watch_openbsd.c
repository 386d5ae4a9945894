/*
 * OpenBSD: kqueue(2) tells that a directory was changed, but not how often,
 * so it cannot tell others' changes from ours.  Nothing is watched.
 */
#include <sys/param.h>
#include <sys/mount.h>

#include <string.h>

#include "store/watch.h"

void
watch_open(struct watch *w, int fd)
{
	static const struct watch none = WATCH_NONE;

	(void)fd;
	*w = none;
}

int
watch_is_local(int fd)
{
	static const char *const local[] = { "ffs", "mfs", "tmpfs" };
	struct statfs fs;
	size_t i;

	if (fstatfs(fd, &fs) == -1)
		return 0;
	for (i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if (strcmp(fs.f_fstypename, local[i]) == 0)
			return 1;
	return 0;
}

void
watch_begin(struct watch *w)
{
	(void)w;
}

void
watch_changed(struct watch *w, int events)
{
	(void)w;
	(void)events;
}

int
watch_end(struct watch *w)
{
	(void)w;
	return 0;
}

void
watch_close(struct watch *w)
{
	(void)w;
}
