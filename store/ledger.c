#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "store/ledger.h"
#include "store/passage.h"
#include "store/repair.h"
#include "store/reserve.h"
#include "store/seal.h"

/* The room that changes take, in octets: in the tables, and in the log. */
#define TABLE_OCTETS 512
#define LOG_OCTETS   1536
#define LOGGED_MAX   20000
#define MANY	     1000 /* changes, for which the log gets larger files */
#define TRIM	     20000 /* changes until the log is shortened */
#define ROOM_MUCH    (8 << 20)
#define ROOM_LEAST   (512 << 10)

/* What the administrator can do about an error, where it does not say so. */
static const char *
mend(int error)
{
	switch (error) {
	case ENOSPC:
		return "; make room on that file system";
	case EDQUOT:
		return "; the owner is over quota";
	case EROFS:
		return "; it is mounted read-only";
	case EIO:
		return "; look at the disk and the kernel's messages";
	case EACCES:
	case EPERM:
		return "; the account's owner needs read and write access";
	case ENOENT:
		return "; is its file system mounted?  `pop3ctl add ADDRESS' "
		       "makes its account a new Maildir";
	case ESTALE:
		return "; pop3d/ was removed or replaced while a session had "
		       "it, and the session's numbers are void";
	case LOCK_LOST:
		return "; look at the network between this host and its file "
		       "server (pop3d-hosts(7))";
	case INDEX_NEWER:
	case UIDLS_NEWER:
		return "; install that version again";
	case UIDLS_DAMAGED:
		return "; restore that file, or import them again";
	case UIDLS_FOREIGN:
		return "; let that server, or a later version of it, open "
		       "the mailbox once";
	default:
		return "";
	}
}

int
ledger_complain(const struct ledger *l, const char *what, int error)
{
	char where[PASSAGE_SIZE];

	if (error == 0 || error == ECANCELED)
		return error;
	if ((error == EACCES || error == EPERM || error == ENOTDIR) &&
	    passage_blocked(l->path, l->uid, where))
		log_warn("%s: %s: %s; %s", l->path, what,
		    index_strerror(error), where);
	else
		log_warn("%s: %s: %s%s", l->path, what, index_strerror(error),
		    mend(error));
	return error;
}

int
ledger_is_full(int error)
{
	return error == ENOSPC || error == EDQUOT;
}

int
ledger_given_up(void *ledger)
{
	const struct ledger *l = ledger;

	return l->progress != NULL && l->progress(l->progress_arg, 0, 0);
}

int
ledger_progress(struct ledger *l, size_t done, size_t all)
{
	int error = 0;

	if (done / MANY % (TRIM / MANY) == TRIM / MANY - 1)
		error = index_trim(l->index);
	if (error == 0 && l->progress != NULL &&
	    l->progress(l->progress_arg, done, all) != 0)
		error = ECANCELED;
	return error;
}

void
ledger_unvouched(struct ledger *l)
{
	if (l->closing == CLOSING_SEALED)
		l->closing = CLOSING_UNSEALED;
}

void
ledger_suspect(struct ledger *l, int error)
{
	if (error == INDEX_DAMAGED)
		l->closing = CLOSING_SUSPECT;
}

static int
reopen(struct ledger *l, enum index_mode mode)
{
	int error = index_close(l->index);

	l->index = NULL;
	if (error != 0)
		return error;
	l->mode = mode;
	return index_open(&l->index, l->dir, mode);
}

/* Is the index that was opened by its path the one that was sealed? */
static int
check_sealed(struct ledger *l)
{
	struct totals now;

	if (lock_check(&l->lock) != 0 ||
	    seal_read(l->lock.fd, l->file, &now) != SEAL_GOOD ||
	    now.generation != l->sealed.generation)
		return ESTALE;
	return 0;
}

/* Is the index that has just been opened the one that the totals are of? */
static int
check_identity(struct ledger *l)
{
	struct totals t;
	int error, version;

	if (l->mode == INDEX_MEMORY)
		return 0;
	error = index_get_totals(l->index, &t, &version);
	if (error == INDEX_NOT_FOUND)
		return l->totals.generation == 0 ? 0 : ESTALE;
	if (error != 0)
		return error;
	return t.generation == l->totals.generation &&
	    memcmp(t.identity, l->totals.identity, IDENTITY_OCTETS) == 0 ? 0 :
	    ESTALE;
}

int
ledger_readable(struct ledger *l)
{
	int error;

	if (l->index != NULL)
		return 0;
	if ((error = reopen(l, INDEX_READ)) != 0)
		return error;
	/* Another host may see other times of the file, and set them so. */
	if (!l->local && (error = lock_check(&l->lock)) == 0)
		return check_identity(l);
	return error != 0 ? error : check_sealed(l);
}

/* Before anything is written that another host could be writing, too. */
static int
prove_lock(struct ledger *l)
{
	return l->local ? 0 : lock_prove(&l->lock);
}

/* From here on the index on disk is not what the seal says. */
static int
open_for_writing(struct ledger *l)
{
	int error;

	if (l->lock.read_only)
		return EROFS;
	if ((error = lock_check(&l->lock)) != 0)
		return error;
	/* A proof takes the seal's place in the file. */
	error = l->local ? seal_break(l->lock.fd) : lock_prove(&l->lock);
	if (error != 0)
		return error;
	l->broken = l->sealed;
	/* A recovery begins with no totals at all. */
	l->learnt = memcmp(l->totals.identity, l->sealed.identity,
	    IDENTITY_OCTETS) == 0 ? l->totals : l->sealed;
	memset(&l->sealed, 0, sizeof(l->sealed));
	return reopen(l, INDEX_WRITE);
}

int
ledger_writable(struct ledger *l)
{
	int error;

	if (l->index != NULL && l->mode != INDEX_READ)
		return 0;
	if ((error = open_for_writing(l)) == 0 &&
	    (error = check_identity(l)) == 0)
		return 0;
	ledger_unvouched(l);
	return error;
}

int
ledger_recover(struct ledger *l)
{
	enum folder f;
	int error;

	memset(&l->totals, 0, sizeof(l->totals));
	/* A newer version's index is left as it is: not even recovered. */
	if (repair_is_newer(l->dir))
		return INDEX_NEWER;
	if ((error = open_for_writing(l)) != 0 ||
	    (error = index_check_pages(l->index)) != 0)
		return error;
	error = index_get_totals(l->index, &l->totals, &l->version);
	/* Without a seal a directory's time is no proof of anything. */
	for (f = INBOX; f < FOLDERS; f++)
		l->totals.folder[f].time[NEW] = l->totals.folder[f].time[CUR] =
		    0;
	if (error != INDEX_NOT_FOUND)
		return error;
	memset(&l->totals, 0, sizeof(l->totals));
	l->version = 2;
	arc4random_buf(l->totals.identity, IDENTITY_OCTETS);
	l->totals.next_sequence = 1;
	l->unsaved = repair_is_pending(l->dir);
	return l->unsaved ? INDEX_DAMAGED : 0;
}

/* What the totals say must be true of the queues, or they are damaged. */
static int
check_counts(struct ledger *l)
{
	enum folder folder;
	uint64_t count;
	int error;

	for (folder = INBOX; folder < FOLDERS; folder++) {
		if ((error = index_count(l->index, folder, &count)) != 0)
			return error;
		if (count != l->totals.folder[folder].count)
			return INDEX_DAMAGED;
	}
	return 0;
}

int
ledger_open(struct ledger *l)
{
	enum seal_state seal;
	int error;

	l->index = NULL;
	l->closing = CLOSING_SEALED;
	seal = seal_read(l->lock.fd, l->file, &l->totals);
	if (seal == SEAL_NEWER)
		return INDEX_NEWER;
	if (seal == SEAL_GOOD) {
		l->sealed = l->totals;
		return 0;
	}
	if ((error = ledger_recover(l)) != 0 ||
	    (seal == SEAL_SUSPECT &&
		(error = index_read_all(l->index)) != 0))
		return error;
	return check_counts(l);
}

void
ledger_drop(struct ledger *l)
{
	index_abandon(l->index);
	l->index = NULL;
	if (l->broken.next_sequence != 0 && lock_check(&l->lock) == 0 &&
	    seal_mend(l->lock.fd, l->file, &l->broken) == 0) {
		l->sealed = l->broken;
		l->totals = l->learnt;
		l->closing = CLOSING_SEALED;
	} else
		ledger_unvouched(l);
	memset(&l->broken, 0, sizeof(l->broken));
}

int
ledger_recover_full(struct ledger *l)
{
	int error;

	ledger_drop(l);
	l->closing = CLOSING_SEALED;
	error = ledger_recover(l);
	if (!ledger_is_full(error) || reserve_give_up(l->dir) != 0)
		return error;
	ledger_drop(l);
	l->closing = CLOSING_SEALED;
	return ledger_recover(l);
}

static int
write_seal(struct ledger *l)
{
	if (l->lock.fd == -1 || l->lock.read_only ||
	    l->mode == INDEX_MEMORY || l->totals.next_sequence == 0 ||
	    lock_check(&l->lock) != 0)
		return 0;
	switch (l->closing) {
	case CLOSING_SEALED:
		if (memcmp(&l->sealed, &l->totals, sizeof(l->totals)) == 0)
			return 0;
		l->lock.token[0] = '\0';
		return seal_write(l->lock.fd, l->file, &l->totals);
	case CLOSING_SUSPECT:
		return seal_write_suspicion(l->lock.fd);
	case CLOSING_UNSEALED:
		break;
	}
	return 0;
}

int
ledger_close(struct ledger *l)
{
	int error = 0, rv;

	if (l->index != NULL && l->mode == INDEX_WRITE)
		error = prove_lock(l);
	if (error != 0) {
		ledger_drop(l);
		return error;
	}
	error = index_close(l->index);
	l->index = NULL;
	if (error != 0)
		ledger_unvouched(l);
	rv = write_seal(l);
	return error != 0 ? error : rv;
}

int
ledger_rest(struct ledger *l)
{
	int error;

	if (l->local || l->index == NULL || l->mode != INDEX_WRITE ||
	    l->closing != CLOSING_SEALED)
		return 0;
	if ((error = ledger_close(l)) == 0)
		l->sealed = l->totals;
	return error;
}

/*
 * The log is shortened every 20,000 changes or so.  Where there is no room
 * for its larger files, which a recovery fills up, it does with small ones.
 */
int
ledger_expect(struct ledger *l, uint64_t changes)
{
	uint64_t untrimmed = changes < LOGGED_MAX ? changes : LOGGED_MAX;
	size_t octets =
	    (size_t)(changes * TABLE_OCTETS + untrimmed * LOG_OCTETS);

	if (l->mode == INDEX_MEMORY)
		return 0;
	if (changes > MANY && reserve_room(l->dir, octets + ROOM_MUCH) == 0)
		return index_expect_much(l->index, 0);
	return reserve_room(l->dir, octets + ROOM_LEAST);
}

int
ledger_begin(struct ledger *l)
{
	int error;

	l->before = l->totals;
	if ((error = index_begin(l->index)) != 0)
		return error;
	if ((error = check_identity(l)) != 0)
		index_abort(l->index);
	return error;
}

static int
commit(struct ledger *l, int durable)
{
	int error;

	l->totals.generation++;
	if ((error = index_put_totals(l->index, &l->totals)) != 0)
		return error;
	if (l->mode == INDEX_WRITE &&
	    ((error = prove_lock(l)) != 0 ||
		(durable && (error = lock_check(&l->lock)) != 0)))
		return error;
	/* A commit that fails may all the same be there after a recovery. */
	if (l->mode == INDEX_WRITE)
		memset(&l->broken, 0, sizeof(l->broken));
	return index_commit(l->index, durable);
}

int
ledger_end(struct ledger *l, int error, int durable)
{
	if (error == 0 && (error = commit(l, durable)) == 0)
		return 0;
	index_abort(l->index);
	l->totals = l->before;
	return error;
}

void
ledger_tally(struct totals *t, const struct entry *e, int sign)
{
	struct folder_totals *f = &t->folder[e->folder];
	uint64_t one = sign > 0 ? 1 : UINT64_MAX; /* wraps round: - 1 */

	f->names += one;
	if (e->sub == NEW)
		f->in_new += one;
	if (e->state == LEFT_OUT)
		f->left_out += one;
	if (e->state == EXPUNGING)
		t->expunging += one;
	if (e->state != QUEUED)
		return;
	f->count += one;
	f->octets += sign > 0 ? e->octets : -e->octets;
}

/* The next login looks at a young message again. */
static void
note_young(struct ledger *l, const struct entry *e)
{
	struct folder_totals *f = &l->totals.folder[e->folder];

	if (e->young && e->state == QUEUED &&
	    (f->young == 0 || e->sequence < f->young))
		f->young = e->sequence;
}

int
ledger_add(struct ledger *l, const struct entry *e)
{
	int error;

	if ((error = index_put_name(l->index, e)) != 0 ||
	    (e->state == QUEUED && (error = index_enqueue(l->index, e)) != 0))
		return error;
	ledger_tally(&l->totals, e, 1);
	note_young(l, e);
	return 0;
}

/* Only an id from elsewhere takes the place of another one (adopt.h). */
static int
change_uidl(
    struct ledger *l, const struct entry *old, const struct entry *new)
{
	int error = 0;

	if (old->uidl[0] != '\0')
		error = index_release_uidl(l->index, old);
	if (error == 0 && new->uidl[0] != '\0')
		error = index_claim_uidl(l->index, new);
	return error;
}

int
ledger_change(
    struct ledger *l, const struct entry *old, const struct entry *new)
{
	const int renamed = strcmp(old->uidl, new->uidl) != 0;
	int error = 0;

	if (renamed && (error = change_uidl(l, old, new)) != 0)
		return error;
	if (old->state == QUEUED && new->state != QUEUED)
		error = index_dequeue(l->index, old);
	else if (new->state == QUEUED && (old->state != QUEUED || renamed ||
		old->octets != new->octets))
		error = index_enqueue(l->index, new);
	if (error != 0 || (error = index_put_name(l->index, new)) != 0)
		return error;
	ledger_tally(&l->totals, old, -1);
	ledger_tally(&l->totals, new, 1);
	note_young(l, new);
	return 0;
}

int
ledger_remove(struct ledger *l, const struct entry *e)
{
	int error;

	if ((e->state == QUEUED &&
		(error = index_dequeue(l->index, e)) != 0) ||
	    (error = index_delete_name(l->index, e)) != 0)
		return error;
	ledger_tally(&l->totals, e, -1);
	/* An id from elsewhere is never given again. */
	if (l->totals.uidls_inode != 0 && entry_is_foreign(e))
		return index_claim_uidl(l->index, e);
	return 0;
}

void
ledger_changes_begin(struct ledger *l, enum folder folder)
{
	struct folder_totals *f = &l->totals.folder[folder];

	l->changed[folder] = 0;
	/* In this order: what comes between is counted, and seen as well. */
	watch_begin(&l->watch[folder]);
	if (maildir_time(&l->maildir[folder], CUR, NULL) != f->time[CUR])
		f->time[CUR] = 0;
}

void
ledger_changed(struct ledger *l, enum folder folder, int events)
{
	l->changed[folder] = 1;
	watch_changed(&l->watch[folder], events);
}

void
ledger_changes_end(struct ledger *l, enum folder folder)
{
	struct folder_totals *f = &l->totals.folder[folder];

	if (f->time[CUR] == 0 || !l->changed[folder])
		return;
	f->time[CUR] = 0;
	if (l->watch[folder].fd != -1) {
		f->time[CUR] = maildir_stamp(&l->maildir[folder]);
		if (!watch_end(&l->watch[folder]))
			f->time[CUR] = 0;
	}
}

/* The file of an entry, all of which is filled. */
static int
open_message(struct ledger *l, struct entry *e, int *fd)
{
	const struct maildir *m = &l->maildir[e->folder];
	char name[NAME_OCTETS];
	int error;

	if ((error = entry_name(e, name)) != 0)
		return error;
	error = maildir_file(m, e->sub, name, fd);
	if (error != ENOENT)
		return error == EINVAL ? ENOENT : error; /* no mail now */
	/* Others renamed it: the base name tells which it is. */
	if ((error = maildir_search(m, e->base, &e->sub, name)) != 0)
		return error;
	entry_cut(e, name);
	error = maildir_file(m, e->sub, name, fd);
	return error == EINVAL ? ENOENT : error;
}

int
ledger_find(struct ledger *l, struct entry *e, int *fd)
{
	int error;

	if ((error = index_get_name(l->index, e)) != 0)
		return error;
	return open_message(l, e, fd);
}

int
ledger_measure(struct ledger *l, struct entry *e, struct measured *measured)
{
	int error, fd;

	if ((error = open_message(l, e, &fd)) != 0)
		return error;
	error = maildir_measure(fd, measured, ledger_given_up, l);
	close(fd);
	return error;
}
