/*
 * How a process is stopped: by SIGTERM, or by SIGUSR1 from pop3ctl kick,
 * between two steps and never within one.
 *
 * The signals are blocked, but while a process waits or, in long work, asks
 * for them.  So nothing else is ever interrupted, and each process can say in
 * the log that it was stopped, which is no failure.  Works in every sandbox.
 */
#ifndef COMMON_STOP_H
#define COMMON_STOP_H

#include <poll.h>

/*
 * The words for the log and between processes; one that others say is taken
 * for the first unless it is the second.
 */
#define STOP_STOPPED "stopped"
#define STOP_KICKED  "kicked"
const char *stop_word(const char *said);

/*
 * Blocks the signals in this process and in all that it forks from now on.
 * The parent calls it before it forks.
 */
void stop_block(void);

/*
 * poll(2) that lets the signals in.  Once one has come, before the call too,
 * it returns -1 with errno EINTR; an event may be told first.
 */
int stop_poll(struct pollfd *fds, nfds_t nfds, int timeout_ms);

/* Was this process told to stop?  In long work: costs a system call. */
int stop_requested(void);

/* By which of the two: its word; the first before there was one. */
const char *stop_reason(void);

#endif
