/*
 * Does a form come from a page of ours?  No other site may have somebody's
 * browser send one.  Pure computation.
 */
#ifndef WEB_ORIGIN_H
#define WEB_ORIGIN_H

/*
 * By the header lines Origin and Sec-Fetch-Site ("" where there is none), and
 * the name that the browser knows this server by, as Host has it.
 *
 * Browsers say "Origin: null" of pages that send no referrer, as ours do, so
 * that alone neither speaks for a form nor against it.  One of the two has to
 * speak for it, and none against.
 */
int origin_is_ours(
    const char *origin, const char *fetch_site, const char *host);

#endif
