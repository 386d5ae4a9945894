/*
 * Logins under way: which are found, which give way, and what is wiped.
 */
#include "tests/unit/unit.h"

#include "sasl/requests.h"

static struct requests r;

static int
empty(void **state)
{
	(void)state;
	memset(&r, 0, sizeof(r));
	return 0;
}

static struct request *
add(uint32_t id, enum stage stage, uint32_t must_go)
{
	uint32_t gone = 12345;
	struct request *q = requests_add(&r, id, &gone);

	assert_int_equal(gone, must_go);
	assert_int_equal(q->id, id);
	q->stage = stage;
	q->login.id = 1000 + id;
	return q;
}

static void
test_find(void **state)
{
	struct request *a = add(1, STAGE_PLAIN, 0);
	struct request *b = add(2, STAGE_ASKED, 0);
	struct request *c = add(3, STAGE_CANCELLED, 0);

	(void)state;
	assert_ptr_equal(requests_find(&r, 1), a);
	assert_ptr_equal(requests_find(&r, 2), b);
	assert_null(requests_find(&r, 3));
	assert_null(requests_find(&r, 4));
	assert_null(requests_asked(&r, 1001));
	assert_ptr_equal(requests_asked(&r, 1002), b);
	assert_ptr_equal(requests_asked(&r, 1003), c);
	assert_int_equal(requests_count(&r), 2);
	requests_free(b);
	assert_null(requests_find(&r, 2));
	assert_null(requests_asked(&r, 1002));
}

static void
test_the_oldest_gives_way(void **state)
{
	uint32_t id;

	(void)state;
	for (id = 1; id <= REQUESTS_MAX; id++)
		add(id, id % 4 == 0 ? STAGE_NAME : STAGE_ASKED, 0);
	assert_false(requests_full(&r));
	add(100, STAGE_ASKED, 4);
	add(101, STAGE_PASSWORD, 8);
	add(102, STAGE_ASKED, 12);
	add(103, STAGE_ASKED, 16);
	assert_false(requests_full(&r));
	add(104, STAGE_ASKED, 101);
	assert_true(requests_full(&r));
	requests_free(requests_find(&r, 7));
	assert_false(requests_full(&r));
	add(105, STAGE_CANCELLED, 0);
	assert_true(requests_full(&r));
}

static void
test_free_wipes(void **state)
{
	static const struct request none;
	struct request *q = add(1, STAGE_ASKED, 0);

	(void)state;
	memset(&q->login, 'x', sizeof(q->login));
	requests_free(q);
	assert_memory_equal(q, &none, sizeof(none));
}

static void
test_deadline(void **state)
{
	(void)state;
	assert_int_equal(requests_deadline(&r), 0);
	add(1, STAGE_PLAIN, 0)->deadline = 1;
	assert_int_equal(requests_deadline(&r), 0);
	add(2, STAGE_ASKED, 0)->deadline = 30;
	add(3, STAGE_CANCELLED, 0)->deadline = 20;
	add(4, STAGE_ASKED, 0)->deadline = 40;
	assert_int_equal(requests_deadline(&r), 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_find, empty),
		cmocka_unit_test_setup(test_the_oldest_gives_way, empty),
		cmocka_unit_test_setup(test_free_wipes, empty),
		cmocka_unit_test_setup(test_deadline, empty),
	};

	return cmocka_run_group_tests_name("requests", tests, NULL, NULL);
}
