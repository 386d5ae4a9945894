/*
 * limit CERTIFICATE KEY: the limit.  What the same library, under the same
 * inetd, can do at best: a POP3 server that answers from constants.  It has
 * 10,000 messages of 4 kB, or with a third argument one of that many octets.
 * Given a socket that listens it forks for each connection, and does no more
 * for it than it would have to.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tls.h>
#include <unistd.h>

#define RECORD 16384
#define LINE   78

static struct tls *tls;
static char out[RECORD];
static char lines[LINE * 1024]; /* what all messages are made of */
static size_t used;

static void
flush(void)
{
	size_t sent = 0;
	ssize_t n;

	while (sent < used) {
		n = tls_write(tls, out + sent, used - sent);
		if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT)
			continue;
		if (n == -1)
			exit(1);
		sent += (size_t)n;
	}
	used = 0;
}

static void
put(const char *data, size_t len)
{
	size_t part;

	while (len > 0) {
		part = RECORD - used < len ? RECORD - used : len;
		memcpy(out + used, data, part);
		used += part;
		data += part;
		len -= part;
		if (used == RECORD)
			flush();
	}
}

static void
message(unsigned long octets)
{
	unsigned long part;

	put("+OK\r\n", 5);
	for (; octets > 0; octets -= part) {
		part = octets < sizeof(lines) ? octets : sizeof(lines);
		put(lines, part);
	}
	put(".\r\n", 3);
}

static int
answer(const char *command, unsigned long octets, int one)
{
	if (strncmp(command, "RETR", 4) == 0)
		message(octets);
	else if (strncmp(command, "STAT", 4) == 0)
		put(one ? "+OK 1 1\r\n" : "+OK 10000 1\r\n", one ? 9 : 13);
	else
		put("+OK\r\n", 5);
	return strncmp(command, "QUIT", 4) == 0;
}

static void
serve(unsigned long octets, int one)
{
	static char in[RECORD];
	size_t have = 0;
	char *newline, *p;
	ssize_t n;

	put("+OK\r\n", 5);
	for (;;) {
		flush();
		n = tls_read(tls, in + have, sizeof(in) - have);
		if (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT)
			continue;
		if (n <= 0)
			return;
		have += (size_t)n;
		for (p = in; (newline = memchr(p, '\n',
				  have - (size_t)(p - in))) != NULL;
		     p = newline + 1)
			if (answer(p, octets, one)) {
				flush();
				(void)tls_close(tls);
				return;
			}
		have -= (size_t)(p - in);
		memmove(in, p, have);
	}
}

static int
listens(void)
{
	int yes = 0;
	socklen_t len = sizeof(yes);

	return getsockopt(0, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) == 0 &&
	    yes;
}

/* Returns in the child, the client on descriptors 0 and 1. */
static void
fork_for_each(void)
{
	int fd;

	for (;;) {
		if ((fd = accept(0, NULL, NULL)) == -1)
			continue;
		if (fork() == 0) {
			dup2(fd, 0);
			dup2(fd, 1);
			close(fd);
			return;
		}
		close(fd);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
	}
}

int
main(int argc, char *argv[])
{
	struct tls_config *config = tls_config_new();
	struct tls *server = tls_server();
	size_t i;
	int on = 1;

	memset(lines, 'x', sizeof(lines));
	for (i = 0; i < sizeof(lines); i += LINE)
		memcpy(lines + i + LINE - 2, "\r\n", 2);
	if (argc < 3)
		errx(2, "usage: limit CERTIFICATE KEY [OCTETS]");
	if (tls_config_set_keypair_file(config, argv[1], argv[2]) == -1 ||
	    tls_config_set_ciphers(
		config, "ECDHE+AESGCM:ECDHE+CHACHA20") == -1 ||
	    tls_configure(server, config) == -1)
		return 1;
	if (listens())
		fork_for_each();
	(void)setsockopt(0, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (tls_accept_fds(server, &tls, 0, 1) == -1)
		return 1;
	if (argc > 3)
		serve(strtoul(argv[3], NULL, 10) / LINE * LINE, 1);
	else
		serve(52 * LINE, 0);
	return 0;
}
