/*
 * One POP3 session (RFC 1939): what its states and commands share.
 *
 * The session process, after its sandbox is entered.  It holds the client's
 * connection, the channel to auth and then store, and nothing else; all it
 * knows of the maildrop are two totals and the marks of this session.
 *
 * Data only.  Who works with it, each of them calling those below it:
 * engine.c (lines in, commands run), authorization.c, transaction.c (the
 * states), capa.c, talk.c (answers to the client, questions to the others).
 */
#ifndef SESSION_POP3_H
#define SESSION_POP3_H

#include <stdint.h>

#include "common/conf.h"
#include "common/line.h"
#include "common/messages.h"
#include "session/command.h"
#include "session/marks.h"
#include "session/stream.h"

/* One of AUTH (RFC 5034). */
struct mechanism {
	const char *name;
	/* Takes the client's response, the first one or the one asked for. */
	enum outcome (*respond)(struct pop3 *, char *response);
};

/* A message, to be sent. */
struct file {
	int fd;
	uint64_t octets;
};

struct pop3 {
	const struct conf *conf;
	const char *peer; /* the client's address, for the log */
	const char *via;  /* the proxy that claims it, or "" */
	int unnamed;	  /* the proxy named no client but itself */
	int channel;
	int logged_in;		/* the maildrop is open */
	int64_t idle_deadline;	/* of the command waited for; 0: of none */
	const char *reason;	/* why the session ended, for the log */

	const struct command *table; /* of the present state */
	/* For CAPA: the tables of all states, and a NULL; mechanisms. */
	const struct command *const *states;
	const struct mechanism *mechanisms; /* ended by a NULL name */
	/* Gets the next line in place of the table; NULL: nobody does. */
	enum outcome (*next_line)(struct pop3 *, char *line);

	char user[ADDRESS_MAX + 1]; /* of USER, until PASS */
	int user_given;
	uint32_t logins; /* asked for so far: the last one's id */

	int read_only;	 /* by this password nothing may be deleted */
	uint64_t count;	 /* of the maildrop, as it was opened */
	uint64_t all_octets;
	uint64_t octets; /* of the messages not marked */
	struct marks marks;
	int mark_read;	    /* what is retrieved is marked as seen */
	struct marks seen;
	uint64_t retrieved;
	uint64_t retrieved_octets;

	uint64_t sizes_first; /* message of an MSG_SIZES in message */

	/* What FETCH answered last, not yet used: files of first, ... */
	uint64_t files_first;
	size_t nfiles;
	struct file files[CHANNEL_MAX_FDS];

	struct stream stream;
	struct line_reader lines;
	struct message message; /* the last answer on the channel */
};

#endif
