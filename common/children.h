/*
 * Children that end while a process waits for something else as well: how the
 * listener and the keys process hear of it.
 *
 * SIGCHLD is blocked but in stop_poll() and children_poll(), which return -1
 * with errno EINTR then.  Works in the sandbox of the keys process.
 */
#ifndef COMMON_CHILDREN_H
#define COMMON_CHILDREN_H

#include <poll.h>
#include <sys/types.h>

/* From now on; after stop_block(). */
void children_watch(void);

/* In a child that will wait for its own: as it was before. */
void children_unwatch(void);

/* poll(2) that lets in SIGCHLD, and no signal that stops a process. */
int children_poll(struct pollfd *fds, nfds_t nfds, int timeout_ms);

/* A child that has ended, and how; 0 where there is none (any more). */
pid_t children_next(int *status);

/* Logs that a process was ended by a signal, if it was. */
void children_report(const char *name, int status);

#endif
