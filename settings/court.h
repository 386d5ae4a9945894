/*
 * What the files of auth share: the one request that is being judged.
 *
 * Data, and what is asked of others.  Who works with it, each of them calling
 * those below it: judge.c (the process), signin.c (who is it?), errand.c (what
 * may be done, is), court.c.
 */
#ifndef SETTINGS_COURT_H
#define SETTINGS_COURT_H

#include "auth/accounts.h"
#include "auth/denial.h"
#include "auth/factors.h"
#include "common/conf.h"
#include "settings/cookie.h"
#include "settings/task.h"

struct court {
	const struct conf *conf;
	struct judge_fds fds;
	struct accounts *accounts;
	unsigned char key[COOKIE_KEY];
	int64_t asked; /* clock_ms() */
	int64_t now;   /* ms since the epoch */
	struct self_request request;
	char peer[PEER_MAX + 1]; /* the browser's, as far as it can be one */
	int known;		 /* account has the one it is about */
	struct account account;
	struct factors factors;
	struct cookie cookie; /* as it came, and then as it will be */
	struct deed deed; /* what the clerk has done, to be told */
	struct ruling ruling;
};

/*
 * Looks the account of an address up, in its present state: 1, or 0.  An
 * error ends the request.
 */
int court_find(struct court *c, const char *address);

/* Reads the account's factors; an error ends the request. */
void court_factors(struct court *c);

/* Has the clerk do it: enum self_result.  An error ends the request. */
enum self_result court_order(struct court *c, struct order *order,
    enum act act);

/* Has the owner's process do what was asked for, in the mailbox. */
enum self_result court_visit(struct court *c);

/*
 * Has the mailbox's journal told of the deed, if there is one, unless the
 * mailbox was visited already.  Where that fails nothing else does.
 */
enum telling { TELL_SIGNED_IN, TELL_CHANGED };
void court_tell(struct court *c, enum telling telling);

/*
 * The browser's new cookie, of that kind, and the account on its page.
 */
void court_admit(struct court *c, enum cookie_kind kind);

/* A line in the log, for the administrator and fail2ban. */
void court_log_refusal(const struct court *c, const char *user,
    enum denial denial);

/* Tells the desk, when a refusal may be told; and ends. */
void court_rule(struct court *c, enum self_result result)
    __attribute__((noreturn));

/* The same after something that went wrong, and was logged. */
void court_trouble(struct court *c) __attribute__((noreturn));

#endif
