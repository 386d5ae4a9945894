#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "common/log.h"

static char last_warning[LOG_SAFE_MAX];
static const char *name; /* of the program */
static int option;	 /* of openlog(3) */
static const char *tag; /* NULL: none */
static char via[64]; /* " via=", and the proxy */

void
log_open(const char *program, int to_stderr)
{
	/* syslog(3) stamps with local time: read the zone while we can. */
	tzset();
	name = program;
	option = LOG_PID | LOG_NDELAY | (to_stderr ? LOG_PERROR : 0);
	log_reopen();
}

void
log_close(void)
{
	closelog();
}

void
log_reopen(void)
{
	openlog(name, option, LOG_MAIL);
}

const char *
log_tag(const char *id)
{
	const char *before = tag;

	tag = id;
	return before;
}

void
log_via(const char *proxy)
{
	snprintf(via, sizeof(via), "%s%s", proxy[0] != '\0' ? " via=" : "",
	    proxy);
}

/* However long a line is, what all lines have is whole. */
static void
write_line(int level, const char *line)
{
	syslog(level, "%s%s%s%s", line, via, tag != NULL ? " id=" : "",
	    tag != NULL ? tag : "");
}

void
log_info(const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	write_line(LOG_INFO, line);
}

void
log_warn(const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	strlcpy(last_warning, line, sizeof(last_warning));
	write_line(LOG_WARNING, line);
}

const char *
log_last_warning(void)
{
	return last_warning;
}

char *
log_safe(char *dst, size_t size, const char *src)
{
	const unsigned char *s = (const unsigned char *)src;
	size_t used = 0;

	for (; *s != '\0' && used + 5 <= size; s++) {
		if (*s > 0x20 && *s < 0x7f && *s != '\\')
			dst[used++] = (char)*s;
		else
			used += (size_t)snprintf(
			    dst + used, size - used, "\\%03o", *s);
	}
	dst[used] = '\0';
	return dst;
}
