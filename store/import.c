#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/copies.h"
#include "store/import.h"

#define LOCK_TRIES 100
#define LOCK_PAUSE 20000000L /* ns */

struct run {
	struct import *im;
	struct deposit *deposit;
	struct mbox *mbox;
	struct copies copies;
	size_t nids; /* that the mailbox had before */
	int64_t date; /* of the message before, or of the file */
	uint64_t number, size;
};

/* Delivery agents that lock by fcntl(2) wait, and so do we. */
static int
lock_file(int fd)
{
	static const struct timespec pause = { 0, LOCK_PAUSE };
	struct flock fl = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int tries = LOCK_TRIES;

	while (fcntl(fd, F_SETLK, &fl) == -1) {
		if (errno != EACCES && errno != EAGAIN)
			return 0; /* a file system without: as well as can be */
		if (tries-- == 0)
			return EAGAIN;
		nanosleep(&pause, NULL);
	}
	return 0;
}

/* Its copy is here, or it comes back under its name. */
static int
take_copy(struct run *r, struct mbox_message *message, const struct copy *k)
{
	if (k->name == NULL) {
		r->im->present++;
		return deposit_discard(r->deposit);
	}
	r->im->added++;
	r->im->with_id++;
	return unpack_keep(message, r->deposit, k->name);
}

static int
take_message(struct run *r, struct mbox_message *message)
{
	char hash[UNPACK_HASH + 1], base[NAME_OCTETS];
	const struct copy *k;
	int error;

	error = unpack_message(r->mbox, message, r->deposit, hash);
	if (error != 0)
		return error;
	r->number++;
	if (message->internal)
		return deposit_discard(r->deposit);
	if (message->date == 0)
		message->date = r->date;
	r->date = message->date;
	/* To cur/, where the index would move it next. */
	message->seen_before = 1;
	k = copies_next(&r->copies, message->date, hash);
	if (k != NULL)
		return take_copy(r, message, k);
	copies_name(&r->copies, message->date, r->number, hash, base);
	r->im->added++;
	if (r->im->ids && (error = unpack_id(&r->copies.uidls, r->mbox,
			       message, base)) != 0)
		return error;
	return unpack_keep(message, r->deposit, base);
}

static int
given_up(void *arg)
{
	const struct run *r = arg;
	const struct import *im = r->im;

	return im->progress != NULL &&
	    im->progress(im->progress_arg, mbox_offset(r->mbox), r->size);
}

static int
take_all(struct run *r)
{
	struct mbox_message message;
	int error;

	while ((error = mbox_next(r->mbox, &message)) == 0)
		if ((error = take_message(r, &message)) != 0)
			return error;
	return error == MBOX_END ? 0 : error;
}

/* Behind those that are there, which stay. */
static int
write_ids(struct run *r, const char *dir)
{
	struct uidls *u = &r->copies.uidls;
	int error;

	if (u->n == r->nids)
		return 0;
	if ((error = uidls_sort(u, NULL, NULL)) != 0)
		return error;
	r->im->with_id += u->n - r->nids;
	return uidls_write(u, dir);
}

static int
import_run(struct run *r, struct ledger *l)
{
	const struct maildir *maildir = &l->maildir[INBOX];
	struct stat st;
	int error;

	if ((error = lock_file(r->im->fd)) != 0)
		return error;
	if (fstat(r->im->fd, &st) == -1)
		return errno;
	r->date = st.st_mtim.tv_sec;
	r->size = (uint64_t)st.st_size;
	if ((error = copies_learn(
		 &r->copies, maildir, r->im->ids ? l->dir : NULL)) != 0)
		return error;
	r->nids = r->copies.uidls.n;
	if ((error = deposit_open(r->deposit, l->path, maildir)) != 0 ||
	    (error = take_all(r)) != 0 ||
	    (error = deposit_sync(r->deposit)) != 0 ||
	    (error = mbox_unchanged(r->mbox)) != 0 ||
	    (error = lock_check(&l->lock)) != 0 ||
	    (error = write_ids(r, l->dir)) != 0)
		return error;
	return deposit_place(r->deposit);
}

int
import_mbox(struct import *im, struct ledger *l)
{
	struct run r = { .im = im, .copies = { .ending = ".mbox" } };

	im->error = ENOMEM;
	r.deposit = calloc(1, sizeof(*r.deposit));
	r.mbox = mbox_new(im->fd, MBOX_ANYBODY, given_up, &r);
	if (r.deposit != NULL && r.mbox != NULL) {
		r.deposit->tmp = -1;
		im->error = import_run(&r, l);
		im->odd = *mbox_odd(r.mbox);
		deposit_close(r.deposit);
	}
	free(r.deposit);
	mbox_free(r.mbox);
	copies_free(&r.copies);
	return im->error;
}
