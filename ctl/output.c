#include <stdarg.h>
#include <string.h>

#include "ctl/ctl.h"

int
ctl_fail(const char *fmt, ...)
{
	char text[2 * ERR_SIZE], *p;
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* One line, whatever the arguments had in them. */
	for (p = text; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	fprintf(stderr, "pop3ctl: %s\n", text);
	return CTL_FAILED;
}

/* The octets of the character of UTF-8 at p; 0: there is none. */
static size_t
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

/* JSON is UTF-8; labels and paths may be anything. */
void
ctl_json_string(FILE *f, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n;

	putc('"', f);
	for (; *p != '\0'; p += n > 0 ? n : 1) {
		n = utf8_octets(p);
		if (n == 0)
			fputs("\\ufffd", f);
		else if (*p == '"' || *p == '\\')
			fprintf(f, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			fprintf(f, "\\u%04x", *p);
		else
			fwrite(p, n, 1, f);
	}
	putc('"', f);
}
