/*
 * Activity: who was there and what he did, and "that was not me".
 */
#include "web/ask.h"
#include "web/doings.h"
#include "web/fields.h"
#include "web/html.h"
#include "web/layout.h"
#include "web/logins.h"
#include "web/outcome.h"
#include "web/page.h"
#include "web/texts.h"
#include "web/when.h"

/* One message by its id, several by their number. */
static void
say_messages(const struct self_event *e, const char *one, const char *several)
{
	char text[WHEN_SIZE];

	if (e->uidl[0] != '\0')
		html_say(one, when_octets(text, e->octets), e->uidl);
	else
		html_say(several, (unsigned long long)e->count);
}

static void
show_event(const struct self_event *e)
{
	char text[WHEN_SIZE];

	if (e->kind == SELF_EVENT_LOGIN) {
		logins_item(e->time, e->peer, e->label);
		return;
	}
	MARKUP("<li>");
	logins_time(e->time);
	MARKUP(" ");
	if (e->kind == SELF_EVENT_DELETED)
		say_messages(e, T_EVENT_DELETED, T_EVENT_DELETED_SEVERAL);
	else if (e->kind == SELF_EVENT_RETAINED)
		say_messages(e, T_EVENT_KEPT, T_EVENT_KEPT_SEVERAL);
	else if (e->kind == SELF_EVENT_END)
		html_say(T_EVENT_END, (unsigned long long)e->count,
		    when_octets(text, e->octets),
		    (unsigned long long)e->deleted);
	else
		doings_show(e);
	MARKUP("</li>\n");
}

void
activity_show(struct visit *v)
{
	const struct self_activity *a = &v->answer.page.activity;
	uint32_t i;

	outcome_notes(v);
	layout_begin(v, 200, T_ACTIVITY);
	ELEMENT("p", "%s", T_ACTIVITY_WHY);
	MARKUP("<p class=\"actions\">");
	layout_button(v, "/not-me", T_NOT_ME);
	MARKUP("</p>\n");
	if (a->unread || a->total == 0)
		ELEMENT("p", "%s", a->unread ? T_UNREAD : T_NO_ACTIVITY);
	if (a->total > 0) {
		MARKUP("<ul class=\"items\">\n");
		for (i = 0; i < a->n && i < SELF_EVENTS; i++)
			show_event(&a->event[i]);
		MARKUP("</ul>\n");
	}
	layout_pager(v, "/activity", a->from, a->n, a->total, SELF_EVENTS);
	layout_end();
}

void
not_me_show(struct visit *v)
{
	layout_begin(v, 200, T_NOT_ME);
	ELEMENT("p", "%s", T_NOT_ME_WHY);
	fields_begin(v, "/not-me");
	MARKUP("<p class=\"actions\"><button class=\"bad\">");
	html_text(T_NOT_ME_BUTTON);
	MARKUP("</button></p>\n</form>\n");
	layout_link(v, "/activity", T_BACK);
	layout_end();
}

void
not_me_post(struct visit *v)
{
	(void)ask(v, SELF_NOT_ME);
	outcome_go_on(v, "/security", "not-me");
}
