/*
 * The desk, with a web server that sends anything and an auth that answers
 * anything: it answers one request, or none, and what it answers is of the
 * form that pop3web expects.
 */
#include "tests/fuzz/fuzz.h"

#include "settings/desk.c"

static const char mail[] = "mail.example.com";
static struct outgoing out = { (char *)(uintptr_t)mail, 465, 0 };

/* The rest of the input, as a message of that type, of that size or not. */
static void
say(struct input *in, int fd, uint32_t type, size_t size)
{
	static unsigned char octets[CHANNEL_MAX];
	const size_t n = in->left < size ? in->left : size;

	memset(octets, 0, sizeof(octets));
	memcpy(octets, in->at, n);
	in->at += n;
	in->left -= n;
	(void)channel_send(fd, type, octets, size);
}

static void
ask(const uint8_t *data, size_t size, int fd)
{
	static struct self_request r;

	/* Mostly of the right size and version, or nothing else is met. */
	memset(&r, 0, sizeof(r));
	memcpy(&r, data, size < sizeof(r) ? size : sizeof(r));
	if (size > 0 && data[size - 1] % 8 != 0) {
		r.version = SELF_VERSION;
		r.want = 1 + r.want % (SELF_WANTS - 1);
		(void)send(fd, &r, sizeof(r), MSG_NOSIGNAL);
	} else
		(void)send(fd, data, size, MSG_NOSIGNAL);
}

static void
must_be_an_answer(int fd)
{
	static struct self_answer a;
	ssize_t n = recv(fd, &a, sizeof(a), MSG_DONTWAIT | MSG_TRUNC);

	MUST(n == -1 || n == (ssize_t)sizeof(a));
	if (n == -1)
		return;
	MUST(a.version == SELF_VERSION);
	if (a.result == SELF_GOOD && a.want == SELF_CLIENT)
		MUST(self_answer_settle(&a));
	(void)self_answer_settle(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf conf;
	static struct desk d;
	struct input in = { data, size };
	int web[2], auth[2], page[2];

	conf.hostname = (char *)(uintptr_t)mail;
	conf.login_timeout = 1;
	conf.outgoing[0] = out;
	conf.noutgoing = 1;
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, web) == 0 &&
	    channel_pair(auth) == 0 && channel_pair(page) == 0);
	MUST(dup2(web[0], 0) == 0);
	ask(data, size, web[1]);
	shutdown(web[1], SHUT_WR);
	say(&in, auth[1], TASK_RULING, sizeof(struct ruling));
	say(&in, page[1], TASK_PAGE, sizeof(union page));
	memset(&d, 0, sizeof(d));
	d.conf = &conf;
	d.auth = auth[0];
	d.page = page[0];
	serve(&d);
	must_be_an_answer(web[1]);
	close(web[0]);
	close(web[1]);
	close(auth[0]);
	close(auth[1]);
	close(page[0]);
	close(page[1]);
	return 0;
}
