/*
 * Whom a process runs as.  Looked up by the parent, before any chroot.
 */
#ifndef COMMON_IDENTITY_H
#define COMMON_IDENTITY_H

#include <sys/types.h>

#include "common/conf.h"

struct identity {
	int root; /* started by root: uids change; otherwise they stay */
	uid_t uid;
	gid_t gid;
};

/*
 * Fills as for the configuration's user.  Returns 0, or -1 after a line in
 * the log: the caller must end.
 */
int identity_find(struct identity *as, const struct conf *conf);

#endif
