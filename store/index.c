#include <sys/stat.h>

#include <db.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bdb.h"
#include "store/cause.h"
#include "store/dir.h"
#include "store/index.h"

/*
 * Small logs: with the default of 10 MB, recovery zero-fills one, which
 * costs more than all the rest of a login.
 */
#define LOG_FILE_OCTETS	  (64 * 1024)
#define LOG_MUCH_OCTETS	  (4 * 1024 * 1024) /* while much is changed */
#define LOG_MOST_OCTETS	  (16 * 1024 * 1024)
#define LOG_BUFFER_OCTETS (16 * 1024)
#define FILLER_OCTETS	  1024
#define CACHE_OCTETS	  (8 * 1024 * 1024)
#define MEMORY_OCTETS	  (256 * 1024 * 1024) /* taken as needed */
#define BULK_OCTETS	  (64 * 1024)
#define RECORD_OCTETS	  4096 /* longer than any, of newer versions too */

/* Metadata and root of the file and its tables: where a search may loop. */
#define ROOT_PAGES (2 * (1 + TABLES))

enum table {
	TABLE_INBOX = INBOX,
	TABLE_JUNK = JUNK,
	TABLE_NAMES,
	TABLE_UIDLS,
	TABLES
};

static const char *const table_names[] = { "inbox", "junk", "names",
	"uidls" };
static const unsigned char totals_key[] = { TOTALS_LETTER };

struct index {
	enum index_mode mode;
	DB_ENV *env; /* INDEX_WRITE only */
	DB_TXN *txn;
	int much;    /* the log's files may be large */
	int opened; /* the environment is open: it can panic */
	int checked; /* the root pages were looked at, and are good */
	DB *table[TABLES];
	DBC *cursor; /* of a transaction: where it found a name last */
	unsigned char at[ENTRY_KEY_MAX]; /* the key of that */
	size_t at_len; /* 0: nowhere */
	char file[PATH_MAX]; /* without an environment: the path */
};

struct walk {
	DBC *cursor;
	enum folder folder;
	int names;
	uint32_t flags; /* of the next bulk get */
	DBT key, data;
	void *next; /* within the bulk buffer */
	unsigned char start[ENTRY_SEQUENCE];
	uint32_t buf[BULK_OCTETS / sizeof(uint32_t)]; /* for DB_MULTIPLE */
};

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
	switch (error) {
	case INDEX_NOT_FOUND:
		return "no such record in the index";
	case INDEX_DAMAGED:
		return "the index is damaged";
	case INDEX_NEWER:
		return "the index was written by a newer version of pop3d";
	case UIDLS_DAMAGED:
		return "uidls, the unique-ids from elsewhere, is damaged";
	case UIDLS_NEWER:
		return "uidls was written by a newer version of pop3d";
	case UIDLS_UNREADABLE:
		return "uidls, the unique-ids from elsewhere, cannot be read";
	case UIDLS_FOREIGN:
		return "it is of a version that is not known, or no list";
	case LOCK_LOST:
		return "the lock was lost, and another host may have taken "
		       "it: nothing more is written";
	default:
		return strerror(error);
	}
}

/* An answer of the decoder as an error. */
static int
decoded(enum entry_result result)
{
	switch (result) {
	case ENTRY_GOOD:
		return 0;
	case ENTRY_NEWER:
		return INDEX_NEWER;
	default:
		return INDEX_DAMAGED;
	}
}

/* The library would do what is in it, and it is none of ours. */
static int
remove_configuration(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;
	int error = dir_path(path, dir, "DB_CONFIG");

	if (error != 0)
		return error;
	if (lstat(path, &st) == -1)
		return errno == ENOENT ? 0 : errno;
	return unlink(path) == -1 ? errno : 0;
}

static int
open_env(struct index *ix, const char *dir)
{
	int error;

	if ((error = remove_configuration(dir)) != 0)
		return error;
	if ((error = db_env_create(&ix->env, 0)) != 0)
		return cause_of(error);
	ix->env->set_errcall(ix->env, cause_message);
	if ((error = ix->env->set_event_notify(ix->env, cause_event)) != 0)
		return cause_of(error);
	if ((error = ix->env->set_lg_max(ix->env, LOG_FILE_OCTETS)) != 0 ||
	    (error = ix->env->set_lg_bsize(ix->env, LOG_BUFFER_OCTETS)) !=
		0 ||
	    (error = ix->env->set_cachesize(ix->env, 0, CACHE_OCTETS, 1)) !=
		0)
		return cause_of(error);
	cause_expect_holes(1);
	error = cause_of(ix->env->open(ix->env, dir,
	    DB_CREATE | DB_PRIVATE | DB_RECOVER | DB_INIT_TXN | DB_INIT_LOG |
		DB_INIT_MPOOL, 0600));
	cause_expect_holes(0);
	ix->opened = error == 0;
	return error;
}

static int
set_up(struct index *ix, enum table t, DB *db)
{
	int error = 0;

	/* In an environment it is the environment that reports. */
	if (ix->env == NULL)
		db->set_errcall(db, cause_message);
	/* All of it: the sandbox admits no temporary file. */
	if (ix->mode == INDEX_MEMORY)
		error = db->set_cachesize(db, 0, MEMORY_OCTETS, 1);
	/* Checksums turn a damaged page into an error. */
	else
		error = db->set_flags(db, DB_CHKSUM);
	if (error == 0 && (t == TABLE_INBOX || t == TABLE_JUNK))
		error = db->set_flags(db, DB_RECNUM);
	return cause_of(error);
}

/*
 * The file is there: what is not found is a table, which is missing where
 * version 1 knew none.
 */
static int
opened(const struct index *ix, enum table t, int error)
{
	if (error == ENOENT && ix->mode == INDEX_READ && t == TABLE_UIDLS)
		return INDEX_NOT_FOUND;
	return cause_of(error);
}

static int
open_db(struct index *ix, enum table t, DB *db)
{
	const char *file = INDEX_FILE, *name = table_names[t];
	uint32_t flags = DB_CREATE;
	int error;

	if (ix->mode == INDEX_MEMORY)
		file = name = NULL;
	if (ix->mode == INDEX_READ) {
		flags = DB_RDONLY;
		file = ix->file;
	}
	if ((error = set_up(ix, t, db)) != 0)
		return error;
	error = opened(ix, t,
	    db->open(db, ix->txn, file, name, DB_BTREE, flags, 0600));
	/* A seal vouches for what was written, not for the disk. */
	if (error == 0 && ix->mode != INDEX_MEMORY && !ix->checked) {
		error = cause_of(bdb_check_pages(db, ROOT_PAGES));
		ix->checked = error == 0;
	}
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
		return cause_of(error);
	if ((error = open_db(ix, t, db)) != 0)
		(void)db->close(db, DB_NOSYNC);
	else
		ix->table[t] = db;
	return error;
}

/* Reading opens what is needed when it is needed. */
static int
open_tables(struct index *ix)
{
	enum table t;
	int error;

	if (ix->mode == INDEX_READ)
		return 0;
	if ((error = index_begin(ix)) != 0)
		return error;
	for (t = 0; error == 0 && t < TABLES; t++)
		error = open_table(ix, t);
	return error != 0 ? error : index_commit(ix, 0);
}

/* Berkeley DB would wait for ever for somebody to write to a FIFO. */
static int
look_at_files(const struct index *ix, const char *dir)
{
	struct stat st;

	if (lstat(ix->file, &st) == 0)
		return S_ISREG(st.st_mode) ? 0 : INDEX_DAMAGED;
	if (errno != ENOENT || ix->mode == INDEX_READ)
		return errno;
	return stat(dir, &st) == -1 ? errno : 0;
}

int
index_open(struct index **index, const char *dir, enum index_mode mode)
{
	struct index *ix;
	int error = 0;

	*index = NULL;
	cause_begin(INDEX_FILE);
	if ((ix = calloc(1, sizeof(*ix))) == NULL)
		return ENOMEM;
	ix->mode = mode;
	if ((size_t)snprintf(ix->file, sizeof(ix->file), "%s/%s", dir,
		INDEX_FILE) >= sizeof(ix->file))
		error = ENAMETOOLONG;
	else if (mode != INDEX_MEMORY)
		error = look_at_files(ix, dir);
	if (error == 0 && mode == INDEX_WRITE)
		error = open_env(ix, dir);
	if (error == 0)
		error = open_tables(ix);
	if (error != 0)
		index_abandon(ix);
	else
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
	static char filler[FILLER_OCTETS + 1];
	uint32_t file, now;
	int error, i;

	if (!ix->much)
		return 0;
	memset(filler, ' ', FILLER_OCTETS);
	if ((error = ix->env->set_lg_max(ix->env, LOG_FILE_OCTETS)) != 0 ||
	    (error = current_log(ix, &file)) != 0)
		return error;
	for (now = file; error == 0 && now == file;
	     error = error != 0 ? error : current_log(ix, &now))
		for (i = 0; error == 0 && i < 64; i++)
			error = ix->env->log_printf(
			    ix->env, NULL, "%s", filler);
	return error;
}

int
index_expect_much(struct index *ix, size_t octets)
{
	if (ix->env == NULL)
		return 0;
	if (octets == 0)
		octets = LOG_MUCH_OCTETS;
	else if (octets < LOG_FILE_OCTETS)
		octets = LOG_FILE_OCTETS;
	else if (octets > LOG_MOST_OCTETS)
		octets = LOG_MOST_OCTETS;
	ix->much = 1;
	return cause_of(ix->env->set_lg_max(ix->env, (uint32_t)octets));
}

/* All tables; the first error counts. */
static int
close_tables(struct index *ix, uint32_t flags)
{
	enum table t;
	int error = 0, rv;

	for (t = 0; t < TABLES; t++) {
		if (ix->table[t] == NULL)
			continue;
		rv = ix->table[t]->close(ix->table[t], flags);
		if (error == 0)
			error = rv;
	}
	return error;
}

/*
 * As if the process had been killed.  Closed otherwise, Berkeley DB writes
 * the pages that it has, whether or not their part of the log could be.
 */
static void
abandon_env(struct index *ix)
{
	if (ix->env == NULL)
		return;
	if (ix->opened)
		(void)ix->env->set_flags(ix->env, DB_PANIC_ENVIRONMENT, 1);
	(void)ix->env->close(ix->env, 0);
}

int
index_close(struct index *ix)
{
	int error;

	if (ix == NULL)
		return 0;
	index_abort(ix);
	if (ix->env != NULL && (error = cause_noted()) != 0) {
		index_abandon(ix);
		return error;
	}
	error = cause_of(close_tables(ix, 0));
	if (ix->env != NULL) {
		/* All is in index.db now: the log may go. */
		if (error == 0 && (error = cause_of(shorten_log(ix))) == 0)
			error = index_trim(ix);
		if (error == 0)
			error = cause_of(ix->env->close(ix->env, 0));
		else
			abandon_env(ix);
	}
	free(ix);
	return error;
}

void
index_abandon(struct index *ix)
{
	if (ix == NULL)
		return;
	index_abort(ix);
	(void)close_tables(ix, DB_NOSYNC);
	abandon_env(ix);
	free(ix);
}

int
index_fd(struct index *ix)
{
	int fd;

	if (ix->mode == INDEX_MEMORY || open_table(ix, TABLE_NAMES) != 0 ||
	    ix->table[TABLE_NAMES]->fd(ix->table[TABLE_NAMES], &fd) != 0)
		return -1;
	return fd;
}

int
index_trim(struct index *ix)
{
	int error;

	if (ix->env == NULL)
		return 0;
	error = ix->env->txn_checkpoint(ix->env, 0, 0, 0);
	if (error == 0)
		error = ix->env->log_archive(ix->env, NULL, DB_ARCH_REMOVE);
	return cause_of(error);
}

int
index_check_pages(struct index *ix)
{
	int error;

	if (ix->mode == INDEX_MEMORY)
		return 0;
	/* What recovery has mended is in the file after a checkpoint. */
	if ((error = index_trim(ix)) != 0 ||
	    (error = open_table(ix, TABLE_NAMES)) != 0)
		return error;
	return cause_of(
	    bdb_check_pages(ix->table[TABLE_NAMES], BDB_ALL_PAGES));
}

int
index_read_all(struct index *ix)
{
	DB_BTREE_STAT *stat;
	enum table t;
	int error;

	for (t = 0; t < TABLES; t++) {
		error = open_table(ix, t);
		if (error == INDEX_NOT_FOUND)
			continue;
		if (error != 0 ||
		    (error = cause_of(ix->table[t]->stat(
			 ix->table[t], NULL, &stat, 0))) != 0)
			return error;
		free(stat);
	}
	return 0;
}

int
index_verify(const char *dir)
{
	char path[PATH_MAX];
	int error;

	cause_begin(INDEX_FILE);
	if ((error = dir_path(path, dir, INDEX_FILE)) != 0)
		return error;
	return cause_of(bdb_verify(path, dir, cause_message));
}

int
index_begin(struct index *ix)
{
	if (ix->env == NULL)
		return 0;
	return cause_of(ix->env->txn_begin(ix->env, NULL, &ix->txn, 0));
}

/* A record that was deleted goes now: this writes. */
static int
close_cursor(struct index *ix)
{
	DBC *cursor = ix->cursor;

	ix->cursor = NULL;
	ix->at_len = 0;
	return cursor == NULL ? 0 : cause_of(cursor->close(cursor));
}

int
index_commit(struct index *ix, int durable)
{
	DB_TXN *txn = ix->txn;
	int error;

	if ((error = close_cursor(ix)) != 0)
		return error;
	ix->txn = NULL;
	if (txn == NULL)
		return 0;
	return cause_of(
	    txn->commit(txn, durable ? 0 : DB_TXN_WRITE_NOSYNC));
}

void
index_abort(struct index *ix)
{
	DB_TXN *txn = ix->txn;

	(void)close_cursor(ix);
	ix->txn = NULL;
	cause_expect_holes(1);
	if (txn != NULL)
		(void)txn->abort(txn);
	cause_expect_holes(0);
}

static int
get(struct index *ix, enum table t, DBT *key, void *buf, size_t *len)
{
	DBT data;
	int error;

	if ((error = open_table(ix, t)) != 0)
		return error;
	data = dbt(buf, 0);
	data.ulen = RECORD_OCTETS;
	data.flags = DB_DBT_USERMEM;
	error = ix->table[t]->get(ix->table[t], ix->txn, key, &data, 0);
	*len = data.size;
	return cause_of(error);
}

static int
put(struct index *ix, enum table t, DBT *key, const void *buf, size_t len)
{
	DBT data = dbt(buf, len);

	return cause_of(
	    ix->table[t]->put(ix->table[t], ix->txn, key, &data, 0));
}

int
index_get_totals(struct index *ix, struct totals *t, int *version)
{
	unsigned char buf[RECORD_OCTETS];
	DBT key = dbt(totals_key, sizeof(totals_key));
	size_t len;
	int error;

	if ((error = get(ix, TABLE_NAMES, &key, buf, &len)) != 0)
		return error;
	return decoded(totals_decode(t, buf, len, version));
}

int
index_put_totals(struct index *ix, const struct totals *t)
{
	unsigned char buf[TOTALS_OCTETS];
	DBT key = dbt(totals_key, sizeof(totals_key));

	totals_encode(t, buf);
	return put(ix, TABLE_NAMES, &key, buf, sizeof(buf));
}

static int
open_cursor(struct index *ix, enum table t, DBC **cursor)
{
	int error;

	if ((error = open_table(ix, t)) != 0)
		return error;
	return cause_of(
	    ix->table[t]->cursor(ix->table[t], ix->txn, cursor, 0));
}

static int
is_at(const struct index *ix, const DBT *key)
{
	return ix->at_len != 0 && ix->at_len == key->size &&
	    memcmp(ix->at, key->data, key->size) == 0;
}

/* Moves the transaction's cursor to a name; data is its memory. */
static int
seek_name(struct index *ix, DBT *key, DBT *data)
{
	int error;

	ix->at_len = 0;
	if (ix->cursor == NULL &&
	    (error = open_cursor(ix, TABLE_NAMES, &ix->cursor)) != 0)
		return error;
	*data = dbt(NULL, 0);
	error = ix->cursor->get(ix->cursor, key, data, DB_SET);
	if (error != 0)
		return cause_of(error);
	memcpy(ix->at, key->data, key->size);
	ix->at_len = key->size;
	return 0;
}

int
index_get_name(struct index *ix, struct entry *e)
{
	unsigned char keybuf[ENTRY_KEY_MAX], buf[RECORD_OCTETS];
	DBT key = dbt(keybuf, entry_encode_key(e, keybuf)), data;
	size_t len;
	int error;

	if (ix->txn != NULL) {
		if ((error = seek_name(ix, &key, &data)) != 0)
			return error;
		return decoded(entry_decode_name(e, data.data, data.size));
	}
	if ((error = get(ix, TABLE_NAMES, &key, buf, &len)) != 0)
		return error;
	return decoded(entry_decode_name(e, buf, len));
}

int
index_find_name(struct index *ix, enum folder folder, const char *name,
    struct entry *e)
{
	e->folder = folder;
	entry_cut(e, name);
	return index_get_name(ix, e);
}

/* A UIDL that another name has stays that one's. */
static int
put_uidl(struct index *ix, const char *uidl, DBT *name)
{
	DB *db = ix->table[TABLE_UIDLS];
	DBT key = dbt(uidl, strlen(uidl));
	int error = db->put(db, ix->txn, &key, name, DB_NOOVERWRITE);

	return error == DB_KEYEXIST ? 0 : cause_of(error);
}

int
index_put_name(struct index *ix, const struct entry *e)
{
	unsigned char keybuf[ENTRY_KEY_MAX], buf[ENTRY_NAME_MAX];
	DBT key = dbt(keybuf, entry_encode_key(e, keybuf));
	DBT data = dbt(buf, entry_encode_name(e, buf));
	int error;

	/* What was just looked at need not be looked for again. */
	if (is_at(ix, &key))
		error = cause_of(
		    ix->cursor->put(ix->cursor, &key, &data, DB_CURRENT));
	else
		error = put(ix, TABLE_NAMES, &key, data.data, data.size);
	if (error != 0)
		return error;
	return e->uidl[0] == '\0' ? 0 : put_uidl(ix, e->uidl, &key);
}

/* Moves a new cursor to key; *cursor is NULL after an error. */
static int
find(struct index *ix, enum table t, DBT *key, DBT *data, DBC **cursor)
{
	DB *db = ix->table[t];
	int error;

	*cursor = NULL;
	*data = dbt(NULL, 0);
	if ((error = db->cursor(db, ix->txn, cursor, 0)) != 0)
		return cause_of(error);
	error = cause_of((*cursor)->get(*cursor, key, data, DB_SET));
	if (error != 0) {
		(void)(*cursor)->close(*cursor);
		*cursor = NULL;
	}
	return error;
}

/* Deletes what the cursor is at, if all is well so far, and closes it. */
static int
delete_at(DBC *cursor, int error)
{
	int rv;

	if (error == 0)
		error = cause_of(cursor->del(cursor, 0));
	/* The record goes when the cursor leaves it. */
	rv = cause_of(cursor->close(cursor));
	return error != 0 ? error : rv;
}

/* Its row, where it is this name's; version 1 made none. */
int
index_release_uidl(struct index *ix, const struct entry *e)
{
	unsigned char keybuf[ENTRY_KEY_MAX];
	size_t len = entry_encode_key(e, keybuf);
	DBT key = dbt(e->uidl, strlen(e->uidl)), data;
	DBC *cursor;
	int error;

	error = find(ix, TABLE_UIDLS, &key, &data, &cursor);
	if (error != 0)
		return error == INDEX_NOT_FOUND ? 0 : error;
	if (data.size > 0 && data.size == len &&
	    memcmp(data.data, keybuf, len) == 0)
		return delete_at(cursor, 0);
	return cause_of(cursor->close(cursor));
}

int
index_delete_name(struct index *ix, const struct entry *e)
{
	unsigned char keybuf[ENTRY_KEY_MAX];
	DBT key = dbt(keybuf, entry_encode_key(e, keybuf)), data;
	struct entry old = *e;
	int error;

	if ((error = seek_name(ix, &key, &data)) != 0)
		return error;
	ix->at_len = 0;
	error = decoded(entry_decode_name(&old, data.data, data.size));
	if (error == 0)
		error = cause_of(ix->cursor->del(ix->cursor, 0));
	if (error == 0 && old.uidl[0] != '\0')
		error = index_release_uidl(ix, &old);
	return error;
}

int
index_find_uidl(struct index *ix, const char *uidl, struct entry *e)
{
	unsigned char buf[RECORD_OCTETS];
	DBT key = dbt(uidl, strlen(uidl));
	size_t len;
	int error;

	if ((error = get(ix, TABLE_UIDLS, &key, buf, &len)) != 0)
		return error;
	return decoded(entry_decode_key(e, buf, len));
}

int
index_claim_uidl(struct index *ix, const struct entry *e)
{
	unsigned char keybuf[ENTRY_KEY_MAX], buf[RECORD_OCTETS];
	size_t len, name = entry_encode_key(e, keybuf);
	DBT key = dbt(e->uidl, strlen(e->uidl));
	int error = get(ix, TABLE_UIDLS, &key, buf, &len);

	if (error == 0 && len == name && memcmp(buf, keybuf, len) == 0)
		return 0;
	if (error != 0 && error != INDEX_NOT_FOUND)
		return error;
	return put(ix, TABLE_UIDLS, &key, keybuf, name);
}

int
index_enqueue(struct index *ix, const struct entry *e)
{
	unsigned char seq[ENTRY_SEQUENCE], buf[ENTRY_QUEUE_MAX];
	DBT key = dbt(seq, sizeof(seq));

	entry_encode_sequence(e->sequence, seq);
	return put(ix, (enum table)e->folder, &key, buf,
	    entry_encode_queue(e, buf));
}

int
index_dequeue(struct index *ix, const struct entry *e)
{
	DB *db = ix->table[e->folder];
	unsigned char seq[ENTRY_SEQUENCE];
	DBT key = dbt(seq, sizeof(seq));

	entry_encode_sequence(e->sequence, seq);
	return cause_of(db->del(db, ix->txn, &key, 0));
}

static int
decode_queue(const DBT *key, const DBT *data, struct entry *e)
{
	return decoded(entry_decode_queue(
	    e, key->data, key->size, data->data, data->size));
}

/* Moves a cursor to message number, and gives its key and data. */
static int
set_number(DBC *cursor, uint64_t number, DBT *key, DBT *data)
{
	static db_recno_t recno; /* the cursor's memory until the next call */

	if (number == 0 || number > UINT32_MAX)
		return INDEX_NOT_FOUND;
	recno = (db_recno_t)number;
	*key = dbt(&recno, sizeof(recno));
	*data = dbt(NULL, 0);
	return cause_of(cursor->get(cursor, key, data, DB_SET_RECNO));
}

int
index_number(struct index *ix, enum folder folder, uint64_t number,
    struct entry *e)
{
	DBT key, data;
	DBC *cursor;
	int error;

	if ((error = open_cursor(ix, (enum table)folder, &cursor)) != 0)
		return error;
	e->folder = folder;
	if ((error = set_number(cursor, number, &key, &data)) == 0)
		error = decode_queue(&key, &data, e);
	(void)cursor->close(cursor);
	return error;
}

int
index_get_queued(struct index *ix, struct entry *e)
{
	unsigned char seq[ENTRY_SEQUENCE], buf[RECORD_OCTETS];
	DBT key = dbt(seq, sizeof(seq));
	size_t len;
	int error;

	entry_encode_sequence(e->sequence, seq);
	if ((error = get(ix, (enum table)e->folder, &key, buf, &len)) != 0)
		return error;
	return decoded(entry_decode_queue(e, seq, sizeof(seq), buf, len));
}

int
index_number_of(struct index *ix, enum folder folder, uint64_t sequence,
    uint64_t *number)
{
	unsigned char seq[ENTRY_SEQUENCE];
	DBT key = dbt(seq, sizeof(seq)), data = dbt(NULL, 0);
	db_recno_t recno = 0;
	DBC *cursor;
	int error;

	if ((error = open_cursor(ix, (enum table)folder, &cursor)) != 0)
		return error;
	entry_encode_sequence(sequence, seq);
	error = cause_of(cursor->get(cursor, &key, &data, DB_SET_RANGE));
	if (error == 0) {
		data = dbt(&recno, 0);
		data.ulen = sizeof(recno);
		data.flags = DB_DBT_USERMEM;
		error = cause_of(
		    cursor->get(cursor, &key, &data, DB_GET_RECNO));
	}
	(void)cursor->close(cursor);
	*number = recno;
	return error;
}

int
index_clear_queue(struct index *ix, enum folder folder)
{
	uint32_t count;

	return cause_of(ix->table[folder]->truncate(
	    ix->table[folder], ix->txn, &count, 0));
}

int
index_count(struct index *ix, enum folder folder, uint64_t *count)
{
	enum table t = (enum table)folder;
	DB_BTREE_STAT *stat;
	int error;

	/* With DB_RECNUM the fast statistics know the exact number. */
	if ((error = open_table(ix, t)) != 0 ||
	    (error = cause_of(ix->table[t]->stat(
		 ix->table[t], ix->txn, &stat, DB_FAST_STAT))) != 0)
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
	if ((w = malloc(sizeof(*w))) == NULL)
		return ENOMEM;
	if ((error = open_cursor(ix, t, &w->cursor)) != 0) {
		free(w);
		return error;
	}
	(void)ix->table[t]->get_pagesize(ix->table[t], &page);
	w->names = t == TABLE_NAMES;
	w->next = NULL;
	w->data = dbt(w->buf, 0);
	/* Little at first: perhaps one message is all that is asked for. */
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
	if (error == 0 && w->key.size != ENTRY_SEQUENCE)
		error = INDEX_DAMAGED;
	if (error != 0) {
		index_walk_end(w);
		*walk = NULL;
		return error;
	}
	memcpy(w->start, w->key.data, ENTRY_SEQUENCE);
	w->key = dbt(w->start, ENTRY_SEQUENCE);
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
	w->start[0] = entry_folder_letter(folder);
	w->key = dbt(w->start, 1);
	w->flags = DB_SET_RANGE;
	return 0;
}

static int
decode_walked(const struct walk *w, const unsigned char *key, size_t keylen,
    const unsigned char *data, size_t len, struct entry *e)
{
	enum entry_result result;

	e->folder = w->folder;
	if (!w->names)
		return decoded(entry_decode_queue(e, key, keylen, data, len));
	if (keylen < 1 || key[0] != entry_folder_letter(w->folder))
		return INDEX_NOT_FOUND; /* behind the last of this folder */
	if ((result = entry_decode_key(e, key, keylen)) == ENTRY_GOOD)
		result = entry_decode_name(e, data, len);
	return decoded(result);
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
			return cause_of(error);
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

/* The loop of both, over a walk that was begun or not. */
static int
each(struct walk *w, int error, visit_fn visit, void *arg)
{
	struct entry e;

	while (error == 0 && (error = index_walk_next(w, &e)) == 0)
		if ((error = visit(arg, &e)) != 0) {
			index_walk_end(w);
			return error;
		}
	index_walk_end(w);
	return error == INDEX_NOT_FOUND ? 0 : error;
}

int
index_each_name(
    struct index *ix, enum folder folder, visit_fn visit, void *arg)
{
	struct walk *w;
	int error = index_walk_names(ix, folder, &w);

	return each(w, error, visit, arg);
}

int
index_each_queued(struct index *ix, enum folder folder, uint64_t number,
    visit_fn visit, void *arg)
{
	struct walk *w;
	int error = index_walk_queue(ix, folder, number, &w);

	return each(w, error, visit, arg);
}
