#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "store/dir.h"
#include "store/expunge.h"
#include "store/quota.h"
#include "store/scan.h"

#define PATIENCE 1000 /* files, and then it is asked whether anybody waits */

void
expunge_free(struct listing names[FOLDERS])
{
	listing_free(&names[INBOX]);
	listing_free(&names[JUNK]);
}

/* The files of a folder as they are now, to be listed when one is missing. */
static void
begin_scan(struct scan *s, const struct ledger *l, enum folder folder)
{
	s->maildir = &l->maildir[folder];
	s->folder = folder;
	s->clock = l->lock.fd;
}

/* The unlinking in one folder. */
struct unlinking {
	struct ledger *ledger;
	enum folder folder;
	struct scan scan;
	int quota; /* there is one */
	uint64_t messages, octets; /* to be taken off it */
};

static int
unlink_name(struct unlinking *u, enum subdir sub, const char *name)
{
	int dir = u->ledger->maildir[u->folder].dir[sub];
	struct stat st = { .st_size = 0 };

	if (u->quota)
		(void)fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW);
	if (unlinkat(dir, name, 0) == -1)
		return errno;
	ledger_changed(u->ledger, u->folder, sub == CUR);
	u->messages++;
	if (u->quota)
		u->octets += quota_octets(name, (uint64_t)st.st_size);
	return 0;
}

/* Unlinks the file of a message; one that is not there any more is fine. */
static int
unlink_file(struct unlinking *u, const struct listed *file)
{
	const struct maildir *m = &u->ledger->maildir[u->folder];
	const struct listed *now;
	struct entry e;
	int error;

	if (m->dir[file->sub] == -1)
		return m->error;
	error = unlink_name(u, (enum subdir)file->sub, file->name);
	if (error != ENOENT)
		return error;
	entry_cut(&e, file->name);
	if ((error = scan_find(&u->scan, e.base, &now)) != 0 || now == NULL)
		return error;
	return unlink_name(u, (enum subdir)now->sub, now->name);
}

/* Unlinks; names keeps those that are gone, which may be forgotten. */
static int
unlink_files(struct unlinking *u, struct listing *names)
{
	const struct maildir *m = &u->ledger->maildir[u->folder];
	char safe[LOG_SAFE_MAX];
	size_t i, gone = 0;
	int error;

	for (i = 0; i < names->n; i++) {
		if (i % PATIENCE == PATIENCE - 1 &&
		    ledger_given_up(u->ledger))
			break; /* the next session goes on from here */
		if ((error = unlink_file(u, &names->entry[i])) == 0)
			names->entry[gone++] = names->entry[i];
		else
			log_warn("%s: %s could not be unlinked, the next "
			    "session will try again: %s", u->ledger->path,
			    log_safe(safe, sizeof(safe),
				names->entry[i].name), strerror(error));
	}
	names->n = gone;
	/* A name must not be forgotten before its file is, power cut or not. */
	if (gone == 0)
		return 0;
	if ((error = dir_sync(m->dir[CUR])) == 0)
		error = dir_sync(m->dir[NEW]);
	return error;
}

static int
forget_names(
    struct ledger *l, enum folder folder, const struct listing *names)
{
	struct entry e = { .folder = folder, .state = EXPUNGING };
	size_t i;
	int error;

	if (names->n == 0)
		return 0;
	if ((error = ledger_begin(l)) != 0)
		return error;
	for (i = 0; error == 0 && i < names->n; i++) {
		entry_cut(&e, names->entry[i].name);
		e.sub = (enum subdir)names->entry[i].sub;
		error = ledger_remove(l, &e);
	}
	return ledger_end(l, error, 0);
}

static int
expunge_folder(
    struct ledger *l, enum folder folder, struct listing *names)
{
	struct unlinking u = { .ledger = l, .folder = folder };
	int error;

	if (names->n == 0)
		return 0;
	begin_scan(&u.scan, l, folder);
	u.quota = quota_is_kept(l->path);
	listing_sort(names);
	ledger_changes_begin(l, folder);
	error = unlink_files(&u, names);
	ledger_changes_end(l, folder);
	scan_free(&u.scan);
	if (u.quota && u.messages > 0)
		(void)ledger_complain(l, "the quota in maildirsize",
		    quota_take_off(l->path, u.messages, u.octets));
	return error != 0 ? error : forget_names(l, folder, names);
}

int
expunge(struct ledger *l, struct listing names[FOLDERS])
{
	int error;

	if ((error = expunge_folder(l, INBOX, &names[INBOX])) != 0)
		return error;
	return expunge_folder(l, JUNK, &names[JUNK]);
}

/* What an interrupted UPDATE left. */
struct rest {
	struct ledger *ledger;
	int auto_delete; /* by now */
	struct scan scan[FOLDERS];
	struct listing unlink[FOLDERS]; /* whole names, as the index has them */
	struct listing spare[FOLDERS];	/* base names */
};

/*
 * The inode that has become free last is the next file's: what was born after
 * the commit is another file.  A birth that is yet to come, by a clock that
 * was ahead, tells nothing, and neither does an inode that is not known.
 */
static int
is_another(struct rest *r, const struct entry *e, const struct listed *file)
{
	const struct ledger *l = r->ledger;
	int64_t born;

	if (e->inode != 0 && file->inode != e->inode)
		return 1;
	born = maildir_born(&l->maildir[e->folder], (enum subdir)file->sub,
	    file->name);
	return l->totals.expunged != 0 && born > l->totals.expunged &&
	    born <= r->scan[e->folder].now;
}

static int
sort_out(void *arg, struct entry *e)
{
	struct rest *r = arg;
	const struct listed *file;
	char name[NAME_OCTETS];
	int error, condemned = 0;

	if (e->state != EXPUNGING)
		return 0;
	if ((error = entry_name(e, name)) != 0)
		return error;
	if (r->auto_delete || e->purged) {
		error = scan_find(&r->scan[e->folder], e->base, &file);
		if (error != 0)
			return error == EAGAIN ? 0 : error; /* next time */
		condemned = file == NULL || !is_another(r, e, file);
	}
	return condemned ?
	    listing_add(&r->unlink[e->folder], name, e->sub) :
	    listing_add(&r->spare[e->folder], e->base, e->sub);
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

	if ((error = index_find_name(l->index, folder, name->name, &old)) != 0)
		return error;
	if (r->auto_delete || old.purged) {
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

	if (r->spare[INBOX].n + r->spare[JUNK].n == 0)
		return 0;
	if ((error = ledger_begin(r->ledger)) != 0)
		return error;
	for (folder = INBOX; folder < FOLDERS; folder++) {
		listing_sort(&r->spare[folder]);
		for (i = 0; error == 0 && i < r->spare[folder].n; i++)
			error = spare(r, folder, &r->spare[folder].entry[i]);
	}
	return ledger_end(r->ledger, error, 1);
}

int
expunge_finish(struct ledger *l, const struct policy *policy)
{
	struct rest r = { .ledger = l, .auto_delete = policy->auto_delete };
	enum folder folder;
	int error;

	if (l->totals.expunging == 0 || l->mode == INDEX_MEMORY)
		return 0;
	for (folder = INBOX; folder < FOLDERS; folder++)
		begin_scan(&r.scan[folder], l, folder);
	if ((error = ledger_writable(l)) == 0 &&
	    (error = index_each_name(l->index, INBOX, sort_out, &r)) == 0 &&
	    (error = index_each_name(l->index, JUNK, sort_out, &r)) == 0 &&
	    (error = spare_all(&r)) == 0)
		error = expunge(l, r.unlink);
	for (folder = INBOX; folder < FOLDERS; folder++)
		scan_free(&r.scan[folder]);
	expunge_free(r.unlink);
	expunge_free(r.spare);
	return error;
}
