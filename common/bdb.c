#include "common/bdb.h"
#include "common/log.h"
#include "common/pages.h"

void
bdb_report(const DB_ENV *env, const char *prefix, const char *message)
{
	(void)env;
	log_warn("%s: %s", prefix != NULL ? prefix : "index", message);
}

int
bdb_prepare(DB *db)
{
	db->set_errcall(db, bdb_report);
	return db->set_flags(db, DB_CHKSUM);
}

int
bdb_check_pages(DB *db, uint32_t pages)
{
	uint32_t size;
	int fd, error;

	if ((error = db->get_pagesize(db, &size)) != 0 ||
	    (error = db->fd(db, &fd)) != 0)
		return error;
	return pages_check(fd, size, pages);
}
