/*
 * One request of a browser: what the files of this room share.
 *
 * Who works with it, each of them using those below it:
 *	pop3web.c	the process: from the request to its end
 *	pages.c		which pages there are
 *	page.h		what they are made of
 *	sign_in.c overview.c apps.c kept.c activity.c security.c two_factor.c
 *	clients.c	the pages, with their forms
 *	outcome.c	what follows from an answer of pop3settings
 *	fields.c	what forms are made of
 *	layout.c	what all pages have
 *	ask.c reply.c	pop3settings; the header of what is answered
 *	cgi.c cookie.c doings.c form.c html.c logins.c origin.c qr.c shown.c
 *	style.c when.c
 */
#ifndef WEB_VISIT_H
#define WEB_VISIT_H

#include "common/self_service.h"
#include "web/cgi.h"

struct visit {
	struct cgi cgi;
	char cookie[SELF_COOKIE_MAX + 1]; /* the browser's, of ours; or "" */
	struct form form;	 /* the query, or what was posted */
	const char *menu;	 /* the page's entry there; NULL: none */
	const char *then;	 /* the page to go on with after signing in */
	const char *wrong;	 /* to be said above it: what did not work */
	const char *wrong_field; /* and where; NULL: nowhere in a form */
	const char *good;	 /* the same: what did; or NULL */
	int settings;		 /* the socket to pop3settings, or -1 */
	int asked;		 /* it was asked: there is an answer */
	struct self_request request;
	struct self_answer answer;
};

#endif
