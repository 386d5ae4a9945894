/*
 * Networks: what is one, how it is written, and which addresses are in it.
 */
#include "tests/unit/unit.h"

#include "common/network.h"

static void
test_text(void **state)
{
	static const char *const pairs[][2] = {
		{ "10.0.0.0/8", "10.0.0.0/8" },
		{ "10.1.2.3/8", "10.0.0.0/8" },
		{ "192.0.2.255/25", "192.0.2.128/25" },
		{ "192.0.2.1", "192.0.2.1" },
		{ "192.0.2.1/32", "192.0.2.1" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "255.255.255.255/1", "128.0.0.0/1" },
		{ "2001:DB8:0:0::/32", "2001:db8::/32" },
		{ "2001:db8::1", "2001:db8::1" },
		{ "2001:db8:ffff::/33", "2001:db8:8000::/33" },
		{ "::/0", "::/0" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::ffff:192.0.2.1/120", "192.0.2.0/24" },
		{ "::ffff:0:0/95", "::fffe:0:0/95" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127",
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127" },
	};
	char text[NETWORK_TEXT_SIZE];
	struct network n;
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(pairs); i++) {
		assert_int_equal(network_parse(&n, pairs[i][0]), 0);
		assert_string_equal(network_text(&n, text), pairs[i][1]);
	}
}

static void
test_none(void **state)
{
	static const char *const wrong[] = { "", "/", "/8", "10", "10.0.0.0/",
		"10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/ 8",
		"10.0.0.0/8x", "10.0.0.0/8/8", "10.0.0/8", "010.0.0.0.0",
		"256.0.0.0", "::/129", ":::", "2001:db8::/x", "unknown",
		"fe80::1%em0", "mail.example.com", " 10.0.0.1",
		"10.0.0.0/4294967304",
		"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111" };
	const struct network before = { 4, 8, { 10 } };
	struct network n = before;
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(wrong); i++)
		assert_int_equal(network_parse(&n, wrong[i]), -1);
	assert_memory_equal(&n, &before, sizeof(n));
}

static void
test_has(void **state)
{
	static const struct {
		const char *network, *address;
		int has;
	} rows[] = {
		{ "10.0.0.0/8", "10.255.255.255", 1 },
		{ "10.0.0.0/8", "11.0.0.0", 0 },
		{ "10.0.0.0/8", "::ffff:10.0.0.1", 1 },
		{ "10.0.0.0/8", "a00::1", 0 },
		{ "192.0.2.0/25", "192.0.2.127", 1 },
		{ "192.0.2.0/25", "192.0.2.128", 0 },
		{ "192.0.2.1", "192.0.2.1", 1 },
		{ "192.0.2.1", "192.0.2.2", 0 },
		{ "0.0.0.0/0", "192.0.2.1", 1 },
		{ "0.0.0.0/0", "2001:db8::1", 0 },
		{ "::/0", "2001:db8::1", 1 },
		{ "::/0", "192.0.2.1", 0 },
		{ "2001:db8::/33", "2001:db8:7fff::1", 1 },
		{ "2001:db8::/33", "2001:db8:8000::", 0 },
		{ "fe80::/10", "fe80::1%em0", 1 },
		{ "10.0.0.0/8", "unknown", 0 },
		{ "0.0.0.0/0", "", 0 },
		{ "0.0.0.0/0", "10.0.0.0/8", 0 },
		{ "::/0", "%em0", 0 },
	};
	struct network n;
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(rows); i++) {
		assert_int_equal(network_parse(&n, rows[i].network), 0);
		assert_int_equal(
		    network_has(&n, 1, rows[i].address), rows[i].has);
	}
	assert_int_equal(network_has(NULL, 0, "10.0.0.1"), 0);
}

static void
test_several(void **state)
{
	struct network n[2];

	(void)state;
	assert_int_equal(network_parse(&n[0], "10.0.0.0/8"), 0);
	assert_int_equal(network_parse(&n[1], "2001:db8::/32"), 0);
	assert_true(network_has(n, 2, "10.1.1.1"));
	assert_true(network_has(n, 2, "2001:db8:1::"));
	assert_false(network_has(n, 1, "2001:db8:1::"));
}

static void
test_around(void **state)
{
	static const char *const rows[][2] = {
		{ "192.0.2.77", "192.0.2.0/24" },
		{ "::ffff:192.0.2.77", "192.0.2.0/24" },
		{ "2001:db8:1:2:3::9", "2001:db8:1::/48" },
	};
	struct network n = { 4, 8, { 10 } };
	char text[NETWORK_TEXT_SIZE];
	size_t i;

	(void)state;
	assert_int_equal(network_around(&n, "unknown", 24, 48), -1);
	assert_int_equal(network_around(&n, "192.0.2.0/8", 24, 48), -1);
	assert_string_equal(network_text(&n, text), "10.0.0.0/8");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(network_around(&n, rows[i][0], 24, 48), 0);
		assert_string_equal(network_text(&n, text), rows[i][1]);
	}
	assert_int_equal(network_around(&n, "192.0.2.77", 32, 64), 0);
	assert_string_equal(network_text(&n, text), "192.0.2.77");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_has),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_around),
	};

	return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
