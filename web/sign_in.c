/*
 * Signing in: by a password, a second factor after it, or an invitation; and
 * out.
 */
#include <stdio.h>
#include <string.h>

#include "web/ask.h"
#include "web/fields.h"
#include "web/html.h"
#include "web/layout.h"
#include "web/outcome.h"
#include "web/page.h"
#include "web/reply.h"
#include "web/texts.h"

static void
show(struct visit *v, const char *address)
{
	const struct field who = { .name = "user", .label = T_ADDRESS,
		.type = "text", .complete = "username", .value = address };
	static const struct field password = { .name = "password",
		.label = T_PASSWORD, .hint = T_NO_APP_PASSWORD,
		.type = "password", .complete = "current-password" };

	layout_begin(v, 200, T_SIGN_IN);
	ELEMENT("p", "%s", T_SIGN_IN_WHY);
	fields_begin(v, "/sign-in");
	fields_hidden("then", v->then + 1);
	fields_line(v, &who);
	fields_line(v, &password);
	fields_end(T_SIGN_IN);
	ELEMENT("p", "%s", T_FORGOTTEN);
	layout_end();
}

void
sign_in_show(struct visit *v)
{
	outcome_notes(v);
	show(v, "");
}

/* In, or to the second factor; returns 1, or 0: it was wrong. */
static int
is_in(struct visit *v, enum self_result result, const char *then)
{
	char address[CGI_PATH_MAX];

	if (result == SELF_SECOND_FACTOR) {
		snprintf(address, sizeof(address), "/code?then=%s", then + 1);
		reply_elsewhere(v, address);
	} else if (result == SELF_GOOD)
		reply_elsewhere(v, then);
	else
		return outcome_is_end(v);
	return 1;
}

void
sign_in_post(struct visit *v)
{
	struct self_request *q = &v->request;
	enum self_result result = SELF_REFUSED;

	if (ask_take(q->address, sizeof(q->address), &v->form, "user") == 0 &&
	    ask_take(q->password, sizeof(q->password), &v->form,
		"password") == 0)
		result = ask(v, SELF_SIGN_IN);
	if (is_in(v, result, v->then))
		return;
	outcome_of_form(v, result);
	show(v, form_value(&v->form, "user"));
}

static void
show_code(struct visit *v)
{
	static const struct field code = { .name = "code", .label = T_CODE,
		.hint = T_CODE_HINT, .type = "text",
		.complete = "one-time-code", .max = SELF_CODE_MAX };

	layout_begin(v, 200, T_SECOND_FACTOR);
	ELEMENT("p", "%s", T_SECOND_FACTOR_WHY);
	fields_begin(v, "/code");
	fields_hidden("then", v->then + 1);
	fields_line(v, &code);
	fields_end(T_GO_ON);
	layout_link(v, "/sign-in", T_SIGN_IN_ANEW);
	layout_end();
}

void
code_show(struct visit *v)
{
	show_code(v);
}

/* What an app shows has no letters, which each of our recovery codes has. */
static int
is_of_app(const struct form *form)
{
	const char *code = form_value(form, "code");

	return code[strspn(code, "0123456789 -")] == '\0';
}

void
code_post(struct visit *v)
{
	struct self_request *q = &v->request;
	enum self_result result = SELF_CODE_WRONG;

	if (ask_take(q->code, sizeof(q->code), &v->form, "code") == 0)
		result = ask(v, SELF_CODE);
	if (is_in(v, result, v->then))
		return;
	outcome_of_form(v, result);
	if (result == SELF_CODE_WRONG && !is_of_app(&v->form))
		v->wrong = T_RECOVERY_WRONG;
	show_code(v);
}

/* No sentence: whoever makes a link is to put none into our page. */
static int
is_one_word(const char *s)
{
	return strchr(s, ' ') == NULL && strchr(s, '\t') == NULL &&
	    strlen(s) <= ADDRESS_MAX;
}

/* Programs that look at links in mail must not use the invitation up. */
void
invitation_show(struct visit *v)
{
	if (!is_one_word(form_value(&v->form, "address"))) {
		reply_elsewhere(v, "/sign-in");
		return;
	}
	layout_begin(v, 200, T_INVITATION);
	ELEMENT("p", T_INVITATION_WHY, form_value(&v->form, "address"));
	fields_begin(v, "/invitation");
	fields_hidden("address", form_value(&v->form, "address"));
	fields_hidden("invitation", form_value(&v->form, "invitation"));
	fields_end(T_SIGN_IN);
	layout_end();
}

void
invitation_post(struct visit *v)
{
	struct self_request *q = &v->request;
	enum self_result result = SELF_REFUSED;

	if (ask_take(q->address, sizeof(q->address), &v->form, "address") ==
		0 &&
	    ask_take(q->token, sizeof(q->token), &v->form, "invitation") == 0)
		result = ask(v, SELF_INVITED);
	/* What he came for is most often a password. */
	if (is_in(v, result, "/password"))
		return;
	v->wrong = T_INVITATION_BAD;
	show(v, form_value(&v->form, "address"));
}

void
sign_out_post(struct visit *v)
{
	enum self_result result = ask(v, SELF_SIGN_OUT);

	/* Whoever was not signed in has what he wanted. */
	if (result == SELF_SIGNED_OUT)
		v->answer.result = SELF_GOOD;
	outcome_go_on(v, "/sign-in", "signed-out");
}
