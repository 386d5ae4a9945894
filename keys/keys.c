#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/children.h"
#include "common/log.h"
#include "common/messages.h"
#include "common/privdrop.h"
#include "common/sandbox.h"
#include "common/unshared.h"
#include "keys/keys.h"
#include "session/session.h"
#include "session/tls.h"

/* A session, by its process. */
struct kept {
	pid_t pid; /* 0: none */
	struct msg_gone gone;
};

struct keys {
	const struct conf *conf;
	struct tls *server;
	int listener; /* the channel */
	int over;     /* it has no more for us */
	struct kept *kept; /* CONF_SESSIONS_MAX; not for the sessions' eyes */
	size_t top;   /* behind the last of them */
};

/*
 * The client goes where inetd would have put it, and the session's channel
 * where the way to the listener was: that is the one number that the filter
 * of keys lets it talk on.
 */
static void __attribute__((noreturn))
become_session(const struct keys *k, const struct connection *connection,
    const struct message *m)
{
	if (dup2(m->fd[0], 0) == -1 || dup2(m->fd[0], 1) == -1 ||
	    dup2(m->fd[1], k->listener) == -1)
		_exit(1);
	close(m->fd[0]);
	close(m->fd[1]);
	session_run_kept(k->conf, k->server, k->listener, connection->peer);
}

static void
tell_gone(const struct keys *k, const struct msg_gone *gone)
{
	(void)channel_send(k->listener, MSG_GONE, gone, sizeof(*gone));
}

static void
start_session(struct keys *k, const struct msg_connection *c,
    const struct message *m)
{
	struct kept kept = { 0, { c->place, "" } };
	const char *before = log_tag(c->connection.id);

	strlcpy(kept.gone.id, c->connection.id, sizeof(kept.gone.id));
	if ((kept.pid = fork()) == 0)
		become_session(k, &c->connection, m);
	if (kept.pid == -1) {
		log_warn("fork: %s", strerror(errno));
		tell_gone(k, &kept.gone);
	} else {
		k->kept[c->place] = kept;
		if (c->place >= k->top)
			k->top = c->place + 1;
	}
	log_tag(before);
}

static void
take_connection(struct keys *k)
{
	static struct message m;
	static struct msg_connection c; /* a session keeps what is its own */
	int rv = channel_recv_fds(k->listener, &m);

	if (rv == 1 && m.nfd == 2 &&
	    message_get(&m, MSG_CONNECTION, &c, sizeof(c)) &&
	    c.place < CONF_SESSIONS_MAX && k->kept[c.place].pid == 0)
		start_session(k, &c, &m);
	else
		k->over = 1;
	if (rv == 1)
		channel_close_fds(&m);
}

static void
reap(struct keys *k)
{
	const char *before;
	struct kept *kept;
	int status;
	pid_t pid;

	while ((pid = children_next(&status)) != 0)
		for (kept = k->kept; kept < k->kept + k->top; kept++)
			if (kept->pid == pid) {
				before = log_tag(kept->gone.id);
				children_report("session", status);
				log_tag(before);
				tell_gone(k, &kept->gone);
				kept->pid = 0;
			}
	while (k->top > 0 && k->kept[k->top - 1].pid == 0)
		k->top--;
}

static void __attribute__((noreturn))
keys_serve(struct keys *k)
{
	struct pollfd p = { k->listener, POLLIN, 0 };
	int n;

	for (;;) {
		reap(k);
		if (k->over && k->top == 0)
			_exit(0);
		p.fd = k->over ? -1 : k->listener;
		n = children_poll(&p, 1, -1);
		if (n == -1 && errno != EINTR)
			_exit(1);
		if (n == 1)
			take_connection(k);
	}
}

void
keys_run(const struct conf *conf, const struct identity *as, int channel)
{
	static struct keys k;
	char err[512];

	k.conf = conf;
	k.listener = channel;
	if ((k.server = tls_setup_good(conf, err, sizeof(err))) == NULL) {
		log_warn("%s", err);
		_exit(1);
	}
	tls_warm_up(k.server);
	k.kept = unshared_new(CONF_SESSIONS_MAX * sizeof(k.kept[0]));
	if (k.kept == NULL) {
		log_warn("out of memory");
		_exit(1);
	}
	if (as->root && privdrop(as->uid, as->gid, EMPTY_DIR) == -1)
		_exit(1);
	if (sandbox_keys(channel, conf->sandbox_required) == -1 ||
	    channel_send(channel, MSG_READY, NULL, 0) == -1)
		_exit(1);
	keys_serve(&k);
}
