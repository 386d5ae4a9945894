#include <stdint.h>
#include <string.h>

#include "common/clock.h"
#include "store/expunge.h"
#include "store/purge.h"
#include "store/update.h"

#define DAY 86400 /* seconds */

/* What has been retained for long enough. */
struct due {
	const struct ledger *ledger;
	int all;
	int64_t latest; /* it was retained then or earlier, seconds */
	struct listing names[FOLDERS];
	uint64_t octets;
};

static int
is_due(const struct due *d, const struct entry *e)
{
	int64_t since = e->retained;

	if (e->state != RETAINED)
		return 0;
	if (since == 0)
		since = d->ledger->totals.forwarded;
	return d->all || (since != 0 && since <= d->latest);
}

static int
collect(void *arg, struct entry *e)
{
	struct due *d = arg;

	if (!is_due(d, e))
		return 0;
	d->octets += e->octets;
	return listing_add(&d->names[e->folder], e->base, e->sub);
}

/* A folder that cannot be reached now keeps what it has. */
static int
collect_all(struct ledger *l, struct due *d)
{
	enum folder folder;
	int error = 0;

	for (folder = INBOX; error == 0 && folder < FOLDERS; folder++) {
		if (l->maildir[folder].dir[CUR] == -1)
			continue;
		error = index_each_name(l->index, folder, collect, d);
		listing_sort(&d->names[folder]);
	}
	return error;
}

int
purge(struct ledger *l, int64_t days, struct purged *purged)
{
	struct due d = { .ledger = l, .all = days == 0,
		.latest = clock_ns() / CLOCK_NS - days * DAY };
	int error;

	memset(purged, 0, sizeof(*purged));
	if (l->mode == INDEX_MEMORY)
		return l->why;
	if ((error = ledger_readable(l)) == 0 &&
	    (error = collect_all(l, &d)) == 0 &&
	    d.names[INBOX].n + d.names[JUNK].n > 0)
		error = update_purge(l, d.names, &purged->messages);
	if (purged->messages > 0)
		purged->octets = d.octets;
	expunge_free(d.names);
	return error;
}
