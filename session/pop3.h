/*
 * One POP3 session (RFC 1939): what its states and commands share.
 *
 * The session process, after its sandbox is entered.  It holds the client's
 * connection, the channel to auth and then store, and nothing else; all it
 * knows of the maildrop are two totals and the marks.
 */
#ifndef SESSION_POP3_H
#define SESSION_POP3_H

#include <stdint.h>

#include "common/conf.h"
#include "common/messages.h"
#include "session/command.h"
#include "session/line.h"
#include "session/marks.h"
#include "session/stream.h"

struct pop3 {
	const struct conf *conf;
	const char *peer; /* the client's address, for the log */
	int channel;
	int64_t login_deadline; /* ms, stream_now(); 0: has logged in */
	int64_t idle_deadline;  /* of the command waited for; 0: of none */
	const struct command *table; /* of the present state */
	const char *reason; /* why the session ended, for the log */

	char user[ADDRESS_MAX + 1]; /* of USER, until PASS */
	int user_given;
	uint32_t logins; /* asked for so far: the last one's id */
	int awaiting_sasl; /* the next line answers "+ " */

	uint64_t count;	 /* of the maildrop, as it was opened */
	uint64_t all_octets;
	uint64_t octets; /* of the messages not marked */
	struct marks marks;
	uint64_t retrieved;
	uint64_t retrieved_octets;

	/* What SIZES answered last: octets of first, first + 1, ... */
	uint64_t sizes_first;
	size_t nsizes;
	uint64_t sizes[SIZES_MAX];

	/* What FETCH answered last, not yet used: files of first, ... */
	uint64_t files_first;
	size_t nfiles;
	int files[CHANNEL_MAX_FDS];

	struct stream stream;
	struct line_reader lines;
	struct message message; /* the last answer on the channel */
};

extern const struct command authorization_commands[];
extern const struct command transaction_commands[];

/* Answers: "+OK ...", "-ERR ...", CRLF added; gathered, not yet sent. */
void pop3_reply(struct pop3 *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Sends a request and waits for its answer in p->message.  Returns 0; -1
 * when there will be no answer, or not to be had in time: the session ends,
 * p->reason is set.
 */
int pop3_ask(struct pop3 *p, uint32_t type, const void *data, size_t len);

/* For answers that are none of those expected: the session ends. */
enum outcome pop3_internal_failure(struct pop3 *p);

/* The -ERR that fits p->message, an MSG_TROUBLE; OUTCOME_GOOD or _END. */
enum outcome pop3_trouble(struct pop3 *p);

/* CAPA (RFC 2449), in both states. */
enum outcome pop3_capa(struct pop3 *p, struct args *args);

/* The line that answers "+ " of AUTH PLAIN (RFC 5034). */
enum outcome authorization_sasl(struct pop3 *p, char *line);

/* Serves the client until the session ends; p->reason says why. */
void pop3_run(struct pop3 *p);

#endif
