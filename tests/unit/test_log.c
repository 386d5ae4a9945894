/*
 * log_safe(): nothing from the network forges a line or a field of the log.
 */
#include "tests/unit/unit.h"

#include "common/log.h"

static const struct {
	const char *src, *safe;
} known[] = {
	{ "", "" },
	{ "you@example.com", "you@example.com" },
	{ "!~", "!~" },
	{ "a b", "a\\040b" },
	{ "a\nb", "a\\012b" },
	{ "\r\n\t", "\\015\\012\\011" },
	{ "\x1b[2J", "\\033[2J" },
	{ "\\012", "\\134012" }, /* what was escaped can be told */
	{ "\x7f\x80\xff", "\\177\\200\\377" },
	{ "%s%n", "%s%n" },
};

static void
test_known(void **state)
{
	char dst[64];
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(known); i++) {
		assert_ptr_equal(
		    log_safe(dst, sizeof(dst), known[i].src), dst);
		assert_string_equal(dst, known[i].safe);
	}
}

/* Every octet: shown as it is or escaped, and never two the same. */
static void
test_every_octet(void **state)
{
	char src[2] = "", dst[8], seen[256][8];
	int c, other;

	(void)state;
	for (c = 1; c < 256; c++) {
		src[0] = (char)c;
		log_safe(dst, sizeof(dst), src);
		if (c > 0x20 && c < 0x7f && c != '\\')
			assert_string_equal(dst, src);
		else {
			assert_int_equal(strlen(dst), 4);
			assert_int_equal(dst[0], '\\');
			assert_int_equal(strtol(dst + 1, NULL, 8), c);
		}
		memcpy(seen[c], dst, sizeof(dst));
		for (other = 1; other < c; other++)
			assert_string_not_equal(seen[other], dst);
	}
}

/* Cut to any size: never beyond it, never half an escape. */
static void
test_every_size(void **state)
{
	static const char src[] = "ab\n\ncd\xff" "ef\\";
	char whole[64], dst[64];
	size_t size, len;

	(void)state;
	log_safe(whole, sizeof(whole), src);
	for (size = 1; size < sizeof(whole); size++) {
		memset(dst, 0x5a, sizeof(dst));
		log_safe(dst, size, src);
		len = strlen(dst);
		assert_true(len < size);
		assert_int_equal(dst[size], 0x5a);
		assert_memory_equal(dst, whole, len);
		assert_true(whole[len] == '\0' || size - len <= 4);
		assert_true(strchr("\\abcdef", whole[len]) != NULL);
	}
	assert_string_equal(dst, whole);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_every_octet),
		cmocka_unit_test(test_every_size),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
