#include <string.h>

#include "common/shown.h"
#include "ctl/label.h"

int
label_readable(const char *label)
{
	const char *p;
	size_t len;

	for (p = label; *p != '\0'; p += len)
		if ((len = shown_octets(p)) == 0)
			return 0;
	return label[0] != '\0' && strlen(label) <= LABEL_MAX;
}

int
label_good(const char *label)
{
	return label_readable(label) && !shown_is_blank(label);
}

size_t
label_find(const struct account *a, const char *label)
{
	size_t i;

	for (i = 0; i < a->napp; i++)
		if (strcmp(a->app[i].label, label) == 0)
			break;
	return i;
}

void
label_remove(struct account *a, size_t i)
{
	a->napp--;
	memmove(&a->app[i], &a->app[i + 1], (a->napp - i) * sizeof(a->app[0]));
	explicit_bzero(&a->app[a->napp], sizeof(a->app[0]));
	a->generation++;
}
