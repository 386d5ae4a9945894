/*
 * The line reader: fed in pieces of every size, at its limits, and wiped.
 */
#include "tests/unit/unit.h"

#include "common/line.h"

static struct line_reader reader; /* too large for a stack */

static int
reset(void **state)
{
	(void)state;
	memset(&reader, 0, sizeof(reader));
	return 0;
}

/* Feeds as much as there is room for. */
static size_t
feed(const char *data, size_t len)
{
	size_t room;
	char *to = line_room(&reader, &room);

	assert_true(room > 0);
	assert_true(to >= reader.buf);
	assert_true(to + room <= reader.buf + sizeof(reader.buf));
	if (len > room)
		len = room;
	memcpy(to, data, len);
	line_fed(&reader, len);
	return len;
}

static enum line_result
next(char **line, size_t *len, size_t *octets)
{
	*line = NULL;
	*len = *octets = 0;
	return line_next(&reader, line, len, octets);
}

static void
expect_line(const char *text, size_t textlen, size_t on_wire)
{
	size_t len, octets;
	char *line;

	assert_int_equal(next(&line, &len, &octets), LINE_READY);
	assert_int_equal(len, textlen);
	assert_memory_equal(line, text, textlen);
	assert_int_equal(line[len], '\0');
	assert_int_equal(octets, on_wire);
}

static void
expect(enum line_result wanted)
{
	size_t len, octets;
	char *line;

	assert_int_equal(next(&line, &len, &octets), wanted);
}

/* Feeds len times the same octet, which is no newline. */
static enum line_result
feed_many(char c, size_t len)
{
	static char data[LINE_FLOOD_OCTETS];
	enum line_result result = LINE_NONE;
	size_t octets, n, ignored;
	char *line;

	memset(data, c, sizeof(data));
	for (; len > 0 && result == LINE_NONE; len -= n) {
		n = feed(data, len < sizeof(data) ? len : sizeof(data));
		result = next(&line, &ignored, &octets);
	}
	assert_int_equal(len, 0);
	return result;
}

static const struct {
	const char *data, *line;
	size_t datalen, linelen;
} endings[] = {
#define ENDING(data, line) { data, line, sizeof(data) - 1, sizeof(line) - 1 }
	ENDING("QUIT\r\n", "QUIT"),
	ENDING("QUIT\n", "QUIT"),
	ENDING("\r\n", ""),
	ENDING("\n", ""),
	ENDING("A\r\r\n", "A\r"),
	ENDING("A\rB\r\n", "A\rB"),
	ENDING("\r\r\n", "\r"),
	ENDING("A\0B\r\n", "A\0B"),
	ENDING("\0\n", "\0"),
	ENDING("\xff\x80\r\n", "\xff\x80"),
	ENDING("PASS  a \r\n", "PASS  a "),
};

static void
test_endings(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(endings); i++) {
		feed(endings[i].data, endings[i].datalen);
		expect_line(endings[i].line, endings[i].linelen,
		    endings[i].datalen);
		expect(LINE_NONE);
	}
}

/* Any number of lines, cut anywhere: the reader says the same. */
static void
test_split(void **state)
{
	static const char data[] = "NOOP\r\n\nSTAT\n\r\nLIST 1\r\n";
	size_t cut, piece, done;

	(void)state;
	for (cut = 1; cut < sizeof(data); cut++) {
		reset(NULL);
		for (done = 0; done < sizeof(data) - 1; done += piece) {
			piece = sizeof(data) - 1 - done;
			piece = feed(data + done, piece < cut ? piece : cut);
		}
		expect_line("NOOP", 4, 6);
		expect_line("", 0, 1);
		expect_line("STAT", 4, 5);
		expect_line("", 0, 2);
		expect_line("LIST 1", 6, 8);
		expect(LINE_NONE);
	}
}

/* As it comes from the network: asked after each piece. */
static void
test_crlf_split_over_reads(void **state)
{
	(void)state;
	feed("QUIT\r", 5);
	expect(LINE_NONE);
	feed("\nNO", 3);
	expect_line("QUIT", 4, 6);
	expect(LINE_NONE);
	feed("OP\n", 3);
	expect_line("NOOP", 4, 5);
	expect(LINE_NONE);
}

static void
test_longest(void **state)
{
	char text[LINE_MAX_OCTETS];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(
	    feed_many('x', LINE_MAX_OCTETS - 2), LINE_NONE);
	feed("\r\n", 2);
	expect_line(text, LINE_MAX_OCTETS - 2, LINE_MAX_OCTETS);
	expect(LINE_NONE);
	assert_int_equal(
	    feed_many('x', LINE_MAX_OCTETS - 1), LINE_NONE);
	feed("\n", 1);
	expect_line(text, LINE_MAX_OCTETS - 1, LINE_MAX_OCTETS);
	expect(LINE_NONE);
}

/* One octet more: skipped, and the next line is as good as ever. */
static void
test_too_long(void **state)
{
	static const size_t lengths[] = { LINE_MAX_OCTETS,
		LINE_MAX_OCTETS + 1, 2 * LINE_MAX_OCTETS - 1,
		2 * LINE_MAX_OCTETS, 3 * LINE_MAX_OCTETS + 5,
		LINE_FLOOD_OCTETS - 1 };
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(lengths); i++) {
		assert_int_equal(feed_many('x', lengths[i]), LINE_NONE);
		feed("\r\nNOOP\r\n", 8);
		expect(LINE_TOO_LONG);
		expect_line("NOOP", 4, 6);
		expect(LINE_NONE);
	}
}

static void
test_flood(void **state)
{
	(void)state;
	assert_int_equal(feed_many('x', LINE_FLOOD_OCTETS - 1), LINE_NONE);
	assert_int_equal(feed_many('x', 1), LINE_FLOOD);
	/* A NUL is an octet like any other. */
	reset(NULL);
	assert_int_equal(feed_many('\0', LINE_FLOOD_OCTETS), LINE_FLOOD);
}

/* A full buffer of short lines: each comes out, and there is room again. */
static void
test_full_of_lines(void **state)
{
	size_t room, i;
	char *to;

	(void)state;
	to = line_room(&reader, &room);
	assert_int_equal(room, LINE_MAX_OCTETS);
	for (i = 0; i < room; i++)
		to[i] = i % 4 == 3 ? '\n' : 'a';
	line_fed(&reader, room);
	for (i = 0; i < LINE_MAX_OCTETS / 4; i++)
		expect_line("aaa", 3, 4);
	expect(LINE_NONE);
	line_room(&reader, &room);
	assert_int_equal(room, LINE_MAX_OCTETS);
}

/* Asking for room with lines left moves them, and loses none. */
static void
test_room_between_lines(void **state)
{
	(void)state;
	feed("one\r\ntwo\r\nthr", 13);
	expect_line("one", 3, 5);
	feed("ee\r\n", 4);
	expect_line("two", 3, 5);
	feed("four\n", 5);
	expect_line("three", 5, 7);
	expect_line("four", 4, 5);
	expect(LINE_NONE);
}

static int
remembers(const char *secret)
{
	return memmem(reader.buf, sizeof(reader.buf), secret,
	    strlen(secret)) != NULL;
}

static void
test_wiped(void **state)
{
	size_t room;

	(void)state;
	feed("PASS hunter2\r\nSTAT\r\n", 20);
	expect_line("PASS hunter2", 12, 14);
	assert_true(remembers("hunter2"));
	expect_line("STAT", 4, 6);
	assert_false(remembers("hunter2"));
	/* Moved, and skipped: no copy stays behind. */
	feed("RETR 4294967295\r\nPASS hunter2", 29);
	expect_line("RETR 4294967295", 15, 17);
	line_room(&reader, &room);
	line_fed(&reader, 0);
	feed("\r\n", 2);
	expect_line("PASS hunter2", 12, 14);
	expect(LINE_NONE);
	assert_false(remembers("hunter2"));
	assert_int_equal(feed_many('x', LINE_MAX_OCTETS - 12), LINE_NONE);
	feed("PASS hunter2", 12);
	expect(LINE_NONE);
	assert_false(remembers("hunter2"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_endings, reset),
		cmocka_unit_test_setup(test_split, reset),
		cmocka_unit_test_setup(test_crlf_split_over_reads, reset),
		cmocka_unit_test_setup(test_longest, reset),
		cmocka_unit_test_setup(test_too_long, reset),
		cmocka_unit_test_setup(test_flood, reset),
		cmocka_unit_test_setup(test_full_of_lines, reset),
		cmocka_unit_test_setup(test_room_between_lines, reset),
		cmocka_unit_test_setup(test_wiped, reset),
	};

	return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
