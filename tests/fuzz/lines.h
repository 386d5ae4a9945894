/*
 * Stands for syslog(3): whoever includes this looks at every line.
 */
#ifndef TESTS_FUZZ_LINES_H
#define TESTS_FUZZ_LINES_H

#include <stdarg.h>
#include <syslog.h>

#include "tests/fuzz/fuzz.h"

int logged; /* lines */

/* Nothing that comes from elsewhere may forge a line of the log. */
void
vsyslog(int priority, const char *fmt, va_list ap)
{
	char line[4096];
	const char *s;
	int n;

	(void)priority;
	logged++;
	n = vsnprintf(line, sizeof(line), fmt, ap);
	MUST(n > 0 && (size_t)n < sizeof(line));
	for (s = line; *s != '\0'; s++)
		MUST(*s >= 0x20 && *s <= 0x7e);
}

#endif
