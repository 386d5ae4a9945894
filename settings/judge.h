/*
 * pop3settings' auth: it sees the accounts, what proves who their users are,
 * and the key of cookies; and no mail.
 */
#ifndef SETTINGS_JUDGE_H
#define SETTINGS_JUDGE_H

#include "common/conf.h"
#include "common/identity.h"
#include "settings/task.h"

/*
 * Opens the accounts and reads the key while it is still root, leaves root
 * for "as", locks itself in, and judges the one request that the desk hands
 * on: has clerk or owner do what was asked for, if it may be done, and tells
 * the desk.  Never returns.
 */
void judge_run(const struct conf *conf, const struct identity *as,
    const struct judge_fds *fds) __attribute__((noreturn));

#endif
