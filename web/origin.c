#include <string.h>
#include <strings.h>

#include "web/origin.h"

int
origin_is_ours(const char *origin, const char *fetch_site, const char *host)
{
	static const char scheme[] = "https://";
	const size_t len = sizeof(scheme) - 1;
	const int tells = origin[0] != '\0' && strcmp(origin, "null") != 0;

	if (host[0] == '\0')
		return 0;
	if (tells && (strncmp(origin, scheme, len) != 0 ||
	    strcasecmp(origin + len, host) != 0))
		return 0;
	if (fetch_site[0] != '\0')
		return strcmp(fetch_site, "same-origin") == 0;
	return tells;
}
