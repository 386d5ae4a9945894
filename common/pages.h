/*
 * The pages of a Berkeley DB file that its checksums leave out.
 *
 * It takes a page that looks like a hole, or like metadata written without
 * a checksum, as it is.  In the place of another page it makes Berkeley DB
 * end a search too early, or never: so damaged, one page of 128 does.
 */
#ifndef COMMON_PAGES_H
#define COMMON_PAGES_H

#include <stdint.h>

#define PAGES_ALL UINT32_MAX

/*
 * Looks through the first pages of fd, of size octets each, in a file all
 * of whose pages should have checksums.  0, DB_PAGE_NOTFOUND for a page that
 * has none, or an errno value.  Any process.
 */
int pages_check(int fd, uint32_t size, uint32_t pages);

#endif
