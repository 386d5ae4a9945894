/*
 * What mail programs deleted and the mailbox has kept.  In the owner's
 * process.
 *
 * Each locks the process in as a store, opens the mailbox and closes it again.
 * Where that is long work, it is left off when the desk has gone, as sessions
 * leave it off: whoever comes next goes on from there.
 * SELF_GOOD and page; SELF_IN_USE: a session has it; SELF_NO_SUCH;
 * SELF_TROUBLE, told.
 */
#ifndef SETTINGS_KEPT_H
#define SETTINGS_KEPT_H

#include "common/conf.h"
#include "settings/task.h"

enum self_result kept_list(const struct conf *conf, const struct visit *v,
    int desk, union page *page);
enum self_result kept_requeue(const struct conf *conf, const struct visit *v,
    int desk, union page *page);

#endif
