#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "store/quota.h"
#include "store/reserve.h"
#include "store/update.h"

#define MANY	     1000 /* messages, for which the log gets larger files */
#define RESERVE	     ((size_t)128 * 1024)
#define RESERVE_MANY ((size_t)512 * 1024)
#define MANY_NAMES   10000
#define PATIENCE     1000 /* files unlinked until it is asked who waits */

/* An UPDATE under way. */
struct update {
	struct ledger *ledger;
	const struct listing *marked;
	int auto_delete;
	int64_t now; /* seconds */
	uint64_t taken;
	struct listing unlink[FOLDERS]; /* whole names */
};

static void
free_names(struct listing names[FOLDERS])
{
	listing_free(&names[INBOX]);
	listing_free(&names[JUNK]);
}

/* The inode of an entry's file; 0 where it is not found at once. */
static uint64_t
inode_of(const struct ledger *l, const struct entry *e, const char *name)
{
	struct stat st;

	if (fstatat(l->maildir[e->folder].dir[e->sub], name, &st,
		AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	return st.st_ino;
}

/* Its file is to be unlinked, and no other that may have its name then. */
static int
condemn(struct update *u, struct entry *e)
{
	char name[NAME_OCTETS];
	int error;

	if ((error = entry_name(e, name)) != 0)
		return error;
	e->state = EXPUNGING;
	e->inode = inode_of(u->ledger, e, name);
	return listing_add(&u->unlink[e->folder], name, e->sub);
}

/* Takes a message out of its queue. */
static int
take_out(struct update *u, enum folder folder, const struct listed *marked)
{
	struct entry old, e;
	int error;

	old.folder = folder;
	entry_cut(&old, marked->name);
	if ((error = index_get_name(u->ledger->index, &old)) != 0)
		return error == INDEX_NOT_FOUND ? ESTALE : error;
	if (old.state != QUEUED)
		return ESTALE;
	e = old;
	e.state = RETAINED;
	e.retained = u->now;
	if (u->auto_delete && (error = condemn(u, &e)) != 0)
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
	free_names(u->unlink);
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
	int error = 0;

	if (u->marked[INBOX].n + u->marked[JUNK].n > MANY)
		error = index_expect_much(l->index);
	if (error != 0 || (error = ledger_begin(l)) != 0)
		return error;
	if ((error = take_out_all(u)) == 0 &&
	    (error = ledger_commit(l, 1)) == 0)
		return 0;
	ledger_abort(l);
	return error;
}

/*
 * After a failed write the environment is good for nothing: it is opened
 * once more, with the reserve's room.  Perhaps the commit was written.
 */
static int
transact_again(struct update *u, int error)
{
	struct ledger *l = u->ledger;
	struct totals before = l->totals;

	if (reserve_give_up(l->dir) != 0)
		return error;
	ledger_drop(l);
	l->closing = CLOSING_SEALED;
	if ((error = ledger_recover(l)) != 0)
		return error;
	if (memcmp(l->totals.identity, before.identity, IDENTITY_OCTETS) != 0)
		return ESTALE;
	if (l->totals.generation == before.generation + 1)
		return 0;
	return transact(u);
}

/*
 * What a session saw in memory is done to the index on the disk, by name;
 * the mail that is not in there yet comes first.
 */
static int
return_to_disk(struct ledger *l)
{
	int error;

	if (l->lock.fd == -1)
		return l->why;
	ledger_drop(l);
	l->closing = CLOSING_SEALED;
	error = ledger_recover(l);
	if (ledger_is_full(error) && reserve_give_up(l->dir) == 0) {
		ledger_drop(l);
		l->closing = CLOSING_SEALED;
		error = ledger_recover(l);
	}
	return error;
}

/*
 * Makes a directory's changes last.  One that is gone has none, and not all
 * file systems can (EINVAL).
 */
static int
sync_directory(int fd)
{
	return fd == -1 || fsync(fd) == 0 || errno == EINVAL ? 0 : errno;
}

/* What unlinking a file takes off the quota. */
struct relief {
	int wanted; /* there is a quota */
	uint64_t messages, octets;
};

static void
relieve(struct relief *r, const struct maildir *m, enum subdir sub,
    const char *name, struct stat *st)
{
	if (!r->wanted)
		return;
	if (fstatat(m->dir[sub], name, st, AT_SYMLINK_NOFOLLOW) == -1)
		st->st_size = 0;
}

/* Unlinks the file of a message; one that is not there any more is fine. */
static int
unlink_file(struct ledger *l, enum folder folder, const struct listed *file,
    struct relief *r)
{
	const struct maildir *m = &l->maildir[folder];
	enum subdir sub = (enum subdir)file->sub;
	char name[NAME_OCTETS];
	struct entry e;
	struct stat st;

	if (m->dir[sub] == -1)
		return m->error;
	entry_cut(&e, file->name);
	strlcpy(name, file->name, sizeof(name));
	for (;;) {
		relieve(r, m, sub, name, &st);
		if (unlinkat(m->dir[sub], name, 0) == 0)
			break;
		if (errno != ENOENT)
			return errno;
		/* Others renamed it: the base name tells which it is. */
		if (maildir_search(m, e.base, &sub, name) != 0)
			return 0;
	}
	ledger_changed(l, folder, sub == CUR);
	if (r->wanted) {
		r->messages++;
		r->octets += quota_octets(name, (uint64_t)st.st_size);
	}
	return 0;
}

/* Unlinks; names keeps those that are gone, which may be forgotten. */
static int
unlink_files(struct ledger *l, enum folder folder, struct listing *names,
    struct relief *r)
{
	const struct maildir *m = &l->maildir[folder];
	char safe[LOG_SAFE_MAX];
	size_t i, gone = 0;
	int error;

	for (i = 0; i < names->n; i++) {
		if (i % PATIENCE == PATIENCE - 1 && ledger_given_up(l))
			break; /* the next session goes on from here */
		error = unlink_file(l, folder, &names->entry[i], r);
		if (error == 0)
			names->entry[gone++] = names->entry[i];
		else
			log_warn("%s: %s could not be unlinked, the next "
			    "session will try again: %s", l->path,
			    log_safe(safe, sizeof(safe),
				names->entry[i].name), strerror(error));
	}
	names->n = gone;
	/* A name must not be forgotten before its file is, power cut or not. */
	if (gone == 0)
		return 0;
	if ((error = sync_directory(m->dir[CUR])) == 0)
		error = sync_directory(m->dir[NEW]);
	return error;
}

static int
forget_names(
    struct ledger *l, enum folder folder, const struct listing *names)
{
	struct entry e;
	size_t i;
	int error;

	if (names->n == 0)
		return 0;
	if ((error = ledger_begin(l)) != 0)
		return error;
	memset(&e, 0, sizeof(e));
	e.folder = folder;
	e.state = EXPUNGING;
	for (i = 0; error == 0 && i < names->n; i++) {
		entry_cut(&e, names->entry[i].name);
		e.sub = (enum subdir)names->entry[i].sub;
		error = ledger_remove(l, &e);
	}
	if (error == 0)
		return ledger_commit(l, 0);
	ledger_abort(l);
	return error;
}

/* Unlinks the files, and forgets their names. */
static int
expunge_folder(
    struct ledger *l, enum folder folder, struct listing *names)
{
	struct relief relief = { quota_is_kept(l->path), 0, 0 };
	int error, rv;

	if (names->n == 0)
		return 0;
	listing_sort(names);
	ledger_changes_begin(l, folder);
	error = unlink_files(l, folder, names, &relief);
	ledger_changes_end(l, folder);
	rv = relief.messages == 0 ? 0 :
	    quota_take_off(l->path, relief.messages, relief.octets);
	(void)ledger_complain(l, "the quota (maildirsize)", rv);
	return error != 0 ? error : forget_names(l, folder, names);
}

static int
expunge(struct ledger *l, struct listing names[FOLDERS])
{
	int error;

	if ((error = expunge_folder(l, INBOX, &names[INBOX])) != 0)
		return error;
	return expunge_folder(l, JUNK, &names[JUNK]);
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

int
update_commit(struct ledger *l, const struct listing names[FOLDERS],
    int auto_delete, uint64_t *deleted)
{
	struct update u = { .ledger = l, .marked = names,
		.auto_delete = auto_delete, .now = clock_ns() / CLOCK_NS };
	int error;

	error = l->mode == INDEX_MEMORY ? return_to_disk(l) :
					  ledger_writable(l);
	if (error == 0)
		error = transact(&u);
	if (ledger_is_full(error))
		error = transact_again(&u, error);
	if (error == 0)
		finish(&u);
	else
		ledger_unvouched(l);
	*deleted = error == 0 ? u.taken : 0;
	free_names(u.unlink);
	return error;
}

/* What an interrupted UPDATE left. */
struct rest {
	struct ledger *ledger;
	int auto_delete;
	struct listing unlink[FOLDERS];	 /* whole names */
	struct listing restore[FOLDERS]; /* base names */
};

static int
sort_out(void *arg, struct entry *e)
{
	struct rest *r = arg;
	char name[NAME_OCTETS];
	uint64_t inode;
	int error;

	if (e->state != EXPUNGING)
		return 0;
	if ((error = entry_name(e, name)) != 0)
		return error;
	inode = inode_of(r->ledger, e, name);
	if (r->auto_delete && (e->inode == 0 || inode == 0 ||
		inode == e->inode))
		return listing_add(&r->unlink[e->folder], name, e->sub);
	return listing_add(&r->restore[e->folder], e->base, e->sub);
}

/*
 * Retained, where the setting says by now that mail is kept; otherwise it is
 * not the file that was deleted, but one that came after it: new mail.
 */
static int
spare(struct rest *r, enum folder folder, const struct listed *name)
{
	struct ledger *l = r->ledger;
	struct entry old, e;
	int error;

	old.folder = folder;
	entry_cut(&old, name->name);
	if ((error = index_get_name(l->index, &old)) != 0)
		return error;
	if (r->auto_delete) {
		l->totals.folder[folder].time[CUR] = 0;
		return ledger_remove(l, &old);
	}
	e = old;
	e.state = RETAINED;
	e.retained = clock_ns() / CLOCK_NS;
	return ledger_change(l, &old, &e);
}

static int
spare_all(struct rest *r)
{
	enum folder folder;
	size_t i;
	int error;

	if (r->restore[INBOX].n + r->restore[JUNK].n == 0)
		return 0;
	if ((error = ledger_begin(r->ledger)) != 0)
		return error;
	for (folder = INBOX; folder < FOLDERS; folder++) {
		listing_sort(&r->restore[folder]);
		for (i = 0; error == 0 && i < r->restore[folder].n; i++)
			error = spare(
			    r, folder, &r->restore[folder].entry[i]);
	}
	if (error == 0)
		return ledger_commit(r->ledger, 1);
	ledger_abort(r->ledger);
	return error;
}

int
update_finish(struct ledger *l, int auto_delete)
{
	struct rest r = { .ledger = l, .auto_delete = auto_delete };
	int error;

	if (l->totals.expunging == 0 || l->mode == INDEX_MEMORY)
		return 0;
	if ((error = ledger_writable(l)) == 0 &&
	    (error = index_each_name(l->index, INBOX, sort_out, &r)) == 0 &&
	    (error = index_each_name(l->index, JUNK, sort_out, &r)) == 0 &&
	    (error = spare_all(&r)) == 0)
		error = expunge(l, r.unlink);
	free_names(r.unlink);
	free_names(r.restore);
	return error;
}
