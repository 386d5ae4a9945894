#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/children.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/messages.h"
#include "common/stop.h"
#include "listener/held.h"
#include "listener/listener.h"
#include "listener/reception.h"
#include "listener/renewal.h"

#define START_MS 10000 /* that keys may take to start */
#define STOP_MS	 3000  /* that sessions may take to stop */

static void
reap(struct listener *l)
{
	const char *before;
	struct place *p;
	int status;
	pid_t pid;

	while ((pid = children_next(&status)) != 0) {
		if (keyring_ended(&l->keyring, pid)) {
			children_report("keys", status);
			continue;
		}
		if ((p = places_find(&l->places, pid)) == NULL)
			continue;
		before = log_tag(p->connection.id);
		children_report("parent or store", status);
		(void)log_tag(before);
		p->parent = 0;
		state_settle(l, p);
	}
}

/* Fills in what is waited for. */
static void
await(struct listener *l)
{
	const struct acceptor *a = &l->acceptor;
	const int open = l->keyring.starting == KEYS_NONE &&
	    !reception_is_full(l) && clock_ms() >= a->pause;
	size_t i;
	struct place *p;

	for (i = 0; i < FIRST_SESSION; i++)
		l->wait[i] = (struct pollfd){ -1, POLLIN, 0 };
	for (i = 0; open && i < a->count; i++)
		l->wait[i].fd = a->socket[i];
	for (i = 0; i < KEYS_MAX; i++)
		l->wait[FIRST_KEYS + i].fd = l->keyring.key[i].channel;
	l->nwait = FIRST_SESSION;
	for (p = l->places.place; p < l->places.place + l->places.top; p++)
		if (p->taken && p->channel != -1) {
			l->session[l->nwait - FIRST_SESSION] = p;
			l->wait[l->nwait++] =
			    (struct pollfd){ p->channel, POLLIN, 0 };
		}
}

/* Sockets last, for what they bring changes what is waited for. */
static void
hear(struct listener *l)
{
	nfds_t i;

	for (i = FIRST_KEYS; i < FIRST_SESSION; i++)
		if (l->wait[i].revents != 0)
			renewal_hear(l, (int)(i - FIRST_KEYS));
	for (i = FIRST_SESSION; i < l->nwait; i++)
		if (l->wait[i].revents != 0)
			reception_hear_session(l, l->session[i - FIRST_SESSION],
			    l->wait[i].revents);
	for (i = 0; i < FIRST_KEYS; i++)
		if (l->wait[i].revents != 0)
			reception_hear_socket(l, l->wait[i].fd);
}

/* Returns -1 if it could not be told, since we may not: the system does. */
static int
stop_session(struct place *p)
{
	struct msg_end end = { .reason = STOP_STOPPED };

	if (p->channel != -1)
		(void)channel_send(p->channel, MSG_END, &end, sizeof(end));
	state_close_channel(p);
	return p->parent == 0 ? 0 : kill(p->parent, SIGTERM);
}

static void __attribute__((noreturn))
stop(struct listener *l)
{
	const int64_t deadline = clock_ms() + STOP_MS;
	struct place *p;
	size_t i;
	int left = STOP_MS;

	for (i = 0; i < l->acceptor.count; i++)
		held_close(l->acceptor.socket[i]);
	l->acceptor.count = 0;
	for (p = l->places.place; p < l->places.place + l->places.top; p++)
		if (p->taken && stop_session(p) == -1)
			left = 0;
	while (left > 0 && l->places.taken > 0) {
		await(l);
		if (children_poll(l->wait, l->nwait, left) > 0)
			hear(l);
		reap(l);
		left = (int)(deadline - clock_ms());
	}
	_exit(0);
}

/* When it ends, because nobody is here; INT64_MAX: it does not. */
static int64_t
end_of_idleness(const struct listener *l)
{
	const int timeout = l->tried->conf.listener_timeout;

	if (l->places.taken > 0 || timeout == 0)
		return INT64_MAX;
	return l->idle_since + (int64_t)timeout * 1000;
}

/* The time until something is due, ms; -1: nothing is. */
static int
patience(const struct listener *l)
{
	const int64_t now = clock_ms();
	int64_t due;

	if (l->keyring.starting != KEYS_NONE)
		due = l->keyring.key[l->keyring.starting].begun + START_MS;
	else if (l->acceptor.pause > now)
		due = l->acceptor.pause;
	else
		due = end_of_idleness(l);
	if (due == INT64_MAX)
		return -1;
	return due > now ? (int)(due - now) : 0;
}

/* Nothing has happened until something was due. */
static void
be_late(struct listener *l)
{
	const int n = l->keyring.starting;

	if (n != KEYS_NONE) {
		log_warn("keys does not start, because its files cannot be "
		    "read in time");
		(void)kill(l->keyring.key[n].pid, SIGKILL);
		renewal_lose(l, n);
	} else if (clock_ms() >= end_of_idleness(l))
		_exit(0);
}

/* Other processes begin in /, too: there Berkeley DB can do its work. */
static const char *
absolute(const char *file)
{
	static char path[PATH_MAX];
	char here[PATH_MAX];

	if (file[0] == '/' || getcwd(here, sizeof(here)) == NULL ||
	    (size_t)snprintf(path, sizeof(path), "%s/%s", here, file) >=
	    sizeof(path))
		return file;
	return path;
}

static int
prepare(struct listener *l)
{
	struct rlimit most;

	/* A descriptor for each session that has not logged in yet. */
	if (getrlimit(RLIMIT_NOFILE, &l->files) == -1)
		return -1;
	most = l->files;
	most.rlim_cur = most.rlim_max;
	if (most.rlim_cur > HELD_MAX)
		most.rlim_cur = HELD_MAX;
	(void)setrlimit(RLIMIT_NOFILE, &most);
	/* Changes are seen without it, and nothing else is meant by it. */
	(void)signal(SIGHUP, SIG_IGN);
	children_watch();
	keyring_init(&l->keyring);
	return chdir("/") == -1 ? -1 : places_init(&l->places);
}

void
listener_run(const char *file, const int *sockets, size_t count,
    listener_parent *parent)
{
	static struct listener l; /* large, and zeroed */
	int n;

	l.file = absolute(file);
	l.parent = parent;
	acceptor_init(&l.acceptor, sockets, count);
	if (prepare(&l) == -1) {
		log_warn("listener: %s", strerror(errno));
		_exit(1);
	}
	l.idle_since = l.looked = clock_ms();
	renewal_begin(&l);
	for (;;) {
		await(&l);
		n = stop_poll(l.wait, l.nwait, patience(&l));
		if (n == -1 && stop_requested())
			stop(&l);
		if (n > 0)
			hear(&l);
		else if (n == 0)
			be_late(&l);
		reap(&l);
	}
}
