/*
 * The one question to pop3settings that a request of a browser leads to.
 */
#ifndef WEB_ASK_H
#define WEB_ASK_H

#include "web/visit.h"

/*
 * Connects, by the path in the variable POP3SETTINGS, or to SELF_SOCKET.
 * Before the sandbox.  Returns the socket; or -1 after a line in the log.
 */
int ask_connect(void);

/*
 * Copies a value of the form into a string of the request, of size octets.
 * Returns 0, or -1: it is too long.  Nothing is cut.
 */
int ask_take(char *to, size_t size, const struct form *form, const char *name);

/*
 * Sends the request, and waits for the answer; the rest of the request is
 * the caller's.  Wipes the request.  The result is in v->answer, and
 * returned: SELF_TROUBLE, after a line in the log, where there is no answer.
 */
enum self_result ask(struct visit *v, enum self_want want);

/*
 * The same for a form that may be wrong already.  Where that is not SELF_GOOD
 * nothing is changed, only the account is asked for, so that the form can be
 * shown again.  Returns what is wrong first.
 */
enum self_result ask_unless(
    struct visit *v, enum self_result wrong, enum self_want want);

#endif
