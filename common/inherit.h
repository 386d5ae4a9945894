/*
 * The sockets that inetd, systemd or tcpserver hand to a program: on
 * descriptors 0 and 1, or by systemd's LISTEN_FDS from 3 on.  For the parent
 * and the listener, as they start.
 */
#ifndef COMMON_INHERIT_H
#define COMMON_INHERIT_H

#include <sys/types.h>

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

#define INHERIT_SOCKETS_MAX 16

/*
 * How the listener begins, which is found out by this: were sockets handed
 * over that listen?  Returns how many, and their descriptors in fd, and all
 * is as above but for the configuration, which is not read, and the working
 * directory; or 0, and nothing was done.  Where only some of systemd's
 * sockets listen it says so and exits with 2.
 */
int inherit_listening(const char *program, int debug,
    char id[CONNECTION_ID_SIZE], int fd[INHERIT_SOCKETS_MAX]);

/* Takes the other side off descriptors 0 and 1: somebody else has it. */
void inherit_let_go(void);

struct inherit_options {
	const char *file; /* -f; CONF_FILE unless given */
	int debug;	  /* -d */
	int check;	  /* -n, where letters have it */
};

/*
 * The options of a program; letters are those of getopt(3).  -V prints the
 * version and exits.  Where they are wrong it prints usage and exits with 2:
 * under inetd standard error is the other side, which must not read this, and
 * then it is logged.
 */
void inherit_options(struct inherit_options *o, const char *program,
    const char *letters, const char *usage, int argc, char *argv[]);

/* A channel between two children, or a child, of a parent; or it ends. */
void inherit_channel(int fd[2]);
pid_t inherit_fork(void);

#endif
