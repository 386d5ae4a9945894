/*
 * Security: the password, and the way to two-factor.
 */
#include <string.h>

#include "web/ask.h"
#include "web/fields.h"
#include "web/html.h"
#include "web/layout.h"
#include "web/outcome.h"
#include "web/page.h"
#include "web/texts.h"

static void
show_password_state(const struct visit *v)
{
	const int has = v->answer.account.has_password != 0;

	ELEMENT("h2", "%s", T_PASSWORD);
	ELEMENT("p", "%s", has ? T_HAS_PASSWORD : T_HAS_NO_PASSWORD);
	MARKUP("<p class=\"actions\">");
	layout_button(v, "/password", has ? T_CHANGE_PASSWORD :
	    T_SET_PASSWORD);
	MARKUP("</p>\n");
}

static void
show_two_factor_state(const struct visit *v)
{
	const struct self_account *a = &v->answer.account;

	ELEMENT("h2", "%s", T_TWO_FACTOR);
	if (!a->totp) {
		ELEMENT("p", "%s", a->two_factor ? T_TWO_FACTOR_WANTED :
		    T_TWO_FACTOR_WHY);
		MARKUP("<p class=\"actions\">");
		layout_button(v, "/two-factor", T_TWO_FACTOR_SET_UP);
		MARKUP("</p>\n");
		return;
	}
	ELEMENT("p", "%s", T_TWO_FACTOR_ON);
	ELEMENT("p", T_RECOVERY_LEFT, a->recovery_left);
	MARKUP("<p class=\"actions\">");
	layout_button(v, "/recovery", T_RECOVERY_NEW);
	layout_link(v, "/two-factor", T_TWO_FACTOR_ANEW);
	layout_link(v, "/two-factor/off", T_TWO_FACTOR_OFF);
	MARKUP("</p>\n");
}

void
security_show(struct visit *v)
{
	outcome_notes(v);
	layout_begin(v, 200, T_SECURITY);
	show_password_state(v);
	show_two_factor_state(v);
	ELEMENT("h2", "%s", T_OTHER_BROWSERS);
	ELEMENT("p", "%s", T_OTHER_BROWSERS_WHY);
	fields_begin(v, "/sign-out");
	fields_end(T_SIGN_OUT_EVERYWHERE);
	layout_end();
}

static void
show_password(struct visit *v)
{
	static const struct field new = { .name = "new",
		.label = T_NEW_PASSWORD, .hint = T_NEW_PASSWORD_HINT,
		.type = "password", .complete = "new-password" };
	static const struct field again = { .name = "again",
		.label = T_NEW_AGAIN, .type = "password",
		.complete = "new-password" };

	layout_begin(v, 200, v->answer.account.has_password ?
	    T_CHANGE_PASSWORD : T_SET_PASSWORD);
	ELEMENT("p", "%s", v->answer.account.prove == SELF_PROVE_INVITATION ?
	    T_INVITED_PASSWORD_WHY : T_CHANGE_PASSWORD_WHY);
	if (fields_may_prove(v) == 0) {
		fields_begin(v, "/password");
		fields_prove(v);
		fields_line(v, &new);
		fields_line(v, &again);
		fields_end(T_SAVE_PASSWORD);
	}
	layout_link(v, "/security", T_BACK);
	layout_end();
}

void
password_show(struct visit *v)
{
	show_password(v);
}

static enum self_result
fill(struct self_request *q, const struct form *form)
{
	if (strcmp(form_value(form, "new"), form_value(form, "again")) != 0)
		return SELF_BAD_VALUE;
	if (ask_take(q->new_password, sizeof(q->new_password), form, "new") ==
	    -1)
		return SELF_LONG;
	return ask_take(q->password, sizeof(q->password), form, "password") ==
	    -1 ? SELF_WRONG_PASSWORD : SELF_GOOD;
}

void
password_post(struct visit *v)
{
	enum self_result result = ask_unless(
	    v, fill(&v->request, &v->form), SELF_PASSWORD);

	if (result == SELF_GOOD || outcome_is_end(v)) {
		if (result == SELF_GOOD)
			outcome_go_on(v, "/security", "password");
		return;
	}
	outcome_of_form(v, result);
	if (result == SELF_BAD_VALUE) {
		v->wrong = T_NOT_TWICE;
		v->wrong_field = "again";
	}
	show_password(v);
}
