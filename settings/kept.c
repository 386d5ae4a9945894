#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/sandbox.h"
#include "settings/kept.h"
#include "settings/tell.h"
#include "settings/text.h"
#include "store/boot.h"
#include "store/mailbox.h"

#define LOCK_WAIT_MS  2000
#define HEADER_OCTETS 16384 /* of a message, for sender and subject */

/* One of them: its age, its place among all, and where its name begins. */
struct one {
	int64_t since;
	size_t place, name;
	enum folder folder;
};

/* All that is kept, however much that is: no more of it than this. */
struct all {
	struct one *one;
	char *names;
	size_t n, room, octets, octets_room;
};

/* Deleted then; or, of what no client has deleted, delivered. */
static int64_t
since(const struct entry *e)
{
	return e->retained != 0 ? e->retained : maildir_delivered(e->base);
}

/* Room for one more of these: array, or NULL where there is no memory. */
static void *
room_for(void *array, size_t used, size_t more, size_t *room, size_t size)
{
	void *new;

	if (used + more <= *room)
		return array;
	if ((new = reallocarray(array, *room * 2 + more + 64, size)) != NULL)
		*room = *room * 2 + more + 64;
	return new;
}

static int
collect(void *arg, struct entry *e)
{
	struct all *a = arg;
	const size_t len = strlen(e->base) + 1;
	void *one = room_for(a->one, a->n, 1, &a->room, sizeof(*a->one)),
	     *names;

	if (one == NULL)
		return ENOMEM;
	a->one = one;
	names = room_for(a->names, a->octets, len, &a->octets_room, 1);
	if (names == NULL)
		return ENOMEM;
	a->names = names;
	memcpy(a->names + a->octets, e->base, len);
	a->one[a->n] =
	    (struct one){ since(e), a->n, a->octets, e->folder };
	a->octets += len;
	a->n++;
	return 0;
}

/* The newest first. */
static int
by_age(const void *a, const void *b)
{
	const struct one *x = a, *y = b;

	if (x->since != y->since)
		return x->since > y->since ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

static void
read_headers(struct ledger *l, struct entry *e, struct self_message *m)
{
	static char octets[HEADER_OCTETS];
	ssize_t n;
	int fd;

	if (ledger_find(l, e, &fd) != 0)
		return;
	if ((n = read(fd, octets, sizeof(octets))) > 0)
		text_headers(octets, (size_t)n, m->from, m->subject,
		    sizeof(m->from));
	close(fd);
}

static void
show(struct ledger *l, struct entry *e, struct self_message *m)
{
	char uidl[UIDL_MAX + 1];

	(void)entry_uidl(e, uidl);
	strlcpy(m->uidl, uidl, sizeof(m->uidl));
	m->state = e->state == RETAINED ? SELF_KEPT_DELETED :
					  SELF_KEPT_EARLIER;
	m->junk = e->folder == JUNK;
	m->octets = e->octets;
	m->since = e->retained;
	m->delivered = maildir_delivered(e->base);
	read_headers(l, e, m);
}

/* Those of the page are looked up again: each by its name. */
static enum trouble
show_page(struct mailbox *mb, const struct all *all, struct self_kept *kept)
{
	struct ledger *l = mailbox_ledger(mb);
	const struct one *one = all->one + kept->from;
	struct entry e;
	int error;

	for (; kept->n < SELF_KEPT && kept->from + kept->n < all->n; one++) {
		memset(&e, 0, sizeof(e));
		e.folder = one->folder;
		strlcpy(e.base, all->names + one->name, sizeof(e.base));
		if ((error = index_get_name(l->index, &e)) != 0)
			return mailbox_trouble(mb, "reading the index", error);
		show(l, &e, &kept->message[kept->n++]);
	}
	return TROUBLE_NONE;
}

static enum trouble
list(struct mailbox *mb, struct self_kept *kept)
{
	struct all all = { .n = 0 };
	enum trouble trouble = mailbox_each_kept(mb, collect, &all);

	kept->total = (uint32_t)all.n;
	if (trouble == TROUBLE_NONE && kept->from < all.n) {
		qsort(all.one, all.n, sizeof(all.one[0]), by_age);
		trouble = show_page(mb, &all, kept);
	}
	free(all.one);
	free(all.names);
	return trouble;
}

/* In long work: 1 when the desk has gone, and with it whoever asked. */
static int
nobody_waits(void *desk, uint64_t done, uint64_t all)
{
	struct pollfd p = { *(const int *)desk, 0, 0 };

	(void)done;
	(void)all;
	return poll(&p, 1, 0) > 0;
}

/* As its owner, and from here on with no more than a session's store has. */
static struct mailbox *
lock_in(const struct conf *conf, const struct visit *v, int *desk)
{
	struct view view = { .maildir = v->maildir, .junk = conf->junk,
		.policy = v->policy };
	struct mailbox *mb;

	boot_learn(); /* reads /proc */
	if ((mb = mailbox_new(&view, nobody_waits, desk)) == NULL) {
		log_warn("%s: out of memory", v->address);
		return NULL;
	}
	if (sandbox_store(v->maildir, -1, conf->sandbox_required) == 0)
		return mb;
	mailbox_free(mb);
	return NULL;
}

static enum self_result
result_of(enum trouble trouble)
{
	if (trouble == TROUBLE_NONE)
		return SELF_GOOD;
	return trouble == TROUBLE_IN_USE ? SELF_IN_USE : SELF_TROUBLE;
}

static enum trouble
open_mailbox(struct mailbox *mb)
{
	enum trouble trouble = mailbox_open(mb, LOCK_WAIT_MS);

	return trouble == TROUBLE_NONE ? mailbox_settle(mb) : trouble;
}

enum self_result
kept_list(const struct conf *conf, const struct visit *v, int desk,
    union page *page)
{
	struct mailbox *mb = lock_in(conf, v, &desk);
	enum trouble trouble;

	if (mb == NULL)
		return SELF_TROUBLE;
	page->kept.from = v->from;
	trouble = open_mailbox(mb);
	if (trouble == TROUBLE_NONE)
		trouble = list(mb, &page->kept);
	mailbox_free(mb);
	return result_of(trouble);
}

enum self_result
kept_requeue(const struct conf *conf, const struct visit *v, int desk,
    union page *page)
{
	const char *uidl = v->uidl[0] != '\0' ? v->uidl : NULL;
	struct mailbox *mb = lock_in(conf, v, &desk);
	enum trouble trouble;

	if (mb == NULL)
		return SELF_TROUBLE;
	trouble = open_mailbox(mb);
	if (trouble == TROUBLE_NONE)
		trouble = mailbox_requeue(mb, uidl, &page->count);
	if (trouble == TROUBLE_NONE && page->count > 0)
		tell_requeued(mb, v, page->count);
	mailbox_free(mb);
	if (trouble != TROUBLE_NONE)
		return result_of(trouble);
	if (uidl != NULL && page->count == 0)
		return SELF_NO_SUCH;
	log_info("requeued: user=%s messages=%llu", v->address,
	    (unsigned long long)page->count);
	return SELF_GOOD;
}
