#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "web/ask.h"

#define PATIENCE 30000 /* ms: a refusal takes one second, a revocation two */

int
ask_connect(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const char *path = getenv("POP3SETTINGS");
	int fd;

	if (path == NULL)
		path = SELF_SOCKET;
	if (strlcpy(at.sun_path, path, sizeof(at.sun_path)) >=
	    sizeof(at.sun_path)) {
		log_warn("POP3SETTINGS: %s is too long for a socket", path);
		return -1;
	}
	if ((fd = socket(AF_UNIX, SOCK_SEQPACKET, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&at, sizeof(at)) == -1) {
		log_warn("%s: %s: is pop3settings.socket started, and may the "
		    "web server's user connect to it?", path, strerror(errno));
		if (fd != -1)
			close(fd);
		return -1;
	}
	return fd;
}

int
ask_take(char *to, size_t size, const struct form *form, const char *name)
{
	if (strlcpy(to, form_value(form, name), size) < size)
		return 0;
	explicit_bzero(to, size);
	return -1;
}

static int
receive(int fd, struct self_answer *answer)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n = 0;

	if (poll(&p, 1, PATIENCE) == 1)
		n = read(fd, answer, sizeof(*answer));
	return n == (ssize_t)sizeof(*answer) && self_answer_settle(answer) ?
	    0 : -1;
}

/* In place of an answer. */
static void
no_answer(struct visit *v)
{
	if (v->settings != -1)
		log_warn("pop3settings does not answer: its own lines in the "
		    "log should tell why");
	memset(&v->answer, 0, sizeof(v->answer));
	v->answer.result = SELF_TROUBLE;
}

enum self_result
ask(struct visit *v, enum self_want want)
{
	struct self_request *q = &v->request;
	ssize_t sent;

	q->version = SELF_VERSION;
	q->want = want;
	strlcpy(q->peer, v->cgi.peer, sizeof(q->peer));
	strlcpy(q->cookie, v->cookie, sizeof(q->cookie));
	sent = write(v->settings, q, sizeof(*q));
	explicit_bzero(q, sizeof(*q));
	if (sent != (ssize_t)sizeof(*q) ||
	    receive(v->settings, &v->answer) == -1 ||
	    v->answer.want != (uint32_t)want)
		no_answer(v);
	if (v->answer.result == SELF_OTHER_VERSION)
		log_warn("pop3web and pop3settings are of different versions: "
		    "install both anew");
	v->asked = 1;
	return v->answer.result;
}

enum self_result
ask_unless(struct visit *v, enum self_result wrong, enum self_want want)
{
	enum self_result result;

	if (wrong == SELF_GOOD)
		return ask(v, want);
	explicit_bzero(&v->request, sizeof(v->request));
	result = ask(v, SELF_SECURITY);
	return result == SELF_GOOD ? wrong : result;
}
