/*
 * What all pages have in common.  On standard output.
 */
#ifndef WEB_LAYOUT_H
#define WEB_LAYOUT_H

#include "web/visit.h"

/*
 * The header and all that comes before a page's own text: whose page it is
 * and the menu, if somebody is signed in; its heading, and what there is to
 * be said first.
 */
void layout_begin(const struct visit *v, int status, const char *heading);

void layout_end(void);

/* The address of a page of ours, within an attribute. */
void layout_address(const struct visit *v, const char *page);

/* A link to it. */
void layout_link(const struct visit *v, const char *page, const char *text);

/* The same, which looks like a button. */
void layout_button(const struct visit *v, const char *page, const char *text);

/* A row of a list of names and values, between <dl> and </dl>. */
void layout_row(const char *name, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Links to what is before and behind the part of a list that is shown. */
void layout_pager(const struct visit *v, const char *page, uint32_t from,
    uint32_t n, uint32_t total, uint32_t step);

/* A page that says one thing: there is no such page, and the like. */
void layout_say(
    const struct visit *v, int status, const char *heading, const char *text);

#endif
