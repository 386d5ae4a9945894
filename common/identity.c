#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "common/identity.h"
#include "common/log.h"

int
identity_find(struct identity *as, const struct conf *conf)
{
	struct passwd *pw;

	memset(as, 0, sizeof(*as));
	as->root = geteuid() == 0;
	if (!as->root) {
		log_info("not started by root: all processes run as uid %lu",
		    (unsigned long)geteuid());
		return 0;
	}
	if ((pw = getpwnam(conf->user)) == NULL || pw->pw_uid == 0) {
		log_warn("%s: user %s must exist and not be root; "
		    "create it, or name another with user", conf->file,
		    conf->user);
		return -1;
	}
	as->uid = pw->pw_uid;
	as->gid = pw->pw_gid;
	return 0;
}
