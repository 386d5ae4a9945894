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
		/* It frees the handle, whatever it finds. */
		error = db->verify(db, path, NULL, NULL, 0);
	(void)env->close(env, 0);
	return error;
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
