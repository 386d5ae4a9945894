#include <sys/stat.h>

#include <db.h>
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bdb.h"
#include "common/log.h"
#include "common/pages.h"
#include "store/index.h"

/*
 * Small logs: with the default of 10 MB, recovery zero-fills one, which
 * costs more than all the rest of a login.
 */
#define LOG_FILE_OCTETS	  (256 * 1024)
#define LOG_MUCH_OCTETS	  (4 * 1024 * 1024) /* while much is changed */
#define LOG_BUFFER_OCTETS (32 * 1024)
#define FILLER_OCTETS	  1024
#define CACHE_OCTETS	  (8 * 1024 * 1024)
#define MEMORY_OCTETS	  (256 * 1024 * 1024) /* taken as needed */
#define BULK_OCTETS	  (64 * 1024)

/* Metadata and root of the file and its tables: where a search may loop. */
#define ROOT_PAGES (2 * (1 + TABLES))

#define FILE_NAME      "index.db"
#define FILE_NAME_BAD  "index.bad"
#define FILE_NAME_TRY  "index.try"
#define VERSION	       1
#define META_NUMBERS   (3 + FOLDERS * 6)
#define NAME_FIXED     18 /* octets of a name's record before the suffix */
#define QUEUE_FIXED    8  /* octets of a queue's record before the base */
#define SEQUENCE_FIXED 8  /* octets of a queue's key */

enum table { TABLE_INBOX = INBOX, TABLE_JUNK = JUNK, TABLE_NAMES, TABLES };

static const char *const table_names[] = { "inbox", "junk", "names" };
static const unsigned char folder_key[] = { 'i', 'j' };
static const unsigned char meta_key[] = { 'm' };

struct index {
	enum index_mode mode;
	DB_ENV *env; /* INDEX_WRITE only */
	DB_TXN *txn;
	int much; /* the log's files may be large */
	DB *table[TABLES];
	char file[PATH_MAX]; /* without an environment: the path */
};

struct walk {
	DBC *cursor;
	enum folder folder;
	int names;
	uint32_t flags; /* of the next bulk get */
	DBT key, data;
	void *next; /* within the bulk buffer */
	unsigned char start[SEQUENCE_FIXED];
	uint32_t buf[BULK_OCTETS / sizeof(uint32_t)]; /* what DB_MULTIPLE wants */
};

static void
put64(unsigned char *p, uint64_t n)
{
	n = htobe64(n);
	memcpy(p, &n, sizeof(n));
}

static uint64_t
get64(const unsigned char *p)
{
	uint64_t n;

	memcpy(&n, p, sizeof(n));
	return be64toh(n);
}

static DBT
dbt(const void *data, size_t len)
{
	DBT t;

	memset(&t, 0, sizeof(t));
	t.data = (void *)(uintptr_t)data;
	t.size = (uint32_t)len;
	return t;
}

const char *
index_strerror(int error)
{
	return db_strerror(error);
}

static void
report(const DB_ENV *env, const char *prefix, const char *message)
{
	(void)env;
	(void)prefix;
	log_warn("index: %s", message);
}

static int
open_env(struct index *ix, const char *dir)
{
	int error;

	if ((error = db_env_create(&ix->env, 0)) != 0)
		return error;
	ix->env->set_errcall(ix->env, report);
	if ((error = ix->env->set_lg_max(ix->env, LOG_FILE_OCTETS)) != 0 ||
	    (error = ix->env->set_lg_bsize(ix->env, LOG_BUFFER_OCTETS)) !=
		0 ||
	    (error = ix->env->set_cachesize(ix->env, 0, CACHE_OCTETS, 1)) !=
		0)
		return error;
	return ix->env->open(ix->env, dir,
	    DB_CREATE | DB_PRIVATE | DB_RECOVER | DB_INIT_TXN | DB_INIT_LOG |
		DB_INIT_MPOOL, 0600);
}

static int
check_pages(DB *db, uint32_t pages)
{
	uint32_t size;
	int fd, error;

	if ((error = db->get_pagesize(db, &size)) != 0 ||
	    (error = db->fd(db, &fd)) != 0)
		return error;
	return pages_check(fd, size, pages);
}

static int
open_db(const struct index *ix, enum table t, DB *db)
{
	const char *file = FILE_NAME, *name = table_names[t];
	uint32_t flags = DB_CREATE | DB_AUTO_COMMIT;
	int error;

	if (ix->mode == INDEX_MEMORY) {
		flags = DB_CREATE;
		file = name = NULL;
		/* All of it: the sandbox admits no temporary file. */
		if ((error = db->set_cachesize(
			 db, 0, MEMORY_OCTETS, 1)) != 0)
			return error;
	} else if (ix->mode == INDEX_READ) {
		flags = DB_RDONLY;
		file = ix->file;
		db->set_errcall(db, report);
	}
	/* Checksums turn a damaged page into an error. */
	if (ix->mode != INDEX_MEMORY &&
	    (error = db->set_flags(db, DB_CHKSUM)) != 0)
		return error;
	if (t != TABLE_NAMES && (error = db->set_flags(db, DB_RECNUM)) != 0)
		return error;
	error = db->open(db, NULL, file, name, DB_BTREE, flags, 0600);
	/* A mark vouches for what was written, not for the disk. */
	if (error == 0 && ix->mode != INDEX_MEMORY)
		error = check_pages(db, ROOT_PAGES);
	return error;
}

static int
open_table(struct index *ix, enum table t)
{
	DB *db;
	int error;

	if (ix->table[t] != NULL)
		return 0;
	if ((error = db_create(&db, ix->env, 0)) != 0)
		return error;
	if ((error = open_db(ix, t, db)) != 0)
		(void)db->close(db, 0);
	else
		ix->table[t] = db;
	return error;
}

/* Berkeley DB would wait for ever for somebody to write to a FIFO. */
static int
is_no_file(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

int
index_open(struct index **index, const char *dir, enum index_mode mode)
{
	struct index *ix;
	enum table t;
	int error = 0;

	if ((ix = calloc(1, sizeof(*ix))) == NULL)
		return ENOMEM;
	ix->mode = mode;
	if ((size_t)snprintf(ix->file, sizeof(ix->file), "%s/%s", dir,
		FILE_NAME) >= sizeof(ix->file))
		error = ENAMETOOLONG;
	else if (mode != INDEX_MEMORY && is_no_file(ix->file))
		error = EINVAL;
	if (error == 0 && mode == INDEX_WRITE)
		error = open_env(ix, dir);
	/* Reading opens what is needed when it is needed. */
	for (t = 0; error == 0 && mode != INDEX_READ && t < TABLES; t++)
		error = open_table(ix, t);
	if (error != 0) {
		(void)index_close(ix);
		ix = NULL;
	}
	*index = ix;
	return error;
}

static int
current_log(struct index *ix, uint32_t *file)
{
	DB_LOG_STAT *stat;
	int error;

	if ((error = ix->env->log_stat(ix->env, &stat, 0)) != 0)
		return error;
	*file = stat->st_cur_file;
	free(stat);
	return 0;
}

/*
 * The last file of a log stays for the next one to go on with, and is read
 * and zeroed to its end then: a large one is filled up, so that a small one
 * follows.
 */
static int
shorten_log(struct index *ix)
{
	uint32_t file, now;
	int error, i;

	if (!ix->much)
		return 0;
	if ((error = ix->env->set_lg_max(ix->env, LOG_FILE_OCTETS)) != 0 ||
	    (error = current_log(ix, &file)) != 0)
		return error;
	for (now = file; error == 0 && now == file;
	     error = error != 0 ? error : current_log(ix, &now))
		for (i = 0; error == 0 && i < 64; i++)
			error = ix->env->log_printf(ix->env, NULL, "%*s",
			    FILLER_OCTETS, "");
	return error;
}

int
index_expect_much(struct index *ix)
{
	if (ix->env == NULL)
		return 0;
	ix->much = 1;
	return ix->env->set_lg_max(ix->env, LOG_MUCH_OCTETS);
}

int
index_close(struct index *ix)
{
	enum table t;
	int error = 0, rv;

	if (ix == NULL)
		return 0;
	index_abort(ix);
	for (t = 0; t < TABLES; t++) {
		if (ix->table[t] == NULL)
			continue;
		rv = ix->table[t]->close(ix->table[t], 0);
		if (error == 0)
			error = rv;
	}
	if (ix->env != NULL) {
		/* All is in index.db now: the log may go. */
		if (error == 0 && (error = shorten_log(ix)) == 0)
			error = index_trim(ix);
		rv = ix->env->close(ix->env, 0);
		if (error == 0)
			error = rv;
	}
	free(ix);
	return error;
}

int
index_trim(struct index *ix)
{
	int error;

	if (ix->env == NULL)
		return 0;
	if ((error = ix->env->txn_checkpoint(ix->env, 0, 0, 0)) != 0)
		return error;
	return ix->env->log_archive(ix->env, NULL, DB_ARCH_REMOVE);
}

/* Can all of the index's files be opened, and a new one be made to last? */
static int
can_be_made_anew(DIR *dirp)
{
	static const char octets[4096];
	struct dirent *d;
	int error = 0, fd;

	while (error == 0 && (d = readdir(dirp)) != NULL) {
		if (strncmp(d->d_name, "log.", 4) != 0 &&
		    strcmp(d->d_name, FILE_NAME) != 0)
			continue;
		fd = openat(dirfd(dirp), d->d_name,
		    O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (fd != -1)
			close(fd);
		else if (errno == EACCES || errno == EPERM || errno == EIO)
			error = errno;
	}
	rewinddir(dirp);
	if (error != 0)
		return error;
	fd = openat(dirfd(dirp), FILE_NAME_TRY,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return errno;
	if (write(fd, octets, sizeof(octets)) != (ssize_t)sizeof(octets) ||
	    fdatasync(fd) == -1)
		error = errno != 0 ? errno : ENOSPC;
	close(fd);
	(void)unlinkat(dirfd(dirp), FILE_NAME_TRY, 0);
	return error;
}

int
index_discard(const char *dir)
{
	char path[PATH_MAX], bad[PATH_MAX];
	struct dirent *d;
	DIR *dirp;
	int error;

	if ((size_t)snprintf(path, sizeof(path), "%s/" FILE_NAME, dir) >=
		sizeof(path) ||
	    (size_t)snprintf(bad, sizeof(bad), "%s/" FILE_NAME_BAD, dir) >=
		sizeof(bad))
		return ENAMETOOLONG;
	if ((dirp = opendir(dir)) == NULL)
		return errno;
	/* What looks like damage may be a disk that is full, or a wrong mode. */
	if ((error = can_be_made_anew(dirp)) == 0 &&
	    rename(path, bad) == -1 && errno != ENOENT)
		error = errno;
	if (error != 0) {
		closedir(dirp);
		return error;
	}
	while ((d = readdir(dirp)) != NULL)
		if (strncmp(d->d_name, "log.", 4) == 0)
			(void)unlinkat(dirfd(dirp), d->d_name, 0);
	closedir(dirp);
	return 0;
}

int
index_check_pages(struct index *ix)
{
	int error;

	/* What recovery has mended is in the file after a checkpoint. */
	if ((error = index_trim(ix)) != 0)
		return error;
	return check_pages(ix->table[TABLE_NAMES], PAGES_ALL);
}

int
index_read_all(struct index *ix)
{
	DB_BTREE_STAT *stat;
	enum table t;
	int error;

	for (t = 0; t < TABLES; t++) {
		if ((error = open_table(ix, t)) != 0 ||
		    (error = ix->table[t]->stat(
			 ix->table[t], NULL, &stat, 0)) != 0)
			return error;
		free(stat);
	}
	return 0;
}

int
index_verify(const char *dir)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/" FILE_NAME, dir) >=
	    sizeof(path))
		return ENAMETOOLONG;
	return bdb_verify(path, dir);
}

int
index_begin(struct index *ix)
{
	if (ix->env == NULL)
		return 0;
	return ix->env->txn_begin(ix->env, NULL, &ix->txn, 0);
}

int
index_commit(struct index *ix, int durable)
{
	DB_TXN *txn = ix->txn;

	ix->txn = NULL;
	if (txn == NULL)
		return 0;
	return txn->commit(txn, durable ? 0 : DB_TXN_WRITE_NOSYNC);
}

void
index_abort(struct index *ix)
{
	DB_TXN *txn;

	if (ix == NULL || (txn = ix->txn) == NULL)
		return;
	ix->txn = NULL;
	(void)txn->abort(txn);
}

/* A record longer than any of ours: damage, not a small buffer. */
static int
too_long(int error)
{
	return error == DB_BUFFER_SMALL ? EINVAL : error;
}

static int
get(struct index *ix, enum table t, DBT *key, void *buf, size_t size,
    size_t *len)
{
	DBT data;
	int error;

	if ((error = open_table(ix, t)) != 0)
		return error;
	data = dbt(buf, 0);
	data.ulen = (uint32_t)size;
	data.flags = DB_DBT_USERMEM;
	error = ix->table[t]->get(ix->table[t], ix->txn, key, &data, 0);
	*len = data.size;
	return too_long(error);
}

static int
put(struct index *ix, enum table t, DBT *key, const void *buf, size_t len)
{
	DBT data = dbt(buf, len);

	return ix->table[t]->put(ix->table[t], ix->txn, key, &data, 0);
}

static int
del(struct index *ix, enum table t, DBT *key)
{
	return ix->table[t]->del(ix->table[t], ix->txn, key, 0);
}

int
index_get_meta(struct index *ix, struct meta *meta)
{
	unsigned char buf[META_NUMBERS * 8], *p = buf;
	struct folder_meta *f;
	DBT key = dbt(meta_key, sizeof(meta_key));
	size_t len;
	int error;

	if ((error = get(ix, TABLE_NAMES, &key, buf, sizeof(buf), &len)) != 0)
		return error;
	if (len != sizeof(buf) || get64(p) != VERSION)
		return EINVAL;
	meta->next_sequence = get64(p += 8);
	meta->expunging = get64(p += 8);
	for (f = meta->folder; f < meta->folder + FOLDERS; f++) {
		f->count = get64(p += 8);
		f->octets = get64(p += 8);
		f->time[NEW] = (int64_t)get64(p += 8);
		f->time[CUR] = (int64_t)get64(p += 8);
		f->read = (int64_t)get64(p += 8);
		f->from_now = (int64_t)get64(p += 8);
	}
	return 0;
}

int
index_put_meta(struct index *ix, const struct meta *meta)
{
	unsigned char buf[META_NUMBERS * 8], *p = buf;
	const struct folder_meta *f;
	DBT key = dbt(meta_key, sizeof(meta_key));

	put64(p, VERSION);
	put64(p += 8, meta->next_sequence);
	put64(p += 8, meta->expunging);
	for (f = meta->folder; f < meta->folder + FOLDERS; f++) {
		put64(p += 8, f->count);
		put64(p += 8, f->octets);
		put64(p += 8, (uint64_t)f->time[NEW]);
		put64(p += 8, (uint64_t)f->time[CUR]);
		put64(p += 8, (uint64_t)f->read);
		put64(p += 8, (uint64_t)f->from_now);
	}
	return put(ix, TABLE_NAMES, &key, buf, sizeof(buf));
}

/* The key of a name is its folder's letter and the base. */
static DBT
name_key(const struct entry *e, unsigned char buf[NAME_OCTETS + 1])
{
	size_t len = strlen(e->base);

	buf[0] = folder_key[e->folder];
	memcpy(buf + 1, e->base, len);
	return dbt(buf, len + 1);
}

/*
 * A part of a file name as a directory has it: what else a damaged record
 * may hold must never reach open(2) or unlink(2).
 */
static int
decode_text(const unsigned char *p, size_t len, char text[NAME_OCTETS])
{
	if (len >= NAME_OCTETS || memchr(p, '\0', len) != NULL ||
	    memchr(p, '/', len) != NULL)
		return EINVAL;
	memcpy(text, p, len);
	text[len] = '\0';
	return 0;
}

static int
decode_base(const unsigned char *p, size_t len, char base[NAME_OCTETS])
{
	if (len == 0 || decode_text(p, len, base) != 0 ||
	    maildir_base(base) != len)
		return EINVAL;
	return 0;
}

static int
decode_name(const unsigned char *p, size_t len, struct entry *e)
{
	if (len < NAME_FIXED || p[0] > EXPUNGING || p[1] > CUR ||
	    (len > NAME_FIXED && p[NAME_FIXED] != ':'))
		return EINVAL;
	e->state = p[0];
	e->sub = p[1];
	e->sequence = get64(p + 2);
	e->octets = get64(p + 10);
	return decode_text(p + NAME_FIXED, len - NAME_FIXED, e->suffix);
}

int
index_get_name(struct index *ix, struct entry *e)
{
	unsigned char keybuf[NAME_OCTETS + 1], buf[NAME_FIXED + NAME_OCTETS];
	DBT key = name_key(e, keybuf);
	size_t len;
	int error;

	if ((error = get(ix, TABLE_NAMES, &key, buf, sizeof(buf), &len)) != 0)
		return error;
	return decode_name(buf, len, e);
}

int
index_put_name(struct index *ix, const struct entry *e)
{
	unsigned char keybuf[NAME_OCTETS + 1], buf[NAME_FIXED + NAME_OCTETS];
	DBT key = name_key(e, keybuf);
	size_t len = strlen(e->suffix);

	buf[0] = (unsigned char)e->state;
	buf[1] = (unsigned char)e->sub;
	put64(buf + 2, e->sequence);
	put64(buf + 10, e->octets);
	memcpy(buf + NAME_FIXED, e->suffix, len);
	return put(ix, TABLE_NAMES, &key, buf, NAME_FIXED + len);
}

int
index_delete_name(struct index *ix, const struct entry *e)
{
	unsigned char keybuf[NAME_OCTETS + 1];
	DBT key = name_key(e, keybuf);

	return del(ix, TABLE_NAMES, &key);
}

int
index_enqueue(struct index *ix, const struct entry *e)
{
	unsigned char seq[SEQUENCE_FIXED], buf[QUEUE_FIXED + NAME_OCTETS];
	size_t len = strlen(e->base);
	DBT key;

	put64(seq, e->sequence);
	key = dbt(seq, sizeof(seq));
	put64(buf, e->octets);
	memcpy(buf + QUEUE_FIXED, e->base, len);
	return put(ix, (enum table)e->folder, &key, buf, QUEUE_FIXED + len);
}

int
index_dequeue(struct index *ix, const struct entry *e)
{
	unsigned char seq[SEQUENCE_FIXED];
	DBT key;

	put64(seq, e->sequence);
	key = dbt(seq, sizeof(seq));
	return del(ix, (enum table)e->folder, &key);
}

static int
decode_queue(const unsigned char *key, size_t keylen,
    const unsigned char *data, size_t len, struct entry *e)
{
	if (keylen != SEQUENCE_FIXED || len <= QUEUE_FIXED)
		return EINVAL;
	e->sequence = get64(key);
	e->octets = get64(data);
	return decode_base(data + QUEUE_FIXED, len - QUEUE_FIXED, e->base);
}

/* Moves a cursor to message number, and gives its key and data. */
static int
set_number(DBC *cursor, uint64_t number, DBT *key, DBT *data)
{
	static db_recno_t recno; /* the cursor's memory until the next call */

	if (number == 0 || number > UINT32_MAX)
		return DB_NOTFOUND;
	recno = (db_recno_t)number;
	*key = dbt(&recno, sizeof(recno));
	*data = dbt(NULL, 0);
	return cursor->get(cursor, key, data, DB_SET_RECNO);
}

int
index_number(struct index *ix, enum folder folder, uint64_t number,
    struct entry *e)
{
	enum table t = (enum table)folder;
	DBT key, data;
	DBC *cursor;
	int error;

	if ((error = open_table(ix, t)) != 0 ||
	    (error = ix->table[t]->cursor(
		 ix->table[t], ix->txn, &cursor, 0)) != 0)
		return error;
	e->folder = folder;
	if ((error = set_number(cursor, number, &key, &data)) == 0)
		error = decode_queue(
		    key.data, key.size, data.data, data.size, e);
	(void)cursor->close(cursor);
	return error;
}

int
index_get_queued(struct index *ix, struct entry *e)
{
	unsigned char seq[SEQUENCE_FIXED], buf[QUEUE_FIXED + NAME_OCTETS];
	DBT key;
	size_t len;
	int error;

	put64(seq, e->sequence);
	key = dbt(seq, sizeof(seq));
	if ((error = get(ix, (enum table)e->folder, &key, buf, sizeof(buf),
		 &len)) != 0)
		return error;
	return decode_queue(seq, sizeof(seq), buf, len, e);
}

int
index_clear_queue(struct index *ix, enum folder folder)
{
	uint32_t count;

	return ix->table[folder]->truncate(
	    ix->table[folder], ix->txn, &count, 0);
}

int
index_count(struct index *ix, enum folder folder, uint64_t *count)
{
	enum table t = (enum table)folder;
	DB_BTREE_STAT *stat;
	int error;

	/* With DB_RECNUM the fast statistics know the exact number. */
	if ((error = open_table(ix, t)) != 0 ||
	    (error = ix->table[t]->stat(
		 ix->table[t], ix->txn, &stat, DB_FAST_STAT)) != 0)
		return error;
	*count = stat->bt_nkeys;
	free(stat);
	return 0;
}

static int
start_walk(struct index *ix, enum table t, struct walk **walk)
{
	struct walk *w;
	uint32_t page;
	int error;

	*walk = NULL;
	if ((error = open_table(ix, t)) != 0 ||
	    (error = ix->table[t]->get_pagesize(ix->table[t], &page)) != 0)
		return error;
	if ((w = malloc(sizeof(*w))) == NULL)
		return ENOMEM;
	error = ix->table[t]->cursor(ix->table[t], ix->txn, &w->cursor, 0);
	if (error != 0) {
		free(w);
		return error;
	}
	w->names = t == TABLE_NAMES;
	w->next = NULL;
	w->data = dbt(w->buf, 0);
	/* Little at first: who asks for one message wants no more. */
	w->data.ulen = page < sizeof(w->buf) / 2 ? 2 * page : sizeof(w->buf);
	w->data.flags = DB_DBT_USERMEM;
	*walk = w;
	return 0;
}

int
index_walk_queue(struct index *ix, enum folder folder, uint64_t number,
    struct walk **walk)
{
	struct walk *w;
	DBT data;
	int error;

	if ((error = start_walk(ix, (enum table)folder, walk)) != 0)
		return error;
	w = *walk;
	w->folder = folder;
	error = set_number(w->cursor, number, &w->key, &data);
	if (error == 0 && w->key.size != SEQUENCE_FIXED)
		error = EINVAL;
	if (error != 0) {
		index_walk_end(w);
		*walk = NULL;
		return error;
	}
	memcpy(w->start, w->key.data, SEQUENCE_FIXED);
	w->key = dbt(w->start, SEQUENCE_FIXED);
	w->flags = DB_SET_RANGE;
	return 0;
}

int
index_walk_names(struct index *ix, enum folder folder, struct walk **walk)
{
	struct walk *w;
	int error;

	if ((error = start_walk(ix, TABLE_NAMES, walk)) != 0)
		return error;
	w = *walk;
	w->folder = folder;
	w->start[0] = folder_key[folder];
	w->key = dbt(w->start, 1);
	w->flags = DB_SET_RANGE;
	return 0;
}

static int
decode_walked(const struct walk *w, const unsigned char *key, size_t keylen,
    const unsigned char *data, size_t len, struct entry *e)
{
	e->folder = w->folder;
	if (!w->names)
		return decode_queue(key, keylen, data, len, e);
	if (keylen < 1 || key[0] != folder_key[w->folder])
		return DB_NOTFOUND; /* behind the last of this folder */
	if (decode_base(key + 1, keylen - 1, e->base) != 0)
		return EINVAL;
	return decode_name(data, len, e);
}

int
index_walk_next(struct walk *w, struct entry *e)
{
	unsigned char *key, *data;
	uint32_t keylen, len;
	int error;

	for (;;) {
		if (w->next != NULL) {
			DB_MULTIPLE_KEY_NEXT(
			    w->next, &w->data, key, keylen, data, len);
			if (w->next != NULL)
				return decode_walked(
				    w, key, keylen, data, len, e);
		}
		error = w->cursor->get(w->cursor, &w->key, &w->data,
		    w->flags | DB_MULTIPLE_KEY);
		if (error != 0)
			return too_long(error);
		w->flags = DB_NEXT;
		DB_MULTIPLE_INIT(w->next, &w->data); /* needs ulen as it was */
		w->data.ulen = sizeof(w->buf);
	}
}

void
index_walk_end(struct walk *w)
{
	if (w == NULL)
		return;
	(void)w->cursor->close(w->cursor);
	free(w);
}
