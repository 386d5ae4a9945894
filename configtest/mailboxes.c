#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/privdrop.h"
#include "configtest/mailboxes.h"
#include "configtest/tell.h"

/* Not of errno's: there was no becoming the owner; a link leads elsewhere. */
#define NO_OWNER (-1)
#define OUTSIDE	 (-2)

/* What a session could not use. */
struct obstacle {
	int error; /* 0: there is none */
	char path[PATH_MAX];
};

/* What a session uses of a mailbox. */
static const struct part {
	const char *name;
	mode_t kind;
	int must; /* be there */
	int junk; /* it is in the junk folder */
} parts[] = { { "", S_IFDIR, 1, 0 }, { "/new", S_IFDIR, 1, 0 },
	{ "/cur", S_IFDIR, 1, 0 }, { "/pop3d", S_IFDIR, 0, 0 },
	{ "/pop3d/index.db", S_IFREG, 0, 0 }, { "/pop3d/lock", S_IFREG, 0, 0 },
	{ "/pop3d/journal", S_IFREG, 0, 0 }, { "", S_IFDIR, 0, 1 },
	{ "/new", S_IFDIR, 0, 1 }, { "/cur", S_IFDIR, 0, 1 } };

/* The sandbox admits what is in the Maildir, wherever that may be. */
static int
is_inside(const char *maildir, const char *path)
{
	char top[PATH_MAX], real[PATH_MAX];
	size_t len;

	if (realpath(maildir, top) == NULL || realpath(path, real) == NULL)
		return 0;
	len = strlen(top);
	return strncmp(real, top, len) == 0 &&
	    (real[len] == '\0' || real[len] == '/');
}

static int
use(const struct account *account, const struct part *part, const char *path)
{
	int rights = R_OK | W_OK | (part->kind == S_IFDIR ? X_OK : 0);
	struct stat st;

	if (stat(path, &st) == -1)
		return errno == ENOENT && !part->must ? 0 : errno;
	if ((st.st_mode & S_IFMT) != part->kind)
		return part->kind == S_IFDIR ? ENOTDIR : EINVAL;
	if (access(path, rights) == -1)
		return errno;
	return is_inside(account->maildir, path) ? 0 : OUTSIDE;
}

static void
use_all(const struct conf *conf, const struct account *account,
    struct obstacle *o)
{
	const int junk = account->policy.spam != SPAM_EXCLUDE;
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].junk && !junk)
			continue;
		snprintf(o->path, sizeof(o->path), "%s%s%s%s",
		    account->maildir, parts[i].junk ? "/" : "",
		    parts[i].junk ? conf->junk : "", parts[i].name);
		if ((o->error = use(account, &parts[i], o->path)) != 0)
			return;
	}
}

/* In a process that is the owner: what it finds comes through a pipe. */
static void
use_as_owner(const struct conf *conf, const struct account *account,
    struct obstacle *o)
{
	int fd[2];
	pid_t pid;

	o->error = NO_OWNER;
	if (pipe(fd) == -1)
		return;
	if ((pid = fork()) == 0) {
		if (privdrop(account->uid, account->gid, NULL) == 0)
			use_all(conf, account, o);
		_exit(write(fd[1], o, sizeof(*o)) != sizeof(*o));
	}
	close(fd[1]);
	if (pid == -1 || read(fd[0], o, sizeof(*o)) != sizeof(*o))
		o->error = NO_OWNER;
	close(fd[0]);
	if (pid != -1)
		(void)waitpid(pid, NULL, 0);
}

void
mailboxes_try(const struct conf *conf, const char *where,
    const struct account *account)
{
	static struct obstacle o; /* large */

	o.error = 0;
	if (geteuid() == 0)
		use_as_owner(conf, account, &o);
	else if (account->uid == geteuid())
		use_all(conf, account, &o);
	if (o.error == NO_OWNER)
		(void)tell_wrong("%s: %s: nobody can be uid %lu, its owner; "
		    "pop3ctl set %s owner=USER", where, account->address,
		    (unsigned long)account->uid, account->address);
	else if (o.error == OUTSIDE)
		(void)tell_wrong("%s: %s: %s leads out of the mailbox, where "
		    "the sandbox lets no session go; move what it leads to "
		    "into the mailbox", where, account->address, o.path);
	else if (o.error == ENOENT)
		(void)tell_wrong("%s: %s: its mailbox %s is not there; is its "
		    "file system mounted? Else pop3ctl add %s makes it", where,
		    account->address, account->maildir, account->address);
	else if (o.error != 0)
		(void)tell_wrong("%s: %s: uid %lu cannot use its mailbox %s: "
		    "%s; it needs read and write access there, and to pass "
		    "the directories above", where, account->address,
		    (unsigned long)account->uid, o.path, strerror(o.error));
}
