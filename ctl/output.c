#include <stdarg.h>
#include <string.h>

#include "common/log.h"
#include "common/utf8.h"
#include "ctl/ctl.h"

static int to_log;

void
ctl_fail_to_log(void)
{
	to_log = 1;
}

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
	if (to_log)
		log_warn("%s", text);
	else
		fprintf(stderr, "pop3ctl: %s\n", text);
	return CTL_FAILED;
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
