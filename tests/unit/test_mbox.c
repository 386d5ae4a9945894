/*
 * Reading an mbox, whoever wrote it: where messages begin and end, what was
 * bracketed, what mail programs noted down, and dates.  Each is read with
 * the file as it is and with a message before it that shifts everything
 * over the ends of the buffer.
 */
#include <errno.h>
#include <time.h>

#include "tests/unit/unit.h"

#include "store/mbox.h"

#define F	 "From me@example.com Tue Jan  2 10:00:00 2024\n"
#define F_DATE	 1704189600
#define HEAD	 "Subject: x\n\n"
#define ROOM	 (1 << 20)
#define BUFFER	 65536

/* What is read of it: "DATE FLAGS UID|octets" and a bar for each message. */
#define D    "1704189600"
#define NONE D "- 0|"

struct sample {
	const char *text, *seen;
};

static const struct sample mboxes[] = {
	/* Nothing, and next to nothing. */
	{ "", "" },
	{ "\n", "" },
	{ "\n\r\n\n", "" },
	{ F, NONE "|" },
	{ F "\n", NONE "|" },
	{ F "\n" F "\n", NONE "|" NONE "|" },
	{ F HEAD "text", NONE HEAD "text|" },
	{ F HEAD "text\n", NONE HEAD "text\n|" },
	{ F HEAD "text\n\n", NONE HEAD "text\n|" },
	{ F HEAD "text\n\n\n", NONE HEAD "text\n\n|" },
	{ F "Subject: x\n", NONE "Subject: x\n|" },
	{ F "Subject: x\n\n" F HEAD,
	    NONE "Subject: x\n|" NONE "Subject: x\n|" },
	{ F "Subject: x\n\n\n" F, NONE "Subject: x\n\n|" NONE "|" },
	{ "\n\n" F HEAD "a\n", NONE HEAD "a\n|" },
	/* Separators. */
	{ F HEAD "a\n\n" F HEAD "b\n\n",
	    NONE HEAD "a\n|" NONE HEAD "b\n|" },
	{ F HEAD "a\n" F HEAD "b\n", NONE HEAD "a\n|" NONE HEAD "b\n|" },
	{ F HEAD "a\n\n\n\n" F HEAD "b\n",
	    NONE HEAD "a\n\n\n|" NONE HEAD "b\n|" },
	{ F HEAD "\nFrom what I hear\nFrom\nFrom \n",
	    NONE HEAD "\nFrom what I hear\nFrom\nFrom \n|" },
	{ F HEAD "a\n From me@example.com Tue Jan  2 10:00:00 2024\n",
	    NONE HEAD "a\n From me@example.com Tue Jan  2 10:00:00 2024\n|" },
	{ "From whoever\n" HEAD "a\n\n" F HEAD, "0- 0|" HEAD "a\n|" NONE
						"Subject: x\n|" },
	/* CRLF. */
	{ "From me Tue Jan  2 10:00:00 2024\r\nSubject: x\r\n\r\na\r\n\r\n"
	  "From me Tue Jan  2 10:00:00 2024\r\n\r\nb\r\n",
	    NONE "Subject: x\r\n\r\na\r\n|" NONE "\r\nb\r\n|" },
	/* Brackets. */
	{ F HEAD ">From a\n>>From b\n>>>From c\n>Fro\n> From d\n>from\n",
	    NONE HEAD "From a\n>From b\n>>From c\n>Fro\n> From d\n>from\n|" },
	{ F ">From old sendmail\n" HEAD, NONE ">From old sendmail\n"
					      "Subject: x\n|" },
	/* Notes of mail programs. */
	{ F "Status: RO\nX-Status: AFTD\n" HEAD, D "DFRST+ 0|Subject: x\n|" },
	{ F "Status: O\n" HEAD, D "+ 0|Subject: x\n|" },
	{ F "Status: \nX-Status: \n" HEAD, NONE "Subject: x\n|" },
	{ F "status: R\nSubject: x\n folded\nX-Keywords: a\n\tb\n c\nTo: y\n\n",
	    D "S+ 0|Subject: x\n folded\nTo: y\n|" },
	{ F HEAD "Status: RO\n", NONE HEAD "Status: RO\n|" },
	{ F "X-IMAPbase: 1234567890 0000000002\nX-UID: 1\n" HEAD "a\n\n"
	  F "X-UID: 2     \n" HEAD "b\n\n" F HEAD "c\n",
	    D "- 1|" HEAD "a\n|" D "- 2|" HEAD "b\n|" NONE HEAD "c\n|" },
	{ F "X-UID: 7\n" HEAD, NONE "Subject: x\n|" },
	{ F "X-IMAPbase: 5 9\nX-UID: 7\n" HEAD "\n" F "X-UID: 7\n" HEAD "\n"
	  F "X-UID: 4294967295\n" HEAD "\n" F "X-UID: x\n" HEAD "\n"
	  F "X-UID: 99999999999999999999999\n" HEAD "\n" F "X-UID: 8\n" HEAD,
	    D "- 7|Subject: x\n\n|" NONE "Subject: x\n\n|" NONE
	      "Subject: x\n\n|" NONE "Subject: x\n\n|" NONE
	      "Subject: x\n\n|" D "- 8|Subject: x\n|" },
	{ F "X-IMAPbase: 5 9\nX-UID: 10\n" HEAD, NONE "Subject: x\n|" },
	{ F "X-IMAPbase: 5\nX-UID: 1\n" HEAD, NONE "Subject: x\n|" },
	{ F HEAD "\n" F "X-IMAPbase: 5 9\nX-UID: 7\n" HEAD,
	    NONE "Subject: x\n\n|" NONE "Subject: x\n|" },
	{ F "Subject: DON'T DELETE THIS MESSAGE\nX-IMAP: 77 0000000003\n"
	  "Status: RO\n\nnotes\n\n" F "X-UID: 3\nX-IMAP: 1 1\n" HEAD,
	    "internal|" D "- 3|Subject: x\n|" },
	{ F "X-IMAP: 77 0000000003\nX-UID: 2\n" HEAD "\n"
	  F "X-UID: 3\n" HEAD,
	    D "- 2|" HEAD "|" D "- 3|Subject: x\n|" },
	{ F HEAD "\n"
	  F "Subject: DON'T DELETE THIS MESSAGE\nX-IMAP: 7 3\n\na\n",
	    NONE HEAD "|" NONE "Subject: DON'T DELETE THIS MESSAGE\n\na\n|" },
	/* Content-Length. */
	{ F "Content-Length: 16\n" HEAD "a\n\nFrom b\n>From\n\n" F HEAD,
	    NONE HEAD "a\n\nFrom b\n>From\n|" NONE "Subject: x\n|" },
	{ F "Content-Length: 49\nX: y\n\na\n\n" F "\n\n" F HEAD,
	    NONE "X: y\n\na\n\n" F "\n|" NONE "Subject: x\n|" },
	{ F "Content-Length: 8\n" HEAD ">From a\n\n" F HEAD,
	    NONE HEAD ">From a\n|" NONE "Subject: x\n|" },
	{ F "Content-Length: 8\n" HEAD ">From a\n", NONE HEAD ">From a\n|" },
	{ F "Content-Length: 3\n" HEAD ">From a\n\n" F HEAD,
	    NONE HEAD "From a\n|" NONE "Subject: x\n|" },
	{ F "Content-Length: 9999\n" HEAD "a\n", NONE HEAD "a\n|" },
	{ F "Content-Length: 99999999999999999999\n" HEAD "a\n",
	    NONE HEAD "a\n|" },
	{ F "Content-Length: -1\n" HEAD "a\n", NONE HEAD "a\n|" },
	{ F "Content-Length: 0\n" HEAD "a\n", NONE HEAD "a\n|" },
	{ F "Content-Length: 0\nX: y\n\n\n" F HEAD,
	    NONE "X: y\n\n|" NONE "Subject: x\n|" },
	{ F "Content-Length: 2\nContent-Length: 0\n" HEAD "a\n\n" F,
	    NONE HEAD "a\n|" NONE "|" },
	/* The header's end, and not a line before the next message. */
	{ F "Content-Length: 47\n" HEAD F "x\n\n" F HEAD,
	    NONE HEAD F "x\n|" NONE "Subject: x\n|" },
	{ F "Content-Length: 9\n" HEAD F "x\n\n" F HEAD,
	    NONE "Subject: x\n|" NONE "x\n|" NONE "Subject: x\n|" },
};

/* As delivery agents write them, with what senders put in. */
static const struct sample agents[] = {
	{ F HEAD "a\n\n" F HEAD "b\n\n", NONE HEAD "a\n|" NONE HEAD "b\n|" },
	{ F HEAD "a\r\n\r\n" F HEAD "b\r\n\r\n",
	    NONE HEAD "a\r\n|" NONE HEAD "b\r\n|" },
	{ F "Subject: x\n\n" F HEAD, NONE "Subject: x\n|" NONE
				     "Subject: x\n|" },
	{ F "\n" F "\n", NONE "|" NONE "|" },
	{ F HEAD "a\n" F HEAD "b\n", NONE HEAD "a\n" F HEAD "b\n|" },
	{ F "Subject: x\n" F HEAD "b\n", NONE "Subject: x\n" F HEAD "b\n|" },
	{ F F HEAD "b\n", NONE F HEAD "b\n|" },
	{ F HEAD "a\n\n>" F "b\n>From c\n",
	    NONE HEAD "a\n\n" F "b\nFrom c\n|" },
	{ F "Content-Length: 60\n" HEAD "a\n\n" F HEAD "\n" F HEAD "c\n",
	    NONE HEAD "a\n|" NONE HEAD "|" NONE HEAD "c\n|" },
	{ F "Content-Length: 8\n" HEAD ">From a\n\n" F HEAD,
	    NONE HEAD "From a\n|" NONE "Subject: x\n|" },
};

/* Lines that somebody should have a look at. */
static const struct {
	const char *text;
	enum mbox_by by;
	uint64_t joined, bare;
} odd_lines[] = {
	{ F HEAD "a\n\n" F HEAD "\n>From b\n\n" F HEAD, MBOX_ANYBODY, 0, 0 },
	{ F HEAD "a\n" F HEAD "\n\n" F HEAD, MBOX_ANYBODY, 0, 1 },
	{ F F "\n", MBOX_ANYBODY, 0, 1 },
	{ F HEAD "a\n" F HEAD, MBOX_AGENTS, 0, 0 },
	{ F HEAD "a\n\nFrom b\n\nFrom c\n", MBOX_ANYBODY, 2, 0 },
	{ F HEAD "From b\n", MBOX_ANYBODY, 1, 0 },
	{ F HEAD "a\nFrom b\n", MBOX_ANYBODY, 0, 0 },
	{ F "Content-Length: 9\n" HEAD F "x\n\n" F HEAD, MBOX_ANYBODY, 0, 0 },
	{ F "Content-Length: 47\n" HEAD F "x\n\n" F HEAD, MBOX_ANYBODY,
	    1, 0 },
	{ F "Content-Length: 60\n" HEAD "a\n\n" F HEAD "\n" F HEAD,
	    MBOX_ANYBODY, 1, 0 },
	{ F "Content-Length: 10\n" HEAD "a\n\nFrom b\n\n" F HEAD,
	    MBOX_ANYBODY, 0, 0 },
};

/* Reads all of it, as it would be told. */
static void
read_all(int fd, enum mbox_by by, char *seen, struct mbox_odd *odd)
{
	struct mbox *m = mbox_new(fd, by, NULL, NULL);
	struct mbox_message message;
	const char *data;
	char *body;
	size_t len, used = 0;
	int error;

	assert_non_null(m);
	body = malloc(ROOM);
	assert_non_null(body);
	while ((error = mbox_next(m, &message)) == 0) {
		for (used = 0; (error = mbox_piece(m, &message, &data,
				    &len)) == 0 && len > 0; used += len) {
			assert_true(used + len < ROOM);
			memcpy(body + used, data, len);
		}
		assert_int_equal(error, 0);
		body[used] = '\0';
		if (message.internal)
			strlcat(seen, "internal|", ROOM);
		else
			snprintf(seen + strlen(seen), ROOM - strlen(seen),
			    "%lld%s%s %u|%s|", (long long)message.date,
			    message.flags, message.seen_before ? "+" :
				message.flags[0] == '\0' ? "-" : "",
			    message.uid, body);
	}
	assert_int_equal(error, MBOX_END);
	*odd = *mbox_odd(m);
	free(body);
	mbox_free(m);
}

static char *
read_by(const char *dir, const char *text, enum mbox_by by,
    struct mbox_odd *odd)
{
	char *seen = calloc(1, ROOM);
	int fd;

	assert_non_null(seen);
	scratch_write(dir, "mbox", text);
	fd = open(scratch_path(dir, "mbox"), O_RDONLY);
	assert_true(fd != -1);
	read_all(fd, by, seen, odd);
	close(fd);
	return seen;
}

static char *
read_text(const char *dir, const char *text)
{
	struct mbox_odd odd;

	return read_by(dir, text, MBOX_ANYBODY, &odd);
}

static void
read_samples(const char *dir, const struct sample *samples, size_t n,
    enum mbox_by by)
{
	struct mbox_odd odd;
	char *seen;
	size_t i;

	for (i = 0; i < n; i++) {
		seen = read_by(dir, samples[i].text, by, &odd);
		if (strcmp(seen, samples[i].seen) != 0)
			fail_msg("%zu:\n%s\nread as:\n%s\nand not:\n%s", i,
			    samples[i].text, seen, samples[i].seen);
		free(seen);
	}
}

static void
test_all(void **state)
{
	read_samples(*state, mboxes, NITEMS(mboxes), MBOX_ANYBODY);
}

/* Behind a message that ends so far before the end of the buffer. */
static void
behind(const char *dir, size_t i, size_t before)
{
	char *text = calloc(1, ROOM), *seen;
	size_t len = strlen(F HEAD) , fill = BUFFER - before;

	assert_non_null(text);
	strlcpy(text, F HEAD, ROOM);
	memset(text + len, 'x', fill - len);
	strlcpy(text + fill, "\n\n", ROOM - fill);
	strlcat(text, mboxes[i].text, ROOM);
	seen = read_text(dir, text);
	if (strcmp(seen + strlen(seen) - strlen(mboxes[i].seen),
		mboxes[i].seen) != 0)
		fail_msg("%zu, %zu before the end of the buffer: %s", i,
		    before, seen + fill);
	free(seen);
	free(text);
}

static void
test_agents(void **state)
{
	read_samples(*state, agents, NITEMS(agents), MBOX_AGENTS);
}

/* Behind so many octets of a body. */
static void
count_odd(const char *dir, size_t i, size_t octets)
{
	char *text = calloc(1, ROOM), *seen;
	struct mbox_odd found;

	assert_non_null(text);
	strlcpy(text, F HEAD, ROOM);
	memset(text + strlen(text), 'x', octets);
	strlcat(text, "\n\n", ROOM);
	strlcat(text, odd_lines[i].text, ROOM);
	seen = read_by(dir, text, odd_lines[i].by, &found);
	if (found.joined != odd_lines[i].joined ||
	    found.bare != odd_lines[i].bare)
		fail_msg("%zu, behind %zu: %llu joined, %llu bare", i, octets,
		    (unsigned long long)found.joined,
		    (unsigned long long)found.bare);
	free(seen);
	free(text);
}

static void
test_odd(void **state)
{
	size_t i, before;

	for (i = 0; i < NITEMS(odd_lines); i++)
		for (before = 1; before < 200; before += 3) {
			count_odd(*state, i, before);
			count_odd(*state, i, BUFFER - before);
			count_odd(*state, i, BUFFER - 4096 - before);
		}
}

static int asked;

static int
no_longer(void *arg)
{
	return ++asked > *(int *)arg;
}

/* Asked within a message, and in its header, and while it is passed. */
static void
test_given_up(void **state)
{
	struct mbox_message message;
	const char *path, *data;
	struct mbox *m;
	size_t len;
	int fd, times, error;

	scratch_write(*state, "mbox", F HEAD);
	path = scratch_path(*state, "mbox");
	assert_int_equal(truncate(path, 100 << 20), 0);
	fd = open(path, O_RDONLY);
	assert_true(fd != -1);
	for (times = 0; times < 3; times++) {
		asked = 0;
		m = mbox_new(fd, MBOX_AGENTS, no_longer, &times);
		assert_non_null(m);
		assert_int_equal(mbox_next(m, &message), 0);
		do
			error = mbox_piece(m, &message, &data, &len);
		while (error == 0 && len > 0);
		assert_int_equal(error, ECANCELED);
		assert_int_equal(asked, times + 1);
		assert_true(mbox_offset(m) < (uint64_t)(times + 2) << 20);
		mbox_free(m);
	}
	asked = times = 0;
	m = mbox_new(fd, MBOX_AGENTS, no_longer, &times);
	assert_int_equal(mbox_next(m, &message), 0);
	assert_int_equal(mbox_next(m, &message), ECANCELED);
	mbox_free(m);
	close(fd);
}

/* Not those that need to be the first. */
static void
test_shifted(void **state)
{
	size_t i, before;

	for (i = 3; i < NITEMS(mboxes); i++) {
		if (strstr(mboxes[i].text, "X-IMAP") != NULL ||
		    strstr(mboxes[i].text, "whoever") != NULL ||
		    mboxes[i].text[0] == '\n')
			continue;
		for (before = 0; before < 130; before += 3)
			behind(*state, i, before);
	}
}

/* Lines that no buffer has room for. */
static void
test_long_lines(void **state)
{
	char *text = calloc(1, ROOM), *seen, *body;

	assert_non_null(text);
	strlcpy(text, F "X-Keywords: ", ROOM);
	memset(text + strlen(text), 'k', 300000);
	strlcat(text, "\n more\nX: ", ROOM);
	memset(text + strlen(text), 'v', 200000);
	strlcat(text, "\n\nFrom ", ROOM);
	memset(text + strlen(text), 'f', 100000);
	strlcat(text, " Tue Jan  2 10:00:00 2024\n\n" F HEAD, ROOM);
	seen = read_text(*state, text);
	body = strstr(text, "X: v");
	assert_non_null(body);
	assert_int_equal(strncmp(seen, NONE, strlen(NONE)), 0);
	assert_int_equal(strncmp(seen + strlen(NONE), body,
	    strlen(body) - strlen("\n" F HEAD)), 0);
	assert_string_equal(
	    seen + strlen(seen) - strlen("|" NONE "Subject: x\n|"),
	    "|" NONE "Subject: x\n|");
	free(seen);
	free(text);
}

static const struct {
	const char *line;
	int64_t date; /* -1: that ends no message */
} dates[] = {
	{ "From a Tue Jan  2 10:00:00 2024", F_DATE },
	{ "From a Tue Jan 02 10:00:00 2024", F_DATE },
	{ "From a Tue Jan  2 10:00 2024", F_DATE },
	{ "From a Tue Jan  2 10:00:00 2024 +0100", F_DATE - 3600 },
	{ "From a Tue Jan  2 10:00:00 -0230 2024", F_DATE + 9000 },
	{ "From a Tue Jan  2 10:00:00 CET 2024", F_DATE },
	{ "From 1234567@xxx Tue Jan 02 10:00:00 +0000 2024", F_DATE },
	{ "From - Tue Jan  2 10:00:00 2024", F_DATE },
	{ "From joe at example.com  Tue Jan  2 10:00:00 2024", F_DATE },
	{ "From \"a b\"@example.com Tue Jan  2 10:00:00 2024", F_DATE },
	{ "From a Tue Jan  2 10:00:00 2024 remote from b", F_DATE },
	{ "From Tue Mon Tue Jan  2 10:00:00 2024", F_DATE },
	{ "From a  Thu Jan  1 00:00:00 1970", 0 },
	{ "From a Tue Jan  2 10:00:00 1969", -1 },
	{ "From a Tue Jan  2 10:00:00 20244", -1 },
	{ "From a Tue Jan 32 10:00:00 2024", -1 },
	{ "From a Tue Jan  2 25:00:00 2024", -1 },
	{ "From a Tue Jan  2 2024", -1 },
	{ "From a Jan  2 10:00:00 2024", -1 },
	{ "From a Tue Jan  2 10:00:00", -1 },
	{ "From Tue", -1 },
	{ "FromTue Jan  2 10:00:00 2024", -1 },
};

static void
test_dates(void **state)
{
	char text[1024], expected[1024], *seen;
	size_t i;

	for (i = 0; i < NITEMS(dates); i++) {
		snprintf(text, sizeof(text), F "%s\n", dates[i].line);
		if (dates[i].date != -1)
			snprintf(expected, sizeof(expected), NONE
			    "|%lld- 0||", (long long)dates[i].date);
		else
			snprintf(expected, sizeof(expected), NONE "%s\n|",
			    dates[i].line);
		seen = read_text(*state, text);
		if (strcmp(seen, expected) != 0)
			fail_msg("%s: %s", dates[i].line, seen);
		free(seen);
	}
}

/* Without a zone it is the time of this place. */
static void
test_local_time(void **state)
{
	char *seen;

	assert_int_equal(setenv("TZ", "XXX-5", 1), 0);
	tzset();
	seen = read_text(*state, F
	    "From a Tue Jan  2 10:00:00 +0000 2024\n");
	assert_string_equal(seen, "1704171600- 0||" D "- 0||");
	free(seen);
	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	tzset();
}

static void
test_no_mbox(void **state)
{
	static const char *const texts[] = { "x", "Subject: x\n\n" F,
		"\nFrom\n", ">" F, "from a\n" };
	struct mbox_message message;
	struct mbox *m;
	size_t i;
	int fd;

	for (i = 0; i < NITEMS(texts); i++) {
		scratch_write(*state, "mbox", texts[i]);
		fd = open(scratch_path(*state, "mbox"), O_RDONLY);
		assert_true(fd != -1);
		assert_non_null(m = mbox_new(fd, MBOX_ANYBODY, NULL, NULL));
		assert_int_equal(mbox_next(m, &message), EINVAL);
		mbox_free(m);
		close(fd);
	}
	assert_non_null(m = mbox_new(-1, MBOX_ANYBODY, NULL, NULL));
	assert_int_equal(mbox_next(m, &message), EBADF);
	mbox_free(m);
}

/* Who does not read a message to its end still gets the next one. */
static void
test_skip(void **state)
{
	struct mbox_message message;
	const char *data;
	size_t len, n;
	struct mbox *m;
	int fd;

	scratch_write(*state, "mbox", F "X-IMAPbase: 3 9\nX-UID: 2\n" HEAD
	    "a\n\n" F HEAD "b\n\n" F "X-UID: 5\n" HEAD);
	fd = open(scratch_path(*state, "mbox"), O_RDONLY);
	assert_true(fd != -1);
	assert_non_null(m = mbox_new(fd, MBOX_ANYBODY, NULL, NULL));
	for (n = 0; mbox_next(m, &message) == 0; n++)
		if (n == 2)
			assert_int_equal(
			    mbox_piece(m, &message, &data, &len), 0);
	assert_int_equal(n, 3);
	assert_int_equal(message.uid, 0);
	assert_int_equal(mbox_uidvalidity(m), 3);
	assert_int_equal(mbox_offset(m), lseek(fd, 0, SEEK_END));
	mbox_free(m);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_all),
		IN_SCRATCH(test_agents),
		IN_SCRATCH(test_odd),
		IN_SCRATCH(test_given_up),
		IN_SCRATCH(test_shifted),
		IN_SCRATCH(test_long_lines),
		IN_SCRATCH(test_dates),
		IN_SCRATCH(test_local_time),
		IN_SCRATCH(test_no_mbox),
		IN_SCRATCH(test_skip),
	};

	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	tzset();
	return cmocka_run_group_tests_name("mbox", tests, NULL, NULL);
}
