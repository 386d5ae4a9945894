/*
 * inetd COMMAND ...: starts it for each connection that comes to the socket
 * on descriptor 0, as inetd(8) does for nowait.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <spawn.h>
#include <unistd.h>

/*
 * The connection is on descriptors 0 and 1, and no other is open.  Copies no
 * page, as fork(2) would: what inetd costs shall not hide what we do.
 */
static void
start(int fd, char *command[])
{
	posix_spawn_file_actions_t to;
	pid_t pid;

	if (posix_spawn_file_actions_init(&to) != 0)
		return;
	if (posix_spawn_file_actions_adddup2(&to, fd, 0) == 0 &&
	    posix_spawn_file_actions_adddup2(&to, fd, 1) == 0)
		(void)posix_spawn(
		    &pid, command[0], &to, NULL, command, environ);
	(void)posix_spawn_file_actions_destroy(&to);
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
