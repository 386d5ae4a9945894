#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "web/cgi.h"

#define FORM_TYPE "application/x-www-form-urlencoded"

static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value == NULL ? "" : value;
}

/*
 * A path that links and Location are made of.  Two slashes would lead to
 * another host.
 */
static int
is_path(const char *s)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._~-";

	return (*s == '\0' || *s == '/') && strlen(s) <= CGI_PATH_MAX &&
	    s[strspn(s, good)] == '\0' && strstr(s, "//") == NULL;
}

/* Web servers tell in one of these ways that a request came over TLS. */
static int
is_https(void)
{
	return strcasecmp(variable("HTTPS"), "on") == 0 ||
	    strcmp(variable("HTTPS"), "1") == 0 ||
	    strcmp(variable("REQUEST_SCHEME"), "https") == 0;
}

int
cgi_read(struct cgi *c)
{
	const char *method = variable("REQUEST_METHOD");
	int good;

	c->script = variable("SCRIPT_NAME");
	c->path = variable("PATH_INFO");
	c->query = variable("QUERY_STRING");
	c->host = variable("HTTP_HOST");
	c->origin = variable("HTTP_ORIGIN");
	c->fetch_site = variable("HTTP_SEC_FETCH_SITE");
	c->cookie = variable("HTTP_COOKIE");
	c->peer = variable("REMOTE_ADDR");
	c->post = strcmp(method, "POST") == 0;
	c->head = strcmp(method, "HEAD") == 0;
	good = is_path(c->script);
	/* At the root nothing is before the page's own path; so where it is
	   refused. */
	if (!good || strcmp(c->script, "/") == 0)
		c->script = "";
	if (!good || !is_path(c->path))
		return 404;
	if (!c->post && !c->head && strcmp(method, "GET") != 0)
		return 405;
	return is_https() ? 0 : 403;
}

/* Parameters may follow, behind a semicolon. */
static int
is_form(const char *type)
{
	const size_t len = sizeof(FORM_TYPE) - 1;

	return strncasecmp(type, FORM_TYPE, len) == 0 &&
	    (type[len] == '\0' || type[len] == ';' || type[len] == ' ');
}

static int
read_all(char *to, size_t len)
{
	ssize_t n;

	for (; len > 0; len -= (size_t)n, to += n)
		if ((n = read(STDIN_FILENO, to, len)) <= 0)
			return -1;
	return 0;
}

int
cgi_form(struct form *form, size_t *len, const char **why)
{
	const char *bad;

	*len = (size_t)strtonum(
	    variable("CONTENT_LENGTH"), 0, INT32_MAX, &bad);
	if (bad != NULL) {
		*why = "no-length";
		return 411;
	}
	if (*len > FORM_MAX) {
		*why = "too-long";
		return 413;
	}
	if (!is_form(variable("CONTENT_TYPE"))) {
		*why = "not-a-form";
		return 415;
	}
	if (read_all(form->text, *len) == -1) {
		form_wipe(form);
		*why = "cut-short";
		return 400;
	}
	return 0;
}
