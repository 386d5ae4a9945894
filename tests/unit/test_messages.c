/*
 * Messages: taken out only when type and size are right, and every string in
 * them ended, whatever the sender did.
 */
#include "tests/unit/unit.h"

#include "common/messages.h"

static struct message m;

/* A message of that type, with so many octets that are all x. */
static void
fill(uint32_t type, size_t size)
{
	m.type = type;
	m.len = size;
	m.nfd = 0;
	memset(m.data, 'x', sizeof(m.data));
}

static void
test_type_and_size(void **state)
{
	struct msg_number n = { 7 };

	(void)state;
	fill(MSG_FETCH, sizeof(n));
	assert_false(message_get(&m, MSG_SIZES, &n, sizeof(n)));
	m.len--;
	assert_false(message_get(&m, MSG_FETCH, &n, sizeof(n)));
	m.len += 2;
	assert_false(message_get(&m, MSG_FETCH, &n, sizeof(n)));
	assert_true(n.n == 7);
	m.len--;
	assert_true(message_get(&m, MSG_FETCH, &n, sizeof(n)));
	assert_true(n.n == 0x7878787878787878);
	fill(MSG_UPDATE, 0);
	assert_true(message_get(&m, MSG_UPDATE, NULL, 0));
	assert_false(message_get(&m, MSG_END, NULL, 0));
}

#define ENDS(s) assert_int_equal(strnlen(s, sizeof(s)), sizeof(s) - 1)

static void
test_strings(void **state)
{
	struct msg_login login;
	struct msg_verdict verdict;
	struct msg_open tls;
	struct msg_end e;

	(void)state;
	fill(MSG_LOGIN, sizeof(login));
	assert_true(message_get(&m, MSG_LOGIN, &login, sizeof(login)));
	ENDS(login.user);
	ENDS(login.password);
	ENDS(login.mechanism);
	ENDS(login.peer);
	ENDS(login.via);
	fill(MSG_VERDICT, sizeof(verdict));
	assert_true(message_get(&m, MSG_VERDICT, &verdict, sizeof(verdict)));
	ENDS(verdict.id);
	ENDS(verdict.address);
	ENDS(verdict.maildir);
	ENDS(verdict.label);
	ENDS(verdict.mechanism);
	ENDS(verdict.peer);
	ENDS(verdict.via);
	fill(MSG_OPEN, sizeof(tls));
	assert_true(message_get(&m, MSG_OPEN, &tls, sizeof(tls)));
	ENDS(tls.tls);
	fill(MSG_END, sizeof(e));
	assert_true(message_get(&m, MSG_END, &e, sizeof(e)));
	ENDS(e.reason);
	/* Nothing else is touched. */
	assert_true(e.retrieved == 0x7878787878787878);
	assert_true(verdict.uid == 0x78787878);
	assert_true(login.id == 0x78787878);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_type_and_size),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests_name("messages", tests, NULL, NULL);
}
