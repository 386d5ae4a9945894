#include <stdio.h>
#include <string.h>

#include "web/fields.h"
#include "web/html.h"
#include "web/layout.h"
#include "web/texts.h"

void
fields_begin(const struct visit *v, const char *page)
{
	MARKUP("<form method=\"post\" action=\"");
	layout_address(v, page);
	MARKUP("\">\n");
}

void
fields_end(const char *button)
{
	MARKUP("<p><button>");
	html_text(button);
	MARKUP("</button></p>\n</form>\n");
}

static void
attribute(const char *name, const char *value)
{
	html_say(" %s=", name);
	MARKUP("\"");
	html_text(value);
	MARKUP("\"");
}

/* Which texts belong to a field: hint, and what is wrong with it. */
static void
describe(const struct field *f, int wrong)
{
	if (f->hint == NULL && !wrong)
		return;
	MARKUP(" aria-describedby=\"");
	if (wrong)
		MARKUP("wrong ");
	if (f->hint != NULL)
		html_say("%s-hint", f->name);
	MARKUP("\"");
	if (wrong)
		MARKUP(" aria-invalid=\"true\" autofocus");
}

static void
write_hint(const char *name, const char *hint)
{
	if (hint == NULL)
		return;
	MARKUP("<p class=\"hint\" id=\"");
	html_say("%s-hint", name);
	MARKUP("\">");
	html_text(hint);
	MARKUP("</p>\n");
}

void
fields_line(const struct visit *v, const struct field *f)
{
	MARKUP("<div class=\"field\">\n<label");
	attribute("for", f->name);
	MARKUP(">");
	html_text(f->label);
	MARKUP("</label>\n<input");
	attribute("id", f->name);
	attribute("name", f->name);
	attribute("type", f->type);
	attribute("autocomplete", f->complete != NULL ? f->complete : "off");
	if (f->value != NULL && f->value[0] != '\0')
		attribute("value", f->value);
	if (f->max > 0)
		html_say(" maxlength=%d", f->max);
	if (strcmp(f->type, "text") == 0)
		MARKUP(" autocapitalize=\"none\" spellcheck=\"false\"");
	if (!f->optional)
		MARKUP(" required");
	describe(f, v->wrong_field != NULL &&
	    strcmp(v->wrong_field, f->name) == 0);
	MARKUP(">\n");
	write_hint(f->name, f->hint);
	MARKUP("</div>\n");
}

/* A button to choose by, and what stands beside it. */
static void
write_choice(const char *type, const char *name, const struct choice *c,
    int chosen)
{
	char id[64];

	snprintf(id, sizeof(id), "%s-%s", name, c->value);
	MARKUP("<div class=\"choice\">\n<input");
	attribute("type", type);
	attribute("id", id);
	attribute("name", name);
	attribute("value", c->value);
	if (chosen)
		MARKUP(" checked");
	if (c->hint != NULL) {
		MARKUP(" aria-describedby=\"");
		html_say("%s-hint", id);
		MARKUP("\"");
	}
	MARKUP(">\n<label");
	attribute("for", id);
	MARKUP(">");
	html_text(c->label);
	MARKUP("</label>\n");
	write_hint(id, c->hint);
	MARKUP("</div>\n");
}

void
fields_choice(const char *name, const struct choice *c, int chosen)
{
	write_choice("radio", name, c, chosen);
}

void
fields_check(
    const char *name, const char *label, const char *hint, int checked)
{
	const struct choice c = { "1", label, hint };

	write_choice("checkbox", name, &c, checked);
}

void
fields_hidden(const char *name, const char *value)
{
	MARKUP("<input type=\"hidden\"");
	attribute("name", name);
	attribute("value", value);
	MARKUP(">\n");
}

void
fields_group(const char *legend)
{
	MARKUP("<fieldset>\n");
	ELEMENT("legend", "%s", legend);
}

void
fields_group_end(void)
{
	MARKUP("</fieldset>\n");
}

int
fields_may_prove(const struct visit *v)
{
	if (v->answer.account.prove != SELF_PROVE_NONE)
		return 0;
	MARKUP("<div class=\"note\">");
	ELEMENT("p", "%s", T_INVITATION_NEEDED);
	MARKUP("</div>\n");
	return -1;
}

void
fields_prove(const struct visit *v)
{
	static const struct field present = { .name = "password",
		.label = T_PRESENT_PASSWORD, .hint = T_PRESENT_PASSWORD_WHY,
		.type = "password", .complete = "current-password" };

	if (v->answer.account.prove == SELF_PROVE_PASSWORD)
		fields_line(v, &present);
}
