#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/uidl_format.h"

#define MODIFIERS 10 /* in one field */
#define DIGITS	  4  /* of an offset or width */

/* A field of the format. */
struct field {
	char variable; /* u v f g; or % itself */
	int offset, width;
	int zeroes; /* the width fills up, and does not cut */
	char modifier[MODIFIERS];
	size_t modifiers;
};

static const struct {
	const char *name;
	char variable;
} variables[] = { { "uid", 'u' }, { "uidvalidity", 'v' },
	{ "filename", 'f' }, { "guid", 'g' }, { "md5", 'm' } };

/* A number with few digits; 0 where there is none. */
static int
parse_number(const char **p)
{
	int n = 0, digits;

	for (digits = 0; digits < DIGITS && **p >= '0' && **p <= '9';
	     digits++, ++*p)
		n = n * 10 + (**p - '0');
	return n;
}

static int
skip(const char **p, char c)
{
	if (**p != c)
		return 0;
	++*p;
	return 1;
}

/* A sign may stand before the zero, or behind it. */
static void
parse_width(const char **p, struct field *f)
{
	int negative = skip(p, '-');

	f->zeroes = skip(p, '0');
	negative |= skip(p, '-');
	f->width = parse_number(p);
	if (negative)
		f->width = -f->width;
}

static const char *
add_modifier(struct field *f, char modifier)
{
	if (f->modifiers == MODIFIERS)
		return "too many modifiers";
	f->modifier[f->modifiers++] = modifier;
	return NULL;
}

/* A filter of %{VARIABLE | FILTER}, from 2.4 on. */
static const char *
parse_filter(const char **p, struct field *f)
{
	static const struct {
		const char *name;
		char modifier;
	} filters[] = { { "hex", 'X' }, { "lower", 'L' }, { "upper", 'U' } };
	size_t i, len = strspn(*p, "abcdefghijklmnopqrstuvwxyz0123456789_");

	for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		if (strlen(filters[i].name) == len &&
		    strncmp(filters[i].name, *p, len) == 0)
			break;
	if (i == sizeof(filters) / sizeof(filters[0]))
		return "a filter other than hex, lower and upper";
	*p += len;
	if (filters[i].modifier == 'X' && skip(p, '(')) {
		f->zeroes = 1;
		f->width = parse_number(p);
		if (!skip(p, ')'))
			return "hex( without a number and )";
	}
	return add_modifier(f, filters[i].modifier);
}

static const char *
parse_long(const char **p, struct field *f)
{
	size_t i, len = strspn(*p, "abcdefghijklmnopqrstuvwxyz0123456789_");
	const char *fault;

	for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		if (strlen(variables[i].name) == len &&
		    strncmp(variables[i].name, *p, len) == 0)
			f->variable = variables[i].variable;
	*p += len;
	for (;;) {
		*p += strspn(*p, " ");
		if (skip(p, '}'))
			return NULL;
		if (!skip(p, '|'))
			return "%{ without its }";
		*p += strspn(*p, " ");
		if ((fault = parse_filter(p, f)) != NULL)
			return fault;
	}
}

/* Behind the %: NULL, or the fault. */
static const char *
parse_field(const char **p, struct field *f)
{
	const char *fault = NULL;

	memset(f, 0, sizeof(*f));
	parse_width(p, f);
	if (skip(p, '.')) {
		f->offset = f->width;
		parse_width(p, f);
	} else
		f->width = abs(f->width); /* the sign is the offset's */
	while (fault == NULL && **p != '\0' && strchr("LUXRT", **p) != NULL)
		fault = add_modifier(f, *(*p)++);
	if (fault != NULL)
		return fault;
	if (skip(p, '{'))
		fault = parse_long(p, f);
	else if (**p != '\0')
		f->variable = *(*p)++;
	if (fault != NULL)
		return fault;
	if (f->variable == 'm')
		return "%m is of mboxes, and their unique-ids come with "
		       "`pop3ctl import-mbox'";
	if (f->variable == '\0' || strchr("uvfg%", f->variable) == NULL)
		return "a variable or modifier other than those of "
		       "pop3d-moving(7)";
	return NULL;
}

const char *
uidl_format_fault(const char *format)
{
	const char *p, *fault;
	struct field f;
	int fields = 0;

	for (p = format; *p != '\0';) {
		if (*p++ != '%')
			continue;
		if ((fault = parse_field(&p, &f)) != NULL)
			return fault;
		fields += f.variable != '%' && f.variable != 'v';
	}
	return fields > 0 ? NULL : "nothing that differs from message to "
				   "message";
}

static const char *
value_of(const struct field *f, const struct uidl_values *v)
{
	switch (f->variable) {
	case 'u':
		return v->uid;
	case 'v':
		return v->uidvalidity;
	case 'f':
		return v->filename;
	case 'g':
		return v->guid;
	default:
		return "%";
	}
}

static void
reverse(char *text)
{
	size_t i, len = strlen(text);
	char c;

	for (i = 0; i < len / 2; i++) {
		c = text[i];
		text[i] = text[len - 1 - i];
		text[len - 1 - i] = c;
	}
}

/* What is no number is 0. */
static void
to_hex(char text[UIDL_FORMAT_OCTETS])
{
	unsigned long long n = 0;

	if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0') {
		errno = 0;
		n = strtoull(text, NULL, 10);
		if (errno != 0)
			n = 0;
	}
	snprintf(text, UIDL_FORMAT_OCTETS, "%llx", n);
}

static void
modify(char text[UIDL_FORMAT_OCTETS], char modifier)
{
	char *p;

	switch (modifier) {
	case 'L':
	case 'U':
		for (p = text; *p != '\0'; p++)
			*p = (char)(modifier == 'L'
				? tolower((unsigned char)*p)
				: toupper((unsigned char)*p));
		break;
	case 'X':
		to_hex(text);
		break;
	case 'R':
		reverse(text);
		break;
	case 'T':
		for (p = text + strlen(text); p > text && p[-1] == ' '; p--)
			p[-1] = '\0';
		break;
	}
}

/* Offset and width: a zero before the width has it filled, and not cut. */
static void
append(const struct field *f, const char *text,
    char uidl[UIDL_FORMAT_OCTETS])
{
	int len = (int)strlen(text), offset = f->offset, width = f->width;
	size_t used = strlen(uidl);

	if (offset < 0)
		offset = len + offset > 0 ? len + offset : 0;
	if (offset > len)
		offset = len;
	text += offset;
	len -= offset;
	if (f->zeroes) {
		for (; width > len && used < UIDL_FORMAT_OCTETS - 1; width--)
			uidl[used++] = '0';
		uidl[used] = '\0';
		width = 0;
	}
	if (width < 0)
		width = len + width > 0 ? len + width : 0;
	else if (width == 0 || width > len)
		width = len;
	snprintf(uidl + used, UIDL_FORMAT_OCTETS - used, "%.*s", width, text);
}

void
uidl_format(const char *format, const struct uidl_values *values,
    char uidl[UIDL_FORMAT_OCTETS])
{
	char text[UIDL_FORMAT_OCTETS], plain[2] = "";
	struct field literal = { .variable = '%' }, f;
	const char *p;
	size_t i;

	uidl[0] = '\0';
	for (p = format; *p != '\0';) {
		plain[0] = *p++;
		if (plain[0] != '%') {
			append(&literal, plain, uidl);
			continue;
		}
		if (parse_field(&p, &f) != NULL)
			return;
		(void)strlcpy(text, value_of(&f, values), sizeof(text));
		for (i = 0; i < f.modifiers; i++)
			modify(text, f.modifier[i]);
		append(&f, text, uidl);
	}
}
