#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"

#define DAY (24 * 60 * 60)

#ifndef CLOCK_REALTIME_COARSE
#define CLOCK_REALTIME_COARSE CLOCK_REALTIME
#endif

int64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t
clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * CLOCK_NS + t.tv_nsec;
}

int64_t
clock_file_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME_COARSE, &t);
	return (int64_t)t.tv_sec * CLOCK_NS + t.tv_nsec;
}

void
clock_text(char text[CLOCK_TEXT_SIZE], int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		strlcpy(text, "unknown", CLOCK_TEXT_SIZE);
}

int64_t
clock_parse(const char *text)
{
	char again[CLOCK_TEXT_SIZE], whole[CLOCK_TEXT_SIZE];
	const char *end;
	struct tm tm;
	time_t t;

	memset(&tm, 0, sizeof(tm));
	if ((size_t)snprintf(whole, sizeof(whole), "%s%s", text,
		strchr(text, 'T') == NULL ? "T00:00:00Z" : "") >=
		sizeof(whole) ||
	    (end = strptime(whole, "%Y-%m-%dT%H:%M:%SZ", &tm)) == NULL ||
	    *end != '\0')
		return -1;
	t = timegm(&tm);
	/* What is written in another way, or is no day, comes out otherwise. */
	clock_text(again, (int64_t)t);
	if (t <= 0 || strcmp(again, whole) != 0)
		return -1;
	return (int64_t)t + (strchr(text, 'T') == NULL ? DAY : 0);
}
