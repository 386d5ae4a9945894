/*
 * The store and a hostile session: whatever is asked, in whatever order,
 * answers keep their bounds, and a file is unlinked only by an UPDATE that
 * carried its mark (I1).
 */
#include "tests/fuzz/process.h"

/* Small answers: a few messages make many, the next made ready as well. */
#undef SIZES_MAX
#define SIZES_MAX 12
#include "store/store.c"
#include "tests/fuzz/maildrop.h"

USES_BERKELEY_DB

#define LINES_MAX 8 /* of the log, whatever a session does */

static struct view view = { .junk = ".Junk" };
static struct msg_verdict verdict = { .address = "you@example.com",
	.label = "a label" };
static struct store s;	  /* large */
static struct message got; /* its answers */
static int session = -1;  /* our end of the channel */
static uint64_t asked;	  /* the number in the last request */

/* From message asked on, each its own: new mail is in order of its names. */
static void
check_uidls(const unsigned char *data, size_t len)
{
	char uidl[UIDL_MAX + 1];
	uint64_t n = asked;

	MUST(len > 0);
	for (; len > 0; len -= 1u + *data, data += 1 + *data, n++) {
		snprintf(uidl, sizeof(uidl), "1700000%03d.M1P1.fuzz", (int)n);
		MUST(n >= 1 && n <= MESSAGES && data[0] < len);
		MUST(data[0] == strlen(uidl));
		MUST(memcmp(data + 1, uidl, data[0]) == 0);
	}
}

static void
check_sizes(const unsigned char *data, size_t len)
{
	uint64_t octets, n = asked;

	MUST(len > 0 && len % sizeof(octets) == 0);
	for (; len > 0; len -= sizeof(octets), data += sizeof(octets), n++) {
		memcpy(&octets, data, sizeof(octets));
		MUST(n >= 1 && n <= MESSAGES && octets == OCTETS(n));
	}
}

static void
check_answer(void)
{
	struct msg_maildrop maildrop;

	switch (got.type) {
	case MSG_MAILDROP:
		MUST(got.len == sizeof(maildrop) && got.nfd == 0);
		memcpy(&maildrop, got.data, sizeof(maildrop));
		MUST(maildrop.count == MESSAGES);
		MUST(maildrop.octets == MESSAGES *
			(OCTETS(1) + OCTETS(MESSAGES)) / 2);
		MUST(maildrop.read_only == 0);
		break;
	case MSG_SIZES:
		check_sizes(got.data, got.len);
		break;
	case MSG_UIDLS:
		check_uidls(got.data, got.len);
		break;
	case MSG_FILES:
		MUST(got.nfd > 0 && got.nfd <= MESSAGES);
		MUST(got.len == got.nfd * sizeof(uint64_t));
		check_sizes(got.data, got.len);
		break;
	case MSG_UPDATED:
		updated = 1;
		MUST(got.len == sizeof(struct msg_updated));
		break;
	default:
		MUST(channel_is(&got, MSG_TROUBLE, sizeof(struct msg_trouble)));
	}
}

/* One answer at the most for one request; none that nobody asked for. */
static void
drain(void)
{
	struct pollfd p = { session, POLLIN, 0 };
	int answers = 0;

	while (poll(&p, 1, 0) == 1 && channel_recv_fds(session, &got) == 1) {
		check_answer();
		channel_close_fds(&got);
		MUST(++answers == 1);
	}
}

/* store_run() behind its sandbox; leaves by _exit(). */
static void
serve_one(struct input *in)
{
	unsigned char buf[RAW_MAX] = { 0 };
	unsigned int nfd;
	size_t len = take_request(in, buf, &nfd);

	MUST(send_raw(session, buf, len, nfd) == 0);
	memcpy(&asked, buf + sizeof(uint32_t), sizeof(asked));
	if (s.state == OPEN)
		note_marks(buf, len);
	if (channel_recv(s.channel, &s.request) != 1)
		store_end(&s, "session-died", 0, 0);
	store_serve(&s);
}

static void
run(struct input *in)
{
	static int channel[2];

	MUST(channel_pair(channel) == 0);
	memset(&s, 0, sizeof(s));
	s.verdict = &verdict;
	s.report.verdict = &verdict;
	s.report.peer = "192.0.2.1";
	s.channel = channel[0];
	MUST((s.mailbox = mailbox_new(&view, nobody_waits, &s)) != NULL);
	s.report.mailbox = s.mailbox;
	session = channel[1];
	if (setjmp(over) == 0) {
		while (in->left > 0) {
			serve_one(in);
			drain();
		}
		shutdown(session, SHUT_RDWR);
		MUST(channel_recv(s.channel, &s.request) != 1);
		store_end(&s, "session-died", 0, 0);
	}
	drain();
	mailbox_free(s.mailbox);
	close(channel[0]);
	close(channel[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int started, fds;
	struct input in = { data, size };
	struct piece *p;
	int kind;

	if (!started) {
		started = 1;
		scratch_make();
		strlcpy(verdict.maildir, scratch_path("Maildir"),
		    sizeof(verdict.maildir));
		view.maildir = verdict.maildir;
		view.policy.auto_delete = 1;
		view.policy.mark_read = verdict.policy.mark_read = 1;
		boot_learn();
		furnish();
		fds = open_fds();
	}
	forget_marks();
	logged = 0;
	run(&in);
	for (kind = 0; kind < MARKS; kind++)
		while ((p = s.marked[kind].pieces) != NULL) {
			s.marked[kind].pieces = p->next;
			free(p);
		}
	MUST(open_fds() == fds);
	MUST(logged <= LINES_MAX);
	if (check_files() > 0)
		furnish();
	return 0;
}
