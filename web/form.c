#include <string.h>

#include "web/form.h"
#include "common/shown.h"

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What it says, in place, and a NUL behind it; NULL, or what is wrong. */
static const char *
decode(char *s)
{
	char *to = s;
	int high, low;

	for (; *s != '\0'; s++) {
		if (*s != '%') {
			*to++ = *s == '+' ? ' ' : *s;
			continue;
		}
		high = digit(s[1]);
		low = high == -1 ? -1 : digit(s[2]);
		if (low == -1)
			return "bad-percent";
		if (high == 0 && low == 0)
			return "nul";
		*to++ = (char)(high << 4 | low);
		s += 2;
	}
	*to = '\0';
	return NULL;
}

static const char *
must_be_text(const char *s)
{
	size_t len;

	for (; *s != '\0'; s += len)
		if ((len = *s == '\t' ? 1 : shown_octets(s)) == 0)
			return "not-text";
	return NULL;
}

static int
has(const struct form *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (strcmp(f->name[i], name) == 0)
			return 1;
	return 0;
}

/* One NAME=VALUE. */
static const char *
add(struct form *f, char *name)
{
	char *value = strchr(name, '=');
	const char *wrong;

	if (value == NULL || value == name)
		return "no-field";
	*value++ = '\0';
	if ((wrong = decode(name)) != NULL ||
	    (wrong = decode(value)) != NULL ||
	    (wrong = must_be_text(name)) != NULL ||
	    (wrong = must_be_text(value)) != NULL)
		return wrong;
	if (has(f, name))
		return "doubled-field";
	if (f->n == FORM_FIELDS_MAX)
		return "too-many-fields";
	f->name[f->n] = name;
	f->value[f->n++] = value;
	return NULL;
}

const char *
form_parse(struct form *f, size_t len)
{
	const char *wrong = NULL;
	char *field = f->text, *end;

	f->n = 0;
	f->text[len] = '\0';
	if (strlen(f->text) != len)
		wrong = "nul";
	while (wrong == NULL && field != NULL && len > 0) {
		if ((end = strchr(field, '&')) != NULL)
			*end++ = '\0';
		wrong = add(f, field);
		field = end;
	}
	if (wrong != NULL)
		form_wipe(f);
	return wrong;
}

const char *
form_value(const struct form *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (strcmp(f->name[i], name) == 0)
			return f->value[i];
	return "";
}

void
form_wipe(struct form *f)
{
	explicit_bzero(f, sizeof(*f));
}
