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

/* What the last datagram to syslogd would be, by standard error. */
static char *
logged(void (*log)(void), char *buf, size_t size)
{
	int fd[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(dup2(fd[1], STDERR_FILENO), STDERR_FILENO);
	log_open("test", 1);
	log();
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(fd[1]);
	close(saved);
	n = read(fd[0], buf, size - 1);
	assert_true(n > 0);
	buf[n] = '\0';
	close(fd[0]);
	return buf;
}

static void
log_short(void)
{
	log_warn("a %s line", "short");
}

static void
log_long(void)
{
	char line[2 * LOG_LINE_MAX];

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	log_info("%s", line);
}

/* The tag is the end of each line, of one that is cut as well. */
static void
test_tag(void **state)
{
	char buf[2 * LOG_LINE_MAX];

	(void)state;
	assert_non_null(
	    strstr(logged(log_short, buf, sizeof(buf)), ": a short line\n"));
	log_tag("0123abcd");
	assert_non_null(strstr(logged(log_short, buf, sizeof(buf)),
	    ": a short line id=0123abcd\n"));
	assert_string_equal(log_last_warning(), "a short line");
	assert_non_null(strstr(logged(log_long, buf, sizeof(buf)),
	    "xxx id=0123abcd\n"));
	assert_in_range(strlen(buf), LOG_LINE_MAX, LOG_LINE_MAX + 64);
	log_tag(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tag),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_every_octet),
		cmocka_unit_test(test_every_size),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
