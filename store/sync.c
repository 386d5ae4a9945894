#include <sys/stat.h>

#include <db.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "store/listing.h"
#include "store/sync.h"

#define NS 1000000000LL

/*
 * A directory's time says nothing about changes within the same tick of the
 * clock that stamps it: it is recorded only when it is older than this.
 */
#define SETTLED_NS (100 * 1000000LL)

/* However little changed, cur/ is read once a day: nothing stays missed. */
#define READ_SECONDS (24 * 60 * 60)

#define BATCH	  1000 /* messages in a transaction */
#define TRIM	  20   /* batches until the log is shortened */
#define RELISTING 5    /* tries for a listing that nobody disturbs */

/* A file that the index does not know yet. */
struct found {
	int64_t delivered;
	const struct listed *listed;
	int renew; /* its base name is another message's: it needs a new one */
	int measured; /* the rest is known, and has been promised */
	uint64_t octets;
	int64_t modified;
};

struct sync {
	struct mailbox *mb;
	enum folder folder;
	struct maildir *maildir;
	struct folder_meta *meta;
	struct listing listing;
	int64_t time[2];  /* of the directories as they were listed */
	int64_t began;	  /* when the listing was made, ns */
	int settled; /* the listing is exact: what is not in it is not there */
	int left_out; /* some could not be read: look again next time */
	int promised; /* the totals were told: only what was measured counts */
	struct found *found;
	size_t nfound;
	size_t twins; /* of them, those to be renewed */
	size_t moved; /* files that we renamed into, or within, cur/ */
	struct listing changed; /* known names with another place or suffix,
				   or back in new/ */
	struct listing missing; /* base names without a file */
};

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * NS + t.tv_nsec;
}

/*
 * A time to be recorded: 0, which is never believed, if it was too young
 * when the reading of the directory began.
 */
static int64_t
settled(const struct sync *s, int64_t time)
{
	/* Without a fraction: a file system that knows none, or 2 s (FAT). */
	int64_t age = time % NS == 0 ? 2 * NS + SETTLED_NS : SETTLED_NS;

	return time < s->began - age ? time : 0;
}

static int64_t
delivered(const struct sync *s, const struct listed *l)
{
	int64_t t = maildir_delivered(l->name);
	struct stat st;

	if (t == 0 && fstatat(s->maildir->dir[l->sub], l->name, &st,
			  AT_SYMLINK_NOFOLLOW) == 0)
		t = st.st_mtim.tv_sec;
	return t;
}

static void
find(struct sync *s, const struct listed *l, int renew)
{
	struct found *f = &s->found[s->nfound++];

	memset(f, 0, sizeof(*f));
	f->listed = l;
	f->renew = renew;
	s->twins += (size_t)renew;
	f->delivered = delivered(s, l);
}

static int
compare_found(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->delivered != y->delivered)
		return x->delivered < y->delivered ? -1 : 1;
	return listing_compare(x->listed->name, x->listed->base,
	    y->listed->name, y->listed->base);
}

/* Fills an entry's name from a listed one. */
static void
take_name(struct entry *e, const struct listed *l)
{
	memcpy(e->base, l->name, l->base);
	e->base[l->base] = '\0';
	strlcpy(e->suffix, l->name + l->base, sizeof(e->suffix));
	e->sub = (enum subdir)l->sub;
}

/*
 * Gives a found file its place in cur/, and a name of its own if another
 * message has the one it came with.  A file that can not be moved stays.
 */
static void
settle(struct sync *s, const struct found *f, struct entry *e)
{
	const struct maildir *m = s->maildir;
	char to[NAME_OCTETS];
	const char *suffix = e->suffix;
	struct stat st;

	if (e->sub == CUR && !f->renew)
		return;
	if (strncmp(suffix, ":2,", 3) != 0)
		suffix = ":2,";
	if (f->renew)
		maildir_unique(f->delivered, e->base);
	if (strlcpy(to, e->base, sizeof(to)) >= sizeof(to) ||
	    strlcat(to, suffix, sizeof(to)) >= sizeof(to) ||
	    /* Whatever it is that has this name, it is not to be replaced. */
	    fstatat(m->dir[CUR], to, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
	    renameat(m->dir[e->sub], f->listed->name, m->dir[CUR], to) == -1) {
		if (f->renew)
			take_name(e, f->listed);
		return;
	}
	memmove(e->suffix, suffix, strlen(suffix) + 1);
	e->sub = CUR;
	s->moved++;
}

static int
still_unknown(struct index *index, const struct entry *e)
{
	struct entry known = *e;

	return index_get_name(index, &known) == DB_NOTFOUND;
}

/* Sizes a found file; 0 when it has gone again, or is no mail. */
static int
measure(struct sync *s, struct found *f)
{
	char safe[LOG_SAFE_MAX];
	int error, fd;

	error = maildir_file(s->maildir, (enum subdir)f->listed->sub,
	    f->listed->name, &fd);
	if (error == 0) {
		error = maildir_measure(fd, &f->octets, &f->modified);
		close(fd);
	}
	if (error != 0 && error != ENOENT && error != EINVAL) {
		s->left_out = 1;
		log_warn("%s: message %s left out: %s", s->mb->view.maildir,
		    log_safe(safe, sizeof(safe), f->listed->name),
		    strerror(error));
	}
	f->measured = error == 0;
	return f->measured;
}

/* Puts a found file into the index. */
static int
add(struct sync *s, struct found *f)
{
	struct mailbox *mb = s->mb;
	struct entry e;
	int error;

	if (f->renew && !s->settled)
		return 0; /* perhaps one message, seen twice */
	if (!f->measured && s->promised)
		return 0;
	if (!f->measured && mailbox_given_up(mb))
		return ECANCELED;
	if (!f->measured && !measure(s, f))
		return 0;
	take_name(&e, f->listed);
	e.folder = s->folder;
	e.octets = f->octets;
	settle(s, f, &e);
	if (f->renew && !still_unknown(mb->index, &e))
		return 0; /* it could not get a name of its own */
	e.sequence = mb->meta.next_sequence++;
	e.state = f->modified < mb->view.from_now ? EARLIER : QUEUED;
	if ((error = index_put_name(mb->index, &e)) != 0)
		return error;
	if (e.state == EARLIER)
		return 0;
	s->meta->count++;
	s->meta->octets += e.octets;
	return index_enqueue(mb->index, &e);
}

static int
commit(struct sync *s)
{
	int error = index_put_meta(s->mb->index, &s->mb->meta);

	return error != 0 ? error : index_commit(s->mb->index, 0);
}

/* After a batch: does anybody still wait for this? */
static int
report_progress(struct sync *s, size_t done, size_t all)
{
	struct mailbox *mb = s->mb;
	int error = 0;

	if (done / BATCH % TRIM == TRIM - 1)
		error = index_trim(mb->index);
	if (error == 0 && mb->progress != NULL &&
	    mb->progress(mb->progress_arg, done, all) != 0)
		error = ECANCELED;
	return error;
}

static int
add_found(struct sync *s)
{
	size_t i, end;
	int error = 0, rv;

	if (s->nfound > BATCH &&
	    (error = index_expect_much(s->mb->index)) != 0)
		return error;
	if (s->nfound > 1)
		qsort(s->found, s->nfound, sizeof(s->found[0]), compare_found);
	for (i = 0; error == 0 && i < s->nfound;) {
		end = s->nfound - i < BATCH ? s->nfound : i + BATCH;
		if ((error = index_begin(s->mb->index)) != 0)
			break;
		while (i < end && (error = add(s, &s->found[i])) == 0)
			i++;
		/* What was done until somebody gave up is kept. */
		if ((error == 0 || error == ECANCELED) &&
		    (rv = commit(s)) != 0)
			error = rv;
		if (error == 0)
			error = report_progress(s, i, s->nfound);
	}
	return error;
}

/* Takes a message without a file out of the index. */
static int
forget(struct sync *s, struct entry *e)
{
	struct meta *meta = &s->mb->meta;
	int error;

	if ((error = index_get_name(s->mb->index, e)) != 0)
		return error;
	if (e->state == EXPUNGING)
		meta->expunging--;
	if (e->state == QUEUED) {
		s->meta->count--;
		s->meta->octets -= e->octets;
		if ((error = index_dequeue(s->mb->index, e)) != 0)
			return error;
	}
	return index_delete_name(s->mb->index, e);
}

/*
 * Records the new place and suffix of a known message.  One that others put
 * back into new/ does not stay there: what goes from there is not noticed.
 */
static int
follow(struct sync *s, const struct listed *l)
{
	const struct found f = { .listed = l };
	struct entry e;
	int error;

	e.folder = s->folder;
	take_name(&e, l);
	if ((error = index_get_name(s->mb->index, &e)) != 0)
		return error;
	take_name(&e, l);
	settle(s, &f, &e);
	return index_put_name(s->mb->index, &e);
}

static int
apply_changes(struct sync *s)
{
	struct entry e;
	size_t i;
	int error;

	if (s->changed.n == 0 && s->missing.n == 0)
		return 0;
	if ((error = index_begin(s->mb->index)) != 0)
		return error;
	for (i = 0; error == 0 && i < s->changed.n; i++)
		error = follow(s, &s->changed.entry[i]);
	e.folder = s->folder;
	for (i = 0; error == 0 && i < s->missing.n; i++) {
		take_name(&e, &s->missing.entry[i]);
		error = forget(s, &e);
	}
	return error != 0 ? error : commit(s);
}

/*
 * Lists the folder.  The listing is exact if cur/ did not change while it
 * was read, and not so shortly before that it could not be told.
 */
static int
list(struct sync *s)
{
	int error;

	listing_free(&s->listing);
	s->began = now_ns();
	s->time[NEW] = maildir_time(s->maildir, NEW);
	s->time[CUR] = maildir_time(s->maildir, CUR);
	/* new/ first: what moves to cur/ meanwhile is seen twice, not never. */
	if ((error = listing_read(&s->listing, s->maildir, NEW)) != 0 ||
	    (error = listing_read(&s->listing, s->maildir, CUR)) != 0)
		return error;
	s->settled = settled(s, s->time[CUR]) != 0 &&
	    s->time[CUR] == maildir_time(s->maildir, CUR);
	listing_sort(&s->listing);
	return 0;
}

static int
same_place(const struct entry *e, const struct listed *l)
{
	return e->sub == (enum subdir)l->sub &&
	    strcmp(e->suffix, l->name + l->base) == 0;
}

static int
same_base(const struct listed *a, const struct listed *b)
{
	return listing_compare(a->name, a->base, b->name, b->base) == 0;
}

/*
 * Of the files that share the base name of *l, the message that the index
 * knows (e; NULL: none) is the one where it was, or else the first.  The
 * others need names of their own.  Moves *l behind them all.
 */
static const struct listed *
choose(struct sync *s, const struct entry *e, const struct listed **l,
    const struct listed *end)
{
	const struct listed *first = *l, *chosen = *l, *other;

	for (; *l < end && same_base(first, *l); (*l)++)
		if (e != NULL && same_place(e, *l))
			chosen = *l;
	for (other = first; other < *l; other++)
		if (other != chosen)
			find(s, other, 1);
	return chosen;
}

/* Merges the listing with the names of the index, both sorted. */
static int
merge(struct sync *s, struct walk *walk)
{
	const struct listed *l = s->listing.entry;
	const struct listed *end = l != NULL ? l + s->listing.n : NULL;
	const struct listed *chosen;
	struct entry e;
	int c, error, more;

	more = (error = index_walk_next(walk, &e)) == 0;
	while (more || l < end) {
		c = !more ? 1 : l == end ? -1 : listing_compare(e.base,
		    strlen(e.base), l->name, l->base);
		if (c > 0) {
			find(s, choose(s, NULL, &l, end), 0);
			continue;
		}
		if (c == 0) {
			chosen = choose(s, &e, &l, end);
			if (!same_place(&e, chosen) || e.sub == NEW)
				error = listing_add(
				    &s->changed, chosen->name, chosen->sub);
		} else
			error = listing_add(&s->missing, e.base, CUR);
		if (error == 0)
			more = (error = index_walk_next(walk, &e)) == 0;
		if (error != 0 && error != DB_NOTFOUND)
			return error;
	}
	return error == DB_NOTFOUND ? 0 : error;
}

static int
compare_with_names(struct sync *s)
{
	struct walk *walk;
	int error;

	free(s->found);
	s->nfound = s->twins = 0;
	listing_free(&s->changed);
	listing_free(&s->missing);
	s->found = calloc(s->listing.n + 1, sizeof(s->found[0]));
	if (s->found == NULL)
		return ENOMEM;
	error = index_walk_names(s->mb->index, s->folder, &walk);
	if (error != 0)
		return error;
	error = merge(s, walk);
	index_walk_end(walk);
	listing_sort(&s->changed);
	listing_sort(&s->missing);
	return error;
}

/*
 * Finds out what is different.  A message seems to be missing, or to be
 * there twice, when it is renamed while the directory is read: such a thing
 * is believed only of an exact listing.
 */
static int
compare_until_settled(struct sync *s)
{
	static const struct timespec pause = { 0, SETTLED_NS };
	int error, try;

	for (try = 1;; try++) {
		if ((error = list(s)) != 0 ||
		    (error = compare_with_names(s)) != 0)
			return error;
		if (s->settled || (s->missing.n == 0 && s->twins == 0))
			return 0;
		if (try == RELISTING)
			break;
		nanosleep(&pause, NULL);
	}
	s->missing.n = 0;
	return 0;
}

/* cur/ was changed by others, or is not known at all. */
static int
sync_all(struct sync *s)
{
	int error;

	s->meta->time[NEW] = s->meta->time[CUR] = 0;
	if ((error = mailbox_readable(s->mb)) != 0 ||
	    (error = compare_until_settled(s)) != 0)
		return error;
	if (s->nfound + s->changed.n + s->missing.n > 0 &&
	    ((error = mailbox_writable(s->mb)) != 0 ||
		(error = apply_changes(s)) != 0 ||
		(error = add_found(s)) != 0))
		return error;
	if (s->left_out)
		return 0;
	s->meta->read = now_ns() / NS;
	s->meta->time[NEW] = settled(s, s->time[NEW]);
	s->meta->time[CUR] = s->settled ? s->time[CUR] : 0;
	return 0;
}

/* Only new/ was changed, and what is in it is new: finds it. */
static int
find_new(struct sync *s)
{
	const struct listed *l;
	struct entry e;
	int64_t time;
	size_t i;
	int error, twin;

	s->began = now_ns();
	s->settled = 1;
	time = maildir_time(s->maildir, NEW);
	if ((error = listing_read(&s->listing, s->maildir, NEW)) != 0)
		return error;
	listing_sort(&s->listing);
	if (s->listing.n == 0) {
		s->meta->time[NEW] = settled(s, time);
		return 0;
	}
	s->meta->time[NEW] = 0;
	s->found = calloc(s->listing.n, sizeof(s->found[0]));
	if (s->found == NULL)
		return ENOMEM;
	if ((error = mailbox_readable(s->mb)) != 0)
		return error;
	e.folder = s->folder;
	for (i = 0; i < s->listing.n; i++) {
		l = &s->listing.entry[i];
		take_name(&e, l);
		error = index_get_name(s->mb->index, &e);
		if (error != 0 && error != DB_NOTFOUND)
			return error;
		twin = i > 0 && same_base(l - 1, l);
		if (twin || error == DB_NOTFOUND || e.sub != NEW)
			find(s, l, twin || error == 0);
	}
	return 0;
}

static int
sync_new(struct sync *s)
{
	int error;

	if ((error = find_new(s)) != 0 || s->nfound == 0)
		return error;
	if (s->twins > 0)
		return sync_all(s); /* which of them is which takes all */
	if ((error = mailbox_writable(s->mb)) != 0)
		return error;
	s->began = mailbox_changes_begin(s->mb, s->folder);
	return add_found(s);
}

/*
 * The setting "from now on" was changed: what is in the maildrop, and what
 * was kept out of it, is looked at again.
 */
static int
collect_from_now(struct sync *s)
{
	struct stat st;
	struct entry e;
	struct walk *walk;
	char name[2 * NAME_OCTETS];
	int64_t modified;
	int earlier, error;

	error = index_walk_names(s->mb->index, s->folder, &walk);
	if (error != 0)
		return error;
	while ((error = index_walk_next(walk, &e)) == 0) {
		if (e.state != QUEUED && e.state != EARLIER)
			continue;
		strlcpy(name, e.base, sizeof(name));
		strlcat(name, e.suffix, sizeof(name));
		if (fstatat(s->maildir->dir[e.sub], name, &st,
			AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		modified =
		    (int64_t)st.st_mtim.tv_sec * NS + st.st_mtim.tv_nsec;
		earlier = modified < s->mb->view.from_now;
		if (earlier != (e.state == EARLIER) &&
		    (error = listing_add(&s->changed, e.base, e.sub)) != 0)
			break;
	}
	index_walk_end(walk);
	listing_sort(&s->changed);
	return error == DB_NOTFOUND ? 0 : error;
}

static int
toggle_earlier(struct sync *s, struct entry *e)
{
	int error;

	if ((error = index_get_name(s->mb->index, e)) != 0)
		return error;
	if (e->state == QUEUED) {
		e->state = EARLIER;
		s->meta->count--;
		s->meta->octets -= e->octets;
		error = index_dequeue(s->mb->index, e);
	} else {
		e->state = QUEUED;
		s->meta->count++;
		s->meta->octets += e->octets;
		error = index_enqueue(s->mb->index, e);
	}
	return error != 0 ? error : index_put_name(s->mb->index, e);
}

static int
apply_from_now(struct sync *s)
{
	struct entry e;
	size_t i;
	int error;

	if ((error = mailbox_writable(s->mb)) != 0 ||
	    (error = collect_from_now(s)) != 0 ||
	    (error = index_begin(s->mb->index)) != 0)
		return error;
	e.folder = s->folder;
	for (i = 0; error == 0 && i < s->changed.n; i++) {
		take_name(&e, &s->changed.entry[i]);
		error = toggle_earlier(s, &e);
	}
	s->meta->from_now = s->mb->view.from_now;
	return error != 0 ? error : commit(s);
}

static int
cur_is_known(const struct sync *s)
{
	int64_t cur = maildir_time(s->maildir, CUR);
	int64_t since = now_ns() / NS - s->meta->read;

	return cur == s->meta->time[CUR] && cur != 0 && since >= 0 &&
	    since <= READ_SECONDS;
}

static int
new_is_known(const struct sync *s)
{
	int64_t new = maildir_time(s->maildir, NEW);

	return new == s->meta->time[NEW] && new != 0;
}

static int
sync_directories(struct sync *s)
{
	int error;

	if (!cur_is_known(s))
		error = sync_all(s);
	else if (!new_is_known(s))
		error = sync_new(s);
	else
		return 0;
	if (error == 0 && s->moved > 0)
		mailbox_changes_end(s->mb, s->folder, s->began);
	return error;
}

static void
sync_begin(struct sync *s, struct mailbox *mb, enum folder folder)
{
	memset(s, 0, sizeof(*s));
	s->mb = mb;
	s->folder = folder;
	s->maildir = &mb->maildir[folder];
	s->meta = &mb->meta.folder[folder];
}

static void
sync_end(struct sync *s)
{
	listing_free(&s->listing);
	listing_free(&s->changed);
	listing_free(&s->missing);
	free(s->found);
}

int
sync_folder(struct mailbox *mb, enum folder folder)
{
	struct folder_meta *meta = &mb->meta.folder[folder];
	int turned = meta->from_now != mb->view.from_now;
	struct sync s;
	int error;

	if (turned)
		meta->time[CUR] = 0; /* names first: they lead to the files */
	sync_begin(&s, mb, folder);
	error = sync_directories(&s);
	sync_end(&s);
	if (error != 0 || !turned)
		return error;
	sync_begin(&s, mb, folder);
	error = apply_from_now(&s);
	sync_end(&s);
	return error;
}

/* Few new messages and nothing odd: what they will add to the maildrop. */
static int
look(struct sync *s, struct coming *coming)
{
	struct found *f;
	size_t i;
	int error;

	if ((error = find_new(s)) != 0)
		return error;
	if (s->twins > 0 || s->nfound > BATCH)
		return EAGAIN;
	for (i = 0; i < s->nfound; i++) {
		if (mailbox_given_up(s->mb))
			return ECANCELED;
		f = &s->found[i];
		if (!measure(s, f) || f->modified < s->mb->view.from_now)
			continue;
		coming->count++;
		coming->octets += f->octets;
	}
	s->promised = 1;
	return 0;
}

int
sync_look(struct mailbox *mb, enum folder folder)
{
	struct coming coming = { NULL, 0, 0 };
	int error = 0;

	if ((coming.sync = malloc(sizeof(*coming.sync))) == NULL)
		return ENOMEM;
	sync_begin(coming.sync, mb, folder);
	if (!mb->clean || !cur_is_known(coming.sync) ||
	    mb->meta.folder[folder].from_now != mb->view.from_now)
		error = EAGAIN;
	else if (!new_is_known(coming.sync))
		error = look(coming.sync, &coming);
	mb->coming[folder] = coming;
	if (error == 0 && coming.sync->nfound > 0)
		return 0;
	sync_forget(mb, folder);
	return error == EAGAIN ? sync_folder(mb, folder) : error;
}

int
sync_settle(struct mailbox *mb, enum folder folder)
{
	struct sync *s = mb->coming[folder].sync;
	int error;

	if (s == NULL)
		return 0;
	if ((error = mailbox_writable(mb)) == 0) {
		s->began = mailbox_changes_begin(mb, folder);
		if ((error = add_found(s)) == 0 && s->moved > 0)
			mailbox_changes_end(mb, folder, s->began);
	}
	sync_forget(mb, folder);
	return error;
}

void
sync_forget(struct mailbox *mb, enum folder folder)
{
	if (mb->coming[folder].sync != NULL)
		sync_end(mb->coming[folder].sync);
	free(mb->coming[folder].sync);
	memset(&mb->coming[folder], 0, sizeof(mb->coming[folder]));
}
