/*
 * Whom Postfix asks who may log in, by the word of postconf(1), which knows
 * its files, their defaults and what overrides what.
 *
 * In the process of pop3d -n alone: it runs that program.
 */
#ifndef CONFIGTEST_POSTFIX_H
#define CONFIGTEST_POSTFIX_H

#include <limits.h>
#include <stddef.h>

#define POSTFIX_LOGINS_MAX 32

/* What main.cf says, or one service of master.cf. */
struct postfix_login {
	char service[64]; /* "submission/inet"; "": all that say nothing */
	char enabled[8];  /* "yes" */
	char type[16];    /* "dovecot" */
	char path[PATH_MAX];
};

struct postfix {
	char directory[PATH_MAX]; /* of its configuration */
	char queue[PATH_MAX];
	char owner[64]; /* the user who connects */
	struct postfix_login login[POSTFIX_LOGINS_MAX];
	size_t n; /* the first is main.cf's */
};

/* Returns 0, or -1 where there is no Postfix, or it has no configuration. */
int postfix_ask(struct postfix *p);

#endif
