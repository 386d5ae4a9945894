#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "store/listing.h"
#include "store/takeover.h"
#include "store/uidls.h"

#define SENTENCE_MAX (3 * LOG_SAFE_MAX)

/* The work, and what is known of the mailbox. */
struct work {
	struct takeover *t;
	struct ledger *ledger;
	enum folder folder;
	int at_list; /* what went wrong is about the list of that folder */
	struct listing files[FOLDERS];
	struct listing known[FOLDERS]; /* names of the index */
	struct uidls before;	/* the file as it is */
	struct uidls found;	/* in lists, for names with a file */
	struct uidls lost;	/* for names of which none was seen */
	struct uidls after;	/* the file as it is to be */
};

static void __attribute__((format(printf, 2, 3)))
leave(struct work *w, const char *fmt, ...)
{
	char sentence[SENTENCE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	w->t->left++;
	w->t->say(w->t->arg, sentence);
}

/* A name or an id as it can be printed: two at a time. */
static const char *
safe(const char *name)
{
	static char text[2][LOG_SAFE_MAX];
	static unsigned int turn;

	turn ^= 1;
	return log_safe(text[turn], sizeof(text[turn]), name);
}

static int
read_files(struct work *w, enum folder folder)
{
	struct listing *files = &w->files[folder];
	const struct maildir *m = &w->ledger->maildir[folder];
	int error;

	listing_free(files);
	if ((error = listing_read(files, m, CUR)) != 0 ||
	    (error = listing_read(files, m, NEW)) != 0)
		return error;
	listing_sort(files);
	return 0;
}

static int
is_own(const struct uidls_line *line)
{
	char own[UIDL_MAX + 1];
	struct entry e;

	e.folder = line->folder;
	(void)strlcpy(e.base, line->base, sizeof(e.base));
	entry_set_uidl(&e, e.folder == JUNK);
	(void)entry_uidl(&e, own);
	return strcmp(own, line->uidl) == 0;
}

/* The later one of two lines for a name is the one that its server uses. */
static int
note(struct uidls *u, enum folder folder, const char *base, const char *uidl,
    size_t number)
{
	int error;

	if ((error = uidls_add(u, folder, base, uidl)) == 0)
		u->line[u->n - 1].order = (uint32_t)(UINT32_MAX - number);
	return error;
}

/* A line of a list. */
static int
take_line(void *arg, size_t number, const char *base, const char *uidl)
{
	struct work *w = arg;
	const struct uidls_line line = { uidl, base, 0, w->folder };
	const char *fault;
	int there;

	if (base == NULL || *base == '\0' || strlen(base) > NAME_MAX ||
	    maildir_base(base) == 0 || strchr(base, '/') != NULL) {
		leave(w, "line %zu of %s cannot be understood", number,
		    foreign_name(w->t->list[w->folder]));
		return 0;
	}
	fault = is_own(&line) ? NULL : uidls_fault(uidl);
	there = listing_find(&w->files[w->folder], base) != NULL;
	if (fault != NULL && there)
		leave(w, "%s: %s is no unique-id for POP3: %s", safe(base),
		    safe(uidl), fault);
	if (fault != NULL)
		return 0;
	return note(there ? &w->found : &w->lost, w->folder, base, uidl,
	    number);
}

/* Which list it is, of those that are there. */
static int
choose_list(struct work *w, enum folder folder)
{
	struct takeover *t = w->t;
	enum foreign newest, other;
	int error;

	error = foreign_look(&w->ledger->maildir[folder], &newest, &other);
	if (error != 0) {
		t->list[folder] = newest;
		w->at_list = 1;
		return error == EINVAL ? UIDLS_FOREIGN : error;
	}
	if (t->wanted == FOREIGN_NONE && other != FOREIGN_NONE)
		t->say(t->arg, newest == FOREIGN_DOVECOT
			? "courierpop3dsizelist is there, too, and older: "
			  "-f courier takes that one"
			: "dovecot-uidlist is there, too, and older: -f with "
			  "Dovecot's pop3_uidl_format takes that one");
	else if (t->wanted != FOREIGN_NONE && newest != t->wanted)
		newest = other == t->wanted ? other : FOREIGN_NONE;
	t->list[folder] = newest;
	return 0;
}

static int
read_list(struct work *w, enum folder folder)
{
	const struct maildir *m = &w->ledger->maildir[folder];
	int error;

	w->folder = folder;
	if ((error = choose_list(w, folder)) != 0 ||
	    w->t->list[folder] == FOREIGN_NONE ||
	    (error = read_files(w, folder)) != 0)
		return error;
	error = foreign_read(
	    m, w->t->list[folder], w->t->format, take_line, w);
	w->at_list = error != 0;
	return error == EINVAL ? UIDLS_FOREIGN : error;
}

/* A file that was renamed while its directory was read is seen now. */
static int
look_again(struct work *w)
{
	const struct uidls_line *line;
	enum folder folder;
	size_t i;
	int error;

	if (w->lost.n == 0)
		return 0;
	for (folder = INBOX; folder < FOLDERS; folder++)
		if (w->t->list[folder] != FOREIGN_NONE &&
		    (error = read_files(w, folder)) != 0)
			return error;
	for (i = 0; i < w->lost.n; i++) {
		line = &w->lost.line[i];
		if (listing_find(&w->files[line->folder], line->base) == NULL)
			leave(w, "%s: there is no such file any more",
			    safe(line->base));
		else if ((error = note(&w->found, line->folder, line->base,
			      line->uidl, UINT32_MAX - line->order)) != 0)
			return error;
	}
	return 0;
}

static void
tell_dropped(void *arg, const struct uidls_line *line,
    const struct uidls_line *stays)
{
	struct work *w = arg;

	if (strcmp(line->base, stays->base) == 0)
		leave(w, "%s: %s is not the last id that is given for it",
		    safe(line->base), safe(line->uidl));
	else
		leave(w, "%s: the id of %s is the same", safe(line->base),
		    safe(stays->base));
}

static void
show(struct work *w, const struct uidls_line *line)
{
	char name[NAME_OCTETS + sizeof("junk/")];

	w->t->taken++;
	if (w->t->show == NULL)
		return;
	snprintf(name, sizeof(name), "%s%s",
	    line->folder == JUNK ? "junk/" : "", line->base);
	w->t->show(w->t->arg, line->uidl, safe(name));
}

/* Is this id taken over? */
static int
judge(struct work *w, const struct uidls_line *line)
{
	const char *has = uidls_find(&w->before, line->folder, line->base);
	const struct uidls_line *owner = uidls_owner(&w->before, line->uidl);

	if (has != NULL && strcmp(has, line->uidl) == 0)
		w->t->had++;
	else if (has != NULL)
		leave(w, "%s: it has the id %s from before, and keeps it",
		    safe(line->base), safe(has));
	else if (owner != NULL)
		leave(w, "%s: its id is the one that %s has from before",
		    safe(line->base), safe(owner->base));
	else if (is_own(line))
		w->t->own++;
	else if (listing_find(&w->known[line->folder], line->base) != NULL)
		leave(w, "%s: it keeps the id under which it has been shown",
		    safe(line->base));
	else
		return 1;
	return 0;
}

/* The file as it was, and what comes to it. */
static int
put_together(struct work *w)
{
	const struct uidls_line *line;
	size_t i;
	int error;

	if ((error = uidls_sort(&w->found, tell_dropped, w)) != 0)
		return error;
	for (i = 0; i < w->before.n; i++) {
		line = &w->before.line[i];
		if ((error = uidls_add(&w->after, line->folder, line->base,
			 line->uidl)) != 0)
			return error;
	}
	for (i = 0; i < w->found.n; i++) {
		line = &w->found.line[i];
		if (!judge(w, line))
			continue;
		show(w, line);
		if ((error = uidls_add(&w->after, line->folder, line->base,
			 line->uidl)) != 0)
			return error;
	}
	return uidls_sort(&w->after, NULL, NULL);
}

static int
note_known(void *arg, struct entry *e)
{
	struct work *w = arg;

	return listing_add(&w->known[e->folder], e->base, e->sub);
}

/* What has been shown, where there was a file of ids by then. */
static int
read_before(struct work *w)
{
	struct ledger *l = w->ledger;
	enum folder folder;
	int error;

	if ((error = uidls_read(&w->before, l->dir, NULL)) != 0)
		return error == ENOENT ? 0 : error;
	if (access(l->file, F_OK) == -1)
		return errno == ENOENT ? 0 : errno;
	if ((error = ledger_open(l)) != 0 ||
	    (error = ledger_readable(l)) != 0)
		return error;
	for (folder = INBOX; error == 0 && folder < FOLDERS; folder++) {
		error = index_each_name(l->index, folder, note_known, w);
		listing_sort(&w->known[folder]);
	}
	return error;
}

static int
take_over(struct work *w, struct mailbox *mb)
{
	enum folder folder;
	int error = read_before(w);

	for (folder = INBOX; error == 0 && folder < FOLDERS; folder++)
		if (folder == INBOX || mailbox_sees(mb, folder))
			error = read_list(w, folder);
	if (error == 0)
		error = look_again(w);
	if (error == 0)
		error = put_together(w);
	if (error == 0 && ledger_given_up(w->ledger))
		error = ECANCELED;
	if (error != 0 || w->t->dry || w->t->taken == 0)
		return error;
	if ((error = lock_check(&w->ledger->lock)) != 0)
		return error;
	return uidls_write(&w->after, w->ledger->dir);
}

static void
free_work(struct work *w)
{
	enum folder folder;

	for (folder = INBOX; folder < FOLDERS; folder++) {
		listing_free(&w->files[folder]);
		listing_free(&w->known[folder]);
	}
	uidls_free(&w->before);
	uidls_free(&w->found);
	uidls_free(&w->lost);
	uidls_free(&w->after);
}

enum trouble
mailbox_take_over(struct mailbox *mb, int wait_ms, struct takeover *t)
{
	struct work w;
	enum trouble trouble;
	int error;

	memset(&w, 0, sizeof(w));
	w.t = t;
	w.ledger = mailbox_ledger(mb);
	if ((trouble = mailbox_hold(mb, wait_ms)) != TROUBLE_NONE)
		return trouble;
	if ((error = take_over(&w, mb)) != 0)
		ledger_drop(w.ledger);
	free_work(&w);
	return mailbox_trouble(mb, w.at_list ?
	    foreign_name(t->list[w.folder]) : "taking unique-ids over", error);
}
