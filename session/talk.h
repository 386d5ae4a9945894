/*
 * What a session says: answers to the client, questions to auth and store.
 */
#ifndef SESSION_TALK_H
#define SESSION_TALK_H

#include "session/pop3.h"

/* Answers: "+OK ...", "-ERR ...", CRLF added; gathered, not yet sent. */
void talk_reply(struct pop3 *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Sends a request and waits for its answer in p->message.  Returns 0; -1
 * when there will be no answer, or not in time: the client has been told,
 * the session ends, p->reason is set.
 */
int talk_ask(struct pop3 *p, uint32_t type, const void *data, size_t len);

/*
 * The other process has gone, or its answer is none of those expected: tells
 * the client, unless the session ends for another reason already, and sets
 * p->reason.  Returns OUTCOME_END.
 */
enum outcome talk_failure(struct pop3 *p);

/* The -ERR that fits p->message, an MSG_TROUBLE; OUTCOME_GOOD or _END. */
enum outcome talk_trouble(struct pop3 *p);

/*
 * Why the connection has ended: the stream's reason, unless that is that the
 * other process has hung up.  Then a word of stop.h if that one left one, else
 * "internal-failure".
 */
const char *talk_why_ended(struct pop3 *p);

#endif
