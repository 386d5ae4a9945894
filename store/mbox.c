#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "store/mbox.h"

#define BUFFER	65536
#define LOOK	4096 /* octets of a line that are looked at */
#define FROM	"From "
#define FROM_LEN (sizeof(FROM) - 1)
#define INTERNAL "Subject: DON'T DELETE THIS MESSAGE" /* before its X-IMAP */
#define ASK_OCTETS (1 << 20) /* that are read until it is asked who waits */

struct mbox {
	int fd;
	enum mbox_by by;
	int (*given_up)(void *); /* may be NULL */
	void *arg;
	uint64_t asked; /* the offset at which that was */
	uint64_t at; /* offset of what stands at pos */
	size_t pos, len;
	int eof;
	int begun; /* the first message has been */
	enum { BETWEEN, HEADER, BODY } where;
	int within_line; /* what stands at pos does not begin one */
	int dropping;	 /* a field that is taken out */
	int internal;	 /* it begins as UW's note */
	uint64_t length; /* Content-Length; UINT64_MAX: none */
	uint64_t end;	 /* where that ends the message; 0: it does not */
	uint32_t uidvalidity, uid;
	uint64_t last_uid; /* that was given, by Dovecot's word */
	struct mbox_odd odd;
	uint64_t odd_at; /* offset of the last line that is among these */
	char buf[BUFFER];
};

struct mbox *
mbox_new(int fd, enum mbox_by by, int (*given_up)(void *), void *arg)
{
	struct mbox *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->fd = fd;
	m->by = by;
	m->given_up = given_up;
	m->arg = arg;
	return m;
}

void
mbox_free(struct mbox *m)
{
	free(m);
}

uint64_t
mbox_offset(const struct mbox *m)
{
	return m->at;
}

int
mbox_unchanged(const struct mbox *m)
{
	struct stat now;

	if (fstat(m->fd, &now) == -1)
		return errno;
	return (uint64_t)now.st_size == m->at ? 0 : EAGAIN;
}

uint32_t
mbox_uidvalidity(const struct mbox *m)
{
	return m->uidvalidity;
}

const struct mbox_odd *
mbox_odd(const struct mbox *m)
{
	return &m->odd;
}

static ssize_t
read_at(int fd, char *buf, size_t size, uint64_t at)
{
	ssize_t n;

	do
		n = pread(fd, buf, size, (off_t)at);
	while (n == -1 && errno == EINTR);
	return n;
}

/* Asked now and then: one message may be all of a large file. */
static int
is_given_up(struct mbox *m)
{
	if (m->given_up == NULL || m->at - m->asked < ASK_OCTETS)
		return 0;
	m->asked = m->at;
	return m->given_up(m->arg);
}

/* Has LOOK octets at pos, or all that is left of the file. */
static int
fill(struct mbox *m)
{
	ssize_t n;

	if (is_given_up(m))
		return ECANCELED;
	while (m->len - m->pos < LOOK && !m->eof) {
		if (m->pos > 0) {
			memmove(m->buf, m->buf + m->pos, m->len - m->pos);
			m->len -= m->pos;
			m->pos = 0;
		}
		n = read_at(m->fd, m->buf + m->len, BUFFER - m->len,
		    m->at + m->len);
		if (n == -1)
			return errno;
		m->len += (size_t)n;
		m->eof = n == 0;
	}
	return 0;
}

static void
skip(struct mbox *m, size_t len)
{
	m->pos += len;
	m->at += len;
}

/* The octets of the line at p, its end counted; or of what there is of it. */
static size_t
line_length(const char *p, size_t left)
{
	const char *end = memchr(p, '\n', left);

	return end == NULL ? left : (size_t)(end - p) + 1;
}

/* The octets of an empty line at p; 0: there is none. */
static size_t
empty_line(const char *p, size_t left)
{
	if (left >= 1 && p[0] == '\n')
		return 1;
	return left >= 2 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
}

static int
has_from(const char *p, size_t left)
{
	return left >= FROM_LEN && memcmp(p, FROM, FROM_LEN) == 0;
}

/* Which of the words of three letters stands at p; -1: none. */
static int
word_of_three(const char *words, const char *p)
{
	int i;

	for (i = 0; words[3 * i] != '\0'; i++)
		if (strncmp(words + 3 * i, p, 3) == 0)
			return i;
	return -1;
}

/* A zone: +0100, or letters that tell nothing.  Returns what is behind. */
static const char *
parse_zone(const char *s, int *known, long *east)
{
	char *end;
	long n;

	while (*s == ' ')
		s++;
	if ((*s == '+' || *s == '-') && isdigit((unsigned char)s[1])) {
		n = strtol(s, &end, 10);
		if (n <= -2400 || n >= 2400)
			return s;
		*known = 1;
		*east = (n / 100 * 60 + n % 100) * 60;
		return end;
	}
	if (strncmp(s, "GMT", 3) == 0 || strncmp(s, "UTC", 3) == 0)
		*known = 1;
	while (isupper((unsigned char)*s))
		s++;
	return s;
}

/* "Jan  2 10:00:00 2024", with a zone before or behind the year. */
static int
parse_time(const char *s, struct tm *tm, int *known, long *east)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char *end;
	long year;

	memset(tm, 0, sizeof(*tm));
	*known = 0;
	*east = 0;
	tm->tm_isdst = -1;
	if ((tm->tm_mon = word_of_three(months, s)) == -1)
		return -1;
	/* strptime(3): %e takes one digit or two. */
	if ((s = strptime(s + 3, " %d %H:%M", tm)) == NULL)
		return -1;
	if (*s == ':' && (s = strptime(s, ":%S", tm)) == NULL)
		return -1;
	s = parse_zone(s, known, east);
	year = strtol(s, &end, 10);
	if (end == s || year < 1970 || year > 9999)
		return -1;
	tm->tm_year = (int)year - 1900;
	if (!*known)
		(void)parse_zone(end, known, east);
	return 0;
}

/*
 * The date in a From_ line: the day of the week, and what follows it.  Where
 * no zone is given it is the time of this place, as delivery agents have it.
 * -1: there is none.
 */
static int64_t
parse_date(const char *line)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	const char *s = line + FROM_LEN - 1;
	struct tm tm;
	int known;
	long east;
	time_t t;

	while ((s = strchr(s, ' ')) != NULL) {
		s++;
		if (word_of_three(days, s) == -1 || s[3] != ' ' ||
		    parse_time(s + 3 + strspn(s + 3, " "), &tm, &known,
			&east) == -1)
			continue;
		t = known ? timegm(&tm) - east : mktime(&tm);
		return t < 0 ? 0 : t;
	}
	return -1;
}

/* Is it a From_ line, which ends one message and begins the next? */
static int
is_from_line(const char *p, size_t left, int64_t *date)
{
	char line[LOOK / 4];
	size_t len;

	if (!has_from(p, left))
		return 0;
	len = line_length(p, left);
	if (len >= sizeof(line))
		return 0;
	memcpy(line, p, len);
	line[len] = '\0';
	*date = parse_date(line);
	return *date != -1;
}

/* Counts the line at p once, however often it is looked at. */
static void
note_joined(struct mbox *m, const char *p)
{
	uint64_t at = m->at + (uint64_t)(p - (m->buf + m->pos));

	if (at <= m->odd_at)
		return;
	m->odd_at = at;
	m->odd.joined++;
}

/*
 * Does the message end at p, where a line begins, if not by Content-Length?
 * *blank octets there are not its own then.
 */
static int
ends_at(struct mbox *m, const char *p, size_t left, size_t *blank)
{
	int64_t date;
	int dated;

	*blank = empty_line(p, left);
	p += *blank;
	left -= *blank;
	if (left == 0 && m->eof && m->end == 0)
		return 1;
	if (!has_from(p, left))
		return 0;
	dated = is_from_line(p, left, &date);
	if (dated && m->end == 0 && (*blank > 0 || m->by == MBOX_ANYBODY))
		return 1;
	/* What begins so in a body of that length had no need of brackets. */
	if (*blank > 0 && dated == (m->end != 0))
		note_joined(m, p);
	return 0;
}

/* Skips what is left of the last message, and empty lines. */
static int
skip_message(struct mbox *m)
{
	struct mbox_message rest;
	const char *data;
	size_t len;
	int error;

	memset(&rest, 0, sizeof(rest));
	while (m->where != BETWEEN)
		if ((error = mbox_piece(m, &rest, &data, &len)) != 0)
			return error;
	for (;;) {
		if ((error = fill(m)) != 0)
			return error;
		if ((len = empty_line(m->buf + m->pos,
			 m->len - m->pos)) == 0)
			return 0;
		skip(m, len);
	}
}

int
mbox_next(struct mbox *m, struct mbox_message *message)
{
	const char *p;
	int error;

	if ((error = skip_message(m)) != 0)
		return error;
	memset(message, 0, sizeof(*message));
	message->offset = m->at;
	p = m->buf + m->pos;
	if (m->pos == m->len)
		return MBOX_END;
	/* Only the first one may be without a date: others end nothing. */
	if (!has_from(p, m->len - m->pos))
		return EINVAL;
	if (!is_from_line(p, m->len - m->pos, &message->date))
		message->date = 0;
	m->where = HEADER;
	m->within_line = 1; /* the From_ line, which is dropped */
	m->dropping = 1;
	m->length = UINT64_MAX;
	m->end = 0;
	return 0;
}

/* A number at the beginning of a value; 0: there is none. */
static int
parse_number(const char *s, uint64_t *n)
{
	s += strspn(s, " \t");
	if (!isdigit((unsigned char)*s))
		return 0;
	/* More than any file has octets is as good as what it says. */
	for (*n = 0; isdigit((unsigned char)*s) && *n < UINT64_MAX / 100; s++)
		*n = *n * 10 + (uint64_t)(*s - '0');
	return 1;
}

static void
add_flag(struct mbox_message *message, char flag)
{
	static const char all[] = "DFRST";
	char had[MBOX_FLAGS];
	const char *s;
	size_t n = 0;

	strlcpy(had, message->flags, sizeof(had));
	for (s = all; *s != '\0'; s++)
		if (*s == flag || strchr(had, *s) != NULL)
			message->flags[n++] = *s;
	message->flags[n] = '\0';
}

static void
take_status(struct mbox *m, struct mbox_message *message, const char *value)
{
	(void)m;
	message->seen_before |= strpbrk(value, "RO") != NULL;
	if (strchr(value, 'R') != NULL)
		add_flag(message, 'S');
}

/* X-Status: D is deleted, and T a draft; Maildir has it the other way. */
static void
take_x_status(struct mbox *m, struct mbox_message *message, const char *value)
{
	static const char from[] = "AFTD", to[] = "RFDT";
	const char *s;

	(void)m;
	for (s = from; *s != '\0'; s++)
		if (strchr(value, *s) != NULL)
			add_flag(message, to[s - from]);
}

/*
 * UIDs grow, up to the last that was given, or they are none: anybody can
 * send a message with this field.
 */
static void
take_uid(struct mbox *m, struct mbox_message *message, const char *value)
{
	uint64_t uid;

	if (parse_number(value, &uid) && m->uidvalidity != 0 &&
	    uid > m->uid && uid <= m->last_uid && uid < UINT32_MAX)
		message->uid = m->uid = (uint32_t)uid;
}

/* "UIDVALIDITY LASTUID KEYWORD ...", in the first message only. */
static void
take_base(struct mbox *m, struct mbox_message *message, const char *value)
{
	uint64_t n, last;

	(void)message;
	if (m->begun || !parse_number(value, &n) || n > UINT32_MAX)
		return;
	value += strspn(value, " \t");
	value += strspn(value, "0123456789");
	if (parse_number(value, &last)) {
		m->uidvalidity = (uint32_t)n;
		m->last_uid = last;
	}
}

/*
 * The first message of some mailboxes is a note of UW's, and no message; but
 * not for this field alone, which anybody can send.
 */
static void
take_internal(struct mbox *m, struct mbox_message *message, const char *value)
{
	message->internal = !m->begun && m->internal;
	take_base(m, message, value);
}

static void
take_length(struct mbox *m, struct mbox_message *message, const char *value)
{
	uint64_t n;

	(void)message;
	if (m->by == MBOX_ANYBODY && m->length == UINT64_MAX &&
	    parse_number(value, &n))
		m->length = n;
}

static void
take_nothing(struct mbox *m, struct mbox_message *message, const char *value)
{
	(void)m;
	(void)message;
	(void)value;
}

/* What mail programs write into an mbox about its messages. */
static const struct note {
	const char *name;
	void (*take)(struct mbox *, struct mbox_message *, const char *value);
} notes[] = {
	{ "Status:", take_status },
	{ "X-Status:", take_x_status },
	{ "X-UID:", take_uid },
	{ "X-IMAPbase:", take_base },
	{ "X-IMAP:", take_internal },
	{ "X-Keywords:", take_nothing },
	{ "Content-Length:", take_length },
};

/* Is the line a note?  Then it is taken. */
static int
take_note(struct mbox *m, struct mbox_message *message, const char *p,
    size_t len)
{
	char value[128];
	size_t i, n;

	for (i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		n = strlen(notes[i].name);
		if (len < n || strncasecmp(p, notes[i].name, n) != 0)
			continue;
		len -= n;
		if (len >= sizeof(value))
			len = sizeof(value) - 1;
		memcpy(value, p + n, len);
		value[len] = '\0';
		notes[i].take(m, message, value);
		return 1;
	}
	if (!m->begun && len >= sizeof(INTERNAL) &&
	    memcmp(p, INTERNAL, sizeof(INTERNAL) - 1) == 0)
		m->internal = 1;
	return 0;
}

/*
 * Where the header ends, with an empty line at pos: does Content-Length tell
 * the truth?  It is asked before that line is taken for the one that is
 * before the next message.
 */
static int
check_length(struct mbox *m)
{
	char buf[LOOK / 2];
	int64_t date;
	size_t blank;
	uint64_t end = m->length;
	ssize_t n;

	if (m->length > INT64_MAX / 4 || m->at > INT64_MAX / 4)
		return 0; /* there is none, or no file is so large */
	end += m->at + empty_line(m->buf + m->pos, m->len - m->pos);
	if ((n = read_at(m->fd, buf, sizeof(buf), end)) == -1)
		return errno;
	/* Behind the end of the file there is nothing, either. */
	if (n == 0 && read_at(m->fd, buf, 1, end - 1) != 1)
		return 0;
	blank = empty_line(buf, (size_t)n);
	if ((size_t)n == blank ||
	    is_from_line(buf + blank, (size_t)n - blank, &date))
		m->end = end;
	return 0;
}

static void
end_message(struct mbox *m, size_t blank)
{
	skip(m, blank);
	m->where = BETWEEN;
	m->begun = 1;
}

/* Gives len octets from pos on. */
static void
give(struct mbox *m, const char **data, size_t *len, size_t n)
{
	*data = m->buf + m->pos;
	*len = n;
	m->within_line = n > 0 && (*data)[n - 1] != '\n';
	skip(m, n);
}

/* A line of the header, or what is there of it. */
static void
header_line(struct mbox *m, struct mbox_message *message, const char **data,
    size_t *len)
{
	const char *p = m->buf + m->pos;
	size_t left = m->len - m->pos, n = line_length(p, left);
	int last = 0;

	if (!m->within_line) {
		last = empty_line(p, left) > 0;
		if (last || (*p != ' ' && *p != '\t'))
			m->dropping = take_note(m, message, p, n);
	}
	give(m, data, len, n);
	if (m->dropping)
		*len = 0;
	if (last)
		m->where = BODY;
}

/*
 * How many octets of a bracketed From_ line are not the message's: 1 or 0.
 * Where Content-Length tells the end nothing had to be bracketed.
 */
static size_t
bracket(const struct mbox *m, const char *p, size_t left)
{
	size_t n = 0;

	while (m->end == 0 && n < left && p[n] == '>')
		n++;
	return n > 0 && has_from(p + n, left - n);
}

/* As many lines as can be given at once. */
static void
body_lines(struct mbox *m, const char **data, size_t *len)
{
	const char *p = m->buf + m->pos;
	size_t left = m->len - m->pos, n, blank;
	int all = m->eof;

	if (m->end != 0 && left >= m->end - m->at) {
		left = (size_t)(m->end - m->at);
		all = 1;
	}
	if (!m->within_line) {
		n = bracket(m, p, left);
		skip(m, n);
		p += n;
		left -= n;
	}
	n = line_length(p, left);
	/* LOOK is kept, so that the end of the message can be seen. */
	while (n < left && (left - n >= LOOK || all) && p[n - 1] == '\n' &&
	    !ends_at(m, p + n, left - n, &blank) &&
	    !bracket(m, p + n, left - n))
		n += line_length(p + n, left - n);
	give(m, data, len, n);
}

static int
is_at_body(const struct mbox *m)
{
	return m->where == HEADER && !m->within_line &&
	    empty_line(m->buf + m->pos, m->len - m->pos) > 0;
}

/* Is that all of the message?  Behind it are *blank octets of nobody's. */
static int
is_over(struct mbox *m, size_t *blank)
{
	const char *p = m->buf + m->pos;
	size_t left = m->len - m->pos;

	*blank = 0;
	if (left == 0)
		return 1;
	if (m->end != 0 && m->at >= m->end) {
		*blank = empty_line(p, left);
		return 1;
	}
	if (m->within_line || !ends_at(m, p, left, blank))
		return 0;
	if (*blank == 0)
		m->odd.bare++;
	return 1;
}

int
mbox_piece(struct mbox *m, struct mbox_message *message, const char **data,
    size_t *len)
{
	size_t blank;
	int error;

	*len = 0;
	while (*len == 0 && m->where != BETWEEN) {
		if ((error = fill(m)) != 0 ||
		    (is_at_body(m) && (error = check_length(m)) != 0))
			return error;
		if (is_over(m, &blank))
			end_message(m, blank);
		else if (m->where == HEADER)
			header_line(m, message, data, len);
		else
			body_lines(m, data, len);
	}
	return 0;
}
