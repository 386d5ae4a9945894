#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "store/check.h"
#include "store/expunge.h"
#include "store/listing.h"
#include "store/remake.h"
#include "store/repair.h"
#include "store/resize.h"
#include "store/scan.h"

#define ASK_FILES 1000 /* until progress is reported */

struct check {
	struct mailbox *mb;
	struct ledger *ledger;
	void (*say)(void *arg, const char *sentence);
	void *arg;
	uint64_t mended;
	enum folder folder;
	struct totals seen;	/* as the names have it, of all folders */
	uint64_t queued;	/* as the queue has it, of the folder */
	int queue_wrong;	/* the folder's queue is to be made anew */
	struct listing unlisted; /* names whose UIDL is not in its table */
	struct listing files;
	struct listing resize;	/* names with octets that are not so */
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

	error = index_get_queued(c->ledger->index, &queued);
	if (error != 0 && error != INDEX_NOT_FOUND)
		return error;
	if (error == INDEX_NOT_FOUND || strcmp(queued.base, e->base) != 0 ||
	    strcmp(queued.uidl, e->uidl) != 0 || queued.octets != e->octets) {
		mended(c, "%s: was not in the queue as it is",
		    safe(e->base));
		c->queue_wrong = 1;
	}
	return 0;
}

static int
check_uidl(struct check *c, const struct entry *e)
{
	struct entry owner;
	int error;

	if (e->uidl[0] == '\0')
		return 0;
	error = index_find_uidl(c->ledger->index, e->uidl, &owner);
	if (error == 0 && owner.folder == e->folder &&
	    strcmp(owner.base, e->base) == 0)
		return 0;
	if (error != 0 && error != INDEX_NOT_FOUND)
		return error;
	mended(c, "%s: its UIDL was not in the table of them", safe(e->base));
	return listing_add(&c->unlisted, e->base, e->sub);
}

static int
check_name(void *arg, struct entry *e)
{
	struct check *c = arg;
	int error;

	if (e->sequence >= c->seen.next_sequence)
		c->seen.next_sequence = e->sequence + 1;
	ledger_tally(&c->seen, e, 1);
	if ((error = check_uidl(c, e)) != 0)
		return error;
	return e->state == QUEUED ? check_queued(c, e) : 0;
}

static int
count_queued(void *arg, struct entry *e)
{
	struct check *c = arg;

	(void)e;
	c->queued++;
	return 0;
}

static int
enqueue_name(void *arg, struct entry *e)
{
	struct check *c = arg;

	return e->state == QUEUED ? index_enqueue(c->ledger->index, e) : 0;
}

/* The queue as the names have it. */
static int
remake_queue(struct check *c)
{
	struct ledger *l = c->ledger;
	int error;

	if ((error = ledger_begin(l)) != 0)
		return error;
	if ((error = index_clear_queue(l->index, c->folder)) == 0)
		error = index_each_name(
		    l->index, c->folder, enqueue_name, c);
	return ledger_end(l, error, 1);
}

static int
list_uidls(struct check *c)
{
	struct ledger *l = c->ledger;
	struct entry e;
	size_t i;
	int error;

	if (c->unlisted.n == 0)
		return 0;
	if ((error = ledger_begin(l)) != 0)
		return error;
	listing_sort(&c->unlisted);
	e.folder = c->folder;
	for (i = 0; error == 0 && i < c->unlisted.n; i++) {
		entry_cut(&e, c->unlisted.entry[i].name);
		if ((error = index_get_name(l->index, &e)) == 0)
			error = index_put_name(l->index, &e);
	}
	return ledger_end(l, error, 1);
}

/* Names, queue and unique-ids of a folder agree after this. */
static int
check_tables(struct check *c)
{
	struct index *index = c->ledger->index;
	uint64_t count;
	int error;

	c->queued = 0;
	c->queue_wrong = 0;
	listing_free(&c->unlisted);
	if ((error = index_each_name(index, c->folder, check_name, c)) != 0 ||
	    (error = index_each_queued(
		 index, c->folder, 1, count_queued, c)) != 0 ||
	    (error = list_uidls(c)) != 0)
		return error;
	count = c->seen.folder[c->folder].count;
	if (c->queued != count && !c->queue_wrong) {
		mended(c, "the queue had %llu messages, the names %llu",
		    (unsigned long long)c->queued, (unsigned long long)count);
		c->queue_wrong = 1;
	}
	return c->queue_wrong ? remake_queue(c) : 0;
}

/* The totals of a folder as they were counted. */
static void
correct_folder(struct check *c, enum folder folder)
{
	struct folder_totals *t = &c->ledger->totals.folder[folder];
	const struct folder_totals *seen = &c->seen.folder[folder];

	if (t->count != seen->count || t->octets != seen->octets)
		mended(c, "the totals were %llu messages, %llu octets",
		    (unsigned long long)t->count,
		    (unsigned long long)t->octets);
	else if (t->names != seen->names || t->in_new != seen->in_new)
		mended(c, "%llu names were counted, not %llu",
		    (unsigned long long)seen->names,
		    (unsigned long long)t->names);
	t->count = seen->count;
	t->octets = seen->octets;
	t->names = seen->names;
	t->in_new = seen->in_new;
}

static int
correct_totals(struct check *c)
{
	struct totals *t = &c->ledger->totals;
	int error;

	if ((error = ledger_begin(c->ledger)) != 0)
		return error;
	if (t->next_sequence < c->seen.next_sequence) {
		mended(c, "the next sequence was too low");
		t->next_sequence = c->seen.next_sequence;
	}
	if (t->expunging != c->seen.expunging) {
		mended(c, "%llu messages wait to be unlinked, not %llu",
		    (unsigned long long)c->seen.expunging,
		    (unsigned long long)t->expunging);
		t->expunging = c->seen.expunging;
	}
	correct_folder(c, INBOX);
	correct_folder(c, JUNK);
	return ledger_end(c->ledger, 0, 1);
}

/* All that can be told from the database alone. */
static int
check_index(struct check *c)
{
	int error;

	memset(&c->seen, 0, sizeof(c->seen));
	for (c->folder = INBOX; c->folder < FOLDERS; c->folder++)
		if ((error = check_tables(c)) != 0)
			return error;
	return correct_totals(c);
}

/* Measures a message: is it what the index says? */
static int
check_octets(struct check *c, struct entry *e)
{
	struct measured m;
	int error;

	error = ledger_measure(c->ledger, e, &m);
	if (error == ECANCELED)
		return error;
	if (error == ENOENT)
		return 0; /* has just gone: the reading below sees to it */
	if (error != 0)
		log_warn("%s: message %s cannot be read: %s", c->ledger->path,
		    safe(e->base), strerror(error));
	if (error != 0 || m.octets == e->octets)
		return 0;
	mended(c, "%s: has %llu octets, not %llu", safe(e->base),
	    (unsigned long long)m.octets, (unsigned long long)e->octets);
	return listing_add(&c->resize, e->base, e->sub);
}

static int
check_file(struct check *c, const struct listed *listed)
{
	struct entry e;
	int error, fd;

	error = index_find_name(c->ledger->index, c->folder, listed->name, &e);
	if (error == 0 && e.state == LEFT_OUT)
		return 0;
	if (error != INDEX_NOT_FOUND)
		return error != 0 ? error : check_octets(c, &e);
	/* What is no mail, or cannot be read, stays out of it. */
	if (maildir_file(&c->ledger->maildir[c->folder],
		(enum subdir)listed->sub, listed->name, &fd) != 0)
		return 0;
	close(fd);
	mended(c, "%s: was not in the index", safe(e.base));
	return 0;
}

static int
check_gone(void *arg, struct entry *e)
{
	struct check *c = arg;

	if (e->state != EXPUNGING && !scan_keeps(&c->files, e) &&
	    listing_find(&c->files, e->base) == NULL)
		mended(c, "%s: its file is gone", safe(e->base));
	return 0;
}

static int
compare_files(struct check *c)
{
	struct ledger *l = c->ledger;
	size_t i;
	int error;

	error = index_each_name(l->index, c->folder, check_gone, c);
	for (i = 0; error == 0 && i < c->files.n; i++) {
		error = check_file(c, &c->files.entry[i]);
		if (error == 0 && i % ASK_FILES == ASK_FILES - 1 &&
		    l->progress != NULL &&
		    l->progress(l->progress_arg, i + 1, c->files.n))
			error = ECANCELED;
	}
	return error;
}

/* The index against the files; what the reading finds, it mends. */
static int
check_folder(struct check *c)
{
	const struct maildir *m = &c->ledger->maildir[c->folder];
	int error;

	if ((error = listing_read(&c->files, m, CUR)) == 0 &&
	    (error = listing_read(&c->files, m, NEW)) == 0) {
		listing_sort(&c->files);
		error = compare_files(c);
	}
	if (error == 0 && c->resize.n > 0) {
		listing_sort(&c->resize);
		error = resize_names(c->ledger, c->folder, &c->resize);
	}
	listing_free(&c->files);
	listing_free(&c->resize);
	return error;
}

/* Has the database itself checked; it is writable then. */
static int
verify(struct check *c)
{
	struct ledger *l = c->ledger;
	int error;

	if (l->mode == INDEX_MEMORY)
		return l->why;
	/* An old seal, see mailbox.c: nobody counts on what it said. */
	if ((error = ledger_writable(l)) == ESTALE)
		error = ledger_recover_full(l);
	if (error != 0 || (error = index_check_pages(l->index)) != 0 ||
	    (error = index_read_all(l->index)) != 0)
		return error;
	error = index_close(l->index);
	l->index = NULL;
	if (error != 0 || (error = repair_verify(l->dir)) != 0)
		return error;
	return ledger_writable(l);
}

static int
check_all(struct check *c)
{
	int error;

	if ((error = verify(c)) != 0 || (error = check_index(c)) != 0 ||
	    (error = expunge_finish(c->ledger, mailbox_policy(c->mb))) != 0)
		return error;
	for (c->folder = INBOX; c->folder < FOLDERS; c->folder++)
		if (mailbox_sees(c->mb, c->folder) &&
		    (error = check_folder(c)) != 0)
			return error;
	return 0;
}

enum trouble
mailbox_check(struct mailbox *mb, void (*say)(void *arg, const char *sentence),
    void *arg, uint64_t *count)
{
	struct check c = { .mb = mb, .ledger = mailbox_ledger(mb), .say = say,
		.arg = arg };
	enum trouble trouble;
	int error;

	error = check_all(&c);
	if (error == INDEX_DAMAGED)
		error = remake_salvaged(c.ledger);
	if (mailbox_was_remade(mb))
		mended(&c, "the index was damaged and is made anew; the log "
		    "says how much of it could be saved");
	*count = c.mended;
	listing_free(&c.unlisted);
	if (error == ECANCELED)
		return TROUBLE_TEMP;
	trouble = mailbox_trouble(mb, "check", error);
	return trouble != TROUBLE_NONE ? trouble : mailbox_read_all(mb);
}
