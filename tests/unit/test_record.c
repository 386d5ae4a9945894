/*
 * An account's record: round trips at every limit, and nothing taken for a
 * record that is not one.
 */
#include "tests/unit/unit.h"

#include "auth/record.h"

static unsigned char record[RECORD_MAX];

static struct account
make_account(void)
{
	struct account a;

	memset(&a, 0, sizeof(a));
	strlcpy(a.hash, "$y$j9T$salt$hash", sizeof(a.hash));
	strlcpy(a.maildir, "/var/vmail/d/u/Maildir", sizeof(a.maildir));
	a.uid = 1000;
	a.gid = 1001;
	a.access = ACCESS_FROM_NOW;
	a.from_now = 1700000000123456789;
	a.spam = SPAM_ONLY;
	a.auto_delete = 1;
	a.napp = 2;
	strlcpy(a.app[0].label, "phone", sizeof(a.app[0].label));
	strlcpy(a.app[1].label, "old desk", sizeof(a.app[1].label));
	a.app[0].created = 1700000000;
	a.app[1].created = -1;
	memset(a.app[0].digest, 0xa5, sizeof(a.app[0].digest));
	memset(a.app[1].digest, 0x00, sizeof(a.app[1].digest));
	return a;
}

/* All of it as large as it can be. */
static struct account
make_largest(void)
{
	struct account a = make_account();
	size_t i;

	memset(a.hash, 'h', HASH_MAX);
	memset(a.maildir, '/', MAILDIR_MAX);
	a.uid = a.gid = UINT32_MAX - 1;
	a.from_now = INT64_MAX;
	a.two_factor = 1;
	a.napp = APP_PASSWORDS_MAX;
	for (i = 0; i < a.napp; i++) {
		memset(a.app[i].label, 'l', LABEL_MAX);
		a.app[i].created = INT64_MIN + (int64_t)i;
		memset(a.app[i].digest, (int)i, sizeof(a.app[i].digest));
	}
	return a;
}

static void
same_account(const struct account *a, const struct account *b)
{
	size_t i;

	assert_string_equal(a->hash, b->hash);
	assert_string_equal(a->maildir, b->maildir);
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->gid, b->gid);
	assert_int_equal(a->access, b->access);
	assert_true(a->from_now == b->from_now);
	assert_int_equal(a->spam, b->spam);
	assert_int_equal(a->auto_delete, b->auto_delete);
	assert_int_equal(a->two_factor, b->two_factor);
	assert_int_equal(a->napp, b->napp);
	for (i = 0; i < a->napp; i++) {
		assert_string_equal(a->app[i].label, b->app[i].label);
		assert_true(a->app[i].created == b->app[i].created);
		assert_memory_equal(a->app[i].digest, b->app[i].digest,
		    sizeof(a->app[i].digest));
	}
}

static enum record_result
decode(struct account *a, const unsigned char *data, size_t len)
{
	unsigned char *exact = malloc(len + (len == 0));
	enum record_result result;

	/* At the end of its memory: no octet more may be read. */
	assert_non_null(exact);
	memcpy(exact, data, len);
	memset(a, 0x5a, sizeof(*a));
	result = record_decode(a, exact, len);
	free(exact);
	return result;
}

static void
round_trip(const struct account *a)
{
	struct account b;
	size_t len = record_encode(a, record);

	assert_true(len > 0 && len <= sizeof(record));
	assert_int_equal(decode(&b, record, len), RECORD_GOOD);
	same_account(&b, a);
	assert_string_equal(b.address, "");
}

static void
test_round_trips(void **state)
{
	struct account a = make_account();
	int access, spam, flags;

	(void)state;
	for (access = ACCESS_OFF; access <= ACCESS_FROM_NOW; access++)
		for (spam = SPAM_EXCLUDE; spam <= SPAM_ONLY; spam++)
			for (flags = 0; flags < 4; flags++) {
				a.access = (enum access)access;
				a.spam = (enum spam)spam;
				a.auto_delete = flags & 1;
				a.two_factor = flags >> 1;
				round_trip(&a);
			}
	a.hash[0] = '\0';
	a.napp = 0;
	strlcpy(a.maildir, "/", sizeof(a.maildir));
	a.uid = a.gid = 1;
	round_trip(&a);
	a = make_largest();
	round_trip(&a);
}

/* Cut anywhere, or longer by anything. */
static void
test_wrong_length(void **state)
{
	struct account a = make_largest();
	size_t len = record_encode(&a, record), n;

	(void)state;
	for (n = 0; n < len; n++)
		assert_int_equal(decode(&a, record, n), RECORD_DAMAGED);
	assert_int_equal(decode(&a, record, len), RECORD_GOOD);
	record[len] = 0;
	assert_int_equal(decode(&a, record, len + 1), RECORD_DAMAGED);
}

static void
test_versions(void **state)
{
	struct account a = make_account();
	size_t len = record_encode(&a, record);
	int version;

	(void)state;
	assert_int_equal(record[0], 1);
	for (version = 0; version < 256; version++) {
		record[0] = (unsigned char)version;
		assert_int_equal(decode(&a, record, len),
		    version == 0	 ? RECORD_DAMAGED :
			version == 1 ? RECORD_GOOD :
				       RECORD_NEWER);
	}
	/* Known by its first octet, however long that version's are. */
	record[0] = 2;
	assert_int_equal(decode(&a, record, 1), RECORD_NEWER);
}

/* Octet by octet any value: whatever is taken for good is within bounds. */
static void
test_any_octet(void **state)
{
	struct account a = make_account();
	size_t len = record_encode(&a, record), n;
	unsigned char kept;
	int value;

	(void)state;
	for (n = 0; n < len; n++) {
		kept = record[n];
		for (value = 0; value < 256; value++) {
			record[n] = (unsigned char)value;
			if (decode(&a, record, len) != RECORD_GOOD)
				continue;
			assert_true(a.uid != 0 && a.uid != (uid_t)-1);
			assert_true(a.gid != (gid_t)-1);
			assert_in_range(a.access, ACCESS_OFF, ACCESS_FROM_NOW);
			assert_in_range(a.spam, SPAM_EXCLUDE, SPAM_ONLY);
			assert_in_range(a.auto_delete, 0, 1);
			assert_in_range(a.two_factor, 0, 1);
			assert_in_range(a.napp, 0, APP_PASSWORDS_MAX);
			assert_int_equal(a.maildir[0], '/');
		}
		record[n] = kept;
	}
}

/* Encoded as given, and refused when read. */
static void
expect_damaged(const struct account *a)
{
	struct account b;
	size_t len = record_encode(a, record);

	assert_int_equal(decode(&b, record, len), RECORD_DAMAGED);
}

static void
test_values(void **state)
{
	struct account a = make_account(), bad = a;

	(void)state;
	bad.uid = 0;
	expect_damaged(&bad);
	bad.uid = (uid_t)-1;
	expect_damaged(&bad);
	bad = a;
	bad.gid = (gid_t)-1;
	expect_damaged(&bad);
	bad = a;
	bad.access = (enum access)(ACCESS_FROM_NOW + 1);
	expect_damaged(&bad);
	bad = a;
	bad.spam = (enum spam)(SPAM_ONLY + 1);
	expect_damaged(&bad);
	bad = a;
	strlcpy(bad.maildir, "Maildir", sizeof(bad.maildir));
	expect_damaged(&bad);
	bad.maildir[0] = '\0';
	expect_damaged(&bad);
}

/* A string may not hide what is behind a NUL. */
static void
test_strings(void **state)
{
	struct account a = make_account();
	size_t len = record_encode(&a, record);
	unsigned char *hash = memmem(record, len, "$y$j9T", 6);

	(void)state;
	assert_non_null(hash);
	hash[3] = '\0';
	assert_int_equal(decode(&a, record, len), RECORD_DAMAGED);
	hash[3] = 'j';
	assert_int_equal(decode(&a, record, len), RECORD_GOOD);
}

/*
 * Makes the one string that consists of c, max octets now, longer by one;
 * all that follows stays as it should be.
 */
static void
expect_too_long(int c, size_t max)
{
	struct account a = make_largest();
	size_t len = record_encode(&a, record);
	unsigned char *s = record + 2;

	while (s[0] != c || s[1] != c || s[-1] != (max & 0xff))
		s++;
	memmove(s + 1, s, len - (size_t)(s - record));
	s[-2] = (unsigned char)((max + 1) >> 8);
	s[-1] = (unsigned char)((max + 1) & 0xff);
	assert_int_equal(decode(&a, record, len + 1), RECORD_DAMAGED);
}

static void
test_too_long_strings(void **state)
{
	(void)state;
	expect_too_long('h', HASH_MAX);
	expect_too_long('/', MAILDIR_MAX);
	expect_too_long('l', LABEL_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_wrong_length),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_any_octet),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_too_long_strings),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
