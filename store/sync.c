#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "store/adopt.h"
#include "store/from_now.h"
#include "store/left_out.h"
#include "store/resize.h"
#include "store/sync.h"

/* However little changed, cur/ is read once a day: nothing stays missed. */
#define READ_SECONDS (24 * 60 * 60)

#define BATCH 1000 /* messages in a transaction */
#define FEW   50   /* messages, for which there is room, or the reserve */
#define ASK   16   /* messages until it is asked who waits */

struct sync {
	struct ledger *ledger;
	struct folder_totals *totals;
	int64_t from_now;
	int promised; /* the totals were told: only what was measured counts */
	struct scan scan;
};

/*
 * Gives a found file its place in cur/, and a name of its own if another
 * message has the one it came with.  A file that cannot be moved stays.  With
 * an index in memory all do: on a full disk the names would take the room in
 * cur/ that deleting needs.
 */
static void
move_in(struct sync *s, const struct found *f, struct entry *e)
{
	const struct scan *scan = &s->scan;
	struct entry to = *e;
	char name[NAME_OCTETS];

	if ((e->sub == CUR && !f->renew) || s->ledger->mode == INDEX_MEMORY)
		return;
	if (strncmp(e->suffix, ":2,", 3) != 0)
		strlcpy(to.suffix, ":2,", sizeof(to.suffix));
	if (f->renew)
		maildir_unique(f->delivered, to.base);
	if (entry_name(&to, name) != 0 ||
	    maildir_move(scan->maildir, e->sub, f->listed->name, name) != 0)
		return;
	ledger_changed(s->ledger, scan->folder, e->sub == CUR ? 2 : 1);
	to.sub = CUR;
	*e = to;
}

/*
 * Measures a found file, or finds out that it has gone again or is no mail
 * (MISSED), or that it cannot be read, which may pass (BARRED).
 */
static int
measure(struct sync *s, struct found *f)
{
	char safe[LOG_SAFE_MAX];
	int error, fd;

	error = maildir_file(s->scan.maildir, (enum subdir)f->listed->sub,
	    f->listed->name, &fd);
	if (error == 0) {
		error = maildir_measure(
		    fd, &f->size, ledger_given_up, s->ledger);
		close(fd);
	}
	if (error == ECANCELED)
		return error;
	f->is = error == 0 ? MEASURED :
	    error == ENOENT || error == EINVAL ? MISSED : BARRED;
	if (f->is == BARRED)
		log_warn("%s: message %s left out until it can be read: %s",
		    s->ledger->path,
		    log_safe(safe, sizeof(safe), f->listed->name),
		    strerror(error));
	return 0;
}

/* An entry for a found file, but for its sequence and its place. */
static void
describe(struct sync *s, const struct found *f, struct entry *e)
{
	memset(e, 0, offsetof(struct entry, base));
	entry_cut(e, f->listed->name);
	e->folder = s->scan.folder;
	e->sub = (enum subdir)f->listed->sub;
	e->inode = f->listed->inode;
	e->octets = f->size.octets;
	e->size = f->size.size;
	e->young = f->is == MEASURED &&
	    resize_is_young(f->size.modified, s->scan.now);
	e->state = f->is == BARRED ? LEFT_OUT :
	    f->size.modified < s->from_now ? EARLIER : QUEUED;
}

static int
is_known(struct index *index, const struct entry *e)
{
	struct entry known = *e;

	return index_get_name(index, &known) != INDEX_NOT_FOUND;
}

/* Puts a found file into the index. */
static int
add(struct sync *s, struct found *f)
{
	struct ledger *l = s->ledger;
	struct entry e;
	int error;

	if (f->renew && !s->scan.exact)
		return 0; /* perhaps one message, seen twice */
	if (f->is == UNMEASURED && !s->promised &&
	    (error = measure(s, f)) != 0)
		return error;
	if (f->is == UNMEASURED || f->is == MISSED)
		return 0;
	describe(s, f, &e);
	move_in(s, f, &e);
	if (f->renew && is_known(l->index, &e))
		return 0; /* it could not get a name of its own */
	if ((error = adopt_uidl(l, &e)) != 0)
		return error;
	e.sequence = l->totals.next_sequence++;
	return ledger_add(l, &e);
}

/* One transaction; *i goes on to the first that is not done. */
static int
add_batch(struct sync *s, size_t *i)
{
	size_t left = s->scan.nfound - *i;
	size_t end = *i + (left < BATCH ? left : BATCH);
	int error, rv;

	if ((error = ledger_begin(s->ledger)) != 0)
		return error;
	while (error == 0 && *i < end) {
		if (*i % ASK == ASK - 1 && ledger_given_up(s->ledger))
			error = ECANCELED;
		else if ((error = add(s, &s->scan.found[*i])) == 0)
			++*i;
	}
	/* What was done until somebody gave up is kept. */
	rv = ledger_end(s->ledger, error == ECANCELED ? 0 : error, 0);
	return rv != 0 ? rv : error;
}

static int
add_found(struct sync *s)
{
	size_t i = 0;
	int error = 0;

	if (s->scan.nfound > FEW)
		error = ledger_expect(s->ledger, s->scan.nfound);
	scan_sort(&s->scan);
	while (error == 0 && i < s->scan.nfound)
		if ((error = add_batch(s, &i)) == 0)
			error = ledger_progress(s->ledger, i, s->scan.nfound);
	return error;
}

/*
 * Records the new place and suffix of a known message.  One that others put
 * back into new/ does not stay there: what goes from there is not noticed.
 */
static int
follow(struct sync *s, const struct listed *listed)
{
	const struct found f = { .listed = listed };
	struct entry old, e;
	int error;

	if ((error = index_find_name(s->ledger->index, s->scan.folder,
		 listed->name, &old)) != 0)
		return error;
	e = old;
	entry_cut(&e, listed->name);
	e.sub = (enum subdir)listed->sub;
	e.inode = listed->inode;
	move_in(s, &f, &e);
	if (old.inode != 0 && old.inode != e.inode &&
	    (error = resize_replaced(s->ledger, &e, s->scan.now)) != 0)
		return error;
	return ledger_change(s->ledger, &old, &e);
}

/* Takes a message without a file out of the index. */
static int
forget(struct sync *s, const struct listed *listed)
{
	struct entry e;
	int error;

	if ((error = index_find_name(s->ledger->index, s->scan.folder,
		 listed->name, &e)) != 0)
		return error;
	return scan_keeps(&s->scan.listing, &e) ? 0 :
	    ledger_remove(s->ledger, &e);
}

static int
apply_changes(struct sync *s)
{
	const struct scan *scan = &s->scan;
	size_t i;
	int error;

	if (scan->changed.n + scan->missing.n == 0)
		return 0;
	if ((error = ledger_begin(s->ledger)) != 0)
		return error;
	for (i = 0; error == 0 && i < scan->changed.n; i++)
		error = follow(s, &scan->changed.entry[i]);
	for (i = 0; error == 0 && i < scan->missing.n; i++)
		error = forget(s, &scan->missing.entry[i]);
	return ledger_end(s->ledger, error, 0);
}

/* Our own changes, between two looks at what others do. */
static int
apply(struct sync *s)
{
	struct ledger *l = s->ledger;
	int error;

	if ((error = ledger_writable(l)) != 0)
		return error;
	s->scan.index = l->index;
	ledger_changes_begin(l, s->scan.folder);
	if ((error = apply_changes(s)) == 0)
		error = add_found(s);
	if (error == 0)
		ledger_changes_end(l, s->scan.folder);
	else
		s->totals->time[CUR] = 0;
	return error;
}

/* cur/ was changed by others, or is not known at all. */
static int
read_both(struct sync *s)
{
	struct scan *scan = &s->scan;
	int error;

	s->totals->time[NEW] = s->totals->time[CUR] = 0;
	if ((error = ledger_readable(s->ledger)) != 0)
		return error;
	scan->index = s->ledger->index;
	if ((error = scan_all(scan)) != 0)
		return error;
	s->totals->time[NEW] = scan->time[NEW];
	s->totals->time[CUR] = scan->time[CUR];
	s->totals->read = clock_ns() / CLOCK_NS;
	if (scan->nfound + scan->changed.n + scan->missing.n > 0)
		return apply(s);
	return 0;
}

/* Only new/ was changed, and what is in it is new: finds it. */
static int
find_new(struct sync *s)
{
	int error;

	if ((error = ledger_readable(s->ledger)) != 0)
		return error;
	s->scan.index = s->ledger->index;
	if ((error = scan_new(&s->scan)) == 0)
		s->totals->time[NEW] = s->scan.time[NEW];
	return error;
}

static int
cur_is_known(const struct sync *s)
{
	const struct folder_totals *t = s->totals;
	int64_t since = clock_ns() / CLOCK_NS - t->read;

	return t->time[CUR] != 0 && since >= 0 && since <= READ_SECONDS &&
	    maildir_time(s->scan.maildir, CUR, NULL) == t->time[CUR];
}

static int
new_is_known(const struct sync *s)
{
	return s->totals->time[NEW] != 0 &&
	    maildir_time(s->scan.maildir, NEW, NULL) == s->totals->time[NEW];
}

static struct sync *
sync_begin(struct ledger *l, enum folder folder, int64_t from_now)
{
	struct sync *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->ledger = l;
	s->totals = &l->totals.folder[folder];
	s->from_now = from_now;
	s->scan.maildir = &l->maildir[folder];
	s->scan.folder = folder;
	s->scan.clock = l->lock.fd;
	return s;
}

static void
sync_end(struct sync *s)
{
	if (s != NULL)
		scan_free(&s->scan);
	free(s);
}

int
sync_all(struct ledger *l, enum folder folder, int64_t from_now)
{
	struct sync *s;
	int error;

	if ((s = sync_begin(l, folder, from_now)) == NULL)
		return ENOMEM;
	error = read_both(s);
	sync_end(s);
	if (error == 0 && l->totals.folder[folder].from_now != from_now)
		error = from_now_apply(l, folder, from_now);
	return error;
}

/* Few new messages and nothing odd: what they will add to the maildrop. */
static int
look_at_new(struct sync *s, struct coming *coming)
{
	struct found *f;
	size_t i;
	int error;

	/* What stays in new/ may have gone from there. */
	if (s->totals->in_new > 0)
		return EAGAIN;
	if ((error = find_new(s)) != 0)
		return error;
	if (s->scan.twins > 0 || s->scan.nfound > BATCH)
		return EAGAIN;
	for (i = 0; i < s->scan.nfound; i++) {
		if (ledger_given_up(s->ledger))
			return ECANCELED;
		f = &s->scan.found[i];
		if ((error = measure(s, f)) != 0)
			return error;
		if (f->is != MEASURED || f->size.modified < s->from_now)
			continue;
		coming->count++;
		coming->octets += f->size.octets;
	}
	s->promised = 1;
	return 0;
}

/* 0, or EAGAIN where more than new mail is to be looked at. */
static int
look(struct sync *s, struct coming *coming)
{
	int error;

	if (s->totals->young != 0 &&
	    (error = resize_young(s->ledger, s->scan.folder)) != 0)
		return error;
	if (s->totals->left_out > 0 &&
	    (error = left_out_take_in(
		 s->ledger, s->scan.folder, s->from_now)) != 0)
		return error;
	if (!cur_is_known(s) || s->totals->from_now != s->from_now)
		return EAGAIN;
	return new_is_known(s) ? 0 : look_at_new(s, coming);
}

int
sync_look(struct ledger *l, enum folder folder, int64_t from_now,
    struct coming *coming)
{
	int error;

	memset(coming, 0, sizeof(*coming));
	if ((coming->sync = sync_begin(l, folder, from_now)) == NULL)
		return ENOMEM;
	error = look(coming->sync, coming);
	if (error == 0 && coming->sync->scan.nfound > 0)
		return 0;
	sync_forget(coming);
	return error == EAGAIN ? sync_all(l, folder, from_now) : error;
}

int
sync_settle(struct coming *coming)
{
	int error;

	if (coming->sync == NULL)
		return 0;
	error = apply(coming->sync);
	sync_forget(coming);
	return error;
}

void
sync_forget(struct coming *coming)
{
	sync_end(coming->sync);
	memset(coming, 0, sizeof(*coming));
}
