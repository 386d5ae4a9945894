/*
 * Text of strangers, as it is shown: senders, subjects, times.
 */
#include "tests/unit/unit.h"

#include "settings/text.h"

static void
cleaned(const char *src, size_t size, const char *wanted)
{
	char dst[64];

	memset(dst, 'x', sizeof(dst));
	text_clean(dst, size, src);
	assert_string_equal(dst, wanted);
}

static void
test_clean(void **state)
{
	(void)state;
	cleaned("plain", 64, "plain");
	cleaned("  a \t b  ", 64, "a b");
	cleaned("a\033[1mb\nc\177", 64, "a?[1mb?c?");
	cleaned("\303\244\342\202\254", 64, "\303\244\342\202\254");
	cleaned("\303\244\342\202\254", 5, "\303\244");
	cleaned("\344\366 \300\257 \355\240\200", 64, "?? ?? ???");
	cleaned("abcdef", 4, "abc");
	cleaned("", 1, "");
	cleaned("a", 1, "");
}

static void
headers(const char *octets, const char *from, const char *subject)
{
	char f[256], s[256];

	text_headers(octets, strlen(octets), f, s, sizeof(f));
	assert_string_equal(f, from);
	assert_string_equal(s, subject);
}

static void
test_headers(void **state)
{
	(void)state;
	headers("From: A <a@b.example>\r\nSubject: hello\r\n\r\n"
		"Subject: no\r\n",
	    "A <a@b.example>", "hello");
	headers("subject:two\n  lines\nFROM:\tb\n\n", "b", "two lines");
	headers("X: y\n\nFrom: c\n", "", "");
	headers("Subject: first\nSubject: second\n", "", "first");
	headers("Subject: =?UTF-8?Q?gr=C3=BC=C3=9Fe_an?= "
		"=?utf-8?B?w7ZkZQ==?=\n",
	    "", "gr\303\274\303\237e an\303\266de");
	headers("Subject: =?iso-8859-1?q?gr=FC=DFe?= alle\n", "",
	    "gr\303\274\303\237e alle");
	headers("Subject: =?KOI8-R?B?8NLJ18XU?=\n", "",
	    "=?KOI8-R?B?8NLJ18XU?=");
	headers("Subject: =?utf-8?Q?=00=1B[1m=?= =?utf-8?B?!!!?=\n", "",
	    "?[1m=");
	headers("Subject: =?utf-8?Q?a\n", "", "=?utf-8?Q?a");
	headers("Subject", "", "");
	headers("Subject:", "", "");
	headers("", "", "");
}

/* The octets end where they end. */
static void
test_ends(void **state)
{
	static const char all[] = "From: =?utf-8?Q?=C3=A4?=\nSubject: =?utf-8?"
				  "B?w7ZkZQ==?=\n more\n\n";
	char from[256], subject[256], *octets;
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(all); len++) {
		octets = malloc(len + (len == 0));
		assert_non_null(octets);
		memcpy(octets, all, len);
		text_headers(octets, len, from, subject, sizeof(from));
		free(octets);
	}
	assert_string_equal(subject, "\303\266de more");
}

static void
test_time(void **state)
{
	(void)state;
	assert_true(text_time("2026-11-28T23:59:59Z") == 1795910399);
	assert_true(text_time("1970-01-01T00:00:01Z") == 1);
	assert_true(text_time("2026-11-28T23:59:59Z ") == 0);
	assert_true(text_time("unknown") == 0);
	assert_true(text_time("") == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
