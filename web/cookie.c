#include <string.h>

#include "web/cookie.h"

int
cookie_is_good(const char *value)
{
	return value[0] != '\0' && value[strspn(value, "abcdefghijklmnopqrstuv"
	    "wxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")] == '\0';
}

static void
copy(const char *found, char *value, size_t size)
{
	size_t len = strcspn(found, ";");

	while (len > 0 && (found[len - 1] == ' ' || found[len - 1] == '\t'))
		len--;
	if (len >= size)
		return;
	memcpy(value, found, len);
	value[len] = '\0';
	if (!cookie_is_good(value))
		value[0] = '\0';
}

void
cookie_read(const char *line, char *value, size_t size)
{
	static const char name[] = COOKIE_NAME "=";
	const char *found = NULL;
	int n = 0;

	value[0] = '\0';
	for (line += strspn(line, "; \t"); *line != '\0';
	    line += strspn(line, "; \t")) {
		if (strncmp(line, name, sizeof(name) - 1) == 0) {
			found = line + sizeof(name) - 1;
			n++;
		}
		line += strcspn(line, ";");
	}
	if (n == 1)
		copy(found, value, size);
}
