/*
 * The flag S in a suffix: added in its place, once, and only where there are
 * flags.
 */
#include "tests/unit/unit.h"

#include "store/seen.h"

static const struct {
	const char *suffix, *seen; /* NULL: it stays as it is */
} suffixes[] = {
	{ "", ":2,S" },
	{ ":2,", ":2,S" },
	{ ":2,F", ":2,FS" },
	{ ":2,DFPR", ":2,DFPRS" },
	{ ":2,T", ":2,ST" },
	{ ":2,RT", ":2,RST" },
	{ ":2,ab", ":2,Sab" },
	{ ":2,FTab", ":2,FSTab" },
	{ ":2,,x=S", ":2,S,x=S" },
	{ ":2,F,S", ":2,FS,S" },
	{ ":2,S", NULL },
	{ ":2,FST", NULL },
	{ ":2,TS", NULL },
	{ ":2", NULL },
	{ ":1,F", NULL },
	{ ":", NULL },
	{ ":x", NULL },
};

static void
test_suffixes(void **state)
{
	char seen[NAME_OCTETS];
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(suffixes); i++) {
		assert_int_equal(seen_suffix(suffixes[i].suffix, seen),
		    suffixes[i].seen != NULL);
		if (suffixes[i].seen != NULL)
			assert_string_equal(seen, suffixes[i].seen);
	}
}

static void
test_too_long(void **state)
{
	char suffix[NAME_OCTETS], seen[NAME_OCTETS];

	(void)state;
	memset(suffix, 'a', sizeof(suffix) - 1);
	memcpy(suffix, ":2,", 3);
	suffix[sizeof(suffix) - 1] = '\0';
	assert_int_equal(seen_suffix(suffix, seen), 0);
	suffix[sizeof(suffix) - 2] = '\0';
	assert_int_equal(seen_suffix(suffix, seen), 1);
	assert_int_equal(strlen(seen), sizeof(seen) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suffixes),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests_name("seen", tests, NULL, NULL);
}
