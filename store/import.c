#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store/import.h"
#include "store/unpack.h"

#define ENDING	   ".mbox" /* of the base names of what is imported */
#define LOCK_TRIES 100
#define LOCK_PAUSE 20000000L /* ns */

/* An imported message that the mailbox has. */
struct known {
	char hash[UNPACK_HASH];
	uint64_t number;
	size_t met; /* of the first with a hash: how often the file had it */
};

struct run {
	struct import *im;
	struct deposit *deposit;
	struct mbox *mbox;
	struct known *known; /* sorted by hash and number */
	size_t nknown;
	struct uidls brought;
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

static int
compare(const void *va, const void *vb)
{
	const struct known *a = va, *b = vb;
	int c = memcmp(a->hash, b->hash, UNPACK_HASH);

	return c != 0 ? c : (a->number > b->number) - (a->number < b->number);
}

/* By its base name: TIME.NnumberHhash.mbox.  0: it was not imported. */
static int
parse_known(const struct listed *listed, struct known *k)
{
	const size_t tail = UNPACK_HASH + strlen(ENDING);
	const char *end = listed->name + listed->base, *s;

	s = strstr(listed->name, ".N");
	if (s == NULL || listed->base < tail ||
	    memcmp(end - strlen(ENDING), ENDING, strlen(ENDING)) != 0)
		return 0;
	k->number = strtoull(s + 2, NULL, 10);
	memcpy(k->hash, end - tail, UNPACK_HASH);
	return k->number < UINT32_MAX;
}

static int
learn_known(struct run *r, const struct maildir *maildir)
{
	struct listing l = { .n = 0 };
	size_t i;
	int error;

	if ((error = listing_read(&l, maildir, NEW)) == 0)
		error = listing_read(&l, maildir, CUR);
	listing_sort(&l);
	r->known = calloc(l.n + 1, sizeof(*r->known));
	if (r->known == NULL)
		error = ENOMEM;
	for (i = 0; error == 0 && i < l.n; i++)
		r->nknown += (size_t)parse_known(
		    &l.entry[i], &r->known[r->nknown]);
	listing_free(&l);
	if (error == 0)
		qsort(r->known, r->nknown, sizeof(*r->known), compare);
	return error;
}

/* Of those that are the same, the first; or NULL. */
static struct known *
first_known(struct run *r, const char *hash)
{
	size_t low = 0, high = r->nknown, i;

	while (low < high) {
		i = low + (high - low) / 2;
		if (memcmp(r->known[i].hash, hash, UNPACK_HASH) < 0)
			low = i + 1;
		else
			high = i;
	}
	if (low == r->nknown ||
	    memcmp(r->known[low].hash, hash, UNPACK_HASH) != 0)
		return NULL;
	return &r->known[low];
}

/*
 * Does the mailbox have it, as often as the file does?  If not, *last is the
 * highest number of those that are the same.  A file may have one message a
 * hundred thousand times: none of them is looked at twice.
 */
static int
is_known(struct run *r, const char *hash, uint64_t *last)
{
	struct known *first = first_known(r, hash), *k;

	*last = 0;
	if (first == NULL)
		return 0;
	k = first + first->met;
	if (k < r->known + r->nknown &&
	    memcmp(k->hash, hash, UNPACK_HASH) == 0) {
		first->met++;
		return 1;
	}
	*last = k[-1].number;
	return 0;
}

/*
 * The number keeps those of one second in order, and those apart that are
 * the same.
 */
static int
take_message(struct run *r, struct mbox_message *message)
{
	char hash[UNPACK_HASH + 1], base[NAME_OCTETS];
	unsigned long long number;
	uint64_t last;
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
	if (is_known(r, hash, &last)) {
		r->im->present++;
		return deposit_discard(r->deposit);
	}
	number = last + r->number;
	snprintf(base, sizeof(base), "%lld.N%08lluH%s" ENDING,
	    (long long)message->date, number, hash);
	r->im->added++;
	if (r->im->ids && (error = unpack_id(&r->brought, r->mbox, message,
			       base)) != 0)
		return error;
	/* To cur/, where the index would move it next. */
	message->seen_before = 1;
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

static int
import_run(struct run *r, const char *path, const char *dir,
    const struct maildir *maildir)
{
	struct stat st;
	int error;

	if ((error = lock_file(r->im->fd)) != 0)
		return error;
	if (fstat(r->im->fd, &st) == -1)
		return errno;
	r->date = st.st_mtim.tv_sec;
	r->size = (uint64_t)st.st_size;
	if ((error = learn_known(r, maildir)) != 0 ||
	    (error = deposit_open(r->deposit, path, maildir)) != 0 ||
	    (error = take_all(r)) != 0 ||
	    (error = deposit_sync(r->deposit)) != 0 ||
	    (error = mbox_unchanged(r->mbox)) != 0 ||
	    (error = unpack_ids(&r->brought, dir, &r->im->with_id)) != 0)
		return error;
	return deposit_place(r->deposit);
}

int
import_mbox(struct import *im, const char *path, const char *dir,
    const struct maildir *maildir)
{
	struct run r = { .im = im };

	im->error = ENOMEM;
	r.deposit = calloc(1, sizeof(*r.deposit));
	r.mbox = mbox_new(im->fd, MBOX_ANYBODY, given_up, &r);
	if (r.deposit != NULL && r.mbox != NULL) {
		r.deposit->tmp = -1;
		im->error = import_run(&r, path, dir, maildir);
		im->odd = *mbox_odd(r.mbox);
		deposit_close(r.deposit);
	}
	free(r.deposit);
	mbox_free(r.mbox);
	free(r.known);
	uidls_free(&r.brought);
	return im->error;
}
