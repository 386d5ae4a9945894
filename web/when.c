#include <stdio.h>
#include <string.h>
#include <time.h>

#include "web/texts.h"
#include "web/when.h"

static char *
write_time(char text[WHEN_SIZE], const char *fmt, int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, WHEN_SIZE, fmt, &tm) == 0)
		strlcpy(text, T_UNKNOWN, WHEN_SIZE);
	return text;
}

char *
when_text(char text[WHEN_SIZE], int64_t seconds)
{
	return write_time(text, T_TIME, seconds);
}

char *
when_day(char text[WHEN_SIZE], int64_t seconds)
{
	return write_time(text, T_DAY, seconds);
}

char *
when_octets(char text[WHEN_SIZE], uint64_t octets)
{
	const unsigned long long n = octets;

	if (n < 1000)
		snprintf(text, WHEN_SIZE, T_OCTETS, n);
	else if (n < 1000000)
		snprintf(text, WHEN_SIZE, T_KILOBYTES, (n + 500) / 1000);
	else
		snprintf(text, WHEN_SIZE, T_MEGABYTES, n / 1000000,
		    n / 100000 % 10);
	return text;
}
