/*
 * The message that tells of a login, of the longest and the strangest names.
 */
#include "tests/unit/unit.h"

#include <dirent.h>

#include "common/conf.h"
#include "store/notice.h"

static char text[8192];

/* Delivers one, and reads it. */
static void
deliver(const char *dir, const struct msg_verdict *v, int news,
    const char *host)
{
	struct maildir maildir;
	char path[PATH_MAX];
	struct dirent *d;
	DIR *new;
	FILE *f;

	assert_int_equal(maildir_make(dir), 0);
	assert_int_equal(maildir_open(&maildir, dir), 0);
	assert_int_equal(notice_deliver(v, news, host, dir, &maildir), 0);
	maildir_close(&maildir);
	snprintf(path, sizeof(path), "%s/new", dir);
	assert_non_null(new = opendir(path));
	do
		assert_non_null(d = readdir(new));
	while (d->d_name[0] == '.');
	snprintf(path, sizeof(path), "%s/new/%s", dir, d->d_name);
	closedir(new);
	assert_non_null(f = fopen(path, "r"));
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	assert_int_equal(unlink(path), 0);
}

static size_t
longest_line(void)
{
	size_t longest = 0, len;
	const char *s;

	for (s = text; *s != '\0'; s += len + 1) {
		len = strcspn(s, "\n");
		if (len > longest)
			longest = len;
	}
	return longest;
}

static void
fill(char *s, size_t size, char c)
{
	memset(s, c, size - 1);
	s[size - 1] = '\0';
}

/* Nothing is cut, and no line is longer than RFC 5322 allows. */
static void
test_longest(void **state)
{
	struct msg_verdict v = { .id = "0123abcd" };
	char host[CONF_HOSTNAME_MAX + 1];

	fill(v.address, sizeof(v.address), 'a');
	fill(v.label, sizeof(v.label), 'l');
	fill(v.peer, sizeof(v.peer), '1');
	fill(host, sizeof(host), 'h');
	deliver(*state, &v, NEWS_NETWORK | NEWS_LABEL, host);
	assert_non_null(strstr(text, "are open, too.\n"));
	assert_in_range(longest_line(), 300, 998);
	v.address[10] = '@';
	deliver(*state, &v, NEWS_NETWORK | NEWS_LABEL, host);
	assert_non_null(strstr(text, "are open, too.\n"));
	fill(v.address, sizeof(v.address), '"');
	deliver(*state, &v, NEWS_NETWORK | NEWS_LABEL, host);
	assert_non_null(strstr(text, "are open, too.\n"));
	assert_in_range(longest_line(), 700, 998);
}

static const struct {
	const char *name, *to;
} users[] = {
	{ "anna", "To: <anna@shell.example.com>\n" },
	{ "anna@example.com", "To: <anna@example.com>\n" },
	{ "a.b+c$", "To: <a.b+c$@shell.example.com>\n" },
	{ "DOMAIN\\anna", "To: <\"DOMAIN\\\\anna\"@shell.example.com>\n" },
	{ "a b\"c", "To: <\"a b\\\"c\"@shell.example.com>\n" },
	{ "a\nBcc: b", "To: <\"a?Bcc: b\"@shell.example.com>\n" },
	{ "\xc3\xa4", "To: <\"??\"@shell.example.com>\n" },
};

static void
test_users(void **state)
{
	struct msg_verdict v = { .id = "0123abcd", .peer = "192.0.2.7" };
	size_t i;

	for (i = 0; i < NITEMS(users); i++) {
		strlcpy(v.address, users[i].name, sizeof(v.address));
		deliver(*state, &v, NEWS_NETWORK, "shell.example.com");
		assert_non_null(strstr(text, users[i].to));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_longest),
		IN_SCRATCH(test_users),
	};

	return cmocka_run_group_tests_name("notice", tests, NULL, NULL);
}
