/*
 * The system's word on OpenBSD: bsd_auth(3), type "auth-pop3d".
 */
#include <sys/types.h>

#include <bsd_auth.h>
#include <login_cap.h>
#include <string.h>

#include "auth/system.h"
#include "common/log.h"

const char *
system_obstacle(void)
{
	return NULL;
}

int
system_password(const char *user, const char *password, const char *peer)
{
	char name[ADDRESS_MAX + 1], typed[PASSWORD_MAX + 1];
	int good;

	(void)peer; /* bsd_auth has no place for it; our own log has */
	/* It writes to its arguments. */
	if (strlcpy(name, user, sizeof(name)) >= sizeof(name) ||
	    strlcpy(typed, password, sizeof(typed)) >= sizeof(typed))
		return 0;
	good = auth_userokay(name, NULL, "auth-pop3d", typed) != 0;
	explicit_bzero(typed, sizeof(typed));
	return good;
}
