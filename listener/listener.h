/*
 * The listener, for busy hosts: root, with sockets that listen, which accepts
 * connections, counts them, and has processes forked for each, which cost no
 * exec.  It reads nothing from the network, and knows no key.
 */
#ifndef LISTENER_LISTENER_H
#define LISTENER_LISTENER_H

#include <stddef.h>

#include "listener/parent.h"

/*
 * Serves what comes on count sockets, by the configuration in file, which it
 * reads again when it has changed, until SIGTERM, or until there was no
 * session for as long as the configuration says.  Never returns.
 */
void listener_run(const char *file, const int *sockets, size_t count,
    listener_parent *parent) __attribute__((noreturn));

#endif
