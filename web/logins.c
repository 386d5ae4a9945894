#include "common/clock.h"
#include "web/html.h"
#include "web/logins.h"
#include "web/texts.h"
#include "web/when.h"

void
logins_time(int64_t seconds)
{
	char exact[CLOCK_TEXT_SIZE], text[WHEN_SIZE];

	clock_text(exact, seconds);
	MARKUP("<time datetime=\"");
	html_text(exact);
	MARKUP("\">");
	html_text(when_text(text, seconds));
	MARKUP("</time>");
}

void
logins_item(int64_t seconds, const char *peer, const char *label)
{
	MARKUP("<li>");
	logins_time(seconds);
	MARKUP(" ");
	if (label[0] == '\0')
		html_say(T_LOGIN, peer);
	else
		html_say(T_LOGIN_LABEL, peer, label);
	MARKUP("</li>\n");
}
