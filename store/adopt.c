#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "store/adopt.h"
#include "store/listing.h"

#define BATCH	 1000 /* changes in a transaction */
#define SLACK_NS (3600 * CLOCK_NS) /* by which clocks may differ */

/* A file that went is like one without lines. */
static int
load(struct ledger *l, struct uidls_stamp *stamp)
{
	int error;

	if (l->uidls_loaded)
		return 0;
	l->uidls.given_up = ledger_given_up;
	l->uidls.arg = l;
	error = uidls_read(&l->uidls, l->dir, stamp);
	if (error != 0 && error != ENOENT)
		return error;
	l->uidls_loaded = 1;
	if (l->uidls.bad > 0)
		log_warn("%s: uidls: %zu lines are left out, the first of "
		    "them is line %zu: no unique-id and base name, or one "
		    "that a line before it has", l->path, l->uidls.bad,
		    l->uidls.first);
	return 0;
}

/*
 * Gives a name the UIDL that it should have: from elsewhere, or its own.  Its
 * base name is nobody's own that is another's id, in the file, or in the
 * index by a file that was there before.
 */
static int
name_uidl(const struct ledger *l, struct entry *e)
{
	const char *uidl = uidls_find(&l->uidls, e->folder, e->base);
	struct entry owner;
	int error;

	entry_set_uidl(e, e->folder == JUNK);
	if (uidl != NULL && (e->uidl[0] != '\0' || strcmp(uidl, e->base) != 0))
		(void)strlcpy(e->uidl, uidl, sizeof(e->uidl));
	if (uidl != NULL || e->uidl[0] != '\0')
		return 0;
	error = index_find_uidl(l->index, e->base, &owner);
	if (uidls_owner(&l->uidls, e->base) != NULL || (error == 0 &&
		(owner.folder != e->folder ||
		    strcmp(owner.base, e->base) != 0)))
		entry_set_uidl(e, 1);
	return error == INDEX_NOT_FOUND ? 0 : error;
}

struct adopting {
	struct ledger *ledger;
	struct listing names[FOLDERS]; /* that are to get another UIDL */
	size_t done, all;
	enum folder folder;
};

/*
 * A UIDL stays but where the file gives the name another one, or the UIDL
 * to another name.
 */
static int
compare_name(void *arg, struct entry *e)
{
	struct adopting *a = arg;
	const struct uidls *u = &a->ledger->uidls;
	struct entry new = *e;
	char uidl[UIDL_MAX + 1];
	int error;

	(void)entry_uidl(e, uidl);
	if (uidls_find(u, e->folder, e->base) == NULL &&
	    uidls_owner(u, uidl) == NULL)
		return 0;
	if ((error = name_uidl(a->ledger, &new)) != 0)
		return error;
	return strcmp(new.uidl, e->uidl) == 0 ? 0 :
	    listing_add(&a->names[e->folder], e->base, e->sub);
}

static int
compare_names(struct adopting *a)
{
	struct ledger *l = a->ledger;
	enum folder folder;
	int error = 0;

	a->all = l->uidls.n;
	for (folder = INBOX; error == 0 && folder < FOLDERS; folder++) {
		error = index_each_name(l->index, folder, compare_name, a);
		listing_sort(&a->names[folder]);
		a->all += a->names[folder].n;
	}
	return error;
}

/* In the order of the table. */
static int
claim(struct adopting *a, size_t i)
{
	const struct uidls_line *line = a->ledger->uidls.by_uidl[i];
	struct entry e;

	memset(&e, 0, offsetof(struct entry, base));
	e.folder = line->folder;
	(void)strlcpy(e.base, line->base, sizeof(e.base));
	(void)strlcpy(e.uidl, line->uidl, sizeof(e.uidl));
	return index_claim_uidl(a->ledger->index, &e);
}

static int
change(struct adopting *a, size_t i)
{
	struct ledger *l = a->ledger;
	struct entry old, new;
	int error;

	if ((error = index_find_name(l->index, a->folder,
		 a->names[a->folder].entry[i].name, &old)) != 0)
		return error;
	new = old;
	if ((error = name_uidl(l, &new)) != 0)
		return error;
	return ledger_change(l, &old, &new);
}

/* Calls each() for 0 to n - 1, in transactions. */
static int
in_batches(struct adopting *a, size_t n,
    int (*each)(struct adopting *a, size_t i))
{
	struct ledger *l = a->ledger;
	size_t i = 0, end;
	int error = 0;

	while (error == 0 && i < n) {
		end = n - i > BATCH ? i + BATCH : n;
		if ((error = ledger_begin(l)) != 0)
			return error;
		for (; error == 0 && i < end; i++, a->done++)
			error = each(a, i);
		if ((error = ledger_end(l, error, 0)) == 0)
			error = ledger_progress(l, a->done, a->all);
	}
	return error;
}

/* The stamp comes last: whoever does not find it does all of this again. */
static int
put_stamp(struct ledger *l, const struct uidls_stamp *stamp)
{
	int error;

	if ((error = ledger_begin(l)) != 0)
		return error;
	l->totals.uidls_inode = stamp->inode;
	l->totals.uidls_size = stamp->size;
	l->totals.uidls_changed = stamp->changed;
	return ledger_end(l, 0, 1);
}

static int
apply(struct ledger *l, const struct uidls_stamp *stamp)
{
	struct adopting a;
	int error;

	memset(&a, 0, sizeof(a));
	a.ledger = l;
	if ((error = ledger_writable(l)) == 0 &&
	    (error = compare_names(&a)) == 0)
		error = ledger_expect(l, a.all);
	if (error == 0)
		error = in_batches(&a, l->uidls.n, claim);
	for (; error == 0 && a.folder < FOLDERS; a.folder++)
		error = in_batches(&a, a.names[a.folder].n, change);
	listing_free(&a.names[INBOX]);
	listing_free(&a.names[JUNK]);
	return error != 0 ? error : put_stamp(l, stamp);
}

/* What it said before, the index has. */
static int
unreadable(struct ledger *l, int error)
{
	if (error == UIDLS_NEWER)
		return error;
	if (l->totals.uidls_inode != 0) {
		(void)ledger_complain(l, "reading uidls", error);
		return 0;
	}
	if (error == UIDLS_DAMAGED)
		return error;
	(void)ledger_complain(l, "reading uidls", error);
	return UIDLS_UNREADABLE;
}

int
adopt(struct ledger *l)
{
	const struct totals *t = &l->totals;
	struct uidls_stamp stamp;
	int error;

	error = uidls_look(l->dir, &stamp);
	if (error == ENOENT ||
	    (error == 0 && stamp.inode == t->uidls_inode &&
		stamp.size == t->uidls_size &&
		stamp.changed == t->uidls_changed))
		return 0;
	adopt_end(l);
	if (error != 0 || (error = load(l, &stamp)) != 0)
		return unreadable(l, error);
	return apply(l, &stamp);
}

/*
 * No name is in the file that was not in the Maildir when the file was made.
 * So it need not be read for mail that was delivered since, but only for
 * such as comes back, or is of a time that is no time yet: by a wrong clock.
 */
static int
may_be_in_file(const struct ledger *l, const char *base)
{
	int64_t delivered = maildir_delivered(base);

	return delivered == 0 ||
	    delivered < (l->totals.uidls_changed + SLACK_NS) / CLOCK_NS ||
	    delivered > (clock_ns() + SLACK_NS) / CLOCK_NS;
}

int
adopt_uidl(struct ledger *l, struct entry *e)
{
	int error;

	entry_set_uidl(e, e->folder == JUNK);
	if (l->totals.uidls_inode == 0)
		return 0;
	if (may_be_in_file(l, e->base) && (error = load(l, NULL)) != 0)
		return error;
	return name_uidl(l, e);
}

void
adopt_end(struct ledger *l)
{
	uidls_free(&l->uidls);
	l->uidls_loaded = 0;
}
