/*
 * Whom a process runs as.  Looked up by the parent, before any chroot.
 */
#ifndef COMMON_IDENTITY_H
#define COMMON_IDENTITY_H

#include <sys/types.h>

struct identity {
	int root; /* started by root: uids change; otherwise they stay */
	uid_t uid;
	gid_t gid;
};

#endif
