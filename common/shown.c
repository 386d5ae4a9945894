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

/* A blank, of some width or none: U+20, U+A0, U+2000 to U+200F, U+202F,
   U+205F to U+2064, U+3000, U+FEFF. */
static int
is_blank(const unsigned char *u, size_t len)
{
	unsigned c = u[0];

	if (len == 2)
		c = (u[0] & 0x1fU) << 6 | (u[1] & 0x3fU);
	else if (len == 3)
		c = (u[0] & 0xfU) << 12 | (u[1] & 0x3fU) << 6 | (u[2] & 0x3fU);
	return c == ' ' || c == 0xa0 || (c >= 0x2000 && c <= 0x200f) ||
	    c == 0x202f || (c >= 0x205f && c <= 0x2064) || c == 0x3000 ||
	    c == 0xfeff;
}

int
shown_is_blank(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t len;

	for (; *u != '\0'; u += len)
		if ((len = utf8_octets(u)) == 0 || !is_blank(u, len))
			return 0;
	return 1;
}
