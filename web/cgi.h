/*
 * What a web server tells of a request: the environment of RFC 3875, and the
 * form on standard input.  Nothing of it is believed for its size or its form,
 * and what a client can choose is not believed at all.
 */
#ifndef WEB_CGI_H
#define WEB_CGI_H

#include "web/form.h"

#define CGI_PATH_MAX 255 /* octets of where we are, and of the page */

/* Strings are those of the environment; "" where there is none. */
struct cgi {
	const char *script;	/* SCRIPT_NAME: where this program is */
	const char *path;	/* PATH_INFO: the page; "" or "/..." */
	const char *query;
	const char *host;	/* the name that the browser knows us by */
	const char *origin;
	const char *fetch_site; /* Sec-Fetch-Site */
	const char *cookie;
	const char *peer;	/* the client's address */
	int post;		/* a form was sent; else a page is wanted */
	int head;		/* only its header */
};

/*
 * Fills c.  Returns 0, or the status of HTTP that is to be answered: this
 * request is none that our pages lead to, or not over TLS (403).
 */
int cgi_read(struct cgi *c);

/*
 * Reads the form that was posted into form->text, as it stands, and nobody has
 * looked at it.  Returns 0, and *len octets are there; or the status of HTTP,
 * and *why is a word for the log.
 */
int cgi_form(struct form *form, size_t *len, const char **why);

#endif
