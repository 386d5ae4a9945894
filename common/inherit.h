/*
 * The socket that inetd, systemd or tcpserver hand to a program: on
 * descriptors 0 and 1, or by systemd's LISTEN_FDS=1 on 3.  For the parent, as
 * it starts.
 */
#ifndef COMMON_INHERIT_H
#define COMMON_INHERIT_H

#include "common/conf.h"
#include "common/connection.h"

/*
 * How a parent begins.  After this the other side is on descriptors 0 and 1,
 * nothing is above 2, and 2 is standard error only with debug, and where it
 * is not the other side; the log is open, under the name of the program, or
 * with debug on standard error, and each line has the connection's id, which
 * is made here; the configuration is read, and the working directory exists,
 * as Berkeley DB wants it.
 *
 * Returns 0, or -1 after a line in the log.  Where there is no socket it says
 * so, with the name of the program, and exits with 2.
 */
int inherit_begin(const char *program, int debug,
    char id[CONNECTION_ID_SIZE], struct conf *conf, const char *file);

/* Takes the other side off descriptors 0 and 1: somebody else has it. */
void inherit_let_go(void);

/*
 * Prints how the program is called, and exits with 2.  Under inetd standard
 * error is the other side, which must not read this: then it is logged.
 */
void inherit_usage(const char *program, const char *usage)
    __attribute__((noreturn));

#endif
