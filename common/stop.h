/*
 * How a process is stopped: by SIGTERM, between two steps and never within
 * one.
 *
 * The signal is blocked, but while a process waits or, in long work, asks
 * for it.  So nothing else is ever interrupted, and each process can say in
 * the log that it was stopped, which is no failure.  Works in every sandbox.
 */
#ifndef COMMON_STOP_H
#define COMMON_STOP_H

#include <poll.h>

/*
 * Blocks the signal in this process and in all that it forks from now on.
 * The parent calls it before it forks.
 */
void stop_block(void);

/*
 * poll(2) that lets the signal in.  Once that has come, before the call too,
 * it returns -1 with errno EINTR; an event may be told first.
 */
int stop_poll(struct pollfd *fds, nfds_t nfds, int timeout_ms);

/* Was this process told to stop?  In long work: costs a system call. */
int stop_requested(void);

#endif
