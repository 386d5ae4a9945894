#include <sys/stat.h>

#include <fcntl.h>

#include "common/clock.h"
#include "store/from_now.h"
#include "store/listing.h"

struct turn {
	struct ledger *ledger;
	int64_t from_now;
	struct listing names; /* on the wrong side */
};

/* Is it on the side of the setting on which it belongs? */
static int
look(void *arg, struct entry *e)
{
	struct turn *t = arg;
	char name[NAME_OCTETS];
	struct stat st;
	int64_t modified;

	if ((e->state != QUEUED && e->state != EARLIER) ||
	    entry_name(e, name) != 0 ||
	    fstatat(t->ledger->maildir[e->folder].dir[e->sub], name, &st,
		AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	modified = (int64_t)st.st_mtim.tv_sec * CLOCK_NS + st.st_mtim.tv_nsec;
	if ((modified < t->from_now) == (e->state == EARLIER))
		return 0;
	return listing_add(&t->names, e->base, e->sub);
}

static int
toggle(struct ledger *l, enum folder folder, const struct listed *name)
{
	struct entry old, e;
	int error;

	if ((error = index_find_name(l->index, folder, name->name, &old)) != 0)
		return error;
	e = old;
	e.state = old.state == QUEUED ? EARLIER : QUEUED;
	return ledger_change(l, &old, &e);
}

int
from_now_apply(struct ledger *l, enum folder folder, int64_t from_now)
{
	struct turn t = { .ledger = l, .from_now = from_now };
	size_t i;
	int error;

	if ((error = ledger_writable(l)) == 0 &&
	    (error = index_each_name(l->index, folder, look, &t)) == 0 &&
	    (error = ledger_begin(l)) == 0) {
		listing_sort(&t.names);
		for (i = 0; error == 0 && i < t.names.n; i++)
			error = toggle(l, folder, &t.names.entry[i]);
		l->totals.folder[folder].from_now = from_now;
		error = ledger_end(l, error, 0);
	}
	listing_free(&t.names);
	return error;
}
