#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/bdb.h"
#include "common/log.h"

#define SIZE_MINIMUM 512 /* of a page */
#define SIZE_MAXIMUM 65536

/* Of a page as it is on disk, in all versions since 4.2. */
#define NUMBER	      8
#define HEADER	      12 /* where it was logged, and its number */
#define TYPE	      25
#define META_FLAGS    26
#define META_CHECKSUM 1

/* The types of pages. */
#define INVALID	  0 /* free */
#define HASHMETA  8
#define BTREEMETA 9
#define QUEUEMETA 10
#define HEAPMETA  14

void
bdb_report(const DB_ENV *env, const char *prefix, const char *message)
{
	(void)env;
	log_warn("%s: %s", prefix != NULL ? prefix : "index", message);
}

/* An index of another machine may have its numbers' octets turned around. */
void
bdb_doubt_page(void *page, size_t len, off_t offset, int holes)
{
	unsigned char *at = (unsigned char *)page + NUMBER;
	uint32_t number, wanted, turned = 0;
	unsigned int i;

	if (len < SIZE_MINIMUM || offset % (off_t)len != 0)
		return;
	memcpy(&number, at, sizeof(number));
	wanted = (uint32_t)(offset / (off_t)len);
	for (i = 0; i < 32; i += 8)
		turned = turned << 8 | (wanted >> i & 0xff);
	if (number != wanted && number != turned && (number != 0 || !holes))
		*at ^= 0xff;
}

static ssize_t
doubting_pread(int fd, void *buf, size_t len, off_t offset)
{
	ssize_t n = pread(fd, buf, len, offset);

	if (n > 0 && (size_t)n == len)
		bdb_doubt_page(buf, len, offset, 0);
	return n;
}

int
bdb_prepare(DB *db)
{
	DB_ENV *env = db->get_env(db);

	/* Or it looks in /sys how many processors there are. */
	(void)env->mutex_set_tas_spins(env, 1);
	(void)db_env_set_func_pread(doubting_pread);
	db->set_errcall(db, bdb_report);
	return db->set_flags(db, DB_CHKSUM);
}

/* An environment for one process, without logs, locks or files of its own. */
static int
open_bare(DB_ENV *env, const char *tmp)
{
	int error;

	if ((error = env->set_tmp_dir(env, tmp)) != 0)
		return error;
	return env->open(
	    env, NULL, DB_CREATE | DB_PRIVATE | DB_INIT_MPOOL, 0600);
}

int
bdb_verify(const char *path, const char *tmp,
    void (*say)(const DB_ENV *, const char *, const char *))
{
	DB_ENV *env;
	DB *db;
	int error;

	if ((error = db_env_create(&env, 0)) != 0)
		return error;
	env->set_errcall(env, say);
	if ((error = open_bare(env, tmp)) == 0 &&
	    (error = db_create(&db, env, 0)) == 0)
		/* verify() frees the handle, whatever it finds. */
		error = db->verify(db, path, NULL, NULL, 0);
	(void)env->close(env, 0);
	return error;
}

static int
has_checksum(const unsigned char *page)
{
	static const unsigned char hole[HEADER];

	switch (page[TYPE]) {
	case INVALID:
		return memcmp(page, hole, sizeof(hole)) != 0;
	case HASHMETA:
	case BTREEMETA:
	case QUEUEMETA:
	case HEAPMETA:
		return (page[META_FLAGS] & META_CHECKSUM) != 0;
	default:
		return 1;
	}
}

static int
check_pages(int fd, uint32_t size, uint32_t pages)
{
	static unsigned char buf[SIZE_MAXIMUM];
	size_t at, want;
	off_t offset = 0;
	ssize_t n;

	if (size <= META_FLAGS || size > sizeof(buf))
		return EINVAL;
	for (; pages > 0; pages -= (uint32_t)(want / size)) {
		want = sizeof(buf) / size;
		want = (want < pages ? want : pages) * size;
		if ((n = pread(fd, buf, want, offset)) == -1)
			return errno;
		/* A part of a page at the end belongs to no table. */
		for (at = 0; at + size <= (size_t)n; at += size)
			if (!has_checksum(buf + at))
				return DB_PAGE_NOTFOUND;
		if ((size_t)n < want)
			break;
		offset += n;
	}
	return 0;
}

int
bdb_check_pages(DB *db, uint32_t pages)
{
	uint32_t size;
	int fd, error;

	if ((error = db->get_pagesize(db, &size)) != 0 ||
	    (error = db->fd(db, &fd)) != 0)
		return error;
	return check_pages(fd, size, pages);
}
