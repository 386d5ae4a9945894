#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "web/html.h"
#include "web/layout.h"
#include "web/reply.h"
#include "web/style.h"
#include "web/texts.h"

#define ROW_MAX 1000

static const struct {
	const char *page, *text;
} menu[] = {
	{ "/", T_OVERVIEW },
	{ "/passwords", T_APPS },
	{ "/kept", T_KEPT },
	{ "/activity", T_ACTIVITY },
	{ "/clients", T_CLIENTS },
	{ "/security", T_SECURITY },
};

void
layout_address(const struct visit *v, const char *page)
{
	html_text(v->cgi.script);
	html_text(page);
}

void
layout_link(const struct visit *v, const char *page, const char *text)
{
	MARKUP("<a href=\"");
	layout_address(v, page);
	MARKUP("\">");
	html_text(text);
	MARKUP("</a>\n");
}

void
layout_button(const struct visit *v, const char *page, const char *text)
{
	MARKUP("<a class=\"button\" href=\"");
	layout_address(v, page);
	MARKUP("\">");
	html_text(text);
	MARKUP("</a>\n");
}

/* A title that begins with what is wrong is what is read out first. */
static void
write_head(const struct visit *v, const char *heading)
{
	MARKUP("<!DOCTYPE html>\n<html lang=\"");
	html_text(T_LANGUAGE);
	MARKUP("\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
	if (v->wrong != NULL)
		html_say("%s: ", T_WRONG);
	html_say("%s - %s", heading, T_SITE);
	MARKUP("</title>\n<meta name=\"viewport\" "
	       "content=\"width=device-width, initial-scale=1\">\n"
	       "<meta name=\"robots\" content=\"noindex\">\n"
	       "<link rel=\"stylesheet\" href=\"");
	layout_address(v, STYLE_PATH);
	MARKUP("\">\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">");
	html_text(T_SKIP);
	MARKUP("</a>\n");
}

static void
write_menu(const struct visit *v)
{
	size_t i;

	MARKUP("<nav aria-label=\"");
	html_text(T_MENU);
	MARKUP("\">\n<ul>\n");
	for (i = 0; i < sizeof(menu) / sizeof(menu[0]); i++) {
		MARKUP("<li><a href=\"");
		layout_address(v, menu[i].page);
		if (v->menu != NULL && strcmp(v->menu, menu[i].page) == 0)
			MARKUP("\" aria-current=\"page");
		MARKUP("\">");
		html_text(menu[i].text);
		MARKUP("</a></li>\n");
	}
	MARKUP("</ul>\n</nav>\n");
}

static void
write_who(const struct visit *v)
{
	MARKUP("<header>\n<p class=\"site\">");
	html_text(T_SITE);
	MARKUP("</p>\n<p class=\"who\">");
	html_text(v->answer.account.address);
	MARKUP("</p>\n<form method=\"post\" action=\"");
	layout_address(v, "/sign-out");
	MARKUP("\"><button class=\"quiet\">");
	html_text(T_SIGN_OUT);
	MARKUP("</button></form>\n</header>\n");
	write_menu(v);
}

static void
write_notes(const struct visit *v)
{
	if (v->wrong != NULL) {
		MARKUP("<div class=\"note bad\" role=\"alert\" id=\"wrong\">"
		       "<p><strong>");
		html_text(v->wrong);
		MARKUP("</strong></p></div>\n");
	}
	if (v->good != NULL) {
		MARKUP("<div class=\"note good\" role=\"status\">"
		       "<p><strong>");
		html_text(v->good);
		MARKUP("</strong></p></div>\n");
	}
}

void
layout_begin(const struct visit *v, int status, const char *heading)
{
	reply_page(v, status);
	write_head(v, heading);
	if (v->answer.account.address[0] != '\0') {
		write_who(v);
		MARKUP("<main id=\"main\">\n");
	} else
		MARKUP("<main id=\"main\" class=\"alone\">\n");
	ELEMENT("h1", "%s", heading);
	write_notes(v);
}

void
layout_end(void)
{
	MARKUP("</main>\n</body>\n</html>\n");
}

void
layout_row(const char *name, const char *fmt, ...)
{
	char text[ROW_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ELEMENT("dt", "%s", name);
	ELEMENT("dd", "%s", text);
}

static void
write_step(const struct visit *v, const char *page, uint32_t from,
    const char *text)
{
	char address[64];

	snprintf(address, sizeof(address), "%s?from=%u", page, from);
	layout_link(v, address, text);
}

void
layout_pager(const struct visit *v, const char *page, uint32_t from,
    uint32_t n, uint32_t total, uint32_t step)
{
	if (from == 0 && n >= total)
		return;
	MARKUP("<p>");
	if (n > 0)
		html_say(T_PART, from + 1, from + n, total);
	MARKUP("</p>\n<p class=\"actions\">\n");
	if (from >= step)
		write_step(v, page, from - step, T_NEWER);
	if (total > from && total - from > n)
		write_step(v, page, from + step, T_OLDER);
	MARKUP("</p>\n");
}

void
layout_say(
    const struct visit *v, int status, const char *heading, const char *text)
{
	layout_begin(v, status, heading);
	ELEMENT("p", "%s", text);
	layout_link(v, "/", T_TO_BEGIN);
	layout_end();
}
