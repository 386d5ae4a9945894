/*
 * The wire format of a message (RFC 1939, sections 3 and 5): counting and
 * sending are one routine, so that LIST cannot differ from RETR (I3).
 *
 * A bare LF becomes CRLF, CRLF stays, a bare CR stays, a missing newline at
 * the end is added, a dot at the beginning of a line is doubled.  Everything
 * else, NUL and eight bits too, passes as it is.
 *
 * "octets" are what LIST shows: everything sent, without the doubled dots
 * and without the final "." line.  Pure computation: no descriptor, no
 * memory, any process.
 */
#ifndef COMMON_WIRE_H
#define COMMON_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_ALL (-1) /* no limit on the lines of the body */

/* The least room wire_convert() makes progress in: dot, octet, CR, LF. */
#define WIRE_ROOM_MIN 4

struct wire {
	uint64_t octets;
	int64_t body_lines; /* of TOP: still to be sent; or WIRE_ALL */
	uint64_t line_len;  /* of the line so far, its CR counted */
	int last_cr;	    /* the octet before was CR */
	int in_body;	    /* the empty line has been seen */
	int done;	    /* TOP has all it wants */
};

/* Begins a message, to be cut after body_lines lines of the body. */
void wire_init(struct wire *w, int64_t body_lines);

/*
 * Converts octets of the file at *in, of which there are *inlen, to at most
 * outlen octets (at least WIRE_ROOM_MIN) at out; with out NULL it counts
 * only, and outlen should be SIZE_MAX.  Advances *in and *inlen past what
 * was taken, and returns how many octets were written.  Call it again while
 * *inlen is not 0 and w->done is not set.
 */
size_t wire_convert(struct wire *w, const char **in, size_t *inlen, char *out,
    size_t outlen);

/*
 * After the last octet: writes the missing CRLF, if any, and returns how
 * many octets that were, 0 or 2.  out may be NULL.
 */
size_t wire_finish(struct wire *w, char *out);

#endif
