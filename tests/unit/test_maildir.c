/*
 * A Maildir folder: names, UIDLs, what is mail and what is not.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <errno.h>
#include <sha2.h>
#include <time.h>

#include "tests/unit/unit.h"

#include "common/clock.h"
#include "common/wire.h"
#include "store/maildir.h"

#define PATIENCE 60 /* seconds until what blocks for ever is a failure */

/*
 * The system's call, after which somebody else changes the directory at
 * once, if a test wants that.
 */
static const char *others_file;

int
futimens(int fd, const struct timespec t[2])
{
	int error = (int)syscall(SYS_utimensat, fd, NULL, t, 0);

	if (others_file != NULL && t != NULL)
		close(openat(fd, others_file, O_WRONLY | O_CREAT, 0600));
	return error;
}

static struct maildir
open_new(const char *dir)
{
	struct maildir m;

	assert_int_equal(maildir_make(dir), 0);
	assert_int_equal(maildir_open(&m, dir), 0);
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

	/* A missing folder is an empty one. */
	assert_int_equal(maildir_open(&m, deep), 0);
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
	assert_int_equal(maildir_open(&m, deep), 0);
	assert_int_equal(m.dir[NEW], -1);
	assert_true(m.dir[CUR] != -1);
	maildir_close(&m);
	assert_int_equal(maildir_make(deep), 0);
	assert_int_equal(stat(scratch_path(deep, "new"), &st), 0);
}

static void
test_open_wrong(void **state)
{
	struct maildir m;
	char path[PATH_MAX + 16];

	scratch_write(*state, "new", "a file");
	assert_int_equal(mkdir(scratch_path(*state, "cur"), 0700), 0);
	assert_int_equal(maildir_open(&m, *state), ENOTDIR);
	assert_int_equal(m.error, ENOTDIR);
	assert_int_equal(m.dir[NEW], -1);
	assert_int_equal(m.dir[CUR], -1);
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(maildir_open(&m, path), ENAMETOOLONG);
	assert_int_equal(maildir_make(path), ENAMETOOLONG);
	assert_int_equal(
	    maildir_make(scratch_path(*state, "new/folder")), ENOTDIR);
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
	struct measured measured;
	struct stat st;
	int fd;

	scratch_write(dir, "new/m", text);
	assert_int_equal(maildir_file(&m, NEW, "m", &fd), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(maildir_measure(fd, &measured, NULL, NULL), 0);
	assert_int_equal(measured.octets, wanted);
	assert_int_equal(measured.size, strlen(text));
	assert_int_equal(measured.modified,
	    (int64_t)st.st_mtim.tv_sec * CLOCK_NS + st.st_mtim.tv_nsec);
	close(fd);
	maildir_close(&m);
}

/* On the wire, across the edges of the buffer it is read in. */
static void
test_measure(void **state)
{
	char *text = malloc(200001);
	struct measured measured;
	size_t len;

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
	assert_int_equal(maildir_measure(-1, &measured, NULL, NULL), EBADF);
}

/* What a measuring is asked by, and what becomes of the file meanwhile. */
struct asked {
	int times, give_up_at, fd;
};

static int
ask(void *arg)
{
	struct asked *a = arg;

	a->times++;
	if (a->fd != -1)
		assert_int_equal(write(a->fd, "more\n", 5), 5);
	return a->times == a->give_up_at;
}

/* A file of 10 MB without a newline, open at its beginning. */
static int
large_file(const char *dir)
{
	char *path = scratch_path(dir, "large");
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd != -1);
	assert_int_equal(ftruncate(fd, 10 << 20), 0);
	return fd;
}

/* Asked every 4 MB: after 4 and 8 of 10. */
static void
test_measure_given_up(void **state)
{
	struct asked all = { 0, 0, -1 }, second = { 0, 2, -1 };
	struct measured measured;
	int fd = large_file(*state);

	assert_int_equal(maildir_measure(fd, &measured, ask, &all), 0);
	assert_int_equal(all.times, 2);
	assert_int_equal(measured.size, 10 << 20);
	assert_int_equal(measured.octets, (10 << 20) + 2);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(
	    maildir_measure(fd, &measured, ask, &second), ECANCELED);
	assert_int_equal(second.times, 2);
	assert_true(lseek(fd, 0, SEEK_CUR) < 9 << 20);
	close(fd);
}

/* It grows as we look: what was read counts, and it is as young as that. */
static void
test_measure_growing(void **state)
{
	int fd = large_file(*state);
	struct asked grow = { 0, 0,
		open(scratch_path(*state, "large"), O_WRONLY | O_APPEND) };
	struct timespec old[2] = { { 1, 0 }, { 1, 0 } };
	struct measured measured;

	assert_int_equal(futimens(fd, old), 0);
	assert_int_equal(maildir_measure(fd, &measured, ask, &grow), 0);
	assert_int_equal(measured.size, (10 << 20) + 10);
	assert_int_equal(measured.octets, (10 << 20) + 12);
	assert_true(measured.modified > 2 * CLOCK_NS);
	close(grow.fd);
	close(fd);
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
	assert_int_equal(maildir_move(&m, NEW, "1.a", "1.a:2,"), 0);
	assert_int_equal(maildir_search(&m, "1.a", &sub, name), 0);
	assert_int_equal(sub, CUR);
	assert_string_equal(name, "1.a:2,");
	assert_int_equal(maildir_search(&m, "1.ab", &sub, name), 0);
	assert_string_equal(name, "1.ab:2,S");
	assert_int_equal(maildir_search(&m, "1.a:2,", &sub, name), ENOENT);
	assert_int_equal(maildir_search(&m, "1.", &sub, name), ENOENT);
	assert_int_equal(maildir_move(&m, NEW, "1.a", "1.a:2,"), ENOENT);
	maildir_close(&m);
	assert_int_equal(maildir_search(&m, "1.a", &sub, name), ENOENT);
	assert_int_equal(maildir_move(&m, NEW, "1.a", "1.a:2,"), ENOENT);
}

/* Calls that fail as they do on another kernel or file system. */
struct failing {
	long call;
	int error;
};

/* As on a system where these calls fail so: for this process, for ever. */
static void
take_away(const struct failing *f, size_t n)
{
	struct sock_filter rules[16] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
	    offsetof(struct seccomp_data, nr)) };
	struct sock_fprog filter = { 1, rules };

	for (; n > 0; n--, f++) {
		rules[filter.len++] = (struct sock_filter)BPF_JUMP(
		    BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)f->call, 0, 1);
		rules[filter.len++] = (struct sock_filter)BPF_STMT(
		    BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)f->error);
	}
	rules[filter.len++] = (struct sock_filter)BPF_STMT(
	    BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == -1)
		_exit(255);
}

/* maildir_move() on such a system. */
static int
move_without(const struct failing *f, size_t n, const char *dir,
    enum subdir sub, const char *from, const char *to)
{
	struct maildir m = open_new(dir);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		take_away(f, n);
		_exit(maildir_move(&m, sub, from, to));
	}
	maildir_close(&m);
	assert_true(pid != -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What dir/name has in it; "": there is no such file. */
static const char *
text_of(const char *dir, const char *name)
{
	static char text[64];
	FILE *f = fopen(scratch_path(dir, name), "r");

	text[0] = '\0';
	if (f != NULL) {
		text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
		fclose(f);
	}
	return text;
}

/* The ways in which a system moves a file without replacing another. */
static const struct {
	struct failing failing[2];
	size_t n;
} systems[] = {
	{ { { 0, 0 } }, 0 },
	{ { { SYS_renameat2, ENOSYS } }, 1 }, /* an old kernel */
	{ { { SYS_renameat2, EINVAL } }, 1 }, /* NFS */
};

/* I11: a name that is taken is never replaced, whatever way it is done. */
static void
test_move(void **state)
{
	const struct failing *f;
	size_t i, n;

	for (i = 0; i < NITEMS(systems); i++) {
		f = systems[i].failing;
		n = systems[i].n;
		maildir_make(*state);
		scratch_write(*state, "new/1.a", "mine");
		scratch_write(*state, "cur/1.a:2,", "theirs");
		assert_int_equal(move_without(f, n, *state, NEW, "1.a",
				     "1.a:2,"), EEXIST);
		assert_string_equal(text_of(*state, "new/1.a"), "mine");
		assert_string_equal(text_of(*state, "cur/1.a:2,"), "theirs");
		assert_int_equal(move_without(f, n, *state, NEW, "1.a",
				     "1.a:2,S"), 0);
		assert_string_equal(text_of(*state, "new/1.a"), "");
		assert_string_equal(text_of(*state, "cur/1.a:2,S"), "mine");
		/* Within cur/. */
		assert_int_equal(move_without(f, n, *state, CUR, "1.a:2,S",
				     "1.a:2,"), EEXIST);
		assert_int_equal(move_without(f, n, *state, CUR, "1.a:2,S",
				     "1.a:2,S"), EEXIST);
		assert_string_equal(text_of(*state, "cur/1.a:2,S"), "mine");
		assert_int_equal(move_without(f, n, *state, CUR, "1.a:2,S",
				     "1.a:2,RS"), 0);
		assert_string_equal(text_of(*state, "cur/1.a:2,S"), "");
		assert_string_equal(text_of(*state, "cur/1.a:2,RS"), "mine");
		assert_int_equal(move_without(f, n, *state, NEW, "none",
				     "none:2,"), ENOENT);
		unlink(scratch_path(*state, "cur/1.a:2,RS"));
	}
}

/* A second name for a taken one's file is not a move that was done. */
static void
test_move_to_same_file(void **state)
{
	size_t i;

	maildir_make(*state);
	scratch_write(*state, "new/1.a", "mine");
	assert_int_equal(link(scratch_path(*state, "new/1.a"),
			     scratch_path(*state, "cur/1.a:2,")), 0);
	for (i = 0; i < NITEMS(systems); i++)
		assert_int_equal(move_without(systems[i].failing, systems[i].n,
				     *state, NEW, "1.a", "1.a:2,"), EEXIST);
	assert_string_equal(text_of(*state, "new/1.a"), "mine");
}

/* No link, no move, and nothing done: FAT by way of FUSE, for one. */
static void
test_move_impossible(void **state)
{
	static const int errors[] = { EPERM, EOPNOTSUPP, EMLINK, EIO };
	struct failing f[2] = { { SYS_renameat2, EINVAL }, { SYS_linkat, 0 } };
	size_t i;

	maildir_make(*state);
	scratch_write(*state, "new/1.a", "mine");
	for (i = 0; i < NITEMS(errors); i++) {
		f[1].error = errors[i];
		assert_int_equal(move_without(f, 2, *state, NEW, "1.a",
				     "1.a:2,"), errors[i]);
		assert_string_equal(text_of(*state, "new/1.a"), "mine");
		assert_string_equal(text_of(*state, "cur/1.a:2,"), "");
	}
	/* Other errors of a rename are not tried to be got around. */
	f[0].error = EROFS;
	f[1].error = EIO;
	assert_int_equal(
	    move_without(f, 2, *state, NEW, "1.a", "1.a:2,"), EROFS);
}

/*
 * The old name cannot be taken away: the new one goes, too.  As somebody who
 * may not unlink in new/, where that is possible: root may always.
 */
static void
test_move_undone(void **state)
{
	static const struct failing f = { SYS_renameat2, EINVAL };
	struct maildir m = open_new(*state);
	int status;
	pid_t pid;

	scratch_write(*state, "new/1.a", "mine");
	assert_int_equal(chmod(*state, 0755), 0);
	assert_int_equal(chmod(scratch_path(*state, "cur"), 0777), 0);
	assert_int_equal(chmod(scratch_path(*state, "new"), 0555), 0);
	/* For fs.protected_hardlinks: only what one may write to. */
	assert_int_equal(chmod(scratch_path(*state, "new/1.a"), 0666), 0);
	if ((pid = fork()) == 0) {
		if (geteuid() == 0 && setuid(65533) == -1)
			_exit(254);
		take_away(&f, 1);
		_exit(maildir_move(&m, NEW, "1.a", "1.a:2,"));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EACCES);
	assert_int_equal(chmod(scratch_path(*state, "new"), 0755), 0);
	assert_string_equal(text_of(*state, "new/1.a"), "mine");
	assert_string_equal(text_of(*state, "cur/1.a:2,"), "");
	maildir_close(&m);
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

/*
 * The time given is two seconds before the present, even if others have set
 * one that is yet to come, and any change from now on shows.
 */
static void
test_stamp(void **state)
{
	struct maildir m = open_new(*state);
	struct timespec future[2] = { { 4000000000, 0 }, { 4000000000, 0 } };
	int64_t stamp, before, last;
	struct stat st;
	int i;

	for (i = 0; i < 2; i++) {
		before = clock_file_ns() / CLOCK_NS;
		stamp = maildir_stamp(&m);
		assert_int_not_equal(stamp, 0);
		assert_int_equal(fstat(m.dir[CUR], &st), 0);
		assert_true(st.st_mtim.tv_sec >= before - 3);
		assert_true(st.st_mtim.tv_sec <= clock_ns() / CLOCK_NS - 2);
		assert_int_equal(maildir_time(&m, CUR, &last), stamp);
		assert_true(last / CLOCK_NS >= before);
		scratch_write(*state, i == 0 ? "cur/1" : "cur/2", "m");
		assert_int_not_equal(maildir_time(&m, CUR, NULL), stamp);
		assert_int_equal(futimens(m.dir[CUR], future), 0);
		(void)maildir_time(&m, CUR, &last);
		assert_true(last == 4000000000 * CLOCK_NS);
	}
	maildir_close(&m);
	assert_int_equal(maildir_time(&m, CUR, NULL), TIME_ABSENT);
	assert_int_equal(maildir_stamp(&m), 0);
}

/* Who copies a directory may put its time of modification back (rsync -a). */
static void
test_time_put_back(void **state)
{
	struct maildir m = open_new(*state);
	struct timespec past[2] = { { 1700000000, 7 }, { 1700000000, 7 } };
	int64_t before, after, tick;

	assert_int_equal(futimens(m.dir[CUR], past), 0);
	before = maildir_time(&m, CUR, &tick);
	while (maildir_now(m.dir[NEW]) <= tick)
		continue;
	scratch_write(*state, "cur/1", "m");
	assert_int_equal(futimens(m.dir[CUR], past), 0);
	after = maildir_time(&m, CUR, NULL);
	assert_int_not_equal(before, after);
	assert_int_equal(maildir_time(&m, CUR, NULL), after);
	maildir_close(&m);
}

/*
 * Somebody whose change comes between our setting the time and our looking
 * at it, and who has not been announced yet: his time is not taken for ours,
 * for then his change would be hidden.
 */
static void
test_stamp_between(void **state)
{
	struct maildir m = open_new(*state);

	others_file = "1";
	assert_int_equal(maildir_stamp(&m), 0);
	others_file = NULL;
	assert_true(maildir_stamp(&m) != 0);
	maildir_close(&m);
}

/* As new files are stamped, not a whole clock's tick before or after. */
static void
test_now(void **state)
{
	struct maildir m = open_new(*state);
	int64_t before, now, last;

	before = maildir_now(m.dir[CUR]);
	scratch_write(*state, "cur/1", "m");
	now = maildir_now(m.dir[CUR]);
	assert_true(before > clock_ns() - 60 * CLOCK_NS);
	assert_true(before <= now && now <= clock_ns());
	(void)maildir_time(&m, CUR, &last);
	assert_int_equal(last, now);
	assert_int_equal(maildir_now(-1), 0);
	maildir_close(&m);
}

#define MS (CLOCK_NS / 1000)

static void
test_is_past(void **state)
{
	const int64_t now = 1700000000 * CLOCK_NS + 5, whole = now - 5;

	(void)state;
	assert_true(maildir_is_past(now - 101 * MS, now));
	assert_false(maildir_is_past(now - 100 * MS, now));
	assert_false(maildir_is_past(now - 1, now));
	assert_false(maildir_is_past(now, now));
	/* Without a fraction it may be a file system that knows none. */
	assert_true(maildir_is_past(whole - 3 * CLOCK_NS, now));
	assert_false(maildir_is_past(whole - 2 * CLOCK_NS, now));
	assert_false(maildir_is_past(whole - CLOCK_NS, now));
	assert_true(maildir_is_past(whole - 2 * CLOCK_NS, whole + 101 * MS));
	/* Yet to come: never; nor anything by a clock that cannot be read. */
	assert_false(maildir_is_past(now + 1, now));
	assert_false(maildir_is_past(now + 86400 * CLOCK_NS, now));
	assert_false(maildir_is_past(INT64_MAX, now));
	assert_false(maildir_is_past(now - CLOCK_NS, 0));
	assert_false(maildir_is_past(-5 * CLOCK_NS, 0));
	assert_false(maildir_is_past(INT64_MIN, 0));
	assert_false(maildir_is_past(0, now));
	assert_true(maildir_is_past(TIME_ABSENT, now));
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
		IN_SCRATCH(test_measure_given_up),
		IN_SCRATCH(test_measure_growing),
		IN_SCRATCH(test_move_and_search),
		IN_SCRATCH(test_move),
		IN_SCRATCH(test_move_to_same_file),
		IN_SCRATCH(test_move_impossible),
		IN_SCRATCH(test_move_undone),
		IN_SCRATCH(test_longest_name),
		IN_SCRATCH(test_stamp),
		IN_SCRATCH(test_time_put_back),
		IN_SCRATCH(test_stamp_between),
		IN_SCRATCH(test_now),
		cmocka_unit_test(test_is_past),
		cmocka_unit_test(test_unique),
	};

	return cmocka_run_group_tests_name("maildir", tests, NULL, NULL);
}
