/*
 * The accounts: who they are, what they may do, where their mail is.
 *
 * One Berkeley DB btree, root's and mode 0600.  auth opens it while it is
 * still root and looks one account up; pop3ctl writes it.  A writer makes a
 * new file and renames it into place, so a reader never locks and never
 * sees half a change; writers exclude each other by PATH.lock.
 */
#ifndef AUTH_ACCOUNTS_H
#define AUTH_ACCOUNTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/policy.h"

#define HASH_MAX	  383 /* octets */
#define APP_PASSWORDS_MAX 64
#define NETWORKS_MAX	  4 /* of one application password */

enum access { ACCESS_OFF, ACCESS_ALL, ACCESS_FROM_NOW };

/* Addresses that begin with the same bits, so many as prefix says. */
struct network {
	unsigned char family; /* 4 or 6 */
	unsigned char prefix; /* at most 32 or 128 */
	unsigned char address[16]; /* of family 4 in the first four octets */
};

struct app_password {
	char label[LABEL_MAX + 1];
	int64_t created;	  /* seconds since the epoch */
	int64_t expires;	  /* the same, or FOR_EVER */
	enum service services;	  /* what it is good for */
	int read_only;		  /* nothing may be deleted with it */
	unsigned char digest[32]; /* SHA-256 of the normalized password */
	size_t nnetwork;	  /* 0: it is good from everywhere */
	struct network network[NETWORKS_MAX];
};

/*
 * An account; or an alias, another name of one: then alias_of says whose,
 * and all but that and address is empty.
 */
struct account {
	char address[ADDRESS_MAX + 1];	/* lower case */
	char alias_of[ADDRESS_MAX + 1]; /* lower case; empty: an account */
	char hash[HASH_MAX + 1];	/* crypt(3)'s; empty: no password */
	char maildir[MAILDIR_MAX + 1];	/* absolute */
	uid_t uid;			/* the mailbox's owner, never 0 */
	gid_t gid;
	enum access access;
	struct policy policy; /* from_now counts with ACCESS_FROM_NOW only */
	int two_factor;
	int send;	    /* may send mail */
	int self_service;   /* may change settings of its own */
	int64_t generation; /* every change of a password raises it */
	size_t napp;
	struct app_password app[APP_PASSWORDS_MAX];
};

/* An open accounts database, to look up and to list. */
struct accounts;

/*
 * Opens the database for reading.  Returns 0, or -1 with a sentence that
 * tells what is wrong and the mend in err.
 */
int accounts_open(
    struct accounts **accounts, const char *path, char *err, size_t errsize);

/*
 * Looks for pages that are lost, on which accounts_get() might not end: it
 * reads the whole database, which a login has no time for.  Returns 0, or
 * -1 with err filled.  accounts_next() and writers look by themselves.
 */
int accounts_check(struct accounts *accounts, char *err, size_t errsize);

/* What accounts_get() says of an alias. */
#define ACCOUNTS_ALIAS 2

/*
 * Looks an address up; case does not matter.  Returns 1 and fills account
 * when there is an account; ACCOUNTS_ALIAS and fills address and alias_of
 * alone when there is an alias, which is no account: nobody logs in to it,
 * and it may lead nowhere; 0 when there is neither; -1 with err filled when
 * the database or the record cannot be read (corrupt, of a newer version).
 */
int accounts_get(struct accounts *accounts, const char *address,
    struct account *account, char *err, size_t errsize);

/*
 * Steps through all accounts in the order of their addresses, and over the
 * aliases among them: 1 and the next account, 0 at the end, -1 with err
 * filled.
 */
int accounts_next(struct accounts *accounts, struct account *account,
    char *err, size_t errsize);

void accounts_close(struct accounts *accounts);

/*
 * Changing accounts: begin (waits for another writer, creates what is
 * missing), any number of gets, puts and deletes, then commit, after which
 * all of them are seen at once and survive a power cut, or abandon, after
 * which none is.  Both free edit, commit also when it fails.  All return 0,
 * or -1 with err filled; accounts_edit_get() as accounts_get().
 */
struct accounts_edit;

int accounts_edit_begin(struct accounts_edit **edit, const char *path,
    char *err, size_t errsize);
int accounts_edit_get(struct accounts_edit *edit, const char *address,
    struct account *account, char *err, size_t errsize);
int accounts_edit_put(struct accounts_edit *edit,
    const struct account *account, char *err, size_t errsize);
int accounts_edit_delete(struct accounts_edit *edit, const char *address,
    char *err, size_t errsize);
int accounts_edit_commit(
    struct accounts_edit *edit, char *err, size_t errsize);
void accounts_edit_abandon(struct accounts_edit *edit);

#endif
