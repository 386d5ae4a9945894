#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/inherit.h"
#include "common/log.h"

#define LISTEN_FD 3 /* sd_listen_fds(3): where systemd's sockets begin */

static int
is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* LISTEN_FDS=1: systemd left the accepted socket on descriptor 3. */
static void
take_listen_fd(void)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	const char *err;

	if (fds == NULL || pid == NULL || strcmp(fds, "1") != 0 ||
	    strtonum(pid, 1, INT32_MAX, &err) != getpid() || err != NULL)
		return;
	if (dup2(LISTEN_FD, 0) == -1 || dup2(LISTEN_FD, 1) == -1)
		_exit(1);
}

static void
take_socket(const char *program, int want_stderr)
{
	int null;

	take_listen_fd();
	closefrom(LISTEN_FD);
	if (!is_socket(0) || !is_socket(1)) {
		fprintf(stderr, "%s: descriptors 0 and 1 are not a socket: "
		    "inetd or systemd starts %s, see %s(8)\n", program,
		    program, program);
		exit(2);
	}
	if (want_stderr && fcntl(2, F_GETFD) != -1 && !is_socket(2))
		return;
	if ((null = open("/dev/null", O_RDWR)) == -1 || dup2(null, 2) == -1)
		_exit(1);
	if (null > 2)
		close(null);
}

void
inherit_let_go(void)
{
	int null = open("/dev/null", O_RDWR);

	if (null == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1)
		_exit(1);
	close(null);
}

static void
open_log(const char *program, int to_stderr, char id[CONNECTION_ID_SIZE])
{
	snprintf(id, CONNECTION_ID_SIZE, "%08lx", (unsigned long)arc4random());
	log_open(program, to_stderr);
	log_tag(id);
}

int
inherit_begin(const char *program, int debug, char id[CONNECTION_ID_SIZE],
    struct conf *conf, const char *file)
{
	char err[1024];

	take_socket(program, debug);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	/* A file that may not grow is an error, not an end. */
	signal(SIGXFSZ, SIG_IGN);
	open_log(program, debug, id);
	if (conf_load(conf, file, err, sizeof(err)) == -1) {
		log_warn("%s", err);
		return -1;
	}
	if (chdir("/") == -1) {
		log_warn("/: %s", strerror(errno));
		return -1;
	}
	return 0;
}

void
inherit_usage(const char *program, const char *usage)
{
	static char id[CONNECTION_ID_SIZE];

	if (is_socket(2)) {
		open_log(program, 0, id);
		log_warn("%s", usage);
	} else
		fprintf(stderr, "%s\n", usage);
	exit(2);
}
