/*
 * The lines of Dovecot's authentication protocol.
 */
#include "tests/unit/unit.h"

#include "sasl/protocol.h"

static char buf[512];

static int
read_line(const char *line, struct question *q)
{
	strlcpy(buf, line, sizeof(buf));
	return protocol_read(buf, strlen(line), q);
}

static void
test_handshake(void **state)
{
	struct question q;

	(void)state;
	assert_int_equal(read_line("VERSION\t1\t2", &q), 0);
	assert_int_equal(q.kind, QUESTION_VERSION);
	assert_int_equal(q.major, 1);
	assert_int_equal(read_line("VERSION\t4294967295", &q), 0);
	assert_int_equal(q.major, UINT32_MAX);
	assert_int_equal(read_line("CPID\t1", &q), 0);
	assert_int_equal(q.kind, QUESTION_CPID);
	assert_int_equal(read_line("CPID", &q), 0);
}

/* As Postfix asks, and with all that there can be. */
static void
test_auth(void **state)
{
	struct question q;

	(void)state;
	assert_int_equal(read_line("AUTH\t17\tPLAIN\tservice=smtp\tnologin\t"
	    "lip=192.0.2.9\trip=192.0.2.1\tsecured\tresp=AGEAYg==", &q), 0);
	assert_int_equal(q.kind, QUESTION_AUTH);
	assert_int_equal(q.id, 17);
	assert_string_equal(q.mechanism, "PLAIN");
	assert_string_equal(q.service, "smtp");
	assert_string_equal(q.rip, "192.0.2.1");
	assert_string_equal(q.lip, "192.0.2.9");
	assert_string_equal(q.local_name, "");
	assert_string_equal(q.response, "AGEAYg==");
	assert_int_equal(read_line("AUTH\t1\tLOGIN\tx=y\tservice=a\001tb\001x"
	    "\tlocal_name=mail\001\tripe=1\t\tresp", &q), 0);
	assert_string_equal(q.service, "a\tbx");
	assert_string_equal(q.local_name, "mail\001");
	assert_string_equal(q.rip, "");
	assert_null(q.response);
	/* The last one counts, and nothing behind resp=. */
	assert_int_equal(read_line("AUTH\t1\tPLAIN\tservice=s\trip=1\trip=2\t"
	    "resp=\trip=3\tresp=x", &q), 0);
	assert_string_equal(q.rip, "2");
	assert_string_equal(q.response, "");
}

static void
test_cont_and_cancel(void **state)
{
	struct question q;

	(void)state;
	assert_int_equal(read_line("CONT\t4294967295\tYQ==", &q), 0);
	assert_int_equal(q.kind, QUESTION_CONT);
	assert_int_equal(q.id, UINT32_MAX);
	assert_string_equal(q.response, "YQ==");
	assert_int_equal(read_line("CONT\t1\t", &q), 0);
	assert_string_equal(q.response, "");
	assert_int_equal(read_line("CANCEL\t1", &q), 0);
	assert_int_equal(q.kind, QUESTION_CANCEL);
}

static void
test_no_lines(void **state)
{
	static const char *const bad[] = { "", "\t", "VERSION", "VERSION\t",
		"VERSION\tx", "VERSION\t1x", "VERSION\t-1", "VERSION\t+1",
		"VERSION\t 1", "VERSION\t4294967296", "version\t1", "AUTH",
		"AUTH\t", "AUTH\t1", "AUTH\t1\tPLAIN",
		"AUTH\t0\tPLAIN\tservice=s",
		"AUTH\t1\tPLAIN\tservice=", "AUTH\t1\tPLAIN\tresp=x\tservice=s",
		"AUTH\t99999999999999999999\tPLAIN\tservice=s", "CONT",
		"CONT\t1", "CONT\t0\tYQ==", "CANCEL", "CANCEL\t0", "CANCEL\tx",
		"OK\t1", " AUTH\t1\tPLAIN\tservice=s" };
	struct question q;
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(bad); i++)
		if (read_line(bad[i], &q) != -1)
			fail_msg("\"%s\" was taken", bad[i]);
	/* A NUL within. */
	memcpy(buf, "CPID\0x", 7);
	assert_int_equal(protocol_read(buf, 6, &q), -1);
}

static void
test_escape(void **state)
{
	char out[8], line[64];
	struct question q;

	(void)state;
	assert_string_equal(
	    protocol_escape(line, sizeof(line), "a\tb\nc\rd\001e"),
	    "a\001tb\001nc\001rd\0011e");
	/* What is cut is not cut within an escape. */
	assert_string_equal(
	    protocol_escape(out, sizeof(out), "\t\t\t\t\t"), "\001t\001t\001t");
	assert_string_equal(protocol_escape(out, sizeof(out), "abcdefghi"),
	    "abcdef");
	assert_string_equal(protocol_escape(out, sizeof(out), ""), "");
	strlcpy(line, "AUTH\t1\tPLAIN\tservice=\0010\0011\001r", sizeof(line));
	assert_int_equal(protocol_read(line, strlen(line), &q), 0);
	assert_string_equal(q.service, "?\001\r");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_auth),
		cmocka_unit_test(test_cont_and_cancel),
		cmocka_unit_test(test_no_lines),
		cmocka_unit_test(test_escape),
	};

	return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
