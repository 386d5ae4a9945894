#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/sandbox.h"
#include "settings/past.h"
#include "settings/text.h"
#include "store/journal.h"

/* Of the events of a journal, which are counted from the oldest on. */
struct window {
	uint64_t seen, total;
	struct self_activity *page;
};

static int
lock_in(const struct conf *conf, const struct visit *v, char dir[PATH_MAX])
{
	const char *const only = dir;

	if ((size_t)snprintf(dir, PATH_MAX, "%s/pop3d", v->maildir) >=
	    PATH_MAX) {
		log_warn("%s: the path is too long", v->maildir);
		return -1;
	}
	return sandbox_reader(&only, 1, conf->sandbox_required);
}

/* Could it not be read? */
static uint32_t
is_unread(const struct visit *v, int error)
{
	if (error == INDEX_NEWER)
		log_warn("%s: the journal was begun by a newer pop3d; install "
		    "that version again", v->address);
	else if (error != 0)
		log_warn("%s: the journal cannot be read: %s", v->address,
		    strerror(error));
	return error != 0;
}

static void
take(char *dst, size_t size, const struct journal_line *line, const char *key)
{
	text_clean(dst, size, journal_value(line, key));
}

#define TAKE(member, line, key) take(member, sizeof(member), line, key)

/* The one that is read last is the newest. */
static void
note_login(void *arg, const struct journal_line *line)
{
	struct self_overview *o = arg;
	struct self_login *l = &o->login[0];

	if (strcmp(journal_value(line, "event"), "login") != 0)
		return;
	memmove(&o->login[1], &o->login[0],
	    (SELF_LOGINS - 1) * sizeof(o->login[0]));
	memset(l, 0, sizeof(*l));
	l->time = text_time(journal_value(line, "time"));
	TAKE(l->peer, line, "peer");
	TAKE(l->label, line, "label");
	TAKE(l->service, line, "service");
	if (o->n < SELF_LOGINS)
		o->n++;
}

enum self_result
past_overview(
    const struct conf *conf, const struct visit *v, union page *page)
{
	char dir[PATH_MAX];

	if (lock_in(conf, v, dir) == -1)
		return SELF_TROUBLE;
	page->overview.unread =
	    is_unread(v, journal_read(dir, note_login, &page->overview));
	return SELF_GOOD;
}

enum self_result
past_apps(const struct conf *conf, const struct visit *v, union page *page)
{
	static struct known known; /* large */
	struct self_app *app;
	char dir[PATH_MAX];
	size_t i, j;
	int error;

	page->apps = v->apps;
	if (lock_in(conf, v, dir) == -1)
		return SELF_TROUBLE;
	error = journal_known(dir, &known);
	page->apps.unread = is_unread(v, error);
	for (i = 0; i < page->apps.n; i++)
		for (j = 0; j < known.nlabel; j++) {
			app = &page->apps.app[i];
			if (strcmp(known.label[j].label, app->label) != 0)
				continue;
			app->used = text_time(known.label[j].time);
			/* One of the same label that was there before. */
			if (app->used < app->created)
				app->used = 0;
			else
				text_clean(app->peer, sizeof(app->peer),
				    known.label[j].peer);
		}
	return SELF_GOOD;
}

/* Events, and which of their fields are shown as what. */
static const struct {
	const char *event, *reason, *label, *count;
} events[] = {
	[SELF_EVENT_LOGIN] = { "login", "", "label", "" },
	[SELF_EVENT_DELETED] = { "deleted", "", "", "more" },
	[SELF_EVENT_RETAINED] = { "retained", "", "", "more" },
	[SELF_EVENT_END] = { "end", "reason", "", "retrieved" },
	[SELF_EVENT_SIGNED_IN] = { "signed-in", "by", "", "" },
	[SELF_EVENT_CHANGED] = { "changed", "what", "value", "" },
	[SELF_EVENT_REQUEUED] = { "requeued", "", "", "messages" },
	[SELF_EVENT_PURGED] = { "purged", "", "", "messages" },
};

/* Which of them the line is; -1: none that is shown. */
static int
kind_of(const struct journal_line *line)
{
	const char *event = journal_value(line, "event");
	int i;

	for (i = 0; i < (int)(sizeof(events) / sizeof(events[0])); i++)
		if (strcmp(event, events[i].event) == 0)
			return i;
	return -1;
}

static uint64_t
number(const struct journal_line *line, const char *key)
{
	return strtoull(journal_value(line, key), NULL, 10);
}

static void
fill_event(struct self_event *e, const struct journal_line *line, int kind)
{
	memset(e, 0, sizeof(*e));
	e->time = text_time(journal_value(line, "time"));
	e->kind = (uint32_t)kind;
	TAKE(e->id, line, "id");
	TAKE(e->peer, line, "peer");
	TAKE(e->label, line, events[kind].label);
	TAKE(e->service, line, "service");
	TAKE(e->uidl, line, "uidl");
	TAKE(e->reason, line, events[kind].reason);
	e->count = number(line, events[kind].count);
	e->octets = number(line, "octets");
	e->deleted = number(line, "deleted");
}

static void
count_event(void *arg, const struct journal_line *line)
{
	struct window *w = arg;

	w->total += kind_of(line) != -1;
}

/* A journal that has grown since it was counted: what is new is left out. */
static void
show_event(void *arg, const struct journal_line *line)
{
	struct window *w = arg;
	struct self_activity *a = w->page;
	const int kind = kind_of(line);
	uint64_t age;

	if (kind == -1 || w->seen >= w->total)
		return;
	age = w->total - 1 - w->seen++;
	if (age < a->from || age - a->from >= SELF_EVENTS)
		return;
	fill_event(&a->event[age - a->from], line, kind);
	if (a->n <= age - a->from)
		a->n = (uint32_t)(age - a->from) + 1;
}

enum self_result
past_activity(
    const struct conf *conf, const struct visit *v, union page *page)
{
	struct window w = { 0, 0, &page->activity };
	char dir[PATH_MAX];
	int error;

	page->activity.from = v->from;
	if (lock_in(conf, v, dir) == -1)
		return SELF_TROUBLE;
	error = journal_read(dir, count_event, &w);
	page->activity.total = (uint32_t)w.total;
	if (error == 0)
		error = journal_read(dir, show_event, &w);
	page->activity.unread = is_unread(v, error);
	return SELF_GOOD;
}
