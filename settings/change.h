/*
 * Changes that users make to their own accounts.  In the clerk.
 */
#ifndef SETTINGS_CHANGE_H
#define SETTINGS_CHANGE_H

#include "common/conf.h"
#include "settings/task.h"

/*
 * Does what the order's request wants, if the account is still the one that
 * was judged; sends the desk what there is to be shown of it, and has those
 * sessions ended that could not be begun any more.  Fills done.
 */
void change_run(const struct conf *conf, const struct clerk_fds *fds,
    const struct order *order, struct done *done);

#endif
