/*
 * A whole session between a hostile client and a hostile store: the real
 * commands of both states, with neither TLS nor processes.
 *
 * stream.c and channel.c are replaced by what is below: the client's octets
 * and the store's answers both come from the input, unless the store is
 * told to be honest, when replies must be what RFC 1939 says.
 */
#include <sys/mman.h>

#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#include "common/wire.h"
#include "session/engine.h"

#define MESSAGES 5

static struct {
	struct input client;
	struct input answers;
	int honest;
	int line_feed; /* the last octet written was one */
	uint64_t marked; /* messages that an UPDATE would take away */
	uint32_t asked;
	uint64_t n; /* what was asked for */
	uint32_t id; /* of the last login */
	int poll[2]; /* something that is always readable */
	int file;
} world;

size_t
stream_read(struct stream *s, char *buf, size_t size, int64_t idle_deadline)
{
	size_t len;

	(void)idle_deadline;
	if (world.client.left == 0) {
		s->reason = "disconnected";
		return 0;
	}
	len = 1 + (size_t)take8(&world.client) * 4;
	len = len < size ? len : size;
	len = len < world.client.left ? len : world.client.left;
	memcpy(buf, world.client.at, len);
	world.client.at += len;
	world.client.left -= len;
	if (len == 0) /* the input ended with a length */
		buf[len++] = '\n';
	return len;
}

char *
stream_room(struct stream *s, size_t *room)
{
	*room = sizeof(s->out) / 512;
	return s->out;
}

void
stream_wrote(struct stream *s, size_t len)
{
	MUST(len <= sizeof(s->out) / 512);
	if (len > 0)
		world.line_feed = s->out[len - 1] == '\n';
}

void
stream_write(struct stream *s, const char *data, size_t len)
{
	(void)s;
	MUST(len > 0 && data[len - 1] == '\n' && data[len - 2] == '\r');
	/* Every reply begins where another one ended. */
	if (world.honest)
		MUST(world.line_feed);
	world.line_feed = 1;
}

int
stream_flush(struct stream *s)
{
	return s->reason == NULL ? 0 : -1;
}

int
stream_has_unread(const struct stream *s)
{
	(void)s;
	return world.client.left > 0;
}

/* libtls' are asked for the log only. */
const char *
tls_conn_version(struct tls *tls)
{
	(void)tls;
	return "TLSv1.3";
}

const char *
tls_conn_cipher(struct tls *tls)
{
	(void)tls;
	return "TLS_FUZZ";
}

int
channel_send(int fd, uint32_t type, const void *data, size_t len)
{
	struct msg_marks marks;
	struct msg_login login;
	size_t i;

	MUST(fd == world.poll[0] && len <= CHANNEL_MAX);
	world.asked = type;
	if (type == MSG_SIZES || type == MSG_UIDLS || type == MSG_FETCH) {
		MUST(len == sizeof(struct msg_number));
		memcpy(&world.n, data, len);
		MUST(world.n >= 1);
		if (world.honest)
			MUST(world.n <= MESSAGES);
	} else if (type == MSG_MARKS) {
		MUST(len == sizeof(marks));
		memcpy(&marks, data, sizeof(marks));
		MUST(marks.first % (MARKS_OCTETS * 8) == 1);
		MUST(marks.kind == MARK_DELETE);
		for (i = 0; i < sizeof(marks.bits); i++)
			world.marked +=
			    (uint64_t)__builtin_popcount(marks.bits[i]);
	} else if (type == MSG_LOGIN) {
		MUST(len == sizeof(login));
		memcpy(&login, data, sizeof(login));
		MUST(login.service == SERVICE_POP && login.id != world.id);
		world.id = login.id;
		MUST(memchr(login.user, '\0', sizeof(login.user)) != NULL);
		MUST(memchr(login.password, '\0', sizeof(login.password)) !=
		    NULL);
	} else
		MUST(type == MSG_OPEN || type == MSG_UPDATE);
	return 0;
}

static int
open_message(void)
{
	int fd = dup(world.file);

	MUST(fd != -1 && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static int
answer(struct message *m, uint32_t type, const void *data, size_t len)
{
	m->type = type;
	m->len = len;
	if (len > 0)
		memcpy(m->data, data, len);
	return 1;
}

static int
answer_honestly(struct message *m)
{
	struct msg_granted granted = { .id = world.id };
	struct msg_maildrop maildrop = { MESSAGES, MESSAGES * 7, 0, 0 };
	struct msg_updated updated = { world.marked };
	uint64_t sizes[MESSAGES] = { 7, 7, 7, 7, 7 };

	switch (world.asked) {
	case MSG_LOGIN:
		return answer(m, MSG_GRANTED, &granted, sizeof(granted));
	case MSG_OPEN:
		return answer(m, MSG_MAILDROP, &maildrop, sizeof(maildrop));
	case MSG_SIZES:
		return answer(m, MSG_SIZES, sizes,
		    (MESSAGES + 1 - world.n) * sizeof(sizes[0]));
	case MSG_UIDLS:
		return answer(m, MSG_UIDLS, "\001a\002bb\003ccc\004dddd\001e",
		    3);
	case MSG_FETCH:
		m->fd[0] = open_message();
		m->nfd = 1;
		return answer(m, MSG_FILES, sizes, sizeof(sizes[0]));
	case MSG_UPDATE:
		MUST(world.marked <= MESSAGES);
		return answer(m, MSG_UPDATED, &updated, sizeof(updated));
	}
	abort();
}

int
channel_recv_fds(int fd, struct message *m)
{
	unsigned int how;
	size_t len;

	MUST(fd == world.poll[0]);
	m->nfd = 0;
	if (world.honest)
		return answer_honestly(m);
	if (world.answers.left == 0)
		return 0;
	/* Types that exist, mostly; more or less of it; some descriptors. */
	how = take8(&world.answers);
	m->type = (how & 0x7f) % (MSG_TROUBLE + 2);
	len = take8(&world.answers);
	while (how & 0x80 && m->nfd < CHANNEL_MAX_FDS &&
	    m->nfd < len / sizeof(uint64_t))
		m->fd[m->nfd++] = open_message();
	if (len == 255)
		len = CHANNEL_MAX;
	m->len = len;
	memset(m->data, (int)len, len);
	len = len < world.answers.left ? len : world.answers.left;
	memcpy(m->data, world.answers.at, len);
	world.answers.at += len;
	world.answers.left -= len;
	return 1;
}

void
channel_close_fds(struct message *m)
{
	while (m->nfd > 0)
		close(m->fd[--m->nfd]);
}

int
channel_recv(int fd, struct message *m)
{
	int rv = channel_recv_fds(fd, m);

	if (rv != 1 || m->nfd == 0)
		return rv;
	channel_close_fds(m);
	return -1;
}

int
channel_is(const struct message *m, uint32_t type, size_t len)
{
	return m->type == type && m->len == len;
}

/* talk_ask() polls before it receives. */
static void
start(void)
{
	MUST(pipe(world.poll) == 0);
	MUST(write(world.poll[1], "x", 1) == 1);
	MUST((world.file = memfd_create("message", 0)) != -1);
}

static void
clear(struct pop3 *p)
{
	int fd;

	marks_clear(&p->marks);
	while (p->nfiles > 0)
		close(p->files[--p->nfiles].fd);
	/* Whatever the store sent that nobody took. */
	for (fd = world.file + 1; fd < world.file + 64; fd++)
		close(fd);
}

/*
 * The lengths of the message and of the store's answers (none: an honest
 * store), then these, then what the client says.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct conf conf = { .hostname = (char *)(uintptr_t)"x",
		.idle_timeout = 600 };
	static struct pop3 p; /* large */
	struct input in = { data, size };
	size_t len = take8(&in), answers = take8(&in) * 8u;

	if (world.file == 0)
		start();
	len = len < in.left ? len : in.left;
	MUST(ftruncate(world.file, 0) == 0);
	MUST(pwrite(world.file, in.at, len, 0) == (ssize_t)len);
	in.at += len;
	in.left -= len;
	answers = answers < in.left ? answers : in.left;
	world.answers = (struct input){ in.at, answers };
	world.client = (struct input){ in.at + answers, in.left - answers };
	world.honest = answers == 0;
	world.line_feed = 1;
	world.marked = 0;
	world.id = 0;
	memset(&p, 0, sizeof(p));
	p.conf = &conf;
	p.peer = "192.0.2.1";
	p.via = "";
	p.channel = world.poll[0];
	p.stream.fd = world.poll[0];
	engine_run(&p);
	MUST(p.reason != NULL);
	clear(&p);
	return 0;
}
