#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/messages.h"
#include "common/privdrop.h"
#include "common/sandbox.h"
#include "common/stop.h"
#include "store/mailbox.h"
#include "store/maildir.h"
#include "store/store.h"

#define LOCK_WAIT_MS  2000
#define FEW	      16 /* in the answer to a question out of the blue */
#define LAST_WORD_MS  300 /* for the session to say how it ended */
#define MARKS_PER_MSG (MARKS_OCTETS * 8)

/* A piece of the session's marks, as it came. */
struct piece {
	struct piece *next;
	struct msg_marks marks;
};

struct store {
	const struct msg_verdict *verdict;
	const char *peer;
	int channel;
	enum { UNOPENED, OPEN, UPDATED } state;
	struct mailbox mailbox;
	struct piece *pieces;
	uint64_t highest; /* number that may be marked */
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

static void
close_files(struct store *s)
{
	while (s->nfiles > 0)
		close(s->files[--s->nfiles]);
}

/* The session is gone, or not what it was: nothing else is to be done. */
static void __attribute__((noreturn))
end(struct store *s, const char *reason, uint64_t retrieved, uint64_t octets)
{
	char safe[LOG_SAFE_MAX];

	close_files(s);
	if (s->state != UNOPENED) {
		mailbox_close(&s->mailbox);
		log_info("end: user=%s peer=%s reason=%s retrieved=%llu "
		    "octets=%llu deleted=%llu left=%llu",
		    s->verdict->address, s->peer,
		    log_safe(safe, sizeof(safe), reason),
		    (unsigned long long)retrieved, (unsigned long long)octets,
		    (unsigned long long)s->deleted,
		    (unsigned long long)mailbox_count(&s->mailbox));
	}
	_exit(0);
}

/*
 * It is over: because of reason, unless the session, which gets a moment for
 * that, knows better; it alone knows how far it came.
 */
static void __attribute__((noreturn))
end_together(struct store *s, const char *reason)
{
	struct msg_end e = { .retrieved = 0 };
	struct pollfd p = { s->channel, POLLIN, 0 };
	int tries = 2; /* a reset is told before what was sent ahead of it */

	strlcpy(e.reason, reason, sizeof(e.reason));
	while (poll(&p, 1, LAST_WORD_MS) == 1 && tries > 0)
		if (channel_recv(s->channel, &s->request) != 1)
			tries--;
		else if (message_get(&s->request, MSG_END, &e, sizeof(e)))
			break;
	end(s, e.reason, e.retrieved, e.octets);
}

static void
answer(struct store *s, uint32_t type, const void *data, size_t len)
{
	if (channel_send(s->channel, type, data, len) == -1)
		end_together(s, "session-gone");
}

static void
answer_trouble(struct store *s, enum trouble trouble)
{
	struct msg_trouble t = { 0, (int32_t)trouble };

	answer(s, MSG_TROUBLE, &t, sizeof(t));
}

/* In long work: 1 when nobody waits for it any more. */
static int
nobody_waits(void *arg, uint64_t done, uint64_t all)
{
	struct store *s = arg;
	struct pollfd p = { s->channel, 0, 0 };

	(void)done;
	(void)all;
	return stop_requested() || poll(&p, 1, 0) > 0;
}

static void
log_login(const struct store *s, struct msg_open *open)
{
	char tls[LOG_SAFE_MAX], label[LOG_SAFE_MAX];
	char *blank;

	if ((blank = strchr(open->tls, ' ')) != NULL)
		*blank = '/';
	log_safe(tls, sizeof(tls), open->tls);
	log_safe(label, sizeof(label), s->verdict->label);
	log_info("login: user=%s peer=%s tls=%s mechanism=%s%s%s",
	    s->verdict->address, s->peer, tls, s->verdict->mechanism,
	    label[0] != '\0' ? " app-password=" : "", label);
}

static void
do_open(struct store *s, const struct conf *conf, struct msg_open *open)
{
	const struct msg_verdict *v = s->verdict;
	struct view view = { .maildir = v->maildir, .junk = conf->junk,
		.spam = v->policy.spam, .from_now = v->policy.from_now,
		.auto_delete = v->policy.auto_delete };
	struct msg_maildrop maildrop;
	enum trouble trouble;

	trouble = mailbox_open(
	    &s->mailbox, &view, LOCK_WAIT_MS, nobody_waits, s);
	if (trouble != TROUBLE_NONE) {
		log_info("maildrop refused: user=%s peer=%s reason=%s",
		    v->address, s->peer,
		    stop_requested()		  ? "stopped" :
		    trouble == TROUBLE_IN_USE ? "in-use" : "trouble");
		answer_trouble(s, trouble);
		_exit(0);
	}
	s->state = OPEN;
	log_login(s, open);
	maildrop.count = mailbox_count(&s->mailbox);
	maildrop.octets = mailbox_octets(&s->mailbox);
	answer(s, MSG_MAILDROP, &maildrop, sizeof(maildrop));
	/* What the client need not wait for. */
	if (mailbox_settle(&s->mailbox) != TROUBLE_NONE)
		end(s, "maildrop-not-available", 0, 0);
}

/* Octets of messages from first on, into s->answer; the length of that. */
static size_t
fill_sizes(struct store *s, uint64_t first, int few)
{
	size_t got = 0, max = few ? FEW : SIZES_MAX;
	struct entry e;

	for (; got < max; got++) {
		s->trouble = mailbox_entry(&s->mailbox, first + got, &e);
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
		s->trouble = mailbox_entry(&s->mailbox, first + got, &e);
		if (s->trouble != TROUBLE_NONE)
			break;
		len = mailbox_uidl(&e, (char *)s->answer + used + 1);
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
do_list(struct store *s, uint32_t type, uint64_t first,
    size_t (*fill)(struct store *, uint64_t first, int few))
{
	int in_order = s->listing == type && first == s->ready;

	if (!in_order || s->ready_len == 0)
		s->ready_len = fill(s, first, !in_order);
	if (s->ready_len == 0)
		answer_trouble(s, s->trouble);
	else
		answer(s, type, s->answer, s->ready_len);
	s->listing = type;
	s->ready = s->next;
	s->ready_len = 0;
	if (in_order && s->ready <= mailbox_count(&s->mailbox))
		s->ready_len = fill(s, s->ready, 0);
}

static size_t
open_files(struct store *s, uint64_t first, size_t max)
{
	struct entry e;
	size_t n = 0;

	s->trouble = TROUBLE_GONE;
	while (n < max && first + n <= mailbox_count(&s->mailbox)) {
		s->trouble = mailbox_entry(&s->mailbox, first + n, &e);
		if (s->trouble == TROUBLE_NONE)
			s->trouble = mailbox_file(
			    &s->mailbox, first + n, &s->files[n]);
		if (s->trouble != TROUBLE_NONE)
			break;
		s->octets[n++] = e.octets;
	}
	return n;
}

/*
 * One file; and some more for whoever reads one message after the other,
 * the next of which are opened while the session sends these.
 */
static void
do_fetch(struct store *s, uint64_t first)
{
	int rv, in_order = first == s->files_next;

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
	rv = channel_send_fds(s->channel, MSG_FILES, s->octets,
	    s->nfiles * sizeof(s->octets[0]), s->files, s->nfiles);
	close_files(s);
	if (rv == -1)
		end_together(s, "session-gone");
	if (in_order)
		s->nfiles = open_files(s, s->files_next, CHANNEL_MAX_FDS);
}

/* No more pieces than the mailbox can have: the session may be lying. */
static void
do_marks(struct store *s, const struct msg_marks *marks)
{
	uint64_t count = mailbox_count(&s->mailbox);
	struct piece *piece;

	if (marks->kind != MARK_DELETE || marks->first <= s->highest ||
	    marks->first > count || marks->first % MARKS_PER_MSG != 1)
		end(s, "bad-marks", 0, 0);
	if ((piece = malloc(sizeof(*piece))) == NULL)
		end(s, "out-of-memory", 0, 0);
	piece->marks = *marks;
	piece->next = s->pieces;
	s->pieces = piece;
	s->highest = marks->first - 1 + MARKS_PER_MSG;
	if (s->highest > count)
		s->highest = count;
}

static int
is_marked(const void *arg, uint64_t n)
{
	const struct store *s = arg;
	const struct piece *p;
	uint64_t bit;

	for (p = s->pieces; p != NULL; p = p->next) {
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
	struct msg_updated updated = { 0 };
	enum trouble trouble = TROUBLE_NONE;

	close_files(s);
	if (s->pieces != NULL)
		trouble = mailbox_update(&s->mailbox, is_marked, s,
		    s->highest, &updated.deleted);
	s->deleted = updated.deleted;
	/* Before the client hears of it: it may log in again at once. */
	mailbox_close(&s->mailbox);
	s->state = UPDATED;
	if (trouble != TROUBLE_NONE)
		answer_trouble(s, trouble);
	else
		answer(s, MSG_UPDATED, &updated, sizeof(updated));
}

/* One request, while the mailbox is open. */
static int
serve_open(struct store *s)
{
	const struct message *m = &s->request;
	struct msg_marks marks;
	struct msg_number number;

	/* 0 is no trouble of the mailbox's: a liar could fill the log. */
	if (message_get(m, MSG_SIZES, &number, sizeof(number)) &&
	    number.n > 0)
		do_list(s, MSG_SIZES, number.n, fill_sizes);
	else if (message_get(m, MSG_UIDLS, &number, sizeof(number)) &&
	    number.n > 0)
		do_list(s, MSG_UIDLS, number.n, fill_uidls);
	else if (message_get(m, MSG_FETCH, &number, sizeof(number)) &&
	    number.n > 0)
		do_fetch(s, number.n);
	else if (message_get(m, MSG_MARKS, &marks, sizeof(marks)))
		do_marks(s, &marks);
	else if (message_get(m, MSG_UPDATE, NULL, 0))
		do_update(s);
	else
		return 0;
	return 1;
}

static void
serve(struct store *s, const struct conf *conf)
{
	const struct message *m = &s->request;
	struct msg_open open;
	struct msg_end e;

	if (s->state == UNOPENED &&
	    message_get(m, MSG_OPEN, &open, sizeof(open)))
		do_open(s, conf, &open);
	else if (s->state != UNOPENED &&
	    message_get(m, MSG_END, &e, sizeof(e)))
		end(s, e.reason, e.retrieved, e.octets);
	else if (s->state != OPEN || !serve_open(s))
		end(s, "not-a-request", 0, 0);
}

/*
 * Waits for the next request.  Returns 1; 0 when the session has gone.  If
 * this process is told to stop, the session hears of it, and whatever it
 * still asked is not done.
 */
static int
receive(struct store *s)
{
	static const struct msg_end stopped = { .reason = "stopped" };
	struct pollfd p = { s->channel, POLLIN, 0 };
	int n;

	while ((n = stop_poll(&p, 1, -1)) == -1 && !stop_requested())
		continue;
	if (n == -1) {
		(void)channel_send(s->channel, MSG_END, &stopped,
		    sizeof(stopped));
		end_together(s, stopped.reason);
	}
	return channel_recv(s->channel, &s->request) == 1;
}

/*
 * Enters the sandbox.  A missing Maildir is made before, while what leads
 * to it may still be changed; mailbox_open() tells what is wrong with it.
 */
static int
lock_in(const struct store *s, const struct conf *conf)
{
	const char *path = s->verdict->maildir;
	struct maildir m;

	if (access(path, F_OK) == -1 && maildir_open(&m, path, 1) == 0)
		maildir_close(&m);
	return sandbox_store(path, s->channel, conf->sandbox_required);
}

void
store_run(const struct conf *conf, const struct identity *as,
    const struct msg_verdict *verdict, int channel, const char *peer)
{
	static struct store s; /* large, and zeroed */

	s.verdict = verdict;
	s.channel = channel;
	s.peer = peer;
	lock_learn_boot(); /* reads /proc */
	if ((as->root && privdrop(verdict->uid, verdict->gid, NULL) == -1) ||
	    lock_in(&s, conf) == -1) {
		answer_trouble(&s, TROUBLE_PERM);
		_exit(1);
	}
	while (receive(&s))
		serve(&s, conf);
	end(&s, "session-died", 0, 0);
}
