/*
 * PROXY headers, as they come over a socket: whom they name, what is wrong
 * with others, and that not one octet behind them is taken.
 */
#include <sys/socket.h>

#include "tests/unit/unit.h"

#include "common/clock.h"
#include "session/proxy.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define BEHIND	  "\x16\x03\x01"
#define PATIENCE  20000 /* ms */

#define V2(command, family, length, rest) \
	SIGNATURE command family length rest
#define INET_OCTETS "\300\0\002\001" "\300\0\002\002" "\001\002" "\003\343"
#define INET6_OCTETS                                           \
	" \001\r\270\0\0\0\0\0\0\0\0\0\0\0\001"                \
	" \001\r\270\0\0\0\0\0\0\0\0\0\0\0\002" "\001\002\003\343"
#define MAPPED_OCTETS                                           \
	"\0\0\0\0\0\0\0\0\0\0\377\377\300\0\002\011"            \
	"\0\0\0\0\0\0\0\0\0\0\377\377\300\0\002\002" "\001\002\003\343"

#define THIRTY "012345678901234567890123456789"
#define NINETY THIRTY THIRTY THIRTY

struct row {
	const char *octets;
	size_t len;
	const char *peer;  /* NULL: refused */
	const char *wrong; /* NULL, and refused: it does not come to an end */
};

#define ROW(octets, peer, wrong)                          \
	{                                                 \
		octets, sizeof(octets) - 1, peer, wrong   \
	}
#define V1_ROW(line, peer, wrong) ROW("PROXY " line, peer, wrong)

static void
try(const char *octets, size_t len, const char *peer, const char *wrong)
{
	struct proxy_claim c;
	struct stream *s = calloc(1, sizeof(*s));
	char behind[sizeof(BEHIND)];
	int fd[2], channel[2], rv;

	assert_non_null(s);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, channel), 0);
	assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(write(fd[1], octets, len), len);
	if (peer != NULL)
		assert_int_equal(write(fd[1], BEHIND, 3), 3);
	assert_int_equal(shutdown(fd[1], SHUT_WR), 0);
	stream_open(s, fd[0], channel[0], clock_ms() + PATIENCE);
	rv = proxy_take(s, &c);
	assert_int_equal(rv, peer == NULL ? -1 : 0);
	assert_int_equal(c.began, len > 0);
	if (peer != NULL) {
		assert_string_equal(c.peer, peer);
		assert_int_equal(read(fd[0], behind, sizeof(behind)), 3);
		assert_memory_equal(behind, BEHIND, 3);
	} else if (wrong != NULL) {
		assert_non_null(c.wrong);
		assert_string_equal(c.wrong, wrong);
	} else {
		assert_null(c.wrong);
		assert_string_equal(s->reason, "disconnected");
	}
	close(fd[0]);
	close(fd[1]);
	close(channel[0]);
	close(channel[1]);
	free(s);
}

static void
try_all(const struct row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		try(rows[i].octets, rows[i].len, rows[i].peer, rows[i].wrong);
}

static const struct row v1[] = {
	V1_ROW("TCP4 192.0.2.1 192.0.2.2 258 995\r\n", "192.0.2.1",
	    NULL),
	V1_ROW("TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
	    "255.255.255.255", NULL),
	V1_ROW("TCP6 2001:DB8::1 2001:db8::2 0 995\r\n",
	    "2001:db8::1", NULL),
	V1_ROW("TCP6 ::ffff:192.0.2.9 ::1 1 995\r\n", "192.0.2.9",
	    NULL),
	V1_ROW("TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL),
	V1_ROW("UNKNOWN\r\n", "", NULL),
	V1_ROW("UNKNOWN ffff:f...f:ffff 65535 65535 x\r\n", "", NULL),
	V1_ROW("UNKNOWN\n", NULL,
	    "the line does not end in CRLF"),
	V1_ROW("TCP4 192.0.2.1 192.0.2.2 258\r\n", NULL,
	    "a word is missing"),
	V1_ROW("TCP4 192.0.2.1 192.0.2.2 258 995 1\r\n", NULL,
	    "there is more than it should have"),
	V1_ROW("TCP4 192.0.2.1 192.0.2.2 258 995 \r\n", NULL,
	    "there is more than it should have"),
	V1_ROW("TCP4 2001:db8::1 192.0.2.2 258 995\r\n", NULL,
	    "not an address"),
	V1_ROW("TCP6 192.0.2.1 2001:db8::1 258 995\r\n", NULL,
	    "not an address"),
	V1_ROW("TCP4 192.0.2.1/8 192.0.2.2 258 995\r\n", NULL,
	    "not an address"),
	V1_ROW("TCP4  192.0.2.1 192.0.2.2 258\r\n", NULL,
	    "not an address"),
	V1_ROW("TCP4 192.0.2.1 localhost 258 995\r\n", NULL,
	    "not an address"),
	V1_ROW("TCP4 192.0.2.1 192.0.2.2 0258 995\r\n", NULL,
	    "not a port"),
	V1_ROW("TCP4 192.0.2.1 192.0.2.2 258 65536\r\n", NULL,
	    "not a port"),
	V1_ROW("TCP4 192.0.2.1 192.0.2.2 -1 995\r\n", NULL,
	    "not a port"),
	V1_ROW("TCP5 192.0.2.1 192.0.2.2 258 995\r\n", NULL,
	    "neither TCP4, TCP6 nor UNKNOWN"),
	V1_ROW("TCP4\r\n", NULL, "neither TCP4, TCP6 nor UNKNOWN"),
	V1_ROW("\r\n", NULL, "neither TCP4, TCP6 nor UNKNOWN"),
	V1_ROW("TCP4 192.0.2.1\0 192.0.2.2 258 995\r\n", NULL,
	    "it has a NUL"),
	V1_ROW("UNKNOWN " NINETY "x\r\n", "", NULL),
	V1_ROW("UNKNOWN " NINETY "xx\r\n", NULL,
	    "the line is too long"),
	V1_ROW("TCP4 192.0.2.1 192.", NULL, NULL),
	ROW("PROXX", NULL, "not a PROXY header"),
	ROW("P", NULL, NULL),
	ROW("", NULL, NULL),
	ROW("\x16\x03\x01", NULL, "not a PROXY header"),
	ROW("USER x\r\n", NULL, "not a PROXY header"),
};

static void
test_v1(void **state)
{
	(void)state;
	try_all(v1, NITEMS(v1));
}

static const struct row v2[] = {
	ROW(V2("!", "\x11", "\0\x0c", INET_OCTETS), "192.0.2.1",
	    NULL),
	ROW(V2("!", "!", "\0$", INET6_OCTETS), "2001:db8::1", NULL),
	ROW(V2("!", "!", "\0$", MAPPED_OCTETS), "192.0.2.9", NULL),
	/* LOCAL, whatever it says; unspecified; UDP. */
	ROW(V2(" ", "\0", "\0\0", ""), "", NULL),
	ROW(V2(" ", "\x11", "\0\x0c", INET_OCTETS), "", NULL),
	ROW(V2(" ", "\xff", "\0\003", "xyz"), "", NULL),
	ROW(V2("!", "\0", "\0\003", "xyz"), "", NULL),
	ROW(V2("!", "\x12", "\0\x0c", INET_OCTETS), "", NULL),
	ROW(V2("!", "\x11", "\0\x0b", INET_OCTETS), NULL,
	    "it has no room for its addresses"),
	ROW(V2("!", "!", "\0\x0c", INET_OCTETS), NULL,
	    "it has no room for its addresses"),
	ROW(V2("!", "1", "\0\x0c", INET_OCTETS), NULL,
	    "it has no room for its addresses"),
	ROW(V2("!", "\x13", "\0\x0c", INET_OCTETS), NULL,
	    "not a family of addresses"),
	ROW(V2("\"", "\x11", "\0\x0c", INET_OCTETS), NULL,
	    "not a version or command that is known"),
	ROW(V2("\x11", "\x11", "\0\x0c", INET_OCTETS), NULL,
	    "not a version or command that is known"),
	ROW(V2("!", "\x11", "\002\x19", INET_OCTETS), NULL,
	    "it is too long"),
	ROW(V2("!", "\x11", "\0\x0d", INET_OCTETS), NULL, NULL),
	ROW(SIGNATURE "!\x11", NULL, NULL),
	ROW("\r\n\r\n\0\r\nQUIT\r", NULL, "not a PROXY header"),
	/* With a NOOP, and an ALPN; and with what is none. */
	ROW(V2("!", "\x11", "\0\x0f", INET_OCTETS "\004\0\0"),
	    "192.0.2.1", NULL),
	ROW(V2("!", "\x11", "\0\x16",
		INET_OCTETS "\004\0\0" "\001\0\004pop3"),
	    "192.0.2.1", NULL),
	ROW(V2("!", "\x11", "\0\x0e", INET_OCTETS "\004\0"), NULL,
	    "its end is cut off"),
	ROW(V2("!", "\x11", "\0\x10", INET_OCTETS "\004\0\002x"),
	    NULL, "it is longer than it says"),
};

static void
test_v2(void **state)
{
	(void)state;
	try_all(v2, NITEMS(v2));
}

/* A client that came by a UNIX socket has no address. */
static void
test_v2_unix(void **state)
{
	char octets[PROXY_V2_MIN + 216] = V2("!", "1", "\0\xd8", "/socket");

	(void)state;
	try(octets, sizeof(octets), "", NULL);
}

/* As much as there may be, in one TLV. */
static void
test_v2_longest(void **state)
{
	char octets[PROXY_V2_MAX] =
	    V2("!", "\x11", "\002\x18", INET_OCTETS "\004\002\x09");

	(void)state;
	try(octets, sizeof(octets), "192.0.2.1", NULL);
	try(octets, sizeof(octets) - 1, NULL, NULL);
}

static void
test_too_late(void **state)
{
	struct proxy_claim c;
	struct stream *s = calloc(1, sizeof(*s));
	int fd[2], channel[2];

	(void)state;
	assert_non_null(s);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, channel), 0);
	assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(write(fd[1], "PROXY", 5), 5);
	stream_open(s, fd[0], channel[0], clock_ms());
	assert_int_equal(proxy_take(s, &c), -1);
	assert_null(c.wrong);
	assert_string_equal(s->reason, "timeout");
	close(fd[0]);
	close(fd[1]);
	close(channel[0]);
	close(channel[1]);
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v1),
		cmocka_unit_test(test_v2),
		cmocka_unit_test(test_v2_unix),
		cmocka_unit_test(test_v2_longest),
		cmocka_unit_test(test_too_late),
	};

	return cmocka_run_group_tests_name("proxy", tests, NULL, NULL);
}
