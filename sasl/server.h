/*
 * One connection of an SMTP server: what the files of this room share.
 *
 * Data only.  Who works with it, each of them calling those below it: sasl.c
 * (the process: lines in, deadlines, the end), exchange.c (what is asked and
 * answered), reply.c (lines out).
 */
#ifndef SASL_SERVER_H
#define SASL_SERVER_H

#include "common/conf.h"
#include "common/line.h"
#include "sasl/requests.h"

struct server {
	const struct conf *conf;
	int fd;
	int channel;	    /* to auth */
	int greeted;	    /* it has told its version */
	uint32_t asked;	    /* how many questions went to auth */
	int64_t patience;   /* ms, for it to take a line, or for auth */
	const char *reason; /* why the connection ends; NULL: it goes on */
	struct requests requests;
	struct line_reader lines;
	struct message message;
};

#endif
