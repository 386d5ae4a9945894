/*
 * The socket that inetd, systemd or tcpserver hand to a program: on
 * descriptors 0 and 1, or by systemd's LISTEN_FDS=1 on 3.  For the parent, as
 * it starts.
 */
#ifndef COMMON_INHERIT_H
#define COMMON_INHERIT_H

#include "common/connection.h"

/*
 * After this the other side is on descriptors 0 and 1, nothing is above 2,
 * and 2 is standard error only where that was asked for and is not the other
 * side.  Where there is no socket it says so, with the name of the program,
 * and exits with 2.
 */
void inherit_socket(const char *program, int want_stderr);

/* Takes the other side off descriptors 0 and 1: somebody else has it. */
void inherit_let_go(void);

/*
 * Opens the log under the name of the program.  All lines of a connection
 * have its id, which is made, from the first one on.
 */
void inherit_log(
    const char *program, int to_stderr, char id[CONNECTION_ID_SIZE]);

/*
 * Prints how the program is called, and exits with 2.  Under inetd standard
 * error is the other side, which must not read this: then it is logged.
 */
void inherit_usage(const char *program, const char *usage)
    __attribute__((noreturn));

#endif
