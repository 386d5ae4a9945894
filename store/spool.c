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
#include "store/copies.h"
#include "store/dir.h"
#include "store/spool.h"

#define HASH	    16 /* digits: to tell what is ours from the rest */
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
	int first; /* no ids are here yet: those of Dovecot are believed */
	int resumed;
	struct copies copies; /* where resumed; and the ids */
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
	    O_RDWR | NO_WAITING);
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
	struct stat st, there;

	if (has_lock_file(e->spool))
		return EAGAIN;
	if (fcntl(e->spool->fd, F_SETLK, &fl) == -1)
		return errno == EACCES ? EAGAIN : errno;
	if (fstat(e->spool->fd, &st) == -1)
		return errno;
	if (lstat(e->spool->path, &there) == -1 ||
	    there.st_dev != st.st_dev || there.st_ino != st.st_ino)
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
	if (error == EAGAIN)
		log_warn("spool %s is locked by another program%s, and its "
		    "user is told to come back", e->spool->path,
		    has_lock_file(e->spool) ? " (by its lock file)" : "");
	return error;
}

static int
take_message(struct emptying *e, struct mbox_message *message)
{
	char hash[UNPACK_HASH + 1], base[NAME_OCTETS];
	const struct copy *k;
	int error;

	error = unpack_message(e->mbox, message, e->deposit, hash);
	if (error != 0)
		return error;
	hash[HASH] = '\0';
	k = message->internal ? NULL :
	    copies_next(&e->copies, message->date, hash);
	if (message->internal || (k != NULL && k->name == NULL))
		return deposit_discard(e->deposit);
	if (k != NULL)
		return unpack_keep(message, e->deposit, k->name);
	copies_name(&e->copies, message->date, message->offset, hash, base);
	if (e->first && (error = unpack_id(&e->copies.uidls, e->mbox,
			     message, base)) != 0)
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

/*
 * The mark is on the disk before any message is seen in new/.  One that is
 * there already is opened by nobody, whatever its owner made of it.
 */
static int
make_mark(const struct emptying *e, const char *mark)
{
	int fd;

	if (!e->resumed) {
		fd = open(mark, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd == -1)
			return errno;
		close(fd);
	}
	return dir_sync_path(e->ledger->dir);
}

/*
 * Where Dovecot served the mbox it left ids in it; but anybody can send a
 * message with such fields, which stands first in an mbox that was emptied.
 * So they are believed once, and even an empty file says that they were.
 */
static int
write_ids(struct emptying *e, const char *mark)
{
	int error;

	if (!e->first)
		return 0;
	if ((error = uidls_sort(&e->copies.uidls, NULL, NULL)) == 0)
		error = uidls_write(&e->copies.uidls, e->ledger->dir);
	if (error != 0 && !e->resumed)
		(void)unlink(mark);
	return error;
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

/* What was done by whoever was interrupted? */
static int
look_back(struct emptying *e, const char *mark)
{
	const struct ledger *l = e->ledger;
	struct uidls_stamp stamp;

	e->first = uidls_look(l->dir, &stamp) == ENOENT;
	e->resumed = access(mark, F_OK) == 0;
	if (!e->resumed)
		return 0;
	return copies_learn(&e->copies, &l->maildir[INBOX], l->dir);
}

static int
empty(struct emptying *e, int *begun)
{
	const struct ledger *l = e->ledger;
	char mark[PATH_MAX];
	int error;

	if ((error = dir_path(mark, l->dir, MARK)) != 0 ||
	    (error = take_lock(e)) != 0 ||
	    (error = deposit_open(
		 e->deposit, l->path, &l->maildir[INBOX])) != 0 ||
	    (error = look_back(e, mark)) != 0)
		return error;
	*begun = e->resumed;
	if ((error = take_all(e)) != 0 ||
	    (error = deposit_sync(e->deposit)) != 0 ||
	    (error = mbox_unchanged(e->mbox)) != 0 ||
	    (error = make_mark(e, mark)) != 0 ||
	    (error = write_ids(e, mark)) != 0)
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
	struct emptying e = { .spool = s, .ledger = l,
		.copies = { .ending = ".spool", .dated = 1,
			.uidls = { .given_up = ledger_given_up,
				.arg = l } } };
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
	copies_free(&e.copies);
	free(e.deposit);
	mbox_free(e.mbox);
	return error;
}
