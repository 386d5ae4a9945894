#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "session/command.h"

int
command_number(const char *text, uint32_t min, uint32_t *n)
{
	const char *err;

	/* strtonum(3) takes signs and blanks, POP3 does not. */
	if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
		return -1;
	*n = (uint32_t)strtonum(text, min, UINT32_MAX, &err);
	return err == NULL ? 0 : -1;
}

/* Cuts the first word off; *rest is what follows the blanks behind it. */
static char *
cut_word(char *s, char **rest)
{
	char *end = s + strcspn(s, " ");

	*rest = end + strspn(end, " ");
	*end = '\0';
	return s;
}

static int
command_numbers(enum takes takes, char *rest, struct args *args)
{
	char *second, *third;

	args->n = args->lines = 0;
	cut_word(rest, &second);
	if (takes == TAKES_MAY_NUMBER && *rest == '\0')
		return 0;
	if (command_number(rest, 1, &args->n) == -1)
		return -1;
	if (takes != TAKES_TWO_NUMBERS)
		return *second == '\0' ? 0 : -1;
	cut_word(second, &third);
	if (command_number(second, 0, &args->lines) == -1)
		return -1;
	return *third == '\0' ? 0 : -1;
}

static const char *
command_args(enum takes takes, char *rest, struct args *args)
{
	args->text = rest;
	switch (takes) {
	case TAKES_NOTHING:
		return *rest == '\0' ? NULL : "this command takes no argument";
	case TAKES_TEXT:
		return *rest != '\0' ? NULL : "this command needs an argument";
	case TAKES_WORDS:
		return NULL;
	case TAKES_NUMBER:
	case TAKES_MAY_NUMBER:
		if (command_numbers(takes, rest, args) == -1)
			return "this command takes the number of a message";
		return NULL;
	case TAKES_TWO_NUMBERS:
		if (command_numbers(takes, rest, args) == -1)
			return "this command takes the number of a message "
			       "and of lines";
		return NULL;
	}
	return "not understood";
}

const struct command *
command_parse(const struct command *table, char *line, size_t len,
    struct args *args, const char **why)
{
	const struct command *c;
	size_t keyword = strcspn(line, " ");

	if (strlen(line) != len) {
		*why = "a command has no NUL in it";
		return NULL;
	}
	for (c = table; c->keyword != NULL; c++)
		if (strlen(c->keyword) == keyword &&
		    strncasecmp(c->keyword, line, keyword) == 0)
			break;
	if (c->keyword == NULL) {
		*why = "unknown command, or not at this time";
		return NULL;
	}
	/* A password may begin with a blank: one blank separates text. */
	line += keyword;
	if (*line == ' ')
		line += c->takes == TAKES_TEXT ? 1 : strspn(line, " ");
	*why = command_args(c->takes, line, args);
	return *why == NULL ? c : NULL;
}
