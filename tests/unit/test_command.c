/*
 * The grammar of commands: what each kind of argument admits and refuses,
 * and numbers at their limits.
 */
#include <strings.h>

#include "tests/unit/unit.h"

#include "session/command.h"

static const struct command table[] = {
	{ "NONE", TAKES_NOTHING, NULL, NULL },
	{ "TEXT", TAKES_TEXT, NULL, NULL },
	{ "WORDS", TAKES_WORDS, NULL, NULL },
	{ "ONE", TAKES_NUMBER, NULL, NULL },
	{ "MAY", TAKES_MAY_NUMBER, NULL, NULL },
	{ "TWO", TAKES_TWO_NUMBERS, NULL, NULL },
	{ NULL, TAKES_NOTHING, NULL, NULL },
};

static const struct {
	const char *line;
	const char *text; /* of the arguments, where that matters */
	uint32_t n, lines;
} good[] = {
	{ "NONE", NULL, 0, 0 },
	{ "none", NULL, 0, 0 },
	{ "NoNe ", NULL, 0, 0 },
	{ "NONE   ", NULL, 0, 0 },
	{ "TEXT a", "a", 0, 0 },
	{ "text A b  c ", "A b  c ", 0, 0 },
	{ "TEXT  a", " a", 0, 0 }, /* a password may begin with a blank */
	{ "TEXT  ", " ", 0, 0 },
	{ "TEXT \xc3\xa9", "\xc3\xa9", 0, 0 },
	{ "WORDS", "", 0, 0 },
	{ "WORDS  a b ", "a b ", 0, 0 },
	{ "ONE 1", NULL, 1, 0 },
	{ "ONE  1  ", NULL, 1, 0 },
	{ "ONE 4294967295", NULL, UINT32_MAX, 0 },
	{ "ONE 00000000000000000000000000000007", NULL, 7, 0 },
	{ "MAY", NULL, 0, 0 },
	{ "MAY ", NULL, 0, 0 },
	{ "MAY 1", NULL, 1, 0 },
	{ "TWO 1 0", NULL, 1, 0 },
	{ "TWO 4294967295 4294967295", NULL, UINT32_MAX, UINT32_MAX },
	{ "TWO  2  3  ", NULL, 2, 3 },
};

static const char *const bad[] = { "", " ", " NONE", "NON", "NONES", "NONE\t",
	"NONE a", "NONE 1", "N\xd0NE", "\xff", "\xff\xfe NONE", "TEXT",
	"TEXT ", "TEXT\ta", "ONE", "ONE ", "ONE 0", "ONE 00", "ONE -1",
	"ONE +1", "ONE 1.", "ONE 1x", "ONE x", "ONE 0x1", "ONE 1e1",
	"ONE \t1", "ONE 1\t", "ONE 1\r", "ONE 4294967296",
	"ONE 18446744073709551617", "ONE 99999999999999999999999999999999",
	"ONE 1 2", "ONE 1 x", "ONE 1,2", "ONE \xd9\xa1", "ONE \xb2", "MAY 0",
	"MAY -1", "MAY x", "MAY 1 2", "MAY 4294967296", "TWO", "TWO 1",
	"TWO 1 ", "TWO 0 1", "TWO 1 -1", "TWO 1 x", "TWO x 1", "TWO 1 2 3",
	"TWO 1 4294967296", "TWO 4294967296 1", "TWO -1 1" };

static const struct command *
parse(const char *text, size_t len, char *line, struct args *args,
    const char **why)
{
	/* At the very end of its memory: nothing behind it may be read. */
	memcpy(line, text, len);
	line[len] = '\0';
	*why = NULL;
	memset(args, 0xff, sizeof(*args));
	return command_parse(table, line, len, args, why);
}

static void
test_good(void **state)
{
	const struct command *c;
	struct args args;
	const char *why;
	char *line;
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(good); i++) {
		line = malloc(strlen(good[i].line) + 1);
		assert_non_null(line);
		c = parse(good[i].line, strlen(good[i].line), line, &args,
		    &why);
		if (c == NULL)
			fail_msg("\"%s\": %s", good[i].line, why);
		assert_int_equal(strncasecmp(good[i].line, c->keyword,
				     strlen(c->keyword)), 0);
		if (good[i].text != NULL)
			assert_string_equal(args.text, good[i].text);
		if (c->takes == TAKES_NUMBER || c->takes == TAKES_MAY_NUMBER ||
		    c->takes == TAKES_TWO_NUMBERS)
			assert_int_equal(args.n, good[i].n);
		if (c->takes == TAKES_TWO_NUMBERS)
			assert_int_equal(args.lines, good[i].lines);
		free(line);
	}
}

static void
test_bad(void **state)
{
	struct args args;
	const char *why;
	char *line;
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(bad); i++) {
		line = malloc(strlen(bad[i]) + 1);
		assert_non_null(line);
		if (parse(bad[i], strlen(bad[i]), line, &args, &why) != NULL)
			fail_msg("\"%s\" is taken for good", bad[i]);
		assert_non_null(why);
		assert_true(why[0] != '\0');
		free(line);
	}
}

/* A NUL hides nothing. */
static void
test_nul(void **state)
{
	static const struct {
		const char *line;
		size_t len;
	} with_nul[] = { { "NONE\0", 5 }, { "NO\0NE", 5 }, { "\0NONE", 5 },
		{ "TEXT a\0b", 8 }, { "ONE 1\0", 6 }, { "ONE 1\0002", 7 },
		{ "\0", 1 } };
	struct args args;
	const char *why;
	char line[16];
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(with_nul); i++) {
		assert_null(parse(with_nul[i].line, with_nul[i].len, line,
		    &args, &why));
		assert_non_null(strstr(why, "NUL"));
	}
}

static void
test_number(void **state)
{
	uint32_t n;

	(void)state;
	assert_int_equal(command_number("0", 0, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(command_number("0", 1, &n), -1);
	assert_int_equal(command_number("1", 1, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(command_number("4294967295", 0, &n), 0);
	assert_int_equal(n, UINT32_MAX);
	assert_int_equal(command_number("4294967296", 0, &n), -1);
	assert_int_equal(command_number("", 0, &n), -1);
	assert_int_equal(command_number("-0", 0, &n), -1);
	assert_int_equal(command_number("+0", 0, &n), -1);
	assert_int_equal(command_number(" 0", 0, &n), -1);
	assert_int_equal(command_number("0 ", 0, &n), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_number),
	};

	return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
