#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/layout.h"
#include "web/outcome.h"
#include "web/reply.h"
#include "web/texts.h"

/* What it is called for the user, and the field that it is about. */
static const struct {
	const char *text, *field;
} results[SELF_RESULTS] = {
	[SELF_REFUSED] = { T_REFUSED, "user" },
	[SELF_SIGNED_OUT] = { T_SIGNED_OUT, NULL },
	[SELF_CODE_WRONG] = { T_CODE_WRONG, "code" },
	[SELF_GUESSES] = { T_GUESSES, NULL },
	[SELF_WRONG_PASSWORD] = { T_WRONG_PASSWORD, "password" },
	[SELF_INVITATION_NEEDED] = { T_INVITATION_NEEDED, NULL },
	[SELF_BAD_VALUE] = { T_BAD_VALUE, NULL },
	[SELF_BAD_LABEL] = { T_BAD_LABEL, "label" },
	[SELF_LABEL_TAKEN] = { T_LABEL_TAKEN, "label" },
	[SELF_NO_SUCH] = { T_NO_SUCH, NULL },
	[SELF_TOO_MANY] = { T_TOO_MANY, NULL },
	[SELF_BAD_DATE] = { T_BAD_DATE, "expires" },
	[SELF_SHORT] = { T_SHORT, "new" },
	[SELF_LONG] = { T_LONG, "new" },
	[SELF_EASY] = { T_EASY, "new" },
	[SELF_IN_USE] = { T_IN_USE, NULL },
	[SELF_CHANGED] = { T_CHANGED, NULL },
	[SELF_TROUBLE] = { T_TROUBLE, NULL },
	[SELF_OTHER_VERSION] = { T_TROUBLE, NULL },
};

/* What was done: one, and more than one of them, if there is a number. */
static const struct {
	const char *word, *text, *several;
} done_texts[] = {
	{ "saved", T_SAVED, NULL },
	{ "revoked", T_REVOKED, NULL },
	{ "back", T_ONE_IS_BACK, T_SEVERAL_ARE_BACK },
	{ "password", T_PASSWORD_SET, NULL },
	{ "two-factor-off", T_TWO_FACTOR_IS_OFF, NULL },
	{ "not-me", T_NOT_ME_DONE, NULL },
	{ "signed-out", T_HAS_SIGNED_OUT, NULL },
};

static const char *
result_text(uint32_t result)
{
	const char *text = result < SELF_RESULTS ? results[result].text : NULL;

	return text != NULL ? text : T_TROUBLE;
}

/* And from there back.  Who comes for the first time needs no explanation. */
static void
go_to_sign_in(struct visit *v)
{
	char address[CGI_PATH_MAX + 64], wrong[16] = "";

	if (v->cookie[0] != '\0')
		snprintf(wrong, sizeof(wrong), "&wrong=%d", SELF_SIGNED_OUT);
	snprintf(address, sizeof(address), "/sign-in?then=%s%s",
	    v->cgi.post || v->cgi.path[0] == '\0' ? "" : v->cgi.path + 1,
	    wrong);
	reply_elsewhere(v, address);
}

int
outcome_is_end(struct visit *v)
{
	const enum self_result result = v->answer.result;

	if (result == SELF_SIGNED_OUT) {
		go_to_sign_in(v);
		return 1;
	}
	if (result == SELF_TROUBLE || result == SELF_OTHER_VERSION) {
		/* Who died, or was too slow, may have done it before. */
		layout_say(v, 503, T_TROUBLE_TITLE,
		    v->cgi.post ? T_TROUBLE_FORM : T_TROUBLE);
		return 1;
	}
	return 0;
}

void
outcome_go_on(struct visit *v, const char *page, const char *done)
{
	char address[CGI_PATH_MAX];

	if (outcome_is_end(v))
		return;
	if (v->answer.result == SELF_GOOD)
		snprintf(address, sizeof(address), "%s?done=%s", page, done);
	else
		snprintf(address, sizeof(address), "%s?wrong=%u", page,
		    v->answer.result);
	reply_elsewhere(v, address);
}

void
outcome_counted(struct visit *v, const char *page, const char *done)
{
	char word[64];

	snprintf(word, sizeof(word), "%s&n=%llu", done,
	    (unsigned long long)v->answer.page.count);
	outcome_go_on(v, page, word);
}

void
outcome_of_form(struct visit *v, enum self_result result)
{
	v->wrong = result_text(result);
	v->wrong_field = results[result].field;
}

/* One or several of them; the caller's pages have one such sentence. */
static const char *
count_text(size_t which, long long n)
{
	static char text[200];

	if (done_texts[which].several == NULL || n == 1)
		return done_texts[which].text;
	snprintf(text, sizeof(text), done_texts[which].several, n);
	return text;
}

void
outcome_notes(struct visit *v)
{
	const char *wrong = form_value(&v->form, "wrong"), *bad;
	const char *done = form_value(&v->form, "done");
	long long n;
	size_t i;

	n = strtonum(wrong, 1, SELF_RESULTS - 1, &bad);
	if (bad == NULL)
		v->wrong = result_text((uint32_t)n);
	n = strtonum(form_value(&v->form, "n"), 0, INT64_MAX, &bad);
	for (i = 0; i < sizeof(done_texts) / sizeof(done_texts[0]); i++)
		if (strcmp(done_texts[i].word, done) == 0)
			v->good = count_text(i, bad == NULL ? n : 1);
}
