/*
 * pop3web: a CGI program (RFC 3875), by which users look after their own
 * account.
 *
 * It has no right that the web server's user has not, and in its sandbox not
 * even these.  Outside of that it takes what came, and connects to
 * pop3settings; in there it looks at it, asks, and writes a page.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/sandbox.h"
#include "common/version.h"
#include "web/ask.h"
#include "web/cookie.h"
#include "web/html.h"
#include "web/layout.h"
#include "web/origin.h"
#include "web/outcome.h"
#include "web/pages.h"
#include "web/reply.h"
#include "web/texts.h"

#define LIFE   60 /* seconds, whatever the browser does */
#define OUTPUT 32768

static struct visit visit; /* large, and with secrets in it */

/* Something that our pages do not lead to. */
static void
refuse(const struct visit *v, int status, const char *why)
{
	char peer[LOG_SAFE_MAX];

	if (status != 404)
		log_info("refused: peer=%s status=%d reason=%s",
		    log_safe(peer, sizeof(peer), v->cgi.peer), status, why);
	layout_say(v, status, T_REFUSED_TITLE,
	    status == 404 ? T_NO_PAGE :
	    status == 413 ? T_TOO_LONG :
	    strcmp(why, "no-tls") == 0 ? T_NO_TLS :
	    strcmp(why, "other-site") == 0 ? T_OTHER_SITE : T_NO_FORM);
}

/* Where a link, or a password manager, had wanted to go. */
static void
set_then(struct visit *v)
{
	const struct page *page;
	char path[CGI_PATH_MAX + 1] = "/";

	strlcat(path, form_value(&v->form, "then"), sizeof(path));
	page = pages_find(path);
	v->then = page != NULL && page->want != 0 ? page->path : "/";
}

/* Who has no cookie is not signed in, and nobody need be asked. */
static int
is_asked(const struct visit *v, const struct page *page)
{
	return v->cgi.post || (page->want != 0 && v->cookie[0] != '\0');
}

static void
show(struct visit *v, const struct page *page)
{
	const char *bad;

	if (page->want != 0) {
		v->request.from = (uint32_t)strtonum(
		    form_value(&v->form, "from"), 0, INT32_MAX, &bad);
		if (!is_asked(v, page))
			v->answer.result = SELF_SIGNED_OUT;
		else
			(void)ask(v, page->want);
	}
	if (v->answer.result == SELF_GOOD)
		page->show(v);
	else if (!outcome_is_end(v)) {
		outcome_of_form(v, v->answer.result);
		layout_say(v, 200, T_TROUBLE_TITLE, v->wrong);
	}
}

static void
get(struct visit *v, const struct page *page)
{
	set_then(v);
	if (page->show == overview_show &&
	    form_value(&v->form, "invitation")[0] != '\0')
		invitation_show(v);
	else if (page->show == NULL)
		reply_elsewhere(v, page->menu != NULL ? page->menu : "/");
	else
		show(v, page);
}

/*
 * Takes what came, as it stands: before the socket is connected, so that who
 * is slow to send holds nobody up but himself.  Returns the status of HTTP.
 */
static int
take(struct visit *v, const struct page *page, size_t *len, const char **why)
{
	if (page == NULL)
		return 404;
	if (!v->cgi.post) {
		*why = "too-long";
		*len = strlcpy(v->form.text, v->cgi.query,
		    sizeof(v->form.text));
		return *len > FORM_MAX ? 400 : 0;
	}
	if (page->post == NULL) {
		*why = "no-such-form";
		return 405;
	}
	if (!origin_is_ours(v->cgi.origin, v->cgi.fetch_site, v->cgi.host)) {
		*why = "other-site";
		return 403;
	}
	return cgi_form(&v->form, len, why);
}

/* In the sandbox, from here on. */
static void
answer(struct visit *v, const struct page *page, size_t len)
{
	const char *why = form_parse(&v->form, len);

	if (why != NULL)
		refuse(v, 400, why);
	else if (v->cgi.post) {
		set_then(v);
		page->post(v);
	} else
		get(v, page);
}

static void
begin(struct visit *v)
{
	static char output[OUTPUT];

	signal(SIGPIPE, SIG_IGN);
	alarm(LIFE);
	setvbuf(stdout, output, _IOFBF, sizeof(output));
	log_open("pop3web", 1);
	v->settings = -1;
}

int
main(int argc, char *argv[])
{
	const struct page *page = NULL;
	const char *why = "no-request";
	struct visit *v = &visit;
	size_t len = 0;
	int status;

	/* A web server may make arguments of a query: RFC 3875, 4.4. */
	if (getenv("REQUEST_METHOD") == NULL && argc == 2 &&
	    strcmp(argv[1], "-V") == 0) {
		puts("pop3web " POP3D_VERSION);
		return 0;
	}
	begin(v);
	if ((status = cgi_read(&v->cgi)) == 403)
		why = "no-tls";
	if (status == 0) {
		cookie_read(v->cgi.cookie, v->cookie, sizeof(v->cookie));
		page = pages_find(v->cgi.path);
		status = take(v, page, &len, &why);
	}
	if (status == 0 && is_asked(v, page))
		v->settings = ask_connect();
	/* It reads no configuration, which could require more than there is. */
	if (sandbox_web(0) == -1)
		return 1;
	v->menu = page != NULL ? page->menu : NULL;
	if (status != 0)
		refuse(v, status, why);
	else
		answer(v, page, len);
	status = fflush(stdout) == EOF;
	explicit_bzero(v, sizeof(*v));
	return status;
}
