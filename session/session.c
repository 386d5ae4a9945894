#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/client.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/network.h"
#include "common/privdrop.h"
#include "common/sandbox.h"
#include "common/stop.h"
#include "session/engine.h"
#include "session/proxy.h"
#include "session/session.h"
#include "session/talk.h"
#include "session/tls.h"

/*
 * Proxies look whether we are there every few seconds: they connect, for
 * nobody, and go, with or without a handshake.
 */
static int
is_health_check(const struct pop3 *p)
{
	return p->unnamed && p->logins == 0;
}

/* One that said nothing looked for a sign of life, and has seen it. */
static void
report_no_header(struct pop3 *p, const struct proxy_claim *claim)
{
	const char *reason = talk_why_ended(p), *error = "none";

	if (claim->wrong != NULL) {
		reason = "malformed";
		error = claim->wrong;
	} else if (!claim->began && strcmp(reason, "disconnected") == 0)
		return;
	log_info("no PROXY header: peer=%s reason=%s error=\"%s\"", p->peer,
	    reason, error);
}

/* A peer that had reset the connection before it could be asked for is one. */
static int
comes_from_proxy(const struct pop3 *p)
{
	const struct conf *conf = p->conf;

	return conf->nproxy > 0 && (strcmp(p->peer, PEER_UNKNOWN) == 0 ||
		network_has(conf->proxy, conf->nproxy, p->peer));
}

/*
 * From a proxy, a header comes first, which says for whom it connects.
 * Returns -1 when there is none.
 */
static int
take_header(struct pop3 *p)
{
	static struct proxy_claim claim;

	if (!comes_from_proxy(p))
		return 0;
	if (proxy_take(&p->stream, &claim) == -1) {
		report_no_header(p, &claim);
		return -1;
	}
	/* In health checks some proxies name themselves. */
	p->unnamed = claim.peer[0] == '\0' ||
	    strcmp(claim.peer, p->peer) == 0 ||
	    strcmp(p->peer, PEER_UNKNOWN) == 0;
	if (!p->unnamed) {
		p->via = p->peer;
		p->peer = claim.peer;
		log_via(p->via);
	}
	return 0;
}

/*
 * The store logs how a session ended.  Before the login, and where the store
 * has died, this process does; a store that was stopped has logged it already.
 */
static void
report_end(struct pop3 *p)
{
	struct msg_end end;

	if (!p->logged_in) {
		if (!is_health_check(p))
			log_info("no login: peer=%s reason=%s", p->peer,
			    p->reason);
		return;
	}
	memset(&end, 0, sizeof(end));
	strlcpy(end.reason, p->reason, sizeof(end.reason));
	end.retrieved = p->retrieved;
	end.octets = p->retrieved_octets;
	if (channel_send(p->channel, MSG_END, &end, sizeof(end)) == -1 &&
	    strcmp(p->reason, stop_word(p->reason)) != 0)
		log_warn("end: peer=%s reason=%s", p->peer, p->reason);
}

static void
report_no_tls(struct pop3 *p)
{
	const char *error = NULL;

	if (p->stream.tls != NULL)
		error = tls_error(p->stream.tls);
	log_info("no TLS: peer=%s reason=%s error=\"%s\"", p->peer,
	    talk_why_ended(p), error != NULL ? error : "none");
}

static void
session_serve(struct pop3 *p, struct tls *server)
{
	const int64_t deadline =
	    clock_ms() + (int64_t)p->conf->login_timeout * 1000;

	p->stream.patience = (int64_t)p->conf->idle_timeout * 1000;
	stream_open(&p->stream, 0, p->channel, deadline);
	if (take_header(p) == -1)
		return;
	if (stream_accept(&p->stream, server) == -1) {
		if (!is_health_check(p))
			report_no_tls(p);
		return;
	}
	engine_run(p);
	report_end(p);
	stream_close(&p->stream);
}

static void __attribute__((noreturn))
session_begin(const struct conf *conf, struct tls *server, int channel,
    const char *peer)
{
	static struct pop3 p; /* large, and zeroed */

	p.conf = conf;
	p.channel = channel;
	p.peer = peer;
	p.via = "";
	session_serve(&p, server);
	/* To free server would copy all pages that it shares with keys. */
	_exit(0);
}

void
session_run(const struct conf *conf, const struct identity *as, int channel,
    const char *peer)
{
	struct tls *server;
	char err[512];

	server = tls_setup_good(conf, err, sizeof(err));
	if (server == NULL) {
		log_warn("%s", err);
		_exit(1);
	}
	if (as->root && privdrop(as->uid, as->gid, EMPTY_DIR) == -1)
		_exit(1);
	if (client_prepare(0) == -1 ||
	    sandbox_session(channel, conf->sandbox_required) == -1)
		_exit(1);
	session_begin(conf, server, channel, peer);
}

void
session_run_kept(const struct conf *conf, struct tls *server, int channel,
    const char *peer)
{
	if (sandbox_session_kept(channel, conf->sandbox_required) == -1)
		_exit(1);
	session_begin(conf, server, channel, peer);
}
