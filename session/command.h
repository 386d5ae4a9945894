/*
 * The grammar of commands (RFC 1939, section 3; RFC 2449, section 4):
 * a table for each state says which keywords there are and what they take.
 */
#ifndef SESSION_COMMAND_H
#define SESSION_COMMAND_H

#include <stddef.h>
#include <stdint.h>

struct pop3;

/* What a command may be followed by. */
enum takes {
	TAKES_NOTHING,
	TAKES_TEXT,	  /* the rest of the line, blanks and all */
	TAKES_WORDS,	  /* the same or nothing, the handler's to split; the
			   * line may be as long as any (RFC 5034, section 4) */
	TAKES_NUMBER,	  /* of a message */
	TAKES_MAY_NUMBER, /* the same, or nothing: n is 0 */
	TAKES_TWO_NUMBERS /* of a message, and a count of lines from 0 */
};

struct args {
	char *text; /* within the line */
	uint32_t n;
	uint32_t lines;
};

/* What became of a command: too many BAD ones in a row end the session. */
enum outcome { OUTCOME_GOOD, OUTCOME_BAD, OUTCOME_END };

struct command {
	const char *keyword;
	enum takes takes;
	enum outcome (*run)(struct pop3 *, struct args *);
	const char *capability; /* that CAPA tells for it, or NULL */
};

/*
 * Finds the command of a line (len octets and a NUL, changed in place) in
 * a table that a NULL keyword ends, and its arguments.  Returns it, or NULL
 * with *why a sentence for the client.
 */
const struct command *command_parse(const struct command *table, char *line,
    size_t len, struct args *args, const char **why);

/*
 * A number of decimal digits only, from min to 2^32 - 1.  Returns 0 or -1.
 */
int command_number(const char *text, uint32_t min, uint32_t *n);

#endif
