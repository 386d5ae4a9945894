/*
 * Factors: what is written is read, what is not ours is refused, and the files
 * beside the accounts.
 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "auth/factors.h"
#include "auth/symbols.h"

#define WHO "first@example.com"

static struct factors
some(void)
{
	struct factors f;

	memset(&f, 0, sizeof(f));
	f.signed_out = 1764000000123;
	f.has_secret = 1;
	memset(f.secret, 0x11, sizeof(f.secret));
	f.step = 58800000;
	f.pending = 1764000001;
	memset(f.pending_secret, 0x22, sizeof(f.pending_secret));
	f.nrecovery = 7;
	memset(f.recovery, 0x33, sizeof(f.recovery));
	f.invited = 1764000002;
	memset(f.invitation, 0x44, sizeof(f.invitation));
	f.tries_since = 1764000003;
	f.tries = 9;
	return f;
}

static void
test_round_trip(void **state)
{
	unsigned char octets[FACTORS_OCTETS];
	struct factors f = some(), again;

	(void)state;
	factors_encode(&f, WHO, octets);
	assert_int_equal(octets[0], 1);
	assert_int_equal(factors_decode(&again, WHO, octets, sizeof(octets)),
	    FACTORS_GOOD);
	assert_memory_equal(&f, &again, sizeof(f));
}

/* A file that was renamed by hand is nobody's. */
static void
test_another_address(void **state)
{
	unsigned char octets[FACTORS_OCTETS];
	struct factors f = some(), again, none;

	(void)state;
	memset(&none, 0, sizeof(none));
	factors_encode(&f, WHO, octets);
	assert_int_equal(factors_decode(&again, "second@example.com", octets,
		sizeof(octets)), FACTORS_DAMAGED);
	assert_memory_equal(&again, &none, sizeof(none));
}

static void
test_not_ours(void **state)
{
	unsigned char octets[FACTORS_OCTETS + 1] = { 0 };
	struct factors f = some(), again;
	size_t len;

	(void)state;
	factors_encode(&f, WHO, octets);
	for (len = 0; len < FACTORS_OCTETS; len += 37)
		assert_int_equal(factors_decode(&again, WHO, octets, len),
		    FACTORS_DAMAGED);
	assert_int_equal(factors_decode(&again, WHO, octets, sizeof(octets)),
	    FACTORS_DAMAGED);
	octets[0] = 2;
	assert_int_equal(factors_decode(&again, WHO, octets, FACTORS_OCTETS),
	    FACTORS_NEWER);
	octets[0] = 0;
	assert_int_equal(factors_decode(&again, WHO, octets, FACTORS_OCTETS),
	    FACTORS_DAMAGED);
}

/* Ten in ten minutes; and a clock that was set back is nobody's fault. */
static void
test_tries(void **state)
{
	struct factors f;
	int i;

	(void)state;
	memset(&f, 0, sizeof(f));
	for (i = 0; i < TRIES; i++) {
		assert_true(factors_may_try(&f, 1764000000 + i));
		factors_count_try(&f, 1764000000 + i);
	}
	assert_false(factors_may_try(&f, 1764000000 + TRIES_SECONDS - 1));
	assert_true(factors_may_try(&f, 1764000000 + TRIES_SECONDS));
	assert_true(factors_may_try(&f, 1764000000 - 1));
	factors_count_try(&f, 1764000000 - 1);
	assert_int_equal(f.tries, 1);
}

static char *
accounts_in(const char *dir)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/accounts.db", dir);
	return path;
}

static void
read_back(const char *accounts, const char *who, struct factors *f)
{
	char err[512];
	int fd;

	assert_int_equal(
	    factors_open(accounts, who, &fd, err, sizeof(err)), 0);
	assert_int_equal(factors_read(fd, who, f, err, sizeof(err)), 0);
	if (fd != -1)
		close(fd);
}

static void
write_some(const char *accounts, const char *who)
{
	struct factors_edit e;
	struct factors f;
	char err[512];

	assert_int_equal(factors_edit_begin(
	    &e, accounts, who, &f, err, sizeof(err)), 0);
	f = some();
	assert_int_equal(
	    factors_edit_commit(&e, &f, err, sizeof(err)), 0);
}

static void
test_files(void **state)
{
	const char *accounts = accounts_in(*state);
	struct factors f, good = some(), none;
	struct factors_edit e;
	struct stat st;
	char path[PATH_MAX], err[512];

	memset(&none, 0, sizeof(none));
	read_back(accounts, WHO, &f);
	assert_memory_equal(&f, &none, sizeof(f));
	write_some(accounts, WHO);
	read_back(accounts, WHO, &f);
	assert_memory_equal(&f, &good, sizeof(f));
	assert_int_equal(
	    factors_path(accounts, WHO, path, err, sizeof(err)), 0);
	assert_non_null(strstr(path, "/factors/"));
	assert_int_equal(strlen(strrchr(path, '/')), 65);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, FACTORS_OCTETS);
	/* What is abandoned has changed nothing. */
	assert_int_equal(factors_edit_begin(
	    &e, accounts, WHO, &f, err, sizeof(err)), 0);
	factors_edit_abandon(&e);
	read_back(accounts, WHO, &f);
	assert_memory_equal(&f, &good, sizeof(f));
}

static void
test_copy_and_remove(void **state)
{
	const char *accounts = accounts_in(*state);
	struct factors f, good = some(), none;
	char err[512];

	memset(&none, 0, sizeof(none));
	/* Nothing to copy: whatever the other had is gone. */
	write_some(accounts, "second@example.com");
	assert_int_equal(factors_copy(accounts, WHO, "second@example.com",
		err, sizeof(err)), 0);
	read_back(accounts, "second@example.com", &f);
	assert_memory_equal(&f, &none, sizeof(f));
	write_some(accounts, WHO);
	assert_int_equal(factors_copy(accounts, WHO, "second@example.com",
		err, sizeof(err)), 0);
	read_back(accounts, "second@example.com", &f);
	assert_memory_equal(&f, &good, sizeof(f));
	assert_int_equal(
	    factors_remove(accounts, WHO, err, sizeof(err)), 0);
	assert_int_equal(
	    factors_remove(accounts, WHO, err, sizeof(err)), 0);
	read_back(accounts, WHO, &f);
	assert_memory_equal(&f, &none, sizeof(f));
}

/* A symbolic link is no file of ours. */
static void
test_links(void **state)
{
	const char *accounts = accounts_in(*state);
	char path[PATH_MAX], err[512];
	int fd;

	assert_int_equal(factors_prepare(accounts, err, sizeof(err)), 0);
	assert_int_equal(
	    factors_path(accounts, WHO, path, err, sizeof(err)), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(
	    factors_open(accounts, WHO, &fd, err, sizeof(err)), -1);
}

static void
test_symbols(void **state)
{
	char text[SYMBOLS_SIZE(12)], symbols[13];

	(void)state;
	symbols_make(text, 12);
	assert_int_equal(strlen(text), 14);
	assert_true(text[4] == '-' && text[9] == '-');
	assert_int_equal(symbols_read(text, symbols, 12), 0);
	assert_int_equal(symbols_read("ABCD-efgh jkmn", symbols, 12), 0);
	assert_string_equal(symbols, "abcdefghjkmn");
	assert_int_equal(symbols_read("abcd-efgh-jkm", symbols, 12), -1);
	assert_int_equal(symbols_read("abcd-efgh-jkmnp", symbols, 12), -1);
	assert_int_equal(symbols_read("abcd-efgh-jkm1", symbols, 12), -1);
	assert_int_equal(symbols_read("", symbols, 12), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_another_address),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_tries),
		IN_SCRATCH(test_files),
		IN_SCRATCH(test_copy_and_remove),
		IN_SCRATCH(test_links),
		cmocka_unit_test(test_symbols),
	};

	return cmocka_run_group_tests_name("factors", tests, NULL, NULL);
}
