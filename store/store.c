#include <sys/resource.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/messages.h"
#include "common/privdrop.h"
#include "common/sandbox.h"
#include "common/stop.h"
#include "store/boot.h"
#include "store/mailbox.h"
#include "store/report.h"
#include "store/store.h"

#define CPU_SECONDS   600
#define LOCK_WAIT_MS  2000
#define LAST_WORD_MS  300 /* for the session to say how it ended */
#define FEW	      16 /* in the answer to a request that does not follow
			    the one before it */
#define MARKS_PER_MSG (MARKS_OCTETS * 8)

/* The kernel's limit of descriptors on their way is met by others, too. */
#define FDS_PAUSE_MS 20
#define FDS_WAIT_MS  60000

/* A piece of the session's marks, as it came. */
struct piece {
	struct piece *next;
	struct msg_marks marks;
};

/* Marks of a kind. */
struct marked {
	struct piece *pieces;
	uint64_t highest; /* number that may be marked */
};

struct store {
	const struct msg_verdict *verdict;
	const char *peer;
	struct report report;
	struct taken taken; /* by UPDATE, and not yet reported */
	int channel;
	char spool[PATH_MAX]; /* the user's mbox, where there is one */
	enum state_of_store { UNOPENED, OPEN, UPDATED } state;
	struct mailbox *mailbox;
	struct marked marked[MARKS]; /* of each kind */
	uint64_t shown; /* messages in the maildrop, as the client knows it */
	uint64_t deleted;
	uint64_t files_next; /* message behind the last FILES */
	size_t nfiles;	     /* open already, from files_next on */
	int files[CHANNEL_MAX_FDS];
	uint64_t octets[CHANNEL_MAX_FDS];
	uint32_t listing;    /* what was last listed: MSG_SIZES, MSG_UIDLS */
	uint64_t ready;	     /* message that will be asked for next */
	size_t ready_len;    /* of the answer to that, if it is ready */
	uint64_t next;	     /* message behind those in answer */
	enum trouble trouble; /* why it has no more */
	struct message request;
	unsigned char answer[CHANNEL_MAX];
};

/* Of this process; large, and zeroed. */
static struct store the_store;

static void
close_files(struct store *s)
{
	while (s->nfiles > 0)
		close(s->files[--s->nfiles]);
}

/* Once: with the answer to UPDATE, or where that could not be given. */
static void
report_what_was_taken(struct store *s)
{
	report_taken(&s->report, &s->taken);
	taken_free(&s->taken);
}

/* The session has gone, or asks what it never should: ends the store. */
static void __attribute__((noreturn))
store_end(struct store *s, const char *reason, uint64_t retrieved,
    uint64_t octets)
{
	struct msg_end end = { .retrieved = retrieved, .octets = octets };

	close_files(s);
	strlcpy(end.reason, reason, sizeof(end.reason));
	if (s->state != UNOPENED) {
		mailbox_close(s->mailbox);
		report_what_was_taken(s);
		report_end(
		    &s->report, &end, s->deleted, s->shown - s->deleted);
	}
	_exit(0);
}

/*
 * The session is over, because of reason; but it gets a moment to say why and
 * how far it came, which it alone knows.
 */
static void __attribute__((noreturn))
end_together(struct store *s, const char *reason)
{
	struct msg_end e = { .retrieved = 0 };
	struct pollfd p = { s->channel, POLLIN, 0 };

	strlcpy(e.reason, reason, sizeof(e.reason));
	while (poll(&p, 1, LAST_WORD_MS) == 1 &&
	    channel_recv(s->channel, &s->request) == 1)
		if (message_get(&s->request, MSG_END, &e, sizeof(e)))
			break;
	store_end(s, e.reason, e.retrieved, e.octets);
}

static void
store_answer(struct store *s, uint32_t type, const void *data, size_t len)
{
	if (channel_send(s->channel, type, data, len) == -1)
		end_together(s, "session-gone");
}

static void
answer_trouble(struct store *s, enum trouble trouble)
{
	struct msg_trouble t = { 0, (int32_t)trouble };

	store_answer(s, MSG_TROUBLE, &t, sizeof(t));
}

/* In long work: 1 when nobody waits for it any more, or it is to stop. */
static int
nobody_waits(void *arg, uint64_t done, uint64_t all)
{
	struct store *s = arg;
	struct pollfd p = { s->channel, 0, 0 };

	(void)done;
	(void)all;
	return stop_requested() || poll(&p, 1, 0) > 0;
}

/* May marks of this kind be made?  Read-only, nothing may. */
static uint64_t
takes_marks(const struct store *s, uint64_t kind)
{
	return !s->verdict->read_only && (kind == MARK_DELETE ||
	    (kind == MARK_SEEN && s->verdict->policy.mark_read));
}

static void
do_open(struct store *s)
{
	struct msg_maildrop maildrop;
	struct msg_open open;
	enum trouble trouble;

	memcpy(&open, s->request.data, sizeof(open));
	open.tls[sizeof(open.tls) - 1] = '\0';
	trouble = mailbox_open(s->mailbox, LOCK_WAIT_MS);
	if (trouble != TROUBLE_NONE) {
		log_info("maildrop refused: user=%s peer=%s reason=%s",
		    s->verdict->address, s->peer,
		    trouble == TROUBLE_IN_USE ? "in-use" : "trouble");
		answer_trouble(s, trouble);
		_exit(0);
	}
	s->state = OPEN;
	report_login(&s->report, open.tls);
	maildrop.count = s->shown = mailbox_count(s->mailbox);
	maildrop.octets = mailbox_octets(s->mailbox);
	maildrop.read_only = s->verdict->read_only != 0;
	maildrop.mark_read = takes_marks(s, MARK_SEEN);
	store_answer(s, MSG_MAILDROP, &maildrop, sizeof(maildrop));
	/* What the client need not wait for. */
	if (mailbox_settle(s->mailbox) != TROUBLE_NONE)
		end_together(s, stop_requested() ? stop_reason() :
		    "maildrop-not-available");
}

static uint64_t
requested_number(struct store *s)
{
	struct msg_number number;

	memcpy(&number, s->request.data, sizeof(number));
	/* Not logged as trouble: a liar could fill the log with it. */
	if (number.n == 0)
		store_end(s, "not-a-request", 0, 0);
	return number.n;
}

/* Octets of messages from first on, into s->answer; the length of that. */
static size_t
fill_sizes(struct store *s, uint64_t first, int few)
{
	size_t got = 0, max = few ? FEW : SIZES_MAX;
	struct entry e;

	for (; got < max; got++) {
		s->trouble = mailbox_entry(s->mailbox, first + got, &e);
		if (s->trouble != TROUBLE_NONE)
			break;
		memcpy(s->answer + got * sizeof(e.octets), &e.octets,
		    sizeof(e.octets));
	}
	s->next = first + got;
	return got * sizeof(e.octets);
}

/* The same for UIDLs. */
static size_t
fill_uidls(struct store *s, uint64_t first, int few)
{
	size_t used = 0, len, got = 0, max = few ? FEW : SIZE_MAX;
	struct entry e;

	/* Its length, the UIDL, and a NUL that the next length takes. */
	for (; got < max && used + UIDL_MAX + 2 <= sizeof(s->answer); got++) {
		s->trouble = mailbox_entry(s->mailbox, first + got, &e);
		if (s->trouble != TROUBLE_NONE)
			break;
		len = entry_uidl(&e, (char *)s->answer + used + 1);
		s->answer[used] = (unsigned char)len;
		used += 1 + len;
	}
	s->next = first + got;
	return used;
}

/*
 * Whoever asks for what follows the last answer is listing everything: the
 * next answer is made ready while the session writes this one out.
 */
static void
do_list(struct store *s, uint32_t type,
    size_t (*fill)(struct store *, uint64_t first, int few))
{
	uint64_t first = requested_number(s);
	int in_order = s->listing == type && first == s->ready;

	if (!in_order || s->ready_len == 0)
		s->ready_len = fill(s, first, !in_order);
	if (s->ready_len == 0)
		answer_trouble(s, s->trouble);
	else
		store_answer(s, type, s->answer, s->ready_len);
	s->listing = type;
	s->ready = s->next;
	s->ready_len = 0;
	if (in_order && s->ready <= mailbox_count(s->mailbox))
		s->ready_len = fill(s, s->ready, 0);
}

static void
do_sizes(struct store *s)
{
	do_list(s, MSG_SIZES, fill_sizes);
}

static void
do_uidls(struct store *s)
{
	do_list(s, MSG_UIDLS, fill_uidls);
}

static size_t
open_files(struct store *s, uint64_t first, size_t max)
{
	size_t n = 0;

	s->trouble = TROUBLE_GONE;
	while (n < max && first + n <= mailbox_count(s->mailbox)) {
		s->trouble = mailbox_file(
		    s->mailbox, first + n, &s->files[n], &s->octets[n]);
		if (s->trouble != TROUBLE_NONE)
			break;
		n++;
	}
	return n;
}

/*
 * The descriptors that are on their way are counted for all stores of one
 * owner together: nobody gets more while an answer lies unread, and who
 * meets the limit waits until others have taken theirs.
 */
static void
send_files(struct store *s)
{
	static const struct timespec pause = { 0, FDS_PAUSE_MS * 1000000L };
	int left = FDS_WAIT_MS;

	if (channel_unread(s->channel) > 0)
		store_end(s, "answers-not-taken", 0, 0);
	while (channel_send_fds(s->channel, MSG_FILES, s->octets,
		   s->nfiles * sizeof(s->octets[0]), s->files,
		   s->nfiles) == -1) {
		if (errno != ETOOMANYREFS || left <= 0 ||
		    nobody_waits(s, 0, 0))
			end_together(s, "session-gone");
		nanosleep(&pause, NULL);
		left -= FDS_PAUSE_MS;
	}
	close_files(s);
}

/*
 * One file; and some more for whoever reads one message after the other,
 * the next of which are opened while the session sends these.
 */
static void
do_fetch(struct store *s)
{
	uint64_t first = requested_number(s);
	int in_order = first == s->files_next;

	if (!in_order || s->nfiles == 0) {
		close_files(s);
		s->nfiles =
		    open_files(s, first, in_order ? CHANNEL_MAX_FDS : 1);
	}
	s->files_next = first + s->nfiles;
	if (s->nfiles == 0) {
		answer_trouble(s, s->trouble);
		return;
	}
	send_files(s);
	if (in_order)
		s->nfiles = open_files(s, s->files_next, CHANNEL_MAX_FDS);
}

/* No more pieces than the mailbox can have: the session may be lying. */
static void
do_marks(struct store *s)
{
	uint64_t count = mailbox_count(s->mailbox);
	struct marked *marked;
	struct piece *piece;

	if ((piece = malloc(sizeof(*piece))) == NULL)
		store_end(s, "out-of-memory", 0, 0);
	memcpy(&piece->marks, s->request.data, sizeof(piece->marks));
	marked = &s->marked[piece->marks.kind % MARKS];
	if (!takes_marks(s, piece->marks.kind) ||
	    piece->marks.first <= marked->highest ||
	    piece->marks.first > count ||
	    piece->marks.first % MARKS_PER_MSG != 1) {
		free(piece);
		store_end(s, "bad-marks", 0, 0);
	}
	piece->next = marked->pieces;
	marked->pieces = piece;
	marked->highest = piece->marks.first - 1 + MARKS_PER_MSG;
	if (marked->highest > count)
		marked->highest = count;
}

static int
is_marked(const void *arg, uint64_t n)
{
	const struct marked *marked = arg;
	const struct piece *p;
	uint64_t bit;

	for (p = marked->pieces; p != NULL; p = p->next) {
		if (n < p->marks.first)
			continue;
		bit = n - p->marks.first;
		if (bit >= MARKS_PER_MSG)
			return 0;
		return (p->marks.bits[bit / 8] >> bit % 8 & 1) != 0;
	}
	return 0;
}

static void
do_update(struct store *s)
{
	const struct marked *delete = &s->marked[MARK_DELETE];
	const struct marked *seen = &s->marked[MARK_SEEN];
	struct msg_updated updated = { 0 };
	enum trouble trouble = TROUBLE_NONE;

	close_files(s);
	/* What fails there is no reason not to delete. */
	if (seen->pieces != NULL)
		(void)mailbox_seen(
		    s->mailbox, is_marked, seen, seen->highest);
	if (delete->pieces != NULL)
		trouble = mailbox_update(s->mailbox, is_marked, delete,
		    delete->highest, &s->taken);
	s->deleted = updated.deleted = s->taken.n;
	/* Before the client hears of it: it may log in again at once. */
	mailbox_close(s->mailbox);
	s->state = UPDATED;
	if (trouble != TROUBLE_NONE)
		answer_trouble(s, trouble);
	else
		store_answer(s, MSG_UPDATED, &updated, sizeof(updated));
	report_what_was_taken(s);
}

static void
do_end(struct store *s)
{
	struct msg_end e;

	memcpy(&e, s->request.data, sizeof(e));
	e.reason[sizeof(e.reason) - 1] = '\0';
	store_end(s, e.reason, e.retrieved, e.octets);
}

/* What may be asked, and when; a payload has exactly that size. */
static const struct request {
	uint32_t type;
	int states; /* bits: 1 << enum state_of_store */
	size_t size;
	void (*run)(struct store *);
} requests[] = {
	{ MSG_OPEN, 1 << UNOPENED, sizeof(struct msg_open), do_open },
	{ MSG_SIZES, 1 << OPEN, sizeof(struct msg_number), do_sizes },
	{ MSG_UIDLS, 1 << OPEN, sizeof(struct msg_number), do_uidls },
	{ MSG_FETCH, 1 << OPEN, sizeof(struct msg_number), do_fetch },
	{ MSG_MARKS, 1 << OPEN, sizeof(struct msg_marks), do_marks },
	{ MSG_UPDATE, 1 << OPEN, 0, do_update },
	{ MSG_END, 1 << OPEN | 1 << UPDATED, sizeof(struct msg_end), do_end },
};

static void
store_serve(struct store *s)
{
	const struct request *r;
	size_t i;

	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		r = &requests[i];
		if (channel_is(&s->request, r->type, r->size) &&
		    (r->states & 1 << s->state) != 0) {
			r->run(s);
			return;
		}
	}
	store_end(s, "not-a-request", 0, 0);
}

/* 1: there is a request; 0: the session has gone. */
static int
next_request(struct store *s)
{
	struct msg_end stopped = { .retrieved = 0 };
	struct pollfd p = { s->channel, POLLIN, 0 };
	int n;

	while ((n = stop_poll(&p, 1, -1)) == -1 && !stop_requested())
		continue;
	/* Nothing is deleted, whatever was marked. */
	if (n == -1) {
		strlcpy(stopped.reason, stop_reason(), sizeof(stopped.reason));
		(void)channel_send(s->channel, MSG_END, &stopped,
		    sizeof(stopped));
		end_together(s, stopped.reason);
	}
	return channel_recv(s->channel, &s->request) == 1;
}

/* What has to be looked at from outside of the sandbox. */
static int
look_at_mailbox(struct store *s, const struct conf *conf)
{
	struct view view = { .maildir = s->verdict->maildir,
		.junk = conf->junk, .policy = s->verdict->policy };

	/* Local users only: other accounts' mail comes as Maildir. */
	if (s->verdict->home &&
	    conf_spool(conf, s->verdict->address, s->spool))
		view.spool = s->spool;
	boot_learn(); /* reads /proc */
	if (view.spool != NULL)
		tzset(); /* reads /etc/localtime: of dates in an mbox */
	if (s->verdict->home)
		maildir_make_at_home(s->verdict->maildir);
	if ((s->mailbox = mailbox_new(&view, nobody_waits, s)) == NULL) {
		log_warn("%s: out of memory", view.maildir);
		return -1;
	}
	s->report.mailbox = s->mailbox;
	return 0;
}

static void __attribute__((noreturn))
give_up(struct store *s)
{
	answer_trouble(s, TROUBLE_PERM);
	_exit(1);
}

void
store_begin(const struct conf *conf, const struct identity *as,
    const struct msg_verdict *verdict, int channel, const char *peer)
{
	struct store *s = &the_store;

	s->verdict = verdict;
	s->channel = channel;
	s->peer = peer;
	s->report.verdict = verdict;
	s->report.peer = peer;
	s->report.notices = conf->notify_new_login ? conf->hostname : NULL;
	if ((as->root && privdrop(verdict->uid, verdict->gid, NULL) == -1) ||
	    look_at_mailbox(s, conf) == -1)
		give_up(s);
}

void
store_run(const struct conf *conf)
{
	const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS };
	struct store *s = &the_store;

	/* A forged index may make Berkeley DB run for ever. */
	(void)setrlimit(RLIMIT_CPU, &cpu);
	if (sandbox_store(s->verdict->maildir, s->channel,
		conf->sandbox_required) == -1)
		give_up(s);
	while (next_request(s))
		store_serve(s);
	store_end(s, "session-died", 0, 0);
}
