/*
 * The command reader and the grammar: the same lines whatever the pieces
 * they arrive in, each as the client sent it, and what the real tables make
 * of them.
 */
#include "tests/fuzz/fuzz.h"

#include <ctype.h>
#include <strings.h>

#include "common/line.h"
#include "session/authorization.h"
#include "session/transaction.h"

#define STRETCHED (2 * LINE_FLOOD_OCTETS)

/* A naive reading of what command.h says a number is. */
static int
is_number(const char *s, uint32_t min, uint32_t n)
{
	uint64_t value = 0;

	for (; *s >= '0' && *s <= '9' && value <= UINT32_MAX; s++)
		value = value * 10 + (uint64_t)(*s - '0');
	return (*s == '\0' || *s == ' ') && value == n && value >= min;
}

static void
check_args(const struct command *c, const char *line, size_t len,
    const struct args *args)
{
	const char *rest = line + strlen(c->keyword);

	MUST(strncasecmp(line, c->keyword, strlen(c->keyword)) == 0);
	MUST(*rest == '\0' || *rest == ' ');
	MUST(memchr(line, '\0', len) == NULL);
	if (c->takes == TAKES_TEXT) {
		MUST(strcmp(args->text, rest + 1) == 0 && args->text[0]);
		return;
	}
	rest += strspn(rest, " ");
	if (c->takes == TAKES_NOTHING)
		MUST(*rest == '\0');
	if (c->takes == TAKES_WORDS)
		MUST(strcmp(args->text, rest) == 0);
	if (c->takes == TAKES_MAY_NUMBER && *rest == '\0')
		MUST(args->n == 0);
	else if (c->takes >= TAKES_NUMBER)
		MUST(is_number(rest, 1, args->n));
	if (c->takes != TAKES_TWO_NUMBERS)
		return;
	rest += strcspn(rest, " ");
	MUST(is_number(rest + strspn(rest, " "), 0, args->lines));
}

/* A line with the NUL behind it, at the very end of its memory. */
static void
parse(const struct command *table, const char *line, size_t len)
{
	const struct command *c;
	struct args args;
	const char *why = NULL;
	char *copy;

	MUST((copy = malloc(len + 1)) != NULL);
	memcpy(copy, line, len);
	copy[len] = '\0';
	c = command_parse(table, copy, len, &args, &why);
	if (c != NULL)
		check_args(c, line, len, &args);
	else
		MUST(why != NULL && why[0] != '\0');
	free(copy);
}

/* One line came out of the reader: is it the next of what went in? */
static void
check_line(const uint8_t *sent, size_t size, enum line_result result,
    const char *line, size_t len, size_t octets)
{
	MUST(size > 0 && sent[size - 1] == '\n');
	if (result == LINE_TOO_LONG) {
		MUST(size > LINE_MAX_OCTETS);
		return;
	}
	MUST(result == LINE_READY && size <= LINE_MAX_OCTETS);
	MUST(octets == size && len < size && line[len] == '\0');
	size--;
	if (size > 0 && sent[size - 1] == '\r')
		size--;
	MUST(len == size && memcmp(line, sent, len) == 0);
	parse(authorization_commands, line, len);
	parse(transaction_commands, line, len);
}

/* Takes all lines out; *at is where the first of them was sent. */
static enum line_result
drain(struct line_reader *r, const uint8_t **at, const uint8_t *end)
{
	enum line_result result;
	const uint8_t *newline;
	char *line;
	size_t len = 0, octets = 0;

	while ((result = line_next(r, &line, &len, &octets)) != LINE_NONE) {
		if (result == LINE_FLOOD)
			break;
		newline = memchr(*at, '\n', (size_t)(end - *at));
		MUST(newline != NULL);
		check_line(*at, (size_t)(newline + 1 - *at), result, line,
		    len, octets);
		*at = newline + 1;
	}
	return result;
}

/*
 * The input itself, or (so that long lines need no long inputs) each of its
 * octets so many times.
 */
static uint8_t *
stretch(struct input *in, size_t times, size_t *size)
{
	uint8_t *text;
	size_t i;

	*size = in->left * times < STRETCHED ? in->left * times : STRETCHED;
	MUST((text = malloc(*size + 1)) != NULL);
	for (i = 0; i < *size; i++)
		text[i] = in->at[i / times];
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct line_reader r; /* large */
	struct input in = { data, size };
	uint32_t seed = take8(&in) * 7919 + 1;
	size_t most = (size_t)1 << take8(&in) % 15, sent, piece, room;
	size_t times = take8(&in);
	uint8_t *text = stretch(
	    &in, times > 240 ? (times - 240) * 256 : 1, &size);
	const uint8_t *at = text;
	enum line_result result = LINE_NONE;
	char *buf;

	/* Each piece has all of an unfinished line looked through again. */
	if (size > LINE_MAX_OCTETS && most < 512)
		most = 512;
	memset(&r, 0, sizeof(r));
	for (sent = 0; sent < size && result != LINE_FLOOD; sent += piece) {
		seed = seed * 1664525 + 1013904223;
		piece = 1 + (seed >> 8) % most;
		buf = line_room(&r, &room);
		MUST(room > 0);
		piece = piece < room ? piece : room;
		piece = piece < size - sent ? piece : size - sent;
		memcpy(buf, text + sent, piece);
		line_fed(&r, piece);
		result = drain(&r, &at, text + sent + piece);
		/* What is unfinished has no newline, and is no flood. */
		if (result == LINE_FLOOD)
			MUST((size_t)(text + sent + piece - at) >=
			    LINE_FLOOD_OCTETS);
		else
			MUST((size_t)(text + sent + piece - at) <
			    LINE_FLOOD_OCTETS + LINE_MAX_OCTETS);
		if (at < text + sent)
			MUST(memchr(text + sent, '\n', piece) == NULL ||
			    result == LINE_FLOOD);
	}
	free(text);
	return 0;
}
