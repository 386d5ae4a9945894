#include <string.h>

#include "web/doings.h"
#include "web/html.h"
#include "web/texts.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The words of the journal, and what they are called here. */
struct name {
	const char *word, *text;
};

static const struct name signed_in[] = {
	{ "password", T_BY_PASSWORD },
	{ "invitation", T_BY_INVITATION },
	{ "code", T_BY_CODE },
	{ "recovery-code", T_BY_RECOVERY_CODE },
};

/* With a value, which may be in the text. */
static const struct name changed[] = {
	{ "password", T_EVENT_PASSWORD },
	{ "app-password", T_EVENT_APP },
	{ "revoked", T_EVENT_REVOKED },
	{ "recovery-codes", T_EVENT_RECOVERY },
	{ "not-me", T_EVENT_NOT_ME },
};

/* The settings, and their values; of another value, what it is. */
static const struct {
	const char *what, *value, *setting, *text;
} set[] = {
	{ "access", "all", T_ACCESS, T_ACCESS_ALL },
	{ "access", "from-now", T_ACCESS, T_ACCESS_NOW },
	{ "access", "off", T_ACCESS, T_ACCESS_OFF },
	{ "auto-delete", "no", T_DELETE, T_DELETE_KEEP },
	{ "auto-delete", "yes", T_DELETE, T_DELETE_GO },
	{ "keep", "7", T_KEEP, T_KEEP_WEEK },
	{ "keep", "30", T_KEEP, T_KEEP_MONTH },
	{ "keep", "90", T_KEEP, T_KEEP_QUARTER },
	{ "keep", "365", T_KEEP, T_KEEP_YEAR },
	{ "keep", "forever", T_KEEP, T_KEEP_FOR_EVER },
	{ "mark-read", "no", T_READ, T_READ_NO },
	{ "mark-read", "yes", T_READ, T_READ_YES },
	{ "spam", "exclude", T_SPAM, T_SPAM_OUT },
	{ "spam", "include", T_SPAM, T_SPAM_IN },
	{ "spam", "only", T_SPAM, T_SPAM_ONLY },
	{ "two-factor", "on", T_TWO_FACTOR, T_EVENT_ON },
	{ "two-factor", "off", T_TWO_FACTOR, T_EVENT_OFF },
};

static const char *
text_of(const struct name *names, size_t n, const char *word)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(names[i].word, word) == 0)
			return names[i].text;
	return NULL;
}

/* What is none of our words, by a newer version or the owner, as it stands. */
static void
show_set(const char *what, const char *value)
{
	size_t i;

	for (i = 0; i < COUNT(set); i++)
		if (strcmp(set[i].what, what) == 0 &&
		    strcmp(set[i].value, value) == 0)
			break;
	if (i < COUNT(set))
		html_say(T_EVENT_SET, set[i].setting, set[i].text);
	else
		html_say(T_EVENT_SET, what, value);
}

static void
show_changed(const char *what, const char *value)
{
	const char *text = text_of(changed, COUNT(changed), what);

	if (text == NULL)
		show_set(what, value);
	else
		html_say(text, value);
}

void
doings_show(const struct self_event *e)
{
	const char *by;

	if (strcmp(e->service, "pop3ctl") == 0)
		html_text(T_EVENT_THERE);
	else
		html_say(T_EVENT_HERE, e->peer);
	if (e->kind == SELF_EVENT_SIGNED_IN) {
		by = text_of(signed_in, COUNT(signed_in), e->reason);
		html_text(by != NULL ? by : e->reason);
	} else if (e->kind == SELF_EVENT_REQUEUED)
		html_say(T_EVENT_BACK, (unsigned long long)e->count);
	else if (e->kind == SELF_EVENT_PURGED)
		html_say(T_EVENT_PURGED, (unsigned long long)e->count);
	else
		show_changed(e->reason, e->label);
}
