/*
 * The header of what the browser is answered.  Every kind of answer forbids
 * that it is kept, framed, or has anything in it but our own style sheet.
 */
#ifndef WEB_REPLY_H
#define WEB_REPLY_H

#include "web/visit.h"

/*
 * A page, with a status of HTTP.  Ends the process after the header where
 * that is all that is wanted.
 */
void reply_page(const struct visit *v, int status);

/* Another page is to be looked at: one of ours, with its query. */
void reply_elsewhere(const struct visit *v, const char *page);

/* A file to be kept under that name, which is a literal. */
void reply_file(const struct visit *v, const char *type, const char *name);

/* The style sheet, which may be kept. */
void reply_style(const struct visit *v);

#endif
