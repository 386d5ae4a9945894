/*
 * A Maildir folder: names, UIDLs, what is mail and what is not.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <sha2.h>
#include <time.h>

#include "tests/unit/unit.h"

#include "common/wire.h"
#include "store/maildir.h"

#define PATIENCE 60 /* seconds until what blocks for ever is a failure */
#define NS	 1000000000LL

static struct maildir
open_new(const char *dir)
{
	struct maildir m;

	assert_int_equal(maildir_open(&m, dir, 1), 0);
	return m;
}

static const struct {
	const char *name;
	size_t base;
} bases[] = {
	{ "1234.M1P2.host", 14 },
	{ "1234.host:2,", 9 },
	{ "1234.host:2,S", 9 },
	{ "a:1:2", 1 },
	{ "a", 1 },
	{ "=", 1 },
	{ "a b", 3 },
	{ "", 0 },
	{ ":2,", 0 },
	{ ".", 0 },
	{ "..", 0 },
	{ ".hidden", 0 },
	{ ".hidden:2,S", 0 },
};

static void
test_base(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(bases); i++)
		assert_int_equal(
		    maildir_base(bases[i].name), bases[i].base);
}

static const struct {
	const char *base;
	int64_t seconds;
} deliveries[] = {
	{ "1700000000.M1P2.host", 1700000000 },
	{ "1.x", 1 },
	{ "0.x", 0 },
	{ "12", 12 },
	{ "", 0 },
	{ "x12", 0 },
	{ "-12", 0 },
	{ " 12", 0 },
	{ "9999999999999999999999", 0 }, /* no time, whatever it is */
	{ "18446744073709551617.x", 0 },
};

static void
test_delivered(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NITEMS(deliveries); i++)
		assert_int_equal(maildir_delivered(deliveries[i].base),
		    deliveries[i].seconds);
}

static void
expect_hashed(const char *base, int hashed)
{
	char uidl[UIDL_MAX + 1], hex[SHA256_DIGEST_STRING_LENGTH];
	char key[512];

	assert_int_equal(maildir_uidl(base, hashed, uidl), 65);
	/* The junk folder's never are those of the inbox. */
	snprintf(key, sizeof(key), "%s%s", hashed ? "/" : "", base);
	SHA256Data((const uint8_t *)key, strlen(key), hex);
	assert_int_equal(uidl[0], '=');
	assert_string_equal(uidl + 1, hex);
	assert_int_equal(strlen(uidl), 65);
}

static void
expect_itself(const char *base)
{
	char uidl[UIDL_MAX + 1];

	assert_int_equal(maildir_uidl(base, 0, uidl), strlen(base));
	assert_string_equal(uidl, base);
}

/* I4: 1..70 octets of 0x21..0x7E, and nobody else's. */
static void
test_uidl(void **state)
{
	char base[256] = "", twin[UIDL_MAX + 1];
	size_t len;

	(void)state;
	expect_itself("1700000000.M1P2.host,S=3");
	expect_itself("!");
	expect_itself("~");
	expect_itself("a=b");
	expect_hashed("1700000000.M1P2.host", 1);
	expect_hashed("=", 0);
	expect_hashed("=a", 0);
	expect_hashed("a b", 0);
	expect_hashed("a\tb", 0);
	expect_hashed("a\x7f", 0);
	expect_hashed("\xc3\xa9", 0);
	expect_hashed("", 0);
	/* Named like the UIDL of another: hashed again, it is not that. */
	maildir_uidl("a b", 0, twin);
	expect_hashed(twin, 0);
	for (len = 1; len < sizeof(base); len++) {
		base[len - 1] = 'x';
		if (len <= UIDL_MAX)
			expect_itself(base);
		else
			expect_hashed(base, 0);
		expect_hashed(base, 1);
	}
}

/* For ever: these were computed with sha256sum(1). */
static void
test_uidl_for_ever(void **state)
{
	char uidl[UIDL_MAX + 1];

	(void)state;
	maildir_uidl("a b", 0, uidl);
	assert_string_equal(uidl, "=c8687a08aa5d6ed2044328fa6a697ab8"
				  "e96dc34291e8c2034ae8c38e6fcc6d65");
	maildir_uidl("=", 0, uidl);
	assert_string_equal(uidl, "=380918b946a526640a40df5dced65167"
				  "94f3d97bbd9e6bb553d037c4439f31c3");
	maildir_uidl("a b", 1, uidl);
	assert_string_equal(uidl, "=73c9c45d21e1dbbab5ec7d874b3972a9"
				  "58e80d75b7b71cbe5ae4262b74958205");
}

static void
test_open(void **state)
{
	const char *dir = *state;
	char *deep = scratch_path(dir, "a/b/c");
	struct maildir m;
	struct stat st;

	/* A missing folder is an empty one, unless it is to be made. */
	assert_int_equal(maildir_open(&m, deep, 0), 0);
	assert_int_equal(m.dir[NEW], -1);
	assert_int_equal(m.dir[CUR], -1);
	assert_int_equal(stat(deep, &st), -1);
	maildir_close(&m);
	m = open_new(deep);
	maildir_close(&m);
	assert_int_equal(m.dir[NEW], -1);
	assert_int_equal(stat(scratch_path(dir, "a/b/c/tmp"), &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 077, 0);
	/* Half of one: what is there is used. */
	assert_int_equal(rmdir(scratch_path(deep, "new")), 0);
	assert_int_equal(maildir_open(&m, deep, 0), 0);
	assert_int_equal(m.dir[NEW], -1);
	assert_true(m.dir[CUR] != -1);
	maildir_close(&m);
}

static void
test_open_wrong(void **state)
{
	struct maildir m;
	char path[PATH_MAX + 16];

	scratch_write(*state, "new", "a file");
	assert_int_equal(maildir_open(&m, *state, 1), ENOTDIR);
	assert_int_equal(m.dir[NEW], -1);
	assert_int_equal(m.dir[CUR], -1);
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(maildir_open(&m, path, 1), ENAMETOOLONG);
}

static void
test_regular_files_only(void **state)
{
	static const char *const others[] = { "link", "dangling", "dir",
		"fifo", "socket" };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct maildir m = open_new(*state);
	int fd, s = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t i;
	char c;

	scratch_write(*state, "cur/mail", "m");
	assert_int_equal(symlink("mail", scratch_path(*state, "cur/link")), 0);
	assert_int_equal(symlink("x", scratch_path(*state, "cur/dangling")), 0);
	assert_int_equal(mkdir(scratch_path(*state, "cur/dir"), 0700), 0);
	assert_int_equal(mkfifo(scratch_path(*state, "cur/fifo"), 0600), 0);
	assert_true(strlcpy(un.sun_path, scratch_path(*state, "cur/socket"),
			sizeof(un.sun_path)) < sizeof(un.sun_path));
	assert_int_equal(bind(s, (struct sockaddr *)&un, sizeof(un)), 0);
	alarm(PATIENCE); /* a FIFO that blocks kills the test */
	for (i = 0; i < NITEMS(others); i++) {
		fd = -1;
		assert_int_not_equal(maildir_file(&m, CUR, others[i], &fd), 0);
		assert_int_equal(fd, -1);
	}
	assert_int_equal(maildir_file(&m, CUR, "fifo", &fd), EINVAL);
	assert_int_equal(maildir_file(&m, CUR, "link", &fd), EINVAL);
	assert_int_equal(maildir_file(&m, CUR, "dir", &fd), EINVAL);
	alarm(0);
	assert_int_equal(maildir_file(&m, CUR, "none", &fd), ENOENT);
	assert_int_equal(maildir_file(&m, NEW, "mail", &fd), ENOENT);
	assert_int_equal(maildir_file(&m, CUR, "mail", &fd), 0);
	assert_int_equal(read(fd, &c, 1), 1);
	assert_int_equal(c, 'm');
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
	close(s);
	maildir_close(&m);
	assert_int_equal(maildir_file(&m, CUR, "mail", &fd), ENOENT);
}

static void
expect_octets(const char *dir, const char *text, uint64_t wanted)
{
	struct maildir m = open_new(dir);
	struct stat st;
	uint64_t octets;
	int64_t modified;
	int fd;

	scratch_write(dir, "new/m", text);
	assert_int_equal(maildir_file(&m, NEW, "m", &fd), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(maildir_measure(fd, &octets, &modified), 0);
	assert_int_equal(octets, wanted);
	assert_int_equal(
	    modified, (int64_t)st.st_mtim.tv_sec * NS + st.st_mtim.tv_nsec);
	close(fd);
	maildir_close(&m);
}

/* On the wire, across the edges of the buffer it is read in. */
static void
test_measure(void **state)
{
	char *text = malloc(200001);
	uint64_t modified_at;
	size_t len;
	int64_t modified;

	assert_non_null(text);
	expect_octets(*state, "", 0);
	expect_octets(*state, "a", 3);
	expect_octets(*state, ".\n\r\n", 5);
	for (len = 65534; len <= 65538; len++) {
		memset(text, 'x', len);
		text[len] = '\0';
		expect_octets(*state, text, len + 2);
		text[len - 2] = '\r';
		text[len - 1] = '\n';
		expect_octets(*state, text, len);
		text[len - 2] = '\n';
		expect_octets(*state, text, len + 2);
	}
	memset(text, '\n', 200000);
	text[200000] = '\0';
	expect_octets(*state, text, 400000);
	free(text);
	assert_int_equal(maildir_measure(-1, &modified_at, &modified), EBADF);
}

static void
test_move_and_search(void **state)
{
	struct maildir m = open_new(*state);
	char name[NAME_OCTETS];
	enum subdir sub;

	assert_int_equal(maildir_search(&m, "1.a", &sub, name), ENOENT);
	scratch_write(*state, "new/1.a", "m");
	scratch_write(*state, "cur/1.ab:2,S", "other");
	scratch_write(*state, "cur/1:2,S", "other");
	assert_int_equal(maildir_search(&m, "1.a", &sub, name), 0);
	assert_int_equal(sub, NEW);
	assert_string_equal(name, "1.a");
	assert_int_equal(maildir_move(&m, "1.a", "1.a:2,"), 0);
	assert_int_equal(maildir_search(&m, "1.a", &sub, name), 0);
	assert_int_equal(sub, CUR);
	assert_string_equal(name, "1.a:2,");
	assert_int_equal(maildir_search(&m, "1.ab", &sub, name), 0);
	assert_string_equal(name, "1.ab:2,S");
	assert_int_equal(maildir_search(&m, "1.a:2,", &sub, name), ENOENT);
	assert_int_equal(maildir_search(&m, "1.", &sub, name), ENOENT);
	assert_int_equal(maildir_move(&m, "1.a", "1.a:2,"), ENOENT);
	maildir_close(&m);
	assert_int_equal(maildir_search(&m, "1.a", &sub, name), ENOENT);
}

static void
test_longest_name(void **state)
{
	struct maildir m = open_new(*state);
	char base[NAME_OCTETS], name[NAME_OCTETS], path[NAME_OCTETS + 4];
	enum subdir sub;
	int fd;

	memset(base, 'x', NAME_MAX);
	base[NAME_MAX] = '\0';
	snprintf(path, sizeof(path), "cur/%s", base);
	scratch_write(*state, path, "m");
	assert_int_equal(maildir_search(&m, base, &sub, name), 0);
	assert_string_equal(name, base);
	assert_int_equal(maildir_file(&m, sub, name, &fd), 0);
	close(fd);
	maildir_close(&m);
}

/* The time given is in the past, and any change from now on shows. */
static void
test_stamp(void **state)
{
	struct maildir m = open_new(*state);
	struct timespec now;
	int64_t stamp;

	stamp = maildir_stamp(&m);
	assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
	assert_true(stamp > 0 && stamp <= (int64_t)now.tv_sec * NS);
	assert_int_equal(maildir_time(&m, CUR), stamp);
	scratch_write(*state, "cur/1", "m");
	assert_true(maildir_time(&m, CUR) > stamp);
	maildir_close(&m);
	assert_int_equal(maildir_time(&m, CUR), TIME_ABSENT);
	assert_int_equal(maildir_stamp(&m), 0);
}

static void
test_unique(void **state)
{
	char name[2][NAME_OCTETS], uidl[UIDL_MAX + 1];
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		maildir_unique(1700000000, name[i]);
		assert_int_equal(maildir_delivered(name[i]), 1700000000);
		assert_int_equal(maildir_base(name[i]), strlen(name[i]));
		assert_null(strchr(name[i], '/'));
		maildir_uidl(name[i], 0, uidl);
		assert_in_range(strlen(uidl), 1, UIDL_MAX);
	}
	assert_string_not_equal(name[0], name[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base),
		cmocka_unit_test(test_delivered),
		cmocka_unit_test(test_uidl),
		cmocka_unit_test(test_uidl_for_ever),
		IN_SCRATCH(test_open),
		IN_SCRATCH(test_open_wrong),
		IN_SCRATCH(test_regular_files_only),
		IN_SCRATCH(test_measure),
		IN_SCRATCH(test_move_and_search),
		IN_SCRATCH(test_longest_name),
		IN_SCRATCH(test_stamp),
		cmocka_unit_test(test_unique),
	};

	return cmocka_run_group_tests_name("maildir", tests, NULL, NULL);
}
