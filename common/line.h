/*
 * The line reader: octets in, command lines out, bounded (RFC 2449,
 * section 4; RFC 5034, section 4; I10).
 *
 * Pure computation, in the processes that talk to the network.  Lines may
 * hold passwords: a line is wiped when the next one is asked for.
 */
#ifndef COMMON_LINE_H
#define COMMON_LINE_H

#include <stddef.h>

#define LINE_MAX_OCTETS	  12288 /* of an AUTH line, its CRLF counted */
#define LINE_FLOOD_OCTETS 65536 /* without a newline: the session ends */

enum line_result {
	LINE_NONE,     /* no complete line: feed more */
	LINE_READY,
	LINE_TOO_LONG, /* skipped up to its newline */
	LINE_FLOOD     /* never ends: give up */
};

struct line_reader {
	size_t start;	/* of what was not yet returned */
	size_t end;	/* of what was fed */
	size_t skipped; /* octets thrown away of a line too long */
	size_t taken;	/* octets of the line returned last */
	char buf[LINE_MAX_OCTETS];
};

/* Where to put the next octets: *room of them (never 0) may be added. */
char *line_room(struct line_reader *r, size_t *room);
void line_fed(struct line_reader *r, size_t len);

/* Is there input behind the lines that were returned so far? */
int line_has_more(const struct line_reader *r);

/*
 * The next line, without its CRLF (or bare LF) but with a NUL behind it,
 * its length in *len; octets is its size on the wire.  It stays valid until
 * the next call of any function here.
 */
enum line_result line_next(
    struct line_reader *r, char **line, size_t *len, size_t *octets);

#endif
