/*
 * The configuration: every keyword, every complaint with its line, quotes,
 * comments and defaults.
 */
#include "tests/unit/unit.h"

#include "common/conf.h"

static struct conf conf;
static char err[512];

static int
load(const char *dir, const char *text)
{
	conf_free(&conf);
	err[0] = '\0';
	scratch_write(dir, "conf", text);
	return conf_load(
	    &conf, scratch_path(dir, "conf"), err, sizeof(err));
}

static void
load_good(const char *dir, const char *text)
{
	if (load(dir, text) != 0)
		fail_msg("%s", err);
	assert_string_equal(err, "");
}

/* "FILE:LINE: " and, somewhere behind it, what is wrong. */
static void
expect_error(const char *dir, const char *text, int line, const char *what)
{
	char wanted[PATH_MAX];
	const char *path;

	if (load(dir, text) != -1)
		fail_msg("taken for good: %s", text);
	path = scratch_path(dir, "conf");
	snprintf(wanted, sizeof(wanted), "%s:%d: ", path, line);
	if (strncmp(err, wanted, strlen(wanted)) != 0 ||
	    strstr(err + strlen(wanted), what) == NULL)
		fail_msg("\"%s\": \"%s\" and not \"%s%s\"", text, err, wanted,
		    what);
}

static void
test_defaults(void **state)
{
	char host[256];

	load_good(*state, "");
	assert_int_equal(gethostname(host, sizeof(host)), 0);
	assert_string_equal(conf.hostname, host);
	assert_string_equal(conf.accounts, "/var/db/pop3d/accounts.db");
	assert_string_equal(conf.maildir, "/var/vmail/%d/%u/Maildir");
	assert_null(conf.owner);
	assert_string_equal(conf.junk, ".Junk");
	assert_string_equal(conf.user, "_pop3d");
	assert_int_equal(conf.nkeypair, 0);
	assert_int_equal(conf.noutgoing, 0);
	assert_int_equal(conf.login_timeout, 60);
	assert_int_equal(conf.idle_timeout, 600);
	assert_int_equal(conf.max_failures, 3);
	assert_true(conf.auth_accounts);
	assert_false(conf.auth_system);
	assert_false(conf.sandbox_required);
	assert_false(conf.notify_new_login);
	conf_free(&conf);
}

static void
test_the_listener(void **state)
{
	load_good(*state, "");
	assert_int_equal(conf.max_sessions, 200);
	assert_int_equal(conf.max_sessions_per_address, 20);
	assert_int_equal(conf.listener_timeout, 300);
	load_good(*state,
	    "timeout listener 0\n"
	    "max-sessions 10000\n"
	    "max-sessions-per-address 1\n");
	assert_int_equal(conf.listener_timeout, 0);
	/* There are tables of that size. */
	assert_int_equal(conf.max_sessions, CONF_SESSIONS_MAX);
	assert_int_equal(conf.max_sessions_per_address, 1);
	conf_free(&conf);
}

static const char every_keyword[] =
    "hostname mail.example.com\n"
    "accounts /a/accounts.db\n"
    "maildir /m/%a\n"
    "owner vmail\n"
    "junk .Spam\n"
    "spool /var/mail/%u\n"
    "user nobody\n"
    "keypair /a.crt /a.key\n"
    "keypair /b.crt /b.key /b.ocsp\n"
    "outgoing one.example.com 465 tls\n"
    "outgoing two.example.com 587 starttls\n"
    "timeout login 1\n"
    "timeout idle 86400\n"
    "max-failures 100\n"
    "auth accounts\n"
    "auth system\n"
    "proxy 10.0.0.0/8 ::1\n"
    "proxy 192.0.2.1\n"
    "notify new-login\n"
    "default keep=7\n"
    "default-domain example.org\n"
    "max-sessions 500\n"
    "max-sessions-per-address 5\n"
    "timeout listener 0\n"
    "sandbox required\n"
    "self-service https://mail.example.com/settings\n"
    "cookie-key /a/cookie.key\n";

static void
test_every_keyword(void **state)
{
	load_good(*state, every_keyword);
	assert_string_equal(conf.default_domain, "example.org");
	assert_int_equal(conf.max_sessions, 500);
	assert_int_equal(conf.max_sessions_per_address, 5);
	assert_int_equal(conf.listener_timeout, 0);
	assert_int_equal(conf.nproxy, 3);
	assert_int_equal(conf.proxy[1].prefix, 128);
	assert_string_equal(conf.hostname, "mail.example.com");
	assert_string_equal(conf.accounts, "/a/accounts.db");
	assert_string_equal(conf.maildir, "/m/%a");
	assert_string_equal(conf.owner, "vmail");
	assert_string_equal(conf.junk, ".Spam");
	assert_string_equal(conf.user, "nobody");
	assert_int_equal(conf.login_timeout, 1);
	assert_int_equal(conf.idle_timeout, 86400);
	assert_int_equal(conf.max_failures, 100);
	assert_true(conf.auth_accounts);
	assert_true(conf.auth_system);
	assert_true(conf.sandbox_required);
	assert_string_equal(
	    conf.self_service, "https://mail.example.com/settings");
	assert_string_equal(conf.cookie_key, "/a/cookie.key");
	assert_true(conf.notify_new_login);
	conf_free(&conf);
}

static const struct {
	const char *line, *user, *path; /* NULL: there is none */
} spools[] = {
	{ "spool /var/mail/%u\n", "you", "/var/mail/you" },
	{ "spool /%u/%%/%u.mbox\n", "you", "/you/%/you.mbox" },
	{ "spool /var/mail/%u\n", "../you", NULL },
	{ "spool /var/mail/%u\n", ".you", NULL },
	{ "spool /var/mail/%u\n", "a/b", NULL },
	{ "\n", "you", NULL },
};

static void
test_spool(void **state)
{
	char path[PATH_MAX], longest[2 * PATH_MAX];
	size_t i;

	for (i = 0; i < NITEMS(spools); i++) {
		load_good(*state, spools[i].line);
		assert_int_equal(conf_spool(&conf, spools[i].user, path),
		    spools[i].path != NULL);
		if (spools[i].path != NULL)
			assert_string_equal(path, spools[i].path);
		conf_free(&conf);
	}
	load_good(*state, "spool /%u/%u\n");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(conf_spool(&conf, longest, path), 0);
	longest[PATH_MAX - 3] = '\0';
	assert_int_equal(conf_spool(&conf, longest, path), 0);
	longest[PATH_MAX / 2] = '\0';
	assert_int_equal(conf_spool(&conf, longest, path), 0);
	longest[PATH_MAX / 2 - 2] = '\0';
	assert_int_equal(conf_spool(&conf, longest, path), 1);
	assert_int_equal(strlen(path), 2 * (PATH_MAX / 2 - 2) + 2);
	conf_free(&conf);
}

static void
test_lists(void **state)
{
	load_good(*state,
	    "keypair /a.crt /a.key\n\n"
	    "keypair /b.crt /b.key /b.ocsp\n"
	    "outgoing one.example.com 1 tls\n"
	    "outgoing two.example.com 65535 starttls\n");
	assert_int_equal(conf.nkeypair, 2);
	assert_string_equal(conf.keypair[0].cert, "/a.crt");
	assert_string_equal(conf.keypair[0].key, "/a.key");
	assert_null(conf.keypair[0].staple);
	assert_int_equal(conf.keypair[0].line, 1);
	assert_string_equal(conf.keypair[1].staple, "/b.ocsp");
	assert_int_equal(conf.keypair[1].line, 3);
	assert_int_equal(conf.noutgoing, 2);
	assert_string_equal(conf.outgoing[0].host, "one.example.com");
	assert_int_equal(conf.outgoing[0].port, 1);
	assert_false(conf.outgoing[0].starttls);
	assert_int_equal(conf.outgoing[1].port, 65535);
	assert_true(conf.outgoing[1].starttls);
	conf_free(&conf);
}

/* Which users: accounts unless only the system's are asked for. */
static void
test_auth(void **state)
{
	load_good(*state, "auth system\n");
	assert_false(conf.auth_accounts);
	assert_true(conf.auth_system);
	load_good(*state, "auth accounts\n");
	assert_true(conf.auth_accounts);
	assert_false(conf.auth_system);
	conf_free(&conf);
}

static const struct {
	const char *text;
	const char *owner;
} layouts[] = {
	{ "owner vmail", "vmail" }, /* no newline at the end */
	{ "owner vmail\r\n", "vmail" },
	{ "\n\n  \t owner \t vmail \t \n", "vmail" },
	{ "# a comment\n#\nowner vmail # another\n", "vmail" },
	{ "owner vmail#1\n", "vmail#1" }, /* not where a word begins */
	{ "owner \"v m # il\"\n", "v m # il" },
	{ "owner \"vmail\"# comment\n", "vmail" },
	{ "owner \"vmail\"", "vmail" },
	{ "\"owner\" vmail\n", "vmail" },
	{ "owner v\"mail\n", "v\"mail" },
	{ "owner first\nowner vmail\n", "vmail" }, /* the last one counts */
	{ "#owner vmail\n", NULL },
};

static void
test_layout(void **state)
{
	size_t i;

	for (i = 0; i < NITEMS(layouts); i++) {
		load_good(*state, layouts[i].text);
		if (layouts[i].owner == NULL)
			assert_null(conf.owner);
		else
			assert_string_equal(conf.owner, layouts[i].owner);
	}
	load_good(*state, "maildir ~/Maildir\n");
	assert_string_equal(conf.maildir, "~/Maildir");
	conf_free(&conf);
}

static const struct {
	const char *text;
	const char *what;
	int line;
} wrongs[] = {
	{ "nonsense\n", "nonsense is not a keyword", 1 },
	{ "\n# x\nHostname a\n", "Hostname is not a keyword", 3 },
	{ "owner vmail\n\n\nnonsense x\n", "nonsense", 4 },
	{ "\"\" x\n", "not a keyword", 1 },
	{ "hostname\n", "write: hostname NAME", 1 },
	{ "hostname a b\n", "write: hostname NAME", 1 },
	{ "hostname \"\"\n", "hostname: the value is empty", 1 },
	{ "accounts\n", "write: accounts FILE", 1 },
	{ "accounts a.db\n", "a.db is not an absolute path", 1 },
	{ "maildir Maildir\n", "not an absolute path", 1 },
	{ "maildir\n", "write: maildir TEMPLATE", 1 },
	{ "owner\n", "write: owner USER", 1 },
	{ "user a b\n", "write: user USER", 1 },
	{ "spool\n", "write: spool TEMPLATE", 1 },
	{ "spool /var/mail\n", "write %u for the user", 1 },
	{ "spool /var/mail/%%u\n", "write %u for the user", 1 },
	{ "spool /var/mail/%d/%u\n", "nothing else is known but %%", 1 },
	{ "spool /var/mail/%u%\n", "nothing else is known but %%", 1 },
	{ "spool mail/%u\n", "not an absolute path", 1 },
	{ "junk Junk\n", "Junk is not a Maildir++ folder", 1 },
	{ "junk .\n", "not a Maildir++ folder", 1 },
	{ "junk ..\n", "not a Maildir++ folder", 1 },
	{ "junk .a/b\n", "not a Maildir++ folder", 1 },
	{ "junk\n", "write: junk .FOLDER", 1 },
	{ "keypair /a\n", "write: keypair CERTIFICATE KEY", 1 },
	{ "keypair /a /b /c /d\n", "write: keypair", 1 },
	{ "a b c d e f g h i j k l m n o p q r\n", "more than 17 words", 1 },
	{ "keypair a /b\n", "keypair: a is not an absolute path", 1 },
	{ "keypair /a b\n", "keypair: b is not an absolute path", 1 },
	{ "keypair /a /b c\n", "keypair: c is not an absolute path", 1 },
	{ "outgoing h 465\n", "write: outgoing HOST PORT", 1 },
	{ "outgoing h 0 tls\n", "0 is too small", 1 },
	{ "outgoing h 65536 tls\n", "65536 is too large", 1 },
	{ "outgoing h smtp tls\n", "smtp is invalid", 1 },
	{ "outgoing h 25 none\n", "none is neither tls", 1 },
	{ "timeout 60\n", "write: timeout login|idle|listener SECONDS", 1 },
	{ "timeout write 60\n", "write is neither login nor idle nor listener",
	    1 },
	{ "timeout listener 86401\n", "from 0 to 86400", 1 },
	{ "max-sessions 0\n", "from 1 to 10000", 1 },
	{ "max-sessions 10001\n", "from 1 to 10000", 1 },
	{ "max-sessions-per-address 10001\n", "from 1 to 10000", 1 },
	{ "timeout login 0\n", "0 is too small; give a number from 1", 1 },
	{ "timeout login 3601\n", "from 1 to 3600", 1 },
	{ "timeout idle 86401\n", "from 1 to 86400", 1 },
	{ "timeout idle 60s\n", "60s is invalid", 1 },
	{ "timeout idle -1\n", "-1 is too small", 1 },
	{ "max-failures 0\n", "from 1 to 100", 1 },
	{ "max-failures 101\n", "from 1 to 100", 1 },
	{ "max-failures 99999999999999999999\n", "too large", 1 },
	{ "max-failures three\n", "three is invalid", 1 },
	{ "auth ldap\n", "ldap is neither accounts nor system", 1 },
	{ "auth\n", "write: auth accounts|system", 1 },
	{ "auth accounts system\n", "write: auth accounts|system", 1 },
	{ "auth \"\"\n", "auth: the value is empty", 1 },
	{ "sandbox no\n", "say required", 1 },
	{ "sandbox\n", "write: sandbox required", 1 },
	{ "self-service http://mail.example.com/\n", "address of a page", 1 },
	{ "self-service https://\n", "address of a page", 1 },
	{ "self-service https:///settings\n", "address of a page", 1 },
	{ "self-service https://mail.example.com/?a=b\n", "of a page", 1 },
	{ "self-service https://mail.example.com/a#b\n", "of a page", 1 },
	{ "self-service \"https://mail.example.com/a b\"\n", "a page", 1 },
	{ "cookie-key cookie.key\n", "is not an absolute path", 1 },
	{ "owner \"vmail\n", "the quote is not closed", 1 },
	{ "owner \"\n", "the quote is not closed", 1 },
	{ "owner \"vmail", "the quote is not closed", 1 },
};

static void
test_wrong(void **state)
{
	size_t i;

	for (i = 0; i < NITEMS(wrongs); i++)
		expect_error(
		    *state, wrongs[i].text, wrongs[i].line, wrongs[i].what);
	conf_free(&conf);
}

/* The last line of a keyword, or the file alone. */
static void
test_places(void **state)
{
	char place[CONF_PLACE_SIZE], wanted[CONF_PLACE_SIZE];
	const char *file = scratch_path(*state, "conf");

	load_good(*state, "# x\nowner a\nuser b\n\nowner c\n"
	    "timeout idle 600\ntimeout login 60\n");
	assert_string_equal(conf_place(&conf, "accounts", place), conf.file);
	snprintf(wanted, sizeof(wanted), "%s:3", file);
	assert_string_equal(conf_place(&conf, "user", place), wanted);
	snprintf(wanted, sizeof(wanted), "%s:5", file);
	assert_string_equal(conf_place(&conf, "owner", place), wanted);
	snprintf(wanted, sizeof(wanted), "%s:7", file);
	assert_string_equal(conf_place(&conf, "timeout", place), wanted);
	conf_free(&conf);
}

/* As many lines of the same as are allowed, and one more. */
static void
expect_most(const char *dir, const char *line, int most, const char *what)
{
	size_t size = ((size_t)most + 1) * strlen(line) + 1;
	char *text = calloc(size, 1);
	int i;

	assert_non_null(text);
	for (i = 0; i < most; i++)
		strlcat(text, line, size);
	load_good(dir, text);
	strlcat(text, line, size);
	expect_error(dir, text, most + 1, what);
	free(text);
}

static void
test_most(void **state)
{
	expect_most(*state, "keypair /a /b /c\n", CONF_KEYPAIRS_MAX,
	    "keypair: more than 32");
	expect_most(*state, "outgoing h 465 tls\n", CONF_OUTGOING_MAX,
	    "outgoing: more than 4");
	conf_free(&conf);
}

#define TEXT_SIZE 8192

/* A line of len octets, its newline not counted. */
static void
make_line(char text[TEXT_SIZE], size_t len, const char *newline)
{
	memset(text, 'x', len);
	memcpy(text, "owner ", 6);
	strlcpy(text + len, newline, TEXT_SIZE - len);
}

static void
test_long_lines(void **state)
{
	char text[TEXT_SIZE];

	make_line(text, 4094, "\nuser u\n");
	load_good(*state, text);
	assert_int_equal(strlen(conf.owner), 4094 - 6);
	assert_string_equal(conf.user, "u");
	make_line(text, 4094, "");
	load_good(*state, text);
	make_line(text, 4095, "\n");
	expect_error(*state, text, 1, "longer than 4094 octets");
	make_line(text, 4096, "\n");
	expect_error(*state, text, 1, "longer than 4094 octets");
	text[0] = '#'; /* a comment as well */
	expect_error(*state, text, 1, "longer than 4094 octets");
	conf_free(&conf);
}

static void
test_no_file(void **state)
{
	const char *path = scratch_path(*state, "none");

	assert_int_equal(conf_load(&conf, path, err, sizeof(err)), -1);
	assert_int_equal(strncmp(err, path, strlen(path)), 0);
	assert_non_null(strstr(err, "No such file"));
	conf_free(&conf);
	/* It opens, but it cannot be read. */
	assert_int_equal(conf_load(&conf, *state, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "Is a directory"));
	conf_free(&conf);
}

/* An error that does not fit is cut, not written beyond its buffer. */
static void
test_small_error(void **state)
{
	char small[8];

	conf_free(&conf);
	scratch_write(*state, "conf", "nonsense\n");
	memset(small, 'x', sizeof(small));
	assert_int_equal(conf_load(&conf, scratch_path(*state, "conf"), small,
			     sizeof(small) - 1), -1);
	assert_int_equal(strlen(small), sizeof(small) - 2);
	assert_int_equal(small[sizeof(small) - 1], 'x');
	conf_free(&conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_defaults),
		IN_SCRATCH(test_the_listener),
		IN_SCRATCH(test_every_keyword),
		IN_SCRATCH(test_lists),
		IN_SCRATCH(test_spool),
		IN_SCRATCH(test_auth),
		IN_SCRATCH(test_layout),
		IN_SCRATCH(test_wrong),
		IN_SCRATCH(test_places),
		IN_SCRATCH(test_most),
		IN_SCRATCH(test_long_lines),
		IN_SCRATCH(test_no_file),
		IN_SCRATCH(test_small_error),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
