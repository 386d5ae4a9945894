#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/adopt.h"
#include "store/expunge.h"
#include "store/mailbox.h"
#include "store/remake.h"
#include "store/requeue.h"
#include "store/resize.h"
#include "store/seal.h"
#include "store/seen.h"
#include "store/spool.h"
#include "store/sync.h"
#include "store/update.h"

#define LOCK_SLICE_MS 100 /* and then it is asked whether anybody waits */
#define SMALL	      1000 /* names that are read sooner than watched */
#define WALK_GAP      256  /* messages that are passed sooner than searched */

struct mailbox {
	struct view view;
	struct ledger ledger;
	struct spool spool;
	int error; /* of mailbox_new(), for mailbox_open() */
	struct coming coming[FOLDERS];
	enum folder order[FOLDERS]; /* the folders of the maildrop */
	int folders;
	struct listing resized[FOLDERS]; /* whose files were seen to change */
	struct listing seen[FOLDERS];	 /* to be marked as such */

	struct walk *walk; /* stands before message walk_number */
	uint64_t walk_number;
};

enum trouble
mailbox_trouble(struct mailbox *mb, const char *what, int error)
{
	if (error == 0)
		return TROUBLE_NONE;
	ledger_suspect(&mb->ledger, error);
	switch (ledger_complain(&mb->ledger, what, error)) {
	case EACCES:
	case EPERM:
	case ENAMETOOLONG:
	case ENOTDIR:
	case ELOOP:
		return TROUBLE_PERM;
	default:
		return TROUBLE_TEMP;
	}
}

static int
open_folders(struct mailbox *mb)
{
	struct ledger *l = &mb->ledger;
	char junk[PATH_MAX];
	int error;

	if ((size_t)snprintf(junk, sizeof(junk), "%s/%s", l->path,
		mb->view.junk) >= sizeof(junk) ||
	    (size_t)snprintf(l->dir, sizeof(l->dir), "%s/pop3d", l->path) >=
		sizeof(l->dir) ||
	    (size_t)snprintf(l->file, sizeof(l->file), "%s/%s", l->dir,
		INDEX_FILE) >= sizeof(l->file))
		return ENAMETOOLONG;
	if ((error = maildir_open(&l->maildir[INBOX], l->path)) != 0)
		return error;
	if (l->maildir[INBOX].dir[NEW] == -1 ||
	    l->maildir[INBOX].dir[CUR] == -1)
		return ENOENT;
	error = maildir_open(&l->maildir[JUNK], junk);
	/* A broken junk folder matters only where it is shown. */
	return mb->view.policy.spam == SPAM_EXCLUDE ? 0 : error;
}

/* A watch takes longer to take down than a small directory to read. */
static void
watch_folders(struct mailbox *mb)
{
	struct ledger *l = &mb->ledger;
	uint64_t names[FOLDERS];
	int i;

	l->local = watch_is_local(l->maildir[INBOX].dir[CUR]);
	seal_peek(l->dir, names);
	for (i = 0; i < mb->folders; i++)
		if (names[mb->order[i]] > SMALL)
			watch_open(&l->watch[mb->order[i]],
			    l->maildir[mb->order[i]].dir[CUR]);
}

static void
order_folders(struct mailbox *mb)
{
	if (mb->view.policy.spam != SPAM_ONLY)
		mb->order[mb->folders++] = INBOX;
	if (mb->view.policy.spam != SPAM_EXCLUDE)
		mb->order[mb->folders++] = JUNK;
}

struct mailbox *
mailbox_new(
    const struct view *view, progress_fn progress, void *progress_arg)
{
	static const struct watch no_watch = WATCH_NONE;
	struct mailbox *mb;
	struct ledger *l;
	enum folder folder;

	if ((mb = calloc(1, sizeof(*mb))) == NULL)
		return NULL;
	mb->view = *view;
	mb->spool.fd = -1;
	l = &mb->ledger;
	l->path = view->maildir;
	l->uid = geteuid();
	l->lock.fd = -1;
	l->progress = progress;
	l->progress_arg = progress_arg;
	for (folder = INBOX; folder < FOLDERS; folder++) {
		l->maildir[folder].dir[NEW] = l->maildir[folder].dir[CUR] = -1;
		l->watch[folder] = no_watch;
	}
	order_folders(mb);
	if ((mb->error = open_folders(mb)) == 0)
		watch_folders(mb);
	if (mb->error == 0 && view->spool != NULL)
		spool_open(&mb->spool, view->spool);
	return mb;
}

static void
end_walk(struct mailbox *mb)
{
	index_walk_end(mb->walk);
	mb->walk = NULL;
}

static void
forget_coming(struct mailbox *mb)
{
	sync_forget(&mb->coming[INBOX]);
	sync_forget(&mb->coming[JUNK]);
}

static int
sync_folders(struct mailbox *mb)
{
	const struct policy *p = &mb->view.policy;
	int error, i;

	if ((error = expunge_finish(&mb->ledger, p)) != 0 ||
	    (error = adopt(&mb->ledger)) != 0)
		return error;
	for (i = 0; error == 0 && i < mb->folders; i++)
		error = sync_look(&mb->ledger, mb->order[i], p->from_now,
		    &mb->coming[mb->order[i]]);
	return error;
}

static int
open_and_sync(struct mailbox *mb)
{
	struct ledger *l = &mb->ledger;
	int error;

	if ((error = ledger_open(l)) != 0 ||
	    (l->version == 1 && (error = remake_forward(l)) != 0))
		return error;
	return sync_folders(mb);
}

/*
 * After an error: mends an index that is damaged, or does without writing
 * where there is trouble that passes (I13).
 */
static int
open_otherwise(struct mailbox *mb, int error)
{
	struct ledger *l = &mb->ledger;

	end_walk(mb);
	forget_coming(mb);
	/* A disk that came back without its last writes has an old seal. */
	if (error == ESTALE && lock_check(&l->lock) == 0 &&
	    (error = ledger_recover_full(l)) == 0 &&
	    (error = sync_folders(mb)) == 0)
		return 0;
	if (error == INDEX_DAMAGED) {
		(void)ledger_complain(l, "opening the index", error);
		if ((error = remake_salvaged(l)) == 0)
			error = sync_folders(mb);
		if (error == 0)
			return 0;
		forget_coming(mb);
	}
	if (error == ECANCELED || error == INDEX_NEWER || error == ESTALE ||
	    error == LOCK_LOST ||
	    error == INDEX_DAMAGED || error == UIDLS_NEWER ||
	    error == UIDLS_DAMAGED || error == UIDLS_UNREADABLE)
		return error;
	(void)ledger_complain(l, "the index is not written", error);
	if ((error = remake_in_memory(l, error)) != 0)
		return error;
	return sync_folders(mb);
}

static int
take_lock(struct mailbox *mb, int wait_ms)
{
	struct ledger *l = &mb->ledger;
	enum folder folder;
	int error;

	if (mkdir(l->dir, 0700) == -1 && errno != EEXIST)
		return errno;
	while ((error = lock_take(&l->lock, l->dir, LOCK_SLICE_MS)) ==
		EAGAIN && wait_ms > LOCK_SLICE_MS && !ledger_given_up(l))
		wait_ms -= LOCK_SLICE_MS;
	/* What others did while we waited may be news to this host. */
	for (folder = INBOX; error == 0 && !l->local && folder < FOLDERS;
	     folder++)
		error = maildir_reopen(&l->maildir[folder]);
	return error;
}

/*
 * What cannot be taken out of the spool stays there, and what is here can be
 * read; unless it may be here already: then nobody is to delete it before it
 * is gone from there.
 */
static int
empty_spool(struct mailbox *mb)
{
	struct ledger *l = &mb->ledger;
	int error, begun;

	error = spool_empty(&mb->spool, l, &begun);
	spool_close(&mb->spool);
	if (error == 0 || error == EAGAIN || error == ECANCELED || begun)
		return error;
	(void)ledger_complain(l, error == EINVAL ?
	    "the spool is not emptied, it is no mbox" :
	    "the spool is not emptied", error);
	return 0;
}

static int
open_index(struct mailbox *mb, int wait_ms)
{
	int error;

	if ((error = take_lock(mb, wait_ms)) == EAGAIN)
		return error;
	if (error == 0) {
		if ((error = empty_spool(mb)) != 0)
			return error;
		error = open_and_sync(mb);
	}
	if (error != 0 && error != ECANCELED)
		error = open_otherwise(mb, error);
	return error;
}

enum trouble
mailbox_open(struct mailbox *mb, int wait_ms)
{
	enum trouble trouble;
	int error;

	if (mb->error != 0)
		return mailbox_trouble(
		    mb, "the Maildir cannot be opened", mb->error);
	if ((error = open_index(mb, wait_ms)) == 0)
		return TROUBLE_NONE;
	trouble = error == EAGAIN ? TROUBLE_IN_USE :
	    mailbox_trouble(mb, "the mailbox cannot be opened", error);
	ledger_drop(&mb->ledger);
	mailbox_close(mb);
	return trouble;
}

enum trouble
mailbox_hold(struct mailbox *mb, int wait_ms)
{
	int error = mb->error != 0 ? mb->error : take_lock(mb, wait_ms);

	if (error == EAGAIN)
		return TROUBLE_IN_USE;
	return mailbox_trouble(mb, "the mailbox cannot be locked", error);
}

enum trouble
mailbox_settle(struct mailbox *mb)
{
	uint64_t count = mailbox_count(mb), octets = mailbox_octets(mb);
	int error = 0, i;

	for (i = 0; error == 0 && i < mb->folders; i++)
		error = sync_settle(&mb->coming[mb->order[i]]);
	if (error == 0)
		error = ledger_rest(&mb->ledger);
	if (error != 0 && error != ECANCELED)
		error = open_otherwise(mb, error);
	adopt_end(&mb->ledger);
	if (error == 0 &&
	    (count != mailbox_count(mb) || octets != mailbox_octets(mb)))
		error = EAGAIN;
	return mailbox_trouble(mb, "taking new mail in", error);
}

/* What was seen to have changed is mended now that nobody counts on it. */
static void
resize_changed(struct mailbox *mb)
{
	struct listing *l;
	enum folder folder;

	for (folder = INBOX; folder < FOLDERS; folder++) {
		l = &mb->resized[folder];
		listing_sort(l);
		if (l->n > 0)
			(void)mailbox_trouble(mb, "measuring what changed",
			    resize_names(&mb->ledger, folder, l));
		listing_free(l);
	}
}

/* Where the index is in memory it would not know what became of the names. */
static void
mark_seen(struct mailbox *mb)
{
	struct listing *l;
	enum folder folder;

	for (folder = INBOX; folder < FOLDERS; folder++) {
		l = &mb->seen[folder];
		if (l->n > 0 && mb->ledger.mode != INDEX_MEMORY)
			(void)mailbox_trouble(mb, "marking mail as read",
			    seen_names(&mb->ledger, folder, l));
		listing_free(l);
	}
}

void
mailbox_close(struct mailbox *mb)
{
	struct ledger *l = &mb->ledger;
	enum folder folder;

	end_walk(mb);
	forget_coming(mb);
	adopt_end(l);
	if (l->lock.fd != -1) {
		resize_changed(mb);
		mark_seen(mb);
		(void)ledger_complain(
		    l, "closing the index", ledger_close(l));
	}
	lock_release(&l->lock);
	spool_close(&mb->spool);
	for (folder = INBOX; folder < FOLDERS; folder++) {
		maildir_close(&l->maildir[folder]);
		watch_close(&l->watch[folder]);
	}
}

void
mailbox_free(struct mailbox *mb)
{
	if (mb == NULL)
		return;
	mailbox_close(mb);
	ledger_drop(&mb->ledger);
	free(mb);
}

uint64_t
mailbox_count(const struct mailbox *mb)
{
	uint64_t count = 0;
	int i;

	for (i = 0; i < mb->folders; i++)
		count += mb->ledger.totals.folder[mb->order[i]].count +
		    mb->coming[mb->order[i]].count;
	return count;
}

uint64_t
mailbox_octets(const struct mailbox *mb)
{
	uint64_t octets = 0;
	int i;

	for (i = 0; i < mb->folders; i++)
		octets += mb->ledger.totals.folder[mb->order[i]].octets +
		    mb->coming[mb->order[i]].octets;
	return octets;
}

int
mailbox_was_remade(const struct mailbox *mb)
{
	return mb->ledger.remade;
}

int
mailbox_is_in_memory(const struct mailbox *mb)
{
	return mb->ledger.mode == INDEX_MEMORY;
}

/* Which folder message n is in, and its number there; 0: there is none. */
static uint64_t
locate(const struct mailbox *mb, uint64_t n, enum folder *folder)
{
	uint64_t count;
	int i;

	for (i = 0; n > 0 && i < mb->folders; i++) {
		*folder = mb->order[i];
		count = mb->ledger.totals.folder[*folder].count;
		if (n <= count)
			return n;
		n -= count;
	}
	return 0;
}

static int
walk_to(struct mailbox *mb, uint64_t n, struct entry *e)
{
	enum folder folder;
	uint64_t number;
	int error;

	if ((number = locate(mb, n, &folder)) == 0)
		return INDEX_NOT_FOUND;
	/* number 1: the walk through the folder before has ended. */
	if (mb->walk == NULL || n != mb->walk_number || number == 1) {
		end_walk(mb);
		if ((error = ledger_readable(&mb->ledger)) != 0 ||
		    (error = index_walk_queue(mb->ledger.index, folder,
			 number, &mb->walk)) != 0)
			return error;
	}
	mb->walk_number = n + 1;
	return index_walk_next(mb->walk, e);
}

enum trouble
mailbox_entry(struct mailbox *mb, uint64_t n, struct entry *e)
{
	int error = walk_to(mb, n, e);

	if (error == 0)
		return TROUBLE_NONE;
	end_walk(mb);
	if (error == INDEX_NOT_FOUND && n > mailbox_count(mb))
		return TROUBLE_GONE;
	/* A queue that ends before its totals do. */
	if (error == INDEX_NOT_FOUND)
		error = INDEX_DAMAGED;
	return mailbox_trouble(mb, "reading the index", error);
}

/* The file of message n, whose entry is filled. */
static int
find_file(struct mailbox *mb, uint64_t n, struct entry *e, int *fd)
{
	enum folder folder;
	uint64_t number;
	int error;

	if ((number = locate(mb, n, &folder)) == 0)
		return ENOENT;
	if ((error = ledger_readable(&mb->ledger)) == 0)
		error = index_number(mb->ledger.index, folder, number, e);
	if (error == 0)
		error = ledger_find(&mb->ledger, e, fd);
	/* The next login is to find out what else has gone. */
	if (error == ENOENT)
		mb->ledger.totals.folder[folder].time[CUR] = 0;
	return error == INDEX_NOT_FOUND ? INDEX_DAMAGED : error;
}

/* The octets that a changed file has now, for as long as it stays so. */
static int
measure_anew(struct mailbox *mb, const struct entry *e, int fd,
    uint64_t *octets)
{
	struct measured m;
	int error;

	error = maildir_measure(fd, &m, ledger_given_up, &mb->ledger);
	if (error == 0 && lseek(fd, 0, SEEK_SET) == -1)
		error = errno;
	if (error != 0)
		return error;
	*octets = m.octets;
	return listing_add(&mb->resized[e->folder], e->base, e->sub);
}

enum trouble
mailbox_file(struct mailbox *mb, uint64_t n, int *fd, uint64_t *octets)
{
	struct entry e;
	int error;

	if ((error = find_file(mb, n, &e, fd)) == ENOENT)
		return TROUBLE_GONE;
	if (error == 0) {
		*octets = e.octets;
		if (resize_is_due(&e, *fd) &&
		    (error = measure_anew(mb, &e, *fd, octets)) != 0)
			close(*fd);
	}
	return mailbox_trouble(mb, "reading a message", error);
}

/* Passing a few messages costs less than searching for one behind them. */
static void
pass_to(struct mailbox *mb, uint64_t n)
{
	struct entry e;

	while (mb->walk != NULL && mb->walk_number < n &&
	    n - mb->walk_number <= WALK_GAP)
		if (index_walk_next(mb->walk, &e) == 0)
			mb->walk_number++;
		else
			end_walk(mb);
}

/* The base names of marked messages; in taken (not NULL) what to tell. */
static int
collect_marked(struct mailbox *mb, int (*marked)(const void *, uint64_t n),
    const void *marks, uint64_t highest, struct listing names[FOLDERS],
    struct taken *taken)
{
	char uidl[UIDL_MAX + 1];
	struct entry e;
	uint64_t n;
	int error;

	for (n = 1; n <= highest; n++) {
		if (!marked(marks, n))
			continue;
		pass_to(mb, n);
		if ((error = walk_to(mb, n, &e)) != 0 ||
		    (error = listing_add(
			 &names[e.folder], e.base, CUR)) != 0)
			return error;
		(void)entry_uidl(&e, uidl);
		if (taken != NULL &&
		    (error = taken_add(taken, uidl, e.octets)) != 0)
			return error;
	}
	listing_sort(&names[INBOX]);
	listing_sort(&names[JUNK]);
	return 0;
}

enum trouble
mailbox_seen(struct mailbox *mb, int (*marked)(const void *, uint64_t n),
    const void *marks, uint64_t highest)
{
	int error = collect_marked(
	    mb, marked, marks, highest, mb->seen, NULL);

	end_walk(mb);
	return mailbox_trouble(mb, "marking mail as read", error);
}

enum trouble
mailbox_update(struct mailbox *mb, int (*marked)(const void *, uint64_t n),
    const void *marks, uint64_t highest, struct taken *taken)
{
	struct listing names[FOLDERS];
	uint64_t deleted;
	int error;

	memset(names, 0, sizeof(names));
	error = collect_marked(mb, marked, marks, highest, names, taken);
	end_walk(mb);
	if (error == 0)
		error = update_commit(
		    &mb->ledger, names, &mb->view.policy, &deleted);
	if (error != 0)
		taken_free(taken);
	listing_free(&names[INBOX]);
	listing_free(&names[JUNK]);
	if (error != 0)
		expunge_free(mb->seen);
	return mailbox_trouble(mb, "nothing was deleted", error);
}

enum trouble
mailbox_read_all(struct mailbox *mb)
{
	int error = 0, i;

	end_walk(mb);
	for (i = 0; error == 0 && i < mb->folders; i++)
		error = sync_all(
		    &mb->ledger, mb->order[i], mb->view.policy.from_now);
	return mailbox_trouble(mb, "reading the Maildir", error);
}

enum trouble
mailbox_import(struct mailbox *mb, struct import *import)
{
	struct ledger *l = &mb->ledger;
	int error = import_mbox(import, l);

	if (error == EAGAIN)
		return TROUBLE_IN_USE;
	end_walk(mb);
	if (error == 0)
		error = adopt(l);
	if (error != 0)
		return mailbox_trouble(mb, "taking an mbox in", error);
	return mailbox_read_all(mb);
}

struct kept {
	visit_fn visit;
	void *arg;
};

static int
visit_kept(void *arg, struct entry *e)
{
	const struct kept *k = arg;

	return entry_is_kept(e) ? k->visit(k->arg, e) : 0;
}

enum trouble
mailbox_each_kept(struct mailbox *mb, visit_fn visit, void *arg)
{
	struct kept kept = { visit, arg };
	int error, i;

	error = ledger_readable(&mb->ledger);
	for (i = 0; error == 0 && i < mb->folders; i++)
		error = index_each_name(
		    mb->ledger.index, mb->order[i], visit_kept, &kept);
	return mailbox_trouble(mb, "reading the index", error);
}

enum trouble
mailbox_requeue(struct mailbox *mb, const char *uidl, uint64_t *requeued)
{
	end_walk(mb);
	return mailbox_trouble(
	    mb, "queueing again", requeue(&mb->ledger, uidl, requeued));
}

enum trouble
mailbox_purge(struct mailbox *mb, int64_t days, struct purged *purged)
{
	end_walk(mb);
	return mailbox_trouble(
	    mb, "nothing was purged", purge(&mb->ledger, days, purged));
}

struct ledger *
mailbox_ledger(struct mailbox *mb)
{
	/* The index may be closed now, and a walk is of one that is open. */
	end_walk(mb);
	return &mb->ledger;
}

const struct policy *
mailbox_policy(const struct mailbox *mb)
{
	return &mb->view.policy;
}

int
mailbox_sees(const struct mailbox *mb, enum folder folder)
{
	return mb->order[0] == folder ||
	    (mb->folders == 2 && mb->order[1] == folder);
}
