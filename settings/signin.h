/*
 * Who is it?  Passwords, invitations, codes, cookies.  In auth.
 */
#ifndef SETTINGS_SIGNIN_H
#define SETTINGS_SIGNIN_H

#include "settings/court.h"

/* SELF_SIGN_IN, SELF_INVITED, SELF_CODE: each ends with a ruling. */
void signin_password(struct court *c) __attribute__((noreturn));
void signin_invitation(struct court *c) __attribute__((noreturn));
void signin_code(struct court *c) __attribute__((noreturn));

/*
 * Is the cookie one of that kind, and still good?  Fills account and factors;
 * otherwise it ends with a ruling.
 */
void signin_cookie(struct court *c, enum cookie_kind kind);

/*
 * May another code, or a password, be tried?  It is counted before it is
 * judged: so many at once are no way around the limit.  0 is told in the log.
 */
int signin_may_try(struct court *c);

/*
 * Is it still the user who asks for what opens doors?  Ends with a ruling
 * unless it is.
 */
void signin_prove(struct court *c);

#endif
