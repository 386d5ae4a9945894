/*
 * The lines of Dovecot's authentication protocol, version 1, as its
 * documentation has them ("Authentication Protocol", client and server).
 *
 * Pure computation in the sasl process.  A line is a command and parameters,
 * with tabs between them; \001 is the escape character.
 */
#ifndef SASL_PROTOCOL_H
#define SASL_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

#define PROTOCOL_MAJOR 1
#define PROTOCOL_MINOR 1

enum question_kind {
	QUESTION_VERSION,
	QUESTION_CPID,	/* which process asks: nobody needs it here */
	QUESTION_AUTH,	/* somebody wants to log in */
	QUESTION_CONT,	/* his next response */
	QUESTION_CANCEL /* he has given up */
};

/* What the SMTP server wants.  The strings are within the line. */
struct question {
	enum question_kind kind;
	uint32_t major; /* of a VERSION */
	uint32_t id;	/* of the others, never 0 */
	const char *mechanism;
	const char *service;	/* of an AUTH: "smtp" */
	const char *rip;	/* the client's address; "": not told */
	const char *lip;	/* the address that he has connected to; "" */
	const char *local_name; /* the name that he has connected to; "" */
	char *response;		/* base64; NULL: there is none yet */
};

/*
 * Takes a line of len octets apart, in place.  Unknown parameters are
 * ignored, and so is what follows resp=.  Returns 0, or -1 when it is no line
 * of this protocol.
 */
int protocol_read(char *line, size_t len, struct question *q);

/*
 * Copies src to dst so that it can be the value of a parameter; what does not
 * fit is cut.  Returns dst.
 */
char *protocol_escape(char *dst, size_t size, const char *src);

#endif
