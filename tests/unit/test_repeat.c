/*
 * Which refused login repeats the one before.
 */
#include "tests/unit/unit.h"

#include "auth/repeat.h"

static void
the_same_again(void **state)
{
	struct repeat r;

	(void)state;
	repeat_init(&r);
	assert_int_equal(repeat_note(&r, "a@example.com", "wrong"), 0);
	assert_int_equal(repeat_note(&r, "a@example.com", "wrong"), 1);
	assert_int_equal(repeat_note(&r, "a@example.com", "wrong"), 1);
}

/* What is written one behind the other is not all the same. */
static void
another(void **state)
{
	static const char *const logins[][2] = { { "a", "wrong" },
		{ "a", "wrong2" }, { "b", "wrong2" }, { "bw", "rong2" },
		{ "b", "" }, { "", "b" }, { "", "" }, { "a", "wrong" },
		{ "A", "wrong" } };
	struct repeat r;
	size_t i;

	(void)state;
	repeat_init(&r);
	for (i = 0; i < NITEMS(logins); i++)
		assert_int_equal(
		    repeat_note(&r, logins[i][0], logins[i][1]), 0);
}

/* Nothing of it is what another process would keep of the same login. */
static void
keyed(void **state)
{
	struct repeat r, s;

	(void)state;
	repeat_init(&r);
	repeat_init(&s);
	(void)repeat_note(&r, "a", "wrong");
	(void)repeat_note(&s, "a", "wrong");
	assert_memory_not_equal(r.key, s.key, sizeof(r.key));
	assert_memory_not_equal(r.hash, s.hash, sizeof(r.hash));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_again),
		cmocka_unit_test(another),
		cmocka_unit_test(keyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
