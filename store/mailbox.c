#include <sys/stat.h>

#include <db.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "store/mailbox.h"
#include "store/sync.h"
#include "store/update.h"

#define NS	      1000000000LL
#define LOCK_SLICE_MS 100 /* until it is asked again who waits */

/* In so short a time we take all changes in cur/ for our own. */
#define OWN_NS (250 * 1000000LL)

enum trouble
mailbox_trouble(const struct mailbox *mb, const char *what, int error)
{
	if (error == 0)
		return TROUBLE_NONE;
	log_warn("%s: %s: %s", mb->view.maildir, what, index_strerror(error));
	switch (error) {
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

void
mailbox_unclean(struct mailbox *mb, const char *what, int error)
{
	index_abort(mb->index);
	mb->clean = 0;
	mb->dirty = 1;
	(void)mailbox_trouble(mb, what, error);
}

static void
end_walk(struct mailbox *mb)
{
	index_walk_end(mb->walk);
	mb->walk = NULL;
}

static int
reopen(struct mailbox *mb, enum index_mode mode)
{
	int error;

	end_walk(mb);
	error = index_close(mb->index);
	mb->index = NULL;
	if (error != 0)
		return error;
	mb->mode = mode;
	return index_open(&mb->index, mb->dir, mode);
}

int
mailbox_readable(struct mailbox *mb)
{
	if (mb->index != NULL)
		return 0;
	return reopen(mb, INDEX_READ);
}

int
mailbox_writable(struct mailbox *mb)
{
	int error;

	if (mb->index != NULL && mb->mode != INDEX_READ)
		return 0;
	if ((error = lock_clear_mark(&mb->lock)) != 0)
		return error;
	memset(&mb->mark, 0, sizeof(mb->mark)); /* is to be written again */
	mb->clean = 0;
	return reopen(mb, INDEX_WRITE);
}

int
mailbox_verify(struct mailbox *mb)
{
	int error;

	if (mb->mode == INDEX_MEMORY)
		return EROFS;
	/* Of pages that fail their checksums verifying knows no end. */
	if ((error = mailbox_writable(mb)) != 0 ||
	    (error = index_check_pages(mb->index)) != 0 ||
	    (error = index_read_all(mb->index)) != 0)
		return error;
	end_walk(mb);
	error = index_close(mb->index);
	mb->index = NULL;
	if (error != 0 || (error = index_verify(mb->dir)) != 0)
		return error;
	return mailbox_writable(mb);
}

int64_t
mailbox_changes_begin(struct mailbox *mb, enum folder folder)
{
	struct folder_meta *meta = &mb->meta.folder[folder];
	struct timespec t;

	if (maildir_time(&mb->maildir[folder], CUR) != meta->time[CUR])
		meta->time[CUR] = 0;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * NS + t.tv_nsec;
}

void
mailbox_changes_end(struct mailbox *mb, enum folder folder, int64_t began)
{
	struct folder_meta *meta = &mb->meta.folder[folder];
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if ((int64_t)t.tv_sec * NS + t.tv_nsec - began > OWN_NS)
		meta->time[CUR] = 0;
	if (meta->time[CUR] != 0)
		meta->time[CUR] = maildir_stamp(&mb->maildir[folder]);
}

static int
open_folders(struct mailbox *mb)
{
	char junk[PATH_MAX];
	int error;

	if ((size_t)snprintf(junk, sizeof(junk), "%s/%s", mb->view.maildir,
		mb->view.junk) >= sizeof(junk) ||
	    (size_t)snprintf(mb->dir, sizeof(mb->dir), "%s/pop3d",
		mb->view.maildir) >= sizeof(mb->dir))
		return ENAMETOOLONG;
	if ((error = maildir_open(
		 &mb->maildir[INBOX], mb->view.maildir, 1)) != 0)
		return error;
	error = maildir_open(&mb->maildir[JUNK], junk, 0);
	/* Whoever does not see it need not care. */
	return mb->view.spam == SPAM_EXCLUDE ? 0 : error;
}

static void
order_folders(struct mailbox *mb)
{
	mb->folders = 0;
	if (mb->view.spam != SPAM_ONLY)
		mb->order[mb->folders++] = INBOX;
	if (mb->view.spam != SPAM_EXCLUDE)
		mb->order[mb->folders++] = JUNK;
}

static int
sync_folders(struct mailbox *mb)
{
	int error, i;

	if ((error = update_finish(mb)) != 0)
		return error;
	for (i = 0; error == 0 && i < mb->folders; i++)
		error = sync_look(mb, mb->order[i]);
	return error;
}

/* What the index says must be true of its queues, or it is not ours. */
static int
load_meta(struct mailbox *mb)
{
	enum folder folder;
	uint64_t count;
	int error;

	memset(&mb->meta, 0, sizeof(mb->meta));
	error = index_get_meta(mb->index, &mb->meta);
	if (error == DB_NOTFOUND)
		return 0;
	for (folder = INBOX; error == 0 && folder < FOLDERS; folder++) {
		error = index_count(mb->index, folder, &count);
		if (error == 0 && count != mb->meta.folder[folder].count)
			error = EINVAL;
	}
	return error;
}

/* The index as the mark says, or through recovery. */
static int
open_index(struct mailbox *mb)
{
	int error;

	mb->index = NULL;
	mb->clean = lock_read_mark(&mb->lock, &mb->meta);
	if (mb->clean) {
		mb->mark = mb->meta;
		return 0;
	}
	if (lock_is_suspicious(&mb->lock))
		mb->thorough = 1;
	if ((error = mailbox_writable(mb)) != 0 ||
	    (error = index_check_pages(mb->index)) != 0 ||
	    (mb->thorough && (error = index_read_all(mb->index)) != 0))
		return error;
	return load_meta(mb);
}

static int
open_and_sync(struct mailbox *mb)
{
	int error;

	if ((error = open_index(mb)) != 0)
		return error;
	return sync_folders(mb);
}

/* Gives the index up without a word about its state. */
static void
drop_index(struct mailbox *mb)
{
	end_walk(mb);
	sync_forget(mb, INBOX);
	sync_forget(mb, JUNK);
	if (mb->index != NULL)
		(void)index_close(mb->index);
	mb->index = NULL;
	mb->clean = 0;
}

int
mailbox_is_damage(int error)
{
	return error == EINVAL || error == DB_RUNRECOVERY ||
	    error == DB_PAGE_NOTFOUND || error == DB_NOTFOUND ||
	    error == DB_SECONDARY_BAD || error == DB_VERIFY_BAD ||
	    error == DB_OLD_VERSION || error == DB_KEYEXIST ||
	    error == DB_VERSION_MISMATCH;
}

/*
 * Nothing can be written, or not enough: the mailbox is read all the same,
 * through an index in memory that knows nothing of retained messages.
 */
static int
open_in_memory(struct mailbox *mb)
{
	drop_index(mb);
	memset(&mb->meta, 0, sizeof(mb->meta));
	mb->mode = INDEX_MEMORY;
	if (index_open(&mb->index, mb->dir, INDEX_MEMORY) != 0)
		return ENOMEM;
	return sync_folders(mb);
}

int
mailbox_rebuild(struct mailbox *mb)
{
	int error;

	drop_index(mb);
	mb->dirty = mb->thorough = 0;
	if ((error = index_discard(mb->dir)) != 0)
		return error;
	mb->rebuilt = 1;
	log_warn("%s: the index is damaged and is made anew; what was "
	    "retained is in the queue again", mb->view.maildir);
	return open_and_sync(mb);
}

/* After an error: mends the index if it is damaged, or does without. */
static int
open_otherwise(struct mailbox *mb, int error)
{
	(void)mailbox_trouble(mb, "index", error);
	/* A disk's passing trouble looks like damage, too: once more. */
	if (mailbox_is_damage(error)) {
		drop_index(mb);
		mb->dirty = 0;
		if ((error = open_and_sync(mb)) == 0 || error == ECANCELED)
			return error;
	}
	if (mailbox_is_damage(error)) {
		if ((error = mailbox_rebuild(mb)) == 0 || error == ECANCELED)
			return error;
		(void)mailbox_trouble(mb, "index", error);
	}
	return open_in_memory(mb);
}

int
mailbox_given_up(const struct mailbox *mb)
{
	return mb->progress != NULL && mb->progress(mb->progress_arg, 0, 0);
}

static int
take_lock(struct mailbox *mb, int wait_ms)
{
	int error;

	if (mkdir(mb->dir, 0700) == -1 && errno != EEXIST)
		return errno;
	while ((error = lock_take(&mb->lock, mb->dir, LOCK_SLICE_MS)) ==
		EAGAIN && wait_ms > LOCK_SLICE_MS && !mailbox_given_up(mb))
		wait_ms -= LOCK_SLICE_MS;
	return error;
}

enum trouble
mailbox_open(struct mailbox *mb, const struct view *view, int wait_ms,
    progress_fn progress, void *progress_arg)
{
	int error;

	memset(mb, 0, sizeof(*mb));
	mb->view = *view;
	mb->lock.fd = -1;
	mb->maildir[JUNK].dir[NEW] = mb->maildir[JUNK].dir[CUR] = -1;
	mb->progress = progress;
	mb->progress_arg = progress_arg;
	order_folders(mb);
	if ((error = open_folders(mb)) != 0)
		return mailbox_trouble(mb, "the Maildir cannot be opened; "
		    "the account's owner needs read and write access", error);
	if ((error = take_lock(mb, wait_ms)) == EAGAIN) {
		mailbox_close(mb);
		return TROUBLE_IN_USE;
	}
	if (error != 0) {
		(void)mailbox_trouble(mb, "lock, so read-only", error);
		error = open_in_memory(mb);
	} else if ((error = open_and_sync(mb)) != 0 && error != ECANCELED)
		error = open_otherwise(mb, error);
	if (error != 0) {
		(void)mailbox_trouble(mb, "open", error);
		drop_index(mb);
		mailbox_close(mb);
		return TROUBLE_TEMP;
	}
	return TROUBLE_NONE;
}

enum trouble
mailbox_settle(struct mailbox *mb)
{
	uint64_t count = mailbox_count(mb), octets = mailbox_octets(mb);
	int error = 0, i;

	for (i = 0; error == 0 && i < mb->folders; i++)
		error = sync_settle(mb, mb->order[i]);
	if (error != 0 && error != ECANCELED)
		error = open_otherwise(mb, error);
	if (error == 0 &&
	    (count != mailbox_count(mb) || octets != mailbox_octets(mb)))
		error = ESTALE;
	return mailbox_trouble(mb, "new mail", error);
}

/* Writes what the session learnt, so that the next login need not. */
static int
close_index(struct mailbox *mb)
{
	int error = 0, rv;

	end_walk(mb);
	sync_forget(mb, INBOX);
	sync_forget(mb, JUNK);
	if (mb->mode == INDEX_WRITE && mb->index != NULL && !mb->dirty) {
		if ((error = index_begin(mb->index)) == 0 &&
		    (error = index_put_meta(mb->index, &mb->meta)) == 0)
			error = index_commit(mb->index, 0);
		mb->clean = error == 0;
	}
	if (mb->index != NULL && (rv = index_close(mb->index)) != 0) {
		mb->clean = 0;
		error = error != 0 ? error : rv;
	}
	mb->index = NULL;
	if (mb->suspicious)
		rv = lock_write_suspicion(&mb->lock);
	else if (mb->clean &&
	    memcmp(&mb->mark, &mb->meta, sizeof(mb->meta)) != 0)
		rv = lock_write_mark(&mb->lock, &mb->meta);
	else
		rv = 0;
	return error != 0 ? error : rv;
}

void
mailbox_close(struct mailbox *mb)
{
	(void)mailbox_trouble(mb, "closing the index", close_index(mb));
	lock_release(&mb->lock);
	maildir_close(&mb->maildir[INBOX]);
	maildir_close(&mb->maildir[JUNK]);
}

uint64_t
mailbox_count(const struct mailbox *mb)
{
	uint64_t count = 0;
	int i;

	for (i = 0; i < mb->folders; i++)
		count += mb->meta.folder[mb->order[i]].count +
		    mb->coming[mb->order[i]].count;
	return count;
}

uint64_t
mailbox_octets(const struct mailbox *mb)
{
	uint64_t octets = 0;
	int i;

	for (i = 0; i < mb->folders; i++)
		octets += mb->meta.folder[mb->order[i]].octets +
		    mb->coming[mb->order[i]].octets;
	return octets;
}

/* What failed to be read is looked at more closely next time. */
static enum trouble
suspect(struct mailbox *mb, const char *what, int error)
{
	if (mailbox_is_damage(error))
		mb->suspicious = mb->dirty = 1;
	return mailbox_trouble(mb, what, error);
}

/* Which folder message n is in, and its number there; 0: there is none. */
static uint64_t
locate(const struct mailbox *mb, uint64_t n, enum folder *folder)
{
	int i;

	for (i = 0; i < mb->folders; i++) {
		*folder = mb->order[i];
		if (n <= mb->meta.folder[*folder].count)
			return n;
		n -= mb->meta.folder[*folder].count;
	}
	return 0;
}

int
mailbox_number(struct mailbox *mb, uint64_t n, struct entry *e)
{
	enum folder folder;
	uint64_t number;
	int error;

	if ((number = locate(mb, n, &folder)) == 0)
		return DB_NOTFOUND;
	if ((error = mailbox_readable(mb)) != 0)
		return error;
	return index_number(mb->index, folder, number, e);
}

static int
walk_to(struct mailbox *mb, uint64_t n, struct entry *e)
{
	enum folder folder;
	uint64_t number;
	int error;

	if ((number = locate(mb, n, &folder)) == 0)
		return DB_NOTFOUND;
	/* number 1: the walk through the folder before has ended. */
	if (mb->walk == NULL || n != mb->walk_number || number == 1) {
		end_walk(mb);
		if ((error = mailbox_readable(mb)) != 0 ||
		    (error = index_walk_queue(
			 mb->index, folder, number, &mb->walk)) != 0)
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
	if (error == DB_NOTFOUND && n > mailbox_count(mb))
		return TROUBLE_GONE;
	return suspect(mb, "reading the index", error);
}

size_t
mailbox_uidl(const struct entry *e, char uidl[UIDL_MAX + 1])
{
	return maildir_uidl(e->base, e->folder == JUNK, uidl);
}

int
mailbox_find(struct mailbox *mb, struct entry *e, int *fd)
{
	const struct maildir *m = &mb->maildir[e->folder];
	char name[NAME_OCTETS];
	int error;

	if ((error = index_get_name(mb->index, e)) != 0)
		return error;
	if (strlcpy(name, e->base, sizeof(name)) >= sizeof(name) ||
	    strlcat(name, e->suffix, sizeof(name)) >= sizeof(name))
		return ENAMETOOLONG;
	error = maildir_file(m, e->sub, name, fd);
	if (error != ENOENT)
		return error == EINVAL ? ENOENT : error; /* no mail now */
	/* Others renamed it: the base name tells which it is. */
	if ((error = maildir_search(m, e->base, &e->sub, name)) != 0)
		return error;
	strlcpy(e->suffix, name + strlen(e->base), sizeof(e->suffix));
	error = maildir_file(m, e->sub, name, fd);
	return error == EINVAL ? ENOENT : error;
}

enum trouble
mailbox_file(struct mailbox *mb, uint64_t n, int *fd)
{
	struct entry e;
	int error;

	if ((error = mailbox_number(mb, n, &e)) == 0 &&
	    (error = mailbox_find(mb, &e, fd)) == ENOENT)
		return TROUBLE_GONE;
	return suspect(mb, "reading a message", error);
}

enum trouble
mailbox_update(struct mailbox *mb, int (*marked)(const void *, uint64_t n),
    const void *marks, uint64_t highest, uint64_t *deleted)
{
	int error;

	if (mb->mode == INDEX_MEMORY)
		return mailbox_trouble(mb, "nothing is deleted through an "
		    "index that cannot be written", EROFS);
	error = update_commit(mb, marked, marks, highest, deleted);
	if (error != 0)
		mailbox_unclean(mb, "update", error);
	return error == 0 ? TROUBLE_NONE : TROUBLE_TEMP;
}
