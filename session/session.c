#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/privdrop.h"
#include "common/sandbox.h"
#include "session/pop3.h"
#include "session/session.h"
#include "session/tls.h"

/*
 * Deadlines need a descriptor that never blocks; and replies must not wait
 * for acknowledgements.  (A test may hand us a socket that is not TCP.)
 */
static void
prepare_socket(int fd)
{
	int on = 1, flags = fcntl(fd, F_GETFL);

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		_exit(1);
}

/* The store logs it; before the login, or without a store, we do. */
static void
report_end(struct pop3 *p)
{
	struct msg_end end;

	if (p->login_deadline != 0) {
		log_info("no login: peer=%s reason=%s", p->peer,
		    p->reason);
		return;
	}
	memset(&end, 0, sizeof(end));
	strlcpy(end.reason, p->reason, sizeof(end.reason));
	end.retrieved = p->retrieved;
	end.octets = p->retrieved_octets;
	if (channel_send(p->channel, MSG_END, &end, sizeof(end)) == -1)
		log_warn("end: peer=%s reason=%s", p->peer, p->reason);
}

static void
serve(struct pop3 *p, struct tls *server)
{
	p->login_deadline =
	    stream_now() + (int64_t)p->conf->login_timeout * 1000;
	if (stream_accept(&p->stream, server, 0, p->channel,
		p->login_deadline) == -1) {
		log_info("no TLS: peer=%s reason=%s error=\"%s\"", p->peer,
		    p->stream.reason,
		    p->stream.tls != NULL && tls_error(p->stream.tls) != NULL
			? tls_error(p->stream.tls)
			: "none");
		return;
	}
	pop3_run(p);
	report_end(p);
	stream_close(&p->stream);
}

void
session_run(const struct conf *conf, const struct identity *as, int channel,
    const char *peer)
{
	static struct pop3 p; /* large, and zeroed */
	struct tls *server;
	char err[512];

	server = tls_setup(conf->file, conf->keypair, conf->nkeypair, err,
	    sizeof(err));
	if (server == NULL) {
		log_warn("%s", err);
		_exit(1);
	}
	if (as->root && privdrop(as->uid, as->gid, EMPTY_DIR) == -1)
		_exit(1);
	prepare_socket(0);
	if (sandbox_session(channel, conf->sandbox_required) == -1)
		_exit(1);
	p.conf = conf;
	p.channel = channel;
	p.peer = peer;
	serve(&p, server);
	tls_free(server);
	_exit(0);
}
