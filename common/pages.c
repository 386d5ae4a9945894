#include <db.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/pages.h"

#define SIZE_MAXIMUM 65536 /* of a page */

/* Of a page as it is on disk, in all versions since 4.2. */
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

int
pages_check(int fd, uint32_t size, uint32_t pages)
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
		/* What is behind the last whole page is none of the tables'. */
		for (at = 0; at + size <= (size_t)n; at += size)
			if (!has_checksum(buf + at))
				return DB_PAGE_NOTFOUND;
		if ((size_t)n < want)
			break;
		offset += n;
	}
	return 0;
}
