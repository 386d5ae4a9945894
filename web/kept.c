/*
 * Kept mail: what a mail program has deleted, or what is from before "from
 * now on"; and bringing it back.
 */
#include "web/ask.h"
#include "web/fields.h"
#include "web/html.h"
#include "web/layout.h"
#include "web/logins.h"
#include "web/outcome.h"
#include "web/page.h"
#include "web/texts.h"
#include "web/when.h"

static const char *
subject_of(const struct self_message *m)
{
	return m->subject[0] != '\0' ? m->subject : T_NO_SUBJECT;
}

static void
show_time(const char *name, int64_t seconds)
{
	if (seconds == 0)
		return;
	ELEMENT("dt", "%s", name);
	MARKUP("<dd>");
	logins_time(seconds);
	MARKUP("</dd>\n");
}

static void
show_message(const struct visit *v, const struct self_message *m)
{
	char text[WHEN_SIZE];

	MARKUP("<li>");
	ELEMENT("h2", "%s", subject_of(m));
	MARKUP("<dl>");
	if (m->from[0] != '\0')
		layout_row(T_FROM, "%s", m->from);
	show_time(T_DELIVERED, m->delivered);
	if (m->state == SELF_KEPT_EARLIER)
		layout_row(T_KEPT_BECAUSE, "%s", T_KEPT_EARLIER);
	else
		show_time(T_DELETED, m->since);
	layout_row(T_SIZE, "%s%s", when_octets(text, m->octets),
	    m->junk ? T_IN_JUNK : "");
	MARKUP("</dl>\n");
	fields_begin(v, "/kept");
	fields_hidden("uidl", m->uidl);
	MARKUP("<button class=\"quiet\">");
	html_text(T_BRING_BACK);
	MARKUP("<span class=\"unseen\">");
	html_say(": %s", subject_of(m));
	MARKUP("</span></button>\n</form>\n</li>\n");
}

static void
show_all(const struct visit *v, uint32_t total)
{
	MARKUP("<details><summary>");
	html_text(T_BRING_ALL);
	MARKUP("</summary>\n");
	ELEMENT("p", T_BRING_ALL_WHY, total);
	fields_begin(v, "/kept");
	fields_hidden("all", "1");
	fields_end(T_BRING_ALL);
	MARKUP("</details>\n");
}

void
kept_show(struct visit *v)
{
	const struct self_kept *k = &v->answer.page.kept;
	uint32_t i;

	outcome_notes(v);
	layout_begin(v, 200, T_KEPT);
	ELEMENT("p", "%s", T_KEPT_WHY);
	if (k->total == 0)
		ELEMENT("p", "%s", v->answer.account.auto_delete ?
		    T_KEPT_NOTHING_IS : T_KEPT_NONE);
	else {
		MARKUP("<ul class=\"items\">\n");
		for (i = 0; i < k->n && i < SELF_KEPT; i++)
			show_message(v, &k->message[i]);
		MARKUP("</ul>\n");
	}
	layout_pager(v, "/kept", k->from, k->n, k->total, SELF_KEPT);
	if (k->total > 1)
		show_all(v, k->total);
	layout_end();
}

/* All of them only if that was asked for: without an id it would be that. */
void
kept_post(struct visit *v)
{
	struct self_request *q = &v->request;
	enum self_result wrong = SELF_GOOD;

	if (ask_take(q->uidl, sizeof(q->uidl), &v->form, "uidl") == -1 ||
	    (q->uidl[0] == '\0') == (form_value(&v->form, "all")[0] == '\0'))
		wrong = SELF_NO_SUCH;
	v->answer.result = ask_unless(v, wrong, SELF_REQUEUE);
	outcome_counted(v, "/kept", "back");
}
