/*
 * The index of a mailbox: Berkeley DB tables in <Maildir>/pop3d/.
 *
 * Four tables in one file, index.db:
 *	inbox, junk	the queues: sequence -> octets, base name, UIDL;
 *			numbered (DB_RECNUM), so that message n is found in
 *			O(log n)
 *	names		folder and base name -> all that is known; and one
 *			record with the totals
 *	uidls		UIDL -> folder and base name, of all UIDLs that are
 *			not base names (I4: such a one may equal a base name
 *			that comes later), and of all that are in the file
 *			uidls (uidls.h), whether their messages are there
 *
 * Written only inside transactions of a private environment (DB_PRIVATE),
 * whose log makes them atomic; read without one where the seal says that the
 * file is whole (seal.h).  Or held in memory for one session.
 *
 * Exactly one process has it open, under the lock.  Functions return 0, an
 * errno value (trouble that passes: I13), or one of index_error.h's; which of
 * these it is, is said here, where it is seen, and never guessed later.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include <stdint.h>

#include "store/entry.h"
#include "store/index_error.h"

enum index_mode {
	INDEX_READ,  /* no environment, no transaction, no change */
	INDEX_WRITE, /* recovers, creates what is missing */
	INDEX_MEMORY /* in memory only, empty at first */
};

#define INDEX_FILE "index.db"

/* A damaged one, for repair.h: as it was found, and when it was read. */
#define INDEX_BAD   "index.bad"
#define INDEX_SAVED "index.saved"

struct index;

/* A sentence on any error of these functions. */
const char *index_strerror(int error);

/*
 * Opens the index in dir.  INDEX_READ: ENOENT where there is none.  *index
 * is NULL after an error.
 */
int index_open(struct index **index, const char *dir, enum index_mode mode);

/* Closes; what was committed is then in index.db itself.  NULL is fine. */
int index_close(struct index *index);

/* Closes without a word, after an error that made it useless. */
void index_abandon(struct index *index);

/* The descriptor of index.db, to look at; -1 in memory. */
int index_fd(struct index *index);

/*
 * An index that nobody vouches for is looked through, once it has been
 * recovered, for pages without a checksum (bdb.h).
 */
int index_check_pages(struct index *index);

/* Reads all of the tables: 0, or the error that tells of the damage. */
int index_read_all(struct index *index);

/*
 * Has Berkeley DB look at the structure of index.db in dir, open nowhere:
 * for repair.h, which has looked at its pages before.  INDEX_DAMAGED, or an
 * errno value.
 */
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
 * closed, since each costs a sync and a removal.  octets is what they will
 * take in the log, so that one file is just filled by them; 0: not known.
 */
int index_expect_much(struct index *index, size_t octets);

/* Between transactions: shortens the log that many changes have made. */
int index_trim(struct index *index);

/*
 * INDEX_NOT_FOUND: a new index.  *version is 1 or 2, see entry.h;
 * index_put_totals() always writes the present version.
 */
int index_get_totals(struct index *index, struct totals *t, int *version);
int index_put_totals(struct index *index, const struct totals *t);

/*
 * By e->folder and e->base; they must be set before the others are asked
 * for.  index_put_name() adds e->uidl to the table uidls where it is not
 * empty, index_delete_name() takes it out of there.  A UIDL that another
 * name has stays that one's: ask index_find_uidl() before giving it.
 */
int index_get_name(struct index *index, struct entry *e);
int index_find_name(struct index *index, enum folder folder, const char *name,
    struct entry *e); /* of a file's name, whatever stands behind its base */
int index_put_name(struct index *index, const struct entry *e);
int index_delete_name(struct index *index, const struct entry *e);

/*
 * The name that has this UIDL, where it is not a base name: fills folder
 * and base.
 */
int index_find_uidl(struct index *index, const char *uidl, struct entry *e);

/*
 * For a UIDL that comes from elsewhere: makes e->uidl that of e->folder and
 * e->base in the table uidls, whether there is such a name and whoever had
 * the UIDL; and undoes that where it is so.
 */
int index_claim_uidl(struct index *index, const struct entry *e);
int index_release_uidl(struct index *index, const struct entry *e);

/* Appends to, and takes out of, the queue of e->folder, by e->sequence. */
int index_enqueue(struct index *index, const struct entry *e);
int index_dequeue(struct index *index, const struct entry *e);

/* Message number (from 1) of a queue: sequence, octets, base, uidl. */
int index_number(struct index *index, enum folder folder, uint64_t number,
    struct entry *e);

/* What the queue of e->folder has under e->sequence. */
int index_get_queued(struct index *index, struct entry *e);

/* The number of the first message whose sequence is not less than this. */
int index_number_of(struct index *index, enum folder folder,
    uint64_t sequence, uint64_t *number);

/* Empties a queue, for its remaking. */
int index_clear_queue(struct index *index, enum folder folder);

/* How many messages a queue really has. */
int index_count(struct index *index, enum folder folder, uint64_t *count);

/*
 * Walks through a table in its order, in bulk: a queue from a number on
 * (sequence, octets, base and uidl are filled), or the names of a folder
 * (all is).  index_walk_next() returns INDEX_NOT_FOUND at the end,
 * index_walk_queue() when there is no such number.  The table must not be
 * changed meanwhile.
 */
struct walk;
int index_walk_queue(struct index *index, enum folder folder,
    uint64_t number, struct walk **walk);
int index_walk_names(
    struct index *index, enum folder folder, struct walk **walk);
int index_walk_next(struct walk *walk, struct entry *e);
void index_walk_end(struct walk *walk); /* NULL is fine */

/*
 * The same walk with its loop: visit() is called for each entry until it
 * returns other than 0, which is then returned; 0 at the end, and where
 * there is nothing to walk through.
 */
typedef int (*visit_fn)(void *arg, struct entry *e);
int index_each_name(
    struct index *index, enum folder folder, visit_fn visit, void *arg);
int index_each_queued(struct index *index, enum folder folder,
    uint64_t number, visit_fn visit, void *arg);

#endif
