#include <string.h>

#include "store/listing.h"
#include "store/requeue.h"

struct wanted {
	const char *uidl; /* NULL: all */
	struct listing names;
};

static int
collect(void *arg, struct entry *e)
{
	struct wanted *w = arg;
	char own[UIDL_MAX + 1];

	if (!entry_is_kept(e))
		return 0;
	(void)entry_uidl(e, own);
	if (w->uidl != NULL && strcmp(own, w->uidl) != 0)
		return 0;
	return listing_add(&w->names, e->base, e->sub);
}

static int
queue_again(struct ledger *l, enum folder folder, const struct listed *name)
{
	struct entry old, e;
	int error;

	if ((error = index_find_name(l->index, folder, name->name, &old)) != 0)
		return error;
	e = old;
	e.state = QUEUED;
	e.retained = 0;
	return ledger_change(l, &old, &e);
}

static int
requeue_folder(struct ledger *l, enum folder folder, struct wanted *w)
{
	size_t i;
	int error;

	if ((error = index_each_name(l->index, folder, collect, w)) != 0)
		return error;
	listing_sort(&w->names);
	for (i = 0; error == 0 && i < w->names.n; i++)
		error = queue_again(l, folder, &w->names.entry[i]);
	return error;
}

int
requeue(struct ledger *l, const char *uidl, uint64_t *requeued)
{
	struct wanted w;
	enum folder folder;
	int error;

	*requeued = 0;
	if (l->mode == INDEX_MEMORY)
		return l->why;
	if ((error = ledger_writable(l)) != 0 ||
	    (error = ledger_begin(l)) != 0)
		return error;
	for (folder = INBOX; error == 0 && folder < FOLDERS; folder++) {
		memset(&w, 0, sizeof(w));
		w.uidl = uidl;
		error = requeue_folder(l, folder, &w);
		*requeued += w.names.n;
		listing_free(&w.names);
	}
	return ledger_end(l, error, 1);
}
