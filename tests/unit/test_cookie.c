/*
 * Cookies: HMAC as RFC 4231 has it, and what opens one.
 */
#include "tests/unit/unit.h"

#include "settings/cookie.h"

static const unsigned char key[COOKIE_KEY] = "0123456789abcdefghijklmnopqrstu";

static struct cookie
some(void)
{
	struct cookie c;

	memset(&c, 0, sizeof(c));
	c.kind = COOKIE_HALF;
	c.invited = 1;
	strlcpy(c.address, "first@example.com", sizeof(c.address));
	c.generation = 1764000000;
	c.since = 1764000000123;
	c.until = 1764001800123;
	return c;
}

/* RFC 4231, 4.2 and 4.3: keys of 20 and 4 octets, zeroes behind them. */
static void
test_hmac(void **state)
{
	static const unsigned char first[COOKIE_KEY] = { 0x0b, 0x0b, 0x0b,
		0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
		0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b };
	static const unsigned char second[COOKIE_KEY] = "Jefe";
	static const unsigned char macs[2][HMAC_OCTETS] = {
		{ 0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8,
		    0xaf, 0xce, 0xaf, 0x0b, 0xf1, 0x2b, 0x88, 0x1d, 0xc2,
		    0x00, 0xc9, 0x83, 0x3d, 0xa7, 0x26, 0xe9, 0x37, 0x6c,
		    0x2e, 0x32, 0xcf, 0xf7 },
		{ 0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04,
		    0x24, 0x26, 0x08, 0x95, 0x75, 0xc7, 0x5a, 0x00, 0x3f,
		    0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9,
		    0x64, 0xec, 0x38, 0x43 },
	};
	unsigned char mac[HMAC_OCTETS];

	(void)state;
	hmac_sha256(first, (const unsigned char *)"Hi There", 8, mac);
	assert_memory_equal(mac, macs[0], sizeof(mac));
	hmac_sha256(second,
	    (const unsigned char *)"what do ya want for nothing?", 28, mac);
	assert_memory_equal(mac, macs[1], sizeof(mac));
}

static void
test_round_trip(void **state)
{
	struct cookie c = some(), again;
	char text[SELF_COOKIE_MAX + 1];
	size_t n;

	(void)state;
	for (n = 1; n <= ADDRESS_MAX; n++) {
		memset(c.address, 'a', n);
		c.address[n] = '\0';
		cookie_seal(&c, key, text);
		assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "abcdefghijklmnopqrstuvwxyz0123456789-_"), strlen(text));
		assert_int_equal(cookie_open(&again, key, text), 1);
		assert_string_equal(again.address, c.address);
		assert_true(again.kind == c.kind && again.invited &&
		    again.generation == c.generation &&
		    again.since == c.since && again.until == c.until);
	}
}

static void
test_forged(void **state)
{
	unsigned char other[COOKIE_KEY];
	struct cookie c = some(), again;
	char text[SELF_COOKIE_MAX + 8], bad[SELF_COOKIE_MAX + 8];
	size_t i, len;

	(void)state;
	cookie_seal(&c, key, text);
	len = strlen(text);
	for (i = 0; i < len; i++) {
		strlcpy(bad, text, sizeof(bad));
		bad[i] = bad[i] == 'A' ? 'Q' : 'A';
		assert_int_equal(cookie_open(&again, key, bad), 0);
		strlcpy(bad, text, sizeof(bad));
		bad[i] = '\0';
		assert_int_equal(cookie_open(&again, key, bad), 0);
		bad[i] = ' ';
		assert_int_equal(cookie_open(&again, key, bad), 0);
	}
	snprintf(bad, sizeof(bad), "%s=", text);
	assert_int_equal(cookie_open(&again, key, bad), 0);
	snprintf(bad, sizeof(bad), "%sAAAA", text);
	assert_int_equal(cookie_open(&again, key, bad), 0);
	memcpy(other, key, sizeof(other));
	other[31] ^= 1;
	assert_int_equal(cookie_open(&again, other, text), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_forged),
	};

	return cmocka_run_group_tests_name("cookie", tests, NULL, NULL);
}
