/*
 * The journal's lines, and what they make known.
 */
#include "tests/unit/unit.h"

#include "store/journal.h"
#include "store/taken.h"

#define TIME "2026-01-01T00:00:00Z"

static int
parse(struct journal_line *line, const char *text)
{
	return journal_parse(line, text, strlen(text));
}

static void
test_a_line(void **state)
{
	struct journal_line line;
	struct journal_text t;
	char buf[256];

	(void)state;
	journal_text_init(&t, buf, sizeof(buf));
	journal_begin(&t, TIME, "login");
	journal_field(&t, "label", "the new\nphone \\ \xff=");
	journal_number(&t, "n", UINT64_MAX);
	journal_field(&t, "empty", "");
	journal_end(&t);
	assert_int_equal(buf[t.used - 1], '\n');
	assert_true(journal_parse(&line, buf, t.used - 1));
	assert_int_equal(line.n, 5);
	assert_string_equal(journal_value(&line, "time"), TIME);
	assert_string_equal(journal_value(&line, "event"), "login");
	assert_string_equal(
	    journal_value(&line, "label"), "the new\nphone \\ \xff=");
	assert_string_equal(journal_value(&line, "n"), "18446744073709551615");
	assert_string_equal(journal_value(&line, "empty"), "");
	assert_string_equal(journal_value(&line, "nothing"), "");
}

/* A line is there as a whole or not at all. */
static void
test_every_size(void **state)
{
	char buf[128];
	struct journal_text t;
	size_t size, whole = 0;

	(void)state;
	for (size = sizeof(buf); size > 0; size--) {
		journal_text_init(&t, buf, size);
		journal_begin(&t, TIME, "end");
		journal_field(&t, "reason", "quit");
		journal_end(&t);
		if (size == sizeof(buf))
			whole = t.used;
		assert_int_equal(t.used, size >= whole ? whole : 0);
	}
	assert_int_equal(
	    whole, strlen("time=" TIME " event=end reason=quit\n"));
}

static void
test_no_lines(void **state)
{
	static const char *const none[] = { "", "x", "event=login time=" TIME,
		"time=" TIME, "time=" TIME " event=x y",
		"time=" TIME " event=x  a=b", "time=" TIME " event=x\tb",
		"time=" TIME " event=\\400", "time=" TIME " event=\\00",
		"time=" TIME " event=\\000", "time=" TIME " Event=x" };
	struct journal_line line;
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(none); i++)
		assert_false(parse(&line, none[i]));
	assert_true(parse(&line, "time=" TIME " event=\\101"));
	assert_string_equal(journal_value(&line, "event"), "A");
}

static const struct {
	const char *peer, *network;
} networks[] = {
	{ "192.0.2.77", "192.0.2.0/24" },
	{ "::ffff:192.0.2.77", "192.0.2.0/24" },
	{ "2001:db8:1:2:3::4", "2001:db8:1::/48" },
	{ "unknown", NULL },
	{ "", NULL },
	{ "192.0.2.77/8", NULL },
};

static void
test_networks(void **state)
{
	char text[NETWORK_TEXT_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(networks); i++)
		if (networks[i].network == NULL)
			assert_int_equal(
			    known_network_of(networks[i].peer, text), -1);
		else {
			assert_int_equal(
			    known_network_of(networks[i].peer, text), 0);
			assert_string_equal(text, networks[i].network);
		}
}

static void
note(struct known *k, const char *event, const char *label, const char *peer)
{
	struct journal_line line;
	struct journal_text t;
	char buf[512];

	journal_text_init(&t, buf, sizeof(buf));
	journal_begin(&t, TIME, event);
	journal_field(&t, "label", label);
	journal_field(&t, "peer", peer);
	journal_end(&t);
	assert_true(journal_parse(&line, buf, t.used - 1));
	known_note(k, &line);
}

static void
note_login(struct known *k, const char *label, const char *peer)
{
	note(k, "login", label, peer);
}

/* The page, which has no label, is not the account's own password. */
static void
test_known_page(void **state)
{
	static struct known k;
	struct journal_line line;
	static const char text[] = "time=" TIME " event=signed-in "
	    "peer=203.0.113.9 service=page by=password";

	(void)state;
	note_login(&k, "", "192.0.2.1");
	assert_true(journal_parse(&line, text, sizeof(text) - 1));
	known_note(&k, &line);
	known_note(&k, &line);
	assert_int_equal(k.nlabel, 2);
	assert_false(known_is_page(&k.label[0]));
	assert_true(known_is_page(&k.label[1]));
	assert_false(known_has_network(&k, "203.0.113.9"));
}

/* In the order of their last use, and no more than there is room for. */
static void
test_known(void **state)
{
	static struct known k;
	char label[16], peer[32];
	int i;

	(void)state;
	note_login(&k, "phone", "192.0.2.1");
	note_login(&k, "", "198.51.100.1");
	note_login(&k, "phone", "192.0.2.200");
	assert_int_equal(k.nlabel, 2);
	assert_string_equal(k.label[1].label, "phone");
	assert_string_equal(k.label[1].peer, "192.0.2.200");
	assert_int_equal(k.nnetwork, 2);
	assert_true(known_has_network(&k, "192.0.2.9"));
	assert_true(known_has_network(&k, "198.51.100.9"));
	assert_false(known_has_network(&k, "203.0.113.9"));
	assert_true(known_has_network(&k, "unknown"));
	assert_true(known_has_label(&k, ""));
	assert_false(known_has_label(&k, "desk"));
	note(&k, "revoked", "phone", "");
	assert_false(known_has_label(&k, "phone"));
	note(&k, "revoked", "desk", "");
	assert_int_equal(k.nlabel, 2);
	note_login(&k, "phone", "192.0.2.1");
	assert_true(known_has_label(&k, "phone"));
	for (i = 0; i < 2 * KNOWN_LABELS; i++) {
		snprintf(label, sizeof(label), "%d", i);
		snprintf(peer, sizeof(peer), "10.0.%d.1", i);
		note_login(&k, label, peer);
	}
	assert_int_equal(k.nlabel, KNOWN_LABELS);
	assert_int_equal(k.nnetwork, KNOWN_NETWORKS);
	assert_false(known_has_label(&k, "phone"));
	assert_true(known_has_label(&k, "255"));
	assert_true(known_has_label(&k, "128"));
	assert_false(known_has_label(&k, "127"));
	assert_true(known_has_network(&k, "10.0.224.9"));
	assert_false(known_has_network(&k, "10.0.223.9"));
}

static void
test_taken(void **state)
{
	struct taken t = { 0 };
	uint64_t octets;
	size_t at = 0;
	char uidl[16];
	const char *next;
	int i;

	(void)state;
	assert_null(taken_next(&t, &at, &octets));
	for (i = 0; i < 1000; i++) {
		snprintf(uidl, sizeof(uidl), "uidl%d", i);
		assert_int_equal(taken_add(&t, uidl, (uint64_t)i << 40), 0);
	}
	assert_int_equal(t.n, 1000);
	for (i = 0; (next = taken_next(&t, &at, &octets)) != NULL; i++) {
		snprintf(uidl, sizeof(uidl), "uidl%d", i);
		assert_string_equal(next, uidl);
		assert_int_equal(octets, (uint64_t)i << 40);
	}
	assert_int_equal(i, 1000);
	taken_free(&t);
	assert_int_equal(t.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line),
		cmocka_unit_test(test_every_size),
		cmocka_unit_test(test_no_lines),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_known_page),
		cmocka_unit_test(test_taken),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
