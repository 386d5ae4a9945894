#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "store/journal_line.h"

void
journal_text_init(struct journal_text *t, char *buf, size_t size)
{
	memset(t, 0, sizeof(*t));
	t->buf = buf;
	t->size = size;
}

static void
add(struct journal_text *t, const char *s)
{
	size_t len = strlen(s);

	if (t->cut || len > t->size - t->used ||
	    t->used + len - t->line > JOURNAL_LINE_MAX) {
		t->cut = 1;
		return;
	}
	memcpy(t->buf + t->used, s, len);
	t->used += len;
}

void
journal_begin(struct journal_text *t, const char *time, const char *event)
{
	t->line = t->used;
	t->cut = 0;
	journal_field(t, "time", time);
	journal_field(t, "event", event);
}

void
journal_field(struct journal_text *t, const char *key, const char *value)
{
	char safe[4 * 256];

	log_safe(safe, sizeof(safe), value);
	if (t->used > t->line)
		add(t, " ");
	add(t, key);
	add(t, "=");
	add(t, safe);
}

void
journal_number(struct journal_text *t, const char *key, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	journal_field(t, key, text);
}

void
journal_end(struct journal_text *t)
{
	if (!t->cut && t->used < t->size)
		t->buf[t->used++] = '\n';
	else
		t->used = t->line;
}

static int
is_octal(const char *s)
{
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' &&
	    s[2] >= '0' && s[2] <= '7';
}

/* Takes log_safe()'s work back, in place; 0 where it is none of that. */
static int
restore(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (*s != '\\') {
			*to++ = *s;
			continue;
		}
		if (!is_octal(s + 1))
			return 0;
		*to = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 |
		    (s[3] - '0'));
		if (*to++ == '\0')
			return 0;
		s += 3;
	}
	*to = '\0';
	return 1;
}

/* One field, ended by a NUL. */
static int
take_field(struct journal_line *line, char *field)
{
	size_t len = strspn(field, "abcdefghijklmnopqrstuvwxyz-");

	if (len == 0 || field[len] != '=' || line->n == JOURNAL_FIELDS_MAX)
		return 0;
	field[len] = '\0';
	line->key[line->n] = field;
	line->value[line->n++] = field + len + 1;
	return restore(field + len + 1);
}

int
journal_parse(struct journal_line *line, const char *text, size_t len)
{
	char *p, *next;
	size_t i;

	line->n = 0;
	if (len == 0 || len > JOURNAL_LINE_MAX)
		return 0;
	for (i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] > 0x7e)
			return 0;
	memcpy(line->text, text, len);
	line->text[len] = '\0';
	memcpy(line->words, line->text, len + 1);
	for (p = line->words; p != NULL; p = next) {
		if ((next = strchr(p, ' ')) != NULL)
			*next++ = '\0';
		if (!take_field(line, p))
			return 0;
	}
	return line->n >= 2 && strcmp(line->key[0], "time") == 0 &&
	    strcmp(line->key[1], "event") == 0;
}

const char *
journal_value(const struct journal_line *line, const char *key)
{
	size_t i;

	for (i = 0; i < line->n; i++)
		if (strcmp(line->key[i], key) == 0)
			return line->value[i];
	return "";
}
