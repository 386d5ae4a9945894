/*
 * The watch: whether anybody else changed a directory while we did; and
 * that with maildir_stamp() no change of theirs is hidden, whenever it comes.
 */
#include <sys/prctl.h>
#include <sys/resource.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>

#include "tests/unit/unit.h"

#include "common/log.h"
#include "common/sandbox.h"
#include "store/maildir.h"
#include "store/watch.h"

#define ROUNDS	4000
#define NAMES	16 /* of ours, and as many of others */
#define MEMORY	"/dev/shm"

/* A Maildir on a file system that can vouch for it, and a watch of cur/. */
static struct watch
open_watch(const char *dir, struct maildir *m)
{
	struct watch w;

	assert_int_equal(maildir_make(dir), 0);
	assert_int_equal(maildir_open(m, dir), 0);
	watch_open(&w, m->dir[CUR]);
	if (!watch_is_local(m->dir[CUR])) {
		assert_int_equal(w.fd, -1);
		maildir_close(m);
		skip();
	}
	assert_true(w.fd != -1);
	return w;
}

static void
close_both(struct watch *w, struct maildir *m)
{
	watch_close(w);
	assert_int_equal(w->fd, -1);
	assert_int_equal(watch_end(w), 0);
	maildir_close(m);
}

static void
move(const struct maildir *m, enum subdir sub, const char *from,
    const char *to)
{
	assert_int_equal(maildir_move(m, sub, from, to), 0);
}

/* Changes of our own: a move from new/, one within cur/, an unlink. */
static void
test_ours(void **state)
{
	struct maildir m;
	struct watch w = open_watch(*state, &m);
	int i;

	assert_int_equal(fcntl(w.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	for (i = 0; i < 3; i++) {
		scratch_write(*state, "cur/before", "forgotten");
		scratch_write(*state, "new/1", "m");
		watch_begin(&w);
		assert_int_equal(watch_end(&w), 1);
		watch_begin(&w);
		move(&m, NEW, "1", "1:2,");
		watch_changed(&w, 1);
		move(&m, CUR, "1:2,", "1:2,S");
		watch_changed(&w, 2);
		assert_int_equal(unlinkat(m.dir[CUR], "1:2,S", 0), 0);
		watch_changed(&w, 1);
		assert_true(maildir_stamp(&m) != 0);
		assert_int_equal(watch_end(&w), 1);
		assert_int_equal(unlinkat(m.dir[CUR], "before", 0), 0);
	}
	close_both(&w, &m);
}

/* Each thing that others do in a directory, alone and beside ours. */
static void
do_other(const struct maildir *m, const char *dir, int what)
{
	int fd;

	switch (what) {
	case 0:
		scratch_write(dir, "cur/made", "m");
		break;
	case 1:
		move(m, CUR, "made", "renamed");
		break;
	case 2:
		assert_int_equal(linkat(m->dir[CUR], "renamed", m->dir[CUR],
				     "linked", 0), 0);
		break;
	case 3:
		assert_int_equal(renameat(m->dir[CUR], "renamed", m->dir[NEW],
				     "renamed"), 0);
		break;
	case 4:
		assert_int_equal(unlinkat(m->dir[CUR], "linked", 0), 0);
		break;
	case 5:
		assert_int_equal(mkdirat(m->dir[CUR], "folder", 0700), 0);
		break;
	case 6:
		assert_int_equal(
		    unlinkat(m->dir[CUR], "folder", AT_REMOVEDIR), 0);
		break;
	case 7:
		/* Opened, written, read, closed: no name changes. */
		fd = openat(m->dir[CUR], "ours", O_WRONLY);
		assert_int_equal(write(fd, "x", 1), 1);
		close(fd);
		break;
	}
}

static void
test_others(void **state)
{
	struct maildir m;
	struct watch w = open_watch(*state, &m);
	int what, ours;

	for (what = 0; what < 8; what++) {
		scratch_write(*state, "cur/ours", "m");
		watch_begin(&w);
		do_other(&m, *state, what);
		assert_int_equal(unlinkat(m.dir[CUR], "ours", 0), 0);
		watch_changed(&w, 1);
		assert_int_equal(watch_end(&w), what == 7);
		assert_int_equal(watch_end(&w), what == 7);
	}
	/* Before ours, between them and after them. */
	for (what = 0; what < 3; what++) {
		watch_begin(&w);
		for (ours = 0; ours < 3; ours++) {
			if (ours == what)
				do_other(&m, *state, 0);
			scratch_write(*state, "cur/ours", "m");
			assert_int_equal(unlinkat(m.dir[CUR], "ours", 0), 0);
			watch_changed(&w, 2);
		}
		assert_int_equal(watch_end(&w), 0);
		assert_int_equal(unlinkat(m.dir[CUR], "made", 0), 0);
	}
	close_both(&w, &m);
}

/* More of ours than the queue has room for, and of the longest names. */
static void
test_many_of_ours(void **state)
{
	char name[2][NAME_OCTETS];
	struct maildir m;
	struct watch w = open_watch(*state, &m);
	int i;

	for (i = 0; i < 2; i++) {
		memset(name[i], 'a' + i, NAME_MAX);
		name[i][NAME_MAX] = '\0';
	}
	close(openat(m.dir[CUR], name[0], O_WRONLY | O_CREAT, 0600));
	watch_begin(&w);
	for (i = 0; i < 10001; i++) {
		move(&m, CUR, name[i % 2], name[(i + 1) % 2]);
		watch_changed(&w, 2);
	}
	assert_int_equal(watch_end(&w), 1);
	/* One of others among them is seen. */
	watch_begin(&w);
	for (i = 1; i < 10001; i++) {
		move(&m, CUR, name[i % 2], name[(i + 1) % 2]);
		watch_changed(&w, 2);
		if (i == 5000)
			do_other(&m, *state, 0);
	}
	assert_int_equal(watch_end(&w), 0);
	close_both(&w, &m);
}

/* So much of others that some is lost: it cannot be told, and then it can. */
static void
test_overflow(void **state)
{
	struct maildir m;
	struct watch w = open_watch(*state, &m);
	int i, begun;

	for (begun = 0; begun < 2; begun++) {
		watch_begin(&w);
		for (i = 0; i < 20000; i++) {
			scratch_write(*state, "cur/other", "m");
			assert_int_equal(unlinkat(m.dir[CUR], "other", 0), 0);
		}
		if (begun)
			assert_int_equal(watch_end(&w), 0);
	}
	watch_begin(&w);
	scratch_write(*state, "cur/ours", "m");
	watch_changed(&w, 1);
	assert_int_equal(watch_end(&w), 1);
	close_both(&w, &m);
}

/* A directory that is moved away is watched no more. */
static void
test_directory_moved(void **state)
{
	char *cur = scratch_path(*state, "cur");
	char *away = scratch_path(*state, "away");
	struct maildir m;
	struct watch w = open_watch(*state, &m);

	watch_begin(&w);
	assert_int_equal(rename(cur, away), 0);
	assert_int_equal(watch_end(&w), 0);
	watch_begin(&w);
	assert_int_equal(watch_end(&w), 0);
	watch_close(&w);
	watch_open(&w, m.dir[CUR]); /* by its descriptor, wherever it is */
	watch_begin(&w);
	assert_int_equal(watch_end(&w), 1);
	assert_int_equal(rename(away, cur), 0);
	assert_int_equal(watch_end(&w), 0);
	close_both(&w, &m);
}

/* No instance to be had, or nothing that could be watched. */
static void
test_no_watch(void **state)
{
	struct rlimit few, before;
	struct maildir m;
	struct watch w = open_watch(*state, &m);
	static const struct watch none = WATCH_NONE;
	int fd;

	watch_close(&w);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	watch_open(&w, m.dir[CUR]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(w.fd, -1);
	watch_begin(&w);
	watch_changed(&w, 1);
	assert_int_equal(watch_end(&w), 0);
	watch_close(&w);
	w = none;
	assert_int_equal(watch_end(&w), 0);
	/* A file system that does not vouch. */
	assert_true((fd = open("/proc", O_RDONLY | O_DIRECTORY)) != -1);
	assert_int_equal(watch_is_local(fd), 0);
	watch_open(&w, fd);
	assert_int_equal(w.fd, -1);
	close(fd);
	assert_int_equal(watch_is_local(-1), 0);
	watch_open(&w, -1);
	assert_int_equal(w.fd, -1);
	maildir_close(&m);
}

/* In the store's sandbox, entered after the watch was made, as by the store. */
static void
test_in_sandbox(void **state)
{
	struct maildir m;
	struct watch w = open_watch(*state, &m);
	int status, good;
	pid_t pid;

	scratch_write(*state, "new/1", "m");
	if ((pid = fork()) == 0) {
		if (sandbox_store(*state, -1, 0) == -1)
			_exit(2);
		watch_begin(&w);
		good = maildir_move(&m, NEW, "1", "1:2,") == 0;
		watch_changed(&w, 1);
		good = good && maildir_stamp(&m) != 0 && watch_end(&w) == 1;
		watch_begin(&w);
		good = good && unlinkat(m.dir[CUR], "1:2,", 0) == 0 &&
		    watch_end(&w) == 0;
		watch_close(&w);
		_exit(!good);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close_both(&w, &m);
}

/* The names in cur/, one bit each: ours a to p, those of others A to P. */
static uint32_t
names_in(const struct maildir *m)
{
	int fd = openat(m->dir[CUR], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dirp = fdopendir(fd);
	struct dirent *d;
	uint32_t names = 0;

	assert_non_null(dirp);
	while ((d = readdir(dirp)) != NULL)
		if (d->d_name[0] >= 'a')
			names |= 1u << (d->d_name[0] - 'a');
		else if (d->d_name[0] >= 'A')
			names |= 1u << (NAMES + d->d_name[0] - 'A');
	closedir(dirp);
	return names;
}

/* Makes, removes or renames; 1 if it made so many events. */
static int
change(const struct maildir *m, char first, unsigned int *seed, uint32_t *names)
{
	unsigned int i = (unsigned int)rand_r(seed) % NAMES;
	unsigned int j = (unsigned int)rand_r(seed) % NAMES;
	char a[2] = { (char)(first + (int)i), '\0' };
	char b[2] = { (char)(first + (int)j), '\0' };

	if ((*names & 1u << i) == 0) {
		close(openat(m->dir[CUR], a, O_WRONLY | O_CREAT, 0600));
		*names |= 1u << i;
		return 1;
	}
	if (i == j || (*names & 1u << j) != 0) {
		(void)unlinkat(m->dir[CUR], a, 0);
		*names &= ~(1u << i);
		return 1;
	}
	(void)maildir_move(m, CUR, a, b);
	*names = (*names & ~(1u << i)) | 1u << j;
	return 2;
}

/* Somebody else, at random moments, until killed, or until we end. */
static pid_t
start_other(const struct maildir *m)
{
	unsigned int seed = 1;
	uint32_t names = 0;
	pid_t pid = fork();

	assert_true(pid != -1);
	if (pid == 0)
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	while (pid == 0) {
		(void)change(m, 'A', &seed, &names);
		if (rand_r(&seed) % 3 != 0)
			usleep((useconds_t)rand_r(&seed) % 300);
	}
	return pid;
}

/*
 * Says how a round went: 0: others were seen at once; 1: the time that was
 * recorded shows them; 2: there were none.  A hidden one ends the test.
 */
static int
play_round(struct watch *w, const struct maildir *m, unsigned int *seed)
{
	uint32_t expected, ours, found;
	int n = rand_r(seed) % 5;
	int64_t stamp;

	watch_begin(w);
	expected = names_in(m);
	ours = expected & ((1u << NAMES) - 1);
	while (n-- > 0)
		watch_changed(w, change(m, 'a', seed, &ours));
	expected = (expected & ~((1u << NAMES) - 1)) | ours;
	stamp = maildir_stamp(m);
	if (!watch_end(w) || stamp == 0)
		return 0;
	if (rand_r(seed) % 4 == 0)
		usleep((useconds_t)rand_r(seed) % 300);
	found = names_in(m);
	if (maildir_time(m, CUR, NULL) != stamp)
		return 1;
	assert_int_equal(found, expected);
	return 2;
}

static void
stress(const char *dir)
{
	int i, status, seen[3] = { 0, 0, 0 };
	unsigned int seed = 2;
	struct maildir m;
	struct watch w = open_watch(dir, &m);
	pid_t other = start_other(&m);

	for (i = 0; i < ROUNDS; i++)
		seen[play_round(&w, &m, &seed)]++;
	assert_int_equal(kill(other, SIGKILL), 0);
	assert_int_equal(waitpid(other, &status, 0), other);
	print_message("%s: %d seen, %d shown by the time, %d without others\n",
	    dir, seen[0], seen[1], seen[2]);
	/* All three were to be had, or nothing was tried. */
	assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
	close_both(&w, &m);
}

static void
test_stress(void **state)
{
	stress(*state);
}

static int
make_in_memory(void **state)
{
	char template[] = MEMORY "/pop3d-unit.XXXXXX";

	*state = strdup(template);
	return *state == NULL || mkdtemp(*state) == NULL ? -1 : 0;
}

static void
test_stress_in_memory(void **state)
{
	stress(*state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_ours),
		IN_SCRATCH(test_others),
		IN_SCRATCH(test_many_of_ours),
		IN_SCRATCH(test_overflow),
		IN_SCRATCH(test_directory_moved),
		IN_SCRATCH(test_no_watch),
		IN_SCRATCH(test_in_sandbox),
		IN_SCRATCH(test_stress),
		cmocka_unit_test_setup_teardown(test_stress_in_memory,
		    make_in_memory, scratch_remove),
	};

	log_open("test_watch", 0);
	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
