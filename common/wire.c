#include <string.h>

#include "common/wire.h"

void
wire_init(struct wire *w, int64_t body_lines)
{
	memset(w, 0, sizeof(*w));
	w->body_lines = body_lines;
}

static void
end_line(struct wire *w)
{
	if (!w->in_body)
		w->in_body =
		    w->line_len == 0 || (w->line_len == 1 && w->last_cr);
	else if (w->body_lines > 0)
		w->body_lines--;
	w->done = w->in_body && w->body_lines == 0;
	w->line_len = 0;
	w->last_cr = 0;
}

static size_t
put_newline(struct wire *w, char *out)
{
	size_t n = 0;

	if (!w->last_cr) {
		if (out != NULL)
			out[n] = '\r';
		n++;
	}
	if (out != NULL)
		out[n] = '\n';
	n++;
	w->octets += n;
	end_line(w);
	return n;
}

/*
 * One piece of a line: up to its newline, the end of the input, or as much
 * as there is room for beside a stuffed dot and a CRLF.
 */
static size_t
convert_piece(struct wire *w, const char **in, size_t *inlen, char *out,
    size_t outlen)
{
	const char *newline;
	size_t len, n = 0;

	if (w->line_len == 0 && **in == '.') {
		if (out != NULL)
			out[n] = '.';
		n++;
	}
	len = *inlen < outlen - n - 2 ? *inlen : outlen - n - 2;
	newline = memchr(*in, '\n', len);
	if (newline != NULL)
		len = (size_t)(newline - *in);
	if (len > 0) {
		if (out != NULL)
			memcpy(out + n, *in, len);
		n += len;
		w->last_cr = (*in)[len - 1] == '\r';
		w->line_len += len;
		w->octets += len;
	}
	*in += len;
	*inlen -= len;
	if (newline != NULL) {
		n += put_newline(w, out != NULL ? out + n : NULL);
		(*in)++;
		(*inlen)--;
	}
	return n;
}

size_t
wire_convert(struct wire *w, const char **in, size_t *inlen, char *out,
    size_t outlen)
{
	size_t used = 0;

	while (*inlen > 0 && !w->done && outlen - used >= WIRE_ROOM_MIN)
		used += convert_piece(w, in, inlen,
		    out != NULL ? out + used : NULL, outlen - used);
	return used;
}

size_t
wire_finish(struct wire *w, char *out)
{
	if (w->line_len == 0 || w->done)
		return 0;
	w->last_cr = 0; /* a bare CR at the end stays a bare CR */
	return put_newline(w, out);
}
