#include "common/utf8.h"

size_t
utf8_octets(const unsigned char *p)
{
	size_t i, n;

	n = *p < 0x80	? 1
	    : *p < 0xc2 ? 0
	    : *p < 0xe0 ? 2
	    : *p < 0xf0 ? 3
	    : *p < 0xf5 ? 4
			: 0;
	for (i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than need be, surrogates, and beyond U+10FFFF. */
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}
