#include <db.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "store/check.h"
#include "store/listing.h"
#include "store/sync.h"
#include "store/update.h"

struct check {
	struct mailbox *mb;
	void (*say)(void *arg, const char *sentence);
	void *arg;
	uint64_t mended;
	enum folder folder;
	struct meta seen;    /* the totals as counted, of all folders */
	uint64_t names;	     /* queued ones, of the folder */
	int queue_wrong;     /* the folder's queue is to be made anew */
	struct listing resize; /* names with octets that are not so */
};

static void __attribute__((format(printf, 2, 3)))
mended(struct check *c, const char *fmt, ...)
{
	char sentence[LOG_SAFE_MAX + 256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	c->mended++;
	c->say(c->arg, sentence);
}

static const char *
safe(const char *name)
{
	static char text[LOG_SAFE_MAX];

	return log_safe(text, sizeof(text), name);
}

/* Is a queued name in the queue, with the same octets? */
static int
check_queued(struct check *c, const struct entry *e)
{
	struct entry queued = *e;
	int error;

	c->names++;
	error = index_get_queued(c->mb->index, &queued);
	if (error != 0 && error != DB_NOTFOUND)
		return error;
	if (error == DB_NOTFOUND || strcmp(queued.base, e->base) != 0 ||
	    queued.octets != e->octets) {
		mended(c, "%s: the queue did not have it as it is",
		    safe(e->base));
		c->queue_wrong = 1;
	}
	return 0;
}

static int
check_names(struct check *c)
{
	struct walk *walk;
	struct entry e;
	int error;

	error = index_walk_names(c->mb->index, c->folder, &walk);
	if (error != 0)
		return error;
	while ((error = index_walk_next(walk, &e)) == 0) {
		if (e.sequence >= c->seen.next_sequence)
			c->seen.next_sequence = e.sequence + 1;
		if (e.state == EXPUNGING)
			c->seen.expunging++;
		if (e.state == QUEUED && (error = check_queued(c, &e)) != 0)
			break;
	}
	index_walk_end(walk);
	return error == DB_NOTFOUND ? 0 : error;
}

/* The queue as the names have it. */
static int
fill_queue(struct check *c)
{
	struct walk *walk;
	struct entry e;
	int error;

	error = index_walk_names(c->mb->index, c->folder, &walk);
	if (error != 0)
		return error;
	while ((error = index_walk_next(walk, &e)) == 0)
		if (e.state == QUEUED &&
		    (error = index_enqueue(c->mb->index, &e)) != 0)
			break;
	index_walk_end(walk);
	return error == DB_NOTFOUND ? 0 : error;
}

static int
remake_queue(struct check *c)
{
	int error;

	if ((error = index_begin(c->mb->index)) != 0)
		return error;
	if ((error = index_clear_queue(c->mb->index, c->folder)) != 0 ||
	    (error = fill_queue(c)) != 0) {
		index_abort(c->mb->index);
		return error;
	}
	return index_commit(c->mb->index, 1);
}

static int
count_octets(struct check *c)
{
	struct folder_meta *seen = &c->seen.folder[c->folder];
	struct walk *walk;
	struct entry e;
	int error;

	seen->count = seen->octets = 0;
	error = index_walk_queue(c->mb->index, c->folder, 1, &walk);
	if (error != 0)
		return error == DB_NOTFOUND ? 0 : error;
	while ((error = index_walk_next(walk, &e)) == 0) {
		seen->count++;
		seen->octets += e.octets;
	}
	index_walk_end(walk);
	return error == DB_NOTFOUND ? 0 : error;
}

/* Names and queue of a folder agree after this; EINVAL: they can not. */
static int
check_queue(struct check *c)
{
	int error;

	c->names = 0;
	c->queue_wrong = 0;
	if ((error = check_names(c)) != 0 || (error = count_octets(c)) != 0)
		return error;
	if (c->seen.folder[c->folder].count != c->names && !c->queue_wrong) {
		mended(c, "the queue had %llu messages, the names %llu",
		    (unsigned long long)c->seen.folder[c->folder].count,
		    (unsigned long long)c->names);
		c->queue_wrong = 1;
	}
	if (!c->queue_wrong)
		return 0;
	if ((error = remake_queue(c)) != 0 || (error = count_octets(c)) != 0)
		return error;
	return c->seen.folder[c->folder].count == c->names ? 0 : EINVAL;
}

static int
check_totals(struct check *c)
{
	struct meta *meta = &c->mb->meta;
	struct folder_meta *f, *seen;
	enum folder folder;
	int error;

	if (meta->next_sequence < c->seen.next_sequence) {
		mended(c, "the next sequence was too low");
		meta->next_sequence = c->seen.next_sequence;
	}
	if (meta->expunging != c->seen.expunging) {
		mended(c, "%llu messages wait to be unlinked, not %llu",
		    (unsigned long long)c->seen.expunging,
		    (unsigned long long)meta->expunging);
		meta->expunging = c->seen.expunging;
	}
	for (folder = INBOX; folder < FOLDERS; folder++) {
		f = &meta->folder[folder];
		seen = &c->seen.folder[folder];
		if (f->count == seen->count && f->octets == seen->octets)
			continue;
		mended(c, "the totals were %llu messages, %llu octets",
		    (unsigned long long)f->count,
		    (unsigned long long)f->octets);
		f->count = seen->count;
		f->octets = seen->octets;
	}
	if ((error = index_begin(c->mb->index)) != 0 ||
	    (error = index_put_meta(c->mb->index, meta)) != 0)
		return error;
	return index_commit(c->mb->index, 1);
}

/* All that can be told from the database alone. */
static int
check_index(struct check *c)
{
	int error;

	memset(&c->seen, 0, sizeof(c->seen));
	for (c->folder = INBOX; c->folder < FOLDERS; c->folder++)
		if ((error = check_queue(c)) != 0)
			return error;
	return check_totals(c);
}

/* Measures a message: is it what the index says? */
static int
check_octets(struct check *c, struct entry *e)
{
	uint64_t octets;
	int64_t modified;
	int error, fd;

	error = mailbox_find(c->mb, e, &fd);
	if (error == ENOENT || error == EINVAL)
		return 0; /* has just gone, or is no mail: sync's matter */
	if (error != 0)
		return error;
	error = maildir_measure(fd, &octets, &modified);
	close(fd);
	if (error != 0 || octets == e->octets)
		return error;
	mended(c, "%s: has %llu octets, not %llu", safe(e->base),
	    (unsigned long long)octets, (unsigned long long)e->octets);
	return listing_add(&c->resize, e->base, e->sub);
}

static int
check_file(struct check *c, const struct listed *l)
{
	struct entry e = { .folder = c->folder };
	int error, fd;

	memcpy(e.base, l->name, l->base);
	e.base[l->base] = '\0';
	error = index_get_name(c->mb->index, &e);
	if (error == DB_NOTFOUND) {
		/* What is no mail, or can not be read, stays out of it. */
		if (maildir_file(&c->mb->maildir[c->folder],
			(enum subdir)l->sub, l->name, &fd) != 0)
			return 0;
		close(fd);
		mended(c, "%s: was not in the index", safe(e.base));
		return 0;
	}
	return error != 0 ? error : check_octets(c, &e);
}

static int
is_listed(const struct listing *l, const struct entry *e)
{
	size_t low = 0, high = l->n, i, len = strlen(e->base);
	int order;

	while (low < high) {
		i = low + (high - low) / 2;
		order = listing_compare(l->entry[i].name, l->entry[i].base,
		    e->base, len);
		if (order == 0)
			return 1;
		if (order < 0)
			low = i + 1;
		else
			high = i;
	}
	return 0;
}

static int
check_gone(struct check *c, const struct listing *files)
{
	struct walk *walk;
	struct entry e;
	int error;

	error = index_walk_names(c->mb->index, c->folder, &walk);
	if (error != 0)
		return error;
	while ((error = index_walk_next(walk, &e)) == 0)
		if (e.state != EXPUNGING && !is_listed(files, &e))
			mended(c, "%s: its file is gone", safe(e.base));
	index_walk_end(walk);
	return error == DB_NOTFOUND ? 0 : error;
}

static int
compare_files(struct check *c, const struct listing *files)
{
	size_t i;
	int error;

	if ((error = check_gone(c, files)) != 0)
		return error;
	for (i = 0; i < files->n; i++) {
		if ((error = check_file(c, &files->entry[i])) != 0)
			return error;
		if (i % 1000 == 999 && c->mb->progress != NULL &&
		    c->mb->progress(c->mb->progress_arg, i + 1, files->n))
			return ECANCELED;
	}
	return 0;
}

/* Queue and names get the octets that were measured. */
static int
resize(struct check *c)
{
	struct folder_meta *meta = &c->mb->meta.folder[c->folder];
	struct entry e;
	uint64_t octets;
	int64_t modified;
	size_t i;
	int error, fd;

	e.folder = c->folder;
	for (i = 0; i < c->resize.n; i++) {
		memcpy(e.base, c->resize.entry[i].name,
		    c->resize.entry[i].base);
		e.base[c->resize.entry[i].base] = '\0';
		if ((error = mailbox_find(c->mb, &e, &fd)) != 0)
			return error;
		error = maildir_measure(fd, &octets, &modified);
		close(fd);
		if (error != 0)
			return error;
		if (e.state == QUEUED)
			meta->octets += octets - e.octets;
		e.octets = octets;
		if ((error = index_put_name(c->mb->index, &e)) != 0 ||
		    (e.state == QUEUED &&
			(error = index_enqueue(c->mb->index, &e)) != 0))
			return error;
	}
	return index_put_meta(c->mb->index, &c->mb->meta);
}

static int
apply_resize(struct check *c)
{
	int error;

	if (c->resize.n == 0)
		return 0;
	listing_sort(&c->resize);
	if ((error = index_begin(c->mb->index)) != 0)
		return error;
	if ((error = resize(c)) != 0) {
		index_abort(c->mb->index);
		return error;
	}
	return index_commit(c->mb->index, 1);
}

/* The index against the files; what is not so, sync mends. */
static int
check_folder(struct check *c)
{
	struct folder_meta *meta = &c->mb->meta.folder[c->folder];
	struct listing files;
	int error;

	memset(&files, 0, sizeof(files));
	memset(&c->resize, 0, sizeof(c->resize));
	if ((error = listing_read(
		 &files, &c->mb->maildir[c->folder], CUR)) == 0 &&
	    (error = listing_read(
		 &files, &c->mb->maildir[c->folder], NEW)) == 0) {
		listing_sort(&files);
		error = compare_files(c, &files);
	}
	if (error == 0)
		error = apply_resize(c);
	listing_free(&c->resize);
	listing_free(&files);
	if (error != 0)
		return error;
	meta->time[NEW] = meta->time[CUR] = 0;
	return sync_folder(c->mb, c->folder);
}

static int
check_all(struct check *c)
{
	int error, i;

	if ((error = mailbox_verify(c->mb)) != 0)
		return error;
	if ((error = check_index(c)) != 0 ||
	    (error = update_finish(c->mb)) != 0)
		return error;
	for (i = 0; error == 0 && i < c->mb->folders; i++) {
		c->folder = c->mb->order[i];
		error = check_folder(c);
	}
	return error;
}

enum trouble
mailbox_check(struct mailbox *mb, void (*say)(void *arg, const char *sentence),
    void *arg, uint64_t *count)
{
	struct check c = { .mb = mb, .say = say, .arg = arg };
	int error;

	error = check_all(&c);
	if (mailbox_is_damage(error))
		error = mailbox_rebuild(mb);
	if (mb->rebuilt)
		mended(&c, "the index was damaged and is made anew; what was "
		    "retained is in the queue again");
	*count = c.mended;
	if (error != 0 && error != ECANCELED)
		mailbox_unclean(mb, "check", error);
	return error == ECANCELED ? TROUBLE_TEMP :
	    error == 0 ? TROUBLE_NONE : TROUBLE_TEMP;
}
