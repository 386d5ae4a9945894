#include <sys/stat.h>
#if defined(__linux__) && defined(__LP64__)
#include <sys/syscall.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/accounts.h"
#include "auth/record.h"
#include "common/bdb.h"
#include "common/directory.h"
#include "common/error.h"
#include "common/log.h"

#define CACHE_OCTETS (8 * 1024 * 1024) /* of a writer */
#define COPY_OCTETS  65536
#define ROOT_PAGES   2 /* metadata and root: where a search may loop */

struct accounts {
	DB *db;
	DBC *cursor; /* of accounts_next() */
	char path[PATH_MAX];
	const char *name; /* what messages call it: a copy has another's */
};

struct accounts_edit {
	struct accounts new; /* PATH.new, being changed */
	char path[PATH_MAX];
	int lock;
};

static int
damaged(const struct accounts *a, int error, char *err, size_t errsize)
{
	if (error == ENOSPC || error == EDQUOT || error == EIO)
		return error_set(
		    err, errsize, "%s: %s", a->path, strerror(error));
	return error_set(err, errsize, "%s: damaged (%s); restore it from a "
	    "backup, or move it away and `pop3ctl import' an export", a->name,
	    db_strerror(error));
}

/* Of the next database that is opened: accounts_prepare() has made it. */
static DB *prepared;

static int
make_handle(DB **db)
{
	int error = db_create(db, NULL, 0);

	if (error != 0) {
		*db = NULL;
		return error;
	}
	(*db)->set_errpfx(*db, "accounts");
	if ((error = bdb_prepare(*db)) != 0) {
		(*db)->close(*db, DB_NOSYNC);
		*db = NULL;
	}
	return error;
}

void
accounts_prepare(void)
{
	if (prepared == NULL)
		(void)make_handle(&prepared);
}

static int
accounts_open_db(struct accounts *a, uint32_t flags)
{
	int error = 0;

	a->db = prepared;
	prepared = NULL;
	if (a->db == NULL && (error = make_handle(&a->db)) != 0)
		return error;
	if ((flags & DB_RDONLY) == 0)
		error = a->db->set_cachesize(a->db, 0, CACHE_OCTETS, 1);
	if (error == 0)
		error = a->db->open(
		    a->db, NULL, a->path, NULL, DB_BTREE, flags, 0600);
	if (error != 0) {
		a->db->close(a->db, DB_NOSYNC);
		a->db = NULL;
	}
	return error;
}

int
accounts_open(
    struct accounts **accounts, const char *path, char *err, size_t errsize)
{
	struct accounts *a;
	int error;

	if ((a = calloc(1, sizeof(*a))) == NULL)
		return error_set(err, errsize, "%s: out of memory", path);
	a->name = a->path;
	if (strlcpy(a->path, path, sizeof(a->path)) >= sizeof(a->path))
		error = ENAMETOOLONG;
	else if ((error = accounts_open_db(a, DB_RDONLY)) == 0 &&
	    (error = bdb_check_pages(a->db, ROOT_PAGES)) != 0)
		a->db->close(a->db, DB_NOSYNC);
	/* Berkeley DB says ENOENT or EACCES of a missing page, too. */
	if (error != 0 && access(path, R_OK) == -1)
		(void)error_set(err, errsize, "%s: %s%s", path, strerror(errno),
		    errno == ENOENT ? "; `pop3ctl add' makes the first "
		    "account" : "");
	else if (error != 0)
		(void)damaged(a, error, err, errsize);
	if (error != 0) {
		free(a);
		return -1;
	}
	*accounts = a;
	return 0;
}

static int
unpack(const struct accounts *a, const DBT *key, const DBT *data,
    struct account *account, char *err, size_t errsize)
{
	enum record_result result;
	char address[ADDRESS_MAX + 1], safe[LOG_SAFE_MAX];
	size_t len = key->size;

	if (len > ADDRESS_MAX)
		len = ADDRESS_MAX;
	memcpy(address, key->data, len);
	address[len] = '\0';
	result = record_decode(account, data->data, data->size);
	memcpy(account->address, address, sizeof(address));
	if (result == RECORD_GOOD && key->size <= ADDRESS_MAX)
		return account->alias_of[0] != '\0' ? ACCOUNTS_ALIAS : 1;
	log_safe(safe, sizeof(safe), address);
	if (result == RECORD_NEWER)
		return error_set(err, errsize, "%s: the record of %s was "
		    "written by a newer pop3d; install that one", a->name,
		    safe);
	return error_set(err, errsize, "%s: the record of %s is damaged; "
	    "`pop3ctl delete' it and add it again", a->name, safe);
}

static DBT
address_key(const char *address, char lower[ADDRESS_MAX + 1])
{
	DBT key;
	size_t i;

	for (i = 0; i < ADDRESS_MAX && address[i] != '\0'; i++)
		lower[i] = address[i] >= 'A' && address[i] <= 'Z' ?
		    (char)(address[i] - 'A' + 'a') : address[i];
	memset(&key, 0, sizeof(key));
	key.data = lower;
	key.size = (uint32_t)i;
	return key;
}

int
accounts_get(struct accounts *a, const char *address,
    struct account *account, char *err, size_t errsize)
{
	char lower[ADDRESS_MAX + 1];
	unsigned char record[RECORD_MAX];
	DBT key = address_key(address, lower), data;
	int error, rv;

	memset(&data, 0, sizeof(data));
	data.data = record;
	data.ulen = sizeof(record);
	data.flags = DB_DBT_USERMEM;
	error = a->db->get(a->db, NULL, &key, &data, 0);
	if (error == DB_NOTFOUND)
		return 0;
	if (error != 0)
		return damaged(a, error, err, errsize);
	rv = unpack(a, &key, &data, account, err, errsize);
	explicit_bzero(record, data.size);
	return rv;
}

int
accounts_find(struct accounts *a, const char *name, const char *domain,
    struct account *account, char *err, size_t errsize)
{
	char address[ADDRESS_MAX + 1];
	int found, whole = strchr(name, '@') != NULL || domain == NULL;

	if ((size_t)snprintf(address, sizeof(address), "%s%s%s", name,
		whole ? "" : "@", whole ? "" : domain) >= sizeof(address))
		return 0;
	found = accounts_get(a, address, account, err, errsize);
	if (found != ACCOUNTS_ALIAS)
		return found;
	strlcpy(address, account->alias_of, sizeof(address));
	found = accounts_get(a, address, account, err, errsize);
	return found == ACCOUNTS_ALIAS ? 0 : found;
}

int
accounts_check(struct accounts *a, char *err, size_t errsize)
{
	int error = bdb_check_pages(a->db, BDB_ALL_PAGES);

	return error == 0 ? 0 : damaged(a, error, err, errsize);
}

static void
close_cursor(struct accounts *a)
{
	if (a->cursor != NULL)
		a->cursor->close(a->cursor);
	a->cursor = NULL;
}

int
accounts_next(struct accounts *a, struct account *account, char *err,
    size_t errsize)
{
	DBT key, data;
	int error = 0, found;

	memset(&key, 0, sizeof(key));
	memset(&data, 0, sizeof(data));
	if (a->cursor == NULL &&
	    (error = bdb_check_pages(a->db, BDB_ALL_PAGES)) == 0)
		error = a->db->cursor(a->db, NULL, &a->cursor, 0);
	if (error == 0)
		error = a->cursor->get(a->cursor, &key, &data, DB_NEXT);
	if (error == DB_NOTFOUND) {
		close_cursor(a);
		return 0;
	}
	if (error != 0)
		return damaged(a, error, err, errsize);
	found = unpack(a, &key, &data, account, err, errsize);
	return found == -1 ? ACCOUNTS_BAD : found;
}

int
accounts_file(const struct accounts *a)
{
	int fd;

	return a->db->fd(a->db, &fd) == 0 ? fd : -1;
}

/*
 * A writer renames its copy to the path: nothing leads to the old file then.
 * The system call by its name: the sandbox lets it be made of this file
 * alone, where the library's fstat(3) may take another way, with a path.
 */
int
accounts_replaced(const struct accounts *a)
{
	struct stat st;
#if defined(__linux__) && defined(__LP64__)
	long rv = syscall(SYS_fstat, accounts_file(a), &st);
#else
	int rv = fstat(accounts_file(a), &st);
#endif

	return rv == 0 && st.st_nlink == 0;
}

void
accounts_close(struct accounts *a)
{
	close_cursor(a);
	a->db->close(a->db, DB_NOSYNC);
	free(a);
}

/* The directory that path is in. */
static void
directory_of(const char *path, char dir[PATH_MAX])
{
	char *slash;

	strlcpy(dir, path, PATH_MAX);
	if ((slash = strrchr(dir, '/')) == NULL)
		strlcpy(dir, ".", PATH_MAX);
	else
		slash[slash == dir] = '\0';
}

static int
accounts_take_lock(struct accounts_edit *e)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_MAX], dir[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s.lock", e->path) >=
	    sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	directory_of(path, dir);
	if (directory_make(dir, 0755, 0700) == -1)
		return -1;
	e->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (e->lock == -1)
		return -1;
	while (fcntl(e->lock, F_SETLKW, &whole) == -1) {
		if (errno == EINTR)
			continue;
		close(e->lock);
		e->lock = -1;
		return -1;
	}
	return 0;
}

static int
copy_octets(int from, int to)
{
	static char buf[COPY_OCTETS];
	ssize_t n, done, w;

	while ((n = read(from, buf, sizeof(buf))) > 0)
		for (done = 0; done < n; done += w)
			if ((w = write(to, buf + done, (size_t)(n - done))) ==
			    -1)
				return -1;
	return n == 0 ? 0 : -1;
}

/* What a killed writer left: its copy, or one being created (__db.*). */
static int
remove_leftovers(const struct accounts_edit *e)
{
	char path[PATH_MAX];
	const char *slash = strrchr(e->new.path, '/');
	int dir = slash == NULL ? 0 : (int)(slash + 1 - e->new.path);

	if ((size_t)snprintf(path, sizeof(path), "%.*s__db.%s", dir,
		e->new.path, e->new.path + dir) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (unlink(path) == -1 && errno != ENOENT)
		return -1;
	return unlink(e->new.path) == -1 && errno != ENOENT ? -1 : 0;
}

/* PATH.new: a copy to work on, or nothing when there is no PATH yet. */
static int
copy_database(const struct accounts_edit *e, int *first)
{
	int from, to, rv;

	if (remove_leftovers(e) == -1)
		return -1;
	from = open(e->path, O_RDONLY | O_CLOEXEC);
	*first = from == -1 && errno == ENOENT;
	if (from == -1)
		return *first ? 0 : -1;
	to = open(e->new.path,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	rv = to == -1 ? -1 : copy_octets(from, to);
	if (to != -1 && close(to) == -1)
		rv = -1;
	close(from);
	return rv;
}

static int
begin(struct accounts_edit *e, char *err, size_t errsize)
{
	int error, first;

	if (accounts_take_lock(e) == -1)
		return error_set(err, errsize, "%s.lock: %s; are you root?",
		    e->path, strerror(errno));
	if (copy_database(e, &first) == -1)
		return error_set(err, errsize, "%s: %s", e->new.path,
		    strerror(errno));
	error = accounts_open_db(&e->new, first ? DB_CREATE | DB_EXCL : 0);
	if (error == 0 && !first)
		error = bdb_check_pages(e->new.db, BDB_ALL_PAGES);
	return error == 0 ? 0 : damaged(&e->new, error, err, errsize);
}

int
accounts_edit_begin(struct accounts_edit **edit, const char *path, char *err,
    size_t errsize)
{
	struct accounts_edit *e;

	if ((e = calloc(1, sizeof(*e))) == NULL)
		return error_set(err, errsize, "%s: out of memory", path);
	e->lock = -1;
	e->new.name = e->path;
	if (strlcpy(e->path, path, sizeof(e->path)) >= sizeof(e->path) ||
	    (size_t)snprintf(e->new.path, sizeof(e->new.path), "%s.new",
		path) >= sizeof(e->new.path)) {
		free(e);
		return error_set(
		    err, errsize, "%s: the path is too long", path);
	}
	if (begin(e, err, errsize) == -1) {
		accounts_edit_abandon(e);
		return -1;
	}
	*edit = e;
	return 0;
}

int
accounts_edit_get(struct accounts_edit *e, const char *address,
    struct account *account, char *err, size_t errsize)
{
	return accounts_get(&e->new, address, account, err, errsize);
}

int
accounts_edit_put(struct accounts_edit *e, const struct account *account,
    char *err, size_t errsize)
{
	char lower[ADDRESS_MAX + 1];
	unsigned char record[RECORD_MAX];
	DBT key = address_key(account->address, lower), data;
	int error;

	memset(&data, 0, sizeof(data));
	data.data = record;
	data.size = (uint32_t)record_encode(account, record);
	error = e->new.db->put(e->new.db, NULL, &key, &data, 0);
	explicit_bzero(record, data.size);
	return error == 0 ? 0 : damaged(&e->new, error, err, errsize);
}

int
accounts_edit_delete(
    struct accounts_edit *e, const char *address, char *err, size_t errsize)
{
	char lower[ADDRESS_MAX + 1];
	DBT key = address_key(address, lower);
	int error;

	error = e->new.db->del(e->new.db, NULL, &key, 0);
	return error == 0 ? 0 : damaged(&e->new, error, err, errsize);
}

/* The rename itself has to survive a power cut. */
static int
accounts_sync_directory(const char *path)
{
	char dir[PATH_MAX];
	int fd, rv;

	directory_of(path, dir);
	if ((fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	rv = fsync(fd);
	close(fd);
	return rv;
}

struct accounts *
accounts_edit_accounts(struct accounts_edit *e)
{
	return &e->new;
}

/* close() of the database writes what is left and syncs the file. */
int
accounts_edit_commit(struct accounts_edit *e, char *err, size_t errsize)
{
	int error, rv = 0;

	close_cursor(&e->new);
	error = e->new.db->close(e->new.db, 0);
	e->new.db = NULL;
	if (error != 0)
		rv = damaged(&e->new, error, err, errsize);
	else if (rename(e->new.path, e->path) == -1 ||
	    accounts_sync_directory(e->path) == -1)
		rv = error_set(
		    err, errsize, "%s: %s", e->path, strerror(errno));
	accounts_edit_abandon(e);
	return rv;
}

void
accounts_edit_abandon(struct accounts_edit *e)
{
	close_cursor(&e->new);
	if (e->new.db != NULL)
		e->new.db->close(e->new.db, DB_NOSYNC);
	if (e->lock != -1) {
		(void)unlink(e->new.path);
		close(e->lock);
	}
	free(e);
}
