/*
 * Why a login is refused: for the log.  The client hears one answer, after
 * the same work and the same time (I9).
 *
 * Pure computation.
 */
#ifndef AUTH_DENIAL_H
#define AUTH_DENIAL_H

/* A new one gets a word in denial.c, and a sentence in man/pop3d.8. */
enum denial {
	DENIAL_NONE,	     /* it is not refused */
	DENIAL_UNKNOWN,	     /* there is no such account */
	DENIAL_OFF,	     /* it may not use this service */
	DENIAL_PASSWORD,     /* it has another password */
	DENIAL_APP_PASSWORD, /* its own password, where one is required */
	DENIAL_EXPIRED,	     /* an application password, after its time, */
	DENIAL_SERVICE,	     /* for another service, */
	DENIAL_NETWORK,	     /* or from elsewhere than it is good for */
	DENIAL_GUESSES,	     /* too many from there, this one not looked at */
	DENIAL_CODE,	     /* of two-factor: a wrong one, or used */
	DENIAL_INVITATION,   /* none, a used one, or after its time */
	DENIAL_SYSTEM	     /* the system says no, perhaps in a line before */
};

/* The word for the log. */
const char *denial_word(enum denial denial);

#endif
