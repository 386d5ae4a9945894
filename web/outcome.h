/*
 * What follows from what pop3settings has answered.
 */
#ifndef WEB_OUTCOME_H
#define WEB_OUTCOME_H

#include "web/visit.h"

/*
 * Does it end the visit whatever was asked for: nobody is signed in, there is
 * trouble?  Then this was answered, and 1 is returned; else 0.
 */
int outcome_is_end(struct visit *v);

/*
 * After a change that has nothing to show of its own: on to a page, which is
 * a literal and says what has come of it.  done is a word of the table in
 * outcome.c.
 */
void outcome_go_on(struct visit *v, const char *page, const char *done);

/* The same, which says how many there were. */
void outcome_counted(struct visit *v, const char *page, const char *done);

/*
 * To show a form again: says above it what was wrong with what was typed in,
 * and which field has that.
 */
void outcome_of_form(struct visit *v, enum self_result result);

/* What outcome_go_on() had to say is taken from the query of that page. */
void outcome_notes(struct visit *v);

#endif
