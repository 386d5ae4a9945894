#include "common/shown.h"
#include "common/utf8.h"

/* U+202A to U+202E, and U+2066 to U+2069. */
static int
turns(const unsigned char *u)
{
	return u[0] == 0xe2 &&
	    ((u[1] == 0x80 && u[2] >= 0xaa && u[2] <= 0xae) ||
	    (u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9));
}

size_t
shown_octets(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	const size_t len = utf8_octets(u);

	if (len == 1)
		return *u >= 0x20 && *u != 0x7f;
	/* U+0080 to U+009F. */
	if (len == 2 && u[0] == 0xc2 && u[1] < 0xa0)
		return 0;
	return len == 3 && turns(u) ? 0 : len;
}
