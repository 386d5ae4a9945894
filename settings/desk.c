#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/privdrop.h"
#include "common/sandbox.h"
#include "common/stop.h"
#include "settings/desk.h"
#include "settings/task.h"

#define PORT_POP3S 995 /* RFC 8314, 3.3 */
#define MS	   1000

/* A refusal, a slow hash, and sessions that are ended, on a busy machine. */
#define RULING_MS (60 * MS)

struct desk {
	const struct conf *conf;
	int auth;
	int page;
	const char *reason; /* why there is no answer; NULL: there is one */
	struct self_request request;
	struct self_answer answer;
};

/*
 * Waits until there is something to be read, and no longer than the web server
 * does: 1, or 0 and the reason.
 */
static int
wait_for(struct desk *d, int fd, int64_t ms)
{
	const int64_t deadline = clock_ms() + ms;
	struct pollfd p[2] = { { fd, POLLIN, 0 }, { 0, 0, 0 } };
	int64_t left;
	int n;

	do {
		left = deadline - clock_ms();
		n = stop_poll(p, 2, left > 0 ? (int)left : 0);
	} while (n == -1 && errno == EINTR && !stop_requested());
	if (n > 0 && p[0].revents != 0)
		return 1;
	d->reason = n > 0 ? "hung-up" : n == 0 ? "timeout" :
	    stop_requested() ? "stopped" : "poll-failed";
	return 0;
}

/*
 * Exactly one message of exactly that size: what is longer is cut by the
 * kernel, which says so; descriptors that came with it are not taken.
 */
static int
take_request(struct desk *d)
{
	struct iovec iov = { &d->request, sizeof(d->request) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (!wait_for(d, 0, (int64_t)d->conf->login_timeout * MS))
		return 0;
	n = recvmsg(0, &m, 0);
	if (n == 0 || (n == -1 && errno == ECONNRESET))
		d->reason = "hung-up";
	else if (n < (ssize_t)sizeof(d->request.version))
		d->reason = "not-a-request";
	else if (d->request.version != SELF_VERSION)
		d->answer.result = SELF_OTHER_VERSION;
	else if (n != (ssize_t)sizeof(d->request) || m.msg_flags != 0 ||
	    !self_request_settle(&d->request))
		d->reason = "not-a-request";
	else
		return 1;
	return 0;
}

/* What auth rules; and, if that is good, what there is to be shown. */
static int
hear(struct desk *d)
{
	static struct message m;
	static union page page;
	struct ruling ruling;
	struct pollfd p = { d->page, POLLIN, 0 };
	struct self_answer *a = &d->answer;

	if (!wait_for(d, d->auth, RULING_MS))
		return 0;
	if (channel_recv(d->auth, &m) != 1 ||
	    !task_get(&m, TASK_RULING, &ruling, sizeof(ruling)))
		return 0;
	a->result = ruling.result;
	a->seconds = ruling.seconds;
	strlcpy(a->cookie, ruling.cookie, sizeof(a->cookie));
	a->account = ruling.account;
	/* It was sent before the ruling, if there is any. */
	if (a->result == SELF_GOOD && poll(&p, 1, 0) == 1 &&
	    channel_recv(d->page, &m) == 1 &&
	    task_get(&m, TASK_PAGE, &page, sizeof(page)))
		memcpy(&a->page, &page, sizeof(page));
	explicit_bzero(&page, sizeof(page));
	explicit_bzero(&m, sizeof(m));
	return 1;
}

static void
fill_client(const struct desk *d, struct self_client *c)
{
	const struct conf *conf = d->conf;
	size_t i, n = d->answer.account.send ? conf->noutgoing : 0;

	strlcpy(c->user, d->answer.account.address, sizeof(c->user));
	strlcpy(c->incoming.host, conf->hostname, sizeof(c->incoming.host));
	c->incoming.port = PORT_POP3S;
	for (i = 0; i < n && i < SELF_OUTGOING; i++) {
		strlcpy(c->outgoing[i].host, conf->outgoing[i].host,
		    sizeof(c->outgoing[i].host));
		c->outgoing[i].port = (uint32_t)conf->outgoing[i].port;
		c->outgoing[i].starttls = conf->outgoing[i].starttls != 0;
	}
	c->noutgoing = (uint32_t)i;
}

/* What the configuration says, which nobody else need tell. */
static void
fill_in(struct desk *d)
{
	struct self_answer *a = &d->answer;

	if (a->result != SELF_GOOD)
		return;
	if (a->want == SELF_CLIENT)
		fill_client(d, &a->page.client);
	else if (a->want == SELF_APP_MAKE)
		fill_client(d, &a->page.made.client);
	else if (a->want == SELF_TOTP_START)
		strlcpy(a->page.secret.issuer, d->conf->hostname,
		    sizeof(a->page.secret.issuer));
}

static void
serve(struct desk *d)
{
	d->answer.result = SELF_TROUBLE;
	if (take_request(d)) {
		d->answer.want = d->request.want;
		if (channel_send(d->auth, TASK_REQUEST, &d->request,
			sizeof(d->request)) == -1 || !hear(d))
			d->answer.result = SELF_TROUBLE;
		fill_in(d);
	}
	if (d->reason != NULL && strcmp(d->reason, "timeout") != 0)
		return;
	d->answer.version = SELF_VERSION;
	(void)send(0, &d->answer, sizeof(d->answer), MSG_NOSIGNAL);
}

static void
report_end(const struct desk *d)
{
	if (d->answer.result == SELF_OTHER_VERSION)
		log_warn("pop3web asks in version %lu, and this is version %d: "
		    "install both from one release",
		    (unsigned long)d->request.version, SELF_VERSION);
	if (d->reason != NULL && strcmp(d->reason, "hung-up") != 0)
		log_info("the web server was left: reason=%s", d->reason);
}

void
desk_run(
    const struct conf *conf, const struct identity *as, int auth, int page)
{
	static struct desk d; /* large, and zeroed */
	int flags = fcntl(0, F_GETFL);

	if (as->root && privdrop(as->uid, as->gid, EMPTY_DIR) == -1)
		_exit(1);
	/* Whoever does not take the answer does without: nothing waits. */
	if (flags == -1 || fcntl(0, F_SETFL, flags | O_NONBLOCK) == -1)
		_exit(1);
	if (sandbox_desk(auth, conf->sandbox_required) == -1)
		_exit(1);
	d.conf = conf;
	d.auth = auth;
	d.page = page;
	serve(&d);
	report_end(&d);
	explicit_bzero(&d, sizeof(d));
	_exit(0);
}
