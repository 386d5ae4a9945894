/*
 * What the index knows of a message, and of a mailbox in sum, and both as
 * octets in every version that was ever written (I14).
 *
 * Version 1: names and queues without a version of their own; version 2:
 * each record begins with an octet that no record of version 1 can begin
 * with, so both may stand in one table, and a record is brought forward when
 * it is written next.  The totals say which version the whole is: a newer
 * one is refused.  Pure computation: no descriptor, no memory, any process.
 */
#ifndef STORE_ENTRY_H
#define STORE_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include "store/maildir.h"

enum folder { INBOX, JUNK, FOLDERS };

enum state {
	QUEUED,	   /* in the maildrop */
	RETAINED,  /* taken out by a QUIT, kept on disk */
	EARLIER,   /* from before "from now on" */
	EXPUNGING, /* its file is to be unlinked: by a QUIT, or by a purge */
	LEFT_OUT   /* its file could not be read so far: not measured */
};

#define SIZE_UNKNOWN UINT64_MAX /* what version 1 did not record */

struct entry {
	enum folder folder;
	enum state state;
	enum subdir sub;  /* where its file was seen last */
	int young;	  /* its file was no two seconds old when measured */
	int purged;	  /* EXPUNGING: whatever auto-delete says */
	uint64_t sequence;
	uint64_t octets;  /* as LIST shows them */
	uint64_t size;	  /* of the file, octets on disk */
	uint64_t inode;	  /* as its directory says; 0: unknown, or RETAINED */
	int64_t retained; /* RETAINED: since when, seconds; 0: unknown */
	char base[NAME_OCTETS];
	char suffix[NAME_OCTETS]; /* with its colon; as it was last seen */
	char uidl[UIDL_MAX + 1];  /* empty: the base name is the UIDL */
};

/* The one place where a file's name is cut into base and suffix ... */
void entry_cut(struct entry *e, const char *name);

/* ... and put together again.  ENAMETOOLONG, or 0. */
int entry_name(const struct entry *e, char name[NAME_OCTETS]);

/*
 * The UIDL of an entry (I4); returns its length.  entry_set_uidl() gives a
 * new entry the one that its name leads to, hashed if hashed is set or the
 * name is not fit to be one (maildir_uidl()).
 */
size_t entry_uidl(const struct entry *e, char uidl[UIDL_MAX + 1]);
void entry_set_uidl(struct entry *e, int hashed);

/* Is the UIDL one that its name cannot lead to: brought from elsewhere? */
int entry_is_foreign(const struct entry *e);

/* Retained, or from before "from now on". */
int entry_is_kept(const struct entry *e);

#define IDENTITY_OCTETS 16

struct folder_totals {
	uint64_t count, octets; /* of the queue */
	uint64_t names;		/* in whatever state */
	uint64_t in_new;	/* of them, those whose file stays in new/ */
	uint64_t left_out;	/* of them, those in that state */
	uint64_t young;		/* first sequence of a young one; 0: none */
	int64_t time[2];	/* of NEW and CUR; 0: must be read */
	int64_t read;		/* when cur/ was last read, seconds */
	int64_t from_now;	/* as applied last, ns; 0: all mail */
};

struct totals {
	unsigned char identity[IDENTITY_OCTETS]; /* random, at creation */
	uint64_t generation;	/* raised by each commit */
	uint64_t next_sequence; /* from 1 on */
	uint64_t expunging;	/* entries in that state */
	int64_t expunged;	/* when the last of them became so, ns, by the
				   file system's clock; 0: unknown */
	int64_t forwarded;	/* when it was brought forward, seconds */
	/* Of the file "uidls" as it was read last; 0: there was none. */
	uint64_t uidls_inode, uidls_size;
	int64_t uidls_changed;
	struct folder_totals folder[FOLDERS];
};

#define TOTALS_LETTER 'm' /* the key of the totals, in the table of names */

/* Longest encodings, in octets. */
#define ENTRY_KEY_MAX	 (1 + NAME_MAX)
#define ENTRY_NAME_MAX	 (64 + NAME_MAX + UIDL_MAX)
#define ENTRY_QUEUE_MAX	 (16 + NAME_MAX + UIDL_MAX)
#define ENTRY_SEQUENCE	 8
#define TOTALS_OCTETS	 320 /* fixed; room is left, zeroes */

/* What decoding found. */
enum entry_result {
	ENTRY_GOOD,
	ENTRY_DAMAGED, /* too short, too long, or values that cannot be */
	ENTRY_NEWER    /* of a version that this program does not know */
};

/* The key of names: the folder's letter ('i', 'j') and the base. */
size_t entry_encode_key(const struct entry *e, unsigned char *buf);
enum entry_result entry_decode_key(
    struct entry *e, const unsigned char *p, size_t len);
unsigned char entry_folder_letter(enum folder folder);

/* The value of names.  folder and base are not in it, and stay. */
size_t entry_encode_name(const struct entry *e, unsigned char *buf);
enum entry_result entry_decode_name(
    struct entry *e, const unsigned char *p, size_t len);

/* Key and value of a queue: sequence; octets, base and UIDL. */
void entry_encode_sequence(uint64_t sequence, unsigned char *buf);
size_t entry_encode_queue(const struct entry *e, unsigned char *buf);
enum entry_result entry_decode_queue(struct entry *e,
    const unsigned char *key, size_t keylen, const unsigned char *p,
    size_t len);

/*
 * The totals.  *version is what they were written as: 1 has no identity
 * (zeroes), generation, names, in_new.
 */
void totals_encode(const struct totals *t, unsigned char buf[TOTALS_OCTETS]);
enum entry_result totals_decode(struct totals *t, const unsigned char *p,
    size_t len, int *version);

#endif
