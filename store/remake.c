#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "store/listing.h"
#include "store/remake.h"
#include "store/repair.h"
#include "store/seal.h"

/* Names whose UIDL is not their base: version 1 kept no table of them. */
static int
count_forward(void *arg, struct entry *e)
{
	struct listing *hashed = arg;

	return e->uidl[0] == '\0' ? 0 :
	    listing_add(&hashed[e->folder], e->base, e->sub);
}

static int
tally_forward(void *arg, struct entry *e)
{
	struct folder_totals *t = arg;

	t->names++;
	t->in_new += e->sub == NEW;
	return 0;
}

static int
forward_name(struct ledger *l, enum folder folder, const struct listed *name)
{
	struct entry e;
	int error;

	if ((error = index_find_name(l->index, folder, name->name, &e)) != 0 ||
	    (error = index_put_name(l->index, &e)) != 0)
		return error;
	return e.state == QUEUED ? index_enqueue(l->index, &e) : 0;
}

/* Counts what version 1 did not; finds the names that are to be listed. */
static int
count_folder(
    struct ledger *l, enum folder folder, struct listing hashed[FOLDERS])
{
	struct folder_totals *t = &l->totals.folder[folder];
	int error;

	t->names = t->in_new = 0;
	error = index_each_name(l->index, folder, tally_forward, t);
	if (error == 0)
		error = index_each_name(
		    l->index, folder, count_forward, hashed);
	listing_sort(&hashed[folder]);
	return error;
}

static int
forward_folders(struct ledger *l, const struct listing hashed[FOLDERS])
{
	enum folder folder;
	size_t i;
	int error = 0;

	for (folder = INBOX; folder < FOLDERS; folder++)
		for (i = 0; error == 0 && i < hashed[folder].n; i++)
			error = forward_name(
			    l, folder, &hashed[folder].entry[i]);
	return error;
}

/* One transaction. */
static int
forward(struct ledger *l, const struct listing hashed[FOLDERS])
{
	int error;

	if ((error = ledger_begin(l)) != 0)
		return error;
	error = forward_folders(l, hashed);
	arc4random_buf(l->totals.identity, IDENTITY_OCTETS);
	l->totals.forwarded = clock_ns() / CLOCK_NS;
	if ((error = ledger_end(l, error, 1)) == 0)
		l->version = 2;
	return error;
}

int
remake_forward(struct ledger *l)
{
	struct listing hashed[FOLDERS];
	enum folder folder;
	uint64_t n = 0;
	int error = 0;

	memset(hashed, 0, sizeof(hashed));
	for (folder = INBOX; error == 0 && folder < FOLDERS; folder++) {
		error = count_folder(l, folder, hashed);
		n += hashed[folder].n;
	}
	if (error == 0)
		error = ledger_expect(l, n);
	if (error == 0)
		error = forward(l, hashed);
	listing_free(&hashed[INBOX]);
	listing_free(&hashed[JUNK]);
	return error;
}

/* An entry of another index comes into this one. */
static int
take(void *arg, struct entry *e)
{
	struct ledger *l = arg;
	struct entry known = *e;
	int error;

	error = index_get_name(l->index, &known);
	if (error != INDEX_NOT_FOUND)
		return error;
	if (e->sequence >= l->totals.next_sequence)
		l->totals.next_sequence = e->sequence + 1;
	return ledger_add(l, e);
}

/* A name that comes from index.bad. */
struct saving {
	struct ledger *ledger;
	int error; /* of the new index, and not of reading the old one */
};

static int
save(void *arg, struct entry *e)
{
	struct saving *s = arg;

	return s->error = take(s->ledger, e);
}

/* Fills a new index with what index.bad can tell, all of it or nothing. */
static int
salvage(struct ledger *l, uint64_t *saved)
{
	struct saving s = { l, 0 };
	int error, rv;

	if ((error = index_expect_much(l->index, 0)) != 0 ||
	    (error = ledger_begin(l)) != 0)
		return error;
	rv = repair_salvage(l->dir, save, &s, saved);
	/* What is in it and cannot be read is as lost as what is damaged. */
	if (s.error == 0)
		(void)ledger_complain(
		    l, "saving what the damaged index has", rv);
	error = ledger_end(l, s.error, 1);
	return error != 0 ? error : repair_done(l->dir);
}

int
remake_salvaged(struct ledger *l)
{
	uint64_t saved = 0;
	int error;

	/* Where somebody was interrupted at it, index.bad has it already. */
	if (!l->unsaved) {
		ledger_drop(l);
		if ((error = repair_discard(l->dir)) != 0)
			return error;
		l->closing = CLOSING_SEALED;
		if ((error = ledger_recover(l)) != 0 && !l->unsaved)
			return error;
	}
	if ((error = salvage(l, &saved)) != 0)
		return error;
	l->unsaved = 0;
	l->remade = 1;
	log_warn("%s: the index is damaged and is made anew: %llu messages of "
	    "it could be read and are as they were; what was retained beside "
	    "them is in the queue again", l->path, (unsigned long long)saved);
	return 0;
}

/*
 * The index on the disk, open and good for a copy; NULL in l->index where
 * there is none.  The error because of which it is not written may have left
 * it in need of a recovery.
 */
static int
open_original(struct ledger *l, int why)
{
	ledger_drop(l);
	if (seal_read(l->lock.fd, l->file, &l->totals) == SEAL_GOOD) {
		l->mode = INDEX_READ;
		return index_open(&l->index, l->dir, INDEX_READ);
	}
	memset(&l->totals, 0, sizeof(l->totals));
	if (access(l->file, F_OK) == -1 && errno == ENOENT)
		return repair_is_pending(l->dir) ? why : 0;
	if (ledger_recover_full(l) != 0)
		return why;
	/* A new one, in place of what is there, would tell of nothing. */
	return l->version == 1 || l->totals.generation > 0 ? 0 : why;
}

/* Copies the names; the totals are counted again on the way. */
static int
copy_names(struct index *from, struct ledger *l)
{
	struct totals before = l->totals;
	enum folder folder;
	int error = 0;

	memset(&l->totals, 0, sizeof(l->totals));
	l->totals.next_sequence = 1;
	for (folder = INBOX; folder < FOLDERS; folder++)
		l->totals.folder[folder].from_now =
		    before.folder[folder].from_now;
	for (folder = INBOX; from != NULL && error == 0 && folder < FOLDERS;
	     folder++)
		error = index_each_name(from, folder, take, l);
	return error;
}

int
remake_in_memory(struct ledger *l, int why)
{
	struct index *original;
	int error;

	if ((error = open_original(l, why)) != 0) {
		ledger_drop(l);
		return error;
	}
	original = l->index;
	l->index = NULL;
	l->why = why;
	l->mode = INDEX_MEMORY;
	if ((error = index_open(&l->index, l->dir, INDEX_MEMORY)) == 0)
		error = copy_names(original, l);
	/* Closed as it should be, it is good for the next one. */
	if (index_close(original) != 0)
		ledger_unvouched(l);
	return error;
}
