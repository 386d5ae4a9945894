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

/* One of them: its place among all as the index has them, and its age. */
struct one {
	int64_t since;
	uint64_t place;
};

struct all {
	struct one *one;
	size_t n, room;
	uint64_t place; /* of the next one */
};

/* Those that are shown: the places sorted, and what is there. */
struct shown {
	const struct all *all;
	struct self_kept *kept;
	struct entry entry[SELF_KEPT];
	uint64_t place;
};

/* Deleted then; or, of what no client has deleted, delivered. */
static int64_t
since(const struct entry *e)
{
	return e->retained != 0 ? e->retained : maildir_delivered(e->base);
}

static int
collect(void *arg, struct entry *e)
{
	struct all *a = arg;
	struct one *new;
	const size_t room = a->room * 2 + 64;

	if (a->n == a->room) {
		if ((new = reallocarray(a->one, room, sizeof(*new))) == NULL)
			return ENOMEM;
		a->one = new;
		a->room = room;
	}
	a->one[a->n].since = since(e);
	a->one[a->n++].place = a->place++;
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

static int
pick(void *arg, struct entry *e)
{
	struct shown *s = arg;
	const struct self_kept *k = s->kept;
	uint32_t i;

	for (i = 0; i < k->n; i++)
		if (s->all->one[k->from + i].place == s->place)
			s->entry[i] = *e;
	s->place++;
	return 0;
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

static enum trouble
list(struct mailbox *mb, struct self_kept *kept)
{
	static struct shown shown; /* large */
	struct all all = { NULL, 0, 0, 0 };
	enum trouble trouble = mailbox_each_kept(mb, collect, &all);
	uint32_t i;

	if (trouble == TROUBLE_NONE && all.n > 0) {
		qsort(all.one, all.n, sizeof(all.one[0]), by_age);
		kept->total = (uint32_t)all.n;
		if (kept->from < all.n)
			kept->n = kept->total - kept->from;
		if (kept->n > SELF_KEPT)
			kept->n = SELF_KEPT;
		shown.all = &all;
		shown.kept = kept;
		trouble = mailbox_each_kept(mb, pick, &shown);
	}
	free(all.one);
	for (i = 0; trouble == TROUBLE_NONE && i < kept->n; i++)
		show(mailbox_ledger(mb), &shown.entry[i], &kept->message[i]);
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
