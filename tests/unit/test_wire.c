/*
 * The wire format, against a reference that takes one octet at a time: every
 * split of the input, every size of the output, counted and sent.
 */
#include "tests/unit/unit.h"

#include "common/wire.h"

#define MESSAGE_MAX 24 /* octets of the messages made up below */
#define SENT_MAX    (3 * MESSAGE_MAX + 2)
#define GUARD	    '\x5a'

struct sent {
	char data[SENT_MAX];
	size_t len;
	uint64_t octets; /* without the stuffed dots */
};

static void
add(struct sent *s, char c, int counts)
{
	assert_true(s->len < sizeof(s->data));
	s->data[s->len++] = c;
	s->octets += (uint64_t)counts;
}

/* What RFC 1939 and wire.h ask for, as plainly as it can be said. */
static void
reference(struct sent *s, const char *in, size_t len, int64_t body_lines)
{
	size_t i, begin = 0;
	int body = 0;

	s->len = 0;
	s->octets = 0;
	for (i = 0; i < len && !(body && body_lines == 0); i++) {
		if (i == begin && in[i] == '.')
			add(s, '.', 0);
		if (in[i] == '\n' && (i == begin || in[i - 1] != '\r'))
			add(s, '\r', 1);
		add(s, in[i], 1);
		if (in[i] != '\n')
			continue;
		if (body)
			body_lines -= body_lines > 0;
		body = body || i == begin ||
		    (i == begin + 1 && in[begin] == '\r');
		begin = i + 1;
	}
	if (i > 0 && in[i - 1] != '\n') {
		add(s, '\r', 1);
		add(s, '\n', 1);
	}
}

/* One piece of the input, through outputs of room octets. */
static void
convert(struct wire *w, struct sent *s, const char *in, size_t len, size_t room)
{
	char out[SENT_MAX + 1];
	size_t n;

	while (len > 0 && !w->done) {
		memset(out, GUARD, sizeof(out));
		n = wire_convert(w, &in, &len, out, room);
		assert_true(n > 0 && n <= room);
		assert_int_equal(out[room], GUARD);
		assert_true(s->len + n <= sizeof(s->data));
		memcpy(s->data + s->len, out, n);
		s->len += n;
	}
}

static void
send_pieces(struct sent *s, const char *in, size_t len, int64_t body_lines,
    const size_t split[2], size_t room)
{
	struct wire w;

	wire_init(&w, body_lines);
	s->len = 0;
	convert(&w, s, in, split[0], room);
	convert(&w, s, in + split[0], split[1] - split[0], room);
	convert(&w, s, in + split[1], len - split[1], room);
	assert_true(s->len + 2 <= sizeof(s->data));
	s->len += wire_finish(&w, s->data + s->len);
	s->octets = w.octets;
}

/* The same, only counted: LIST cannot differ from RETR (I3). */
static uint64_t
count_pieces(
    const char *in, size_t len, int64_t body_lines, const size_t split[2])
{
	size_t end[3] = { split[0], split[1], len }, from = 0, left, i;
	const char *at;
	struct wire w;

	wire_init(&w, body_lines);
	for (i = 0; i < NITEMS(end); i++) {
		at = in + from;
		left = end[i] - from;
		while (left > 0 && !w.done)
			wire_convert(&w, &at, &left, NULL, SIZE_MAX);
		from = end[i];
	}
	wire_finish(&w, NULL);
	return w.octets;
}

static void
check(const char *in, size_t len, int64_t body_lines)
{
	struct sent wanted, got;
	size_t split[2], room;

	reference(&wanted, in, len, body_lines);
	for (split[0] = 0; split[0] <= len; split[0]++)
		for (split[1] = split[0]; split[1] <= len; split[1]++) {
			assert_int_equal(
			    count_pieces(in, len, body_lines, split),
			    wanted.octets);
			for (room = WIRE_ROOM_MIN; room <= wanted.len + 4;
			     room++) {
				send_pieces(
				    &got, in, len, body_lines, split, room);
				assert_int_equal(got.octets, wanted.octets);
				assert_int_equal(got.len, wanted.len);
				assert_memory_equal(
				    got.data, wanted.data, wanted.len);
			}
		}
}

/* By hand, so that the reference is tested, too. */
static const struct {
	const char *in;
	size_t inlen;
	int64_t body_lines;
	const char *out;
	size_t outlen;
	uint64_t octets;
} known[] = {
#define KNOWN(in, lines, out, octets) \
	{ in, sizeof(in) - 1, lines, out, sizeof(out) - 1, octets }
	KNOWN("", WIRE_ALL, "", 0),
	KNOWN("a\n", WIRE_ALL, "a\r\n", 3),
	KNOWN("a\r\n", WIRE_ALL, "a\r\n", 3),
	KNOWN("a", WIRE_ALL, "a\r\n", 3),
	KNOWN("a\rb\n", WIRE_ALL, "a\rb\r\n", 5),
	KNOWN("a\r", WIRE_ALL, "a\r\r\n", 4),
	KNOWN("\r\r\n", WIRE_ALL, "\r\r\n", 3),
	KNOWN(".", WIRE_ALL, "..\r\n", 3),
	KNOWN(".\n.\n", WIRE_ALL, "..\r\n..\r\n", 6),
	KNOWN("a.\n..b\n", WIRE_ALL, "a.\r\n...b\r\n", 9),
	KNOWN("\r.\n", WIRE_ALL, "\r.\r\n", 4),
	KNOWN("\0\xff\n\0", WIRE_ALL, "\0\xff\r\n\0\r\n", 7),
	KNOWN("h\n\nb\nc\n", 0, "h\r\n\r\n", 5),
	KNOWN("h\n\nb\nc\n", 1, "h\r\n\r\nb\r\n", 8),
	KNOWN("h\n\nb\nc", 2, "h\r\n\r\nb\r\nc\r\n", 11),
	KNOWN("h\r\n\r\n.\r\nc\r\n", 1, "h\r\n\r\n..\r\n", 8),
	KNOWN("h\n\r\r\nb\n\nc\n", 0, "h\r\n\r\r\nb\r\n\r\n", 11),
	KNOWN("h", 0, "h\r\n", 3),
	KNOWN("\nb\nc\n", 1, "\r\nb\r\n", 5),
};

static void
test_known(void **state)
{
	static const size_t none[2];
	struct sent s;
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(known); i++) {
		send_pieces(&s, known[i].in, known[i].inlen,
		    known[i].body_lines, none, SENT_MAX);
		assert_int_equal(s.len, known[i].outlen);
		assert_memory_equal(s.data, known[i].out, s.len);
		assert_int_equal(s.octets, known[i].octets);
		check(known[i].in, known[i].inlen, known[i].body_lines);
	}
}

/* All messages of up to six octets out of those that mean something. */
static void
test_short(void **state)
{
	static const char alphabet[] = { '\n', '\r', '.', 'x' };
	const unsigned int base = NITEMS(alphabet);
	unsigned int number, end = 1, rest;
	char in[6];
	size_t len, i;

	(void)state;
	for (len = 0; len <= sizeof(in); len++, end *= base)
		for (number = 0; number < end; number++) {
			for (rest = number, i = 0; i < len; i++, rest /= base)
				in[i] = alphabet[rest % base];
			check(in, len, WIRE_ALL);
			check(in, len, 0);
			check(in, len, 1);
		}
}

/* Longer ones, of a generator that always begins the same. */
static void
test_long(void **state)
{
	static const char alphabet[] = "\n\n\r.x\0\xff\n";
	uint32_t random = 1;
	char in[MESSAGE_MAX];
	int n;
	size_t i;

	(void)state;
	for (n = 0; n < 40; n++) {
		for (i = 0; i < sizeof(in); i++) {
			random = random * 1103515245 + 12345;
			in[i] = alphabet[random >> 16 & 7];
		}
		check(in, sizeof(in) - (size_t)n % 4, n % 5 - 1);
	}
}

/* TOP stops in the middle of what it was given, and takes no more. */
static void
test_top_leaves_the_rest(void **state)
{
	const char *in = "h\n\nb\nrest\n";
	size_t len = strlen(in);
	struct wire w;
	char out[64];

	(void)state;
	wire_init(&w, 1);
	assert_int_equal(wire_convert(&w, &in, &len, out, sizeof(out)), 8);
	assert_true(w.done);
	assert_string_equal(in, "rest\n");
	assert_int_equal(len, 5);
	assert_int_equal(wire_convert(&w, &in, &len, out, sizeof(out)), 0);
	assert_int_equal(wire_finish(&w, out), 0);
	assert_int_equal(w.octets, 8);
}

/* Too little room: nothing is taken, nothing is lost. */
static void
test_no_room(void **state)
{
	const char *in = ".\n";
	size_t len = 2, room;
	struct wire w;
	char out[WIRE_ROOM_MIN];

	(void)state;
	wire_init(&w, WIRE_ALL);
	for (room = 0; room < WIRE_ROOM_MIN; room++)
		assert_int_equal(wire_convert(&w, &in, &len, out, room), 0);
	assert_int_equal(len, 2);
	assert_int_equal(w.octets, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_top_leaves_the_rest),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
