#include <sys/stat.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "store/resize.h"

#define YOUNG_NS  (2 * CLOCK_NS)
#define FUTURE_NS (3600 * CLOCK_NS)

/*
 * What is written after now was asked for is younger still.  But a time far
 * in the future was set by whoever had done with the file.
 */
int
resize_is_young(int64_t modified, int64_t now)
{
	return modified > now - YOUNG_NS && modified < now + FUTURE_NS;
}

int
resize_is_due(const struct entry *e, int fd)
{
	struct stat st;

	return e->size != SIZE_UNKNOWN && fstat(fd, &st) == 0 &&
	    (uint64_t)st.st_size != e->size;
}

int
resize_replaced(struct ledger *l, struct entry *e, int64_t now)
{
	char name[NAME_OCTETS];
	struct measured m;
	int error = 0, fd;

	if (entry_name(e, name) != 0 ||
	    maildir_file(&l->maildir[e->folder], e->sub, name, &fd) != 0)
		return 0;
	if (resize_is_due(e, fd) &&
	    (error = maildir_measure(fd, &m, ledger_given_up, l)) == 0) {
		e->octets = m.octets;
		e->size = m.size;
		e->young = resize_is_young(m.modified, now);
	}
	close(fd);
	return error == ECANCELED ? error : 0;
}

struct young {
	struct ledger *ledger;
	enum folder folder;
	int64_t now;
	uint64_t lowest; /* sequence of those that are young still */
	struct listing changed;
};

/* A message of the queue: was it young, is it still, has it changed? */
static int
look(void *arg, struct entry *queued)
{
	struct young *y = arg;
	struct entry e = *queued;
	struct measured m;
	int error;

	e.folder = y->folder;
	error = index_get_name(y->ledger->index, &e);
	if (error != 0 || !e.young)
		return error;
	error = ledger_measure(y->ledger, &e, &m);
	if (error == ECANCELED || error == ENOENT)
		return error == ENOENT ? 0 : error;
	/* One that cannot be read now is looked at when it can. */
	if ((error != 0 || resize_is_young(m.modified, y->now)) &&
	    y->lowest == 0)
		y->lowest = e.sequence;
	if (error != 0 || (m.octets == e.octets && m.size == e.size))
		return 0;
	return listing_add(&y->changed, e.base, e.sub);
}

int
resize_young(struct ledger *l, enum folder folder)
{
	struct folder_totals *t = &l->totals.folder[folder];
	struct young y = { .ledger = l, .folder = folder,
		.now = maildir_now(l->lock.fd) };
	uint64_t number;
	int error;

	if ((error = ledger_readable(l)) != 0)
		return error;
	error = index_number_of(l->index, folder, t->young, &number);
	if (error == 0)
		error = index_each_queued(l->index, folder, number, look, &y);
	else if (error == INDEX_NOT_FOUND)
		error = 0;
	if (error == 0)
		t->young = y.lowest;
	if (error == 0 && y.changed.n > 0) {
		listing_sort(&y.changed);
		error = resize_names(l, folder, &y.changed);
	}
	listing_free(&y.changed);
	return error;
}

/* One that has gone meanwhile, or cannot be read, is the next login's. */
static int
resize(struct ledger *l, enum folder folder, const struct listed *name,
    int64_t now)
{
	char safe[LOG_SAFE_MAX];
	struct entry old, e;
	struct measured m;
	int error;

	if ((error = index_find_name(l->index, folder, name->name, &e)) != 0)
		return error == INDEX_NOT_FOUND ? 0 : error;
	old = e;
	if ((error = ledger_measure(l, &e, &m)) != 0)
		return error == ECANCELED ? error : 0;
	if (m.octets == old.octets && m.size == old.size)
		return 0;
	log_warn("%s: message %s was changed after it was delivered: it has "
	    "%llu octets now, not %llu", l->path,
	    log_safe(safe, sizeof(safe), e.base),
	    (unsigned long long)m.octets, (unsigned long long)old.octets);
	e.octets = m.octets;
	e.size = m.size;
	e.young = resize_is_young(m.modified, now);
	return ledger_change(l, &old, &e);
}

int
resize_names(
    struct ledger *l, enum folder folder, const struct listing *names)
{
	int64_t now = maildir_now(l->lock.fd);
	size_t i;
	int error;

	if ((error = ledger_writable(l)) != 0 ||
	    (error = ledger_begin(l)) != 0)
		return error;
	for (i = 0; error == 0 && i < names->n; i++)
		error = resize(l, folder, &names->entry[i], now);
	return ledger_end(l, error, 0);
}
