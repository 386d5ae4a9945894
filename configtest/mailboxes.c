#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/privdrop.h"
#include "configtest/mailboxes.h"
#include "configtest/tell.h"

/* Not one of errno's: the process could not become the owner. */
#define NO_OWNER 255

static int
use(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return errno;
	if (!S_ISDIR(st.st_mode))
		return ENOTDIR;
	return access(path, R_OK | W_OK | X_OK) == -1 ? errno : 0;
}

/* 0, or an errno value: of the Maildir, or of new/ or cur/ in it. */
static int
use_all(const char *maildir)
{
	static const char *const parts[] = { "", "/new", "/cur" };
	char path[MAILDIR_MAX + 8];
	size_t i;
	int error = 0;

	for (i = 0; error == 0 && i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", maildir, parts[i]);
		error = use(path);
	}
	return error;
}

static int
use_as_owner(const struct account *account)
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		return account->uid == geteuid() ? use_all(account->maildir) :
						   0;
	if ((pid = fork()) == 0) {
		if (privdrop(account->uid, account->gid, NULL) == -1)
			_exit(NO_OWNER);
		_exit(use_all(account->maildir));
	}
	if (pid == -1 || waitpid(pid, &status, 0) == -1 || !WIFEXITED(status))
		return NO_OWNER;
	return WEXITSTATUS(status);
}

void
mailboxes_try(const char *where, const struct account *account)
{
	const int error = use_as_owner(account);

	if (error == NO_OWNER)
		(void)tell_wrong("%s: %s: nobody can be uid %lu, its owner; "
		    "pop3ctl set %s owner=USER", where, account->address,
		    (unsigned long)account->uid, account->address);
	else if (error == ENOENT)
		(void)tell_wrong("%s: %s: its mailbox %s is not there; is its "
		    "file system mounted? Else pop3ctl add %s makes it", where,
		    account->address, account->maildir, account->address);
	else if (error != 0)
		(void)tell_wrong("%s: %s: uid %lu cannot use its mailbox %s: "
		    "%s; it needs read and write access there, and to pass "
		    "the directories above", where, account->address,
		    (unsigned long)account->uid, account->maildir,
		    strerror(error));
}
