/*
 * Refusals: each when it is due, in order, never more than there are places.
 */
#include "tests/unit/unit.h"

#include "auth/refusals.h"

static void
add(struct refusals *r, int64_t due, uint32_t id, int last)
{
	const struct refusal refusal = { due, id, last };

	assert_false(refusals_full(r));
	refusals_add(r, &refusal);
}

static void
expect(struct refusals *r, int64_t now, uint32_t id)
{
	struct refusal refusal;

	assert_int_equal(refusals_wait(r, now), 0);
	assert_int_equal(refusals_take(r, now, &refusal), 1);
	assert_int_equal(refusal.id, id);
}

static void
test_none(void **state)
{
	struct refusals r = { .places = 1 };
	struct refusal refusal;

	(void)state;
	assert_int_equal(refusals_wait(&r, 5), -1);
	assert_int_equal(refusals_take(&r, 5, &refusal), 0);
}

static void
test_when_due(void **state)
{
	struct refusals r = { .places = 3 };
	struct refusal refusal;

	(void)state;
	add(&r, 1000, 1, 0);
	add(&r, 1010, 2, 0);
	assert_int_equal(refusals_wait(&r, 0), 1000);
	assert_int_equal(refusals_wait(&r, 999), 1);
	assert_int_equal(refusals_take(&r, 999, &refusal), 0);
	expect(&r, 1000, 1);
	assert_int_equal(refusals_wait(&r, 1000), 10);
	expect(&r, 5000, 2);
	assert_int_equal(refusals_wait(&r, 5000), -1);
	/* Longer than poll(2) can wait. */
	add(&r, INT64_MAX, 3, 0);
	assert_int_equal(refusals_wait(&r, 0), INT_MAX);
}

static void
test_places(void **state)
{
	size_t places;
	uint32_t id, taken;

	(void)state;
	for (places = 1; places <= REFUSALS_MAX; places++) {
		struct refusals r = { .places = places };

		/* Around the ring, more than once. */
		for (id = taken = 0; id < 5 * REFUSALS_MAX; id++) {
			while (refusals_full(&r)) {
				assert_int_equal(r.n, places);
				expect(&r, taken, taken);
				taken++;
			}
			add(&r, id, id, 0);
		}
		assert_int_equal(r.n, places);
	}
}

static void
test_nothing_behind_the_last(void **state)
{
	struct refusals r = { .places = 3 };

	(void)state;
	add(&r, 1, 1, 0);
	add(&r, 2, 2, 1);
	assert_true(refusals_full(&r));
	expect(&r, 1, 1);
	assert_true(refusals_full(&r));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_when_due),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_nothing_behind_the_last),
	};

	return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
