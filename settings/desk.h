/*
 * The desk: it reads what the web server sends, and has nothing else.
 */
#ifndef SETTINGS_DESK_H
#define SETTINGS_DESK_H

#include "common/conf.h"
#include "common/identity.h"

/*
 * Leaves root for "as", locks itself in, takes the one request on descriptor
 * 0, has it judged and done by those at the other end of the channel to auth,
 * and answers it; what there is to be shown comes through page.  Never
 * returns.
 */
void desk_run(const struct conf *conf, const struct identity *as, int auth,
    int page) __attribute__((noreturn));

#endif
