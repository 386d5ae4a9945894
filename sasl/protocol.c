#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sasl/protocol.h"

#define ESCAPE '\001'

static const struct {
	char octet, letter;
} escapes[] = { { '\0', '0' }, { ESCAPE, '1' }, { '\t', 't' }, { '\r', 'r' },
	{ '\n', 'n' } };

#define NESCAPES (sizeof(escapes) / sizeof(escapes[0]))

/*
 * Turns escapes back, in place.  A NUL would end the string: it becomes a
 * question mark, for the values are only shown.
 */
static void
unescape(char *s)
{
	char *to = s;
	size_t i;

	for (; *s != '\0'; s++) {
		if (*s != ESCAPE || s[1] == '\0') {
			*to++ = *s;
			continue;
		}
		s++;
		for (i = 0; i < NESCAPES && escapes[i].letter != *s; i++)
			continue;
		*to++ = i == NESCAPES	      ? *s :
		    escapes[i].octet == '\0' ? '?' :
					       escapes[i].octet;
	}
	*to = '\0';
}

char *
protocol_escape(char *dst, size_t size, const char *src)
{
	size_t used = 0, i;

	for (; *src != '\0' && used + 3 <= size; src++) {
		for (i = 0; i < NESCAPES && escapes[i].octet != *src; i++)
			continue;
		if (i < NESCAPES)
			dst[used++] = ESCAPE;
		dst[used++] = i < NESCAPES ? escapes[i].letter : *src;
	}
	dst[used] = '\0';
	return dst;
}

/* The next word of *rest, which is moved behind it; NULL: there is none. */
static char *
next_word(char **rest)
{
	char *word = *rest;

	if (word == NULL)
		return NULL;
	*rest = word + strcspn(word, "\t");
	if (**rest == '\0')
		*rest = NULL;
	else
		*(*rest)++ = '\0';
	return word;
}

/* A number of 32 bits, in digits alone. */
static int
read_number(const char *word, uint32_t *number)
{
	const char *bad;

	if (word == NULL || word[0] == '\0' ||
	    word[strspn(word, "0123456789")] != '\0')
		return -1;
	*number = (uint32_t)strtonum(word, 0, UINT32_MAX, &bad);
	return bad == NULL ? 0 : -1;
}

/* If word is NAME=VALUE with this name, its value; else NULL. */
static char *
value_of(char *word, const char *name)
{
	size_t len = strlen(name);

	return strncmp(word, name, len) == 0 ? word + len : NULL;
}

static void
read_parameter(char *word, struct question *q)
{
	const struct {
		const char *name;
		const char **where;
	} known[] = { { "service=", &q->service }, { "rip=", &q->rip },
		{ "lip=", &q->lip }, { "local_name=", &q->local_name } };
	char *value;
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if ((value = value_of(word, known[i].name)) != NULL) {
			unescape(value);
			*known[i].where = value;
		}
}

/* resp= is the last one: nothing may be slipped in behind it. */
static int
read_auth(char *rest, struct question *q)
{
	char *word;

	if ((q->mechanism = next_word(&rest)) == NULL)
		return -1;
	while (q->response == NULL && (word = next_word(&rest)) != NULL)
		if ((q->response = value_of(word, "resp=")) == NULL)
			read_parameter(word, q);
	return q->service[0] == '\0' ? -1 : 0;
}

static int
read_command(const char *name, char *rest, struct question *q)
{
	static const struct {
		const char *name;
		enum question_kind kind;
	} commands[] = { { "VERSION", QUESTION_VERSION },
		{ "CPID", QUESTION_CPID }, { "AUTH", QUESTION_AUTH },
		{ "CONT", QUESTION_CONT }, { "CANCEL", QUESTION_CANCEL } };
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			break;
	if (i == sizeof(commands) / sizeof(commands[0]))
		return -1;
	q->kind = commands[i].kind;
	if (q->kind == QUESTION_CPID)
		return 0;
	if (q->kind == QUESTION_VERSION)
		return read_number(next_word(&rest), &q->major);
	if (read_number(next_word(&rest), &q->id) == -1 || q->id == 0)
		return -1;
	if (q->kind == QUESTION_AUTH)
		return read_auth(rest, q);
	q->response = next_word(&rest);
	return q->kind == QUESTION_CONT && q->response == NULL ? -1 : 0;
}

int
protocol_read(char *line, size_t len, struct question *q)
{
	char *rest = line, *name;

	memset(q, 0, sizeof(*q));
	q->service = q->rip = q->lip = q->local_name = "";
	if (strlen(line) != len)
		return -1;
	name = next_word(&rest);
	return read_command(name, rest, q);
}
