/*
 * pop3settings: answers one request of pop3web, by which a user looks after
 * his own account.
 *
 * This is the parent: root, which reads the configuration and forks the desk,
 * which talks to the web server.  When that has a request, it forks auth,
 * which judges it, and the clerk, which changes accounts; and then waits to be
 * told whose mailbox it is to become the owner of.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/children.h"
#include "common/inherit.h"
#include "common/log.h"
#include "common/stop.h"
#include "ctl/ctl.h"
#include "settings/clerk.h"
#include "settings/desk.h"
#include "settings/judge.h"
#include "settings/owner.h"

static const char usage[] = "usage: pop3settings [-dV] [-f file]";

enum child { DESK, AUTH, CLERK, CHILDREN };

static pid_t child[CHILDREN];

/* Forks: 1 in the child. */
static int
start(enum child which)
{
	child[which] = inherit_fork();
	return child[which] == 0;
}

/* The desk takes the web server along. */
static void
start_desk(const struct conf *conf, const struct identity *as, int auth[2],
    int page[2])
{
	inherit_channel(auth);
	inherit_channel(page);
	if (start(DESK)) {
		close(auth[1]);
		close(page[1]);
		stop_block();
		desk_run(conf, as, auth[0], page[0]);
	}
	close(auth[0]);
	close(page[0]);
	inherit_let_go();
}

/* How each of the others ended, if a signal ended it. */
static void
reap(void)
{
	static const char *const names[] = { "desk", "auth", "clerk" };
	int i, status;

	for (i = 0; i < CHILDREN; i++)
		if (child[i] > 0 && waitpid(child[i], &status, 0) == child[i])
			children_report(names[i], status);
}

/* Polls, but does not read: what the desk says is for auth. */
static void
wait_for_request(int desk)
{
	struct pollfd p = { desk, POLLIN, 0 };

	while (poll(&p, 1, -1) == -1 && errno == EINTR)
		continue;
	if ((p.revents & POLLIN) != 0 && (p.revents & POLLHUP) == 0)
		return;
	reap();
	_exit(0);
}

/* Each has its own ends alone, and so all of them end with each other. */
static void
answer(const struct conf *conf, const struct identity *as, int desk, int page)
{
	int clerk[2], owner[2], notes[2];
	struct judge_fds judge;

	inherit_channel(clerk);
	inherit_channel(owner);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, notes) == -1) {
		log_warn("socketpair: %s", strerror(errno));
		_exit(1);
	}
	judge = (struct judge_fds){ desk, clerk[0], owner[0] };
	if (start(AUTH)) {
		close(clerk[1]);
		close(owner[1]);
		close(notes[0]);
		close(notes[1]);
		close(page);
		judge_run(conf, as, &judge);
	}
	close(desk);
	close(clerk[0]);
	close(owner[0]);
	if (start(CLERK)) {
		close(owner[1]);
		close(notes[1]);
		clerk_run(conf,
		    &(struct clerk_fds){ clerk[1], page, notes[0] });
	}
	close(clerk[1]);
	close(notes[0]);
	owner_serve(
	    conf, as, &(struct owner_fds){ owner[1], notes[1], page });
}

int
main(int argc, char *argv[])
{
	static struct conf conf;
	static char id[CONNECTION_ID_SIZE];
	struct inherit_options options;
	struct identity as;
	int auth[2], page[2];

	inherit_options(
	    &options, "pop3settings", "df:V", usage, argc, argv);
	if (inherit_begin("pop3settings", options.debug, id, &conf,
		options.file) == -1 ||
	    identity_find(&as, &conf) == -1)
		return 1;
	ctl_fail_to_log();
	start_desk(&conf, &as, auth, page);
	wait_for_request(auth[1]);
	answer(&conf, &as, auth[1], page[1]);
	reap();
	return 0;
}
