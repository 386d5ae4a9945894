/*
 * What becomes of a child of the listener, for which the listener knows no
 * more than how to call it.
 */
#ifndef LISTENER_PARENT_H
#define LISTENER_PARENT_H

#include "common/conf.h"
#include "common/connection.h"
#include "common/identity.h"

/*
 * The parent of a session, when that one wants to log in by its channel: root,
 * with no other descriptor of the listener's.
 */
typedef void listener_parent(const struct conf *conf,
    const struct identity *as, const struct connection *connection,
    int channel);

#endif
