#include <string.h>

#include "common/line.h"

char *
line_room(struct line_reader *r, size_t *room)
{
	/* line_next() leaves less than a full buffer behind. */
	if (r->start > 0) {
		memmove(r->buf, r->buf + r->start, r->end - r->start);
		explicit_bzero(r->buf + r->end - r->start, r->start);
		r->end -= r->start;
		r->start = r->taken = 0;
	}
	*room = sizeof(r->buf) - r->end;
	return r->buf + r->end;
}

void
line_fed(struct line_reader *r, size_t len)
{
	r->end += len;
}

int
line_has_more(const struct line_reader *r)
{
	return r->end > r->start;
}

/* No newline in sight: a full buffer is thrown away, its length noted. */
static enum line_result
skip(struct line_reader *r)
{
	size_t have = r->end - r->start;

	if (r->skipped == 0 && have < sizeof(r->buf))
		return LINE_NONE;
	r->skipped += have;
	explicit_bzero(r->buf + r->start, have);
	r->start = r->end = 0;
	return r->skipped < LINE_FLOOD_OCTETS ? LINE_NONE : LINE_FLOOD;
}

enum line_result
line_next(struct line_reader *r, char **line, size_t *len, size_t *octets)
{
	char *newline;

	explicit_bzero(r->buf + r->start - r->taken, r->taken);
	r->taken = 0;
	*line = r->buf + r->start;
	newline = memchr(*line, '\n', r->end - r->start);
	if (newline == NULL)
		return skip(r);
	*octets = (size_t)(newline - *line) + 1;
	r->start += *octets;
	r->taken = *octets;
	if (r->skipped > 0) {
		r->skipped = 0;
		return LINE_TOO_LONG;
	}
	*newline = '\0';
	*len = *octets - 1;
	if (*len > 0 && (*line)[*len - 1] == '\r')
		(*line)[--*len] = '\0';
	return LINE_READY;
}
