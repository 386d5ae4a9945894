#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "store/expunge.h"
#include "store/remake.h"
#include "store/reserve.h"
#include "store/sync.h"
#include "store/update.h"

#define MANY	     1000 /* messages, for which the log gets larger files */
#define RESERVE	     ((size_t)128 * 1024)
#define RESERVE_MANY ((size_t)512 * 1024)
#define MANY_NAMES   10000
#define LOG_ROOM     ((size_t)72 * 1024) /* a file of the log, and a little */
#define MARK_ROOM    512
#define UIDL_ROOM    (8 * UIDL_MAX) /* more, with unique-ids from elsewhere */

/* What deleting a message takes in the log, to the end, beside its name. */
#define LOGGED	     584
#define LOGGED_NAMES 3 /* times its name is in the log */
#define ROOM_MUCH    ((size_t)2 << 20) /* beside that */

/* An UPDATE under way. */
struct update {
	struct ledger *ledger;
	const struct listing *marked; /* base names, sorted */
	const struct policy *policy; /* NULL: retained ones are purged */
	int64_t now; /* seconds */
	size_t logged; /* octets, for which the log gets a file; or 0 */
	uint64_t taken;
	int full; /* why new mail could not be recorded */
	struct listing unlink[FOLDERS]; /* whole names */
};

/* Its file is to be unlinked, and no other that may have its name then. */
static int
condemn(struct update *u, struct entry *e)
{
	char name[NAME_OCTETS];
	int error;

	if ((error = entry_name(e, name)) != 0)
		return error;
	e->state = EXPUNGING;
	return listing_add(&u->unlink[e->folder], name, e->sub);
}

/* Takes a message out of its queue, or of those that are retained. */
static int
take_out(struct update *u, enum folder folder, const struct listed *marked)
{
	struct entry old, e;
	int error;

	if ((error = index_find_name(
		 u->ledger->index, folder, marked->name, &old)) != 0)
		return error == INDEX_NOT_FOUND ? ESTALE : error;
	if (old.state != (u->policy != NULL ? QUEUED : RETAINED))
		return ESTALE;
	e = old;
	e.state = RETAINED;
	e.retained = u->now;
	e.purged = u->policy == NULL;
	if ((e.purged || u->policy->auto_delete) &&
	    (error = condemn(u, &e)) != 0)
		return error;
	u->taken++;
	return ledger_change(u->ledger, &old, &e);
}

static int
take_out_all(struct update *u)
{
	const struct listing *l;
	enum folder folder;
	size_t i;
	int error;

	u->taken = 0;
	expunge_free(u->unlink);
	u->ledger->totals.expunged = maildir_now(u->ledger->lock.fd);
	for (folder = INBOX; folder < FOLDERS; folder++) {
		l = &u->marked[folder];
		for (i = 0; i < l->n; i++)
			if ((error = take_out(u, folder, &l->entry[i])) != 0)
				return error;
	}
	return 0;
}

static int
transact(struct update *u)
{
	struct ledger *l = u->ledger;
	int error;

	if (u->logged != 0 && l->mode != INDEX_MEMORY &&
	    (error = index_expect_much(l->index, u->logged)) != 0)
		return error;
	if ((error = ledger_begin(l)) != 0)
		return error;
	return ledger_end(l, take_out_all(u), 1);
}

/*
 * After a failed write the environment cannot be used any more: it is opened
 * once more, with the reserve's room.  The commit may have been written.
 */
static int
transact_again(struct update *u, int error)
{
	struct ledger *l = u->ledger;
	struct totals before = l->totals;

	if (reserve_give_up(l->dir) != 0)
		return error;
	if ((error = ledger_recover_full(l)) != 0)
		return error;
	if (memcmp(l->totals.identity, before.identity, IDENTITY_OCTETS) != 0)
		return ESTALE;
	if (l->totals.generation == before.generation + 1)
		return 0;
	return transact(u);
}

/*
 * What a session saw in memory is done to the index on the disk, by name;
 * the mail that it does not have yet comes first.
 */
static int
return_to_disk(struct update *u)
{
	struct ledger *l = u->ledger;
	enum folder folder;
	int error;

	if (l->lock.fd == -1 || l->lock.read_only)
		return l->why;
	if ((error = ledger_recover_full(l)) != 0 ||
	    (l->version == 1 && (error = remake_forward(l)) != 0))
		return error;
	for (folder = INBOX; error == 0 && folder < FOLDERS; folder++)
		if (u->marked[folder].n > 0)
			error = sync_all(l, folder, u->policy->from_now);
	/* Without room for the new mail, the old can be deleted still. */
	if (!ledger_is_full(error) || l->index == NULL)
		return error;
	u->full = error;
	return 0;
}

/* Committed: from here on there is no failure, only delay. */
static void
finish(struct update *u)
{
	struct ledger *l = u->ledger;
	uint64_t names =
	    l->totals.folder[INBOX].names + l->totals.folder[JUNK].names;

	if (ledger_complain(l, "unlinking", expunge(l, u->unlink)) != 0)
		ledger_unvouched(l);
	reserve_make(l->dir, names > MANY_NAMES ? RESERVE_MANY : RESERVE);
}

/*
 * Before anything is written: on a full disk the log may end right behind a
 * commit, with no room for what a recovery writes, and then what was answered
 * with +OK is undone.  The reserve is room enough for some marks.  Many get a
 * file of the log that holds them all, where there is room for it, and for
 * what a recovery fills it up with.
 */
static int
make_room(struct update *u)
{
	const struct listing *in = &u->marked[INBOX], *junk = &u->marked[JUNK];
	size_t marks = in->n + junk->n;
	size_t uidls = u->ledger->totals.uidls_size > 0 ? UIDL_ROOM : 0;
	size_t logged = marks * (LOGGED + uidls) +
	    (in->used + junk->used) * LOGGED_NAMES;
	size_t octets = LOG_ROOM + marks * (MARK_ROOM + uidls);
	int error;

	if (marks > MANY &&
	    reserve_room(u->ledger->dir, logged + ROOM_MUCH) == 0) {
		u->logged = logged;
		return 0;
	}
	if ((error = reserve_room(u->ledger->dir, octets)) == 0 ||
	    reserve_give_up(u->ledger->dir) != 0)
		return error;
	return reserve_room(u->ledger->dir, octets);
}

static int
update_run(struct update *u, uint64_t *taken)
{
	struct ledger *l = u->ledger;
	int error;

	if ((error = make_room(u)) == 0)
		error = l->mode == INDEX_MEMORY ? return_to_disk(u) :
						  ledger_writable(l);
	if (error == 0)
		error = transact(u);
	if (ledger_is_full(error))
		error = transact_again(u, error);
	if (error == ESTALE && u->full != 0)
		error = u->full; /* what was marked is not on the disk yet */
	if (error == 0)
		finish(u);
	else
		ledger_drop(l);
	*taken = error == 0 ? u->taken : 0;
	expunge_free(u->unlink);
	return error;
}

int
update_commit(struct ledger *l, const struct listing names[FOLDERS],
    const struct policy *policy, uint64_t *deleted)
{
	struct update u = { .ledger = l, .marked = names, .policy = policy,
		.now = clock_ns() / CLOCK_NS };

	return update_run(&u, deleted);
}

int
update_purge(
    struct ledger *l, const struct listing names[FOLDERS], uint64_t *purged)
{
	struct update u = { .ledger = l, .marked = names };

	if (l->mode == INDEX_MEMORY)
		return l->why;
	return update_run(&u, purged);
}
