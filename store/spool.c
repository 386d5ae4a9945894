#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "store/dir.h"
#include "store/spool.h"
#include "store/unpack.h"

#define ENDING	    ".spool" /* of the base names of what was taken in */
#define HASH	    16	     /* digits: to tell what is ours from the rest */
#define LOCK_WAIT   2000     /* ms */
#define LOCK_PAUSE  20
#define STALE_LOCK  300 /* seconds, after which nobody has a lock file */

/* In the index's directory: the mbox's mail may be in new/ already. */
#define MARK "spool"

struct emptying {
	struct spool *spool;
	struct ledger *ledger;
	struct deposit *deposit;
	struct mbox *mbox;
	struct stat st;
	int resumed;
	struct listing present; /* where resumed */
	struct uidls brought;	/* ids, where Dovecot served it so far */
};

/* Why it must not be emptied, or NULL. */
static const char *
objection(const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "it is not a regular file";
	if (st->st_uid != geteuid())
		return "it does not belong to the user; chown it";
	if (st->st_nlink != 1)
		return "it has a second name, by a hard link; remove one";
	return NULL;
}

void
spool_open(struct spool *s, const char *path)
{
	struct stat st = { .st_size = 0 };
	const char *wrong;

	s->fd = -1;
	if (strlcpy(s->path, path, sizeof(s->path)) >= sizeof(s->path) ||
	    (size_t)snprintf(s->lock, sizeof(s->lock), "%s.lock", path) >=
		sizeof(s->lock))
		return;
	s->fd = open(path,
	    O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (s->fd == -1 && errno == ENOENT)
		return;
	if (s->fd == -1 || fstat(s->fd, &st) == -1)
		wrong = strerror(errno);
	else
		wrong = objection(&st);
	if (wrong != NULL)
		log_warn("spool %s is not emptied: %s", path, wrong);
	if (wrong != NULL || st.st_size == 0 ||
	    sandbox_store_sees(s->path) == -1 ||
	    sandbox_store_sees(s->lock) == -1)
		spool_close(s);
}

void
spool_close(struct spool *s)
{
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
}

/* A lock file that is old was left behind by somebody who is no more. */
static int
has_lock_file(const struct spool *s)
{
	struct stat st;

	return lstat(s->lock, &st) == 0 &&
	    st.st_mtim.tv_sec > clock_ns() / CLOCK_NS - STALE_LOCK;
}

/* The lock, on the file that the path still leads to: 0, EAGAIN, ... */
static int
try_lock(struct emptying *e)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat there;

	if (has_lock_file(e->spool))
		return EAGAIN;
	if (fcntl(e->spool->fd, F_SETLK, &fl) == -1)
		return errno == EACCES ? EAGAIN : errno;
	if (fstat(e->spool->fd, &e->st) == -1)
		return errno;
	if (lstat(e->spool->path, &there) == -1 ||
	    there.st_dev != e->st.st_dev || there.st_ino != e->st.st_ino)
		return EAGAIN; /* replaced: the next login opens the new one */
	return has_lock_file(e->spool) ? EAGAIN : 0;
}

static int
take_lock(struct emptying *e)
{
	static const struct timespec pause = { 0, LOCK_PAUSE * 1000000L };
	int64_t deadline = clock_ms() + LOCK_WAIT;
	int error;

	while ((error = try_lock(e)) == EAGAIN && clock_ms() < deadline &&
	    !ledger_given_up(e->ledger))
		nanosleep(&pause, NULL);
	return error;
}

/* The base name: the time is the message's, the rest says which it is. */
static void
name_message(const struct emptying *e, const struct mbox_message *message,
    const char *hash, char base[NAME_OCTETS])
{
	int dir = e->deposit->maildir->dir[NEW];
	struct stat st;

	snprintf(base, NAME_OCTETS, "%lld.I%llxO%010lluH%.*s" ENDING,
	    (long long)message->date, (unsigned long long)e->st.st_ino,
	    (unsigned long long)message->offset, HASH, hash);
	/* The same once more, when the last was taken by another program. */
	while (!e->resumed && fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) == 0)
		strlcat(base, "+", NAME_OCTETS);
}

static int
take_message(struct emptying *e, struct mbox_message *message)
{
	char hash[UNPACK_HASH + 1], base[NAME_OCTETS];
	int error;

	error = unpack_message(e->mbox, message, e->deposit, hash);
	if (error != 0)
		return error;
	name_message(e, message, hash, base);
	if (message->internal || listing_find(&e->present, base) != NULL)
		return deposit_discard(e->deposit);
	error = unpack_id(&e->brought, e->mbox, message, base);
	if (error != 0)
		return error;
	return unpack_keep(message, e->deposit, base);
}

static int
take_all(struct emptying *e)
{
	struct mbox_message message;
	int error;

	while ((error = mbox_next(e->mbox, &message)) == 0)
		if ((error = take_message(e, &message)) != 0)
			return error;
	return error == MBOX_END ? 0 : error;
}

/* The mark is on the disk before any message is seen in new/. */
static int
make_mark(const char *dir, const char *mark)
{
	int fd;

	fd = open(mark, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return errno;
	close(fd);
	return dir_sync_path(dir);
}

static int
cut(const struct emptying *e)
{
	int error;

	if ((error = mbox_unchanged(e->mbox)) != 0)
		return error;
	return ftruncate(e->spool->fd, 0) == -1 || fsync(e->spool->fd) == -1 ?
	    errno : 0;
}

static int
look_for_mark(struct emptying *e, const char *mark)
{
	const struct maildir *m = e->deposit->maildir;
	int error;

	e->resumed = access(mark, F_OK) == 0;
	if (!e->resumed)
		return 0;
	if ((error = listing_read(&e->present, m, NEW)) == 0)
		error = listing_read(&e->present, m, CUR);
	listing_sort(&e->present);
	return error;
}

static int
empty(struct emptying *e, int *begun)
{
	const struct ledger *l = e->ledger;
	char mark[PATH_MAX];
	size_t ids;
	int error;

	if ((error = dir_path(mark, l->dir, MARK)) != 0 ||
	    (error = take_lock(e)) != 0 ||
	    (error = deposit_open(
		 e->deposit, l->path, &l->maildir[INBOX])) != 0 ||
	    (error = look_for_mark(e, mark)) != 0)
		return error;
	*begun = e->resumed;
	if ((error = take_all(e)) != 0 ||
	    (error = deposit_sync(e->deposit)) != 0 ||
	    (error = mbox_unchanged(e->mbox)) != 0 ||
	    (error = unpack_ids(&e->brought, l->dir, &ids)) != 0 ||
	    (error = make_mark(l->dir, mark)) != 0)
		return error;
	*begun = 1;
	if ((error = deposit_place(e->deposit)) != 0 || (error = cut(e)) != 0)
		return error;
	(void)unlink(mark);
	return 0;
}

int
spool_empty(struct spool *s, struct ledger *l, int *begun)
{
	struct emptying e = { .spool = s, .ledger = l };
	int error = ENOMEM;

	*begun = 0;
	if (s->fd == -1)
		return 0;
	e.deposit = calloc(1, sizeof(*e.deposit));
	e.mbox = mbox_new(s->fd, MBOX_AGENTS, ledger_given_up, l);
	if (e.deposit != NULL && e.mbox != NULL) {
		e.deposit->tmp = -1;
		error = empty(&e, begun);
		if (error == 0 && e.deposit->names.n > 0)
			log_info("%s: took %zu messages out of %s", l->path,
			    e.deposit->names.n, s->path);
		deposit_close(e.deposit);
	}
	listing_free(&e.present);
	uidls_free(&e.brought);
	free(e.deposit);
	mbox_free(e.mbox);
	return error;
}
