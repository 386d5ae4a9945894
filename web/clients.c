/*
 * How to set up a mail program: to be typed in, or as files which programs
 * read by themselves.
 */
#include <stdio.h>
#include <string.h>

#include "common/autoconfig.h"
#include "common/profile.h"
#include "web/ask.h"
#include "web/clients.h"
#include "web/fields.h"
#include "web/html.h"
#include "web/layout.h"
#include "web/outcome.h"
#include "web/page.h"
#include "web/reply.h"
#include "web/texts.h"

static void
show_server(const char *heading, const struct self_server *s,
    const char *user, const char *password)
{
	ELEMENT("h3", "%s", heading);
	MARKUP("<dl>");
	layout_row(T_SERVER, "%s", s->host);
	layout_row(T_PORT, "%u", s->port);
	layout_row(T_ENCRYPTION, "%s",
	    s->starttls ? T_STARTTLS : T_TLS);
	layout_row(T_USER_NAME, "%s", user);
	layout_row(T_PASSWORD, "%s", password);
	MARKUP("</dl>\n");
}

void
clients_table(
    const struct self_client *c, uint32_t services, const char *password)
{
	uint32_t i;

	if (services & SERVICE_POP)
		show_server(T_INCOMING, &c->incoming, c->user, password);
	if ((services & SERVICE_SEND) == 0)
		return;
	for (i = 0; i < c->noutgoing && i < SELF_OUTGOING; i++)
		show_server(i == 0 ? T_OUTGOING : T_OUTGOING_TOO,
		    &c->outgoing[i], c->user, password);
}

void
clients_made(const struct visit *v)
{
	const struct self_made *made = &v->answer.page.made;

	layout_begin(v, 200, T_MADE);
	ELEMENT("p", T_MADE_WHY, made->app.label);
	MARKUP("<output class=\"secret\">");
	html_text(made->password);
	MARKUP("</output>\n");
	ELEMENT("p", "%s", T_MADE_ONCE);
	ELEMENT("h2", "%s", T_CLIENT_TABLE);
	clients_table(&made->client, made->app.services, T_MADE_PASSWORD);
	MARKUP("<p class=\"actions\">");
	layout_button(v, "/passwords", T_MADE_DONE);
	MARKUP("</p>\n");
	layout_end();
}

static const char *
password_text(const struct self_account *a)
{
	return a->two_factor || !a->has_password ? T_USE_APP_PASSWORD :
	    T_USE_EITHER_PASSWORD;
}

/* A profile has an outgoing server, or Apple's systems refuse it. */
void
clients_show(struct visit *v)
{
	const struct self_client *c = &v->answer.page.client;

	layout_begin(v, 200, T_CLIENTS);
	ELEMENT("p", "%s", T_CLIENTS_WHY);
	ELEMENT("h2", "%s", T_BY_HAND);
	clients_table(c, SERVICE_BOTH, password_text(&v->answer.account));
	if (c->noutgoing == 0)
		ELEMENT("p", "%s", T_NO_OUTGOING);
	ELEMENT("h2", "%s", T_FILES);
	if (c->noutgoing > 0) {
		ELEMENT("p", "%s", T_PROFILE_WHY);
		MARKUP("<p class=\"actions\">");
		layout_button(v, "/clients/profile", T_PROFILE_NEW);
		layout_link(v, "/clients/mail.mobileconfig", T_PROFILE_BARE);
		MARKUP("</p>\n");
	}
	ELEMENT("p", "%s", T_AUTOCONFIG_WHY);
	MARKUP("<p class=\"actions\">");
	layout_link(v, "/clients/autoconfig.xml", T_AUTOCONFIG);
	MARKUP("</p>\n");
	layout_end();
}

void
autoconfig_show(struct visit *v)
{
	const struct self_client *c = &v->answer.page.client;

	reply_file(v, "text/xml; charset=utf-8", "config-v1.1.xml");
	autoconfig_print(c, v->answer.account.address);
}

static void
send_profile(struct visit *v, const struct self_client *c,
    const char *password)
{
	reply_file(v, "application/x-apple-aspen-config",
	    "mail.mobileconfig");
	profile_print(c, v->answer.account.address, password);
}

static void
show_no_profile(const struct visit *v)
{
	layout_say(v, 404, T_CLIENTS, T_NO_OUTGOING);
}

void
profile_show(struct visit *v)
{
	const struct self_client *c = &v->answer.page.client;

	if (c->noutgoing == 0)
		show_no_profile(v);
	else
		send_profile(v, c, NULL);
}

static void
show_profile(struct visit *v)
{
	const char *typed = form_value(&v->form, "label");
	const struct field label = { .name = "label", .label = T_LABEL,
		.hint = T_LABEL_HINT, .type = "text", .max = LABEL_MAX,
		.value = typed[0] != '\0' ? typed : T_PROFILE_LABEL };

	layout_begin(v, 200, T_PROFILE_NEW);
	ELEMENT("p", "%s", T_PROFILE_NEW_WHY);
	if (fields_may_prove(v) == 0) {
		fields_begin(v, "/clients/profile");
		fields_line(v, &label);
		fields_prove(v);
		fields_end(T_PROFILE_GET);
	}
	ELEMENT("p", "%s", T_PROFILE_HOW);
	layout_link(v, "/clients", T_BACK);
	layout_end();
}

void
profile_new_show(struct visit *v)
{
	if (v->answer.page.client.noutgoing == 0)
		show_no_profile(v);
	else
		show_profile(v);
}

static enum self_result
fill(struct self_request *q, const struct form *form)
{
	q->services = SERVICE_BOTH;
	if (ask_take(q->label, sizeof(q->label), form, "label") == -1)
		return SELF_BAD_LABEL;
	return ask_take(q->password, sizeof(q->password), form, "password") ==
	    -1 ? SELF_WRONG_PASSWORD : SELF_GOOD;
}

void
profile_new_post(struct visit *v)
{
	const struct self_made *made = &v->answer.page.made;
	enum self_result result = ask_unless(
	    v, fill(&v->request, &v->form), SELF_APP_MAKE);

	if (outcome_is_end(v))
		return;
	if (result != SELF_GOOD) {
		outcome_of_form(v, result);
		show_profile(v);
	} else if (made->client.noutgoing > 0)
		send_profile(v, &made->client, made->password);
	else
		/* It is made, and nobody would know it otherwise. */
		clients_made(v);
}
