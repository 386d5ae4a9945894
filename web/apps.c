/*
 * Application passwords: which there are, a new one, and the end of one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "web/ask.h"
#include "web/clients.h"
#include "web/fields.h"
#include "web/html.h"
#include "web/layout.h"
#include "web/logins.h"
#include "web/outcome.h"
#include "web/page.h"
#include "web/texts.h"
#include "web/when.h"

#define NETWORKS (sizeof(((struct self_app *)NULL)->network) / \
	NETWORK_TEXT_SIZE)

static const char *
service_text(uint32_t services)
{
	return services == SERVICE_POP ? T_FOR_POP :
	    services == SERVICE_SEND ? T_FOR_SEND : T_FOR_BOTH;
}

/* What has an end is good to the second before that. */
static void
show_limits(const struct self_app *app)
{
	char text[WHEN_SIZE];
	uint32_t i;

	layout_row(T_GOOD_FOR, "%s", service_text(app->services));
	if (app->read_only)
		layout_row(T_DELETES, "%s", T_DELETES_NOT);
	if (app->expires != FOR_EVER)
		layout_row(T_EXPIRES, "%s", when_day(text, app->expires - 1));
	for (i = 0; i < app->networks && i < NETWORKS; i++)
		layout_row(T_FROM_WHERE, "%s", app->network[i]);
}

/* A second step, so that no slip of the finger locks a device out. */
static void
show_revoke(const struct visit *v, const char *label)
{
	MARKUP("<details><summary>");
	html_say(T_REVOKE_LABEL, label);
	MARKUP("</summary>\n");
	ELEMENT("p", "%s", T_REVOKE_WHY);
	fields_begin(v, "/passwords/revoke");
	fields_hidden("label", label);
	MARKUP("<p><button class=\"bad\">");
	html_say(T_REVOKE_LABEL, label);
	MARKUP("</button></p>\n</form></details>\n");
}

/* When it was used last; never is said only where that is known. */
static void
show_use(const struct visit *v, const struct self_app *app)
{
	char text[WHEN_SIZE];

	if (app->used == 0)
		layout_row(T_USED, "%s", v->answer.page.apps.unread ?
		    T_UNKNOWN : T_USED_NEVER);
	else
		layout_row(T_USED, T_USED_FROM, when_text(text, app->used),
		    app->peer);
}

static void
show_app(const struct visit *v, const struct self_app *app)
{
	char text[WHEN_SIZE];

	MARKUP("<li>");
	ELEMENT("h2", "%s", app->label);
	MARKUP("<dl>");
	layout_row(T_CREATED, "%s", when_text(text, app->created));
	show_use(v, app);
	show_limits(app);
	MARKUP("</dl>\n");
	show_revoke(v, app->label);
	MARKUP("</li>\n");
}

void
apps_show(struct visit *v)
{
	const struct self_apps *apps = &v->answer.page.apps;
	uint32_t i;

	outcome_notes(v);
	layout_begin(v, 200, T_APPS);
	ELEMENT("p", "%s", T_APPS_WHY);
	MARKUP("<p class=\"actions\">");
	layout_button(v, "/passwords/new", T_APP_NEW);
	MARKUP("</p>\n");
	if (apps->total == 0)
		ELEMENT("p", "%s", T_NO_APPS);
	else {
		MARKUP("<ul class=\"items\">\n");
		for (i = 0; i < apps->n && i < SELF_APPS; i++)
			show_app(v, &apps->app[i]);
		MARKUP("</ul>\n");
	}
	layout_pager(v, "/passwords", apps->from, apps->n, apps->total,
	    SELF_APPS);
	layout_end();
}

void
app_revoke_post(struct visit *v)
{
	struct self_request *q = &v->request;

	(void)ask_take(q->label, sizeof(q->label), &v->form, "label");
	(void)ask(v, SELF_APP_REVOKE);
	outcome_go_on(v, "/passwords", "revoked");
}

static void
show_services(const struct visit *v)
{
	static const struct choice choices[] = {
		{ "3", T_FOR_BOTH, NULL },
		{ "1", T_FOR_POP, NULL },
		{ "2", T_FOR_SEND, T_FOR_SEND_HINT },
	};
	const char *value = form_value(&v->form, "services");
	size_t i;

	if (!v->answer.account.send)
		return;
	fields_group(T_GOOD_FOR);
	for (i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		fields_choice("services", &choices[i],
		    strcmp(choices[i].value, value[0] != '\0' ? value : "3")
			== 0);
	fields_group_end();
}

static void
show_new(struct visit *v)
{
	const struct field label = { .name = "label", .label = T_LABEL,
		.hint = T_LABEL_HINT, .type = "text", .max = LABEL_MAX,
		.value = form_value(&v->form, "label") };
	const struct field expires = { .name = "expires",
		.label = T_EXPIRES_LABEL, .hint = T_EXPIRES_HINT,
		.type = "date", .optional = 1,
		.value = form_value(&v->form, "expires") };

	layout_begin(v, 200, T_APP_NEW);
	if (fields_may_prove(v) == 0) {
		fields_begin(v, "/passwords/new");
		fields_line(v, &label);
		show_services(v);
		fields_check("read-only", T_READ_ONLY, T_READ_ONLY_HINT,
		    form_value(&v->form, "read-only")[0] != '\0');
		fields_line(v, &expires);
		fields_prove(v);
		fields_end(T_APP_MAKE);
	}
	layout_link(v, "/passwords", T_BACK);
	layout_end();
}

void
app_new_show(struct visit *v)
{
	show_new(v);
}

/* Returns what is wrong with it before it is asked for. */
static enum self_result
fill(struct self_request *q, const struct form *form)
{
	const char *day = form_value(form, "expires");
	const char *services = form_value(form, "services"), *bad = NULL;

	if (ask_take(q->label, sizeof(q->label), form, "label") == -1)
		return SELF_BAD_LABEL;
	if (ask_take(q->password, sizeof(q->password), form, "password") == -1)
		return SELF_WRONG_PASSWORD;
	q->services = SERVICE_BOTH;
	if (services[0] != '\0')
		q->services = (uint32_t)strtonum(
		    services, SERVICE_POP, SERVICE_BOTH, &bad);
	q->read_only = form_value(form, "read-only")[0] != '\0';
	q->expires = day[0] == '\0' ? FOR_EVER : clock_parse(day);
	if (bad != NULL)
		return SELF_BAD_VALUE;
	return q->expires == -1 ? SELF_BAD_DATE : SELF_GOOD;
}

void
app_new_post(struct visit *v)
{
	enum self_result result = ask_unless(
	    v, fill(&v->request, &v->form), SELF_APP_MAKE);

	if (outcome_is_end(v))
		return;
	if (result == SELF_GOOD)
		clients_made(v);
	else {
		outcome_of_form(v, result);
		show_new(v);
	}
}
