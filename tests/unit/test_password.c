/*
 * Passwords: how an application password may be typed, and who is let in
 * under which policy (I9).
 */
#include <crypt.h>
#include <ctype.h>

#include "tests/unit/unit.h"

#include "auth/password.h"

#define SECRET "correct horse"

static char app_text[2][APP_PASSWORD_SIZE]; /* the accounts' below */
static char hash[HASH_MAX + 1];		    /* of SECRET */

/* One password and two application passwords, all access. */
static struct account
make_account(void)
{
	struct account a;

	memset(&a, 0, sizeof(a));
	strlcpy(a.hash, hash, sizeof(a.hash));
	a.access = ACCESS_ALL;
	a.napp = 2;
	strlcpy(a.app[0].label, "phone", sizeof(a.app[0].label));
	strlcpy(a.app[1].label, "desk", sizeof(a.app[1].label));
	a.app[0].services = a.app[1].services = SERVICE_BOTH;
	app_password_make(app_text[0], a.app[0].digest);
	app_password_make(app_text[1], a.app[1].digest);
	return a;
}

/* A fast hash of the system's, so that the tests are fast. */
static int
make_hash(void **state)
{
	static struct crypt_data data;
	const char *made = crypt_rn(
	    SECRET, "$6$rounds=1000$abcdefgh", &data, (int)sizeof(data));

	(void)state;
	return made == NULL || made[0] == '*' ||
	    strlcpy(hash, made, sizeof(hash)) >= sizeof(hash);
}

#define NOW 1800000000

/* The label, "" for the account's own password, NULL for no. */
static const char *
judged(const struct account *a, const struct attempt *attempt)
{
	static const struct app_password not_set;
	const struct app_password *app = &not_set;
	enum denial denial;

	if (!password_check(a, attempt, &app, &denial)) {
		assert_null(app);
		assert_int_not_equal(denial, DENIAL_NONE);
		return NULL;
	}
	assert_int_equal(denial, DENIAL_NONE);
	return app == NULL ? "" : app->label;
}

static const char *
verdict(const struct account *a, const char *password)
{
	const struct attempt attempt = { password, "192.0.2.1", SERVICE_POP,
		NOW };

	return judged(a, &attempt);
}

static void
test_made(void **state)
{
	unsigned char digest[2][32];
	char text[2][APP_PASSWORD_SIZE];
	size_t i;

	(void)state;
	app_password_make(text[0], digest[0]);
	app_password_make(text[1], digest[1]);
	assert_string_not_equal(text[0], text[1]);
	assert_memory_not_equal(digest[0], digest[1], sizeof(digest[0]));
	assert_int_equal(strlen(text[0]), APP_PASSWORD_SIZE - 1);
	for (i = 0; i < APP_PASSWORD_SIZE - 1; i++)
		if (i % 5 == 4)
			assert_int_equal(text[0][i], '-');
		else /* no l, no 1, no o, no 0 */
			assert_non_null(strchr(
			    "abcdefghijkmnpqrstuvwxyz23456789", text[0][i]));
}

/* As people type it. */
static void
test_typed(void **state)
{
	struct account a = make_account();
	char typed[128], *to = typed;
	const char *from;

	(void)state;
	assert_string_equal(verdict(&a, app_text[0]), "phone");
	assert_string_equal(verdict(&a, app_text[1]), "desk");
	for (from = app_text[1]; *from != '\0'; from++)
		*to++ = (char)toupper((unsigned char)*from);
	*to = '\0';
	assert_string_equal(verdict(&a, typed), "desk");
	for (to = typed, from = app_text[1]; *from != '\0'; from++)
		if (*from != '-')
			*to++ = *from;
	*to = '\0';
	assert_string_equal(verdict(&a, typed), "desk");
	for (to = typed, from = app_text[1]; *from != '\0'; from++)
		*to++ = *from == '-' ? ' ' : *from;
	*to = '\0';
	assert_string_equal(verdict(&a, typed), "desk");
	for (to = typed, from = app_text[1]; *from != '\0'; from++) {
		*to++ = *from;
		*to++ = '-';
		*to++ = ' ';
	}
	*to = '\0';
	assert_string_equal(verdict(&a, typed), "desk");
	snprintf(typed, sizeof(typed), " %s ", app_text[1]);
	assert_string_equal(verdict(&a, typed), "desk");
}

/* One symbol wrong, missing, too many, or between two separators. */
static void
test_mistyped(void **state)
{
	struct account a = make_account();
	char typed[128];
	size_t i;

	(void)state;
	for (i = 0; i < APP_PASSWORD_SIZE - 1; i++) {
		strlcpy(typed, app_text[0], sizeof(typed));
		typed[i] = typed[i] == 'a' ? 'b' : 'a';
		assert_null(verdict(&a, typed));
	}
	strlcpy(typed, app_text[0], sizeof(typed));
	typed[APP_PASSWORD_SIZE - 2] = '\0';
	assert_null(verdict(&a, typed));
	snprintf(typed, sizeof(typed), "%sa", app_text[0]);
	assert_null(verdict(&a, typed));
	snprintf(typed, sizeof(typed), "%s\t", app_text[0]);
	assert_null(verdict(&a, typed));
	snprintf(typed, sizeof(typed), "%s\xff", app_text[0]);
	assert_null(verdict(&a, typed));
	/* Of the one half, of the other half. */
	snprintf(typed, sizeof(typed), "%.12s%s", app_text[0],
	    app_text[1] + 12);
	assert_null(verdict(&a, typed));
	assert_null(verdict(&a, "----"));
}

/* What each policy lets in: "" is by password, NULL is nobody. */
static const struct {
	enum access access;
	int two_factor;
	int has_password;
	const char *by_password, *by_app_password;
} policies[] = {
	{ ACCESS_ALL, 0, 1, "", "phone" },
	{ ACCESS_ALL, 0, 0, NULL, "phone" },
	{ ACCESS_ALL, 1, 1, NULL, "phone" },
	{ ACCESS_ALL, 1, 0, NULL, "phone" },
	{ ACCESS_FROM_NOW, 0, 1, "", "phone" },
	{ ACCESS_FROM_NOW, 0, 0, NULL, "phone" },
	{ ACCESS_FROM_NOW, 1, 1, NULL, "phone" },
	{ ACCESS_FROM_NOW, 1, 0, NULL, "phone" },
	{ ACCESS_OFF, 0, 1, NULL, NULL },
	{ ACCESS_OFF, 0, 0, NULL, NULL },
	{ ACCESS_OFF, 1, 1, NULL, NULL },
	{ ACCESS_OFF, 1, 0, NULL, NULL },
};

static void
expect(const struct account *a, const char *password, const char *wanted)
{
	const char *got = verdict(a, password);

	if (wanted == NULL)
		assert_null(got);
	else {
		assert_non_null(got);
		assert_string_equal(got, wanted);
	}
}

static void
test_policies(void **state)
{
	struct account a = make_account();
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(policies); i++) {
		a.access = policies[i].access;
		a.two_factor = policies[i].two_factor;
		strlcpy(a.hash, policies[i].has_password ? hash : "",
		    sizeof(a.hash));
		expect(&a, SECRET, policies[i].by_password);
		expect(&a, app_text[0], policies[i].by_app_password);
		expect(&a, SECRET " ", NULL);
		expect(&a, "Correct horse", NULL);
		expect(&a, "", NULL);
		expect(&a, hash, NULL); /* the hash is no password */
	}
}

static enum denial
denial_of(const struct account *a, const struct attempt *attempt)
{
	const struct app_password *app;
	enum denial denial;

	assert_int_equal(password_check(a, attempt, &app, &denial), 0);
	assert_null(app);
	return denial;
}

static enum denial
denial_for(const struct account *a, const char *password)
{
	const struct attempt attempt = { password, "192.0.2.1", SERVICE_POP,
		NOW };

	return denial_of(a, &attempt);
}

/* What the administrator has to do comes before what the user has. */
static void
test_denials(void **state)
{
	struct account a = make_account();

	(void)state;
	assert_int_equal(denial_for(NULL, SECRET), DENIAL_UNKNOWN);
	assert_int_equal(denial_for(&a, "wrong"), DENIAL_PASSWORD);
	a.app[0].expires = 1;
	assert_int_equal(denial_for(&a, app_text[0]), DENIAL_EXPIRED);
	a.two_factor = 1;
	assert_int_equal(denial_for(&a, "wrong"), DENIAL_PASSWORD);
	assert_int_equal(denial_for(&a, SECRET), DENIAL_APP_PASSWORD);
	assert_int_equal(denial_for(&a, app_text[0]), DENIAL_EXPIRED);
	a.access = ACCESS_OFF;
	assert_int_equal(denial_for(&a, SECRET), DENIAL_OFF);
	assert_int_equal(denial_for(&a, "wrong"), DENIAL_OFF);
	assert_int_equal(denial_for(&a, app_text[0]), DENIAL_OFF);
}

static void
test_nobody(void **state)
{
	struct account a = make_account();

	(void)state;
	assert_null(verdict(NULL, SECRET));
	assert_null(verdict(NULL, ""));
	assert_null(verdict(NULL, app_text[0]));
	/* Revoked: the others stay. */
	a.app[0] = a.app[1];
	a.napp = 1;
	assert_null(verdict(&a, app_text[0]));
	assert_string_equal(verdict(&a, app_text[1]), "desk");
	a.napp = 0;
	assert_null(verdict(&a, app_text[1]));
	assert_string_equal(verdict(&a, SECRET), "");
}

/* Which attempts a narrowed application password is good for. */
static const struct {
	int64_t expires;
	const char *network[2];
	enum service services;
	struct attempt attempt; /* its password is the application password */
	enum denial denial;
} narrowed[] = {
	{ FOR_EVER, { NULL }, SERVICE_BOTH, { NULL, "unknown", SERVICE_POP,
	    INT64_MAX }, DENIAL_NONE },
	{ NOW, { NULL }, SERVICE_BOTH, { NULL, "192.0.2.1", SERVICE_POP,
	    NOW - 1 }, DENIAL_NONE },
	{ NOW, { NULL }, SERVICE_BOTH, { NULL, "192.0.2.1", SERVICE_POP, NOW },
	    DENIAL_EXPIRED },
	{ 1, { NULL }, SERVICE_BOTH, { NULL, "192.0.2.1", SERVICE_POP, NOW },
	    DENIAL_EXPIRED },
	{ FOR_EVER, { "192.0.2.0/24" }, SERVICE_BOTH, { NULL, "192.0.2.1",
	    SERVICE_POP, NOW }, DENIAL_NONE },
	{ FOR_EVER, { "192.0.2.0/24" }, SERVICE_BOTH, { NULL,
	    "::ffff:192.0.2.1", SERVICE_POP, NOW }, DENIAL_NONE },
	{ FOR_EVER, { "::ffff:192.0.2.0/120" }, SERVICE_BOTH, { NULL,
	    "192.0.2.1", SERVICE_POP, NOW }, DENIAL_NONE },
	{ FOR_EVER, { "192.0.2.0/24" }, SERVICE_BOTH, { NULL, "192.0.3.1",
	    SERVICE_POP, NOW },
	    DENIAL_NETWORK },
	{ FOR_EVER, { "192.0.2.0/24" }, SERVICE_BOTH, { NULL, "unknown",
	    SERVICE_POP, NOW },
	    DENIAL_NETWORK },
	{ FOR_EVER, { "0.0.0.0/0" }, SERVICE_BOTH, { NULL, "unknown",
	    SERVICE_POP, NOW },
	    DENIAL_NETWORK },
	{ FOR_EVER, { "192.0.2.0/24", "2001:db8::/32" }, SERVICE_BOTH, { NULL,
	    "2001:db8::1", SERVICE_POP, NOW }, DENIAL_NONE },
	{ FOR_EVER, { "192.0.2.0/24", "2001:db8::/32" }, SERVICE_BOTH, { NULL,
	    "2001:db9::1", SERVICE_POP, NOW },
	    DENIAL_NETWORK },
	{ FOR_EVER, { NULL }, SERVICE_POP, { NULL, "192.0.2.1", SERVICE_POP,
	    NOW }, DENIAL_NONE },
	{ FOR_EVER, { NULL }, SERVICE_SEND, { NULL, "192.0.2.1", SERVICE_POP,
	    NOW },
	    DENIAL_SERVICE },
	{ FOR_EVER, { NULL }, SERVICE_POP, { NULL, "192.0.2.1", SERVICE_SEND,
	    NOW },
	    DENIAL_SERVICE },
	{ FOR_EVER, { NULL }, SERVICE_SEND, { NULL, "192.0.2.1", SERVICE_SEND,
	    NOW }, DENIAL_NONE },
};

static void
narrow(struct app_password *app, size_t row)
{
	app->expires = narrowed[row].expires;
	app->services = narrowed[row].services;
	for (app->nnetwork = 0; app->nnetwork < 2 &&
	     narrowed[row].network[app->nnetwork] != NULL; app->nnetwork++)
		assert_int_equal(network_parse(&app->network[app->nnetwork],
				     narrowed[row].network[app->nnetwork]), 0);
}

static void
test_narrowed(void **state)
{
	struct account a = make_account();
	struct attempt attempt;
	const char *got;
	size_t i;

	(void)state;
	a.send = 1;
	for (i = 0; i < NITEMS(narrowed); i++) {
		narrow(&a.app[0], i);
		attempt = narrowed[i].attempt;
		attempt.password = app_text[0];
		got = judged(&a, &attempt);
		if (narrowed[i].denial == DENIAL_NONE)
			assert_string_equal(got, "phone");
		else
			assert_int_equal(
			    denial_of(&a, &attempt), narrowed[i].denial);
		/* The others are what they were. */
		attempt.password = app_text[1];
		assert_string_equal(judged(&a, &attempt), "desk");
		attempt.password = SECRET;
		assert_string_equal(judged(&a, &attempt), "");
	}
}

/* Who may do what: access is about POP, and send about sending. */
static void
test_services(void **state)
{
	struct attempt pop = { SECRET, "::1", SERVICE_POP, NOW };
	struct attempt send = { SECRET, "::1", SERVICE_SEND, NOW };
	struct account a = make_account();

	(void)state;
	assert_null(judged(&a, &send));
	assert_string_equal(judged(&a, &pop), "");
	a.send = 1;
	a.access = ACCESS_OFF;
	assert_string_equal(judged(&a, &send), "");
	assert_null(judged(&a, &pop));
	a.two_factor = 1;
	assert_null(judged(&a, &send));
	send.password = app_text[0];
	assert_string_equal(judged(&a, &send), "phone");
	assert_null(judged(NULL, &send));
}

/* A hash that crypt(3) cannot use lets nobody in: locked, unknown, cut. */
static void
test_useless_hashes(void **state)
{
	static const char *const useless[] = { "", "*", "!", "x", "*0", "*1",
		"!$6$rounds=1000$abcdefgh", "$unknown$a$b", "$6$", "$y$j9T$",
		SECRET };
	struct account a = make_account();
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(useless); i++) {
		strlcpy(a.hash, useless[i], sizeof(a.hash));
		assert_null(verdict(&a, SECRET));
		assert_null(verdict(&a, ""));
		assert_null(verdict(&a, useless[i]));
		assert_string_equal(verdict(&a, app_text[0]), "phone");
	}
	strlcpy(a.hash, hash, sizeof(a.hash));
	a.hash[strlen(a.hash) - 1] = '\0';
	assert_null(verdict(&a, SECRET));
}

static void
test_hash(void **state)
{
	struct account a = make_account();
	char other[HASH_MAX + 1], small[16], err[256];
	char long_one[PASSWORD_MAX + 2];

	(void)state;
	assert_int_equal(password_hash(SECRET, a.hash, sizeof(a.hash), err,
			     sizeof(err)), 0);
	assert_int_equal(password_hash(SECRET, other, sizeof(other), err,
			     sizeof(err)), 0);
	assert_string_not_equal(a.hash, other); /* salted */
	assert_string_equal(verdict(&a, SECRET), "");
	assert_null(verdict(&a, "wrong"));
	assert_int_equal(
	    password_hash("", other, sizeof(other), err, sizeof(err)), -1);
	assert_non_null(strstr(err, "the password is empty"));
	assert_int_equal(
	    password_hash(SECRET, small, sizeof(small), err, sizeof(err)), -1);
	memset(long_one, 'p', sizeof(long_one));
	long_one[PASSWORD_MAX] = '\0';
	assert_int_equal(password_hash(long_one, a.hash, sizeof(a.hash), err,
			     sizeof(err)), 0);
	assert_string_equal(verdict(&a, long_one), "");
	long_one[PASSWORD_MAX - 1] = '\0';
	assert_null(verdict(&a, long_one));
	long_one[PASSWORD_MAX - 1] = long_one[PASSWORD_MAX] = 'p';
	long_one[PASSWORD_MAX + 1] = '\0';
	assert_int_equal(password_hash(long_one, other, sizeof(other), err,
			     sizeof(err)), -1);
	assert_non_null(strstr(err, "longer than 511 octets"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_typed),
		cmocka_unit_test(test_mistyped),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_denials),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_narrowed),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_useless_hashes),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests_name("password", tests, make_hash, NULL);
}
