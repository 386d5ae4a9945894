#include <sys/resource.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/children.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/messages.h"
#include "common/network.h"
#include "listener/held.h"
#include "listener/reception.h"
#include "listener/renewal.h"

#define BUSY_MS 10 /* until the next look at keys that has work */

/* An IPv6 address is a customer's in these bits, and he has all the others. */
#define CUSTOMER_BITS 64

/*
 * Whom a connection counts for: a customer's network.  0 where it counts for
 * nobody: of a proxy's there are as many as there are clients behind it.
 */
static int
counts_for(const struct listener *l, const struct connection *c,
    struct network *from)
{
	const struct conf *conf = &l->serving->conf;

	return !network_has(conf->proxy, conf->nproxy, c->peer) &&
	    network_around(from, c->peer, 32, CUSTOMER_BITS) == 0;
}

static int
hand_to_keys(struct listener *l, struct place *place, int client)
{
	struct msg_connection c = {
		.place = (uint32_t)(place - l->places.place),
		.connection = place->connection };
	const int n = l->keyring.serving;
	int fd[2], pass[2], rv;

	if (state_open_channel(fd) == -1)
		return -1;
	pass[0] = client;
	pass[1] = fd[0];
	rv = channel_send_fds(l->keyring.key[n].channel, MSG_CONNECTION, &c,
	    sizeof(c), pass, 2);
	close(fd[0]);
	place->channel = fd[1];
	if (rv == 0)
		place->keys = n;
	else
		state_close_channel(place);
	return rv;
}

/* Finds a place for a client, or hangs up. */
static void
welcome(struct listener *l, int client, const struct connection *c)
{
	const int max = l->serving->conf.max_sessions;
	struct network from;
	struct place *place;
	const int counted = counts_for(l, c, &from);

	if (counted && places_of(&l->places, &from) >=
	    (size_t)l->serving->conf.max_sessions_per_address) {
		acceptor_tell_refused(&l->acceptor, c->peer);
		return;
	}
	place = places_take(&l->places, c, counted ? &from : NULL);
	if (hand_to_keys(l, place, client) == -1)
		state_settle(l, place);
	if (l->places.taken >= (size_t)max)
		acceptor_tell_full(&l->acceptor, max);
}

int
reception_is_full(const struct listener *l)
{
	return l->serving != NULL &&
	    l->places.taken >= (size_t)l->serving->conf.max_sessions;
}

/* Would a message to the keys that serve wait? */
static int
keys_are_busy(const struct listener *l)
{
	struct pollfd p = { -1, POLLOUT, 0 };

	if (l->keyring.serving != KEYS_NONE)
		p.fd = l->keyring.key[l->keyring.serving].channel;
	return p.fd != -1 && poll(&p, 1, 0) == 0;
}

/*
 * Where nobody can be served, clients are not left to wait: whoever started
 * us would start us again and again if we ended instead.
 */
void
reception_hear_socket(struct listener *l, int socket)
{
	struct connection c;
	int client;

	renewal_look(l);
	if (l->keyring.starting != KEYS_NONE || reception_is_full(l))
		return;
	if (keys_are_busy(l)) {
		l->acceptor.pause = clock_ms() + BUSY_MS;
		return;
	}
	if ((client = acceptor_take(&l->acceptor, socket, &c)) == -1)
		return;
	if (l->keyring.serving != KEYS_NONE)
		welcome(l, client, &c);
	close(client);
}

/* The session wants to log in: the channel goes to who becomes its parent. */
static void
start_parent(struct listener *l, struct place *place)
{
	static struct connection connection; /* places are in no child */
	const int channel = place->channel;
	pid_t pid;

	connection = place->connection;
	if ((pid = fork()) == 0) {
		held_leave(channel);
		children_unwatch();
		(void)setrlimit(RLIMIT_NOFILE, &l->files);
		(void)log_tag(connection.id);
		l->parent(&l->serving->conf, &l->serving->as, &connection,
		    channel);
		_exit(0);
	}
	if (pid == -1)
		log_warn("fork: %s", strerror(errno));
	else
		place->parent = pid;
}

/* Polled, and not read: what the session says is for auth. */
void
reception_hear_session(struct listener *l, struct place *place, short events)
{
	if ((events & POLLIN) != 0 && (events & POLLHUP) == 0)
		start_parent(l, place);
	state_close_channel(place);
	state_settle(l, place);
}
