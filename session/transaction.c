#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/wire.h"
#include "session/capa.h"
#include "session/talk.h"
#include "session/transaction.h"

#define NUMBER_DIGITS 20 /* of the largest 64-bit number */
#define READ_OCTETS   32768

/* Writes n in decimal and returns the end: LIST may do this a million times. */
static char *
transaction_number(char *out, uint64_t n)
{
	char digits[NUMBER_DIGITS];
	size_t i = sizeof(digits);

	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	memcpy(out, digits + i, sizeof(digits) - i);
	return out + sizeof(digits) - i;
}

/* Is there message n, not marked?  If not, the client is told. */
static int
exists(struct pop3 *p, uint64_t n)
{
	if (n > p->count) {
		talk_reply(p, "-ERR no such message, there are %llu",
		    (unsigned long long)p->count);
		return 0;
	}
	if (marks_test(&p->marks, n)) {
		talk_reply(p, "-ERR this message is marked as deleted");
		return 0;
	}
	return 1;
}

/* Does the last answer tell the octets of message n, and is it complete? */
static int
has_size(const struct pop3 *p, uint64_t n)
{
	const struct message *m = &p->message;

	return m->type == MSG_SIZES && m->len % sizeof(uint64_t) == 0 &&
	    n >= p->sizes_first &&
	    n - p->sizes_first < m->len / sizeof(uint64_t);
}

/* The octets of message n: from the last answer, or asked of the store. */
static int
get_size(struct pop3 *p, uint64_t n, uint64_t *octets)
{
	struct msg_number ask = { n };

	if (!has_size(p, n)) {
		if (talk_ask(p, MSG_SIZES, &ask, sizeof(ask)) == -1)
			return -1;
		p->sizes_first = n;
		if (!has_size(p, n)) {
			talk_failure(p);
			return -1;
		}
	}
	memcpy(octets,
	    p->message.data + (n - p->sizes_first) * sizeof(*octets),
	    sizeof(*octets));
	return 0;
}

/*
 * Asks for UIDLs from message n on.  *uidl walks through them, in
 * p->message, until *end.
 */
static int
ask_uidls(struct pop3 *p, uint64_t n, const unsigned char **uidl,
    const unsigned char **end)
{
	struct msg_number ask = { n };

	if (talk_ask(p, MSG_UIDLS, &ask, sizeof(ask)) == -1)
		return -1;
	*uidl = p->message.data;
	*end = p->message.data + p->message.len;
	if (p->message.type != MSG_UIDLS || p->message.len == 0) {
		talk_failure(p);
		return -1;
	}
	return 0;
}

static void
drop_files(struct pop3 *p)
{
	while (p->nfiles > 0)
		close(p->files[--p->nfiles].fd);
}

/* Takes over the files of MSG_FILES.  -1: the answer is another message. */
static int
take_files(struct pop3 *p, uint64_t first)
{
	struct message *m = &p->message;
	size_t i;

	if (m->type != MSG_FILES || m->nfd == 0 ||
	    m->len != m->nfd * sizeof(uint64_t)) {
		channel_close_fds(m);
		return -1;
	}
	for (i = 0; i < m->nfd; i++) {
		p->files[i].fd = m->fd[i];
		memcpy(&p->files[i].octets, m->data + i * sizeof(uint64_t),
		    sizeof(uint64_t));
	}
	p->files_first = first;
	p->nfiles = m->nfd;
	m->nfd = 0;
	return 0;
}

/*
 * The file of message n, the caller's to close.  Returns 0; -1 after an
 * answer or the end of the session (*outcome).  The store may send the files
 * of the messages behind it as well: they are kept for the next RETR.
 */
static int
get_file(struct pop3 *p, uint64_t n, struct file *file, enum outcome *outcome)
{
	struct msg_number ask = { n };

	*outcome = OUTCOME_END;
	if (p->nfiles == 0 || n != p->files_first) {
		drop_files(p);
		if (talk_ask(p, MSG_FETCH, &ask, sizeof(ask)) == -1)
			return -1;
		if (take_files(p, n) == -1) {
			*outcome = talk_trouble(p);
			return -1;
		}
	}
	*file = p->files[0];
	p->files_first++;
	p->nfiles--;
	memmove(p->files, p->files + 1, p->nfiles * sizeof(p->files[0]));
	*outcome = OUTCOME_GOOD;
	return 0;
}

static enum outcome
run_stat(struct pop3 *p, struct args *args)
{
	(void)args;
	talk_reply(p, "+OK %llu %llu",
	    (unsigned long long)(p->count - p->marks.count),
	    (unsigned long long)p->octets);
	return OUTCOME_GOOD;
}

static enum outcome
list_all(struct pop3 *p)
{
	char line[2 * NUMBER_DIGITS + 3], *end;
	uint64_t n, octets;

	talk_reply(p, "+OK %llu messages (%llu octets)",
	    (unsigned long long)(p->count - p->marks.count),
	    (unsigned long long)p->octets);
	for (n = 1; n <= p->count && p->stream.reason == NULL; n++) {
		if (marks_test(&p->marks, n))
			continue;
		if (get_size(p, n, &octets) == -1)
			return OUTCOME_END;
		end = transaction_number(line, n);
		*end++ = ' ';
		end = transaction_number(end, octets);
		*end++ = '\r';
		*end++ = '\n';
		stream_write(&p->stream, line, (size_t)(end - line));
	}
	talk_reply(p, ".");
	return OUTCOME_GOOD;
}

static enum outcome
run_list(struct pop3 *p, struct args *args)
{
	uint64_t octets;

	if (args->n == 0)
		return list_all(p);
	if (!exists(p, args->n))
		return OUTCOME_GOOD;
	if (get_size(p, args->n, &octets) == -1)
		return OUTCOME_END;
	talk_reply(p, "+OK %lu %llu", (unsigned long)args->n,
	    (unsigned long long)octets);
	return OUTCOME_GOOD;
}

static void
transaction_uidl(struct pop3 *p, uint64_t n, const unsigned char *uidl)
{
	char line[NUMBER_DIGITS + 1 + UINT8_MAX + 2], *end;

	end = transaction_number(line, n);
	*end++ = ' ';
	memcpy(end, uidl + 1, uidl[0]);
	end += uidl[0];
	*end++ = '\r';
	*end++ = '\n';
	stream_write(&p->stream, line, (size_t)(end - line));
}

static enum outcome
uidl_all(struct pop3 *p)
{
	const unsigned char *uidl = NULL, *end = NULL;
	uint64_t n;

	talk_reply(p, "+OK unique identifiers follow");
	for (n = 1; n <= p->count && p->stream.reason == NULL; n++) {
		if (uidl == end && ask_uidls(p, n, &uidl, &end) == -1)
			return OUTCOME_END;
		if (uidl[0] >= end - uidl)
			return talk_failure(p);
		if (!marks_test(&p->marks, n))
			transaction_uidl(p, n, uidl);
		uidl += 1 + uidl[0];
	}
	talk_reply(p, ".");
	return OUTCOME_GOOD;
}

static enum outcome
run_uidl(struct pop3 *p, struct args *args)
{
	const unsigned char *uidl, *end;

	if (args->n == 0)
		return uidl_all(p);
	if (!exists(p, args->n))
		return OUTCOME_GOOD;
	if (ask_uidls(p, args->n, &uidl, &end) == -1)
		return OUTCOME_END;
	if (uidl[0] >= end - uidl)
		return talk_failure(p);
	talk_reply(p, "+OK %lu %.*s", (unsigned long)args->n, uidl[0],
	    (const char *)uidl + 1);
	return OUTCOME_GOOD;
}

/* Converts octets of a message into the stream. */
static int
send_octets(struct pop3 *p, struct wire *w, const char *data, size_t len)
{
	size_t room;
	char *out;

	while (len > 0 && !w->done) {
		if ((out = stream_room(&p->stream, &room)) == NULL)
			return -1;
		stream_wrote(&p->stream,
		    wire_convert(w, &data, &len, out, room));
	}
	return 0;
}

/*
 * Sends the message in fd, with the final "." line.  When it cannot be
 * read to its end the connection must end without that line, or the client
 * would take a part for the whole.  Its end is where there is no more to be
 * read; but one whose last octet is the last of so many has been read, too,
 * when there was room for more.
 */
static enum outcome
send_message(struct pop3 *p, int fd, struct wire *w, uint64_t octets)
{
	char data[READ_OCTETS], *out;
	size_t room;
	ssize_t n;

	while (!w->done && (n = read(fd, data, sizeof(data))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			p->reason = "message-could-not-be-read";
			return OUTCOME_END;
		}
		if (send_octets(p, w, data, (size_t)n) == -1)
			return OUTCOME_END;
		if (w->octets == octets && (size_t)n < sizeof(data))
			break;
	}
	if ((out = stream_room(&p->stream, &room)) == NULL)
		return OUTCOME_END;
	stream_wrote(&p->stream, wire_finish(w, out));
	stream_write(&p->stream, ".\r\n", 3);
	return OUTCOME_GOOD;
}

static enum outcome
run_retr(struct pop3 *p, struct args *args)
{
	enum outcome outcome;
	struct file file;
	struct wire w;

	if (!exists(p, args->n))
		return OUTCOME_GOOD;
	if (get_file(p, args->n, &file, &outcome) == -1)
		return outcome;
	talk_reply(p, "+OK %llu octets", (unsigned long long)file.octets);
	wire_init(&w, WIRE_ALL);
	outcome = send_message(p, file.fd, &w, file.octets);
	close(file.fd);
	if (outcome == OUTCOME_GOOD)
		p->retrieved++;
	/* Without the memory for it the message stays unread. */
	if (outcome == OUTCOME_GOOD && p->mark_read)
		(void)marks_set(&p->seen, args->n);
	p->retrieved_octets += w.octets;
	return outcome;
}

static enum outcome
run_top(struct pop3 *p, struct args *args)
{
	enum outcome outcome;
	struct file file;
	struct wire w;

	if (!exists(p, args->n))
		return OUTCOME_GOOD;
	if (get_file(p, args->n, &file, &outcome) == -1)
		return outcome;
	talk_reply(p, "+OK the top follows");
	wire_init(&w, args->lines);
	outcome = send_message(p, file.fd, &w, 0);
	close(file.fd);
	return outcome;
}

static enum outcome
run_dele(struct pop3 *p, struct args *args)
{
	uint64_t octets;

	if (!exists(p, args->n))
		return OUTCOME_GOOD;
	if (p->read_only) {
		talk_reply(p, "-ERR this password may read mail, and not "
		    "delete it");
		return OUTCOME_GOOD;
	}
	if (get_size(p, args->n, &octets) == -1)
		return OUTCOME_END;
	if (marks_set(&p->marks, args->n) == -1) {
		talk_reply(p, "-ERR [SYS/TEMP] out of memory");
		return OUTCOME_GOOD;
	}
	p->octets -= octets;
	talk_reply(p, "+OK message %lu marked as deleted",
	    (unsigned long)args->n);
	return OUTCOME_GOOD;
}

static enum outcome
run_rset(struct pop3 *p, struct args *args)
{
	(void)args;
	marks_clear(&p->marks);
	p->octets = p->all_octets;
	talk_reply(p, "+OK %llu messages (%llu octets)",
	    (unsigned long long)p->count, (unsigned long long)p->octets);
	return OUTCOME_GOOD;
}

static enum outcome
run_noop(struct pop3 *p, struct args *args)
{
	(void)args;
	talk_reply(p, "+OK");
	return OUTCOME_GOOD;
}

/* Hands marks to the store, piece by piece, empty pieces left out. */
static int
send_marks(const struct pop3 *p, const struct marks *marks, enum mark kind)
{
	struct msg_marks m;
	size_t at, len, i;

	for (at = 0; at < marks->size; at += len) {
		len = marks->size - at;
		if (len > sizeof(m.bits))
			len = sizeof(m.bits);
		memset(m.bits, 0, sizeof(m.bits));
		memcpy(m.bits, marks->bits + at, len);
		for (i = 0; i < len && m.bits[i] == 0; i++)
			continue;
		if (i == len)
			continue;
		m.first = (uint64_t)at * 8 + 1;
		m.kind = kind;
		if (channel_send(p->channel, MSG_MARKS, &m, sizeof(m)) == -1)
			return -1;
	}
	return 0;
}

/* UPDATE (RFC 1939, section 6): nothing but this command leads there. */
static enum outcome
transaction_quit(struct pop3 *p, struct args *args)
{
	struct msg_updated updated;

	(void)args;
	if (send_marks(p, &p->marks, MARK_DELETE) == -1 ||
	    send_marks(p, &p->seen, MARK_SEEN) == -1)
		return talk_failure(p);
	if (talk_ask(p, MSG_UPDATE, NULL, 0) == -1)
		return OUTCOME_END;
	p->reason = "quit";
	if (message_get(
		&p->message, MSG_UPDATED, &updated, sizeof(updated))) {
		talk_reply(p, "+OK bye, %llu messages left",
		    (unsigned long long)(p->count - updated.deleted));
		return OUTCOME_END;
	}
	talk_reply(p, "-ERR [SYS/TEMP] the messages marked as deleted were "
	    "not removed");
	return OUTCOME_END;
}

const struct command transaction_commands[] = {
	{ "STAT", TAKES_NOTHING, run_stat, NULL },
	{ "LIST", TAKES_MAY_NUMBER, run_list, NULL },
	{ "RETR", TAKES_NUMBER, run_retr, NULL },
	{ "TOP", TAKES_TWO_NUMBERS, run_top, "TOP" },
	{ "UIDL", TAKES_MAY_NUMBER, run_uidl, "UIDL" },
	{ "DELE", TAKES_NUMBER, run_dele, NULL },
	{ "RSET", TAKES_NOTHING, run_rset, NULL },
	{ "NOOP", TAKES_NOTHING, run_noop, NULL },
	{ "CAPA", TAKES_NOTHING, capa_run, NULL },
	{ "QUIT", TAKES_NOTHING, transaction_quit, NULL },
	{ NULL, TAKES_NOTHING, NULL, NULL },
};
