/*
 * Which refused login repeats the one before.
 */
#include "tests/unit/unit.h"

#include "auth/repeat.h"

static void
the_same_by_another_way(void **state)
{
	struct repeat r = { .ntried = 0 };

	(void)state;
	assert_int_equal(repeat_note(&r, "a@example.com", "wrong", "A"), 0);
	assert_int_equal(repeat_note(&r, "a@example.com", "wrong", "B"), 1);
	assert_int_equal(repeat_note(&r, "a@example.com", "wrong", "C"), 1);
	/* Once more by the first: that begins anew. */
	assert_int_equal(repeat_note(&r, "a@example.com", "wrong", "A"), 0);
	assert_int_equal(repeat_note(&r, "a@example.com", "wrong", "A"), 0);
	assert_int_equal(repeat_note(&r, "a@example.com", "wrong", "C"), 1);
	/* Something else in between, too. */
	assert_int_equal(repeat_note(&r, "a@example.com", "other", "C"), 0);
	assert_int_equal(repeat_note(&r, "a@example.com", "wrong", "B"), 0);
}

/* Of many mechanisms not all are remembered: then it counts. */
static void
many_ways(void **state)
{
	static const char *const ways[] = { "1", "2", "3", "4", "5", "6" };
	struct repeat r = { .ntried = 0 };
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(ways); i++)
		assert_int_equal(repeat_note(&r, "a", "wrong", ways[i]),
		    i % REPEAT_WAYS != 0);
}

/* What is written one behind the other is not all the same. */
static void
another(void **state)
{
	static const char *const logins[][2] = { { "a", "wrong" },
		{ "a", "wrong2" }, { "b", "wrong2" }, { "bw", "rong2" },
		{ "b", "" }, { "", "b" }, { "", "" }, { "a", "wrong" },
		{ "A", "wrong" } };
	struct repeat r = { .ntried = 0 };
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(logins); i++)
		assert_int_equal(
		    repeat_note(&r, logins[i][0], logins[i][1],
			i % 2 ? "A" : "B"),
		    0);
}

/* Nothing of it is what another process would keep of the same login. */
static void
keyed(void **state)
{
	struct repeat r = { .ntried = 0 }, s = r;

	(void)state;
	(void)repeat_note(&r, "a", "wrong", "A");
	(void)repeat_note(&s, "a", "wrong", "A");
	assert_memory_not_equal(r.key, s.key, sizeof(r.key));
	assert_memory_not_equal(r.hash, s.hash, sizeof(r.hash));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_by_another_way),
		cmocka_unit_test(many_ways),
		cmocka_unit_test(another),
		cmocka_unit_test(keyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
