#include <stdarg.h>
#include <stdio.h>

#include "configtest/tell.h"

static int count;

int
tell_wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	count++;
	return -1;
}

void
tell_warning(const char *where, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: warning: ", where);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int
tell_count(void)
{
	return count;
}
