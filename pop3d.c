/*
 * The parent: root, for milliseconds.  It reads the configuration, forks
 * session and auth, never reads a byte that came from the network, and
 * becomes the store when auth says for whom.
 *
 * Where it is given sockets that listen, it is the listener, which forks the
 * parent of each session when that one wants to log in.
 */
#include <sys/socket.h>
#include <sys/wait.h>
#include <netinet/in.h>

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/accounts.h"
#include "auth/auth.h"
#include "common/children.h"
#include "common/conf.h"
#include "common/connection.h"
#include "common/identity.h"
#include "common/inherit.h"
#include "common/log.h"
#include "common/messages.h"
#include "common/stop.h"
#include "configtest/configtest.h"
#include "listener/listener.h"
#include "session/session.h"
#include "store/store.h"

#define GRACE_MS 300

static const char usage[] = "usage: pop3d [-dnV] [-f file]";

static struct connection connection;

/*
 * A client that has reset the connection already is no peer of the socket any
 * more; systemd and tcpserver say who it was.
 */
static const char *
peer_of_environment(void)
{
	static const char *const names[] = { "REMOTE_ADDR", "TCPREMOTEIP" };
	unsigned char address[sizeof(struct in6_addr)];
	const char *value;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((value = getenv(names[i])) != NULL &&
		    (inet_pton(AF_INET, value, address) == 1 ||
			inet_pton(AF_INET6, value, address) == 1))
			return value;
	return PEER_UNKNOWN;
}

static void
find_peer(void)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getpeername(0, (struct sockaddr *)&ss, &len) == -1 ||
	    connection_find_peer(&connection, (struct sockaddr *)&ss, len) ==
	    -1)
		connection_set_peer(&connection, peer_of_environment());
}

/* Waits for a process to end, and logs it if a signal ended it. */
static void
reap(pid_t pid, const char *name)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return;
	children_report(name, status);
}

/*
 * This process was told to stop, perhaps no other was: the session hears of
 * it, and says so in the log.
 */
static void
pass_stop_on(int channel)
{
	struct msg_end end = { .reason = STOP_STOPPED };

	(void)channel_send(channel, MSG_END, &end, sizeof(end));
}

/* The session takes the client along: the parent keeps no network socket. */
static int
start_session(
    const struct conf *conf, const struct identity *as, const char *peer)
{
	int fd[2];

	inherit_channel(fd);
	if (inherit_fork() == 0) {
		close(fd[1]);
		session_run(conf, as, fd[0], peer);
	}
	close(fd[0]);
	inherit_let_go();
	return fd[1];
}

/* Polls, but does not read: what the session says is for auth. */
static void
wait_for_login(int channel)
{
	struct pollfd p = { channel, POLLIN, 0 };
	int n;

	do
		n = stop_poll(&p, 1, -1);
	while (n == -1 && errno == EINTR && !stop_requested());
	if (n == -1 && stop_requested()) {
		pass_stop_on(channel);
		_exit(0);
	}
	if (n == 1 && (p.revents & POLLIN) != 0 &&
	    (p.revents & POLLHUP) == 0)
		return;
	reap(-1, "session");
	_exit(0);
}

/*
 * auth ends by itself when the session has; but a disk that it reads from
 * may not answer, and then it gets no more than a moment.
 */
static int
wait_for_verdict(int verdict, int channel)
{
	struct pollfd p[2] = { { verdict, POLLIN, 0 }, { channel, 0, 0 } };
	int n, nfds = 2, timeout = -1;

	for (;;) {
		n = stop_poll(p, (nfds_t)nfds, timeout);
		if (n == 0 ||
		    (n == -1 && (errno != EINTR || stop_requested())))
			return -1;
		if (n > 0 && p[0].revents != 0)
			return 0;
		if (n > 0) {
			nfds = 1;
			timeout = GRACE_MS;
		}
	}
}

static pid_t
start_auth(const struct conf *conf, const struct identity *as,
    const struct connection *from, int channel, int failures, int *verdict)
{
	int fd[2];
	pid_t pid;

	inherit_channel(fd);
	if ((pid = inherit_fork()) == 0) {
		close(fd[1]);
		auth_run(conf, as, channel, fd[0], failures, from);
	}
	close(fd[0]);
	*verdict = fd[1];
	return pid;
}

/*
 * Asks one auth after the other, for as long as accounts change that one has
 * open.  The last, which is about to end, is left to be reaped.
 */
static pid_t
authenticate(const struct conf *conf, const struct identity *as,
    const struct connection *from, int channel, struct msg_verdict *verdict)
{
	static struct message m;
	struct msg_anew anew = { 0 };
	int fd, received;
	pid_t pid;

	for (;;) {
		pid = start_auth(conf, as, from, channel, anew.failures, &fd);
		if (wait_for_verdict(fd, channel) == -1) {
			if (stop_requested())
				pass_stop_on(channel);
			(void)kill(pid, SIGKILL);
			_exit(0);
		}
		received = channel_recv(fd, &m);
		close(fd);
		if (received == 1 &&
		    message_get(&m, MSG_VERDICT, verdict, sizeof(*verdict)))
			return pid;
		reap(pid, "auth");
		if (received != 1 ||
		    !message_get(&m, MSG_ANEW, &anew, sizeof(anew)))
			_exit(0);
	}
}

/* There is something to be read from the session: it wants to log in. */
static void
parent_run(const struct conf *conf, const struct identity *as,
    const struct connection *from, int channel)
{
	struct msg_verdict verdict;
	pid_t pid;

	pid = authenticate(conf, as, from, channel, &verdict);
	log_via(verdict.via);
	/* auth takes its time to end: what is done meanwhile costs none. */
	store_begin(conf, as, &verdict, channel, verdict.peer);
	reap(pid, "auth");
	store_run(conf);
}

int
main(int argc, char *argv[])
{
	static struct conf conf;
	struct inherit_options options;
	struct identity as;
	int sockets[INHERIT_SOCKETS_MAX], channel, n;

	inherit_options(&options, "pop3d", "df:nV", usage, argc, argv);
	if (options.check)
		return configtest(&conf, options.file);
	stop_block();
	n = inherit_listening("pop3d", options.debug, connection.id, sockets);
	if (n > 0) {
		accounts_prepare();
		listener_run(options.file, sockets, (size_t)n, parent_run);
	}
	if (inherit_begin("pop3d", options.debug, connection.id, &conf,
		options.file) == -1)
		return 1;
	find_peer();
	if (identity_find(&as, &conf) == -1)
		return 1;
	channel = start_session(&conf, &as, connection.peer);
	wait_for_login(channel);
	parent_run(&conf, &as, &connection, channel);
}
