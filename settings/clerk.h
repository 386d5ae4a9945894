/*
 * The clerk: it changes one account, and what proves who its user is, as auth
 * says; and sees no mail.
 */
#ifndef SETTINGS_CLERK_H
#define SETTINGS_CLERK_H

#include "common/conf.h"
#include "settings/task.h"

/*
 * Stays root, where it is root, but without any capability; locks itself in,
 * so that it can open nothing but what is beside the accounts; and does what
 * auth orders.  Never returns.
 */
void clerk_run(const struct conf *conf, const struct clerk_fds *fds)
    __attribute__((noreturn));

#endif
