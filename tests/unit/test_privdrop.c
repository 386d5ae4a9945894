/*
 * Leaving root for good.  Each attempt is a child's, for there is no way
 * back; and root's, or there is nothing to leave.
 */
#include <errno.h>
#include <grp.h>

#include "tests/unit/unit.h"

#include "common/log.h"
#include "common/privdrop.h"

#define UID 65531 /* nobody's */
#define GID 65532

/* What a child found that should not be; its exit status. */
enum wrong { NOTHING, REFUSED, IDS, GROUPS, BACK, ROOT };

static int
root_comes_back(void)
{
	return setuid(0) != -1 || seteuid(0) != -1 || setgid(0) != -1 ||
	    setegid(0) != -1 || setresuid(0, 0, 0) != -1 ||
	    setgroups(0, NULL) != -1;
}

/* Nothing there, nothing to be made there, and no way out by "..". */
static int
locked_in(void)
{
	struct stat root, here;

	return access("/", W_OK) == -1 && access("/etc", F_OK) == -1 &&
	    stat("/", &root) == 0 && stat(".", &here) == 0 &&
	    root.st_ino == here.st_ino && root.st_dev == here.st_dev;
}

static enum wrong
drop(const char *root)
{
	uid_t uid[3];
	gid_t gid[3], groups[8];
	int i;

	/* Groups of root's own, to be lost. */
	if (setgroups(2, (gid_t[2]){ 0, 1 }) == -1 ||
	    privdrop(UID, GID, root) == -1)
		return REFUSED;
	if (getresuid(&uid[0], &uid[1], &uid[2]) == -1 ||
	    getresgid(&gid[0], &gid[1], &gid[2]) == -1)
		return IDS;
	for (i = 0; i < 3; i++)
		if (uid[i] != UID || gid[i] != GID)
			return IDS;
	if (getgroups(8, groups) != 1 || groups[0] != GID)
		return GROUPS;
	if (locked_in() != (root != NULL))
		return ROOT;
	return root_comes_back() ? BACK : NOTHING;
}

static enum wrong
in_child(const char *root)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit((int)drop(root));
	assert_true(pid != -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return (enum wrong)WEXITSTATUS(status);
}

static void
test_drop(void **state)
{
	(void)state;
	assert_int_equal(in_child(NULL), NOTHING);
}

/* It is made when it is missing, and used when it is there. */
static void
test_locked_in(void **state)
{
	char *dir = scratch_path(*state, "empty");
	struct stat st;

	assert_int_equal(in_child(dir), NOTHING);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0222, 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(in_child(dir), NOTHING);
}

/* Only an empty directory that nobody else can write to will do. */
static void
test_bad_root(void **state)
{
	char *dir = scratch_path(*state, "dir");
	char *link = scratch_path(*state, "link");

	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(in_child(dir), NOTHING);
	assert_int_equal(symlink("dir", link), 0);
	assert_int_equal(in_child(link), REFUSED);
	assert_int_equal(chmod(dir, 0775), 0);
	assert_int_equal(in_child(dir), REFUSED);
	assert_int_equal(chmod(dir, 0757), 0);
	assert_int_equal(in_child(dir), REFUSED);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chown(dir, UID, 0), 0);
	assert_int_equal(in_child(dir), REFUSED);
	assert_int_equal(chown(dir, 0, 0), 0);
	scratch_write(*state, "dir/.hidden", "");
	assert_int_equal(in_child(dir), REFUSED);
	assert_int_equal(unlink(scratch_path(*state, "dir/.hidden")), 0);
	assert_int_equal(in_child(dir), NOTHING);
	scratch_write(*state, "file", "");
	assert_int_equal(in_child(scratch_path(*state, "file")), REFUSED);
	assert_int_equal(
	    in_child(scratch_path(*state, "missing/dir")), REFUSED);
}

/* Refused before anything is done: the caller is still who it was. */
static void
test_never_root(void **state)
{
	char *dir = scratch_path(*state, "empty");
	struct stat st;

	assert_int_equal(privdrop(0, GID, dir), -1);
	assert_int_equal(privdrop(UID, 0, dir), -1);
	assert_int_equal(privdrop(0, 0, NULL), -1);
	assert_int_equal(stat(dir, &st), -1);
	assert_int_equal(errno, ENOENT);
}

/* Somebody who is not root cannot become somebody else. */
static void
test_not_root(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (geteuid() == 0 && setuid(UID) == -1)
			_exit(2);
		_exit(privdrop(UID + 2, GID, NULL) == -1 ? 0 : 1);
	}
	assert_true(pid != -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest of_root[] = {
		cmocka_unit_test(test_drop),
		IN_SCRATCH(test_locked_in),
		IN_SCRATCH(test_bad_root),
	};
	const struct CMUnitTest of_all[] = {
		IN_SCRATCH(test_never_root),
		cmocka_unit_test(test_not_root),
	};
	int failed;

	log_open("test_privdrop", 0);
	failed = cmocka_run_group_tests_name("privdrop", of_all, NULL, NULL);
	if (geteuid() == 0)
		failed += cmocka_run_group_tests_name(
		    "privdrop, root", of_root, NULL, NULL);
	else
		printf("SKIPPED: dropping root, for root did not start this\n");
	return failed;
}
