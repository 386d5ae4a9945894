/*
 * The overview: how mail programs may fetch, what becomes of mail that they
 * delete, and who was there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/ask.h"
#include "web/fields.h"
#include "web/html.h"
#include "web/layout.h"
#include "web/logins.h"
#include "web/outcome.h"
#include "web/page.h"
#include "web/reply.h"
#include "web/texts.h"

/* The value of a choice that is no change, though another one is equal. */
#define SAME "same"

/*
 * What was shown goes along, so that only what was changed here is set, and
 * not what somebody has set elsewhere since.
 */
#define WAS "was-"

static void
begin_group(const char *name, const char *legend, const char *shown)
{
	char was[32];

	snprintf(was, sizeof(was), WAS "%s", name);
	fields_group(legend);
	fields_hidden(was, shown);
}

/* The same for a number that is one of the choices. */
static void
begin_numbers(const char *name, const char *legend, uint32_t shown)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", shown);
	begin_group(name, legend, text);
}

/* "From now on" begins anew only if that is asked for. */
static void
show_access(const struct visit *v)
{
	static const struct choice all = { "1", T_ACCESS_ALL,
		T_ACCESS_ALL_HINT };
	static const struct choice now = { "2", T_ACCESS_NOW,
		T_ACCESS_NOW_HINT };
	static const struct choice since = { SAME, T_ACCESS_SINCE,
		T_ACCESS_SINCE_HINT };
	static const struct choice anew = { "2", T_ACCESS_ANEW,
		T_ACCESS_NOW_HINT };
	static const struct choice off = { "0", T_ACCESS_OFF,
		T_ACCESS_OFF_HINT };
	const uint32_t access = v->answer.account.access;

	if (access == SELF_ACCESS_FROM_NOW)
		begin_group("access", T_ACCESS, SAME);
	else
		begin_numbers("access", T_ACCESS, access);
	fields_choice("access", &all, access == SELF_ACCESS_ALL);
	if (access == SELF_ACCESS_FROM_NOW) {
		fields_choice("access", &since, 1);
		fields_choice("access", &anew, 0);
	} else
		fields_choice("access", &now, 0);
	fields_choice("access", &off, access == SELF_ACCESS_OFF);
	fields_group_end();
}

static void
show_delete(const struct visit *v)
{
	const int deletes = v->answer.account.auto_delete != 0;
	const uint32_t keep = v->answer.account.keep;
	char hint[200];
	const struct choice kept = { "0", T_DELETE_KEEP, hint };
	static const struct choice gone = { "1", T_DELETE_GO,
		T_DELETE_GO_HINT };

	if (keep == FOR_EVER)
		strlcpy(hint, T_DELETE_KEEP_HINT, sizeof(hint));
	else
		snprintf(hint, sizeof(hint), T_DELETE_KEEP_DAYS_HINT, keep);
	begin_numbers("delete", T_DELETE, (uint32_t)deletes);
	fields_choice("delete", &kept, !deletes);
	fields_choice("delete", &gone, deletes);
	fields_group_end();
}

/* What the administrator has set need not be one of ours. */
static void
show_keep(const struct visit *v)
{
	static const struct choice choices[] = {
		{ "7", T_KEEP_WEEK, NULL },
		{ "30", T_KEEP_MONTH, NULL },
		{ "90", T_KEEP_QUARTER, NULL },
		{ "365", T_KEEP_YEAR, NULL },
		{ "0", T_KEEP_FOR_EVER, NULL },
	};
	char value[16], label[100];
	const struct choice other = { value, label, NULL };
	int found = 0, is;
	size_t i;

	snprintf(value, sizeof(value), "%u", v->answer.account.keep);
	snprintf(label, sizeof(label), T_KEEP_DAYS, v->answer.account.keep);
	begin_group("keep", T_KEEP, value);
	for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		is = strcmp(choices[i].value, value) == 0;
		fields_choice("keep", &choices[i], is);
		found |= is;
	}
	if (!found)
		fields_choice("keep", &other, 1);
	fields_group_end();
}

static void
show_spam(const struct visit *v)
{
	static const struct choice choices[] = {
		{ "0", T_SPAM_OUT, T_SPAM_OUT_HINT },
		{ "1", T_SPAM_IN, T_SPAM_IN_HINT },
		{ "2", T_SPAM_ONLY, T_SPAM_ONLY_HINT },
	};
	uint32_t i;

	begin_numbers("spam", T_SPAM, v->answer.account.spam);
	for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		fields_choice(
		    "spam", &choices[i], v->answer.account.spam == i);
	fields_group_end();
}

static void
show_read(const struct visit *v)
{
	static const struct choice leave = { "0", T_READ_NO, T_READ_NO_HINT };
	static const struct choice mark = { "1", T_READ_YES, T_READ_YES_HINT };
	const int marks = v->answer.account.mark_read != 0;

	begin_numbers("read", T_READ, (uint32_t)marks);
	fields_choice("read", &leave, !marks);
	fields_choice("read", &mark, marks);
	fields_group_end();
}

static void
show_logins(const struct visit *v)
{
	const struct self_overview *o = &v->answer.page.overview;
	uint32_t i;

	ELEMENT("h2", "%s", T_LAST_LOGINS);
	if (o->unread || o->n == 0)
		ELEMENT("p", "%s", o->unread ? T_UNREAD : T_NO_LOGINS);
	MARKUP("<ul class=\"items\">\n");
	for (i = 0; i < o->n; i++)
		logins_item(o->login[i].time, o->login[i].peer,
		    o->login[i].label);
	MARKUP("</ul>\n<p class=\"actions\">\n");
	layout_link(v, "/activity", T_ALL_ACTIVITY);
	layout_link(v, "/not-me", T_NOT_ME);
	MARKUP("</p>\n");
}

void
overview_show(struct visit *v)
{
	outcome_notes(v);
	layout_begin(v, 200, T_OVERVIEW);
	if (v->answer.account.two_factor && !v->answer.account.totp) {
		MARKUP("<div class=\"note\">");
		ELEMENT("p", "%s", T_TWO_FACTOR_WANTED);
		layout_link(v, "/security", T_TWO_FACTOR_SET_UP);
		MARKUP("</div>\n");
	}
	fields_begin(v, "/");
	show_access(v);
	show_delete(v);
	show_keep(v);
	show_spam(v);
	show_read(v);
	fields_end(T_SAVE);
	show_logins(v);
	layout_end();
}

/* The switches, by the fields that they are, and the greatest value. */
static const struct {
	const char *name;
	enum self_setting setting;
	long long greatest;
} switches[] = {
	{ "access", SELF_SET_ACCESS, SELF_ACCESS_FROM_NOW },
	{ "delete", SELF_SET_AUTO_DELETE, 1 },
	{ "keep", SELF_SET_KEEP, DAYS_MAX },
	{ "spam", SELF_SET_SPAM, SPAM_ONLY },
	{ "read", SELF_SET_MARK_READ, 1 },
};

/* Takes one that was changed; a value that is none is not to be set. */
static void
take_switch(struct self_request *q, const struct form *form, size_t i)
{
	char was[32];
	const char *value = form_value(form, switches[i].name), *bad;
	const enum self_setting setting = switches[i].setting;

	snprintf(was, sizeof(was), WAS "%s", switches[i].name);
	if (strcmp(value, form_value(form, was)) == 0)
		return;
	q->value[setting] = strtonum(value, 0, switches[i].greatest, &bad);
	if (bad != NULL)
		q->value[setting] = -1;
	q->settings |= 1U << setting;
}

void
overview_post(struct visit *v)
{
	size_t i;

	for (i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		take_switch(&v->request, &v->form, i);
	if (v->request.settings == 0) {
		reply_elsewhere(v, "/?done=saved");
		return;
	}
	(void)ask(v, SELF_SET);
	outcome_go_on(v, "/", "saved");
}
