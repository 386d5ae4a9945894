/*
 * inetd COMMAND ...: starts it for each connection that comes to the socket
 * on descriptor 0, as inetd(8) does for nowait.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <unistd.h>

/* The connection is on descriptors 0 and 1, and no other is open. */
static void
start(int fd, char *command[])
{
	/* Copies no page: what inetd costs shall not hide what we do. */
	if (vfork() != 0)
		return;
	(void)dup2(fd, 0);
	(void)dup2(fd, 1);
	execv(command[0], command);
	_exit(127);
}

int
main(int argc, char *argv[])
{
	int fd;

	if (argc < 2)
		errx(2, "usage: inetd COMMAND ...");
	for (;;) {
		if ((fd = accept4(0, NULL, NULL, SOCK_CLOEXEC)) == -1)
			continue;
		start(fd, argv + 1);
		close(fd);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
	}
}
