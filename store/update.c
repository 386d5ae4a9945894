#include <db.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "store/listing.h"
#include "store/update.h"

#define MANY 1000 /* messages, after which more are expected */

/* The file names of messages to be unlinked. */
struct names {
	struct listing folder[FOLDERS];
};

static void
free_names(struct names *names)
{
	listing_free(&names->folder[INBOX]);
	listing_free(&names->folder[JUNK]);
}

static int
commit(struct mailbox *mb, int durable)
{
	int error = index_put_meta(mb->index, &mb->meta);

	return error != 0 ? error : index_commit(mb->index, durable);
}

static int
full_name(const struct entry *e, char name[NAME_OCTETS])
{
	if (strlcpy(name, e->base, NAME_OCTETS) >= NAME_OCTETS ||
	    strlcat(name, e->suffix, NAME_OCTETS) >= NAME_OCTETS)
		return ENAMETOOLONG;
	return 0;
}

static int
remember(struct names *names, const struct entry *e)
{
	char name[NAME_OCTETS];
	int error;

	if ((error = full_name(e, name)) != 0)
		return error;
	return listing_add(&names->folder[e->folder], name, e->sub);
}

/* Takes message n out of its queue. */
static int
take_out(struct mailbox *mb, uint64_t n, struct names *names)
{
	struct entry e, queued;
	struct folder_meta *meta;
	int error;

	if ((error = mailbox_number(mb, n, &queued)) != 0)
		return error;
	e = queued;
	if ((error = index_get_name(mb->index, &e)) != 0 ||
	    (error = index_dequeue(mb->index, &queued)) != 0)
		return error;
	meta = &mb->meta.folder[e.folder];
	meta->count--;
	meta->octets -= queued.octets;
	e.state = mb->view.auto_delete ? EXPUNGING : RETAINED;
	if (e.state == EXPUNGING) {
		mb->meta.expunging++;
		error = remember(names, &e);
	}
	return error != 0 ? error : index_put_name(mb->index, &e);
}

/* The highest number first: the others keep theirs. */
static int
take_out_marked(struct mailbox *mb,
    int (*marked)(const void *, uint64_t n), const void *marks,
    uint64_t highest, uint64_t *deleted, struct names *names)
{
	uint64_t n;
	int error;

	*deleted = 0;
	if ((error = index_begin(mb->index)) != 0)
		return error;
	for (n = highest; n > 0; n--) {
		if (!marked(marks, n))
			continue;
		if ((error = take_out(mb, n, names)) != 0)
			return error;
		if (++*deleted == MANY &&
		    (error = index_expect_much(mb->index)) != 0)
			return error;
	}
	return commit(mb, 1);
}

/* Unlinks the file of a message; one that is not there any more is fine. */
static int
unlink_file(const struct maildir *m, const struct listed *l)
{
	char base[NAME_OCTETS], name[NAME_OCTETS];
	enum subdir sub = (enum subdir)l->sub;

	if (m->dir[sub] == -1)
		return m->error;
	memcpy(base, l->name, l->base);
	base[l->base] = '\0';
	strlcpy(name, l->name, sizeof(name));
	while (unlinkat(m->dir[sub], name, 0) == -1) {
		if (errno != ENOENT)
			return errno;
		/* Others renamed it: the base name tells which it is. */
		if (maildir_search(m, base, &sub, name) != 0)
			return 0;
	}
	return 0;
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

/* Unlinks; names keeps those that are gone, which may be forgotten. */
static int
unlink_files(struct mailbox *mb, enum folder folder, struct listing *names)
{
	const struct maildir *m = &mb->maildir[folder];
	char safe[LOG_SAFE_MAX];
	size_t i, gone = 0;
	int error;

	for (i = 0; i < names->n; i++) {
		error = unlink_file(m, &names->entry[i]);
		if (error == 0)
			names->entry[gone++] = names->entry[i];
		else
			log_warn("%s: %s could not be unlinked, the next "
			    "session will try again: %s", mb->view.maildir,
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
forget_names(struct mailbox *mb, enum folder folder, struct listing *names)
{
	struct entry e = { .folder = folder };
	size_t i;
	int error;

	if ((error = index_begin(mb->index)) != 0)
		return error;
	for (i = 0; i < names->n; i++) {
		memcpy(e.base, names->entry[i].name, names->entry[i].base);
		e.base[names->entry[i].base] = '\0';
		if ((error = index_delete_name(mb->index, &e)) != 0)
			return error;
	}
	mb->meta.expunging -= names->n;
	return commit(mb, 0);
}

static int
expunge(struct mailbox *mb, struct names *names)
{
	struct listing *l;
	int64_t began;
	enum folder folder;
	int error = 0;

	for (folder = INBOX; error == 0 && folder < FOLDERS; folder++) {
		l = &names->folder[folder];
		if (l->n == 0)
			continue;
		began = mailbox_changes_begin(mb, folder);
		listing_sort(l);
		if ((error = unlink_files(mb, folder, l)) == 0) {
			mailbox_changes_end(mb, folder, began);
			error = forget_names(mb, folder, l);
		}
	}
	return error;
}

int
update_commit(struct mailbox *mb, int (*marked)(const void *, uint64_t n),
    const void *marks, uint64_t highest, uint64_t *deleted)
{
	struct meta before = mb->meta;
	struct names names;
	int error;

	memset(&names, 0, sizeof(names));
	if ((error = mailbox_writable(mb)) == 0 &&
	    (error = take_out_marked(
		 mb, marked, marks, highest, deleted, &names)) == 0) {
		/* Committed: from here on there is no failure, only delay. */
		if ((error = expunge(mb, &names)) != 0)
			mailbox_unclean(mb, "unlinking", error);
		free_names(&names);
		return 0;
	}
	index_abort(mb->index);
	mb->meta = before;
	free_names(&names);
	return error;
}

/* Which names of the index are to be worked on. */
struct wanted {
	int (*is)(const struct entry *, const char *uidl);
	const char *uidl;
};

static int
collect_folder(struct mailbox *mb, enum folder folder, const struct wanted *w,
    struct names *names)
{
	struct walk *walk;
	struct entry e;
	int error;

	if ((error = index_walk_names(mb->index, folder, &walk)) != 0)
		return error;
	while ((error = index_walk_next(walk, &e)) == 0)
		if (w->is(&e, w->uidl) && (error = remember(names, &e)) != 0)
			break;
	index_walk_end(walk);
	listing_sort(&names->folder[folder]);
	return error == DB_NOTFOUND ? 0 : error;
}

static int
collect(struct mailbox *mb, const struct wanted *w, struct names *names)
{
	int error;

	if ((error = collect_folder(mb, INBOX, w, names)) != 0)
		return error;
	return collect_folder(mb, JUNK, w, names);
}

static int
is_expunging(const struct entry *e, const char *uidl)
{
	(void)uidl;
	return e->state == EXPUNGING;
}

static int
is_retained(const struct entry *e, const char *uidl)
{
	char own[UIDL_MAX + 1];

	if (e->state != RETAINED && e->state != EARLIER)
		return 0;
	if (uidl == NULL)
		return 1;
	(void)mailbox_uidl(e, own);
	return strcmp(own, uidl) == 0;
}

int
update_finish(struct mailbox *mb)
{
	static const struct wanted wanted = { is_expunging, NULL };
	struct names names;
	int error;

	if (mb->meta.expunging == 0)
		return 0;
	memset(&names, 0, sizeof(names));
	if ((error = mailbox_writable(mb)) == 0 &&
	    (error = collect(mb, &wanted, &names)) == 0)
		error = expunge(mb, &names);
	free_names(&names);
	return error;
}

static int
queue_again(struct mailbox *mb, enum folder folder, const struct listing *l)
{
	struct entry e = { .folder = folder };
	size_t i;
	int error;

	for (i = 0; i < l->n; i++) {
		memcpy(e.base, l->entry[i].name, l->entry[i].base);
		e.base[l->entry[i].base] = '\0';
		if ((error = index_get_name(mb->index, &e)) != 0)
			return error;
		e.state = QUEUED;
		if ((error = index_put_name(mb->index, &e)) != 0 ||
		    (error = index_enqueue(mb->index, &e)) != 0)
			return error;
		mb->meta.folder[folder].count++;
		mb->meta.folder[folder].octets += e.octets;
	}
	return 0;
}

int
update_requeue(struct mailbox *mb, const char *uidl, uint64_t *requeued)
{
	const struct wanted wanted = { is_retained, uidl };
	struct meta before = mb->meta;
	struct names names;
	int error;

	memset(&names, 0, sizeof(names));
	if ((error = mailbox_writable(mb)) == 0 &&
	    (error = collect(mb, &wanted, &names)) == 0 &&
	    (error = index_begin(mb->index)) == 0) {
		*requeued = names.folder[INBOX].n + names.folder[JUNK].n;
		if ((error = queue_again(
			 mb, INBOX, &names.folder[INBOX])) == 0 &&
		    (error = queue_again(
			 mb, JUNK, &names.folder[JUNK])) == 0)
			error = commit(mb, 1);
	}
	if (error != 0) {
		index_abort(mb->index);
		mb->meta = before;
	}
	free_names(&names);
	return error;
}
