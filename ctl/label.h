/*
 * The application passwords of an account, by their labels.  pop3settings
 * works with this, too: nothing of pop3ctl's commands is here.
 */
#ifndef CTL_LABEL_H
#define CTL_LABEL_H

#include <stddef.h>

#include "auth/account.h"

/*
 * Can it be the label of a new one?  1 to LABEL_MAX octets that can be shown,
 * and something to be seen among them.  Before 1.1 blanks were enough, and
 * what was exported then can be read.
 */
int label_good(const char *label);
int label_readable(const char *label);

/* Where is it?  a->napp: nowhere. */
size_t label_find(const struct account *a, const char *label);

/* Takes the application password at that place away. */
void label_remove(struct account *a, size_t i);

#endif
