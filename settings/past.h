/*
 * What the journal of a mailbox tells its user.  In the owner's process.
 *
 * Each locks the process in, so that it can read the journal and no more,
 * fills page and returns SELF_GOOD; or SELF_TROUBLE, told.  A journal that
 * cannot be read is told of as well, and no reason to keep the page back, on
 * which there is more than that: to revoke an application password, say.
 */
#ifndef SETTINGS_PAST_H
#define SETTINGS_PAST_H

#include "common/conf.h"
#include "settings/task.h"

/* The last logins. */
enum self_result past_overview(
    const struct conf *conf, const struct visit *v, union page *page);

/* The visit's application passwords, with their last use. */
enum self_result past_apps(
    const struct conf *conf, const struct visit *v, union page *page);

/* Logins, what was deleted, ends, and what was done on the page: the newest
   first. */
enum self_result past_activity(
    const struct conf *conf, const struct visit *v, union page *page);

#endif
