/* OpenBSD's <sys/mount.h>, what store/watch_openbsd.c uses of it. */
#ifndef TESTS_STUBS_SYS_MOUNT_H
#define TESTS_STUBS_SYS_MOUNT_H

struct statfs {
	char f_fstypename[16];
};

int fstatfs(int fd, struct statfs *fs);

#endif
