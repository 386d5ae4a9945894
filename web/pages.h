/*
 * The pages that there are.
 */
#ifndef WEB_PAGES_H
#define WEB_PAGES_H

#include "web/page.h"

/* By its path; "" is the first one.  NULL: there is none. */
const struct page *pages_find(const char *path);

#endif
