#include <sys/resource.h>

#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/connection.h"
#include "common/log.h"
#include "common/network.h"
#include "common/privdrop.h"
#include "common/sandbox.h"
#include "settings/court.h"
#include "settings/errand.h"
#include "settings/judge.h"
#include "settings/key.h"
#include "settings/signin.h"
#include "settings/totp.h"

#define CPU_SECONDS 20 /* more than a slow hash or two take */

/* What the web server says of the browser; written anew, as an address. */
static void
settle_peer(struct court *c)
{
	struct network claimed;

	strlcpy(c->peer, PEER_UNKNOWN, sizeof(c->peer));
	if (strchr(c->request.peer, '/') == NULL &&
	    network_parse(&claimed, c->request.peer) == 0)
		(void)network_text(&claimed, c->peer);
}

static void __attribute__((noreturn))
judge(struct court *c)
{
	static struct message m;
	int rv = channel_recv(c->fds.desk, &m);

	/* The desk has gone, or has said why it will. */
	if (rv == 0)
		_exit(0);
	if (rv == -1 || !task_get(&m, TASK_REQUEST, &c->request,
		sizeof(c->request)) || !self_request_settle(&c->request)) {
		log_warn("auth: not a question");
		_exit(1);
	}
	explicit_bzero(&m, sizeof(m));
	c->asked = clock_ms();
	c->now = clock_ns() / 1000000;
	settle_peer(c);
	switch (c->request.want) {
	case SELF_SIGN_IN:
		signin_password(c);
	case SELF_INVITED:
		signin_invitation(c);
	case SELF_CODE:
		signin_code(c);
	default:
		errand_run(c);
	}
}

/* What needs root, before it is given up. */
static int
begin(struct court *c)
{
	const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS };
	char err[512];

	(void)setrlimit(RLIMIT_CPU, &cpu);
	if (key_load(c->conf->cookie_key, c->key, err, sizeof(err)) == 0 &&
	    accounts_open(&c->accounts, c->conf->accounts, err,
		sizeof(err)) == 0)
		return totp_begin();
	log_warn("%s", err);
	return -1;
}

void
judge_run(const struct conf *conf, const struct identity *as,
    const struct judge_fds *fds)
{
	static struct court c; /* large, and zeroed */

	c.conf = conf;
	c.fds = *fds;
	if (begin(&c) == -1 ||
	    (as->root && privdrop(as->uid, as->gid, EMPTY_DIR) == -1) ||
	    sandbox_judge(fds->desk, fds->clerk, fds->owner,
		conf->sandbox_required) == -1)
		court_trouble(&c);
	judge(&c);
}
