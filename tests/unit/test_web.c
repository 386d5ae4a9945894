/*
 * What pop3web reads and writes: forms, the cookie, where a form comes from,
 * the environment of a CGI program; and HTML, in which nothing is markup but
 * what was written as such.
 */
#include "tests/unit/unit.h"

#include "web/cgi.h"
#include "web/cookie.h"
#include "web/form.h"
#include "web/html.h"
#include "web/origin.h"
#include "common/shown.h"
#include "web/when.h"

static struct form form;

static const char *
parse(const char *text)
{
	const size_t len = strlen(text);

	assert_true(len <= FORM_MAX);
	memset(&form, 'x', sizeof(form));
	memcpy(form.text, text, len);
	return form_parse(&form, len);
}

static void
test_form(void **state)
{
	(void)state;
	assert_null(parse("user=you%40example.com&password=a+b%2Bc%26%3D&x="));
	assert_int_equal(form.n, 3);
	assert_string_equal(form_value(&form, "user"), "you@example.com");
	assert_string_equal(form_value(&form, "password"), "a b+c&=");
	assert_string_equal(form_value(&form, "x"), "");
	assert_string_equal(form_value(&form, "y"), "");
	assert_null(parse(""));
	assert_int_equal(form.n, 0);
	/* The second "=" is a part of the value; so are a tab and UTF-8. */
	assert_null(parse("a=b=c&d%3d=%09%C3%a9\xf0\x9f\x98\x80"));
	assert_string_equal(form_value(&form, "a"), "b=c");
	assert_string_equal(form_value(&form, "d="), "\t\xc3\xa9"
	    "\xf0\x9f\x98\x80");
}

static void
test_bad_forms(void **state)
{
	static const struct {
		const char *text, *wrong;
	} bad[] = {
		{ "a", "no-field" }, { "=b", "no-field" },
		{ "a=1&", "no-field" }, { "&a=1", "no-field" },
		{ "a=1&&b=2", "no-field" }, { "a=1&b", "no-field" },
		{ "a=%", "bad-percent" }, { "a=%4", "bad-percent" },
		{ "a=%4g", "bad-percent" }, { "a=%g4", "bad-percent" },
		{ "a=%%41", "bad-percent" }, { "%=a", "bad-percent" },
		{ "a=%4&b=1", "bad-percent" }, { "a=% 1", "bad-percent" },
		{ "a=%00", "nul" }, { "a%00b=1", "nul" },
		{ "a=1&a=2", "doubled-field" },
		{ "a=1&b=2&%61=3", "doubled-field" },
		{ "a=%0a", "not-text" }, { "a=%0d%0ab", "not-text" },
		{ "a=%1b", "not-text" }, { "a=%7f", "not-text" },
		{ "a=%80", "not-text" }, { "a=%c3", "not-text" },
		{ "a=%c0%af", "not-text" }, { "a=%c2%85", "not-text" },
		{ "a=%ed%a0%80", "not-text" }, { "a=%ff", "not-text" },
		{ "a=%f4%90%80%80", "not-text" }, { "%0a=1", "not-text" },
		{ "a=%e2%80%ae", "not-text" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(bad); i++) {
		const char *wrong = parse(bad[i].text);

		if (wrong == NULL)
			fail_msg("\"%s\" was taken", bad[i].text);
		assert_string_equal(wrong, bad[i].wrong);
		assert_int_equal(form.n, 0);
		assert_string_equal(form_value(&form, "a"), "");
	}
}

/* A NUL as it is; as long as it may be; and as many fields. */
static void
test_form_limits(void **state)
{
	char many[FORM_MAX];
	size_t i, used = 0;

	(void)state;
	memcpy(form.text, "a=1\0b=2", 7);
	assert_string_equal(form_parse(&form, 7), "nul");
	memcpy(form.text, "a=", 2);
	memset(form.text + 2, 'b', FORM_MAX - 2);
	assert_null(form_parse(&form, FORM_MAX));
	assert_int_equal(strlen(form_value(&form, "a")), FORM_MAX - 2);
	for (i = 0; i < FORM_FIELDS_MAX; i++)
		used += (size_t)snprintf(many + used, sizeof(many) - used,
		    "%sf%zu=%zu", i > 0 ? "&" : "", i, i);
	assert_null(parse(many));
	assert_int_equal(form.n, FORM_FIELDS_MAX);
	strlcat(many, "&one=more", sizeof(many));
	assert_string_equal(parse(many), "too-many-fields");
}

static const char *
cookie(const char *line)
{
	static char value[12];

	cookie_read(line, value, sizeof(value));
	return value;
}

static void
test_cookie(void **state)
{
	static const char *const none[] = { "", ";", "; ;", "a=b",
		"__Host-pop3", "__Host-pop3=", "__host-pop3=ab",
		"x__Host-pop3=ab", "__Host-pop3 =ab", "__Host-pop3=a b",
		"__Host-pop3=a%20", "__Host-pop3=\"ab\"", "__Host-pop3=ab=",
		"__Host-pop3=ab; __Host-pop3=cd", "__Host-pop3=ab;__Host-pop3=",
		"__Host-pop3=123456789012", "__Host-pop3=a\x80",
		"a=b;c=\"__Host-pop3=ab" };
	size_t i;

	(void)state;
	assert_string_equal(cookie("__Host-pop3=ab-_9Z"), "ab-_9Z");
	assert_string_equal(cookie("a=b; __Host-pop3=ab"), "ab");
	assert_string_equal(cookie("__Host-pop3=ab;c=d"), "ab");
	assert_string_equal(cookie(" ; a=__Host-pop3=x;__Host-pop3=ab ;"),
	    "ab");
	assert_string_equal(cookie("__Host-pop3=12345678901"), "12345678901");
	for (i = 0; i < NITEMS(none); i++)
		if (cookie(none[i])[0] != '\0')
			fail_msg("\"%s\" was taken", none[i]);
}

static void
test_origin(void **state)
{
	static const char us[] = "mail.example.com", same[] = "same-origin";
	static const char *const others[] = { "https://evil.example",
		"http://mail.example.com", "https://mail.example.com:8443",
		"https://mail.example.com.evil.example",
		"https://mail.example.com/", "https://", "mail.example.com",
		"HTTPS://mail.example.com" };
	static const char *const sites[] = { "cross-site", "same-site", "none",
		"Same-Origin", "same-origin ", "x" };
	size_t i;

	(void)state;
	assert_true(origin_is_ours("https://mail.example.com", "", us));
	assert_true(origin_is_ours("https://MAIL.example.com", same, us));
	assert_true(origin_is_ours("https://a:8443", same, "a:8443"));
	assert_true(origin_is_ours("null", same, us));
	assert_true(origin_is_ours("", same, us));
	assert_false(origin_is_ours("", "", us));
	assert_false(origin_is_ours("null", "", us));
	assert_false(origin_is_ours("https://", "", ""));
	assert_false(origin_is_ours("", same, ""));
	for (i = 0; i < NITEMS(others); i++) {
		assert_false(origin_is_ours(others[i], "", us));
		assert_false(origin_is_ours(others[i], same, us));
	}
	for (i = 0; i < NITEMS(sites); i++) {
		assert_false(origin_is_ours("null", sites[i], us));
		assert_false(origin_is_ours("https://mail.example.com",
		    sites[i], us));
	}
}

/* What is written to standard output by say(), in memory. */
static const char *
written(void (*say)(const char *), const char *text)
{
	static char buf[4096];
	FILE *file = tmpfile();
	int keep = dup(1);
	size_t len;

	assert_non_null(file);
	fflush(stdout);
	assert_int_equal(dup2(fileno(file), 1), 1);
	say(text);
	fflush(stdout);
	assert_int_equal(dup2(keep, 1), 1);
	close(keep);
	rewind(file);
	len = fread(buf, 1, sizeof(buf) - 1, file);
	buf[len] = '\0';
	fclose(file);
	return buf;
}

static void
say_formatted(const char *text)
{
	MARKUP("<p>");
	html_say("%s", text);
	MARKUP("</p>");
}

#define LOST "\xef\xbf\xbd"

static void
test_html(void **state)
{
	static const struct {
		const char *text, *html;
	} pairs[] = {
		{ "", "" }, { "plain", "plain" },
		{ "<b>&\"'", "&lt;b&gt;&amp;&quot;&#39;" },
		{ "&amp;", "&amp;amp;" },
		{ "\xc3\xa9\xe2\x82\xac", "\xc3\xa9\xe2\x82\xac" },
		{ "a\nb\x1b[0m\x7f", "a" LOST "b" LOST "[0m" LOST },
		{ "\xff<\xc3", LOST "&lt;" LOST },
		{ "\xe2\x80\xaetxt", LOST LOST LOST "txt" },
	};
	char longer[1200];
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(pairs); i++)
		assert_string_equal(
		    written(html_text, pairs[i].text), pairs[i].html);
	assert_string_equal(written(say_formatted, "<>"), "<p>&lt;&gt;</p>");
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(strlen(written(say_formatted, longer)), 1000 + 7);
}

static void
test_utf8(void **state)
{
	(void)state;
	assert_int_equal(shown_octets(""), 0);
	assert_int_equal(shown_octets(" "), 1);
	assert_true(shown_is_blank(""));
	assert_true(shown_is_blank(" \u00a0\u2003\u3000"));
	assert_false(shown_is_blank(" a"));
	assert_false(shown_is_blank("\u00e9"));
	assert_false(shown_is_blank(" \U0001f4f1"));
	assert_false(shown_is_blank("\xff"));
	assert_int_equal(shown_octets("\x1f"), 0);
	assert_int_equal(shown_octets("\xc2\xa0"), 2);
	assert_int_equal(shown_octets("\xc2\x9f"), 0);
	assert_int_equal(shown_octets("\xc1\xbf"), 0);
	assert_int_equal(shown_octets("\xe0\x9f\xbf"), 0);
	assert_int_equal(shown_octets("\xe0\xa0\x80"), 3);
	assert_int_equal(shown_octets("\xed\x9f\xbf"), 3);
	assert_int_equal(shown_octets("\xed\xa0\x80"), 0);
	assert_int_equal(shown_octets("\xf0\x8f\xbf\xbf"), 0);
	assert_int_equal(shown_octets("\xf4\x8f\xbf\xbf"), 4);
	assert_int_equal(shown_octets("\xf4\x90\x80\x80"), 0);
	assert_int_equal(shown_octets("\xf0\x9f\x98"), 0);
}

static void
test_sizes(void **state)
{
	char text[WHEN_SIZE];

	(void)state;
	assert_string_equal(when_octets(text, 999), "999 bytes");
	assert_string_equal(when_octets(text, 17400), "17 kB");
	assert_string_equal(when_octets(text, 999999), "1000 kB");
	assert_string_equal(when_octets(text, 1250000), "1.2 MB");
	assert_string_equal(when_octets(text, UINT64_MAX),
	    "18446744073709.5 MB");
	assert_string_equal(when_text(text, 0), "1970-01-01 00:00 UTC");
	assert_string_equal(when_text(text, INT64_MAX), "unknown");
	assert_string_equal(when_day(text, 86399), "1970-01-01");
}

/* A request with these, and nothing else. */
static int
request(const char *method, const char *script, const char *path,
    const char *https)
{
	static struct cgi cgi;

	assert_int_equal(setenv("REQUEST_METHOD", method, 1), 0);
	assert_int_equal(setenv("SCRIPT_NAME", script, 1), 0);
	assert_int_equal(setenv("PATH_INFO", path, 1), 0);
	assert_int_equal(setenv("HTTPS", https, 1), 0);
	return cgi_read(&cgi);
}

static void
test_requests(void **state)
{
	static const char *const bad_paths[] = { "x", "//evil.example", "/a//b",
		"/a b", "/a\nb", "/a\"", "/<", "/%41", "/a?b", "/\xc3\xa9",
		"\\", "/a\\b", "/a:b" };
	char longer[CGI_PATH_MAX + 3] = "/";
	size_t i;

	(void)state;
	unsetenv("REQUEST_SCHEME");
	assert_int_equal(request("GET", "/pop", "/passwords", "on"), 0);
	assert_int_equal(request("GET", "", "/", "on"), 0);
	assert_int_equal(request("POST", "/cgi-bin/pop3web", "", "1"), 0);
	assert_int_equal(request("HEAD", "/x", "/", "ON"), 0);
	assert_int_equal(request("GET", "/x", "/", ""), 403);
	assert_int_equal(request("GET", "/x", "/", "off"), 403);
	assert_int_equal(request("PUT", "/x", "/", "on"), 405);
	assert_int_equal(request("", "/x", "/", "on"), 405);
	for (i = 0; i < NITEMS(bad_paths); i++) {
		assert_int_equal(request("GET", bad_paths[i], "/", "on"), 404);
		assert_int_equal(request("GET", "/x", bad_paths[i], "on"), 404);
	}
	memset(longer + 1, 'a', CGI_PATH_MAX);
	assert_int_equal(request("GET", "/x", longer, "on"), 404);
	longer[CGI_PATH_MAX] = '\0';
	assert_int_equal(request("GET", "/x", longer, "on"), 0);
}

/* A form on standard input, with what is told of it. */
static int
posted(const char *text, const char *length, const char *type,
    const char **why)
{
	FILE *file = tmpfile();
	int keep = dup(0), status;
	size_t len;

	assert_non_null(file);
	fputs(text, file);
	rewind(file);
	assert_int_equal(dup2(fileno(file), 0), 0);
	assert_int_equal(setenv("CONTENT_LENGTH", length, 1), 0);
	assert_int_equal(setenv("CONTENT_TYPE", type, 1), 0);
	if ((status = cgi_form(&form, &len, why)) == 0)
		assert_null(form_parse(&form, len));
	assert_int_equal(dup2(keep, 0), 0);
	close(keep);
	fclose(file);
	return status;
}

static void
test_posted(void **state)
{
	static const char good[] = "application/x-www-form-urlencoded";
	const char *why;

	(void)state;
	assert_int_equal(posted("a=b", "3", good, &why), 0);
	assert_string_equal(form_value(&form, "a"), "b");
	assert_int_equal(posted("a=b", "0", good, &why), 0);
	assert_int_equal(posted("a=bcd", "3", "Application/X-WWW-Form-URLEnc"
	    "oded; charset=utf-8", &why), 0);
	assert_string_equal(form_value(&form, "a"), "b");
	assert_int_equal(posted("a=b", "4", good, &why), 400);
	assert_string_equal(why, "cut-short");
	assert_int_equal(posted("a=b", "", good, &why), 411);
	assert_int_equal(posted("a=b", "-1", good, &why), 411);
	assert_int_equal(posted("a=b", "3x", good, &why), 411);
	assert_int_equal(posted("a=b", "99999999999999999999", good, &why),
	    411);
	assert_int_equal(posted("a=b", "8193", good, &why), 413);
	assert_int_equal(posted("a=b", "1000000000", good, &why), 413);
	assert_int_equal(posted("a=b", "3", "multipart/form-data", &why), 415);
	assert_int_equal(posted("a=b", "3", "text/plain", &why), 415);
	assert_int_equal(posted("a=b", "3", "", &why), 415);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_bad_forms),
		cmocka_unit_test(test_form_limits),
		cmocka_unit_test(test_cookie),
		cmocka_unit_test(test_origin),
		cmocka_unit_test(test_html),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_posted),
	};

	return cmocka_run_group_tests_name("web", tests, NULL, NULL);
}
