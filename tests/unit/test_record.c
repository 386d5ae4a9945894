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
	a.policy.from_now = 1700000000123456789;
	a.policy.spam = SPAM_ONLY;
	a.policy.auto_delete = 1;
	a.policy.keep = 90;
	a.send = 1;
	a.generation = 7;
	a.napp = 2;
	strlcpy(a.app[0].label, "phone", sizeof(a.app[0].label));
	strlcpy(a.app[1].label, "old desk", sizeof(a.app[1].label));
	a.app[0].created = 1700000000;
	a.app[1].created = -1;
	a.app[0].services = SERVICE_POP;
	a.app[1].services = SERVICE_SEND;
	a.app[1].expires = 1800000000;
	a.app[1].read_only = 1;
	a.app[1].nnetwork = 2;
	a.app[1].network[0] = (struct network){ 4, 8, { 10 } };
	a.app[1].network[1] = (struct network){ 6, 32, { 0x20, 1, 13, 184 } };
	memset(a.app[0].digest, 0xa5, sizeof(a.app[0].digest));
	memset(a.app[1].digest, 0x00, sizeof(a.app[1].digest));
	return a;
}

/* All of it as large as it can be. */
static struct account
make_largest(void)
{
	struct account a = make_account();
	size_t i, j;

	memset(a.hash, 'h', HASH_MAX);
	memset(a.maildir, '/', MAILDIR_MAX);
	a.uid = a.gid = UINT32_MAX - 1;
	a.policy.from_now = INT64_MAX;
	a.policy.keep = UINT32_MAX;
	a.policy.mark_read = 1;
	a.two_factor = 1;
	a.self_service = 1;
	a.generation = INT64_MAX;
	a.napp = APP_PASSWORDS_MAX;
	for (i = 0; i < a.napp; i++) {
		memset(a.app[i].label, 'l', LABEL_MAX);
		a.app[i].expires = INT64_MAX;
		a.app[i].services = SERVICE_BOTH;
		a.app[i].read_only = 1;
		a.app[i].nnetwork = NETWORKS_MAX;
		for (j = 0; j < NETWORKS_MAX; j++) {
			memset(&a.app[i].network[j], 0xff,
			    sizeof(a.app[i].network[j]));
			a.app[i].network[j].family = j % 2 ? 4 : 6;
			a.app[i].network[j].prefix = j % 2 ? 32 : 128;
		}
		a.app[i].created = INT64_MIN + (int64_t)i;
		memset(a.app[i].digest, (int)i, sizeof(a.app[i].digest));
	}
	return a;
}

static void
same_app_password(const struct app_password *a, const struct app_password *b)
{
	size_t i;

	assert_string_equal(a->label, b->label);
	assert_true(a->created == b->created);
	assert_true(a->expires == b->expires);
	assert_int_equal(a->services, b->services);
	assert_int_equal(a->read_only, b->read_only);
	assert_memory_equal(a->digest, b->digest, sizeof(a->digest));
	assert_int_equal(a->nnetwork, b->nnetwork);
	for (i = 0; i < a->nnetwork; i++)
		assert_memory_equal(&a->network[i], &b->network[i],
		    sizeof(a->network[i]));
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
	assert_true(a->policy.from_now == b->policy.from_now);
	assert_int_equal(a->policy.keep, b->policy.keep);
	assert_int_equal(a->policy.spam, b->policy.spam);
	assert_int_equal(a->policy.auto_delete, b->policy.auto_delete);
	assert_int_equal(a->policy.mark_read, b->policy.mark_read);
	assert_int_equal(a->two_factor, b->two_factor);
	assert_int_equal(a->send, b->send);
	assert_int_equal(a->self_service, b->self_service);
	assert_true(a->generation == b->generation);
	assert_int_equal(a->napp, b->napp);
	for (i = 0; i < a->napp; i++)
		same_app_password(&a->app[i], &b->app[i]);
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
			for (flags = 0; flags < 32; flags++) {
				a.access = (enum access)access;
				a.policy.spam = (enum spam)spam;
				a.policy.auto_delete = flags & 1;
				a.policy.mark_read = flags >> 1 & 1;
				a.two_factor = flags >> 2 & 1;
				a.send = flags >> 3 & 1;
				a.self_service = flags >> 4;
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
	assert_int_equal(record[0], 2);
	for (version = 0; version < 256; version++) {
		record[0] = (unsigned char)version;
		/* In version 1 all that this one has is too much. */
		assert_int_equal(decode(&a, record, len),
		    version < 2		 ? RECORD_DAMAGED :
			version == 2 ? RECORD_GOOD :
				       RECORD_NEWER);
	}
	/* Known by its first octet, however long that version's are. */
	record[0] = 3;
	assert_int_equal(decode(&a, record, 1), RECORD_NEWER);
}

/* Where they are: version, kind, access, spam, flags. */
static void
test_flags(void **state)
{
	struct account a = make_account();
	size_t len = record_encode(&a, record);
	int flags;

	(void)state;
	for (flags = 0; flags < 256; flags++) {
		record[4] = (unsigned char)flags;
		assert_int_equal(decode(&a, record, len),
		    flags < 32 ? RECORD_GOOD : RECORD_NEWER);
		/* Its length is known all the same. */
		assert_int_equal(decode(&a, record, len - 1), RECORD_DAMAGED);
	}
}

static void
within_bounds(const struct account *a)
{
	const struct network *n;
	size_t i, j;

	for (i = 0; i < a->napp; i++) {
		assert_in_range(a->app[i].services, 1, SERVICE_BOTH);
		assert_in_range(a->app[i].read_only, 0, 1);
		assert_in_range(a->app[i].nnetwork, 0, NETWORKS_MAX);
		for (j = 0; j < a->app[i].nnetwork; j++) {
			n = &a->app[i].network[j];
			assert_true(n->family == 4 || n->family == 6);
			assert_in_range(
			    n->prefix, 0, n->family == 4 ? 32 : 128);
		}
	}
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
			assert_in_range(
			    a.policy.spam, SPAM_EXCLUDE, SPAM_ONLY);
			assert_in_range(a.policy.auto_delete, 0, 1);
			assert_in_range(a.two_factor, 0, 1);
			assert_in_range(a.napp, 0, APP_PASSWORDS_MAX);
			assert_int_equal(a.maildir[0], '/');
			within_bounds(&a);
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
	bad.policy.spam = (enum spam)(SPAM_ONLY + 1);
	expect_damaged(&bad);
	bad = a;
	bad.app[1].services = (enum service)0;
	expect_damaged(&bad);
	bad.app[1].services = (enum service)(SERVICE_BOTH + 1);
	expect_damaged(&bad);
	bad = a;
	bad.app[1].network[0].family = 5;
	expect_damaged(&bad);
	bad = a;
	bad.app[1].network[0].prefix = 33;
	expect_damaged(&bad);
	bad = a;
	bad.app[1].network[1].prefix = 129;
	expect_damaged(&bad);
	bad = a;
	strlcpy(bad.maildir, "Maildir", sizeof(bad.maildir));
	expect_damaged(&bad);
	bad.maildir[0] = '\0';
	expect_damaged(&bad);
}

static void
test_aliases(void **state)
{
	struct account a, b;
	size_t len, n, target;

	(void)state;
	for (target = 1; target <= ADDRESS_MAX; target += 11) {
		memset(&a, 0, sizeof(a));
		memset(a.alias_of, 'a', target);
		len = record_encode(&a, record);
		assert_int_equal(decode(&b, record, len), RECORD_GOOD);
		assert_string_equal(b.alias_of, a.alias_of);
		same_account(&b, &a);
		assert_string_equal(b.address, "");
		for (n = 0; n < len; n++)
			assert_int_equal(
			    decode(&b, record, n), RECORD_DAMAGED);
		record[len] = 0;
		assert_int_equal(
		    decode(&b, record, len + 1), RECORD_DAMAGED);
	}
	/* Of nobody: version, kind, and a string of no octets. */
	memset(record, 0, 4);
	record[0] = 2;
	record[1] = 1;
	assert_int_equal(decode(&b, record, 4), RECORD_DAMAGED);
	/* Another kind than these two. */
	len = record_encode(&a, record);
	record[1] = 2;
	assert_int_equal(decode(&b, record, len), RECORD_DAMAGED);
}

/*
 * Records as they lie on disks: made once, by the first program that wrote
 * their version, and never again.
 */
static size_t
read_format(const char *name)
{
	char path[128];
	FILE *f;
	size_t len;

	snprintf(path, sizeof(path), "tests/formats/%s.record", name);
	f = fopen(path, "re");
	assert_non_null(f);
	len = fread(record, 1, sizeof(record), f);
	assert_true(len > 0 && len < sizeof(record));
	fclose(f);
	return len;
}

/* What version 1 could not say. */
static void
expect_as_version_1(const struct account *a)
{
	size_t i;

	assert_string_equal(a->alias_of, "");
	assert_int_equal(a->policy.keep, FOR_EVER);
	assert_int_equal(a->policy.mark_read, 0);
	assert_int_equal(a->send, 1);
	assert_int_equal(a->self_service, 1);
	assert_true(a->generation == 0);
	assert_int_equal(a->uid, 54321);
	for (i = 0; i < a->napp; i++) {
		assert_true(a->app[i].expires == FOR_EVER);
		assert_int_equal(a->app[i].services, SERVICE_BOTH);
		assert_int_equal(a->app[i].read_only, 0);
		assert_int_equal(a->app[i].nnetwork, 0);
	}
}

static void
get_version_1(const char *name, struct account *a)
{
	char file[64];
	size_t len;

	snprintf(file, sizeof(file), "account-v1.%s", name);
	len = read_format(file);
	assert_int_equal(record[0], 1);
	assert_int_equal(decode(a, record, len), RECORD_GOOD);
	expect_as_version_1(a);
	round_trip(a);
}

static void
test_version_1(void **state)
{
	static struct account a; /* large */

	(void)state;
	get_version_1("none", &a);
	assert_string_equal(a.hash, "");
	assert_string_equal(
	    a.maildir, "/tmp/pop3d-formats/example.org/none/Maildir");
	assert_int_equal(a.access, ACCESS_ALL);
	assert_int_equal(a.policy.auto_delete, 0);
	assert_int_equal(a.napp, 0);
	get_version_1("from-now", &a);
	assert_int_equal(a.access, ACCESS_FROM_NOW);
	assert_true(a.policy.from_now == 1700000000123456789);
	assert_int_equal(a.policy.spam, SPAM_ONLY);
	assert_memory_equal(a.hash, "$2b$06$", 7);
	get_version_1("two-factor", &a);
	assert_int_equal(a.two_factor, 1);
	assert_int_equal(a.policy.auto_delete, 1);
	assert_int_equal(a.gid, 54322);
	assert_int_equal(a.napp, 2);
	assert_string_equal(a.app[0].label, "phone");
	assert_string_equal(a.app[1].label, "old desk");
	get_version_1("many", &a);
	assert_int_equal(a.napp, APP_PASSWORDS_MAX);
	assert_int_equal(strlen(a.app[63].label), LABEL_MAX);
	assert_in_range(a.app[63].created, 1700000000, 1800000000);
}

static void
test_version_2(void **state)
{
	static struct account a, made; /* large */
	size_t len;

	(void)state;
	len = read_format("account-v2.some");
	assert_int_equal(decode(&a, record, len), RECORD_GOOD);
	made = make_account();
	same_account(&a, &made);
	len = read_format("account-v2.largest");
	assert_int_equal(decode(&a, record, len), RECORD_GOOD);
	made = make_largest();
	same_account(&a, &made);
	len = read_format("account-v2.alias");
	assert_int_equal(decode(&a, record, len), RECORD_GOOD);
	assert_string_equal(a.alias_of, "somebody@example.com");
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
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_any_octet),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_version_2),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_too_long_strings),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
