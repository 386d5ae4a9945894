/*
 * The listing of a folder: what is in it, and its order.
 */
#include "tests/unit/unit.h"

#include "store/listing.h"

#define MANY 5000 /* more than the memory of the beginning holds */

static const struct {
	const char *name;
	enum subdir sub;
} sorted[] = {
	{ "!", CUR },
	{ "1", CUR },
	{ "1:2,S", CUR }, /* the same base: cur/ first, then by suffix */
	{ "1", NEW },
	{ "1:2,", NEW },
	{ "1.", NEW },	   /* shorter first */
	{ "1.host:2,", CUR },
	{ "1.host", NEW },
	{ "10", NEW }, /* octets, not numbers */
	{ "2", NEW },
	{ "A", NEW },
	{ "a", NEW },
	{ "~", NEW },
	{ "\x80", NEW }, /* eight bits come last */
	{ "\xff", NEW },
};

static void
expect_sorted(struct listing *l)
{
	size_t i;

	listing_sort(l);
	assert_int_equal(l->n, NITEMS(sorted));
	for (i = 0; i < NITEMS(sorted); i++) {
		assert_string_equal(l->entry[i].name, sorted[i].name);
		assert_int_equal(l->entry[i].sub, sorted[i].sub);
		assert_int_equal(
		    l->entry[i].base, maildir_base(sorted[i].name));
	}
}

/* From any order: turned round by each number of places, both ways. */
static void
test_order(void **state)
{
	struct listing l = { .n = 0 };
	size_t turn, i, at;
	int back;

	(void)state;
	for (back = 0; back < 2; back++)
		for (turn = 0; turn < NITEMS(sorted); turn++) {
			for (i = 0; i < NITEMS(sorted); i++) {
				at = (turn + i) % NITEMS(sorted);
				if (back)
					at = NITEMS(sorted) - 1 - at;
				assert_int_equal(listing_add(&l,
				    sorted[at].name, sorted[at].sub), 0);
			}
			expect_sorted(&l);
			listing_free(&l);
		}
}

static void
test_compare(void **state)
{
	(void)state;
	assert_int_equal(listing_compare("a", 1, "a", 1), 0);
	assert_int_equal(listing_compare("", 0, "", 0), 0);
	assert_true(listing_compare("", 0, "a", 1) < 0);
	assert_true(listing_compare("a", 1, "", 0) > 0);
	assert_true(listing_compare("a", 1, "b", 1) < 0);
	assert_true(listing_compare("b", 1, "aa", 2) > 0);
	assert_true(listing_compare("a", 1, "aa", 2) < 0);
	assert_true(listing_compare("aa", 2, "a", 1) > 0);
	assert_true(listing_compare("\x7f", 1, "\x80", 1) < 0);
	/* Only the base counts. */
	assert_int_equal(listing_compare("a:2,S", 1, "a", 1), 0);
}

static void
test_empty(void **state)
{
	struct listing l = { .n = 0 };

	(void)state;
	listing_sort(&l);
	assert_int_equal(l.n, 0);
	listing_free(&l);
	listing_free(&l);
}

/* The memory moves as it grows; the names are found all the same. */
static void
test_many(void **state)
{
	struct listing l = { .n = 0 };
	char name[NAME_OCTETS];
	int i;

	(void)state;
	for (i = MANY - 1; i >= 0; i--) {
		snprintf(name, sizeof(name), "%08d.%0*d", i, i % 240 + 1, i);
		assert_int_equal(listing_add(&l, name,
				     i % 2 ? CUR : NEW), 0);
	}
	listing_sort(&l);
	assert_int_equal(l.n, MANY);
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%08d.%0*d", i, i % 240 + 1, i);
		assert_string_equal(l.entry[i].name, name);
		assert_int_equal(l.entry[i].base, strlen(name));
		assert_int_equal(l.entry[i].sub, i % 2 ? CUR : NEW);
	}
	listing_free(&l);
}

/* The longest names there are, from the first on. */
static void
test_long_name(void **state)
{
	struct listing l = { .n = 0 };
	char name[NAME_OCTETS];
	int i;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (i = 0; i < 200; i++)
		assert_int_equal(listing_add(&l, name, NEW), 0);
	listing_sort(&l);
	assert_int_equal(l.entry[0].base, NAME_MAX);
	assert_string_equal(l.entry[199].name, name);
	listing_free(&l);
}

static void
test_read(void **state)
{
	struct listing l = { .n = 0 };
	struct maildir m;
	int again;

	assert_int_equal(maildir_open(&m, *state), 0);
	assert_int_equal(listing_read(&l, &m, NEW), 0);
	assert_int_equal(l.n, 0);
	assert_int_equal(maildir_make(*state), 0);
	assert_int_equal(maildir_open(&m, *state), 0);
	scratch_write(*state, "new/2.b", "");
	scratch_write(*state, "new/.hidden", "");
	scratch_write(*state, "cur/:2,", "");
	scratch_write(*state, "cur/1.a:2,S", "");
	scratch_write(*state, "tmp/3.c", "");
	/* The same directory twice: from its beginning each time. */
	for (again = 0; again < 2; again++) {
		assert_int_equal(listing_read(&l, &m, NEW), 0);
		assert_int_equal(listing_read(&l, &m, CUR), 0);
		listing_sort(&l);
		assert_int_equal(l.n, 2);
		assert_string_equal(l.entry[0].name, "1.a:2,S");
		assert_int_equal(l.entry[0].base, 3);
		assert_int_equal(l.entry[0].sub, CUR);
		assert_string_equal(l.entry[1].name, "2.b");
		assert_int_equal(l.entry[1].sub, NEW);
		listing_free(&l);
	}
	maildir_close(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_long_name),
		IN_SCRATCH(test_read),
	};

	return cmocka_run_group_tests_name("listing", tests, NULL, NULL);
}
