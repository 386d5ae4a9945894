/*
 * What every database of Berkeley DB needs beyond its defaults.
 */
#ifndef COMMON_BDB_H
#define COMMON_BDB_H

#include <sys/types.h>

#include <db.h>
#include <stdint.h>

/*
 * Looks at a page (len octets) as it was read from its place in a file.  Each
 * has its number in it, which Berkeley DB does not look at: where a disk
 * writes a page in the place of another the checksum is right, and a search
 * can go round for ever; so it can among holes, which are all zeroes.  A page
 * of another place, and a hole where there should be none, get a checksum
 * that is wrong: so the library finds the damage.
 */
void bdb_doubt_page(void *page, size_t len, off_t offset, int holes);

/*
 * Before a database without an environment is opened, which is whole: its
 * pages get checksums, which turn a damaged page into an error, all that are
 * read are doubted from now on, and what Berkeley DB has to say goes to the
 * log, after the prefix that the handle has (set_errpfx()) or else after
 * "index", never to descriptor 2, which may be the client.  0, or an error of
 * Berkeley DB.
 */
int bdb_prepare(DB *db);

/* The second half of that alone: for set_errcall() of an environment. */
void bdb_report(const DB_ENV *env, const char *prefix, const char *message);

/*
 * Verifies the database at path, page by page; what Berkeley DB finds goes to
 * say, as to bdb_report().  A large one takes temporary files, which are made
 * in tmp: by itself Berkeley DB would make them in /var/tmp, where no sandbox
 * lets it.  0, or an error of Berkeley DB.
 */
int bdb_verify(const char *path, const char *tmp,
    void (*say)(const DB_ENV *, const char *, const char *));

#define BDB_ALL_PAGES UINT32_MAX

/*
 * Looks through the first pages of an open database, all of which should
 * have checksums.  Berkeley DB accepts a page that looks like a hole, or like
 * metadata written without a checksum, as it is.  Where damage puts such a
 * page in the place of another, a search ends too early, or never.  0,
 * DB_PAGE_NOTFOUND for a page without a checksum, or an error.
 */
int bdb_check_pages(DB *db, uint32_t pages);

#endif
