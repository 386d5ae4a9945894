/*
 * SASL PLAIN: what is well-formed, and that the response is wiped.
 */
#include <sys/types.h>
#include <netinet/in.h>

#include <resolv.h>

#include "tests/unit/unit.h"

#include "common/line.h"
#include "common/sasl.h"

struct plain {
	const char *data;
	size_t len;
	const char *user, *password;
};

#define PLAIN(data, user, password) { data, sizeof(data) - 1, user, password }

static const struct plain good[] = {
	PLAIN("\0u@d\0secret", "u@d", "secret"),
	PLAIN("u@d\0u@d\0secret", "u@d", "secret"),
	PLAIN("U@D\0u@d\0secret", "u@d", "secret"),
	PLAIN("\0u\0 ", "u", " "),
	PLAIN("\0u v\0p w", "u v", "p w"),
	PLAIN("\0\xc3\xa9\0\xff\x80", "\xc3\xa9", "\xff\x80"),
};

static const struct plain bad[] = {
	PLAIN("", "", ""),
	PLAIN("\0", "", ""),
	PLAIN("\0\0", "", ""),
	PLAIN("u", "", ""),
	PLAIN("\0u", "", ""),
	PLAIN("u\0p", "", ""),
	PLAIN("\0u\0", "", ""),
	PLAIN("\0\0p", "", ""),
	PLAIN("a\0\0p", "", ""),
	PLAIN("\0u\0p\0", "", ""),
	PLAIN("\0u\0p\0x", "", ""),
	PLAIN("\0\0\0", "", ""),
};

/* They act for somebody else. */
static const struct plain other[] = {
	PLAIN("other\0u\0p", "", ""),
	PLAIN("u@\0u@d\0p", "", ""),
	PLAIN("u@d.e\0u@d\0p", "", ""),
};

static char *
encode(const char *data, size_t len)
{
	size_t size = (len + 2) / 3 * 4 + 1;
	char *text = malloc(size);

	assert_non_null(text);
	assert_int_equal(
	    b64_ntop((const unsigned char *)data, len, text, size), size - 1);
	return text;
}

static int
plain(const char *data, size_t len, struct msg_login *login)
{
	char *text = encode(data, len);
	size_t size = strlen(text), i;
	int rv;

	memset(login, 'x', sizeof(*login));
	rv = sasl_plain(text, login);
	for (i = 0; i < size; i++)
		assert_int_equal(text[i], '\0');
	free(text);
	return rv;
}

static void
test_good(void **state)
{
	struct msg_login login;
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(good); i++) {
		assert_int_equal(plain(good[i].data, good[i].len, &login), 0);
		assert_string_equal(login.user, good[i].user);
		assert_string_equal(login.password, good[i].password);
	}
}

static void
test_bad(void **state)
{
	struct msg_login login;
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(bad); i++)
		if (plain(bad[i].data, bad[i].len, &login) != -1)
			fail_msg("number %zu is taken for good", i);
}

/* Well-formed, and asked for as the empty user, which does not exist. */
static void
test_other(void **state)
{
	struct msg_login login;
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(other); i++) {
		assert_int_equal(
		    plain(other[i].data, other[i].len, &login), 0);
		assert_string_equal(login.user, "");
	}
}

/* Each line is one octet from one that is good. */
static const char *const bad_base64[] = { "AHUAcA=", "AHUAcA", "AHUAcA===",
	"AHUAcA== ", " AHUAcA==", "AHUA cA==", "AHUA\tcA==", "AHUAcA==\r",
	"AHUAcA==x", "AHUAc*==", "AHUAcB==", "AHUA-A==", "AHUA\377A==", "=",
	"====", "*", "A" };

static void
test_bad_base64(void **state)
{
	char text[32] = "AHUAcA==";
	struct msg_login login;
	size_t i;

	(void)state;
	assert_int_equal(sasl_plain(text, &login), 0);
	for (i = 0; i < NITEMS(bad_base64); i++) {
		strlcpy(text, bad_base64[i], sizeof(text));
		if (sasl_plain(text, &login) != -1)
			fail_msg("\"%s\" is taken for good", bad_base64[i]);
		assert_int_equal(text[0], '\0');
	}
}

/* NUL, so many octets of user, NUL, so many of password. */
static int
sized(size_t user, size_t password, struct msg_login *login)
{
	static char data[LINE_MAX_OCTETS];

	assert_true(user + password + 2 <= sizeof(data));
	data[0] = data[1 + user] = '\0';
	memset(data + 1, 'u', user);
	memset(data + 2 + user, 'p', password);
	return plain(data, 2 + user + password, login);
}

/* Longer than any account's: the empty user, which does not exist. */
static void
test_lengths(void **state)
{
	struct msg_login login;

	(void)state;
	assert_int_equal(sized(ADDRESS_MAX, PASSWORD_MAX, &login), 0);
	assert_int_equal(strlen(login.user), ADDRESS_MAX);
	assert_int_equal(strlen(login.password), PASSWORD_MAX);
	assert_int_equal(sized(ADDRESS_MAX + 1, 1, &login), 0);
	assert_string_equal(login.user, "");
	assert_int_equal(sized(1, PASSWORD_MAX + 1, &login), 0);
	assert_string_equal(login.user, "");
}

/* As much as one line of AUTH carries, and more than that. */
static void
test_longest(void **state)
{
	struct msg_login login;

	(void)state;
	assert_int_equal(sized(1, LINE_MAX_OCTETS / 4 * 3 - 3, &login), 0);
	assert_string_equal(login.user, "");
	/* The last that fits whatever b64_pton(3) wants; and one too many. */
	assert_int_equal(sized(1, LINE_MAX_OCTETS - 6, &login), 0);
	assert_string_equal(login.user, "");
	assert_int_equal(sized(1, LINE_MAX_OCTETS - 3, &login), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_other),
		cmocka_unit_test(test_bad_base64),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests_name("sasl", tests, NULL, NULL);
}
