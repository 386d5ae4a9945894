/*
 * The deletion marks: each bit alone, growth, and numbers that cannot be.
 */
#include "tests/unit/unit.h"

#include "session/marks.h"

/* Around an octet, around the memory's growth, and high. */
static const uint64_t numbers[] = { 1, 2, 7, 8, 9, 16, 17, 8191, 8192, 8193,
	16384, 16385, 100000, 1000000 };

static void
test_each_alone(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(numbers); i++) {
		struct marks m = { NULL, 0, 0 };

		assert_false(marks_test(&m, numbers[i]));
		assert_int_equal(marks_set(&m, numbers[i]), 0);
		assert_true(marks_test(&m, numbers[i]));
		assert_false(marks_test(&m, numbers[i] - 1));
		assert_false(marks_test(&m, numbers[i] + 1));
		assert_int_equal(m.count, 1);
		assert_int_equal((m.bits[(numbers[i] - 1) / 8]),
		    1U << (numbers[i] - 1) % 8);
		marks_clear(&m);
		assert_false(marks_test(&m, numbers[i]));
	}
}

static void
test_all(void **state)
{
	struct marks m = { NULL, 0, 0 };
	size_t i;
	uint64_t n, wanted = 0;

	(void)state;
	/* Down and up: growth keeps what there was. */
	for (i = 0; i < NITEMS(numbers); i += 2)
		assert_int_equal(marks_set(&m, numbers[i]), 0);
	for (i = 1; i < NITEMS(numbers); i += 2)
		assert_int_equal(marks_set(&m, numbers[i]), 0);
	assert_int_equal(m.count, NITEMS(numbers));
	for (n = 1; n <= m.size * 8 + 8; n++)
		wanted += (uint64_t)marks_test(&m, n);
	assert_int_equal(wanted, NITEMS(numbers));
	for (i = 0; i < NITEMS(numbers); i++)
		assert_true(marks_test(&m, numbers[i]));
	marks_clear(&m);
	assert_null(m.bits);
	assert_int_equal(m.size, 0);
	assert_int_equal(m.count, 0);
}

/* Memory is in proportion to the highest number marked. */
static void
test_memory(void **state)
{
	struct marks m = { NULL, 0, 0 };

	(void)state;
	assert_int_equal(marks_set(&m, 1), 0);
	assert_in_range(m.size, 1, 1024);
	assert_int_equal(marks_set(&m, 1000000), 0);
	assert_in_range(m.size, 125000, 126024);
	marks_clear(&m);
}

static void
test_far_away(void **state)
{
	struct marks m = { NULL, 0, 0 };

	(void)state;
	assert_int_equal(marks_set(&m, 3), 0);
	assert_false(marks_test(&m, 0));
	assert_false(marks_test(&m, UINT64_MAX));
	assert_false(marks_test(&m, (uint64_t)UINT32_MAX));
	assert_true(marks_test(&m, 3));
	marks_clear(&m);
	marks_clear(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_alone),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_far_away),
	};

	return cmocka_run_group_tests_name("marks", tests, NULL, NULL);
}
