/*
 * Who guesses: how many refusals, for how long, and who is forgotten.
 */
#include "tests/unit/unit.h"

#include "auth/guesses.h"

static struct guesses g;

static int
empty(void **state)
{
	(void)state;
	memset(&g, 0, sizeof(g));
	return 0;
}

static void
test_many(void **state)
{
	int64_t t;

	(void)state;
	for (t = 1; t <= GUESSES_MANY; t++) {
		assert_false(guesses_many(&g, "a", t));
		assert_int_equal(
		    guesses_note(&g, "a", t), t == GUESSES_MANY);
	}
	assert_true(guesses_many(&g, "a", GUESSES_MANY));
	assert_false(guesses_many(&g, "b", GUESSES_MANY));
	/* As long as the first of the ten is not ten minutes old. */
	assert_true(guesses_many(&g, "a", GUESSES_MS));
	assert_false(guesses_many(&g, "a", GUESSES_MS + 1));
	/* One more, and the second one counts. */
	assert_int_equal(guesses_note(&g, "a", GUESSES_MS + 1), 1);
	assert_true(guesses_many(&g, "a", GUESSES_MS + 1));
	assert_false(guesses_many(&g, "a", GUESSES_MS + 2));
}

static void
test_slow_ones_are_none(void **state)
{
	int64_t t = 0;
	int i;

	(void)state;
	for (i = 0; i < 5 * GUESSES_MANY; i++, t += GUESSES_MS / 9 + 9)
		assert_int_equal(guesses_note(&g, "a", t), 0);
}

/* The address that was quiet for the longest time gives way. */
static void
test_more_addresses_than_places(void **state)
{
	char name[16];
	int64_t t = 0;
	int i;

	(void)state;
	for (i = 0; i < GUESSES_ADDRESSES; i++) {
		snprintf(name, sizeof(name), "%d", i);
		guesses_note(&g, name, ++t);
	}
	for (i = 0; i < GUESSES_MANY; i++)
		guesses_note(&g, "0", ++t);
	guesses_note(&g, "new", ++t);
	assert_int_equal(g.used, GUESSES_ADDRESSES);
	assert_true(guesses_many(&g, "0", t));
	/* It took the place of 1, which begins anew in that of 2. */
	for (i = 1; i < GUESSES_MANY; i++)
		assert_int_equal(guesses_note(&g, "1", ++t), 0);
	assert_int_equal(guesses_note(&g, "1", ++t), 1);
	assert_true(guesses_many(&g, "0", t));
	assert_int_equal(g.used, GUESSES_ADDRESSES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_many, empty),
		cmocka_unit_test_setup(test_slow_ones_are_none, empty),
		cmocka_unit_test_setup(test_more_addresses_than_places, empty),
	};

	return cmocka_run_group_tests_name("guesses", tests, NULL, NULL);
}
