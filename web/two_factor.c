/*
 * Two-factor: on, by an authenticator app that has the secret; its recovery
 * codes; off.
 */
#include <stdio.h>
#include <string.h>

#include "web/ask.h"
#include "web/fields.h"
#include "web/html.h"
#include "web/layout.h"
#include "web/outcome.h"
#include "web/page.h"
#include "web/qr.h"
#include "web/texts.h"

/* Room for issuer, twice, and address, each octet as %XX. */
#define URL_SIZE (3 * (2 * SELF_HOST_MAX + ADDRESS_MAX) + 128)

#define UNRESERVED "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
		   "0123456789-._~"

/* Appends s to url, of URL_SIZE, as a part of a URL (RFC 3986, 2.1). */
static void
append(char *url, const char *s)
{
	char octet[4];

	for (; *s != '\0'; s++) {
		if (strchr(UNRESERVED, *s) != NULL)
			snprintf(octet, sizeof(octet), "%c", *s);
		else
			snprintf(octet, sizeof(octet), "%%%02X",
			    (unsigned char)*s);
		strlcat(url, octet, URL_SIZE);
	}
}

/* As authenticator apps read it (Key Uri Format). */
static void
make_url(char *url, const struct self_secret *s, const char *address)
{
	strlcpy(url, "otpauth://totp/", URL_SIZE);
	append(url, s->issuer);
	strlcat(url, ":", URL_SIZE);
	append(url, address);
	strlcat(url, "?secret=", URL_SIZE);
	append(url, s->secret);
	strlcat(url, "&issuer=", URL_SIZE);
	append(url, s->issuer);
}

/* In groups of four, for who types it. */
static void
show_typed(const char *secret)
{
	size_t i;

	ELEMENT("p", "%s", T_SECRET_TYPED);
	MARKUP("<p class=\"secret\">");
	for (i = 0; secret[i] != '\0'; i++)
		html_say("%s%c", i > 0 && i % 4 == 0 ? " " : "", secret[i]);
	MARKUP("</p>\n");
}

/* The secret goes along, to be shown again after a wrong code. */
static void
show_secret(struct visit *v, const struct self_secret *s)
{
	static const struct field code = { .name = "code",
		.label = T_CONFIRM_CODE, .hint = T_CONFIRM_HINT,
		.type = "text", .complete = "one-time-code",
		.max = SELF_CODE_MAX };
	char url[URL_SIZE];

	make_url(url, s, v->answer.account.address);
	layout_begin(v, 200, T_TWO_FACTOR_SET_UP);
	ELEMENT("p", "%s", T_SCAN);
	(void)qr_write(url, T_QR_TITLE);
	show_typed(s->secret);
	fields_begin(v, "/two-factor/confirm");
	fields_hidden("secret", s->secret);
	fields_hidden("issuer", s->issuer);
	fields_line(v, &code);
	fields_end(T_TWO_FACTOR_TURN_ON);
	layout_link(v, "/security", T_BACK);
	layout_end();
	explicit_bzero(url, sizeof(url));
}

/*
 * A form that asks for no more than the present password, and what there is
 * to be done first, if anything.
 */
static void
show_asking(struct visit *v, const char *page, const char *heading,
    const char *why, void (*first)(const struct visit *), const char *button)
{
	layout_begin(v, 200, heading);
	ELEMENT("p", "%s", why);
	if (first != NULL)
		first(v);
	if (fields_may_prove(v) == 0) {
		fields_begin(v, page);
		fields_prove(v);
		fields_end(button);
	}
	layout_link(v, "/security", T_BACK);
	layout_end();
}

/* Asks; 1: it is good; else all has been answered that is not the form. */
static int
ask_proved(struct visit *v, enum self_want want, void (*show)(struct visit *))
{
	struct self_request *q = &v->request;
	enum self_result wrong = SELF_GOOD;

	if (ask_take(q->password, sizeof(q->password), &v->form,
		"password") == -1)
		wrong = SELF_WRONG_PASSWORD;
	if ((wrong = ask_unless(v, wrong, want)) == SELF_GOOD)
		return 1;
	if (!outcome_is_end(v)) {
		outcome_of_form(v, wrong);
		show(v);
	}
	return 0;
}

static void
lead_to_new_app(const struct visit *v)
{
	MARKUP("<p class=\"actions\">");
	layout_link(v, "/passwords/new", T_APP_NEW);
	MARKUP("</p>\n");
}

void
two_factor_show(struct visit *v)
{
	const int moves = v->answer.account.totp != 0;

	outcome_notes(v);
	show_asking(v, "/two-factor", T_TWO_FACTOR_SET_UP,
	    moves ? T_TWO_FACTOR_ANEW_WHY : T_TWO_FACTOR_FIRST,
	    moves ? NULL : lead_to_new_app, T_SHOW_QR);
}

void
two_factor_start(struct visit *v)
{
	if (ask_proved(v, SELF_TOTP_START, two_factor_show))
		show_secret(v, &v->answer.page.secret);
}

static void
show_codes(struct visit *v)
{
	const struct self_recovery *r = &v->answer.page.recovery;
	uint32_t i;

	layout_begin(v, 200, T_RECOVERY);
	ELEMENT("p", "%s", T_RECOVERY_WHY);
	MARKUP("<ol class=\"codes\">\n");
	for (i = 0; i < r->n && i < SELF_RECOVERIES; i++)
		ELEMENT("li", "%s", r->code[i]);
	MARKUP("</ol>\n<p class=\"actions\">");
	layout_button(v, "/security", T_RECOVERY_DONE);
	MARKUP("</p>\n");
	layout_end();
}

void
two_factor_confirm(struct visit *v)
{
	struct self_request *q = &v->request;
	struct self_secret secret;
	enum self_result result = SELF_CODE_WRONG;

	memset(&secret, 0, sizeof(secret));
	if (ask_take(secret.secret, sizeof(secret.secret), &v->form,
		"secret") == 0 &&
	    ask_take(secret.issuer, sizeof(secret.issuer), &v->form,
		"issuer") == 0 &&
	    ask_take(q->code, sizeof(q->code), &v->form, "code") == 0)
		result = SELF_GOOD;
	result = ask_unless(v, result, SELF_TOTP_CONFIRM);
	if (result == SELF_GOOD) {
		v->good = T_TWO_FACTOR_IS_ON;
		show_codes(v);
	} else if (result == SELF_CODE_WRONG && !outcome_is_end(v)) {
		outcome_of_form(v, result);
		show_secret(v, &secret);
	} else
		outcome_go_on(v, "/two-factor", "");
	explicit_bzero(&secret, sizeof(secret));
}

void
two_factor_off_show(struct visit *v)
{
	show_asking(v, "/two-factor/off", T_TWO_FACTOR_OFF,
	    T_TWO_FACTOR_OFF_WHY, NULL, T_TWO_FACTOR_OFF);
}

void
two_factor_off_post(struct visit *v)
{
	if (ask_proved(v, SELF_TOTP_OFF, two_factor_off_show))
		outcome_go_on(v, "/security", "two-factor-off");
}

void
recovery_show(struct visit *v)
{
	show_asking(v, "/recovery", T_RECOVERY_NEW, T_RECOVERY_NEW_WHY, NULL,
	    T_RECOVERY_NEW);
}

void
recovery_post(struct visit *v)
{
	if (ask_proved(v, SELF_RECOVERY, recovery_show))
		show_codes(v);
}
