#include <string.h>

#include "common/log.h"
#include "settings/deed.h"

void
deed_add(struct deed *d, const char *what, const char *value)
{
	if (d->n == DEED_PARTS)
		return;
	strlcpy(d->part[d->n].what, what, sizeof(d->part[0].what));
	strlcpy(d->part[d->n++].value, value, sizeof(d->part[0].value));
}

void
deed_settle(struct deed *d)
{
	uint32_t i;

	if (d->n > DEED_PARTS)
		d->n = DEED_PARTS;
	for (i = 0; i < d->n; i++) {
		d->part[i].what[DEED_WHAT - 1] = '\0';
		d->part[i].value[LABEL_MAX] = '\0';
	}
}

void
deed_text(const struct deed *d, char text[DEED_TEXT])
{
	char safe[LABEL_MAX * 4 + 1];
	uint32_t i;

	text[0] = '\0';
	for (i = 0; i < d->n; i++) {
		if (i > 0)
			strlcat(text, " ", DEED_TEXT);
		strlcat(text, d->part[i].what, DEED_TEXT);
		if (d->part[i].value[0] == '\0')
			continue;
		strlcat(text, "=", DEED_TEXT);
		strlcat(text, log_safe(safe, sizeof(safe), d->part[i].value),
		    DEED_TEXT);
	}
}
