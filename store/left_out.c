#include <errno.h>
#include <unistd.h>

#include "store/left_out.h"
#include "store/listing.h"
#include "store/resize.h"

/* Those that can be read by now. */
struct readable {
	struct ledger *ledger;
	struct listing names;
};

static int
try(void *arg, struct entry *e)
{
	struct readable *r = arg;
	char name[NAME_OCTETS];
	int fd;

	if (e->state != LEFT_OUT || entry_name(e, name) != 0 ||
	    maildir_file(&r->ledger->maildir[e->folder], e->sub, name, &fd) !=
		0)
		return 0;
	close(fd);
	return listing_add(&r->names, e->base, e->sub);
}

/* It comes last: what was listed before keeps its number. */
static int
take_in(struct ledger *l, enum folder folder, const struct listed *listed,
    int64_t from_now)
{
	struct entry old, e;
	struct measured m;
	int error;

	if ((error = index_find_name(
		 l->index, folder, listed->name, &old)) != 0)
		return error;
	e = old;
	/* It may be that it can be opened, but not read: a bad block. */
	if ((error = ledger_measure(l, &e, &m)) != 0)
		return error == ECANCELED ? error : 0;
	e.octets = m.octets;
	e.size = m.size;
	e.young = resize_is_young(m.modified, maildir_now(l->lock.fd));
	e.state = m.modified < from_now ? EARLIER : QUEUED;
	e.sequence = l->totals.next_sequence++;
	return ledger_change(l, &old, &e);
}

int
left_out_take_in(struct ledger *l, enum folder folder, int64_t from_now)
{
	struct readable r = { .ledger = l };
	size_t i;
	int error;

	if ((error = ledger_readable(l)) == 0)
		error = index_each_name(l->index, folder, try, &r);
	if (error == 0 && r.names.n > 0 &&
	    (error = ledger_writable(l)) == 0 &&
	    (error = ledger_begin(l)) == 0) {
		listing_sort(&r.names);
		for (i = 0; error == 0 && i < r.names.n; i++)
			error = take_in(
			    l, folder, &r.names.entry[i], from_now);
		error = ledger_end(l, error, 0);
	}
	listing_free(&r.names);
	return error;
}
