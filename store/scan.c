#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/scan.h"

#define PAUSE_NS  (100 * 1000000L)
#define RELISTING 5 /* tries for a listing that nobody disturbs */

static int64_t
delivered(const struct scan *s, const struct listed *l)
{
	int64_t t = maildir_delivered(l->name);
	struct stat st;

	if (t == 0 && fstatat(s->maildir->dir[l->sub], l->name, &st,
			  AT_SYMLINK_NOFOLLOW) == 0)
		t = st.st_mtim.tv_sec;
	return t;
}

static void
find(struct scan *s, const struct listed *l, int renew)
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

void
scan_sort(struct scan *s)
{
	if (s->nfound > 1)
		qsort(s->found, s->nfound, sizeof(s->found[0]), compare_found);
}

static void
learn_now(struct scan *s)
{
	s->now = s->clock == -1 ? 0 : maildir_now(s->clock);
}

static int64_t
recordable(const struct scan *s, int64_t time, int64_t last)
{
	return maildir_is_past(last, s->now) ? time : 0;
}

/*
 * Lists the folder.  The listing is exact if cur/ did not change while it
 * was read, and not so shortly before that it could not be told.
 */
static int
list(struct scan *s)
{
	int64_t time[2], last[2];
	int error;

	listing_free(&s->listing);
	learn_now(s);
	time[NEW] = maildir_time(s->maildir, NEW, &last[NEW]);
	time[CUR] = maildir_time(s->maildir, CUR, &last[CUR]);
	/* new/ first: what moves to cur/ meanwhile is seen twice, not never. */
	if ((error = listing_read(&s->listing, s->maildir, NEW)) != 0 ||
	    (error = listing_read(&s->listing, s->maildir, CUR)) != 0)
		return error;
	listing_sort(&s->listing);
	s->time[NEW] = recordable(s, time[NEW], last[NEW]);
	s->time[CUR] = recordable(s, time[CUR], last[CUR]);
	/* Where no clock can be read, nothing can be written either. */
	s->exact = (s->time[CUR] != 0 || s->now == 0) &&
	    time[CUR] == maildir_time(s->maildir, CUR, NULL);
	if (!s->exact)
		s->time[CUR] = 0;
	return 0;
}

static int
same_place(const struct entry *e, const struct listed *l)
{
	return e->sub == (enum subdir)l->sub &&
	    strcmp(e->suffix, l->name + l->base) == 0;
}

/* A name is no identity: another file may have taken it. */
static int
same_file(const struct entry *e, const struct listed *l)
{
	return e->inode == 0 || e->inode == l->inode;
}

static int
same_base(const struct listed *a, const struct listed *b)
{
	return listing_compare(a->name, a->base, b->name, b->base) == 0;
}

/* The two lists that are merged, both sorted by base name. */
struct merge {
	struct scan *scan;
	const struct listed *l, *end;
};

/*
 * Of the files that share the base name of m->l, the message that the index
 * knows (e; NULL: none) is the one where it was, or else the first.  The
 * others need names of their own.  Moves m->l behind them all.
 */
static const struct listed *
choose(struct merge *m, const struct entry *e)
{
	const struct listed *first = m->l, *chosen = m->l, *other;

	for (; m->l < m->end && same_base(first, m->l); m->l++)
		if (e != NULL && same_place(e, m->l))
			chosen = m->l;
	for (other = first; other < m->l; other++)
		if (other != chosen)
			find(m->scan, other, 1);
	return chosen;
}

/* A name of the index: what is listed before it, is new. */
static int
merge_name(void *arg, struct entry *e)
{
	struct merge *m = arg;
	const struct listed *chosen;
	int c = -1;

	while (m->l < m->end &&
	    (c = listing_compare(e->base, strlen(e->base), m->l->name,
		 m->l->base)) > 0)
		find(m->scan, choose(m, NULL), 0);
	if (m->l == m->end || c != 0)
		return listing_add(&m->scan->missing, e->base, CUR);
	chosen = choose(m, e);
	if (same_place(e, chosen) && same_file(e, chosen) && e->sub == CUR)
		return 0;
	return listing_copy(&m->scan->changed, chosen);
}

static int
compare_with_names(struct scan *s)
{
	struct merge m = { s, s->listing.entry, s->listing.entry };
	int error;

	free(s->found);
	s->nfound = s->twins = 0;
	listing_free(&s->changed);
	listing_free(&s->missing);
	s->found = calloc(s->listing.n + 1, sizeof(s->found[0]));
	if (s->found == NULL)
		return ENOMEM;
	if (s->listing.n > 0)
		m.end += s->listing.n;
	error = index_each_name(s->index, s->folder, merge_name, &m);
	if (error != 0)
		return error;
	while (m.l < m.end)
		find(s, choose(&m, NULL), 0);
	listing_sort(&s->changed);
	listing_sort(&s->missing);
	return 0;
}

static void
pause_for_others(void)
{
	static const struct timespec pause = { 0, PAUSE_NS };

	nanosleep(&pause, NULL);
}

int
scan_find(struct scan *s, const char *base, const struct listed **found)
{
	int error;

	while ((*found = listing_find(&s->listing, base)) == NULL &&
	    !s->exact) {
		if (s->tries == RELISTING)
			return EAGAIN;
		if (s->tries++ > 0)
			pause_for_others();
		if ((error = list(s)) != 0)
			return error;
	}
	return 0;
}

/*
 * A message seems to be missing, or to be there twice, when it is renamed
 * while the directory is read: such a thing is believed only of an exact
 * listing.
 */
int
scan_all(struct scan *s)
{
	int error, try;

	for (try = 1;; try++) {
		if ((error = list(s)) != 0 ||
		    (error = compare_with_names(s)) != 0)
			return error;
		if (s->exact || (s->missing.n == 0 && s->twins == 0))
			return 0;
		if (try == RELISTING)
			break;
		pause_for_others();
	}
	s->missing.n = 0;
	return 0;
}

int
scan_keeps(const struct listing *files, const struct entry *e)
{
	return files->in_cur == 0 && entry_is_kept(e);
}

/* A file in new/: found, unless it is known to stay there. */
static int
compare_new(struct scan *s, const struct listed *l)
{
	struct entry e;
	int error, twin;

	error = index_find_name(s->index, s->folder, l->name, &e);
	if (error != 0 && error != INDEX_NOT_FOUND)
		return error;
	twin = l > s->listing.entry && same_base(l - 1, l);
	if (twin || error == INDEX_NOT_FOUND || e.sub != NEW)
		find(s, l, twin || error == 0);
	return 0;
}

int
scan_new(struct scan *s)
{
	int64_t time, last;
	size_t i;
	int error;

	learn_now(s);
	s->exact = 1;
	time = maildir_time(s->maildir, NEW, &last);
	if ((error = listing_read(&s->listing, s->maildir, NEW)) != 0)
		return error;
	listing_sort(&s->listing);
	if (s->listing.n == 0) {
		s->time[NEW] = recordable(s, time, last);
		return 0;
	}
	s->found = calloc(s->listing.n, sizeof(s->found[0]));
	if (s->found == NULL)
		return ENOMEM;
	for (i = 0; i < s->listing.n; i++)
		if ((error = compare_new(s, &s->listing.entry[i])) != 0)
			return error;
	return 0;
}

void
scan_free(struct scan *s)
{
	listing_free(&s->listing);
	listing_free(&s->changed);
	listing_free(&s->missing);
	free(s->found);
	s->found = NULL;
	s->nfound = 0;
}
