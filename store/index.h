/*
 * The index of a mailbox: Berkeley DB tables in <Maildir>/pop3d/.
 *
 * Three tables in one file, index.db:
 *	inbox, junk	the queues: sequence -> octets, base name, numbered
 *			(DB_RECNUM), so that message n is found in O(log n)
 *	names		folder and base name -> sequence, octets, state,
 *			suffix; and one record "meta" with the totals
 *
 * Written only inside transactions of a private environment (DB_PRIVATE),
 * whose log makes them atomic; read without one when the mark in the lock
 * says that the file is whole (lock.h).  Or, where nothing can be written,
 * held in memory for one session.
 *
 * Exactly one process has it open, under the lock.  Functions return 0, an
 * errno value, or an error of Berkeley DB; index_strerror() names them.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include <stdint.h>

#include "store/maildir.h"

enum folder { INBOX, JUNK, FOLDERS };

enum state {
	QUEUED,	   /* in the maildrop */
	RETAINED,  /* taken out by a QUIT, kept on disk */
	EARLIER,   /* from before "from now on" */
	EXPUNGING  /* taken out by a QUIT, its file is to be unlinked */
};

/* What names knows of a message. */
struct entry {
	enum folder folder;
	enum state state;
	enum subdir sub;
	uint64_t sequence;
	uint64_t octets;
	char base[NAME_OCTETS];
	char suffix[NAME_OCTETS]; /* with its colon; as it was last seen */
};

struct folder_meta {
	uint64_t count, octets; /* of the queue */
	int64_t time[2];	/* of NEW and CUR; 0: must be read */
	int64_t read;		/* when cur/ was last read, seconds */
	int64_t from_now;	/* as applied last, ns; 0: all mail */
};

struct meta {
	uint64_t next_sequence;
	uint64_t expunging; /* entries in that state */
	struct folder_meta folder[FOLDERS];
};

enum index_mode {
	INDEX_READ,   /* no environment, no transaction, no change */
	INDEX_WRITE,  /* recovers, creates what is missing */
	INDEX_MEMORY  /* on nobody's disk */
};

struct index;

int index_open(struct index **index, const char *dir, enum index_mode mode);

/* Closes; what was committed is then in index.db itself. */
int index_close(struct index *index);
const char *index_strerror(int error);

/* Throws everything away, for a rebuilding; index.db is kept as index.bad. */
int index_discard(const char *dir);

/*
 * An index that nobody vouches for is looked through, once it has been
 * recovered, for pages without a checksum (pages.h).
 */
int index_check_pages(struct index *index);

/* Reads all of the tables: 0, or the error that tells of the damage. */
int index_read_all(struct index *index);

/* Is index.db, open nowhere, well-formed?  DB_VERIFY_BAD: it is not. */
int index_verify(const char *dir);

/*
 * A transaction; one at a time.  A durable commit survives a power cut when
 * it returns; another one survives the end of this process.
 */
int index_begin(struct index *index);
int index_commit(struct index *index, int durable);
void index_abort(struct index *index);

/*
 * Before thousands of changes: the log gets larger files until the index is
 * closed, since each costs a sync and a removal.
 */
int index_expect_much(struct index *index);

/* Between transactions: shortens the log that many changes have made. */
int index_trim(struct index *index);

/* DB_NOTFOUND: a new index. */
int index_get_meta(struct index *index, struct meta *meta);
int index_put_meta(struct index *index, const struct meta *meta);

/* By e->folder and e->base.  DB_NOTFOUND: not known. */
int index_get_name(struct index *index, struct entry *e);
int index_put_name(struct index *index, const struct entry *e);
int index_delete_name(struct index *index, const struct entry *e);

/* Appends to, and takes out of, the queue of e->folder. */
int index_enqueue(struct index *index, const struct entry *e);
int index_dequeue(struct index *index, const struct entry *e);

/* The base name of message number (from 1) of a queue. */
int index_number(struct index *index, enum folder folder, uint64_t number,
    struct entry *e);

/* What the queue of e->folder has under e->sequence: octets and base. */
int index_get_queued(struct index *index, struct entry *e);

/* Empties a queue, for its remaking. */
int index_clear_queue(struct index *index, enum folder folder);

/* How many messages a queue really has. */
int index_count(struct index *index, enum folder folder, uint64_t *count);

/*
 * Walks through a table in its order, in bulk: a queue from a number on
 * (sequence, octets and base are filled), or the names of a folder (all
 * is).  index_walk_next() returns DB_NOTFOUND at the end, index_walk_queue()
 * when there is no such number.  The table must
 * not be changed meanwhile.
 */
struct walk;
int index_walk_queue(struct index *index, enum folder folder,
    uint64_t number, struct walk **walk);
int index_walk_names(
    struct index *index, enum folder folder, struct walk **walk);
int index_walk_next(struct walk *walk, struct entry *e);
void index_walk_end(struct walk *walk);

#endif
