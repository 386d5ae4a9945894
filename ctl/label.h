/*
 * The application passwords of an account, by their labels.  pop3settings
 * works with this, too: nothing of pop3ctl's commands is here.
 */
#ifndef CTL_LABEL_H
#define CTL_LABEL_H

#include <stddef.h>

#include "auth/account.h"

/* Can it be a label?  Where is it?  (a->napp: nowhere.) */
int label_good(const char *label);
size_t label_find(const struct account *a, const char *label);

/* Takes the application password at that place away. */
void label_remove(struct account *a, size_t i);

#endif
