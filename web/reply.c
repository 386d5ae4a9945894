#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/cookie.h"
#include "web/reply.h"

static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{ 200, "OK" },
	{ 303, "See Other" },
	{ 400, "Bad Request" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 411, "Length Required" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 503, "Service Unavailable" },
};

static const char *
phrase(int status)
{
	size_t i;

	for (i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "";
}

static void
begin(int status)
{
	printf("Status: %d %s\r\n", status, phrase(status));
	fputs("Content-Security-Policy: default-src 'none'; style-src 'self'; "
	      "form-action 'self'; base-uri 'none'; "
	      "frame-ancestors 'none'\r\n"
	      "X-Frame-Options: DENY\r\n"
	      "X-Content-Type-Options: nosniff\r\n"
	      "Cross-Origin-Opener-Policy: same-origin\r\n"
	      "Cross-Origin-Resource-Policy: same-origin\r\n"
	      "Referrer-Policy: no-referrer\r\n",
	    stdout);
}

/*
 * What pop3settings says of the browser's cookie, it being asked; in trouble
 * it says nothing.
 */
static void
write_cookie(const struct visit *v)
{
	const struct self_answer *a = &v->answer;
	const int delete = a->cookie[0] == '\0';

	if (!v->asked || a->result == SELF_TROUBLE ||
	    a->result == SELF_OTHER_VERSION)
		return;
	if (!delete && !cookie_is_good(a->cookie))
		return;
	printf("Set-Cookie: " COOKIE_NAME "=%s; Path=/; Secure; HttpOnly; "
	    "SameSite=Strict%s\r\n", a->cookie, delete ? "; Max-Age=0" : "");
}

static void
end(const struct visit *v)
{
	fputs("\r\n", stdout);
	if (v->cgi.head)
		exit(0);
}

static void
begin_private(const struct visit *v, int status)
{
	begin(status);
	fputs("Cache-Control: no-store\r\n", stdout);
	write_cookie(v);
}

void
reply_page(const struct visit *v, int status)
{
	begin_private(v, status);
	fputs("Content-Type: text/html; charset=utf-8\r\n", stdout);
	end(v);
}

/* A path, but no local redirect (RFC 3875, 6.2.2): there is a status. */
void
reply_elsewhere(const struct visit *v, const char *page)
{
	begin_private(v, 303);
	printf("Location: %s%s\r\nContent-Type: text/plain\r\n",
	    v->cgi.script, page);
	end(v);
}

void
reply_file(const struct visit *v, const char *type, const char *name)
{
	begin_private(v, 200);
	printf("Content-Type: %s\r\n"
	       "Content-Disposition: attachment; filename=\"%s\"\r\n",
	    type, name);
	end(v);
}

void
reply_style(const struct visit *v)
{
	begin(200);
	fputs("Cache-Control: max-age=86400\r\n"
	      "Content-Type: text/css; charset=utf-8\r\n",
	    stdout);
	end(v);
}
