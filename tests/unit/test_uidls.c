/*
 * The file of unique-ids from elsewhere: what is read of it, what of two
 * lines that contradict each other, what is refused, and that it is replaced
 * as a whole.
 */
#include <errno.h>

#include "tests/unit/unit.h"

#include "store/uidls.h"

#define SEVENTY                               \
	"12345678901234567890123456789012345" \
	"67890123456789012345678901234567890"

static const struct {
	const char *uidl;
	int good;
} uidl_cases[] = {
	{ "0000001a5f3c2b1a", 1 },
	{ "UID17-1700000000", 1 },
	{ "!~", 1 },
	{ SEVENTY, 1 },
	{ SEVENTY "1", 0 },
	{ "", 0 },
	{ "with space", 0 },
	{ "tab\t", 0 },
	{ "\x7f", 0 },
	{ "caf\xc3\xa9", 0 },
	{ "=", 1 },
	{ "=12345678901234567890123456789012345678901234567890123456789012",
	    1 },
	/* As our own hashes are. */
	{ "=1234567890123456789012345678901234567890123456789012345678901234",
	    0 },
};

static void
test_faults(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(uidl_cases); i++)
		if ((uidls_fault(uidl_cases[i].uidl) == NULL) !=
		    uidl_cases[i].good)
			fail_msg("%s", uidl_cases[i].uidl);
}

static void
read_text(const char *dir, const char *text, struct uidls *u, int expected)
{
	memset(u, 0, sizeof(*u));
	scratch_write(dir, "uidls", text);
	assert_int_equal(uidls_read(u, dir, NULL), expected);
}

static void
test_reading(void **state)
{
	struct uidls u;

	read_text(*state, "uidls 1\nB b.1\nA a 2\nJ junk/a 2\n", &u, 0);
	assert_int_equal(u.n, 3);
	assert_int_equal(u.bad, 0);
	assert_string_equal(uidls_find(&u, INBOX, "a 2"), "A");
	assert_string_equal(uidls_find(&u, INBOX, "b.1"), "B");
	assert_string_equal(uidls_find(&u, JUNK, "a 2"), "J");
	assert_null(uidls_find(&u, JUNK, "b.1"));
	assert_null(uidls_find(&u, INBOX, "c"));
	assert_string_equal(uidls_owner(&u, "J")->base, "a 2");
	assert_int_equal(uidls_owner(&u, "J")->folder, JUNK);
	assert_null(uidls_owner(&u, "C"));
	uidls_free(&u);
	read_text(*state, "uidls 1\n", &u, 0);
	assert_int_equal(u.n, 0);
	assert_null(uidls_find(&u, INBOX, "a"));
	assert_null(uidls_owner(&u, "A"));
	uidls_free(&u);
}

static const struct {
	const char *text;
	int error;
} versions[] = {
	{ "", UIDLS_DAMAGED },
	{ "\n", UIDLS_DAMAGED },
	{ "uidls\n", UIDLS_DAMAGED },
	{ "uidls 1", UIDLS_DAMAGED }, /* cut off */
	{ "uidls 01\n", UIDLS_DAMAGED },
	{ "uidls 1 \n", UIDLS_DAMAGED },
	{ "A a\n", UIDLS_DAMAGED },
	{ "uidls 2\n", UIDLS_NEWER },
	{ "uidls 2\nwhatever it may be", UIDLS_NEWER },
	{ "uidls 17\n", UIDLS_NEWER },
	{ "uidls x\n", UIDLS_DAMAGED },
};

static void
test_versions(void **state)
{
	struct uidls u;
	size_t i;

	for (i = 0; i < NITEMS(versions); i++)
		read_text(*state, versions[i].text, &u, versions[i].error);
}

/* What is bad is left out, and what stands beside it is not. */
static void
test_bad_lines(void **state)
{
	static const char *const lines[] = { "", "A", "A ", " a", "A a/b",
		"A junk/", "A junk/a/b", "A .a", "A a:2,S", "A junk/.a",
		"A\x01 a", SEVENTY "1 a" };
	char text[1024];
	struct uidls u;
	size_t i;

	for (i = 0; i < NITEMS(lines); i++) {
		snprintf(text, sizeof(text), "uidls 1\nX x\n%s\nY y\n",
		    lines[i]);
		read_text(*state, text, &u, 0);
		if (u.n != 2 || u.bad != 1 || u.first != 3)
			fail_msg("%s: %zu, %zu, %zu", lines[i], u.n, u.bad,
			    u.first);
		uidls_free(&u);
	}
	read_text(*state, "uidls 1\nX x\nY y", &u, 0); /* cut off */
	assert_int_equal(u.n, 1);
	assert_int_equal(u.bad, 1);
	uidls_free(&u);
}

/* Of two lines that cannot both be true the first one counts. */
static void
test_contradictions(void **state)
{
	struct uidls u;

	read_text(*state,
	    "uidls 1\nA a\nB a\nA c\nD d\nA junk/a\nD d\nC c\n", &u, 0);
	assert_int_equal(u.bad, 5);
	assert_int_equal(u.first, 3);
	assert_int_equal(u.n, 2);
	assert_string_equal(uidls_find(&u, INBOX, "a"), "A");
	assert_string_equal(uidls_find(&u, INBOX, "d"), "D");
	assert_null(uidls_find(&u, INBOX, "c"));
	assert_null(uidls_owner(&u, "B"));
	uidls_free(&u);
}

/* What is added comes behind all that was read, bad lines or not. */
static void
test_adding(void **state)
{
	struct uidls u;

	read_text(*state, "uidls 1\nbad\nA a\nB b\nC c\nbad\n", &u, 0);
	assert_int_equal(uidls_add(&u, INBOX, "x", "C"), 0);
	assert_int_equal(uidls_add(&u, INBOX, "y", "B"), 0);
	assert_int_equal(uidls_add(&u, INBOX, "z", "A"), 0);
	assert_int_equal(uidls_add(&u, INBOX, "c", "D"), 0);
	assert_int_equal(uidls_add(&u, INBOX, "d", "D"), 0);
	assert_int_equal(uidls_sort(&u, NULL, NULL), 0);
	assert_int_equal(u.n, 4);
	assert_string_equal(uidls_owner(&u, "A")->base, "a");
	assert_string_equal(uidls_owner(&u, "B")->base, "b");
	assert_string_equal(uidls_owner(&u, "C")->base, "c");
	assert_string_equal(uidls_owner(&u, "D")->base, "d");
	uidls_free(&u);
}

static void
test_no_file(void **state)
{
	struct uidls_stamp stamp;
	struct uidls u;

	memset(&u, 0, sizeof(u));
	assert_int_equal(uidls_look(*state, &stamp), ENOENT);
	assert_int_equal(uidls_read(&u, *state, &stamp), ENOENT);
	assert_int_equal(symlink("/etc/passwd", scratch_path(*state, "uidls")),
	    0);
	assert_int_equal(uidls_read(&u, *state, &stamp), UIDLS_DAMAGED);
	assert_int_equal(unlink(scratch_path(*state, "uidls")), 0);
	assert_int_equal(mkfifo(scratch_path(*state, "uidls"), 0600), 0);
	assert_int_equal(uidls_read(&u, *state, &stamp), UIDLS_DAMAGED);
}

static void
test_writing(void **state)
{
	struct uidls_stamp before, after, read;
	struct uidls u;

	memset(&u, 0, sizeof(u));
	scratch_write(*state, "uidls", "uidls 1\nX x\n");
	scratch_write(*state, "uidls.new", "what was interrupted");
	assert_int_equal(uidls_look(*state, &before), 0);
	assert_int_equal(uidls_add(&u, JUNK, "a", "A"), 0);
	assert_int_equal(uidls_add(&u, INBOX, "b c", "B"), 0);
	assert_int_equal(uidls_sort(&u, NULL, NULL), 0);
	assert_int_equal(uidls_write(&u, *state), 0);
	uidls_free(&u);
	assert_int_equal(access(scratch_path(*state, "uidls.new"), F_OK), -1);
	assert_int_equal(uidls_look(*state, &after), 0);
	assert_int_not_equal(before.inode, after.inode);
	assert_int_equal(uidls_read(&u, *state, &read), 0);
	assert_memory_equal(&after, &read, sizeof(read));
	assert_int_equal(u.n, 2);
	assert_string_equal(uidls_find(&u, JUNK, "a"), "A");
	assert_string_equal(uidls_find(&u, INBOX, "b c"), "B");
	uidls_free(&u);
}

/* More than one block of text, and than the first table. */
static void
test_many(void **state)
{
	char base[64], uidl[64];
	struct uidls u;
	int i, n;

	memset(&u, 0, sizeof(u));
	for (i = 0; i < 20000; i++) {
		n = (i * 7919) % 20000;
		snprintf(base, sizeof(base), "%d.M1P1.host", n);
		snprintf(uidl, sizeof(uidl), "%08x", n);
		assert_int_equal(uidls_add(&u, INBOX, base, uidl), 0);
	}
	assert_int_equal(uidls_sort(&u, NULL, NULL), 0);
	assert_int_equal(uidls_write(&u, *state), 0);
	uidls_free(&u);
	assert_int_equal(uidls_read(&u, *state, NULL), 0);
	assert_int_equal(u.n, 20000);
	for (i = 0; i < 20000; i++) {
		snprintf(base, sizeof(base), "%d.M1P1.host", i);
		snprintf(uidl, sizeof(uidl), "%08x", i);
		assert_string_equal(uidls_find(&u, INBOX, base), uidl);
		assert_string_equal(uidls_owner(&u, uidl)->base, base);
	}
	uidls_free(&u);
}

static int
count_down(void *times)
{
	return --*(int *)times <= 0;
}

/* Whoever waited has gone: the rest of a long file is not read. */
static void
test_reading_given_up(void **state)
{
	struct uidls u;
	int i, times = 2, often = 1000;

	memset(&u, 0, sizeof(u));
	for (i = 0; i < 20000; i++)
		assert_int_equal(uidls_add(&u, INBOX, "a", "A"), 0);
	assert_int_equal(uidls_write(&u, *state), 0);
	uidls_free(&u);
	u.given_up = count_down;
	u.arg = &times;
	assert_int_equal(uidls_read(&u, *state, NULL), ECANCELED);
	assert_int_equal(times, 0);
	assert_int_equal(u.n, 0);
	u.given_up = count_down;
	u.arg = &often;
	assert_int_equal(uidls_read(&u, *state, NULL), 0);
	assert_int_equal(u.n, 1);
	uidls_free(&u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		IN_SCRATCH(test_reading),
		IN_SCRATCH(test_versions),
		IN_SCRATCH(test_bad_lines),
		IN_SCRATCH(test_contradictions),
		IN_SCRATCH(test_adding),
		IN_SCRATCH(test_no_file),
		IN_SCRATCH(test_writing),
		IN_SCRATCH(test_many),
		IN_SCRATCH(test_reading_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
