#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/inherit.h"
#include "common/linkage.h"
#include "common/log.h"
#include "common/version.h"

#define LISTEN_FD 3 /* sd_listen_fds(3): where systemd's sockets begin */

static int
is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

static int
listens(int fd)
{
	int yes = 0;
	socklen_t len = sizeof(yes);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) == 0 &&
	    yes;
}

/* How many sockets systemd left for us, from LISTEN_FD on. */
static int
listen_fds(void)
{
	const char *fds = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	const char *bad;
	int n;

	if (fds == NULL || pid == NULL ||
	    strtonum(pid, 1, INT32_MAX, &bad) != getpid() || bad != NULL)
		return 0;
	n = (int)strtonum(fds, 0, INT32_MAX - LISTEN_FD, &bad);
	return bad == NULL ? n : 0;
}

/* LISTEN_FDS=1: systemd left the accepted socket on descriptor 3. */
static void
take_listen_fd(void)
{
	if (listen_fds() == 1 &&
	    (dup2(LISTEN_FD, 0) == -1 || dup2(LISTEN_FD, 1) == -1))
		_exit(1);
}

/* Standard error stays where it is wanted, and not the other side. */
static void
settle_stderr(int wanted)
{
	int null;

	if (wanted && fcntl(2, F_GETFD) != -1 && !is_socket(2))
		return;
	if ((null = open("/dev/null", O_RDWR)) == -1 || dup2(null, 2) == -1)
		_exit(1);
	if (null > 2)
		close(null);
}

static void
take_socket(const char *program, int want_stderr)
{
	take_listen_fd();
	closefrom(LISTEN_FD);
	if (!is_socket(0) || !is_socket(1)) {
		fprintf(stderr, "%s: descriptors 0 and 1 are not a socket: "
		    "inetd or systemd starts %s, see %s(8)\n", program,
		    program, program);
		exit(2);
	}
	settle_stderr(want_stderr);
}

void
inherit_let_go(void)
{
	int null = open("/dev/null", O_RDWR);

	if (null == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1)
		_exit(1);
	if (null > 2)
		close(null);
}

static void
open_log(const char *program, int to_stderr, char id[CONNECTION_ID_SIZE])
{
	connection_new_id(id);
	log_open(program, to_stderr);
	log_tag(id);
}

static void
begin(const char *program, int debug, char id[CONNECTION_ID_SIZE])
{
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	/* A file that may not grow is an error, not an end. */
	signal(SIGXFSZ, SIG_IGN);
	open_log(program, debug, id);
}

/* inetd's, on 0, is moved to where systemd's are.  Returns how many. */
static int
take_listening(const char *program)
{
	int i, n = listen_fds();

	if (listens(0)) {
		if (dup2(0, LISTEN_FD) == -1)
			_exit(1);
		return 1;
	}
	if (n == 0 || (n == 1 && !listens(LISTEN_FD)))
		return 0;
	for (i = 0; i < n; i++)
		if (n > INHERIT_SOCKETS_MAX || !listens(LISTEN_FD + i)) {
			fprintf(stderr, "%s: LISTEN_FDS=%d: %s\n", program, n,
			    n > INHERIT_SOCKETS_MAX ? "too many sockets" :
			    "not all of these sockets listen");
			exit(2);
		}
	return n;
}

int
inherit_listening(const char *program, int debug,
    char id[CONNECTION_ID_SIZE], int fd[INHERIT_SOCKETS_MAX])
{
	int i, n = take_listening(program);

	if (n == 0)
		return 0;
	closefrom(LISTEN_FD + n);
	inherit_let_go();
	settle_stderr(debug);
	begin(program, debug, id);
	for (i = 0; i < n; i++)
		fd[i] = LISTEN_FD + i;
	return n;
}

int
inherit_begin(const char *program, int debug, char id[CONNECTION_ID_SIZE],
    struct conf *conf, const char *file)
{
	char err[1024];

	take_socket(program, debug);
	begin(program, debug, id);
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

static void __attribute__((noreturn))
refuse_usage(const char *program, const char *usage)
{
	static char id[CONNECTION_ID_SIZE];

	if (is_socket(2)) {
		open_log(program, 0, id);
		log_warn("%s", usage);
	} else
		fprintf(stderr, "%s\n", usage);
	exit(2);
}

void
inherit_options(struct inherit_options *o, const char *program,
    const char *letters, const char *usage, int argc, char *argv[])
{
	int c;

	linkage_begin();
	memset(o, 0, sizeof(*o));
	o->file = CONF_FILE;
	opterr = 0;
	while ((c = getopt(argc, argv, letters)) != -1) {
		switch (c) {
		case 'd':
			o->debug = 1;
			break;
		case 'f':
			o->file = optarg;
			break;
		case 'n':
			o->check = 1;
			break;
		case 'V':
			printf("%s %s\n", program, POP3D_VERSION);
			exit(0);
		default:
			refuse_usage(program, usage);
		}
	}
	if (optind != argc)
		refuse_usage(program, usage);
}

void
inherit_channel(int fd[2])
{
	if (channel_pair(fd) == -1) {
		log_warn("socketpair: %s", strerror(errno));
		_exit(1);
	}
}

pid_t
inherit_fork(void)
{
	pid_t pid = fork();

	if (pid == -1) {
		log_warn("fork: %s", strerror(errno));
		_exit(1);
	}
	return pid;
}
