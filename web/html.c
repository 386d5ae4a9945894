#include <stdarg.h>
#include <stdio.h>

#include "web/html.h"
#include "common/shown.h"

#define SAY_MAX 1000

void
html_markup(const char *literal, unsigned long len)
{
	fwrite(literal, 1, len, stdout);
}

/* What stands for an octet that means something in HTML; NULL: itself. */
static const char *
reference(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void
html_text(const char *s)
{
	const char *other;
	size_t len;

	for (; *s != '\0'; s += len) {
		if ((len = shown_octets(s)) == 0) {
			fputs("\xef\xbf\xbd", stdout);
			len = 1;
		} else if ((other = reference(*s)) != NULL)
			fputs(other, stdout);
		else
			fwrite(s, 1, len, stdout);
	}
}

/* A character that is cut in half is not shown by html_text(). */
void
html_say(const char *fmt, ...)
{
	char text[SAY_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	html_text(text);
}
